"""A whole synchronisation against the simulator: what the shop has is what the database has."""

from datetime import timedelta
from uuid import UUID

import orjson
import psycopg
import pytest
from sqlalchemy import delete, func, select, update

from storecast.auth.models import ShopMember
from storecast.config.settings import get_settings
from storecast.customers.models import Customer, CustomerFacts
from storecast.db.session import platform_session, tenant_session
from storecast.jobs import service as jobs
from storecast.jobs import workflows
from storecast.jobs.models import Workflow, WorkflowNode
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.orders.models import Order, OrderLine
from storecast.products.models import Product
from storecast.segments import service as segments
from storecast.shopify import bulk
from storecast.shops import tokens
from storecast.shops.errors import ReauthorizationNeeded
from storecast.shops.models import Shop, ShopToken
from storecast.sync import refresh, service
from storecast.sync.errors import SyncOver
from storecast.sync.jobs import ImportResource, SettleSync, SweepSyncs, SyncNow
from storecast.sync.models import SyncResource
from storecast.sync.models import SyncRun as SyncRunRow
from storecast.sync.schemas import SyncRun
from storecast.sync.tasks import sweep_syncs
from storecast.worker import outbox
from storecast.worker.ledger import connect
from storecast.worker.models import JobRun, OutboxJob
from storecast.worker.reconcile import reconcile
from tests.factories.context import Context
from tests.jobs.console import add_finished, add_live
from tests.simulated_shopify import SimulatedShopify, Worker


@pytest.fixture
def under_way(installed: ShopId) -> ShopId:
    """A shop whose run has been asked for and has not begun."""
    with platform_session() as session:
        session.execute(delete(OutboxJob))
    with tenant_session(installed) as session:
        service.start(session, installed, kind="first")
    return installed


def test_the_first_sync_starts_by_itself_and_brings_everything(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    worker.run_until_idle()

    theirs = shopify.state()
    with tenant_session(installed) as session:
        run = service.find_latest(session, installed)
        assert run is not None
        assert (run.state, run.kind, run.progress, run.error) == ("done", "first", 1.0, None)
        assert [(part.resource, part.state, part.rows_refused) for part in run.resources] == [
            ("customers", "done", 0),
            ("products", "done", 0),
            ("collections", "done", 0),
            ("orders", "done", 0),
            ("abandoned_checkouts", "done", 0),
            ("segments", "done", 0),
        ]
        assert all(part.bytes_done == part.bytes_total for part in run.resources)
        assert session.scalar(select(func.count()).select_from(Customer)) == theirs["customers"]
        assert session.scalar(select(func.count()).select_from(CustomerFacts)) == theirs["customers"]
        assert session.scalar(select(func.count()).select_from(Product)) == theirs["products"]
        assert session.scalar(select(func.count()).select_from(Order)) == theirs["orders"]
        assert session.scalar(select(func.count()).where(OrderLine.order_id.is_(None))) == 0
        spent = session.scalar(select(func.sum(CustomerFacts.total_spent_minor)))
        counted = select(func.sum(Order.total_minor - Order.refunded_minor)).where(
            Order.cancelled_at.is_(None), Order.test.is_(False), Order.customer_id.is_not(None)
        )
        assert spent == session.scalar(counted)
        shop = session.scalars(select(Shop)).one()
        assert (shop.currency, shop.pixel_state) == ("USD", "active")
    assert shopify.state()["pixel"] is not None
    assert {state for _name, state in worker.outcomes()} == {"succeeded"}


def test_what_follows_the_import_is_a_workflow_that_counts_the_segments_by_the_new_facts(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    buyers = {"field": "orders_count", "operator": "gte", "value": 1}
    with tenant_session(installed) as session:
        segment_id = segments.create(session, installed, name="Buyers", tree=buyers).public_id

    worker.run_until_idle()

    with tenant_session(installed) as session:
        (workflow,) = session.scalars(select(Workflow))
        nodes = session.scalars(select(WorkflowNode).order_by(WorkflowNode.position)).all()
        assert (workflow.name, workflow.state) == ("store.refresh", "succeeded")
        assert [(node.key, node.state) for node in nodes] == [
            ("facts", "succeeded"),
            ("close", "succeeded"),
            ("segments", "succeeded"),
            ("micro_segments", "succeeded"),
        ]
        counted = session.scalar(select(func.count()).where(CustomerFacts.orders_count >= 1))
        assert counted
        assert segments.get(session, installed, segment_id).member_count == counted
    names = [name for name, _state in worker.outcomes()]
    assert names.index("orders.rescore_customers") < names.index("sync.finish")
    assert names.index("orders.rescore_customers") < names.index("segments.recount_segment")
    assert names.index("segments.recount_segment") < names.index("ai.find_micro_segments")


def test_a_run_whose_workflow_ends_without_closing_it_fails_with_the_reason(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    with tenant_session(installed) as session:
        run = service.start(session, installed, kind="manual")
        sync_id, run_id = run.public_id, run.id
        workflow_id = workflows.start(
            session, installed, refresh.definition(run_id), afterwards=SettleSync(run_id)
        )
        scope = Scope(installed, tracebacks=True, actor="user:1", home=installed)
        workflows.cancel(session, scope, workflow_id)

    worker.run_until_idle()

    with tenant_session(installed) as session:
        ended = service.read(session, installed, sync_id)
        assert (ended.state, ended.error) == (
            "failed",
            "The data is in, but working with it failed; the workflow's page says why.",
        )
        outbox.add(session, installed, SyncNow())
    worker.run_until_idle()
    with tenant_session(installed) as session:
        outbox.add(session, installed, SettleSync(run_id + 1))
    worker.run_until_idle()
    with tenant_session(installed) as session:
        run_after = service.find_latest(session, installed)
        assert run_after is not None
        assert (run_after.kind, run_after.state) == ("scheduled", "done")


def test_a_second_sync_of_an_unchanged_shop_writes_no_row(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    worker.run_until_idle()
    with tenant_session(installed) as session:
        before = session.execute(select(Customer.id, Customer.updated_at).order_by(Customer.id)).all()
        service.start(session, installed, kind="manual")

    worker.run_until_idle()

    with tenant_session(installed) as session:
        assert session.execute(select(Customer.id, Customer.updated_at).order_by(Customer.id)).all() == before


def test_a_shop_has_one_run_at_a_time(shopify: SimulatedShopify, installed: ShopId) -> None:
    with tenant_session(installed) as session:
        first = service.start(session, installed, kind="manual").public_id
    with tenant_session(installed) as session:
        assert service.start(session, installed, kind="manual").public_id == first


def test_a_cancelled_run_imports_nothing_more(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    with tenant_session(installed) as session:
        sync_id = service.start(session, installed, kind="manual").public_id
    with tenant_session(installed) as session:
        service.cancel(session, installed, sync_id)

    worker.run_until_idle()

    with tenant_session(installed) as session:
        assert service.read(session, installed, sync_id).state == "cancelled"
        with pytest.raises(SyncOver):
            service.cancel(session, installed, sync_id)


def test_an_import_that_runs_twice_changes_nothing_the_second_time(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    worker.run_until_idle()
    with tenant_session(installed) as session:
        orders = session.scalar(select(func.count()).select_from(Order))
        outbox.add(session, installed, ImportResource(1))

    worker.run_until_idle()

    with tenant_session(installed) as session:
        assert session.scalar(select(func.count()).select_from(Order)) == orders


def test_an_expired_token_is_renewed_and_the_sync_goes_through(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    past = utcnow() - timedelta(minutes=1)
    with platform_session() as session:
        before = session.scalar(select(ShopToken.access_token))
        session.execute(update(ShopToken).values(expires_at=past))

    worker.run_until_idle()

    with platform_session() as session:
        token = session.scalars(select(ShopToken)).one()
        assert token.access_token != before
        assert token.expires_at is not None
        assert token.expires_at > utcnow() + timedelta(minutes=50)
        assert (token.state, token.lease_until) == ("valid", None)
    with tenant_session(installed) as session:
        run = service.find_latest(session, installed)
        assert run is not None
        assert run.state == "done"


def test_a_token_that_expires_before_its_time_is_renewed_in_use(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    with platform_session() as session:
        before = session.scalar(select(ShopToken.access_token))
    shopify.control("tokens/expire")

    worker.run_until_idle()

    with platform_session() as session:
        assert session.scalar(select(ShopToken.access_token)) != before
    with tenant_session(installed) as session:
        run = service.find_latest(session, installed)
        assert run is not None
        assert run.state == "done"
    assert {state for _name, state in worker.outcomes()} == {"succeeded"}


def test_a_revoked_refresh_token_asks_for_the_merchant_and_fails_the_run_with_the_reason(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    shopify.control("tokens/revoke", shop="cdnow.myshopify.com")
    with platform_session() as session:
        session.execute(update(ShopToken).values(expires_at=utcnow()))

    worker.run_until_idle()

    with platform_session() as session:
        assert session.scalar(select(ShopToken.state)) == "reauthorize"
    with tenant_session(installed) as session:
        run = service.find_latest(session, installed)
        assert run is not None
        assert run.state == "failed"
        assert run.error is not None
        assert "invalid_grant" in run.error
    with pytest.raises(ReauthorizationNeeded):
        tokens.access_token(lambda: tenant_session(installed), installed)


def test_the_installing_person_is_known_by_name(shopify: SimulatedShopify, installed: ShopId) -> None:
    with platform_session() as session:
        member = session.scalars(select(ShopMember)).one()
        assert (member.role, bool(member.name), "@" in member.email) == ("owner", True, True)


def test_an_import_that_a_person_cancels_ends_the_run_and_makes_way_for_the_next(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId, database: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        # As if somebody had asked at the moment in which each import was staged.
        connection.execute(
            "CREATE FUNCTION ask() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN IF NEW.name = 'sync.import' AND NEW.state = 'running' THEN"
            " NEW.cancel_requested_at = now(); END IF; RETURN NEW; END $$"
        )
        connection.execute("CREATE TRIGGER ask BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION ask()")
    worker.run_until_idle()

    with tenant_session(installed) as session:
        run = service.find_latest(session, installed)
        assert run is not None
        assert (run.state, session.scalar(select(func.count()).select_from(Customer))) == ("cancelled", 0)
        assert service.start(session, installed, kind="manual").state == "queued"
    assert ("sync.import", "cancelled") in worker.outcomes()


def retry(shop_id: ShopId, job_id: UUID) -> UUID:
    """A person's click on "Try again"."""
    scope = Scope(shop_id, tracebacks=False, actor="user:1", home=shop_id)
    with tenant_session(shop_id) as session:
        return UUID(jobs.retry(session, scope, job_id, args=None, reason=None, now=utcnow()).id)


def latest(shop_id: ShopId) -> SyncRun:
    with tenant_session(shop_id) as session:
        run = service.find_latest(session, shop_id)
        assert run is not None
        return run


def sweep() -> None:
    """What the schedule does every minute."""
    sweep_syncs(SweepSyncs(), Context(None))


def test_a_run_whose_start_failed_goes_on_when_a_person_tries_that_again(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    shopify.control("faults", token_revoked=True)
    worker.run_until_idle()
    shopify.control("faults", token_revoked=False)
    with platform_session() as session:
        dead = session.scalars(select(JobRun).where(JobRun.state == "dead")).one()
        assert dead.name == "sync.start"
    failed = latest(installed)
    retried_as = retry(installed, dead.id)

    worker.run_until_idle()

    run = latest(installed)
    assert (run.id, failed.state, run.state, run.error) == (failed.id, "failed", "done", None)
    with platform_session() as session:
        again = session.scalars(select(JobRun).where(JobRun.id == retried_as)).one()
        assert (again.state, again.result) == ("succeeded", {"sync_id": run.id})


def end_import_of_orders(shop_id: ShopId, state: str, *, at_byte: int, at_line: int) -> UUID:
    """As if the run had ended in the middle of the orders, all that it had brought of them having been lost."""
    with psycopg.connect(get_settings().database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM order_lines; DELETE FROM orders; DELETE FROM workflows")
        connection.execute("UPDATE sync_runs SET state = %s, error = 'The disk is full.'", [state])
        connection.execute(
            "UPDATE sync_resources SET state = 'cancelled', bytes_done = %s, lines_done = %s"
            " WHERE resource = 'orders'",
            [at_byte, at_line],
        )
        connection.execute(
            "UPDATE sync_resources SET state = 'cancelled', bytes_done = 0, lines_done = 0"
            " WHERE resource IN ('abandoned_checkouts', 'segments')"
        )
        dead = connection.execute(
            "UPDATE job_runs SET state = 'dead' WHERE name = 'sync.import' AND args ->> 'sync_resource_id' ="
            " (SELECT id::text FROM sync_resources WHERE resource = 'orders') RETURNING id"
        ).fetchone()
    assert dead is not None
    return UUID(str(dead[0]))


def operations_of(shop_id: ShopId) -> dict[str, str | None]:
    with tenant_session(shop_id) as session:
        found = session.execute(select(SyncResource.resource, SyncResource.operation_gid))
        return {row.resource: row.operation_gid for row in found}


def test_an_import_that_is_tried_again_reads_the_same_result_from_the_last_byte_noted(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    """What had been read before is not read again, and Shopify is asked for nothing twice."""
    worker.run_until_idle()
    done, operations = latest(installed), operations_of(installed)
    with tenant_session(installed) as session:
        url = session.scalars(select(SyncResource.url).where(SyncResource.resource == "orders")).one()
    assert url is not None
    pieces = list(bulk.iter_lines(url))
    middle = len(pieces) // 2
    rest = {orjson.loads(line or b"")["id"] for line, _ in pieces[middle:]}
    dead = end_import_of_orders(installed, "failed", at_byte=pieces[middle - 1][1], at_line=middle)
    assert latest(installed).state == "failed"

    retry(installed, dead)
    worker.run_until_idle()

    run = latest(installed)
    assert (run.id, run.state, run.error, run.progress) == (done.id, "done", None, 1.0)
    assert operations_of(installed) == operations
    with tenant_session(installed) as session:
        brought = {*session.scalars(select(Order.gid)), *session.scalars(select(OrderLine.gid))}
        assert brought == rest
        (lines_done,) = session.scalars(
            select(SyncResource.lines_done).where(SyncResource.resource == "orders")
        )
        assert lines_done == len(pieces)


def test_an_import_of_a_cancelled_run_that_is_tried_again_begins_a_new_run(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    worker.run_until_idle()
    dead = end_import_of_orders(installed, "cancelled", at_byte=0, at_line=0)
    cancelled, operations = latest(installed), operations_of(installed)

    retry(installed, dead)
    worker.run_until_idle()

    run = latest(installed)
    assert (run.id != cancelled.id, run.state) == (True, "done")
    with tenant_session(installed) as session:
        assert service.read(session, installed, cancelled.id) == cancelled
        asked = session.scalars(select(SyncResource.operation_gid)).all()
    assert len(set(asked)) == 2 * len(operations)


def test_an_import_of_a_run_that_is_over_goes_on_for_a_person_and_does_nothing_when_it_comes_late(
    shopify: SimulatedShopify, worker: Worker, under_way: ShopId
) -> None:
    with tenant_session(under_way) as session:
        run = session.scalars(select(SyncRunRow)).one()
        resource_id = session.scalars(
            select(SyncResource.id).where(SyncResource.resource == "customers")
        ).one()
        service.fail(session, under_way, run.id, "The file is gone.")
        outbox.add(session, under_way, ImportResource(resource_id))
    worker.run_until_idle()
    failed = latest(under_way)
    assert (failed.state, failed.error) == ("failed", "The file is gone.")
    with platform_session() as session:
        late = session.scalars(select(JobRun.id).where(JobRun.name == "sync.import")).one()
    with psycopg.connect(get_settings().database_url, autocommit=True) as connection:
        connection.execute("UPDATE job_runs SET state = 'dead' WHERE id = %s", [late])
    retry(under_way, late)

    worker.run_until_idle()

    run_after = latest(under_way)
    assert (run_after.id, run_after.state, run_after.error) == (failed.id, "done", None)


def test_a_run_whose_start_is_cancelled_before_it_began_is_closed_by_the_sweep(
    under_way: ShopId, database: str
) -> None:
    """Whether the row of the cancelled job is still there or was cleared away."""
    sweep()
    assert latest(under_way).state == "queued"
    with platform_session() as session:
        job_id = session.scalars(select(OutboxJob.id).where(OutboxJob.name == "sync.start")).one()
    scope = Scope(under_way, tracebacks=False, actor="user:1", home=under_way)
    with tenant_session(under_way) as session:
        jobs.cancel(session, scope, job_id, now=utcnow())
    for attempt in range(2):
        sweep()
        run = latest(under_way)
        assert (run.state, run.finished_at is not None, run.error) == ("cancelled", True, None)
        assert {part.state for part in run.resources} == {"cancelled"}
        if attempt == 0:
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("UPDATE sync_runs SET state = 'queued', finished_at = NULL")
                connection.execute("DELETE FROM outbox WHERE name = 'sync.stop_operations'")
            with connect(get_settings().database_url) as relay:
                reconcile(relay)


def test_a_new_run_need_not_wait_for_the_sweep_of_a_cancelled_one(under_way: ShopId) -> None:
    with platform_session() as session:
        job_id = session.scalars(select(OutboxJob.id).where(OutboxJob.name == "sync.start")).one()
    scope = Scope(under_way, tracebacks=False, actor="user:1", home=under_way)
    with tenant_session(under_way) as session:
        cancelled = service.find_latest(session, under_way)
        jobs.cancel(session, scope, job_id, now=utcnow())
        run = service.start(session, under_way, kind="manual")
        assert cancelled is not None
        assert (run.public_id != cancelled.id, run.state) == (True, "queued")
        assert service.read(session, under_way, cancelled.id).state == "cancelled"
    sweep()
    assert latest(under_way).state == "queued"


@pytest.mark.parametrize("name", ["sync.poll", "sync.import"])
def test_a_run_whose_step_died_without_a_word_fails(under_way: ShopId, name: str) -> None:
    with platform_session() as session:
        shop = session.get_one(Shop, under_way)
        session.execute(delete(OutboxJob))
    with tenant_session(under_way) as session:
        args = {
            "sync.poll": {"sync_run_id": session.scalars(select(SyncRunRow.id)).one(), "round": 3},
            "sync.import": {"sync_resource_id": session.scalars(select(SyncResource.id)).first()},
        }[name]
    add_finished(
        shop,
        "succeeded",
        name="sync.start",
        args={"sync_run_id": 1},
        finished_at=utcnow() - timedelta(hours=1),
    )
    add_finished(shop, "dead", name=name, args=args, error_class="PoisonJob")
    sweep()
    run = latest(under_way)
    assert (run.state, run.error) == ("failed", "A step of it failed; the task's page says why.")


def test_a_run_that_its_workflow_carries_on_is_left_alone(under_way: ShopId) -> None:
    scope = Scope(under_way, tracebacks=True, actor="user:1", home=under_way)
    with tenant_session(under_way) as session:
        session.execute(delete(OutboxJob))
        run_id = session.scalars(select(SyncRunRow.id)).one()
        workflow_id = workflows.start(
            session, under_way, refresh.definition(run_id), unique_key=f"sync:{run_id}",
            afterwards=SettleSync(run_id),
        )  # fmt: skip
    sweep()
    assert latest(under_way).state == "queued"
    with tenant_session(under_way) as session:
        workflows.cancel(session, scope, workflow_id)
    sweep()
    assert latest(under_way).state == "queued"
    with platform_session() as session:
        session.execute(delete(OutboxJob))
    sweep()
    assert latest(under_way).state == "failed"


def test_the_jobs_of_a_neighbour_carry_nobodys_run(under_way: ShopId, other_shop: Shop) -> None:
    with platform_session() as session:
        args = dict(session.scalars(select(OutboxJob.args).where(OutboxJob.name == "sync.start")).one())
        session.execute(delete(OutboxJob))
    add_live(other_shop, name="sync.start", args=args)
    sweep()
    assert latest(under_way).state == "failed"
