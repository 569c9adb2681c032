"""A job's life: staged with its cause, claimed once, finished once, tried again, buried or given back."""

import threading
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storecast.db.session import tenant_session
from storecast.kit.errors import Permanent, Retryable
from storecast.kit.types import ShopId
from storecast.shops.models import Shop
from storecast.worker import outbox
from storecast.worker.job import Job
from storecast.worker.ledger import Ledger, reconcile
from storecast.worker.models import JobRun, OutboxJob
from storecast.worker.relay import CLAIM_DUE
from storecast.worker.task import Runner, TaskContext, task


@dataclass(frozen=True, slots=True)
class Note(Job):
    """Writes its text into the shop's name, or fails as told."""

    name: ClassVar[str] = "tests.note"
    max_attempts: ClassVar[int] = 3

    text: str
    key: str | None = None

    def unique_key(self) -> str | None:
        return self.key


@task(Note)
def write_note(job: Note, ctx: TaskContext) -> None:
    with ctx.unit_of_work() as session:
        session.execute(text("UPDATE shops SET name = :name"), {"name": job.text})
        if job.text == "later":
            raise Retryable("not now", retry_after=60)
        if job.text == "never":
            raise Permanent("no")
        if job.text == "broken":
            raise ValueError("a bug")
        if job.text == "stop":
            ctx.check_cancelled()


def stage(shop: Shop, job: Job) -> UUID:
    with tenant_session(ShopId(shop.id)) as session:
        job_id = outbox.add(session, ShopId(shop.id), job)
    assert job_id is not None
    return job_id


def queue(connection: psycopg.Connection) -> list[UUID]:
    """Claim what is due as the relay does, without a broker."""
    return [row[0] for row in connection.execute(CLAIM_DUE, {"lease_s": 300, "batch": 100}).fetchall()]


def shop_name(platform: Session, shop: Shop) -> str:
    return platform.scalars(select(Shop.name).where(Shop.id == shop.id)).one()


def test_a_job_exists_only_when_its_cause_is_committed(shop: Shop, platform: Session) -> None:
    def change_and_fail() -> None:
        with tenant_session(ShopId(shop.id)) as session:
            outbox.add(session, ShopId(shop.id), Note("x"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()

    assert platform.scalars(select(OutboxJob)).all() == []


def test_a_job_runs_once_and_moves_to_the_history(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("done"))
    assert queue(relay_connection) == [job_id]

    assert runner.run([job_id]) == 1
    assert runner.run([job_id]) == 0

    assert platform.scalars(select(OutboxJob)).all() == []
    run = platform.scalars(select(JobRun)).one()
    assert (run.id, run.state, run.attempt, run.worker, run.error) == (
        job_id,
        "succeeded",
        1,
        "worker-1",
        None,
    )
    assert [attempt["number"] for attempt in run.attempts] == [1]  # type: ignore[index]
    assert shop_name(platform, shop) == "done"


def test_an_unpublished_job_cannot_be_claimed(shop: Shop, runner: Runner, platform: Session) -> None:
    job_id = stage(shop, Note("early"))

    assert runner.run([job_id]) == 0

    assert platform.scalars(select(OutboxJob.state)).all() == ["staged"]
    assert shop_name(platform, shop) == "Acme"


def test_two_workers_race_for_one_job_and_one_wins(
    shop: Shop, database: str, relay_connection: psycopg.Connection
) -> None:
    job_id = stage(shop, Note("race"))
    queue(relay_connection)
    won: list[str] = []
    start = threading.Barrier(2)

    def claim(worker: str) -> None:
        ledger = Ledger(database, worker)
        start.wait()
        won.extend(worker for _ in ledger.claim([job_id]))
        ledger.close()

    threads = [threading.Thread(target=claim, args=(f"worker-{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(won) == 1


def test_a_retryable_failure_waits_and_changes_nothing(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("later"))
    runner.run(queue(relay_connection))

    row = platform.scalars(select(OutboxJob)).one()
    waits_s = platform.scalar(text("SELECT extract(epoch FROM run_at - now()) FROM outbox"))
    assert (row.id, row.state, row.attempt, row.error) == (job_id, "staged", 1, "Retryable: not now")
    assert waits_s is not None
    assert 50 < waits_s <= 60
    assert shop_name(platform, shop) == "Acme"


def test_attempts_run_out_into_the_dead_letters_with_every_error(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    stage(shop, Note("broken"))
    for _ in range(Note.max_attempts):
        relay_connection.execute("UPDATE outbox SET run_at = now()")
        runner.run(queue(relay_connection))

    run = platform.scalars(select(JobRun)).one()
    assert (run.state, run.attempt, run.error) == ("dead", 3, "ValueError: a bug")
    assert [attempt["error"] for attempt in run.attempts] == ["ValueError: a bug"] * 3  # type: ignore[index]
    assert all("write_note" in attempt["traceback"] for attempt in run.attempts)  # type: ignore[index]


def test_a_permanent_failure_is_buried_at_once(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    stage(shop, Note("never"))
    runner.run(queue(relay_connection))

    assert platform.scalars(select(JobRun.state)).one() == "dead"


def test_a_job_that_nobody_knows_is_tried_again_and_kept(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    stage(shop, Note("x"))
    relay_connection.execute("UPDATE outbox SET name = 'tests.of_a_newer_version'")
    runner.run(queue(relay_connection))

    assert platform.scalars(select(OutboxJob.error)).one() == "KeyError: 'tests.of_a_newer_version'"


def test_a_key_waits_once_but_again_beside_a_running_one(
    shop: Shop, ledger: Ledger, relay_connection: psycopg.Connection, platform: Session
) -> None:
    first = stage(shop, Note("x", key="k"))
    with tenant_session(ShopId(shop.id)) as session:
        assert outbox.add(session, ShopId(shop.id), Note("y", key="k")) is None
    queue(relay_connection)
    ledger.claim([first])

    second = stage(shop, Note("z", key="k"))

    states = platform.execute(select(OutboxJob.id, OutboxJob.state)).all()
    assert {row.id: row.state for row in states} == {first: "running", second: "staged"}


def test_a_job_that_is_about_to_start_waits_for_a_writer_that_joined_it(
    shop: Shop, database: str, relay_connection: psycopg.Connection
) -> None:
    job_id = stage(shop, Note("x", key="k"))
    queue(relay_connection)
    claimed = threading.Event()

    def claim() -> None:
        ledger = Ledger(database, "worker-1")
        ledger.claim([job_id])
        claimed.set()
        ledger.close()

    thread = threading.Thread(target=claim)
    with tenant_session(ShopId(shop.id)) as session:
        outbox.add(session, ShopId(shop.id), Note("x", key="k"))
        thread.start()
        while not relay_connection.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall():
            assert not claimed.is_set()
    thread.join()
    assert claimed.is_set()


def test_a_lost_worker_costs_a_lease_and_is_named(
    shop: Shop, ledger: Ledger, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("x"))
    queue(relay_connection)
    (held,) = ledger.claim([job_id])
    relay_connection.execute("UPDATE outbox SET lease_until = now() - interval '1 second'")

    assert reconcile(relay_connection) == 1

    row = platform.scalars(select(OutboxJob)).one()
    assert (row.state, row.attempt, row.error) == (
        "staged",
        1,
        "WorkerLost: worker-1 stopped renewing its lease",
    )
    assert ledger.cancel_requested(held) is False
    queue(relay_connection)
    other = Ledger(ledger._url, "worker-2")
    (again,) = other.claim([job_id])
    assert again.attempt == 2
    assert ledger.cancel_requested(held) is True
    other.close()


def test_what_the_broker_lost_is_published_again(
    shop: Shop, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("x"))
    queue(relay_connection)
    relay_connection.execute("UPDATE outbox SET lease_until = now() - interval '1 second'")

    assert reconcile(relay_connection) == 1
    assert queue(relay_connection) == [job_id]
    assert platform.scalars(select(OutboxJob.attempt)).one() == 0


def test_a_job_that_keeps_losing_its_worker_is_buried(
    shop: Shop, ledger: Ledger, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("x"))
    for _ in range(Note.max_attempts):
        queue(relay_connection)
        ledger.claim([job_id])
        relay_connection.execute("UPDATE outbox SET lease_until = now() - interval '1 second'")
        reconcile(relay_connection)

    run = platform.scalars(select(JobRun)).one()
    assert (run.state, run.attempt) == ("dead", 3)


def test_a_cancelled_job_never_starts(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("x"))
    queue(relay_connection)
    relay_connection.execute("UPDATE outbox SET cancel_requested_at = now()")

    assert runner.run([job_id]) == 0

    assert platform.scalars(select(JobRun.state)).all() == ["cancelled"]
    assert shop_name(platform, shop) == "Acme"


def test_two_relays_share_the_work(shop: Shop, database: str, relay_connection: psycopg.Connection) -> None:
    staged = {stage(shop, Note(str(n))) for n in range(20)}
    with psycopg.connect(database, options="-c role=storecast_relay") as other:
        theirs = {row[0] for row in other.execute(CLAIM_DUE, {"lease_s": 300, "batch": 7}).fetchall()}
        ours = set(queue(relay_connection))

    assert len(theirs) == 7
    assert not ours & theirs
    assert ours | theirs == staged
