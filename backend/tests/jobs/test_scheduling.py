"""What happens when schedules are due: outages, overlaps, skips, two schedulers at once, clocks that jump."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from storecast.audit.models import AuditEntry
from storecast.db.session import platform_session
from storecast.jobs import scheduling
from storecast.jobs.models import JobSchedule, ScheduleTick
from storecast.shops.models import Shop
from storecast.worker.job import Job
from storecast.worker.models import OutboxJob
from storecast.worker.schedule import Scheduled
from storecast.worker.task import TaskContext, task

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Nightly(Job):
    name: ClassVar[str] = "tests.nightly"
    open_to_users: ClassVar[bool] = True

    text: str = "x"


@dataclass(frozen=True, slots=True)
class Single(Job):
    name: ClassVar[str] = "tests.single"

    def unique_key(self) -> str | None:
        return "all"


@task(Nightly)
def run_nightly(_job: Nightly, _ctx: TaskContext) -> None:
    raise AssertionError("never run here")


@task(Single)
def run_single(_job: Single, _ctx: TaskContext) -> None:
    raise AssertionError("never run here")


AddSchedule = Callable[..., int]


@pytest.fixture
def add(shop: Shop) -> AddSchedule:
    """Makes a committed schedule of the shop, hourly and due at noon."""

    def make(**values: Any) -> int:
        schedule = JobSchedule(
            **{
                "shop_id": shop.id,
                "source": "user",
                "title": "Nightly",
                "job_name": Nightly.name,
                "cron": "0 * * * *",
                "next_run_at": NOON,
                **values,
            }
        )
        with platform_session() as session:
            session.add(schedule)
        return schedule.id

    return make


def meet(schedule_id: int, now: datetime) -> bool:
    with platform_session() as session:
        return scheduling.meet(session, schedule_id, now=now)


def release(schedule_id: int, now: datetime) -> bool:
    with platform_session() as session:
        return scheduling.release(session, schedule_id, now=now)


def ticks(schedule_id: int) -> list[tuple[str, str]]:
    """Due times as hours from noon, with what came of them."""
    with platform_session() as session:
        query = (
            select(ScheduleTick).where(ScheduleTick.schedule_id == schedule_id).order_by(ScheduleTick.due_at)
        )
        return [(f"{(tick.due_at - NOON) / HOUR:+g}", tick.outcome) for tick in session.scalars(query)]


def jobs() -> list[UUID]:
    with platform_session() as session:
        return list(session.scalars(select(OutboxJob.id).order_by(OutboxJob.id)))


def next_run(schedule_id: int) -> datetime | None:
    with platform_session() as session:
        return session.scalars(select(JobSchedule.next_run_at).where(JobSchedule.id == schedule_id)).one()


def end_jobs() -> None:
    """As if a worker had run everything."""
    with platform_session() as session:
        session.execute(delete(OutboxJob))


def test_a_due_schedule_stages_its_job_in_its_shop(add: AddSchedule, shop: Shop, platform: Session) -> None:
    schedule_id = add(args={"text": "report"})

    assert meet(schedule_id, NOON - timedelta(seconds=1)) is False
    assert meet(schedule_id, NOON + timedelta(seconds=2)) is True
    assert meet(schedule_id, NOON + timedelta(seconds=3)) is False

    job = platform.scalars(select(OutboxJob)).one()
    assert (job.name, job.shop_id, job.args) == (Nightly.name, shop.id, {"text": "report"})
    assert f"schedule:{schedule_id}" in job.tags
    tick = platform.scalars(select(ScheduleTick)).one()
    assert (tick.due_at, tick.outcome, tick.job_id, tick.shop_id) == (NOON, "staged", job.id, shop.id)
    assert tick.at - tick.due_at == timedelta(seconds=2)
    assert next_run(schedule_id) == NOON + HOUR


@pytest.mark.parametrize(
    ("catch_up", "late", "outcomes", "staged"),
    [
        # Noon to three, seen at ten past three: the outage took them all.
        ("none", timedelta(minutes=10), ["missed", "missed", "missed", "missed"], 0),
        ("last", timedelta(minutes=10), ["missed", "missed", "missed", "staged"], 1),
        ("all", timedelta(minutes=10), ["staged", "waiting", "waiting", "waiting"], 1),
        # Back just in time for the last of them.
        ("none", timedelta(seconds=20), ["missed", "missed", "missed", "staged"], 1),
        ("last", timedelta(seconds=20), ["missed", "missed", "missed", "staged"], 1),
    ],
)
def test_what_an_outage_missed_is_caught_up_as_the_schedule_says(
    add: AddSchedule, catch_up: str, late: timedelta, outcomes: list[str], staged: int
) -> None:
    schedule_id = add(catch_up=catch_up)

    meet(schedule_id, NOON + 3 * HOUR + late)

    assert [outcome for _due, outcome in ticks(schedule_id)] == outcomes
    assert [due for due, _outcome in ticks(schedule_id)] == ["+0", "+1", "+2", "+3"]
    assert len(jobs()) == staged
    assert next_run(schedule_id) == NOON + 4 * HOUR


def test_runs_that_are_caught_up_follow_one_another_and_are_bounded(add: AddSchedule) -> None:
    schedule_id = add(catch_up="all")
    now = NOON + 40 * HOUR

    meet(schedule_id, now)

    outcomes = [outcome for _due, outcome in ticks(schedule_id)]
    assert outcomes == ["missed"] * 17 + ["staged"] + ["waiting"] * 23
    runs = 1
    while True:
        assert release(schedule_id, now) is False  # the run before is not over
        end_jobs()
        if not release(schedule_id, now):
            break
        runs += 1
        assert len(jobs()) == 1
    assert runs == scheduling.CATCH_UP_MAX
    assert [outcome for _due, outcome in ticks(schedule_id)][17:] == ["staged"] * 24


def test_a_year_of_silence_is_entered_in_bounds(add: AddSchedule) -> None:
    schedule_id = add(cron="* * * * *")
    now = NOON + timedelta(days=365, seconds=30)

    meet(schedule_id, now)

    entered = ticks(schedule_id)
    assert len(entered) == scheduling.MISSED_KEPT
    assert [outcome for _due, outcome in entered] == ["missed"] * 99 + ["staged"]
    assert next_run(schedule_id) == now + timedelta(seconds=30)


def test_a_run_that_comes_due_beside_another_is_left_out_or_waits(add: AddSchedule) -> None:
    skipping, queueing = add(overlap="skip"), add(overlap="queue")
    for hour in range(3):
        meet(skipping, NOON + hour * HOUR)
        meet(queueing, NOON + hour * HOUR)

    assert ticks(skipping) == [("+0", "staged"), ("+1", "overlapped"), ("+2", "overlapped")]
    assert ticks(queueing) == [("+0", "staged"), ("+1", "waiting"), ("+2", "waiting")]
    assert len(jobs()) == 2

    end_jobs()
    assert release(skipping, NOON + 2 * HOUR) is False
    assert release(queueing, NOON + 2 * HOUR) is True
    assert release(queueing, NOON + 2 * HOUR) is False
    meet(skipping, NOON + 3 * HOUR)
    assert ticks(skipping)[3] == ("+3", "staged")
    assert ticks(queueing) == [("+0", "staged"), ("+1", "staged"), ("+2", "waiting")]


def test_a_line_of_waiting_runs_has_an_end(add: AddSchedule) -> None:
    schedule_id = add(overlap="queue")
    for hour in range(scheduling.WAITING_MAX + 3):
        meet(schedule_id, NOON + hour * HOUR)
    outcomes = [outcome for _due, outcome in ticks(schedule_id)]
    assert outcomes == ["staged"] + ["waiting"] * scheduling.WAITING_MAX + ["overlapped"] * 2


def test_the_next_run_is_skipped_once(add: AddSchedule) -> None:
    schedule_id = add(skip_next=True)
    meet(schedule_id, NOON)
    meet(schedule_id, NOON + HOUR)
    assert ticks(schedule_id) == [("+0", "skipped"), ("+1", "staged")]
    assert len(jobs()) == 1


def test_a_job_that_waits_under_the_same_key_does_the_work(add: AddSchedule) -> None:
    first, second = add(job_name=Single.name), add(job_name=Single.name)
    meet(first, NOON)
    meet(second, NOON)
    assert (ticks(first), ticks(second)) == ([("+0", "staged")], [("+0", "overlapped")])
    assert len(jobs()) == 1


def test_two_schedulers_at_once_stage_one_job(add: AddSchedule) -> None:
    schedules = [add() for _ in range(10)]
    start = threading.Barrier(2)

    def work(order: list[int]) -> None:
        start.wait()
        for schedule_id in order:
            meet(schedule_id, NOON)

    threads = [threading.Thread(target=work, args=(schedules,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # What one found locked by the other was the other's to stage.
    assert len(jobs()) == 10
    assert [ticks(schedule_id) for schedule_id in schedules] == [[("+0", "staged")]] * 10


@pytest.mark.parametrize("rhythm", [{"cron": "0 * * * *"}, {"cron": None, "interval_s": 3600}])
def test_a_clock_that_is_put_back_runs_nothing_twice(add: AddSchedule, rhythm: dict[str, Any]) -> None:
    schedule_id = add(**rhythm)
    for hour in range(3):
        end_jobs()
        meet(schedule_id, NOON + hour * HOUR)
    end_jobs()

    # It is eleven again; the plan said three o'clock.
    with platform_session() as session:
        assert scheduling.correct_ahead(session, now=NOON - HOUR) is None
    assert next_run(schedule_id) == NOON
    for minutes in range(-60, 240, 20):
        meet(schedule_id, NOON + timedelta(minutes=minutes))

    assert ticks(schedule_id) == [("+0", "staged"), ("+1", "staged"), ("+2", "staged"), ("+3", "staged")]
    assert len(jobs()) == 1


def test_a_clock_that_was_years_ahead_does_not_silence_a_schedule(add: AddSchedule) -> None:
    schedule_id = add(catch_up="none")
    meet(schedule_id, datetime(2030, 1, 1, 0, 30, tzinfo=UTC))
    assert next_run(schedule_id) == datetime(2030, 1, 1, 1, tzinfo=UTC)
    assert jobs() == []

    with platform_session() as session:
        scheduling.correct_ahead(session, now=NOON + timedelta(minutes=5))
    meet(schedule_id, NOON + HOUR)

    assert ticks(schedule_id)[0] == ("+1", "staged")
    assert len(jobs()) == 1


def test_what_was_given_up_as_missed_is_met_when_its_time_comes_after_all(add: AddSchedule) -> None:
    schedule_id = add(catch_up="none")
    meet(schedule_id, NOON + HOUR + timedelta(minutes=30))  # two hours too early, the clock is wrong
    assert ticks(schedule_id) == [("+0", "missed"), ("+1", "missed")]
    with platform_session() as session:
        scheduling.correct_ahead(session, now=NOON - timedelta(minutes=1))
    meet(schedule_id, NOON)
    assert ticks(schedule_id) == [("+0", "staged"), ("+1", "missed")]


def test_plans_that_are_right_are_left_alone(add: AddSchedule) -> None:
    cron, interval, paused = add(), add(cron=None, interval_s=7200), add(paused_at=NOON)
    with platform_session() as session:
        scheduling.correct_ahead(session, now=NOON - timedelta(minutes=10))
    assert [next_run(each) for each in (cron, interval, paused)] == [NOON] * 3


def test_a_paused_schedule_and_an_uninstalled_shop_run_nothing(add: AddSchedule, shop: Shop) -> None:
    paused, orphaned = add(paused_at=NOON), add()
    assert meet(paused, NOON) is False
    with platform_session() as session:
        session.execute(update(Shop).where(Shop.id == shop.id).values(state="uninstalled"))
    assert meet(orphaned, NOON) is False
    assert (ticks(paused), ticks(orphaned), jobs()) == ([], [], [])
    assert next_run(orphaned) == NOON + HOUR


def test_arguments_that_no_longer_fit_their_job_pause_the_schedule(
    add: AddSchedule, platform: Session
) -> None:
    schedule_id = add(args={"text": 7, "gone": True})
    assert meet(schedule_id, NOON) is False
    assert jobs() == []
    assert platform.scalars(select(JobSchedule.paused_at)).one() == NOON
    entry = platform.scalars(select(AuditEntry)).one()
    assert (entry.actor, entry.action, entry.subject) == (
        "storecast", "schedule_paused", f"schedule:{schedule_id}",
    )  # fmt: skip
    assert "/args/gone" in str(entry.detail["reason"])
    assert "/args/text" in str(entry.detail["reason"])


def test_what_the_program_declares_is_kept_in_the_table(database: str, platform: Session) -> None:
    daily = Scheduled(Single(), cron="10 2 * * *")

    def declare(*entries: Scheduled, now: datetime) -> None:
        with platform_session() as session:
            scheduling.declare(session, entries, now=now)

    def row() -> JobSchedule:
        platform.rollback()
        return platform.scalars(select(JobSchedule)).one()

    declare(daily, now=NOON)
    first = row()
    assert (first.source, first.job_name, first.shop_id, first.cron, first.timezone) == (
        "code", Single.name, None, "10 2 * * *", "UTC",
    )  # fmt: skip
    assert first.next_run_at == datetime(2026, 11, 23, 2, 10, tzinfo=UTC)

    with platform_session() as session:
        session.execute(update(JobSchedule).values(paused_at=NOON, skip_next=True))
    declare(daily, now=NOON + 24 * HOUR)
    again = row()
    assert (again.id, again.paused_at, again.skip_next) == (first.id, NOON, True)
    assert again.next_run_at == first.next_run_at  # overdue, and not forgotten for a restart

    declare(Scheduled(Single(), interval_s=600), now=NOON + 24 * HOUR)
    faster = row()
    assert (faster.cron, faster.interval_s, faster.id) == (None, 600, first.id)
    assert faster.next_run_at == NOON + 24 * HOUR + timedelta(minutes=10)

    declare(now=NOON + 25 * HOUR)
    assert row().id == first.id  # another version may declare it
    declare(now=NOON + 49 * HOUR)
    platform.rollback()
    assert platform.scalars(select(JobSchedule)).all() == []


def test_what_is_declared_is_kept_however_often_the_database_sees_it(
    database: str, platform: Session
) -> None:
    """Past the driver's threshold for preparing a statement and PostgreSQL's for planning it generically."""
    with platform_session() as session:
        for hour in range(24):
            scheduling.declare(session, [Scheduled(Single(), cron=f"0 {hour} * * *")], now=NOON)
    assert platform.scalars(select(JobSchedule.cron)).all() == ["0 23 * * *"]


def test_old_due_times_are_forgotten(add: AddSchedule) -> None:
    few, many = add(), add()
    with platform_session() as session:
        for schedule_id, count in ((few, 3), (many, scheduling.TICKS_KEPT + 5)):
            session.add_all(
                ScheduleTick(schedule_id=schedule_id, due_at=NOON + number * HOUR, outcome="missed")
                for number in range(count)
            )
        session.flush()
        assert scheduling.trim(session) == 5
    assert len(ticks(few)) == 3
    assert ticks(many)[0] == ("+5", "missed")
