"""SQL of writes to many customers."""

from collections.abc import Collection, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, Select, func, select, text
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerWrite, CustomerWriteTarget
from storecast.kit.types import ShopId

_ADD_TARGETS = text("""
INSERT INTO customer_write_targets (shop_id, write_id, line, customer_id, metafields)
SELECT :shop_id, :write_id, given.line - 1, given.id,
       coalesce(CAST(:metafields AS jsonb) -> given.id::text, CAST(:same AS jsonb))
  FROM unnest(CAST(:ids AS bigint[])) WITH ORDINALITY AS given (id, line)
""")

_RECORD = text("""
UPDATE customer_write_targets AS target
   SET state = CASE WHEN given.error IS NULL THEN 'done' ELSE 'refused' END, error = given.error
  FROM json_to_recordset(CAST(:outcomes AS json)) AS given (line integer, error text), customers AS customer
 WHERE target.shop_id = :shop_id AND target.write_id = :write_id AND target.line = given.line
   AND target.state = 'pending' AND customer.id = target.customer_id
RETURNING customer.gid, target.state
""")


def add(
    session: Session,
    write: CustomerWrite,
    ids: Sequence[int],
    metafields: dict[int, list[dict[str, Any]]],
    same: list[dict[str, Any]] | None,
) -> None:
    """Store a write and its customers, whose numbers follow the order of the ids; each with its metafields, or all
    with the same.
    """
    session.add(write)
    session.flush()
    values = orjson.dumps({str(key): value for key, value in metafields.items()}).decode()
    session.execute(
        _ADD_TARGETS,
        {
            "shop_id": write.shop_id,
            "write_id": write.id,
            "ids": list(ids),
            "metafields": values,
            "same": orjson.dumps(same).decode() if same is not None else None,
        },
    )


def find(session: Session, shop_id: ShopId, public_id: str) -> CustomerWrite | None:
    return session.scalar(
        select(CustomerWrite).where(CustomerWrite.shop_id == shop_id, CustomerWrite.public_id == public_id)
    )


def get(session: Session, shop_id: ShopId, write_id: int) -> CustomerWrite:
    return session.scalars(
        select(CustomerWrite).where(CustomerWrite.shop_id == shop_id, CustomerWrite.id == write_id)
    ).one()


def lock(session: Session, shop_id: ShopId, write_id: int) -> CustomerWrite | None:
    return session.scalar(
        select(CustomerWrite)
        .where(CustomerWrite.shop_id == shop_id, CustomerWrite.id == write_id)
        .with_for_update()
    )


def pending(
    session: Session, shop_id: ShopId, write_id: int, limit: int
) -> Sequence[Row[int, str, list[dict[str, Any]] | None]]:
    """The customers that nothing is known of yet: line, gid, metafields."""
    target = CustomerWriteTarget
    return session.execute(
        select(target.line, Customer.gid, target.metafields)
        .join(Customer, Customer.id == target.customer_id)
        .where(target.shop_id == shop_id, target.write_id == write_id, target.state == "pending")
        .order_by(target.line)
        .limit(limit)
    ).all()


def counts(session: Session, shop_id: ShopId, write_id: int) -> dict[str, int]:
    """Customers by state."""
    target = CustomerWriteTarget
    rows = session.execute(
        select(target.state, func.count().label("customers"))
        .where(target.shop_id == shop_id, target.write_id == write_id)
        .group_by(target.state)
    )
    return {row.state: row.customers for row in rows}


def record(session: Session, shop_id: ShopId, write_id: int, outcomes: dict[int, str | None]) -> list[str]:
    """Note errors (None: it went well) by line; the gids of those that were done just now."""
    rows = [{"line": line, "error": error} for line, error in outcomes.items()]
    given = {"shop_id": shop_id, "write_id": write_id, "outcomes": orjson.dumps(rows).decode()}
    return [gid for gid, state in session.execute(_RECORD, given) if state == "done"]


def refusals(session: Session, shop_id: ShopId, write_id: int, limit: int) -> Sequence[Row[str, str | None]]:
    """The customers that Shopify refused: public id and why."""
    target = CustomerWriteTarget
    return session.execute(
        select(Customer.public_id, target.error)
        .join(Customer, Customer.id == target.customer_id)
        .where(target.shop_id == shop_id, target.write_id == write_id, target.state == "refused")
        .order_by(target.line)
        .limit(limit)
    ).all()


def ids_of(session: Session, members: Select[Any], limit: int) -> list[int]:
    """The internal ids of a segment's members, in order."""
    chosen = members.subquery()
    return list(session.scalars(select(chosen.c.id).order_by(chosen.c.id).limit(limit)))


def ids_by_public_id(session: Session, shop_id: ShopId, public_ids: Collection[str]) -> dict[str, int]:
    rows = session.execute(
        select(Customer.public_id, Customer.id).where(
            Customer.shop_id == shop_id, Customer.public_id.in_(list(public_ids))
        )
    )
    return {row.public_id: row.id for row in rows}
