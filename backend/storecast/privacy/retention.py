"""How long each kind of personal data is kept, read from where it is enforced."""

from storecast.auth import idempotency
from storecast.db.partitions import PARTITIONED
from storecast.messaging import returned
from storecast.privacy.coverage import tables_with_personal_data
from storecast.privacy.schemas import Retention
from storecast.privacy.service import ARCHIVE_KEPT
from storecast.webhooks.service import KEEP_HANDLED, KEEP_MARKS

_BY_JOB = {
    "idempotency_keys": idempotency.KEPT.days,
    "message_returns": returned.KEPT.days,
    "privacy_archives": ARCHIVE_KEPT.days,
    "webhook_inbox": KEEP_HANDLED.days,
    "webhook_marks": KEEP_MARKS.days,
}

_RECORDS = ("job_runs", "job_logs")
"""They declare no personal data, yet an error may quote some."""


def periods() -> list[Retention]:
    """Every table that holds personal data, by name."""
    return [_of(name) for name in sorted({*tables_with_personal_data(), *_RECORDS})]


def _of(name: str) -> Retention:
    if name in PARTITIONED:
        return Retention(table=name, days=PARTITIONED[name].keep.days, by="partition")
    if name in _BY_JOB:
        return Retention(table=name, days=_BY_JOB[name], by="job")
    return Retention(table=name, days=None, by="erasure")
