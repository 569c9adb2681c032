"""Facts about synchronisation that stop an action."""

from storecast.kit.errors import Conflict, NotFound


class SyncUnknown(NotFound):
    """The shop has no such run."""

    code = "sync_unknown"
    title = "There is no such synchronisation"


class SyncOver(Conflict):
    """The run has already ended."""

    code = "sync_over"
    title = "This synchronisation is already over"


class ResultsUnknown(NotFound):
    """The run did not read what is asked for."""

    code = "sync_results_unknown"
    title = "This synchronisation did not read that"
