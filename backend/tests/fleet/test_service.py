"""Heartbeats and what silence means."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from storecast.db.session import platform_session
from storecast.fleet import service
from storecast.fleet.jobs import ForgetLost
from storecast.fleet.service import BEAT_EVERY, FORGET_AFTER, LATE_AFTER, LOST_AFTER, Beat
from storecast.fleet.tasks import forget_lost
from storecast.kit.clock import utcnow
from tests.factories.context import Context

NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)


def process(name: str = "worker@host", **changes: object) -> Beat:
    values: dict[str, object] = {
        "name": name,
        "kind": "worker",
        "host": "host",
        "pid": 7,
        "started_at": NOW - timedelta(hours=1),
        "queues": ["critical", "default"],
        "slots": 4,
        "busy": 1,
        "rss_bytes": 150 * 1024 * 1024,
        "version": "0.1.0",
        "done": 12,
        **changes,
    }
    return Beat(**values)  # type: ignore[arg-type]  # the names are those of the fields


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (timedelta(0), "ok"),
        (-BEAT_EVERY, "ok"),
        (LATE_AFTER, "ok"),
        (LATE_AFTER + timedelta(seconds=1), "late"),
        (LOST_AFTER, "late"),
        (LOST_AFTER + timedelta(seconds=1), "lost"),
    ],
)
def test_a_state_follows_from_the_age_of_the_last_beat(age: timedelta, state: str) -> None:
    assert service.state_of(NOW - age, now=NOW) == state


def test_a_beat_writes_its_row_over(platform: Session) -> None:
    service.beat(platform, process(), now=NOW - BEAT_EVERY)
    service.beat(platform, process(busy=3, done=15), now=NOW)
    (row,) = service.list_workers(platform, now=NOW).processes
    assert row.model_dump() == {
        "name": "worker@host",
        "kind": "worker",
        "host": "host",
        "pid": 7,
        "queues": ["critical", "default"],
        "slots": 4,
        "busy": 3,
        "rss_mib": 150.0,
        "started_at": NOW - timedelta(hours=1),
        "beat_at": NOW,
        "state": "ok",
        "version": "0.1.0",
        "done": 15,
    }


def test_those_in_trouble_come_first_and_whoever_comes_back_is_well(platform: Session) -> None:
    service.beat(platform, process("well"), now=NOW)
    service.beat(platform, process("late"), now=NOW - LATE_AFTER - BEAT_EVERY)
    service.beat(platform, process("lost"), now=NOW - LOST_AFTER - BEAT_EVERY)
    rows = service.list_workers(platform, now=NOW).processes
    assert [(row.name, row.state) for row in rows] == [("lost", "lost"), ("late", "late"), ("well", "ok")]
    service.beat(platform, process("lost"), now=NOW)
    assert [row.state for row in service.list_workers(platform, now=NOW).processes] == ["late", "ok", "ok"]


def test_who_leaves_in_good_order_is_gone_and_who_is_lost_is_forgotten_after_a_day(platform: Session) -> None:
    for name in ("left", "fresh"):
        service.beat(platform, process(name), now=NOW)
    service.beat(platform, process("old"), now=NOW - FORGET_AFTER - BEAT_EVERY)
    service.leave(platform, "left")
    platform.commit()
    with time_machine.travel(NOW):
        forget_lost(ForgetLost(), Context(None))
    assert [row.name for row in service.list_workers(platform, now=NOW).processes] == ["fresh"]


def test_the_api_shows_the_fleet_to_those_who_are_signed_in(
    client: TestClient, signed_in: dict[str, str]
) -> None:
    with platform_session() as session:
        service.beat(session, process("api@host", kind="api", queues=[], slots=0), now=utcnow())
    answer = client.get("/api/v1/workers", headers=signed_in).json()
    assert "api@host" in [row["name"] for row in answer["processes"]]
    assert client.get("/api/v1/workers").status_code == 401
