"""The console's commands: the same services as the pages, exit codes for programs, an audit entry for each act."""

import getpass
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.audit.models import AuditEntry
from storecast.db.roles import Role
from storecast.db.session import engine, platform_session
from storecast.entrypoints.cli import main
from storecast.entrypoints.commands.session import REFUSED, UNAVAILABLE, USAGE
from storecast.fleet import service as fleet
from storecast.jobs import scheduling
from storecast.jobs.models import JobSchedule
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.shops.models import Shop
from storecast.worker.job import Job
from storecast.worker.models import JobRun, OutboxJob
from storecast.worker.schedule import Scheduled
from storecast.worker.task import TaskContext, task
from tests.conftest import environment

FINGERPRINT = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Tidy(Job):
    name: ClassVar[str] = "tests.tidy"

    room: str = "all"

    def unique_key(self) -> str | None:
        return self.room


@task(Tidy)
def run_tidy(_job: Tidy, _ctx: TaskContext) -> None:
    raise AssertionError("never run here")


def add_dead(shop: Shop, **values: Any) -> UUID:
    now = utcnow()
    run = JobRun(
        **{
            "id": uuid7(),
            "shop_id": shop.id,
            "name": Tidy.name,
            "queue": "default",
            "args": {"room": "kitchen"},
            "terms": [],
            "state": "dead",
            "attempt": 3,
            "max_attempts": 3,
            "enqueued_at": now - timedelta(minutes=1),
            "started_at": now - timedelta(seconds=50),
            "finished_at": now,
            "error": "ValueError: no \x1b[31m broom",
            "error_class": "ValueError",
            "fingerprint": FINGERPRINT,
            **values,
        }
    )
    with Session(engine(Role.RELAY)) as session:
        session.add(run)
        session.commit()
        return run.id


def add_schedule() -> str:
    with platform_session() as session:
        scheduling.declare(session, [Scheduled(Tidy(), cron="10 2 * * *")], now=utcnow())
        return str(session.scalars(select(JobSchedule.id)).one())


def answer(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    assert main([*command, "--json"]) == 0
    return orjson.loads(capsys.readouterr().out)


def audited(platform: Session) -> list[tuple[str, str, int | None]]:
    platform.rollback()
    return [
        (entry.actor, entry.action, entry.shop_id)
        for entry in platform.scalars(select(AuditEntry).order_by(AuditEntry.id))
    ]


ME = f"cli:{getpass.getuser()}"


def test_jobs_are_listed_shown_and_tried_again(
    shop: Shop, platform: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = add_dead(shop)
    assert [job["id"] for job in answer(capsys, "jobs", "list", "--state", "dead")] == [str(job_id)]
    assert answer(capsys, "jobs", "list", "--q", "name:tests.other") == []
    assert answer(capsys, "jobs", "show", str(job_id))["error_class"] == "ValueError"

    again = answer(capsys, "jobs", "retry", str(job_id), "--args", '{"room": "hall"}', "--reason", "fixed")
    job = platform.scalars(select(OutboxJob)).one()
    assert (again["id"], job.args, job.shop_id) == (str(job.id), {"room": "hall"}, shop.id)
    assert audited(platform) == [(ME, "job_retried", shop.id)]

    assert answer(capsys, "jobs", "cancel", again["id"])["state"] == "cancelled"
    assert audited(platform)[1:] == [(ME, "job_cancelled", shop.id)]


def test_tables_are_for_people_and_send_nothing_to_the_terminal(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jobs", "list"]) == 0
    assert capsys.readouterr().out == "nothing to show\n"
    job_id = add_dead(shop)
    for command in (["jobs", "list"], ["jobs", "show", str(job_id)]):
        assert main(command) == 0
        shown = capsys.readouterr().out
        assert str(job_id) in shown
        assert "ValueError: no \\x1b[31m broom" in shown
        assert "\x1b" not in shown


def test_dead_letters_are_replayed_with_a_reason(
    shop: Shop, platform: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    add_dead(shop)
    add_dead(shop)
    tried = answer(capsys, "jobs", "replay", FINGERPRINT, "--reason", "fixed", "--dry-run")
    assert (tried["matched"], tried["acting"], tried["job_id"]) == (2, 2, None)
    assert audited(platform) == []
    done = answer(capsys, "jobs", "replay", FINGERPRINT, "--reason", "fixed", "--cap", "1")
    assert (done["matched"], done["acting"]) == (2, 1)
    assert platform.scalars(select(OutboxJob.id)).all() == [UUID(done["job_id"])]
    assert [(actor, shop_id) for actor, _action, shop_id in audited(platform)] == [(ME, None)]


def test_schedules_are_listed_paused_resumed_skipped_and_run(
    database: str, platform: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    schedule_id = add_schedule()
    assert [row["id"] for row in answer(capsys, "schedules", "list")] == [schedule_id]
    assert answer(capsys, "schedules", "pause", schedule_id, "--reason", "moving")["paused_at"]
    assert answer(capsys, "schedules", "resume", schedule_id)["paused_at"] is None
    assert answer(capsys, "schedules", "skip", schedule_id)["skip_next"] is True
    ran = answer(capsys, "schedules", "run", schedule_id)
    assert ran["last_results"][0]["state"] == "staged"

    assert main(["schedules", "run", schedule_id]) == REFUSED
    assert "schedule_busy" in capsys.readouterr().err
    assert platform.scalars(select(OutboxJob.name)).all() == [Tidy.name]
    # What concerns no shop stands in the installation's own log.
    assert audit.broken_at(platform, None) is None
    assert audited(platform) == [
        (ME, "schedule_paused", None),
        (ME, "schedule_resumed", None),
        (ME, "schedule_skipped", None),
        (ME, "schedule_run", None),
    ]
    assert main(["schedules", "list"]) == 0
    assert "At 02:10 every day" in capsys.readouterr().out


def test_workers_are_listed(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    now = utcnow()
    with platform_session() as session:
        for kind in ("relay", "beat"):
            process = fleet.Beat(name=f"{kind}@here", kind=kind, host="here", pid=7, started_at=now)
            fleet.beat(session, process, now=now)
    shown = answer(capsys, "workers", "--kind", "beat")
    assert [(row["name"], row["state"]) for row in shown["processes"]] == [("beat@here", "ok")]
    assert main(["workers"]) == 0
    assert "relay@here" in capsys.readouterr().out


def test_workflows_are_listed(database: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "workflows", "list") == []
    for action in ("show", "cancel"):
        assert main(["workflows", action, str(uuid4())]) == REFUSED
    assert "workflow_unknown" in capsys.readouterr().err


def test_what_is_refused_changes_nothing_and_says_why(
    shop: Shop, platform: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    job_id = str(add_dead(shop))
    assert main(["jobs", "retry", job_id, "--args", '{"room": 7}', "--json"]) == REFUSED
    problem = orjson.loads(capsys.readouterr().err)
    assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/args/room")
    assert main(["jobs", "show", str(uuid4())]) == REFUSED
    assert "job_unknown" in capsys.readouterr().err
    assert main(["jobs", "list", "--q", "nonsense:1"]) == REFUSED
    assert "/q" in capsys.readouterr().err
    assert platform.scalars(select(OutboxJob)).all() == []
    assert audited(platform) == []


@pytest.mark.parametrize(
    "command",
    [
        ["jobs"],
        ["jobs", "show", "nonsense"],
        ["jobs", "retry", str(uuid4()), "--args", "[]"],
        ["jobs", "replay", FINGERPRINT],
        ["jobs", "replay", FINGERPRINT, "--reason", "x", "--cap", "100000"],
        ["jobs", "list", "--state", "lost"],
        ["jobs", "list", "--limit", "0"],
        ["schedules", "run", "first"],
        ["workers", "--kind", "cook"],
    ],
)
def test_what_cannot_be_meant_ends_with_the_usage(database: str, command: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == USAGE


def test_a_database_that_is_away_has_an_exit_code_of_its_own(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with environment({"DATABASE_URL": "postgresql://127.0.0.1:1/none"}):
        assert main(["workers"]) == UNAVAILABLE
    assert "does not answer" in capsys.readouterr().err
