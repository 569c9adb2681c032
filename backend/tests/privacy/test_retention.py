"""The Privacy page tells the periods that are enforced, not others."""

from storecast.entrypoints.metadata import load_models
from storecast.privacy import retention

load_models()


def test_what_goes_by_a_job_is_told_with_the_jobs_period() -> None:
    told = {period.table: period.days for period in retention.periods() if period.by == "job"}
    assert told == {
        "idempotency_keys": 1,
        "message_returns": 400,
        "privacy_archives": 7,
        "webhook_inbox": 7,
        "webhook_marks": 40,
    }


def test_what_is_dropped_by_time_is_told_with_its_period() -> None:
    told = {period.table: period.days for period in retention.periods() if period.by == "partition"}
    assert told["pixel_events"] == 400
    assert told["job_logs"] == 14


def test_customers_stay_until_they_are_erased() -> None:
    (customers,) = (period for period in retention.periods() if period.table == "customers")
    assert (customers.days, customers.by) == (None, "erasure")
