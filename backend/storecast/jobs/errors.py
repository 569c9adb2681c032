"""What may be wrong with a request about a job."""

from storecast.kit.errors import Conflict, Forbidden, Invalid, NotFound


class JobUnknown(NotFound):
    code = "job_unknown"
    title = "There is no such task"


class JobNotRetryable(Conflict):
    code = "job_not_retryable"
    title = "Only a failed or cancelled task can be tried again, and only once"


class JobNotCancellable(Conflict):
    code = "job_not_cancellable"
    title = "The task is already over"


class JobNotDiscardable(Conflict):
    code = "job_not_discardable"
    title = "Only a failed task that nobody has tried again can be put aside"


class JobNotEditable(Conflict):
    code = "job_not_editable"
    title = (
        "This version of Storecast does not know this kind of task, so that its arguments cannot be checked"
    )


class DeadGroupUnknown(NotFound):
    code = "dead_group_unknown"
    title = "There are no failed tasks of this kind"


class NotesForOperators(Forbidden):
    code = "operators_only"
    title = "Only operators write notes: a group of failures may cross shops"


class WorkflowUnknown(NotFound):
    code = "workflow_unknown"
    title = "There is no such workflow"


class WorkflowInvalid(Invalid):
    code = "workflow_invalid"
    title = "The workflow cannot be started like this"


class WorkflowOver(Conflict):
    code = "workflow_over"
    title = "The workflow is already over"


class WorkflowNotRetryable(Conflict):
    code = "workflow_not_retryable"
    title = "Only a workflow that failed or was cancelled, and whose jobs have all ended, can go on"


class WorkflowUnderWay(Conflict):
    code = "workflow_under_way"
    title = "Another workflow is doing the same work now"


class ScheduleUnknown(NotFound):
    code = "schedule_unknown"
    title = "There is no such schedule"


class ScheduleOfCode(Conflict):
    code = "schedule_of_code"
    title = "The program's own schedules can be paused, skipped and run, not changed"


class ScheduleBusy(Conflict):
    code = "schedule_busy"
    title = "The last run of this schedule is not over yet"


class TooManySchedules(Conflict):
    code = "too_many_schedules"
    title = "The shop has as many schedules as it may have"


class LimitSubjectUnknown(NotFound):
    code = "limit_subject_unknown"
    title = "There is no such queue, kind of job or shop"
