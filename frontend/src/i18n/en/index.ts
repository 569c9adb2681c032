import { access } from "./access";
import { alerts } from "./alerts";
import { analytics } from "./analytics";
import { campaigns } from "./campaigns";
import { codes } from "./codes";
import { composing } from "./composing";
import { customers } from "./customers";
import { dataKinds } from "./dataKinds";
import { discounts } from "./discounts";
import { fleet } from "./fleet";
import { gate } from "./gate";
import { health } from "./health";
import { home } from "./home";
import { imports } from "./imports";
import { look } from "./look";
import { operations } from "./operations";
import { policy } from "./policy";
import { privacy } from "./privacy";
import { queues } from "./queues";
import { report } from "./report";
import { returns } from "./returns";
import { schedules } from "./schedules";
import { segments } from "./segments";
import { sending } from "./sending";
import { settings } from "./settings";
import { shell } from "./shell";
import { store } from "./store";
import { tasks } from "./tasks";
import { webhooks } from "./webhooks";
import { workflows } from "./workflows";

/** The complete catalogue: every other language is checked against its keys. */
export const en = {
  ...shell,
  ...access,
  ...codes,
  ...home,
  ...campaigns,
  ...composing,
  ...gate,
  ...report,
  ...segments,
  ...analytics,
  ...look,
  ...operations,
  ...sending,
  ...returns,
  ...settings,
  ...policy,
  ...privacy,
  ...dataKinds,
  ...customers,
  ...imports,
  ...discounts,
  ...store,
  ...webhooks,
  ...alerts,
  ...fleet,
  ...health,
  ...queues,
  ...schedules,
  ...workflows,
  ...tasks,
};
