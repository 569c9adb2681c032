import type { Messages } from "../translate";
import { analytics } from "./analytics";
import { campaigns } from "./campaigns";
import { codes } from "./codes";
import { gate } from "./gate";
import { home } from "./home";
import { operations } from "./operations";
import { report } from "./report";
import { segments } from "./segments";
import { settings } from "./settings";
import { shell } from "./shell";

/** Complete: a key of the English catalogue that is missing here fails the type check. */
export const de: Messages = {
  ...shell,
  ...codes,
  ...home,
  ...campaigns,
  ...gate,
  ...report,
  ...segments,
  ...analytics,
  ...operations,
  ...settings,
};
