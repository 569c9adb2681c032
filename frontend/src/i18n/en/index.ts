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

/** The complete catalogue: every other language is checked against its keys. */
export const en = {
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
