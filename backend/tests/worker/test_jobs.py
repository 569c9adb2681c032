"""A job's life: staged with its cause, claimed once, finished once, tried again, buried or given back."""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.db.session import tenant_session
from storecast.fleet.models import FleetProcess
from storecast.kit.clock import utcnow
from storecast.kit.errors import Invalid, Permanent, Retryable
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.resilience.circuit import CircuitOpen
from storecast.shops.models import Shop
from storecast.worker import batches, outbox
from storecast.worker.history import BUFFER_LINES, History, Writer
from storecast.worker.job import Job
from storecast.worker.ledger import Ledger, connect
from storecast.worker.models import JobBatch, JobLog, JobOrphan, JobRun, OutboxJob
from storecast.worker.presence import Presence, Watch
from storecast.worker.reconcile import child_died, hand_back, reconcile, workers_died
from storecast.worker.relay import DUE, PUBLISHED
from storecast.worker.task import Runner, TaskContext, task
from tests.processes import wait_until


@dataclass(frozen=True, slots=True)
class Note(Job):
    """Writes its text into the shop's name, or fails as told."""

    name: ClassVar[str] = "tests.note"
    max_attempts: ClassVar[int] = 3

    text: str
    key: str | None = None

    def unique_key(self) -> str | None:
        return self.key


@dataclass(frozen=True, slots=True)
class Spawn(Job):
    """Stages a copy of itself, one less deep."""

    name: ClassVar[str] = "tests.spawn"
    tags: ClassVar[tuple[str, ...]] = ("spawned",)

    depth: int


@task(Spawn)
def spawn(job: Spawn, ctx: TaskContext) -> None:
    if job.depth:
        with ctx.unit_of_work() as session:
            outbox.add(session, ctx.shop_id, Spawn(job.depth - 1))
    ctx.result(left=job.depth)


@task(Note)
def write_note(job: Note, ctx: TaskContext) -> None:
    with ctx.unit_of_work() as session:
        session.execute(text("UPDATE shops SET name = :name"), {"name": job.text})
        if job.text == "later":
            raise Retryable("not now", retry_after=60)
        if job.text == "left alone":
            raise CircuitOpen("files.example", retry_after=40)
        if job.text == "never":
            raise Permanent("no")
        if job.text == "broken":
            raise ValueError("a bug")
        if job.text == "stop":
            ctx.check_cancelled()
    if job.text == "cut off":
        with psycopg.connect(get_settings().database_url) as owner:
            owner.execute(CUT_OFF)


CUT_OFF = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
 WHERE application_name = 'storecast ledger' AND datname = current_database()
"""


def stage(shop: Shop, job: Job) -> UUID:
    with tenant_session(ShopId(shop.id)) as session:
        job_id = outbox.add(session, ShopId(shop.id), job)
    assert job_id is not None
    return job_id


def queue(connection: psycopg.Connection) -> list[UUID]:
    """Release what is due as the relay does, without a broker."""
    connection.execute(DUE)
    ids = [row[0] for row in connection.execute("SELECT id FROM outbox WHERE state = 'staged' ORDER BY id")]
    return [row[0] for row in connection.execute(PUBLISHED, {"ids": ids, "lease_s": 300}).fetchall()]


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


def test_a_lost_connection_is_told_as_one_and_made_anew(
    shop: Shop, ledger: Ledger, relay_connection: psycopg.Connection, database: str
) -> None:
    job_id = stage(shop, Note("cut off"))
    assert ledger.claim([job_id]) == []
    queue(relay_connection)
    pid = ledger.connection().info.backend_pid
    with psycopg.connect(database) as owner:
        owner.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    with pytest.raises(psycopg.OperationalError):
        ledger.claim([job_id])
    assert [job.id for job in ledger.claim([job_id])] == [job_id]


def test_a_job_that_ends_while_the_database_is_away_is_over_when_it_is_back(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("cut off"))
    queue(relay_connection)
    relay_connection.close()

    assert runner.run([job_id]) == 1

    assert platform.scalars(select(OutboxJob)).all() == []
    run = platform.scalars(select(JobRun)).one()
    assert (run.id, run.state, run.attempt) == (job_id, "succeeded", 1)


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
    assert (row.id, row.state, row.attempt, row.error) == (job_id, "scheduled", 1, "Retryable: not now")
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

    run = platform.scalars(select(JobRun)).one()
    assert (run.state, run.error_class, run.error) == ("dead", "Permanent", "Permanent: no")
    assert run.fingerprint is not None
    assert len(run.fingerprint) == 16


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("name = 'tests.newer'", "JobUnknown: no job is called tests.newer here"),
        ('args = \'{"text": "x", "colour": 1}\'', "JobUnknown: tests.note has other arguments here: "),
    ],
)
def test_a_job_of_a_newer_version_is_left_to_a_newer_worker(
    shop: Shop,
    runner: Runner,
    relay_connection: psycopg.Connection,
    platform: Session,
    change: str,
    error: str,
) -> None:
    job_id = stage(shop, Note("x"))
    relay_connection.execute(f"UPDATE outbox SET {change}")
    runner.run(queue(relay_connection))

    row = platform.scalars(select(OutboxJob)).one()
    assert (row.id, row.state, row.attempt, row.attempts) == (job_id, "scheduled", 0, [])
    assert row.error is not None
    assert row.error.startswith(error)
    assert shop_name(platform, shop) == "Acme"

    # Nobody has known it for longer than a deploy takes.
    relay_connection.execute("UPDATE outbox SET run_at = now(), enqueued_at = now() - interval '2 hours'")
    runner.run(queue(relay_connection))
    assert platform.scalars(select(JobRun.error_class)).one() == "JobUnknown"


def test_a_job_that_a_failing_host_holds_up_loses_no_attempt(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("left alone"))
    runner.run(queue(relay_connection))

    row = platform.scalars(select(OutboxJob)).one()
    waits_s = platform.scalar(text("SELECT extract(epoch FROM run_at - now()) FROM outbox"))
    assert (row.id, row.state, row.attempt, row.attempts) == (job_id, "scheduled", 0, [])
    assert waits_s is not None
    assert 30 < waits_s <= 40


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
        "WorkerLost: worker-1: its worker stopped renewing its lease",
    )
    assert ledger.cancel_requested(held) is False
    queue(relay_connection)
    other = Ledger(ledger._url, "worker-2")
    (again,) = other.claim([job_id])
    assert again.attempt == 2
    assert ledger.cancel_requested(held) is True
    other.close()


def test_a_worker_that_is_gone_costs_no_lease(
    shop: Shop, database: str, relay_connection: psycopg.Connection, platform: Session
) -> None:
    ledger = Ledger(database, "host/7")
    watch = Watch(grace_s=0.0)
    job_id = stage(shop, Note("x"))
    queue(relay_connection)
    presence = Presence(ledger.worker)
    presence.show(ledger.connection())
    ledger.claim([job_id])
    presence.show(ledger.connection())
    assert watch.gone(relay_connection) == []

    ledger.connection().close()
    wait_until(lambda: watch.gone(relay_connection) == ["host/7"])
    presence.show(ledger.connection())
    assert workers_died(relay_connection, ["host/7"]) == 0  # it was only cut off
    assert watch.gone(relay_connection) == []
    ledger.close()
    wait_until(lambda: watch.gone(relay_connection) == ["host/7"])
    # A relay that never saw the worker's lock cannot say that it is missing: it may be of another version.
    assert Watch(grace_s=0.0).gone(relay_connection) == []

    assert workers_died(relay_connection, ["host/7"]) == 1
    row = platform.scalars(select(OutboxJob)).one()
    assert (row.state, row.attempt, row.losses, row.error) == (
        "staged",
        1,
        1,
        "WorkerLost: host/7: it is gone",
    )
    assert watch.gone(relay_connection) == []


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


def test_a_child_that_dies_twice_under_a_job_poisons_it(
    shop: Shop, ledger: Ledger, relay_connection: psycopg.Connection, platform: Session
) -> None:
    job_id = stage(shop, Note("x"))
    child = Ledger(ledger._url, "bulk@host/7")
    queue(relay_connection)
    child.claim([job_id])
    assert child_died(relay_connection, [job_id], "other@host") == 0
    assert child_died(relay_connection, [job_id], "bulk@host") == 1
    assert platform.scalars(select(OutboxJob.state)).one() == "staged"

    queue(relay_connection)
    child.claim([job_id])
    assert child_died(relay_connection, [job_id], "bulk@host") == 1
    child.close()

    platform.rollback()
    run = platform.scalars(select(JobRun)).one()
    assert (run.state, run.attempt, run.error_class) == ("dead", 2, "PoisonJob")
    orphans = platform.execute(select(JobOrphan.attempt, JobOrphan.process, JobOrphan.outcome)).all()
    assert sorted(map(tuple, orphans)) == [(1, "bulk@host", "retried"), (2, "bulk@host", "dead")]


def test_a_worker_that_stops_hands_its_jobs_back_without_counting_them(
    shop: Shop, ledger: Ledger, relay_connection: psycopg.Connection, platform: Session
) -> None:
    mine, theirs = stage(shop, Note("x")), stage(shop, Note("y"))
    queue(relay_connection)
    child, other = Ledger(ledger._url, "bulk@host/7"), Ledger(ledger._url, "bulk@host2/7")
    child.claim([mine])
    other.claim([theirs])

    assert hand_back(relay_connection, "bulk@host") == 1

    rows = platform.execute(select(OutboxJob.id, OutboxJob.state, OutboxJob.attempt, OutboxJob.worker)).all()
    assert {row.id: tuple(row)[1:] for row in rows} == {
        mine: ("staged", 0, None),
        theirs: ("running", 1, "bulk@host2/7"),
    }
    child.close()
    other.close()


def test_a_bundle_is_claimed_and_ended_together_each_with_its_own_outcome(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    good, bad, late, gone = (stage(shop, Note(text)) for text in ("one", "never", "later", "two"))
    relay_connection.execute("UPDATE outbox SET cancel_requested_at = now() WHERE id = %s", [gone])
    ids = queue(relay_connection)
    assert gone not in ids

    assert runner.run([good, bad, late, gone]) == 3

    ended = platform.execute(select(JobRun.id, JobRun.state, JobRun.error)).all()
    assert {row.id: tuple(row)[1:] for row in ended} == {
        good: ("succeeded", None),
        bad: ("dead", "Permanent: no"),
        gone: ("cancelled", None),
    }
    assert platform.execute(select(OutboxJob.id, OutboxJob.state)).all() == [(late, "scheduled")]
    assert shop_name(platform, shop) == "one"


def test_what_a_job_stages_is_its_child_and_its_root_s(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session
) -> None:
    root = stage(shop, Spawn(depth=2))
    while ids := queue(relay_connection):
        runner.run(ids)

    runs = platform.scalars(select(JobRun).order_by(JobRun.id)).all()
    assert [run.args["depth"] for run in runs] == [2, 1, 0]
    assert [run.parent_id for run in runs] == [None, runs[0].id, runs[1].id]
    assert [run.root_id for run in runs] == [None, root, root]
    assert [run.terms for run in runs] == [["spawned", f"depth:{depth}"] for depth in (2, 1, 0)]
    assert [run.result for run in runs] == [{"left": depth} for depth in (2, 1, 0)]


def test_a_line_that_a_job_logs_is_kept_with_its_attempt(
    shop: Shop, database: str, ledger: Ledger, relay_connection: psycopg.Connection, platform: Session
) -> None:
    history = History()
    side = Ledger(database, "worker-1")
    runner = Runner(ledger, side, history)
    writer = Writer(stage(shop, Note("x")), shop.id, 1)
    history.keep(writer, "info", "page_read", {"page": 3})
    history.keep(writer, "info", "page_read", {"page": "x" * 5000})
    runner.flush_history()
    runner.flush_history()
    side.close()

    lines = platform.execute(
        select(JobLog.job_id, JobLog.shop_id, JobLog.attempt, JobLog.event, JobLog.facts).order_by(JobLog.id)
    ).all()
    assert sorted((tuple(line) for line in lines), key=str) == sorted(
        [
            (writer.job_id, shop.id, 1, "page_read", {"page": 3}),
            (writer.job_id, shop.id, 1, "page_read", {"cut": 5011}),
        ],
        key=str,
    )


def test_a_history_that_is_full_counts_what_it_drops(
    shop: Shop, database: str, relay_connection: psycopg.Connection, platform: Session
) -> None:
    relay_connection.execute(
        "INSERT INTO fleet_processes (name, kind, host, pid, started_at, beat_at) "
        "VALUES ('bulk@host', 'worker', 'host', 1, now(), now())"
    )
    history = History()
    for number in range(BUFFER_LINES + 3):
        history.keep(Writer(uuid7(), shop.id, 1), "info", "line", {"number": number})
    with connect(database) as connection:
        assert history.flush(connection, "bulk@host") == BUFFER_LINES
        assert history.flush(connection, "bulk@host") == 0
    assert platform.scalars(select(FleetProcess.dropped)).one() == 3


@pytest.mark.parametrize("jobs", [0, 1, 3])
def test_a_batch_is_followed_once_by_its_completion(
    shop: Shop, runner: Runner, relay_connection: psycopg.Connection, platform: Session, jobs: int
) -> None:
    texts = ["done", "never", "stop"][:jobs]
    with tenant_session(ShopId(shop.id)) as session:
        batch_id = batches.start(
            session,
            ShopId(shop.id),
            "notes",
            [Note(text, key="k") for text in texts],
            completion=Note("complete"),
        )
    first = queue(relay_connection)
    assert len(first) == (jobs or 1)
    if jobs == 3:
        relay_connection.execute("UPDATE outbox SET cancel_requested_at = now() WHERE args->>'text' = 'stop'")
    runner.run(first)
    while ids := queue(relay_connection):
        runner.run(ids)

    batch = platform.scalars(select(JobBatch)).one()
    assert batch.id == batch_id
    assert (batch.total, batch.succeeded, batch.dead, batch.cancelled) == (
        jobs,
        min(jobs, 1),
        int(jobs > 1),
        int(jobs > 2),
    )
    assert batch.finished_at is not None
    completions = platform.scalars(select(JobRun).where(JobRun.args["text"].astext == "complete")).all()
    assert [run.state for run in completions] == ["succeeded"]
    assert shop_name(platform, shop) == "complete"


def test_workers_that_end_a_batch_at_once_stage_one_completion(
    shop: Shop, database: str, relay_connection: psycopg.Connection, platform: Session
) -> None:
    with tenant_session(ShopId(shop.id)) as session:
        batches.start(
            session,
            ShopId(shop.id),
            "notes",
            [Note("x") for _ in range(8)],
            completion=Note("complete"),
        )
    ids = queue(relay_connection)
    start = threading.Barrier(8)

    def work(job_id: UUID) -> None:
        own, side = Ledger(database, "worker-1"), Ledger(database, "worker-1")
        start.wait()
        Runner(own, side).run([job_id])
        own.close()
        side.close()

    threads = [threading.Thread(target=work, args=(job_id,)) for job_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert platform.scalars(select(OutboxJob.args)).all() == [{"text": "complete", "key": None}]
    assert platform.scalars(select(JobBatch.succeeded)).one() == 8


@pytest.mark.parametrize(
    ("payload", "faults"),
    [
        ({"text": 3}, [("/args/text", "string_type")]),
        ({"text": "x", "colour": "red"}, [("/args/colour", "unknown_field")]),
        ({}, [("/args/text", "missing")]),
        ({"text": "x", "key": ["a"], "n": 1}, [("/args/n", "unknown_field"), ("/args/key", "string_type")]),
    ],
)
def test_arguments_that_are_not_the_job_s_are_refused_with_their_places(
    payload: dict[str, object], faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(Invalid) as raised:
        Note.validated(payload)
    assert [(fault.pointer, fault.code) for fault in raised.value.errors] == faults
    assert Note.validated({"text": "x"}) == Note("x")


def test_many_jobs_are_staged_in_one_go_and_keys_hold(shop: Shop, platform: Session) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        assert outbox.add(session, shop_id, Note("first", key="k")) is not None
        jobs = [Note("a"), Note("b", key="k"), Note("c", key="l"), Note("d", key="l")]
        assert outbox.add_many(session, shop_id, jobs, priority=1) == 2
    texts = platform.scalars(select(OutboxJob.args["text"].astext).order_by(OutboxJob.id)).all()
    assert sorted(texts) == ["a", "d", "first"]


def test_a_job_for_later_is_scheduled_and_haste_wins(shop: Shop, platform: Session) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        outbox.add(session, shop_id, Note("x", key="k"), run_at=utcnow() + timedelta(hours=1))
    assert platform.scalars(select(OutboxJob.state)).one() == "scheduled"
    platform.rollback()
    with tenant_session(shop_id) as session:
        outbox.add(session, shop_id, Note("y", key="k"))
    assert platform.scalars(select(OutboxJob.state)).one() == "staged"
