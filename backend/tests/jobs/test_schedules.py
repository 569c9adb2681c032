"""The API of schedules: made, shown, changed, paused, skipped and run, by those who may."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
import time_machine
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.auth.models import ShopMember
from storecast.db.session import platform_session
from storecast.jobs import schedules, scheduling
from storecast.jobs.models import JobSchedule, ScheduleTick
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from storecast.worker.job import Job
from storecast.worker.models import OutboxJob
from storecast.worker.schedule import Scheduled
from storecast.worker.task import TaskContext, task
from tests.conftest import id_token

URL = "/api/v1/schedules"


@dataclass(frozen=True, slots=True)
class Report(Job):
    """Counts something."""

    name: ClassVar[str] = "tests.report"
    open_to_users: ClassVar[bool] = True

    days: int = 7


@dataclass(frozen=True, slots=True)
class Housekeeping(Job):
    name: ClassVar[str] = "tests.housekeeping"

    def unique_key(self) -> str | None:
        return "all"


@task(Report)
def run_report(_job: Report, _ctx: TaskContext) -> None:
    raise AssertionError("never run here")


@task(Housekeeping)
def run_housekeeping(_job: Housekeeping, _ctx: TaskContext) -> None:
    raise AssertionError("never run here")


Headers = dict[str, str]


@pytest.fixture
def noon() -> Iterator[None]:
    """It is noon, also for whoever signs tokens."""
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def headers_of() -> Callable[[Shop, str], Headers]:
    """Headers of somebody with a role in a shop."""

    def make(shop: Shop, role: str) -> Headers:
        with platform_session() as session:
            session.add(
                ShopMember(
                    shop_id=shop.id,
                    shopify_user_id=f"u-{role}",
                    email=f"{role}@example.com",
                    name=role.title(),
                    role=role,
                    last_seen_at=utcnow(),
                )
            )
        return {"Authorization": f"Bearer {id_token(shop.domain, user_id=f'u-{role}')}"}

    return make


@pytest.fixture
def operator(shop: Shop, headers_of: Callable[[Shop, str], Headers]) -> Headers:
    return headers_of(shop, "operator")


@pytest.fixture
def code_id(database: str) -> str:
    """A schedule of the program's own."""
    with platform_session() as session:
        scheduling.declare(session, [Scheduled(Housekeeping(), cron="10 2 * * *")], now=utcnow())
        return str(session.scalars(select(JobSchedule.id)).one())


def new(**changes: Any) -> dict[str, Any]:
    return {"title": "Weekly report", "job_name": Report.name, "cron": "30 2 * * mon", **changes}


def create(client: TestClient, headers: Headers, **changes: Any) -> dict[str, Any]:
    answer = client.post(URL, json=new(**changes), headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def audited(platform: Session) -> list[tuple[str, str]]:
    platform.rollback()
    return [
        (entry.actor, entry.action)
        for entry in platform.scalars(select(AuditEntry).order_by(AuditEntry.id))
        if entry.action.startswith("schedule_")
    ]


def count(platform: Session, table: Any) -> int:
    platform.rollback()
    return len(platform.scalars(select(table)).all())


@pytest.mark.usefixtures("noon")
def test_a_schedule_follows_the_shop_s_clock_unless_told_otherwise(
    client: TestClient, signed_in: Headers, shop: Shop, platform: Session
) -> None:
    made = create(client, signed_in, args={"days": 30})
    assert made | {"id": "", "created_by": ""} == {
        "id": "",
        "source": "user",
        "title": "Weekly report",
        "title_key": None,
        "job_name": Report.name,
        "args": {"days": 30},
        "cron": "30 2 * * mon",
        "interval_s": None,
        "timezone": "America/New_York",
        "overlap": "skip",
        "catch_up": "last",
        "paused_at": None,
        "skip_next": False,
        "next_runs": [
            {"at_utc": f"2026-{day}T07:30:00Z", "at_local": f"2026-{day}T02:30:00-05:00"}
            for day in ("11-23", "11-30", "12-07", "12-14", "12-21")
        ],
        "last_results": [],
        "missed": 0,
        "shop_domain": shop.domain,
        "words": "At 02:30 on Monday",
        "created_by": "",
    }
    assert made["created_by"] == "user:7"
    assert client.get(f"{URL}/{made['id']}", headers=signed_in).json() == made
    assert client.get(URL, headers=signed_in).json() == [made]

    german = signed_in | {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}
    in_german = made | {"words": "Um 02:30 Uhr montags"}
    assert client.get(f"{URL}/{made['id']}", headers=german).json() == in_german
    assert client.get(URL, headers=german).json() == [in_german]
    preview = client.post(f"{URL}/preview", json={"interval_s": 5400}, headers=german)
    assert preview.json()["words"] == "Alle 90 Minuten"

    berlin = create(client, signed_in, timezone="Europe/Berlin")
    assert berlin["next_runs"][0] == {
        "at_utc": "2026-11-23T01:30:00Z", "at_local": "2026-11-23T02:30:00+01:00",
    }  # fmt: skip
    interval = create(client, signed_in, cron=None, interval_s=5400)
    assert interval["words"] == "Every 90 minutes"
    assert [run["at_utc"] for run in interval["next_runs"]][:2] == [
        "2026-11-22T13:30:00Z", "2026-11-22T15:00:00Z",
    ]  # fmt: skip
    assert audited(platform) == [("user:7", "schedule_created")] * 3


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"cron": "* * * * * *"}, "/cron"),
        ({"cron": "R * * * *"}, "/cron"),
        ({"cron": "0 0 30 2 *"}, "/cron"),
        ({"cron": "1," * 5000 + "1 * * * *"}, "/cron"),
        ({"cron": "\u0000 * * * *"}, "/cron"),
        ({"cron": None}, "/cron"),
        ({"interval_s": 3600}, "/cron"),
        ({"cron": None, "interval_s": 59}, "/interval_s"),
        ({"cron": None, "interval_s": 366 * 86_400 + 1}, "/interval_s"),
        ({"cron": None, "interval_s": 2**70}, "/interval_s"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "../../etc/passwd"}, "/timezone"),
        ({"job_name": "tests.unheard_of"}, "/job_name"),
        ({"job_name": Housekeeping.name}, "/job_name"),
        ({"args": {"days": "seven"}}, "/args/days"),
        ({"args": {"day": 7}}, "/args/day"),
        ({"args": {"days": 7, "x": "y" * 20_000}}, "/args"),
        ({"title": ""}, "/title"),
        ({"title": "   "}, "/title"),
        ({"title": "x" * 121}, "/title"),
        ({"overlap": "parallel"}, "/overlap"),
        ({"catch_up": "some"}, "/catch_up"),
        ({"shop_domain": "rival.myshopify.com"}, "/shop_domain"),
    ],
)
def test_what_cannot_be_a_schedule_is_refused_by_field(
    client: TestClient,
    signed_in: Headers,
    other_shop: Shop,
    platform: Session,
    changes: dict[str, Any],
    pointer: str,
) -> None:
    answer = client.post(URL, json=new(**changes), headers=signed_in)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert count(platform, JobSchedule) == 0


def test_a_rhythm_is_tried_before_it_is_kept(
    client: TestClient, signed_in: Headers, platform: Session
) -> None:
    shown = client.post(
        f"{URL}/preview", json={"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}, headers=signed_in
    )
    assert shown.json()["words"] == "At 09:00 every day"
    assert [run["at_local"][11:] for run in shown.json()["next_runs"]] == ["09:00:00+09:00"] * 5
    refused = client.post(f"{URL}/preview", json={"cron": "0 0 31 2 *"}, headers=signed_in)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {
            "pointer": "/cron",
            "message": "No month has such a day: it would never run.",
            "code": "cron_refused",
        }
    ]
    assert count(platform, JobSchedule) == 0


def test_jobs_that_are_open_to_people_are_offered(client: TestClient, signed_in: Headers) -> None:
    offered = {job["name"]: job for job in client.get(f"{URL}/jobs", headers=signed_in).json()}
    assert offered[Report.name]["title_key"] == "jobs.tests.report"
    assert offered[Report.name]["args_schema"]["properties"]["days"]["type"] == "integer"
    assert Housekeeping.name not in offered


@pytest.mark.usefixtures("noon")
def test_an_edit_changes_what_it_names(client: TestClient, signed_in: Headers, platform: Session) -> None:
    made = create(client, signed_in)
    url = f"{URL}/{made['id']}"

    changed = client.patch(url, json={"title": "Report", "overlap": "queue"}, headers=signed_in).json()
    assert changed == made | {"title": "Report", "overlap": "queue"}
    changed = client.patch(url, json={"interval_s": 3600, "args": {"days": 1}}, headers=signed_in).json()
    assert (changed["cron"], changed["interval_s"], changed["args"]) == (None, 3600, {"days": 1})
    assert changed["next_runs"][0]["at_utc"] == "2026-11-22T13:00:00Z"
    changed = client.patch(
        url, json={"cron": "0 0 * * *", "timezone": "Asia/Tokyo"}, headers=signed_in
    ).json()
    assert (changed["cron"], changed["interval_s"]) == ("0 0 * * *", None)
    assert changed["next_runs"][0]["at_utc"] == "2026-11-22T15:00:00Z"
    changed = client.patch(url, json={"timezone": "UTC"}, headers=signed_in).json()
    assert changed["next_runs"][0]["at_utc"] == "2026-11-23T00:00:00Z"

    for body in ({"cron": "x"}, {"args": {"days": None}}, {"cron": "0 0 * * *", "interval_s": 3600}):
        assert client.patch(url, json=body, headers=signed_in).status_code == 422
    assert client.get(url, headers=signed_in).json() == changed
    assert audited(platform)[1:] == [("user:7", "schedule_changed")] * 4


@pytest.mark.usefixtures("noon")
def test_pausing_and_skipping(client: TestClient, signed_in: Headers, platform: Session) -> None:
    url = f"{URL}/{create(client, signed_in)['id']}"

    for _ in range(2):
        paused = client.post(f"{url}/pause", json={"reason": "stocktaking"}, headers=signed_in).json()
        assert (paused["paused_at"], paused["next_runs"]) == ("2026-11-22T12:00:00Z", [])
    with time_machine.travel(datetime(2026, 12, 1, tzinfo=UTC), tick=False):
        headers = {"Authorization": f"Bearer {id_token('acme.myshopify.com')}"}
        resumed = client.post(f"{url}/resume", headers=headers).json()
    assert resumed["paused_at"] is None
    assert resumed["next_runs"][0]["at_utc"] == "2026-12-07T07:30:00Z"  # nothing is made up for
    assert client.post(f"{url}/skip", headers=signed_in).json()["skip_next"] is True
    assert client.post(f"{url}/unskip", headers=signed_in).json()["skip_next"] is False

    assert [action for _actor, action in audited(platform)] == [
        "schedule_created", "schedule_paused", "schedule_resumed", "schedule_skipped", "schedule_unskipped",
    ]  # fmt: skip
    reasons = [entry.detail.get("reason") for entry in platform.scalars(select(AuditEntry))]
    assert "stocktaking" in reasons


def test_a_run_now_is_one_run_however_often_it_is_asked_for(
    client: TestClient, signed_in: Headers, shop: Shop, platform: Session
) -> None:
    url = f"{URL}/{create(client, signed_in, args={'days': 3})['id']}"
    client.post(f"{url}/pause", headers=signed_in)

    ran = client.post(f"{url}/run", headers=signed_in)
    again = client.post(f"{url}/run", headers=signed_in)

    assert ran.status_code == 200
    assert (again.status_code, again.json()["code"]) == (409, "schedule_busy")
    job = platform.scalars(select(OutboxJob)).one()
    assert (job.name, job.args, job.shop_id) == (Report.name, {"days": 3}, shop.id)
    (result,) = ran.json()["last_results"]
    assert (result["outcome"], result["job_id"], result["state"]) == ("staged", str(job.id), "staged")
    assert count(platform, ScheduleTick) == 1


def test_results_show_what_became_of_each_due_time(
    client: TestClient, signed_in: Headers, platform: Session
) -> None:
    made = create(client, signed_in, cron=None, interval_s=3600)
    due = datetime.fromisoformat(made["next_runs"][0]["at_utc"])
    with platform_session() as session:
        now = due + timedelta(hours=2, minutes=5)
        scheduling.meet(session, int(made["id"]), now=now)

    shown = client.get(f"{URL}/{made['id']}", headers=signed_in).json()
    results = [(result["outcome"], result["state"], result["drift_ms"]) for result in shown["last_results"]]
    assert results == [
        ("staged", "staged", 300_000), ("missed", None, 3_900_000), ("missed", None, 7_500_000),
    ]  # fmt: skip
    assert shown["missed"] == 2


def test_a_deleted_schedule_is_gone_and_its_run_goes_on(
    client: TestClient, signed_in: Headers, platform: Session
) -> None:
    url = f"{URL}/{create(client, signed_in)['id']}"
    client.post(f"{url}/run", headers=signed_in)
    assert client.delete(url, headers=signed_in).status_code == 204
    gone = client.get(url, headers=signed_in)
    assert (gone.status_code, gone.json()["code"]) == (404, "schedule_unknown")
    assert (count(platform, JobSchedule), count(platform, ScheduleTick), count(platform, OutboxJob)) == (
        0,
        0,
        1,
    )


def test_a_shop_sees_its_own_schedules_only(
    client: TestClient, signed_in: Headers, other_shop: Shop, code_id: str, platform: Session
) -> None:
    mine = create(client, signed_in)
    neighbour = {"Authorization": f"Bearer {id_token(other_shop.domain)}"}
    assert client.get(URL, headers=neighbour).json() == []
    for schedule_id in (mine["id"], code_id):
        url = f"{URL}/{schedule_id}"
        answers = [
            client.get(url, headers=neighbour),
            client.patch(url, json={"title": "Taken"}, headers=neighbour),
            client.delete(url, headers=neighbour),
            *(
                client.post(f"{url}/{action}", headers=neighbour)
                for action in ("pause", "resume", "skip", "unskip", "run")
            ),
        ]
        assert [answer.status_code for answer in answers] == [404] * 8
    assert client.get(f"{URL}/{mine['id']}", headers=signed_in).json() == mine
    assert count(platform, OutboxJob) == 0


def test_operators_see_all_and_keep_the_program_s_own_as_it_is(
    client: TestClient,
    signed_in: Headers,
    operator: Headers,
    other_shop: Shop,
    code_id: str,
    platform: Session,
) -> None:
    mine = create(client, signed_in)
    theirs = create(client, operator, shop_domain=other_shop.domain)
    assert theirs["shop_domain"] == other_shop.domain
    listed = client.get(URL, headers=operator).json()
    assert [schedule["id"] for schedule in listed] == [code_id, mine["id"], theirs["id"]]
    own = listed[0]
    assert (own["source"], own["title_key"], own["shop_domain"], own["words"]) == (
        "code", "jobs.tests.housekeeping", None, "At 02:10 every day",
    )  # fmt: skip

    url = f"{URL}/{code_id}"
    for refused in (
        client.patch(url, json={"title": "Mine"}, headers=operator),
        client.delete(url, headers=operator),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "schedule_of_code")
    for action in ("pause", "resume", "skip", "run"):
        assert client.post(f"{url}/{action}", headers=operator).status_code == 200
    platform.rollback()
    job = platform.scalars(select(OutboxJob)).one()
    assert (job.name, job.shop_id) == (Housekeeping.name, None)
    assert [action for _actor, action in audited(platform)][2:] == [
        "schedule_paused", "schedule_resumed", "schedule_skipped", "schedule_run",
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_those_who_may_only_look_change_nothing(
    client: TestClient,
    signed_in: Headers,
    shop: Shop,
    headers_of: Callable[[Shop, str], Headers],
    role: str,
    platform: Session,
) -> None:
    made = create(client, signed_in)
    theirs = headers_of(shop, role)
    assert client.get(URL, headers=theirs).json() == [made]
    url = f"{URL}/{made['id']}"
    refused = [
        client.post(URL, json=new(), headers=theirs),
        client.patch(url, json={"title": "Taken"}, headers=theirs),
        client.delete(url, headers=theirs),
        *(
            client.post(f"{url}/{action}", headers=theirs)
            for action in ("pause", "resume", "skip", "unskip", "run")
        ),
    ]
    assert [answer.status_code for answer in refused] == [403] * 8
    assert client.get(URL, headers=signed_in).json() == [made]
    assert count(platform, OutboxJob) == 0


def test_a_shop_has_so_many_schedules_and_no_more(
    client: TestClient, signed_in: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "MAX_OF_SHOP", 1)
    create(client, signed_in)
    refused = client.post(URL, json=new(), headers=signed_in)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_schedules")


def test_ids_that_are_none_are_refused(client: TestClient, signed_in: Headers) -> None:
    assert client.get(f"{URL}/nonsense", headers=signed_in).status_code == 422
    assert client.get(f"{URL}/{2**80}", headers=signed_in).status_code == 422
    assert client.get(f"{URL}/999", headers=signed_in).status_code == 404
