"""/metrics from the rows: exact figures, totals that only grow, and a database that is away."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.entrypoints.metrics import CACHED_S, LedgerCollector
from storecast.jobs import figures
from storecast.kit.clock import utcnow
from storecast.resilience.circuit import Circuits
from storecast.shops.models import Shop
from tests.factories.job_rows import add_live, add_run

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Scraper:
    """A collector under a clock of the test's own, parsed as Prometheus parses it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.collector = LedgerCollector(clock=self.clock)

    def scrape(self) -> Samples:
        self.clock.now += CACHED_S
        return parsed(self.collector.text().decode())


def parsed(body: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


def value(samples: Samples, metric: str, **labels: str) -> float:
    return samples[metric, tuple(sorted(labels.items()))]


@pytest.fixture
def scraper(database: str) -> Scraper:
    return Scraper()


def beat(kind: str, name: str, *, silent_s: float = 0, **columns: Any) -> None:
    values = {
        "name": name,
        "kind": kind,
        "queues": [],
        "slots": 0,
        "busy": 0,
        "version": "1",
        "dropped": 0,
        "draining": False,
        "at": utcnow() - timedelta(seconds=silent_s),
        **columns,
    }
    with platform_session() as session:
        session.execute(
            text(
                "INSERT INTO fleet_processes (name, kind, host, pid, queues, slots, busy, version, dropped,"
                " draining, rss_bytes, started_at, beat_at) VALUES (:name, :kind, 'h', 1, :queues, :slots, :busy,"
                " :version, :dropped, :draining, 1000, :at, :at)"
            ),
            values,
        )


def ago(seconds: float) -> datetime:
    return utcnow() - timedelta(seconds=seconds)


def test_depth_and_age_are_those_of_the_rows(scraper: Scraper, shop: Shop, other_shop: Shop) -> None:
    empty = scraper.scrape()
    assert value(empty, "storecast_ledger_up") == 1
    assert value(empty, "storecast_jobs", queue="critical", state="staged") == 0
    assert value(empty, "storecast_jobs_oldest_age_seconds", queue="ai", state="queued") == 0

    add_live(shop, queue="bulk", run_at=ago(100))
    add_live(other_shop, queue="bulk", run_at=ago(40))
    add_live(shop, queue="bulk", state="scheduled", run_at=ago(-500))
    add_live(shop, queue="bulk", state="scheduled", attempt=2, run_at=ago(-500))
    add_live(shop, queue="bulk", cancel_requested_at=utcnow(), run_at=ago(900))
    add_live(shop, queue="sync", state="running", run_at=ago(80), started_at=ago(30))
    add_live(shop, queue="sync", state="queued", run_at=ago(60))
    seen = scraper.scrape()
    depths = {
        (queue, state): value(seen, "storecast_jobs", queue=queue, state=state)
        for queue in ("bulk", "sync")
        for state in ("scheduled", "retrying", "staged", "queued", "running")
    }
    assert {key: depth for key, depth in depths.items() if depth} == {
        ("bulk", "staged"): 2, ("bulk", "scheduled"): 1, ("bulk", "retrying"): 1,
        ("sync", "running"): 1, ("sync", "queued"): 1,
    }  # fmt: skip
    ages = {
        state: value(seen, "storecast_jobs_oldest_age_seconds", queue=queue, state=state)
        for queue, state in (
            ("bulk", "staged"),
            ("sync", "running"),
            ("sync", "queued"),
            ("bulk", "retrying"),
        )
    }
    assert ages == {
        "staged": pytest.approx(100, abs=3),
        "running": pytest.approx(30, abs=3),
        "queued": pytest.approx(60, abs=3),
        "retrying": 0,
    }
    # Nothing that could grow with the number of shops.
    assert {name for _metric, labels in seen for name, _value in labels} <= {
        "queue", "state", "kind", "service", "job_name", "le",
    }  # fmt: skip


def test_relay_lag_is_what_nothing_speaks_against(scraper: Scraper, shop: Shop) -> None:
    def lag() -> float:
        return value(scraper.scrape(), "storecast_relay_lag_seconds")

    add_live(shop, queue="sync", run_at=ago(500))
    add_live(shop, queue="sync", state="running", run_at=ago(500), started_at=ago(1))
    assert lag() == 0
    add_live(shop, queue="bulk", name="held", run_at=ago(400))
    with platform_session() as session:
        session.execute(text("INSERT INTO work_limits (kind, key, paused_at) VALUES ('job', 'held', now())"))
    assert lag() == 0
    add_live(shop, queue="bulk", run_at=ago(70))
    assert lag() == pytest.approx(70, abs=3)
    with platform_session() as session:
        session.execute(
            text("INSERT INTO work_limits (kind, key, paused_at) VALUES ('queue', 'bulk', now())")
        )
    seen = scraper.scrape()
    assert value(seen, "storecast_relay_lag_seconds") == 0
    assert value(seen, "storecast_queue_paused", queue="bulk") == 1
    assert value(seen, "storecast_queue_paused", queue="sync") == 0


def roll_up(until: datetime) -> None:
    with platform_session() as session:
        while figures.roll_up(session, now=until):
            pass


def test_histograms_and_counters_come_from_the_rolled_minutes_and_only_grow(
    scraper: Scraper, shop: Shop
) -> None:
    start = utcnow().replace(second=0, microsecond=0) - timedelta(hours=2)
    add_run(start, shop=shop, name="campaigns.finish", queue="default")
    roll_up(start + timedelta(minutes=10))
    first = scraper.scrape()
    kind = {"queue": "default", "job_name": "campaigns.finish"}
    # What was before this process looked is not its to count, but the kind is there, at zero.
    assert value(first, "storecast_jobs_ended_total", **kind, state="succeeded") == 0
    assert value(first, "storecast_job_run_seconds_count", **kind) == 0

    at = start + timedelta(minutes=20)
    add_run(at, shop=shop, name="campaigns.finish", queue="default", wait_s=0.3, run_s=1.5)
    add_run(at, shop=shop, name="campaigns.finish", queue="default", wait_s=40, run_s=3.0, state="dead")
    add_run(at, shop=shop, name="sync.poll", queue="sync", wait_s=0.0, run_s=0.004)
    roll_up(start + timedelta(minutes=40))
    second = scraper.scrape()
    assert value(second, "storecast_jobs_ended_total", **kind, state="succeeded") == 1
    assert value(second, "storecast_jobs_ended_total", **kind, state="dead") == 1
    assert value(second, "storecast_job_run_seconds_sum", **kind) == pytest.approx(4.5)
    runs = [
        value(second, "storecast_job_run_seconds_bucket", **kind, le=le)
        for le in ("1.0", "2.0", "5.0", "+Inf")
    ]
    waits = [
        value(second, "storecast_job_wait_seconds_bucket", **kind, le=le)
        for le in ("0.2", "0.5", "30.0", "60.0")
    ]
    assert (runs, waits) == ([0, 1, 2, 2], [0, 1, 1, 2])
    polled = {"queue": "sync", "job_name": "sync.poll"}
    assert value(second, "storecast_job_run_seconds_bucket", **polled, le="0.005") == 1

    roll_up(start + timedelta(minutes=60))
    with platform_session() as session:
        session.execute(text("DELETE FROM job_minutes"))
    third = scraper.scrape()
    grown = {key for key in second if key[0].endswith(("_total", "_bucket", "_count", "_sum"))}
    assert {key: third[key] for key in grown} == {key: second[key] for key in grown}


def test_the_fleet_by_kind_and_state(scraper: Scraper, database: str) -> None:
    beat("worker", "bulk@a", queues=["bulk", "sync"], slots=4, busy=3, dropped=5)
    beat("worker", "bulk@b", queues=["bulk"], slots=2, busy=1, silent_s=20, version="0")
    beat("worker", "bulk@c", queues=["bulk"], slots=8, busy=8, draining=True)
    beat("worker", "gone@d", queues=["bulk"], slots=8, busy=8, silent_s=600)
    beat("beat", "beat@a")
    seen = scraper.scrape()
    states = {
        (kind, state): value(seen, "storecast_processes", kind=kind, state=state)
        for kind in ("api", "beat", "worker")
        for state in ("ok", "late", "lost")
    }
    assert {key: count for key, count in states.items() if count} == {
        ("worker", "ok"): 2, ("worker", "late"): 1, ("worker", "lost"): 1, ("beat", "ok"): 1,
    }  # fmt: skip
    assert value(seen, "storecast_worker_slots") == 6
    assert value(seen, "storecast_worker_busy") == 4
    assert value(seen, "storecast_queue_consumers", queue="bulk") == 2
    assert value(seen, "storecast_queue_consumers", queue="critical") == 0
    assert value(seen, "storecast_history_dropped_lines") == 5
    assert value(seen, "storecast_processes_outdated") == 1
    assert value(seen, "storecast_process_resident_bytes", kind="worker") == 3000


def test_what_is_open_and_what_is_late(scraper: Scraper, shop: Shop) -> None:
    with platform_session() as session:
        session.execute(
            text(
                "INSERT INTO job_batches (id, name, total) VALUES (gen_random_uuid(), 'b', 1);"
                "INSERT INTO workflows (id, name, state, definition) VALUES"
                " (gen_random_uuid(), 'w', 'paused', '{}'), (gen_random_uuid(), 'w', 'running', '{}');"
                "INSERT INTO job_schedules (source, title, job_name, interval_s, next_run_at) VALUES"
                " ('user', 't', 'fleet.forget_lost', 60, now() - interval '90 seconds'),"
                " ('user', 't', 'fleet.forget_lost', 60, now() + interval '90 seconds')"
            )
        )
    add_run(utcnow(), shop=shop, state="dead")
    add_run(utcnow(), shop=shop, state="dead", discarded_at=utcnow())
    seen = scraper.scrape()
    assert value(seen, "storecast_batches_open") == 1
    assert value(seen, "storecast_workflows_open", state="paused") == 1
    assert value(seen, "storecast_workflows_open", state="running") == 1
    assert value(seen, "storecast_schedule_lag_seconds") == pytest.approx(90, abs=3)
    assert value(seen, "storecast_dead_letters") == 1


def test_circuits_are_counted_by_service_and_never_named(scraper: Scraper) -> None:
    circuits = Circuits(redis.Redis.from_url(get_settings().redis_url))
    for host in ("acme.myshopify.com", "rival.myshopify.com"):
        for leave in [circuits.admit(host, "shopify") for _ in range(5)]:
            circuits.settle(leave, "failed", "HTTP 502")
    seen = scraper.scrape()
    assert value(seen, "storecast_circuits", service="shopify", state="open") == 2
    assert value(seen, "storecast_circuits", service="smtp", state="open") == 0
    assert "myshopify" not in scraper.collector.text().decode()


def test_one_look_serves_a_few_seconds(scraper: Scraper, shop: Shop) -> None:
    before = scraper.scrape()
    add_live(shop, queue="bulk")
    scraper.clock.now += CACHED_S - 0.1
    assert parsed(scraper.collector.text().decode()) == before
    scraper.clock.now += 0.1
    after = parsed(scraper.collector.text().decode())
    assert value(after, "storecast_jobs", queue="bulk", state="staged") == 1


@pytest.fixture
def locked(database: str) -> Iterator[None]:
    """Somebody holds the live table for themselves."""
    with psycopg.connect(database) as connection:
        connection.execute("LOCK TABLE outbox")
        yield


def test_a_database_that_does_not_answer_in_time_is_said_and_waited_for_no_longer(
    scraper: Scraper, locked: None
) -> None:
    seen = scraper.scrape()
    assert value(seen, "storecast_ledger_up") == 0
    assert value(seen, "storecast_ledger_look_seconds") < 5
    assert not any(name.startswith("storecast_jobs") for name, _labels in seen)
    assert value(seen, "storecast_circuits", service="smtp", state="open") == 0


def test_redis_that_is_away_leaves_the_circuits_out(
    scraper: Scraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get_settings(), "redis_url", "redis://127.0.0.1:1")
    seen = scraper.scrape()
    assert value(seen, "storecast_ledger_up") == 1
    assert not any(name == "storecast_circuits" for name, _labels in seen)


def test_the_api_serves_both_kinds_in_one_valid_answer(client: TestClient) -> None:
    client.get("/healthz")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    names = [family.name for family in text_string_to_metric_families(answer.text)]
    assert len(names) == len(set(names))
    assert {"storecast_requests", "storecast_jobs", "storecast_ledger_up"} <= set(names)
