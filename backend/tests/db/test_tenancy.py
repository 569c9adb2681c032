"""Tenants never see each other, and the database says so by itself."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.audit.models import AuditEntry
from storecast.db.session import tenant_session
from storecast.entrypoints.metadata import metadata
from storecast.kit.types import ShopId
from storecast.shops.models import Shop


def test_every_table_with_a_shop_is_isolated(platform: Session) -> None:
    tables = {t.name for t in metadata.sorted_tables if "shop_id" in t.columns} | {"shops"}
    secured = set(
        platform.scalars(text("SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relispartition"))
    )
    assert secured == tables


def test_a_tenant_sees_and_changes_only_its_own_rows(shop: Shop, other_shop: Shop) -> None:
    for owner in (shop, other_shop):
        with tenant_session(ShopId(owner.id)) as session:
            audit.record(session, ShopId(owner.id), "seven", "shop_named", owner.domain)

    with tenant_session(ShopId(shop.id)) as session:
        assert [entry.subject for entry in session.scalars(select(AuditEntry))] == [shop.domain]
        assert session.scalars(select(Shop.domain)).all() == [shop.domain]
        touched = session.execute(
            text("UPDATE shops SET name = 'stolen' WHERE id = :id"), {"id": other_shop.id}
        )
        assert touched.rowcount == 0  # type: ignore[attr-defined]


def test_a_tenant_cannot_write_into_another_shop(shop: Shop, other_shop: Shop) -> None:
    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        tenant_session(ShopId(shop.id)) as session,
    ):
        audit.record(session, ShopId(other_shop.id), "seven", "planted", "x")

    with tenant_session(ShopId(other_shop.id)) as session:
        assert audit.count(session, ShopId(other_shop.id)) == 0


def test_without_a_tenant_there_is_nothing_to_see(shop: Shop, session: Session) -> None:
    session.execute(text("SELECT set_config('storecast.shop_id', '', true)"))
    assert session.scalars(select(Shop)).all() == []


@pytest.mark.parametrize("role", ["storecast_edge", "storecast_relay"])
def test_the_hot_paths_see_no_customer(
    platform: Session, make_shop: Callable[[str], Shop], role: str
) -> None:
    readable = platform.scalars(
        text(
            "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace"
            " AND has_any_column_privilege(:role, c.oid, 'SELECT')"
        ),
        {"role": role},
    ).all()
    assert not {"customers", "customer_facts", "orders", "shop_tokens", "message_deliveries"} & set(readable)
