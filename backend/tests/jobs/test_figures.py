"""The roll-up counts every run exactly once, and figures are exact before, during and after it."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from storecast.db.session import platform_session
from storecast.jobs import figures
from storecast.jobs.histogram import BUCKETS, bucket_of
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from tests.factories.job_rows import add_live, add_run, add_runs

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def roll_all(now: datetime) -> int:
    """Roll until nothing is left; how many transactions it took."""
    rounds = 0
    more = True
    while more:
        rounds += 1
        with platform_session() as session:
            more = figures.roll_up(session, now=now)
    return rounds


def minutes() -> list[tuple[Any, ...]]:
    with platform_session() as session:
        query = "SELECT minute, queue, name, state, runs FROM job_minutes ORDER BY 1, 2, 3, 4"
        return [tuple(row) for row in session.execute(text(query))]


@pytest.fixture
def now(database: str) -> datetime:
    """A quarter past a full hour, so that windows have whole hours and both edges."""
    return utcnow().replace(minute=15, second=30, microsecond=0)


def test_a_run_is_rolled_once_whatever_runs_again(now: datetime) -> None:
    old = now - 10 * MINUTE
    add_run(old, name="a.one")
    add_run(old + SECOND, name="a.one", state="dead")
    add_run(now - 5 * SECOND, name="a.one")
    roll_all(now)
    minute = old.replace(second=0)
    expected = [(minute, "default", "a.one", "dead", 1), (minute, "default", "a.one", "succeeded", 1)]
    assert minutes() == expected
    roll_all(now)
    assert minutes() == expected


def test_a_minute_is_not_rolled_before_the_last_of_it_must_be_there(now: datetime) -> None:
    roll_all(now)
    edge = now + HOUR
    last = edge.replace(second=0) - 5 * MINUTE
    add_run(last + 59 * SECOND)
    roll_all(last + MINUTE + figures.SETTLED_AFTER - SECOND)
    assert minutes() == []
    # A run that was on its way to the table while its minute was over for long.
    add_run(last + 58 * SECOND)
    roll_all(last + MINUTE + figures.SETTLED_AFTER)
    assert [row[4] for row in minutes()] == [2]


def test_hours_are_the_sum_of_their_minutes(now: datetime) -> None:
    hour = now.replace(minute=0, second=0) - 2 * HOUR
    add_runs([{"finished_at": hour + n * 7 * MINUTE, "run_s": n + 1} for n in range(12)])
    roll_all(now)
    with platform_session() as session:
        rows = session.execute(text("SELECT hour, runs, run_ms_total FROM job_hours ORDER BY hour")).all()
    assert [(row.hour, row.runs, row.run_ms_total) for row in rows] == [
        (hour, 9, sum(range(1, 10)) * 1000),
        (hour + HOUR, 3, (10 + 11 + 12) * 1000),
    ]


def test_two_that_roll_at_once_take_turns(now: datetime) -> None:
    add_run(now - 10 * MINUTE)
    with platform_session() as first:
        figures.roll_up(first, now=now)
    with platform_session() as session:
        session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with platform_session() as other:
            figures.roll_up(other, now=now)
            with pytest.raises(Exception, match="lock"):
                figures.roll_up(session, now=now)
            session.rollback()
    roll_all(now)
    assert [row[4] for row in minutes()] == [1]


def test_old_figures_are_pruned(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MINUTES_KEPT", 5 * HOUR)
    monkeypatch.setattr(figures, "HOURS_KEPT", 24 * HOUR)
    add_run(now - 30 * HOUR, name="a.oldest")
    add_run(now - 20 * HOUR, name="a.old")
    add_run(now - 2 * HOUR, name="a.new")
    roll_all(now)
    with platform_session() as session:
        hours = session.scalars(text("SELECT name FROM job_hours ORDER BY hour")).all()
    assert [row[2] for row in minutes()] == ["a.new"]
    assert hours == ["a.old", "a.new"]


def test_totals_are_exact_however_far_the_roll_up_is(now: datetime, platform: Session) -> None:
    chance = random.Random(7)
    runs: list[dict[str, Any]] = [
        {
            "finished_at": now - timedelta(seconds=chance.randrange(0, 26 * 3600)),
            "name": chance.choice(["a.one", "b.two"]),
            "queue": chance.choice(["default", "bulk"]),
            "state": chance.choice(["succeeded", "succeeded", "dead", "cancelled"]),
            "wait_s": chance.uniform(0, 30),
            "run_s": chance.uniform(0, 3),
        }
        for _ in range(300)
    ]
    add_runs(runs)
    since = now.replace(second=0) - timedelta(days=1)
    inside = [run for run in runs if run["finished_at"] >= since]
    expected: dict[tuple[str, str], list[int]] = {}
    for run in inside:
        total = expected.setdefault((run["name"], run["queue"]), [0, 0])
        total[0] += 1
        total[1] += run["state"] == "dead"
    waits = [0] * BUCKETS
    for run in inside:
        waits[bucket_of(run["wait_s"] * 1000)] += 1
    more = True
    while more:
        got = figures.by_job(platform, "24h", now=now)
        assert {(job.name, job.queue): [job.runs, job.failed] for job in got.jobs} == expected
        points = figures.series(platform, "24h", queue=None, name=None, now=now).points
        first = points[0].at
        in_steps = [run for run in runs if run["finished_at"] >= first]
        assert sum(p.succeeded + p.dead + p.cancelled for p in points) == len(in_steps)
        assert sum(p.dead for p in points) == sum(run["state"] == "dead" for run in in_steps)
        platform.rollback()
        with platform_session() as session:
            more = figures.roll_up(session, now=now)


def test_percentiles_are_of_waiting_and_of_running(now: datetime, platform: Session) -> None:
    add_runs([{"finished_at": now - MINUTE, "wait_s": 0.3, "run_s": 15} for _ in range(20)])
    add_run(now - MINUTE, state="cancelled", started_at=None)
    (job,) = figures.by_job(platform, "1h", now=now).jobs
    assert (job.runs, job.failed, job.total_ms, job.title_key) == (21, 0, 300_000, "jobs.tests.job")
    for value, low, high in ((job.wait_ms.p95, 200, 500), (job.run_ms.p50, 10_000, 20_000)):
        assert value is not None
        assert low <= value <= high
    assert figures.usual_run_ms(platform, now=now).keys() == {"tests.job"}


def test_no_percentile_of_few_runs_is_above_all_of_them_together(now: datetime, platform: Session) -> None:
    add_run(now - MINUTE, run_s=10.5)
    for _ in range(2):
        (job,) = figures.by_job(platform, "1h", now=now).jobs
        assert (job.total_ms, job.run_ms.p50, job.run_ms.p95, job.run_ms.p99) == (10_500, *[10_500.0] * 3)
        assert figures.usual_run_ms(platform, now=now) == {"tests.job": 10_500.0}
        points = figures.series(platform, "1h", queue=None, name=None, now=now).points
        assert [point.run_p95_ms for point in points if point.succeeded] == [10_500.0]
        platform.rollback()
        while figures.roll_up(platform, now=now + HOUR / 4):
            platform.commit()


def test_a_retried_job_waits_from_when_it_was_due_again(now: datetime, platform: Session) -> None:
    add_run(now - MINUTE, wait_s=0.3, enqueued_at=now - 2 * HOUR)
    (job,) = figures.by_job(platform, "1h", now=now).jobs
    assert job.wait_ms.p99 is not None
    assert job.wait_ms.p99 <= 500


def test_a_series_has_every_step_and_the_deploys_in_it(now: datetime, platform: Session) -> None:
    add_run(now - 30 * MINUTE, queue="bulk", name="a.one")
    add_run(now - 30 * MINUTE, queue="default", name="b.two", state="dead")
    platform.execute(
        text("INSERT INTO fleet_deploys VALUES ('1.0', :old), ('1.1', :new)"),
        {"old": now - 3 * HOUR, "new": now - 10 * MINUTE},
    )
    got = figures.series(platform, "1h", queue=None, name=None, now=now)
    assert (got.step_s, len(got.points)) == (60, 61)
    assert [point.at for point in got.points] == [now.replace(second=0) + n * MINUTE for n in range(-60, 1)]
    assert (got.points[30].succeeded, got.points[30].dead) == (1, 1)
    assert [deploy.version for deploy in got.deploys] == ["1.1"]
    assert (
        sum(p.succeeded for p in figures.series(platform, "1h", queue="bulk", name=None, now=now).points) == 1
    )
    assert (
        sum(p.succeeded for p in figures.series(platform, "1h", queue=None, name="b.two", now=now).points)
        == 0
    )
    assert len(figures.series(platform, "7d", queue=None, name=None, now=now).points) == 169


def scope_of(shop: Shop | None) -> Scope:
    return Scope(ShopId(shop.id) if shop else None, True, "user:1", ShopId(1))


def test_the_summary_counts_every_state(platform: Session, shop: Shop, other_shop: Shop) -> None:
    now = utcnow()
    later = now + HOUR
    add_live(shop, state="scheduled", run_at=later)
    add_live(shop, state="scheduled", run_at=later, attempt=1)
    add_live(shop, state="staged", attempt=2)
    add_live(shop)
    add_live(shop, state="queued")
    add_live(shop, state="running", attempt=1)
    add_live(shop, cancel_requested_at=now)
    add_live(other_shop)
    add_run(now - HOUR, shop=shop)
    add_run(now - 30 * HOUR, shop=shop)
    add_run(now - HOUR, shop=shop, state="cancelled")
    add_run(now - 48 * HOUR, shop=shop, state="dead")
    add_run(now - HOUR, shop=shop, state="dead", discarded_at=now)
    add_run(now - HOUR, shop=other_shop)
    everyone = figures.summarize(platform, scope_of(None), now=now)
    assert everyone.states.model_dump() == {
        "scheduled": 1, "staged": 2, "queued": 1, "running": 1, "retrying": 2,
        "succeeded_24h": 2, "dead": 1, "cancelled_24h": 1,
    }  # fmt: skip
    own = figures.summarize(platform, scope_of(shop), now=now)
    assert own.states == everyone.states.model_copy(update={"staged": 1, "succeeded_24h": 1})
    assert own.queues == []


def test_a_queue_says_what_waits_who_works_and_when_it_is_done(
    platform: Session, shop: Shop, other_shop: Shop
) -> None:
    now = utcnow()
    for n in range(3):
        add_live(shop, queue="bulk", run_at=now - timedelta(seconds=100 + n))
    add_live(other_shop, queue="bulk", run_at=now - 10 * SECOND)
    add_live(None, queue="bulk", run_at=now + HOUR, state="scheduled")
    add_live(shop, queue="bulk", state="running", attempt=1, run_at=now - HOUR)
    add_runs([{"finished_at": now - 5 * SECOND, "queue": "bulk", "wait_s": 90, "run_s": 1} for _ in range(3)])
    platform.execute(
        text(
            "INSERT INTO fleet_processes (name, kind, host, pid, queues, slots, busy, started_at, beat_at, draining) "
            "VALUES ('w1', 'worker', 'h', 1, '{bulk,sync}', 4, 3, :now, :now, false), "
            "('w2', 'worker', 'h', 2, '{bulk}', 4, 0, :now, :now, true), "
            "('w3', 'worker', 'h', 3, '{bulk}', 4, 0, :now, :lost, false), "
            "('relay', 'relay', 'h', 4, '{}', 0, 0, :now, :now, false)"
        ),
        {"now": now, "lost": now - MINUTE},
    )
    platform.execute(
        text(
            "INSERT INTO work_limits (kind, key, paused_at, paused_by, rate) VALUES ('queue', 'bulk', :now, 'ada', 60)"
        ),
        {"now": now},
    )
    rows = {row.name: row for row in figures.queue_rows(platform, now=now)}
    assert list(rows) == ["critical", "default", "bulk", "sync", "ai"]
    bulk = rows["bulk"]
    assert (bulk.depth, bulk.scheduled, bulk.running, bulk.oldest_age_s) == (4, 1, 1, 102.0)
    assert (bulk.in_per_min, bulk.out_per_min, bulk.drain_min) == (1, 3, 2.0)
    assert (bulk.consumers, bulk.slots, bulk.busy) == (1, 4, 3)
    assert (bulk.paused, bulk.paused_by) == (True, "ada")
    assert bulk.limits is not None
    assert (bulk.limits.rate, bulk.limits.rate_period_s, bulk.limits.in_flight) == (60, 60, None)
    assert [(top.shop_domain, top.depth) for top in bulk.top_shops] == [
        (shop.domain, 3),
        (other_shop.domain, 1),
    ]
    assert bulk.wait_p95_ms is not None
    assert 60_000 <= bulk.wait_p95_ms <= 120_000
    assert (len(bulk.spark), sum(point.done for point in bulk.spark)) == (60, 3)
    idle = rows["ai"]
    assert (idle.depth, idle.oldest_age_s, idle.wait_p95_ms, idle.drain_min, idle.limits) == (
        0,
        None,
        None,
        None,
        None,
    )
    assert (rows["sync"].consumers, rows["sync"].paused) == (1, False)
