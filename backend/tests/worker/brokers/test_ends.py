"""What becomes of jobs when their workers and their broker end, in good order or not, on each broker."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo.servers import EmbeddedPostgres, EmbeddedRedis
from tests.processes import wait_until
from tests.worker.brokers.conftest import Server, Site, site
from tests.worker.brokers.jobs import Alone, Long, Short


@pytest.fixture
def quiet(
    server: Server, redis_server: EmbeddedRedis, postgres: EmbeddedPostgres, template: str, tmp_path: Path
) -> Iterator[Site]:
    """Nothing runs yet."""
    with site(server, redis_server.redis_url, postgres, template, tmp_path) as made:
        yield made


def test_the_job_of_a_killed_worker_is_tried_again(quiet: Site) -> None:
    quiet.stage(Long())
    with quiet.relay():
        with quiet.worker("first@host") as running:
            wait_until(lambda: quiet.effects() == ["began"])
            family = [*psutil.Process(running.pid).children(recursive=True), psutil.Process(running.pid)]
            running.kill()
            running.wait()
            psutil.wait_procs(family, timeout=10)
        quiet.sql("UPDATE outbox SET lease_until = now() WHERE state = 'running'")
        with quiet.worker("second@host"):
            assert quiet.over(1) == ["succeeded"]
    assert quiet.effects() == ["began", "began", "ended"]
    assert quiet.sql("SELECT process, outcome FROM job_orphans") == [("first@host", "retried")]
    assert quiet.sql("SELECT attempt, losses FROM job_runs") == [(2, 1)]


def test_a_stopping_worker_lets_short_jobs_end(quiet: Site) -> None:
    quiet.stage(Short())
    with quiet.relay(), quiet.worker() as running:
        wait_until(lambda: quiet.effects() == ["began"])
        running.terminate()
        # Well under the twenty seconds that a long job would be given.
        running.wait(timeout=15)
        assert quiet.over(1) == ["succeeded"]
    assert quiet.effects() == ["began", "ended"]


def test_a_stopping_worker_hands_back_what_does_not_end(quiet: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOFT_SHUTDOWN_S", "1")
    quiet.stage(Long())
    with quiet.relay():
        with quiet.worker("first@host") as running:
            wait_until(lambda: quiet.effects() == ["began"])
            running.terminate()
            running.wait(timeout=25)
        assert quiet.sql("SELECT count(*) FROM outbox WHERE state = 'running'") == [(0,)]
        assert quiet.sql("SELECT attempt, losses FROM outbox") == [(0, 0)]
        assert quiet.sql("SELECT name FROM fleet_processes WHERE kind = 'worker'") == []
        quiet.sql("UPDATE outbox SET cancel_requested_at = now()")
        assert quiet.over(1) == ["cancelled"]
    assert quiet.sql("SELECT count(*) FROM job_orphans") == [(0,)]


def test_the_most_urgent_goes_first_and_a_wiped_broker_loses_nothing(quiet: Site) -> None:
    for priority in (9, 5, 0, 7, 2):
        quiet.stage(*(Alone(10 * priority + number) for number in range(3)), priority=priority)
    with quiet.relay():
        wait_until(lambda: quiet.sql("SELECT FROM outbox WHERE state = 'queued'"), "jobs in the broker")
        quiet.server.start_wiped()
        with quiet.worker():
            assert quiet.over(15) == ["succeeded"] * 15
    assert quiet.effects() == [f"alone {10 * p + n}" for p in (0, 2, 5, 7, 9) for n in range(3)]
