"""What may be wrong with a request about a job."""

from storecast.kit.errors import Conflict, NotFound


class JobUnknown(NotFound):
    code = "job_unknown"
    title = "There is no such task"


class JobNotRetryable(Conflict):
    code = "job_not_retryable"
    title = "Only a failed or cancelled task can be tried again, and only once"


class JobNotCancellable(Conflict):
    code = "job_not_cancellable"
    title = "The task is already over"
