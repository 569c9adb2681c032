"""SQL of uploaded lists: rows are staged by COPY and matched with customers in one statement."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.orm import Session

from storecast.db.staging import Staging
from storecast.kit.types import ShopId
from storecast.segments.models import CustomerList, CustomerListMember, CustomerListRefusal


class ListRow(NamedTuple):
    """A row of a file: its line, and the customer that it names or why it names none."""

    line: int
    gid: str | None
    email: str | None
    refused: str | None


_STAGED = Staging("staged_list_rows", {"line": "integer", "gid": "text", "email": "text", "refused": "text"})

# Two customers may share an address in a shop's history: the newer one is meant. Of two rows that name one customer,
# the first counts.
_MATCH = text(f"""
    CREATE TEMPORARY TABLE matched_list_rows ON COMMIT DROP AS
    SELECT staged.line, staged.refused, found.customer_id,
           row_number() OVER (PARTITION BY found.customer_id ORDER BY staged.line) AS nth
      FROM {_STAGED.name} AS staged
      LEFT JOIN (
        SELECT staged.line, max(customers.id) AS customer_id
          FROM {_STAGED.name} AS staged
          JOIN customers ON customers.shop_id = :shop_id AND lower(customers.email) = staged.email
         WHERE staged.refused IS NULL GROUP BY staged.line
        UNION ALL
        SELECT staged.line, customers.id
          FROM {_STAGED.name} AS staged
          JOIN customers ON customers.shop_id = :shop_id AND customers.gid = staged.gid
         WHERE staged.refused IS NULL
      ) AS found ON found.line = staged.line
""")

_MEMBERS = text("""
    INSERT INTO customer_list_members (shop_id, list_id, customer_id)
    SELECT :shop_id, :list_id, customer_id FROM matched_list_rows WHERE customer_id IS NOT NULL AND nth = 1
""")

_REFUSALS = text("""
    INSERT INTO customer_list_refusals (shop_id, list_id, line, reason)
    SELECT :shop_id, :list_id, line,
           CASE WHEN refused IS NOT NULL THEN refused WHEN customer_id IS NULL THEN 'unknown_customer'
                ELSE 'duplicate' END
      FROM matched_list_rows WHERE customer_id IS NULL OR nth > 1
""")


def add(session: Session, uploaded: CustomerList) -> None:
    session.add(uploaded)
    # Flushed so that a taken name is refused here and not at commit.
    session.flush()


def fill(session: Session, shop_id: ShopId, list_id: int, rows: Iterable[ListRow]) -> tuple[int, int, int]:
    """Match the rows with the shop's customers; returns rows, members and refusals."""
    count = _STAGED.fill(session, rows)
    given = {"shop_id": shop_id, "list_id": list_id}
    session.execute(text("DROP TABLE IF EXISTS pg_temp.matched_list_rows"))
    session.execute(_MATCH, given)
    session.execute(_MEMBERS, given)
    session.execute(_REFUSALS, given)
    members = session.scalar(
        select(func.count()).where(
            CustomerListMember.shop_id == shop_id, CustomerListMember.list_id == list_id
        )
    )
    return count, members or 0, count - (members or 0)


def find(session: Session, shop_id: ShopId, public_id: str) -> CustomerList | None:
    return session.scalar(
        select(CustomerList).where(CustomerList.shop_id == shop_id, CustomerList.public_id == public_id)
    )


def list_newest(
    session: Session, shop_id: ShopId, before_id: int | None, limit: int
) -> Sequence[CustomerList]:
    query = select(CustomerList).where(CustomerList.shop_id == shop_id)
    if before_id is not None:
        query = query.where(CustomerList.id < before_id)
    return session.scalars(query.order_by(CustomerList.id.desc()).limit(limit)).all()


def list_all(session: Session, shop_id: ShopId) -> Sequence[CustomerList]:
    return session.scalars(
        select(CustomerList).where(CustomerList.shop_id == shop_id).order_by(CustomerList.id)
    ).all()


def name_taken(session: Session, shop_id: ShopId, name: str) -> bool:
    query = select(CustomerList.id).where(
        CustomerList.shop_id == shop_id, func.lower(CustomerList.name) == func.lower(name)
    )
    return session.scalar(select(query.exists())) or False


def ids_by_public_id(session: Session, shop_id: ShopId, public_ids: Collection[str]) -> dict[str, int]:
    if not public_ids:
        return {}
    found = session.execute(
        select(CustomerList.public_id, CustomerList.id).where(
            CustomerList.shop_id == shop_id, CustomerList.public_id.in_(list(public_ids))
        )
    )
    return {row.public_id: row.id for row in found}


def list_refusals(
    session: Session, shop_id: ShopId, list_id: int, after_line: int, limit: int
) -> Sequence[Row[int, str]]:
    return session.execute(
        select(CustomerListRefusal.line, CustomerListRefusal.reason)
        .where(
            CustomerListRefusal.shop_id == shop_id,
            CustomerListRefusal.list_id == list_id,
            CustomerListRefusal.line > after_line,
        )
        .order_by(CustomerListRefusal.line)
        .limit(limit)
    ).all()


def count_refusals(session: Session, shop_id: ShopId, list_id: int) -> dict[str, int]:
    """How many rows were refused, by reason."""
    rows = session.execute(
        select(CustomerListRefusal.reason, func.count().label("lines"))
        .where(CustomerListRefusal.shop_id == shop_id, CustomerListRefusal.list_id == list_id)
        .group_by(CustomerListRefusal.reason)
    )
    return {row.reason: row.lines for row in rows}


def remove(session: Session, shop_id: ShopId, list_id: int) -> None:
    session.execute(delete(CustomerList).where(CustomerList.shop_id == shop_id, CustomerList.id == list_id))
