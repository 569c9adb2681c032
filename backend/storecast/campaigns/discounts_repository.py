"""SQL of discounts and their codes."""

from collections.abc import Callable, Sequence

import orjson
from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from storecast.campaigns.models import DiscountCode, DiscountSet
from storecast.kit.types import ShopId
from storecast.orders import selectables as orders

MINTED_AT_ONCE = 5_000

_RECORD = text("""
UPDATE discount_codes AS code
   SET state = CASE WHEN given.error IS NULL THEN 'live' ELSE 'refused' END, error = given.error
  FROM json_to_recordset(CAST(:outcomes AS json)) AS given (code text, error text)
 WHERE code.shop_id = :shop_id AND code.discount_set_id = :set_id AND upper(given.code) = code.code
   AND code.state = 'staged'
""")


def add(session: Session, discount: DiscountSet) -> None:
    session.add(discount)
    session.flush()
    session.refresh(discount)


def find(session: Session, shop_id: ShopId, discount_id: str) -> DiscountSet | None:
    return session.scalar(
        select(DiscountSet).where(DiscountSet.shop_id == shop_id, DiscountSet.public_id == discount_id)
    )


def get(session: Session, shop_id: ShopId, set_id: int) -> DiscountSet:
    return session.scalars(
        select(DiscountSet).where(DiscountSet.shop_id == shop_id, DiscountSet.id == set_id)
    ).one()


def lock(session: Session, shop_id: ShopId, set_id: int) -> DiscountSet | None:
    return session.scalar(
        select(DiscountSet)
        .where(DiscountSet.shop_id == shop_id, DiscountSet.id == set_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_newest(
    session: Session, shop_id: ShopId, before_id: int | None, limit: int
) -> Sequence[DiscountSet]:
    query = select(DiscountSet).where(DiscountSet.shop_id == shop_id)
    if before_id is not None:
        query = query.where(DiscountSet.id < before_id)
    return session.scalars(query.order_by(DiscountSet.id.desc()).limit(limit)).all()


def mint(session: Session, discount: DiscountSet, new_code: Callable[[str], str]) -> None:
    """Store as many codes as the discount is to have and has not yet; one that the shop has is drawn again."""
    query = select(func.count()).where(
        DiscountCode.shop_id == discount.shop_id, DiscountCode.discount_set_id == discount.id
    )
    while (have := session.scalar(query) or 0) < discount.total:
        upto = min(discount.total, have + MINTED_AT_ONCE)
        rows = [
            {
                "shop_id": discount.shop_id,
                "discount_set_id": discount.id,
                "line": line,
                "code": new_code(discount.prefix),
            }
            for line in _free_lines(session, discount, upto)
        ]
        session.execute(insert(DiscountCode).values(rows).on_conflict_do_nothing())


def _free_lines(session: Session, discount: DiscountSet, upto: int) -> list[int]:
    query = select(DiscountCode.line).where(
        DiscountCode.shop_id == discount.shop_id, DiscountCode.discount_set_id == discount.id
    )
    return sorted(set(range(upto)) - set(session.scalars(query)))


def first_code(session: Session, shop_id: ShopId, set_id: int) -> str:
    return session.scalars(
        select(DiscountCode.code).where(
            DiscountCode.shop_id == shop_id, DiscountCode.discount_set_id == set_id, DiscountCode.line == 0
        )
    ).one()


def staged(session: Session, shop_id: ShopId, set_id: int, limit: int) -> list[str]:
    """The first codes that Shopify has not answered for."""
    query = (
        select(DiscountCode.code)
        .where(
            DiscountCode.shop_id == shop_id,
            DiscountCode.discount_set_id == set_id,
            DiscountCode.state == "staged",
        )
        .order_by(DiscountCode.line)
        .limit(limit)
    )
    return list(session.scalars(query))


def record(session: Session, shop_id: ShopId, set_id: int, outcomes: dict[str, str | None]) -> None:
    """Note which codes are live, and why the others are not."""
    given = [{"code": code, "error": error} for code, error in outcomes.items()]
    session.execute(_RECORD, {"shop_id": shop_id, "set_id": set_id, "outcomes": orjson.dumps(given).decode()})


def counts(session: Session, shop_id: ShopId, set_id: int) -> dict[str, int]:
    query = (
        select(DiscountCode.state, func.count().label("codes"))
        .where(DiscountCode.shop_id == shop_id, DiscountCode.discount_set_id == set_id)
        .group_by(DiscountCode.state)
    )
    return {row.state: row.codes for row in session.execute(query)}


def redeemed(session: Session, shop_id: ShopId, discount: DiscountSet) -> int:
    """How many of the codes the orders since they were made came with."""
    order = orders.counted(shop_id).subquery()
    used = (
        select(func.upper(func.unnest(order.c.discount_codes)).label("code"))
        .where(order.c.placed_at >= discount.created_at)
        .distinct()
        .subquery()
    )
    query = (
        select(func.count())
        .select_from(DiscountCode)
        .join(used, used.c.code == DiscountCode.code)
        .where(DiscountCode.shop_id == shop_id, DiscountCode.discount_set_id == discount.id)
    )
    return session.scalar(query) or 0


def live(session: Session, shop_id: ShopId, set_id: int) -> list[str]:
    query = (
        select(DiscountCode.code)
        .where(
            DiscountCode.shop_id == shop_id,
            DiscountCode.discount_set_id == set_id,
            DiscountCode.state == "live",
        )
        .order_by(DiscountCode.line)
    )
    return list(session.scalars(query))


def refusals(session: Session, shop_id: ShopId, set_id: int, limit: int) -> Sequence[Row[str, str | None]]:
    query = (
        select(DiscountCode.code, DiscountCode.error)
        .where(
            DiscountCode.shop_id == shop_id,
            DiscountCode.discount_set_id == set_id,
            DiscountCode.state == "refused",
        )
        .order_by(DiscountCode.line)
        .limit(limit)
    )
    return session.execute(query).all()
