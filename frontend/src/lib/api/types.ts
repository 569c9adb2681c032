/** Short names for the API's shapes; every one comes from the generated document. */
import type { components } from "@/generated/api";

type Schemas = components["schemas"];

export type Attempt = Schemas["Attempt"];
export type Audience = Schemas["Audience"];
export type Campaign = Schemas["Campaign"];
export type CampaignChanges = Schemas["CampaignChanges"];
export type CampaignRow = Schemas["CampaignRow"];
export type CampaignState = Campaign["state"];
export type CustomerRow = Schemas["CustomerRow"];
export type FieldGroup = Schemas["FieldGroup"];
export type FieldInfo = Schemas["FieldInfo"];
export type Gate = Schemas["Gate"];
export type GateCheck = Schemas["Check"];
export type Home = Schemas["Home"];
export type JobDetail = Schemas["JobDetail"];
export type JobRun = Schemas["JobRun"];
export type JobState = JobRun["state"];
export type JobsSummary = Schemas["JobsSummary"];
export type MicroSegment = Schemas["MicroSegment"];
export type MicroSegments = Schemas["MicroSegments"];
export type Money = Schemas["Money"];
export type Overview = Schemas["Overview"];
export type PixelSettings = Schemas["PixelSettings"];
export type Preview = Schemas["Preview"];
export type ProcessRow = Schemas["ProcessRow"];
export type QueueRow = Schemas["QueueRow"];
export type Recipient = Schemas["Recipient"];
export type Report = Schemas["Report"];
export type Segment = Schemas["Segment"];
export type SegmentPreview = Schemas["SegmentPreview"];
export type Session = Schemas["Session"];
export type Settings = Schemas["Settings"];
export type SyncRun = Schemas["SyncRun"];
export type TemplateCheck = Schemas["TemplateCheck"];
export type TemplateRow = Schemas["TemplateRow"];
export type Workers = Schemas["Workers"];
