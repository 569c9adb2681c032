"""The scheduler: one leader at a time, no harm without one, and real processes that die in the middle."""

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
import time_machine
from celery import Celery
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.db.session import platform_session
from storecast.entrypoints.heart import Heart
from storecast.entrypoints.modules import register_jobs
from storecast.fleet.models import FleetProcess
from storecast.jobs import beat
from storecast.jobs.beat import LOCK, LOCK_S, LockedScheduler
from storecast.jobs.jobs import MaintainPartitions
from storecast.jobs.models import JobSchedule, ScheduleTick
from storecast.kit.clock import utcnow
from storecast.shops.models import Shop
from storecast.worker.models import OutboxJob
from tests.processes import process, wait_until

FREEZE = "campaigns.freeze"
"""A job without a unique key. Nobody works here: what is staged stays."""


def make_scheduler() -> LockedScheduler:
    register_jobs()
    return LockedScheduler(Celery("tests", broker="memory://"))


@pytest.fixture
def scheduler(database: str) -> Iterator[LockedScheduler]:
    scheduler = make_scheduler()
    yield scheduler
    scheduler.close()


def add(shop: Shop, count: int = 1, **values: Any) -> None:
    """Schedules of the shop, due now."""
    with platform_session() as session:
        session.add_all(
            JobSchedule(
                **{
                    "shop_id": shop.id,
                    "source": "user",
                    "title": f"Number {number}",
                    "job_name": FREEZE,
                    "args": {"campaign_id": number},
                    "interval_s": 3600,
                    "next_run_at": utcnow() - timedelta(seconds=1),
                    **values,
                }
            )
            for number in range(count)
        )


def staged(platform: Session) -> list[UUID]:
    platform.rollback()
    return list(platform.scalars(select(OutboxJob.id).where(OutboxJob.name == FREEZE)))


def outcomes(platform: Session) -> list[str]:
    platform.rollback()
    return list(platform.scalars(select(ScheduleTick.outcome).order_by(ScheduleTick.due_at)))


def test_one_scheduler_leads_until_it_closes(
    scheduler: LockedScheduler, shop: Shop, redis_url: str, platform: Session
) -> None:
    other = make_scheduler()
    other._me = "another"
    assert scheduler.tick() <= beat.MAX_INTERVAL_S
    with redis.Redis.from_url(redis_url) as client:
        assert 0 < client.ttl(LOCK) <= LOCK_S
    add(shop)

    assert other.tick() == beat.MAX_INTERVAL_S
    assert staged(platform) == []

    scheduler.close()
    other.tick()
    assert len(staged(platform)) == 1
    assert other.met == 1
    other.close()


def test_the_scheduler_wakes_when_the_next_schedule_is_due(scheduler: LockedScheduler, shop: Shop) -> None:
    add(shop, next_run_at=utcnow() + timedelta(seconds=2))
    assert 0 < scheduler.tick() <= 2
    add(shop, next_run_at=utcnow() + timedelta(seconds=-2))
    assert scheduler.tick() <= 2


def test_the_program_s_own_schedules_are_entered_when_a_scheduler_leads(
    scheduler: LockedScheduler, platform: Session
) -> None:
    scheduler.tick()
    own = platform.scalars(select(JobSchedule).where(JobSchedule.job_name == MaintainPartitions.name)).one()
    assert (own.source, own.cron, own.shop_id) == ("code", "10 2 * * *", None)


def test_without_redis_every_scheduler_works_and_none_doubles(
    scheduler: LockedScheduler, shop: Shop, platform: Session
) -> None:
    other = make_scheduler()
    for each in (scheduler, other):
        each._redis = redis.Redis.from_url("redis://127.0.0.1:1/0")
    add(shop, 3)
    for each in (scheduler, other):
        each.tick()
    assert (scheduler.met, other.met) == (3, 0)
    other.close()
    assert len(staged(platform)) == 3


def test_a_schedule_that_cannot_be_met_keeps_no_other_waiting(
    scheduler: LockedScheduler, shop: Shop, platform: Session
) -> None:
    add(shop, timezone="Mars/Olympus", interval_s=None, cron="0 * * * *")
    add(shop, 2)
    assert scheduler.tick() <= beat.MAX_INTERVAL_S
    assert scheduler.tick() >= 1  # it is left alone, not tried without a pause
    assert len(staged(platform)) == 2


def test_a_schedule_of_a_newer_version_is_left_to_it(
    scheduler: LockedScheduler, shop: Shop, platform: Session
) -> None:
    add(shop, job_name="tests.of_a_newer_version")
    scheduler.tick()
    assert outcomes(platform) == []


def test_a_clock_that_is_put_back_has_its_plans_corrected(
    scheduler: LockedScheduler, shop: Shop, platform: Session
) -> None:
    add(shop)
    with time_machine.travel(utcnow() + timedelta(days=400)):
        scheduler._clock_lead_s = time.time() - time.monotonic()
        scheduler.tick()
    scheduler.tick()
    planned = platform.scalars(select(JobSchedule.next_run_at).where(JobSchedule.job_name == FREEZE)).one()
    assert planned is not None
    assert planned <= utcnow() + timedelta(hours=1)


def test_a_scheduler_that_stands_still_falls_silent(scheduler: LockedScheduler, platform: Session) -> None:
    assert scheduler.is_well()
    scheduler._ticked_at -= beat.STALLED_AFTER_S
    assert not scheduler.is_well()
    heart = Heart("beat", name="stalled", well=scheduler.is_well)
    heart.start()
    scheduler.tick()
    assert scheduler.is_well()
    wait_until(lambda: names(platform) == {"stalled"})
    heart.stop()
    assert names(platform) == set()


def names(platform: Session) -> set[str]:
    platform.rollback()
    return set(platform.scalars(select(FleetProcess.name).where(FleetProcess.kind == "beat")))


def beat_process(folder: Path, name: str) -> AbstractContextManager[Popen[bytes]]:
    return process(
        folder, name, "celery", "-A", "storecast.entrypoints.worker", "beat",
        "-S", "storecast.jobs.beat:LockedScheduler", "-l", "INFO",
    )  # fmt: skip


def test_a_leader_dies_in_the_middle_and_another_goes_on(
    shop: Shop, database: str, redis_url: str, platform: Session, tmp_path: Path
) -> None:
    with (
        redis.Redis.from_url(redis_url) as locks,
        psycopg.connect(database, autocommit=True) as gate,
        beat_process(tmp_path, "first") as first,
    ):
        wait_until(lambda: locks.get(LOCK), "a leader")
        with beat_process(tmp_path, "second"):
            wait_until(lambda: len(names(platform)) == 2, "both beats in the fleet")
            # The tenth insert waits here, so that the leader is caught with its work half done.
            gate.execute(
                "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "IF (SELECT count(*) FROM schedule_ticks) >= 10 THEN "
                "PERFORM pg_advisory_xact_lock(7); END IF; RETURN NEW; END $$"
            )
            gate.execute(
                "CREATE TRIGGER hold BEFORE INSERT ON schedule_ticks FOR EACH ROW EXECUTE FUNCTION hold()"
            )
            gate.execute("SELECT pg_advisory_lock(7)")
            add(shop, 40)
            add(shop, next_run_at=utcnow() - timedelta(hours=3), args={"campaign_id": 99})
            waits = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            wait_until(lambda: gate.execute(waits).fetchone() is not None, "the leader at the gate")
            before = len(staged(platform))
            first.send_signal(signal.SIGKILL)
            first.wait()
            gate.execute("SELECT pg_advisory_unlock(7)")
            wait_until(lambda: gate.execute(waits).fetchone() is None)
            # The lock's time runs out, only sooner than by itself.
            locks.delete(LOCK)
            wait_until(lambda: len(staged(platform)) == 41, "the second's work")
    assert 7 <= before < 41
    jobs = staged(platform)
    platform.rollback()
    entered = platform.scalars(select(ScheduleTick)).all()
    assert sorted(tick.job_id for tick in entered if tick.outcome == "staged") == sorted(jobs)  # type: ignore[type-var]  # none is None
    # The run of three hours ago was caught up by the last, and the others are seen as missed.
    assert [tick.outcome for tick in entered].count("missed") == 3
    # Who ended in good order left the fleet; the killed one is there to be seen.
    assert len(names(platform)) == 1
