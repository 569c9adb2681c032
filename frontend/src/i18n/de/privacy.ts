import type { privacy as en } from "../en/privacy";
import type { Catalogue } from "../translate";
