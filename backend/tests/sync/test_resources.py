"""Every resource against the simulator: both modes, changes since a mark, drift repaired, and what is closed to us."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update

from storecast.customers.models import Customer, CustomerFacts, ShopifySegment
from storecast.db.session import platform_session, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.orders.models import AbandonedCheckout, Order, OrderLine, OrderRefund, OrderTransaction
from storecast.products.models import Collection, CollectionProduct, Product, ProductVariant
from storecast.shopify.client import AdminClient
from storecast.shops import tokens
from storecast.sync import marks, pages, reconcile, service
from storecast.sync.jobs import PullChanges, ReconcileShop
from storecast.sync.models import SyncMark, SyncReconciliation, SyncResource
from storecast.sync.repository import Wish
from storecast.sync.resources import RESOURCES
from storecast.sync.schemas import SyncRun
from storecast.webhooks import registry
from storecast.webhooks.registry import Delivery
from storecast.worker import outbox
from storecast.worker.job import Job
from storecast.worker.models import OutboxJob
from tests.simulated_shopify import SHOP, SimulatedShopify, Worker
from tests.sync import snapshot


@pytest.fixture
def synced(worker: Worker, installed: ShopId) -> ShopId:
    """A shop whose first synchronisation is done."""
    worker.run_until_idle()
    return installed


def do(worker: Worker, shop_id: ShopId, job: Job) -> None:
    with tenant_session(shop_id) as session:
        outbox.add(session, shop_id, job)
    worker.run_until_idle()


def run(worker: Worker, shop_id: ShopId, wish: Wish) -> SyncRun:
    with tenant_session(shop_id) as session:
        sync_id = service.start(session, shop_id, kind="manual", wish=wish).public_id
    worker.run_until_idle()
    with tenant_session(shop_id) as session:
        return service.read(session, shop_id, sync_id)


def admin(shop_id: ShopId) -> AdminClient:
    return tokens.admin_client(lambda: tenant_session(shop_id), shop_id)


def test_both_modes_write_the_same_rows(shopify: SimulatedShopify, worker: Worker, synced: ShopId) -> None:
    shopify.control("orders/update", refunded_minor=500, financial_status="PARTIALLY_REFUNDED")
    with tenant_session(synced) as session:
        snapshot.wipe(session)
    assert run(worker, synced, Wish("bulk")).state == "done"
    with tenant_session(synced) as session:
        whole = snapshot.take(session)
        snapshot.wipe(session)

    paginated = run(worker, synced, Wish("paginated", batch_size=7))

    with tenant_session(synced) as session:
        assert snapshot.take(session) == whole
        assert session.scalar(select(func.count()).where(OrderLine.order_id.is_(None))) == 0
    assert all(rows for rows in whole.values())
    assert len(whole["order_refunds"]) == 1
    assert (paginated.state, paginated.mode, paginated.batch_size, paginated.progress) == (
        "done",
        "paginated",
        7,
        1.0,
    )
    assert [(part.resource, part.state) for part in paginated.resources] == [
        (name, "done") for name in RESOURCES
    ]
    assert all(part.rows_done == part.objects_expected for part in paginated.resources)


def test_what_does_not_fit_into_a_page_is_read_to_its_end(shopify: SimulatedShopify, synced: ShopId) -> None:
    """The collections of the generated store hold more products than come with the first page."""
    client = admin(synced)
    page = pages.read_page(client, "collections", after=None, size=250)
    children = sum(b"__parentId" in line for line in page.lines)
    with tenant_session(synced) as session:
        assert children == session.scalar(select(func.count()).select_from(CollectionProduct))
        largest = session.scalars(
            select(func.count()).select_from(CollectionProduct).group_by(CollectionProduct.collection_gid)
        ).all()
    assert max(largest) > 10
    # A page of the largest size costs more than one query may: it was asked for again, smaller.
    assert page.cursor is not None or len(page.lines) - children == 11


def test_a_run_may_be_narrowed_to_resources_and_by_a_search(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    with tenant_session(synced) as session:
        wanted = session.scalars(select(Order.name).order_by(Order.name).limit(1)).one()
        marked = session.scalars(select(SyncMark.marked_at).where(SyncMark.resource == "orders")).one()
        snapshot.wipe(session)
    for mode in ("bulk", "paginated"):
        done = run(worker, synced, Wish(mode, ("orders",), custom_query=f"name:'{wanted}'"))
        assert [(part.resource, part.rows_done) for part in done.resources] == [("orders", 1)]
        with tenant_session(synced) as session:
            assert session.scalars(select(Order.name)).all() == [wanted]
            assert session.scalar(select(func.count()).select_from(Customer)) == 0
            # What was narrowed says nothing about the rest.
            assert (
                session.scalars(select(SyncMark.marked_at).where(SyncMark.resource == "orders")).one()
                == marked
            )
            snapshot.wipe(session)


@pytest.mark.parametrize("mode", ["bulk", "paginated"])
def test_what_the_scopes_do_not_open_is_skipped_with_the_reason(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId, mode: str
) -> None:
    shopify.control("scopes", shop=SHOP, scopes=["read_customers", "write_customers", "read_products"])
    done = run(worker, synced, Wish(mode))
    assert done.state == "done"
    skipped = {part.resource: part.skipped_reason for part in done.resources if part.state == "skipped"}
    reason = "The app has not been granted read_orders."
    assert skipped == {"orders": reason, "abandoned_checkouts": reason}


def test_operations_that_shopify_has_no_room_for_wait(
    shopify: SimulatedShopify, worker: Worker, installed: ShopId
) -> None:
    shopify.control("faults", bulk_busy=3)
    worker.run_until_idle()
    with tenant_session(installed) as session:
        first = service.find_latest(session, installed)
    assert first is not None
    assert (first.state, [part.state for part in first.resources]) == ("done", ["done"] * 6)


def test_pages_go_on_from_the_last_cursor(shopify: SimulatedShopify, worker: Worker, synced: ShopId) -> None:
    """As after a crash between two pages: the first one's rows are gone again, and are not asked for a second time."""
    client = admin(synced)
    first = pages.read_page(client, "customers", after=None, size=15)
    with tenant_session(synced) as session:
        session.execute(delete(OutboxJob))
        sync_id = service.start(
            session, synced, kind="manual", wish=Wish("paginated", ("customers",), batch_size=15)
        ).public_id
        session.execute(
            update(SyncResource)
            .where(SyncResource.state == "pending")
            .values(cursor=first.cursor, rows_done=15)
        )
        snapshot.wipe(session)
    worker.run_until_idle()
    with tenant_session(synced) as session:
        (part,) = service.read(session, synced, sync_id).resources
        assert (part.state, part.rows_done) == ("done", 40)
        assert session.scalar(select(func.count()).select_from(Customer)) == 25


def test_changes_that_no_webhook_brought_are_pulled_and_followed(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    with tenant_session(synced) as session:
        buyer = session.scalars(select(Customer).order_by(Customer.id).limit(1)).one()
        before = session.scalars(
            select(CustomerFacts.orders_count).where(CustomerFacts.customer_id == buyer.id)
        ).one()
        marked = {mark.resource: mark.marked_at for mark in session.scalars(select(SyncMark))}
        email, buyer_id = buyer.email, buyer.id
    assert set(marked) == set(RESOURCES)
    placed = shopify.control(
        "orders", customer_email=email, lines=[{"handle": first_handle(synced), "quantity": 2}]
    )
    shopify.control("customers/update", customer_email=email, first_name="Changed")
    shopify.control("documents", kind="Segment", key="New", body=segment("New"))

    do(worker, synced, PullChanges())

    with tenant_session(synced) as session:
        order = session.scalars(select(Order).where(Order.gid == placed["id"])).one()
        assert (order.customer_id, order.total_minor) == (buyer_id, placed["total_minor"])
        assert session.scalars(select(OrderLine.quantity).where(OrderLine.order_id == order.id)).all() == [2]
        assert session.scalars(
            select(OrderTransaction.kind).where(OrderTransaction.order_gid == order.gid)
        ).all() == ["sale"]
        facts = session.scalars(select(CustomerFacts).where(CustomerFacts.customer_id == buyer_id)).one()
        assert facts.orders_count == before + 1
        assert session.scalars(select(Customer.first_name).where(Customer.id == buyer_id)).one() == "Changed"
        assert "New" in session.scalars(select(ShopifySegment.name)).all()
        after = {mark.resource: mark.marked_at for mark in session.scalars(select(SyncMark))}
        assert after["orders"] == order.shopify_updated_at
        assert all(after[name] >= marked[name] for name in RESOURCES)
    names = [name for name, state in worker.outcomes() if state == "succeeded"]
    assert "orders.order_recorded" in names

    with tenant_session(synced) as session:
        rows = snapshot.take(session)
    do(worker, synced, PullChanges())
    with tenant_session(synced) as session:
        assert snapshot.take(session) == rows
        assert marks.find(session, synced, "orders") == after["orders"]


def test_nothing_is_pulled_before_the_first_import(worker: Worker, installed: ShopId) -> None:
    with platform_session() as session:
        session.execute(delete(OutboxJob))
    do(worker, installed, PullChanges())
    with tenant_session(installed) as session:
        assert session.scalar(select(func.count()).select_from(Customer)) == 0
        assert session.scalar(select(func.count()).select_from(SyncMark)) == 0


def test_drift_of_every_kind_is_found_counted_and_repaired(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    with tenant_session(synced) as session:
        right = snapshot.take(session)
        drift(session)
        assert snapshot.take(session) != right

    do(worker, synced, ReconcileShop())

    with tenant_session(synced) as session:
        assert snapshot.take(session) == right
        found = {one.resource: one for one in reconcile.list_page(session, synced, cursor=None).items}
    counts = {
        name: (one.state, one.missing, one.stale, one.surplus, one.repaired) for name, one in found.items()
    }
    assert counts == {
        "customers": ("done", 2, 1, 1, 4),
        "products": ("done", 1, 1, 0, 2),
        "collections": ("done", 1, 0, 1, 2),
        "orders": ("done", 1, 1, 0, 2),
        "abandoned_checkouts": ("done", 1, 0, 0, 1),
        "segments": ("done", 0, 1, 1, 2),
    }
    assert (found["customers"].theirs, found["customers"].ours) == (40, 39)

    do(worker, synced, ReconcileShop())
    with tenant_session(synced) as session:
        again = reconcile.list_page(session, synced, cursor=None).items[: len(RESOURCES)]
    assert {(one.state, one.missing, one.stale, one.surplus, one.repaired) for one in again} == {
        ("done", 0, 0, 0, 0)
    }


def test_what_was_deleted_at_shopify_without_a_word_goes_with_all_that_hangs_on_it(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    with tenant_session(synced) as session:
        product = session.scalars(select(Product.gid).limit(1)).one()
        recent = session.scalars(select(Order.gid).order_by(Order.placed_at.desc()).limit(1)).one()
        ancient = session.scalars(select(Order.gid).order_by(Order.placed_at).limit(1)).one()
    shopify.control("products/delete", id=product)
    for gone in (recent, ancient):
        shopify.control("orders/delete", order_id=gone)

    do(worker, synced, ReconcileShop())

    with tenant_session(synced) as session:
        assert session.scalar(select(func.count()).where(ProductVariant.product_gid == product)) == 0
        assert session.scalar(select(func.count()).where(OrderLine.order_gid == recent)) == 0
        assert session.scalar(select(func.count()).where(OrderTransaction.order_gid == recent)) == 0
        # Without read_all_orders Shopify does not show it: that it is not shown does not say that it is gone.
        assert session.scalar(select(func.count()).where(Order.gid == ancient)) == 1


def test_orders_that_shopify_does_not_show_any_more_stay(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    with tenant_session(synced) as session:
        before = session.scalars(select(Order.gid).order_by(Order.gid)).all()
    shopify.control("faults", recent_orders=True)

    do(worker, synced, ReconcileShop())

    with tenant_session(synced) as session:
        assert session.scalars(select(Order.gid).order_by(Order.gid)).all() == before
        row = session.scalars(select(SyncReconciliation).where(SyncReconciliation.resource == "orders")).one()
        assert (row.state, row.missing, row.stale, row.surplus) == ("done", 0, 0, 0)
        assert row.theirs is not None
        assert row.theirs < len(before)


def test_a_store_that_seems_to_have_lost_most_of_its_customers_loses_none_here(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    with tenant_session(synced) as session:
        session.execute(
            text(
                "INSERT INTO customers (shop_id, public_id, gid, shopify_updated_at)"
                " SELECT :shop_id, 'cus_x' || n, 'gid://shopify/Customer/' || n, now() - interval '1 day'"
                " FROM generate_series(1, 150) AS n"
            ),
            {"shop_id": synced},
        )
    do(worker, synced, ReconcileShop())
    with tenant_session(synced) as session:
        assert session.scalar(select(func.count()).select_from(Customer)) == 190
        row = session.scalars(
            select(SyncReconciliation).where(SyncReconciliation.resource == "customers")
        ).one()
        assert (row.state, row.surplus, row.repaired) == ("failed", 150, 0)
        assert row.error == "More than half of the rows are gone at Shopify; nothing was removed."


def test_a_reconciliation_whose_operation_fails_says_so_and_holds_up_no_other(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    shopify.control("faults", bulk_failure=1, bulk_busy=2)
    do(worker, synced, ReconcileShop())
    with tenant_session(synced) as session:
        states = sorted(session.scalars(select(SyncReconciliation.state)).all())
        errors = [error for error in session.scalars(select(SyncReconciliation.error)) if error]
    assert states == ["done"] * 5 + ["failed"]
    assert errors == ["Shopify ended the bulk operation: INTERNAL_SERVER_ERROR"]


def test_a_mark_never_moves_back(installed: ShopId) -> None:
    now = utcnow()
    for seen in (now, now - timedelta(hours=1), now + timedelta(seconds=1), now):
        with tenant_session(installed) as session:
            marks.advance(session, installed, "orders", seen)
    with tenant_session(installed) as session:
        assert marks.find(session, installed, "orders") == now + timedelta(seconds=1)


def drift(session: Any) -> None:
    """Rows lost, rows of an older version, rows that nobody has."""
    old = utcnow() - timedelta(days=4000)
    lost, stale = session.scalars(select(Customer.id).order_by(Customer.id).limit(5)).all()[:2], None
    stale = session.scalars(select(Customer.id).order_by(Customer.id.desc()).limit(1)).one()
    session.execute(delete(Customer).where(Customer.id.in_(lost)))
    session.execute(
        update(Customer).where(Customer.id == stale).values(first_name="Old", shopify_updated_at=old)
    )
    session.execute(
        text(
            "INSERT INTO customers (shop_id, public_id, gid, shopify_updated_at)"
            " SELECT id, 'cus_x', 'gid://shopify/Customer/1', now() FROM shops"
        )
    )
    first, second = session.scalars(select(Product).order_by(Product.id).limit(2)).all()
    session.execute(delete(ProductVariant).where(ProductVariant.product_id == first.id))
    session.execute(delete(Product).where(Product.id == first.id))
    second.title, second.shopify_updated_at = "Old", old
    shelf, empty = session.scalars(select(Collection).order_by(Collection.id).limit(2)).all()
    session.execute(delete(CollectionProduct).where(CollectionProduct.collection_gid == shelf.gid))
    session.execute(delete(Collection).where(Collection.id == shelf.id))
    session.add(
        Collection(
            shop_id=empty.shop_id,
            gid="gid://shopify/Collection/1",
            title="x",
            handle="x",
            shopify_updated_at=old,
        )
    )
    order, older = session.scalars(select(Order).order_by(Order.id.desc()).limit(2)).all()
    for model in (OrderLine, OrderTransaction, OrderRefund):
        session.execute(delete(model).where(model.order_gid == order.gid))
    session.execute(delete(Order).where(Order.id == order.id))
    older.total_minor, older.shopify_updated_at = 1, old
    checkout = session.scalars(select(AbandonedCheckout).limit(1)).one()
    session.delete(checkout)
    kept = session.scalars(select(ShopifySegment).order_by(ShopifySegment.id).limit(1)).one()
    kept.query, kept.shopify_updated_at = "old", old
    session.add(
        ShopifySegment(
            shop_id=kept.shop_id, gid="gid://shopify/Segment/1", name="x", query="x", shopify_updated_at=old
        )
    )
    session.flush()


def segment(name: str) -> dict[str, Any]:
    now = utcnow().strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": name, "query": "number_of_orders > 3", "creationDate": now, "lastEditDate": now}


def first_handle(shop_id: ShopId) -> str:
    with tenant_session(shop_id) as session:
        return session.scalars(select(Product.handle).order_by(Product.id).limit(1)).one()


def hear(worker: Worker, shop_id: ShopId, topic: str, gid: str) -> None:
    """A delivery that names an object comes in, and what follows from it is done."""
    with tenant_session(shop_id) as session:
        for handler in registry.handlers(topic):
            handler(session, shop_id, Delivery(topic, "w", None, utcnow(), {"admin_graphql_api_id": gid}))
    worker.run_until_idle()


def test_collections_and_segments_follow_their_webhooks(
    shopify: SimulatedShopify, worker: Worker, synced: ShopId
) -> None:
    with tenant_session(synced) as session:
        standing = select(CollectionProduct.collection_gid, CollectionProduct.product_gid)
        kept = session.execute(standing).all()
        gid, product_gid = kept[0]
        title = session.scalars(select(Collection.title).where(Collection.gid == gid)).one()
        segment_gid = session.scalars(select(ShopifySegment.gid)).first()
        products = session.scalar(select(func.count()).select_from(Product))
        # Something else stands here than at Shopify.
        session.execute(update(Collection).where(Collection.gid == gid).values(title="Before"))
        stands_in = (CollectionProduct.collection_gid == gid, CollectionProduct.product_gid == product_gid)
        session.execute(
            update(CollectionProduct).where(*stands_in).values(product_gid="gid://shopify/Product/1")
        )
        session.execute(update(ShopifySegment).where(ShopifySegment.gid == segment_gid).values(name="Before"))
    assert segment_gid is not None
    for topic, named in (("collections/update", gid), ("segments/update", segment_gid)):
        hear(worker, synced, topic, named)
    with tenant_session(synced) as session:
        assert session.scalars(select(Collection.title).where(Collection.gid == gid)).one() == title
        assert sorted(session.execute(standing)) == sorted(kept)
        assert "Before" not in session.scalars(select(ShopifySegment.name)).all()

    # A segment that is gone before it was read, and a collection whose end is told.
    shopify.control("documents/delete", kind="Segment", id=segment_gid)
    hear(worker, synced, "segments/update", segment_gid)
    hear(worker, synced, "collections/delete", gid)
    with tenant_session(synced) as session:
        assert segment_gid not in session.scalars(select(ShopifySegment.gid)).all()
        assert gid not in session.scalars(select(Collection.gid)).all()
        assert gid not in session.scalars(select(CollectionProduct.collection_gid)).all()
        assert session.scalar(select(func.count()).select_from(Product)) == products
