/** Short names for the shapes of tasks, as `types.ts` has them for the rest. */
import type { components } from "@/generated/api";

type Schemas = components["schemas"];

export type Attempt = Schemas["Attempt"];
export type BulkAnswer = Schemas["BulkAnswer"];
export type BulkRequest = Schemas["BulkRequest"];
export type DeadGroup = Schemas["DeadGroup"];
export type DeadGroupDetail = Schemas["DeadGroupDetail"];
export type Family = Schemas["Family"];
export type FamilyNode = Schemas["FamilyNode"];
export type FigureWindow = Schemas["Figures"]["window"];
export type JobDetail = Schemas["JobDetail"];
export type JobFigures = Schemas["JobFigures"];
export type JobLogLine = Schemas["JobLogLine"];
export type JobRun = Schemas["JobRun"];
export type JobSeries = Schemas["Series"];
export type JobState = JobRun["state"];
export type JobStates = Schemas["JobStates"];
export type Suggestion = Schemas["Suggestion"];
export type Task = Schemas["Task"];
export type Tasks = Schemas["Tasks"];
export type WaitReason = Schemas["WaitReason"];
