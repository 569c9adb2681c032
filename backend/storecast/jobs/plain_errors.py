"""What an error's class means to a shop's people, who cannot look into the program."""

import re

from storecast.jobs.schemas import AttemptErrorKey, TaskErrorKey

_BY_CLASS: dict[str, TaskErrorKey] = {
    "ShopifyUnreachable": "store_away",
    "Throttled": "store_away",
    "CircuitOpen": "store_away",
    "TokenRefused": "access_lost",
    "GrantRefused": "access_lost",
    "AccessDenied": "access_lost",
    "ShopUnavailable": "access_lost",
    "SoftTimeLimitExceeded": "too_slow",
    "WorkerLost": "interrupted",
    "PoisonJob": "interrupted",
}

_CLASS_IN_FRONT = re.compile(r"([A-Za-z_]\w*)(?::|$)")


def of_job(state: str, error_class: str | None) -> TaskErrorKey | None:
    """Why a job failed for good; None of one that did not."""
    return _BY_CLASS.get(error_class or "", "unexpected") if state == "dead" else None


def of_attempt(error: str | None) -> AttemptErrorKey | None:
    """Why one try failed. An attempt keeps its error as text, "Class: message", or as words of the ledger's own."""
    if error is None:
        return None
    found = _CLASS_IN_FRONT.match(error)
    return _BY_CLASS.get(found[1], "unexpected") if found else "covered"
