"""Heartbeats and what silence means."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.auth.models import ShopMember
from storecast.db.session import platform_session
from storecast.fleet import service
from storecast.fleet.jobs import ForgetLost
from storecast.fleet.models import FleetCommand
from storecast.fleet.schemas import CommandRequest
from storecast.fleet.service import BEAT_EVERY, FORGET_AFTER, LATE_AFTER, LOST_AFTER, Beat
from storecast.fleet.tasks import forget_lost
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.worker import outbox
from storecast.worker.ledger import Ledger, connect
from storecast.worker.models import OutboxJob
from storecast.worker.reconcile import reconcile
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
        "pool": "prefork",
        "children": [(11, 3 * 1024 * 1024)],
        "prefetched": 1,
        "broker_at": NOW,
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
        "state": "ok",
        "queues": ["critical", "default"],
        "slots": 4,
        "busy": 3,
        "pool": "prefork",
        "children": [],
        "prefetched": 1,
        "rss_mib": 150.0,
        "started_at": NOW - timedelta(hours=1),
        "beat_at": NOW,
        "version": "0.1.0",
        "outdated": False,
        "done": 15,
        # Three in five seconds, weighed as the newest part of a minute.
        "done_per_min": 5.4,
        "last_job": None,
        "last_job_at": None,
        "broker_age_s": 0.0,
        "draining": False,
        "dropped": 0,
        "orphans": 0,
        "commands": [],
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
    service.leave(platform, "left", now=NOW)
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


@pytest.fixture
def operator(signed_in: dict[str, str], shop: Shop) -> dict[str, str]:
    """Headers of the shop's person, who is an operator from now on."""
    with platform_session() as session:
        session.execute(update(ShopMember).values(role="operator"))
    return signed_in


def run_child_of_a_worker(shop: Shop, database: str) -> UUID:
    """A job of the shop that the child 11 of worker@host is running."""
    with platform_session() as session:
        job_id = outbox.add(session, ShopId(shop.id), ForgetLost())
        session.execute(update(OutboxJob).values(state="queued"))
    assert job_id is not None
    ledger = Ledger(database, "worker@host/11")
    ledger.claim([job_id])
    ledger.close()
    return job_id


def test_an_operator_sees_what_each_child_runs_and_a_shop_s_people_do_not(
    client: TestClient,
    signed_in: dict[str, str],
    shop: Shop,
    database: str,
) -> None:
    with platform_session() as session:
        service.beat(session, process(version="0.0.9"), now=utcnow() - timedelta(seconds=2))
        service.beat(session, process("new@host", version="0.1.0"), now=utcnow())
    job_id = run_child_of_a_worker(shop, database)

    plain = client.get("/api/v1/workers", headers=signed_in).json()
    assert {(row["name"], len(row["children"])) for row in plain["processes"] if row["kind"] == "worker"} == {
        ("new@host", 0),
        ("worker@host", 0),
    }
    assert plain["deploys"] == []

    with platform_session() as session:
        session.execute(update(ShopMember).values(role="operator"))
    seen = client.get("/api/v1/workers", headers=signed_in).json()
    rows = {row["name"]: row for row in seen["processes"]}
    (child,) = rows["worker@host"]["children"]
    assert (child["pid"], child["rss_mib"], child["job"]["id"]) == (11, 3.0, str(job_id))
    assert (child["job"]["title_key"], child["job"]["shop_domain"]) == ("jobs.fleet.forget_lost", shop.domain)
    assert rows["worker@host"]["outdated"] is True
    assert rows["new@host"]["outdated"] is False
    assert seen["newest_version"] == "0.1.0"


def test_a_lost_worker_s_orphans_say_what_became_of_them(
    client: TestClient, operator: dict[str, str], shop: Shop, database: str
) -> None:
    with platform_session() as session:
        service.beat(session, process(), now=utcnow())
    job_id = run_child_of_a_worker(shop, database)
    with connect(database) as connection:
        connection.execute("UPDATE outbox SET lease_until = now() - interval '1 second'")
        reconcile(connection)

    (row,) = client.get("/api/v1/workers/worker@host/orphans", headers=operator).json()
    assert (row["job_id"], row["attempt"], row["outcome"], row["state"], row["shop_domain"]) == (
        str(job_id),
        1,
        "retried",
        "staged",
        shop.domain,
    )
    rows = client.get("/api/v1/workers", headers=operator).json()["processes"]
    assert {row["name"]: row["orphans"] for row in rows}["worker@host"] == 1


def test_a_command_is_asked_obeyed_and_acknowledged(
    client: TestClient, operator: dict[str, str], shop: Shop
) -> None:
    with platform_session() as session:
        service.beat(session, process(), now=utcnow())
    answer = client.post(
        "/api/v1/workers/worker@host/commands",
        headers=operator,
        json={"action": "resize", "slots": 6, "reason": "a sale"},
    )
    assert answer.status_code == 200
    assert (answer.json()["slots"], answer.json()["done_at"]) == (6, None)

    with platform_session() as session:
        (command,) = service.take_commands(session, "worker@host", started_at=NOW, now=utcnow())
        assert (command.action, command.slots) == ("resize", 6)
        service.end_command(session, command.id, now=utcnow(), error=None)
        assert service.take_commands(session, "worker@host", started_at=NOW, now=utcnow()) == []
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.subject == "worker@host")).all()
        assert (entry.action, entry.detail) == ("worker.resize", {"slots": 6, "reason": "a sale"})
    rows = client.get("/api/v1/workers", headers=operator).json()["processes"]
    (shown,) = next(row for row in rows if row["name"] == "worker@host")["commands"]
    assert shown["done_at"] is not None
    assert shown["error"] is None


def test_a_successor_does_not_obey_what_its_predecessor_was_asked(platform: Session) -> None:
    service.beat(platform, process(), now=utcnow())
    request = CommandRequest(action="stop")
    service.ask(platform, None, "user:1", "worker@host", request, now=utcnow())
    platform.commit()
    later = utcnow() + timedelta(seconds=1)
    assert service.take_commands(platform, "worker@host", started_at=later, now=later) == []
    rows = service.list_workers(platform, now=utcnow(), everything=True).processes
    assert [command.error for command in rows[0].commands] == ["the process has ended"]


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("nobody@host", {"action": "drain"}, 404, "process_unknown"),
        ("relay@host", {"action": "drain"}, 409, "process_takes_no_commands"),
        ("lost@host", {"action": "drain"}, 409, "process_not_reachable"),
        ("worker@host", {"action": "resize"}, 422, "invalid"),
        ("worker@host", {"action": "resize", "slots": 0}, 422, "invalid"),
        ("worker@host", {"action": "drain", "slots": 3}, 422, "invalid"),
        ("worker@host", {"action": "explode"}, 422, "invalid"),
    ],
)
def test_a_command_that_cannot_be_is_refused_and_asks_nothing(
    client: TestClient,
    operator: dict[str, str],
    platform: Session,
    name: str,
    body: dict[str, object],
    status: int,
    code: str,
) -> None:
    with platform_session() as session:
        service.beat(session, process(), now=utcnow())
        service.beat(session, process("relay@host", kind="relay"), now=utcnow())
        service.beat(session, process("lost@host"), now=utcnow() - LOST_AFTER - BEAT_EVERY)
    answer = client.post(f"/api/v1/workers/{name}/commands", headers=operator, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert platform.scalars(select(FleetCommand)).all() == []


@pytest.mark.parametrize("role", ["owner", "admin", "marketer", "viewer"])
def test_only_operators_command_workers(
    client: TestClient, signed_in: dict[str, str], shop: Shop, platform: Session, role: str
) -> None:
    with platform_session() as session:
        session.execute(update(ShopMember).values(role=role))
        service.beat(session, process(), now=utcnow())
    asked = client.post("/api/v1/workers/worker@host/commands", headers=signed_in, json={"action": "drain"})
    assert asked.status_code == 403
    assert client.get("/api/v1/workers/worker@host/orphans", headers=signed_in).status_code == 403
    assert platform.scalars(select(FleetCommand)).all() == []
