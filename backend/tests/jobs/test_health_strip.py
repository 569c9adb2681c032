"""The health strip: each item is judged by its limit, the worst comes first, and only operators see it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.jobs import broker_memory, figures, health_strip
from storecast.jobs.broker_memory import Memory
from storecast.jobs.circuits_seen import Circuits
from storecast.jobs.figures_schemas import HealthItem
from storecast.kit.clock import utcnow
from tests.factories.job_rows import add_live, add_run, add_runs

WELL = Circuits([])


@pytest.fixture
def now(database: str) -> datetime:
    return utcnow()


def items(session: Session, now: datetime, **given: Any) -> dict[str, HealthItem]:
    found = health_strip.judge(
        figures.observe(session, now=now), given.get("memory"), given.get("circuits", WELL)
    )
    ranks = [("bad", "warn", "ok").index(item.severity) for item in found]
    assert ranks == sorted(ranks)
    return {item.key: item for item in found}


def add_process(session: Session, kind: str, beat_at: datetime, **columns: Any) -> None:
    values = {"name": f"{kind}@{beat_at}", "kind": kind, "beat_at": beat_at, "dropped": 0, **columns}
    session.execute(
        text(
            "INSERT INTO fleet_processes (name, kind, host, pid, queues, slots, started_at, beat_at, dropped) "
            "VALUES (:name, :kind, 'h', 1, '{critical,default,bulk,sync,ai}', 4, :beat_at, :beat_at, :dropped)"
        ),
        values,
    )


def well(session: Session, now: datetime) -> None:
    for kind in ("worker", "relay", "beat"):
        add_process(session, kind, now)


def test_all_is_well_on_an_idle_installation(platform: Session, now: datetime) -> None:
    well(platform, now)
    found = items(platform, now, memory=Memory(10, 100))
    assert {item.severity for item in found.values()} == {"ok"}
    assert set(found) == {
        "oldest_wait:critical", "oldest_wait:default", "oldest_wait:bulk", "oldest_wait:sync", "oldest_wait:ai",
        "workers", "beat", "relay_lag", "failure_rate", "dead", "broker_memory", "circuits", "history_drops",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("queue", "waited_s", "severity"),
    [
        ("critical", 4, "ok"), ("critical", 6, "warn"), ("critical", 16, "bad"),
        ("default", 29, "ok"), ("default", 31, "warn"), ("bulk", 299, "ok"), ("bulk", 901, "bad"),
        ("sync", 601, "warn"), ("ai", 1799, "ok"),
    ],
)  # fmt: skip
def test_a_queue_is_held_to_its_own_limit(
    platform: Session, now: datetime, queue: str, waited_s: int, severity: str
) -> None:
    well(platform, now)
    add_live(None, queue=queue, state="queued", run_at=now - timedelta(seconds=waited_s))
    found = items(platform, now)[f"oldest_wait:{queue}"]
    assert (found.severity, found.value) == (severity, waited_s)
    assert found.limit == health_strip.WAIT_LIMIT_S[queue]  # type: ignore[index]  # a queue's name


def test_a_paused_queue_is_no_emergency(platform: Session, now: datetime) -> None:
    well(platform, now)
    add_live(None, queue="critical", run_at=now - timedelta(hours=1))
    platform.execute(
        text("INSERT INTO work_limits (kind, key, paused_at) VALUES ('queue', 'critical', now())")
    )
    found = items(platform, now)
    assert found["oldest_wait:critical"].severity == "warn"
    assert found["oldest_wait:critical"].facts == {"depth": 1, "paused": True}
    assert found["relay_lag"].value == 0


def test_failures_are_judged_beside_what_is_usual(platform: Session, now: datetime) -> None:
    well(platform, now)
    recent, before = now - timedelta(minutes=1), now - timedelta(minutes=30)
    add_runs([{"finished_at": recent, "state": "dead"}])
    assert items(platform, now)["failure_rate"].severity == "ok"
    add_runs([{"finished_at": recent} for _ in range(24)])
    found = items(platform, now)["failure_rate"]
    assert (found.severity, found.value, found.facts["runs"]) == ("warn", 4.0, 25)
    add_runs([{"finished_at": before, "state": "dead" if n % 25 == 0 else "succeeded"} for n in range(200)])
    assert items(platform, now)["failure_rate"].severity == "ok"
    add_runs([{"finished_at": recent, "state": "dead"} for _ in range(3)])
    assert items(platform, now)["failure_rate"].severity == "bad"


def test_dead_letters_nobody_acted_on_are_counted(platform: Session, now: datetime) -> None:
    well(platform, now)
    add_run(now - timedelta(days=3), state="dead", discarded_at=now)
    assert items(platform, now)["dead"].severity == "ok"
    add_run(now - timedelta(days=3), state="dead")
    found = items(platform, now)["dead"]
    assert (found.severity, found.value, found.link) == ("warn", 1, "/tasks/dead-letters")
    add_runs([{"finished_at": now - timedelta(days=2), "state": "dead"} for _ in range(99)])
    assert items(platform, now)["dead"].severity == "bad"


def test_silent_workers_are_counted_and_a_queue_without_any_is_bad(platform: Session, now: datetime) -> None:
    add_process(platform, "relay", now)
    add_process(platform, "worker", now - timedelta(seconds=20))
    assert items(platform, now)["workers"].severity == "warn"
    add_live(None, queue="bulk", run_at=now)
    assert items(platform, now)["workers"].facts["queues_without_workers"] == []
    platform.execute(
        text("UPDATE fleet_processes SET beat_at = :at WHERE kind = 'worker'"),
        {"at": now - timedelta(minutes=2)},
    )
    found = items(platform, now)["workers"]
    assert (found.severity, found.value) == ("bad", 1)
    assert found.facts["queues_without_workers"] == ["bulk"]


def test_the_scheduler_and_the_relay_must_be_there(platform: Session, now: datetime) -> None:
    found = items(platform, now)
    assert (found["beat"].severity, found["beat"].value) == ("bad", None)
    assert found["relay_lag"].severity == "bad"
    add_process(platform, "beat", now - timedelta(seconds=30))
    add_process(platform, "relay", now)
    found = items(platform, now)
    assert (found["beat"].severity, found["beat"].value, found["relay_lag"].severity) == ("warn", 30, "ok")


def test_relay_lag_is_what_nothing_but_the_relay_explains(platform: Session, now: datetime) -> None:
    well(platform, now)
    add_live(None, queue="bulk", run_at=now - timedelta(seconds=40))
    assert (items(platform, now)["relay_lag"].severity, items(platform, now)["relay_lag"].value) == (
        "bad",
        40,
    )
    add_live(None, queue="bulk", state="queued")
    assert items(platform, now)["relay_lag"].value == 0


def test_drops_memory_and_circuits(platform: Session, now: datetime) -> None:
    well(platform, now)
    add_process(platform, "worker", now - timedelta(seconds=1), dropped=7)
    away, full = Memory(None, None, "TimeoutError"), Memory(95, 100)
    found = items(platform, now, memory=full, circuits=Circuits(["mail.example"]))
    assert (found["history_drops"].severity, found["history_drops"].value) == ("warn", 7)
    assert (found["broker_memory"].severity, found["broker_memory"].value) == ("bad", 95.0)
    assert (found["circuits"].severity, found["circuits"].facts) == ("warn", {"hosts": ["mail.example"]})
    found = items(platform, now, memory=away, circuits=Circuits(None))
    assert (found["broker_memory"].severity, found["broker_memory"].value) == ("bad", None)
    assert (found["circuits"].severity, found["circuits"].value) == ("warn", None)
    assert "broker_memory" not in items(platform, now, memory=None)


def test_the_brokers_memory_is_what_redis_says(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = broker_memory.read()
    assert memory is not None
    assert memory.error is None
    assert memory.used_bytes is not None
    assert memory.limit_bytes is not None
    assert 0 < memory.used_bytes < memory.limit_bytes
    for url in ("amqp://guest@127.0.0.1/", "memory://"):
        monkeypatch.setattr(get_settings(), "celery_broker_url", url)
        assert broker_memory.read() is None
    monkeypatch.setattr(get_settings(), "celery_broker_url", "redis://127.0.0.1:1/0")
    gone = broker_memory.read()
    assert gone is not None
    assert (gone.percent, gone.error) == (None, "ConnectionError")
