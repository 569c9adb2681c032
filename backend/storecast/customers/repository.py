"""SQL of customers and of their facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ARRAY, TIMESTAMP, BigInteger, Row, Select, cast, func, or_, select, text, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerFacts
from storecast.customers.records import STAGING, CustomerRecord
from storecast.kit.types import ShopId

_IDENTITY = ("email", "phone", "first_name", "last_name", "country", "province", "city")
_OPTIONAL = ("locale", "sms_state", "shopify_created_at")
"""Webhooks leave these out; what a bulk result said about them stays."""

_BULK_ONLY = ("tags", "open_tracking", "email_state", "email_opt_in_level", "email_consent_at")
"""Webhooks about a profile say nothing of these at all."""

_CONSENT = ("email_state", "email_opt_in_level", "email_consent_at")

# Consent goes by its own clock: a profile that is newer may still carry an older consent, and the other way round.
_CONSENT_IS_NEWER = (
    "(customers.email_consent_at IS NULL OR EXCLUDED.email_consent_at >= customers.email_consent_at)"
)


def _upsert(source: str, *, bulk: bool) -> str:
    offered = {column: f"EXCLUDED.{column}" for column in (*_IDENTITY, "shopify_updated_at")}
    offered |= {column: f"coalesce(EXCLUDED.{column}, customers.{column})" for column in _OPTIONAL}
    if bulk:
        offered |= {column: f"EXCLUDED.{column}" for column in _BULK_ONLY}
        offered |= {
            column: f"CASE WHEN {_CONSENT_IS_NEWER} THEN EXCLUDED.{column} ELSE customers.{column} END"
            for column in _CONSENT
        }
    # A new customer gets the column's own default where the source says nothing.
    defaults = {"tags": "'{}'", "open_tracking": "true", "email_state": "'not_subscribed'"}
    values = [f"coalesce({name}, {defaults[name]})" if name in defaults else name for name in STAGING.columns]
    return f"""
    WITH written AS (
      INSERT INTO customers (shop_id, {", ".join(STAGING.columns)})
      SELECT :shop_id, {", ".join(values)} FROM (
        SELECT DISTINCT ON (gid) * FROM {source} AS source ORDER BY gid, shopify_updated_at DESC, n DESC
      ) AS newest ORDER BY n
      ON CONFLICT (shop_id, gid) DO UPDATE SET
        {", ".join(f"{column} = {value}" for column, value in offered.items())}, updated_at = now()
      WHERE customers.shopify_updated_at <= EXCLUDED.shopify_updated_at
        AND ({", ".join(f"customers.{column}" for column in offered)})
          IS DISTINCT FROM ({", ".join(offered.values())})
      RETURNING id
    ), facts AS (
      INSERT INTO customer_facts (shop_id, customer_id) SELECT :shop_id, id FROM written ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM written
    """


_UPSERT_STAGED = text(_upsert(STAGING.name, bulk=True))
_UPSERT_ONE = text(_upsert(STAGING.values(), bulk=False))


def upsert_staged(session: Session, shop_id: ShopId) -> int:
    """Carry the staged customers on; rows older than what is stored change nothing. Returns the rows written."""
    return session.scalar(_UPSERT_STAGED, {"shop_id": shop_id}) or 0


def upsert_one(session: Session, shop_id: ShopId, record: CustomerRecord) -> int:
    """The same for one customer of a source that says nothing about consent."""
    return session.scalar(_UPSERT_ONE, {"shop_id": shop_id, **record._asdict()}) or 0


def lock_by_gid(session: Session, shop_id: ShopId, gid: str) -> Customer | None:
    return session.scalar(
        select(Customer)
        .where(Customer.shop_id == shop_id, Customer.gid == gid)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def set_sms_state(session: Session, shop_id: ShopId, gid: str, state: str) -> None:
    session.execute(
        update(Customer)
        .where(Customer.shop_id == shop_id, Customer.gid == gid)
        .values(sms_state=state)
        .execution_options(synchronize_session=False)
    )


def set_lifetime(
    session: Session, shop_id: ShopId, gid: str, *, orders_count: int, spent_minor: int, counted_at: datetime
) -> None:
    known = CustomerFacts.lifetime_counted_at
    session.execute(
        update(CustomerFacts)
        .where(
            CustomerFacts.shop_id == shop_id,
            CustomerFacts.customer_id == Customer.id,
            Customer.shop_id == shop_id,
            Customer.gid == gid,
            or_(known.is_(None), known <= counted_at),
        )
        .values(
            lifetime_orders_count=orders_count,
            lifetime_spent_minor=spent_minor,
            lifetime_counted_at=counted_at,
        )
        .execution_options(synchronize_session=False)
    )


def find_by_public_id(session: Session, shop_id: ShopId, public_id: str) -> Customer | None:
    return session.scalar(
        select(Customer).where(Customer.shop_id == shop_id, Customer.public_id == public_id)
    )


def set_consent(
    session: Session, shop_id: ShopId, gid: str, *, state: str, level: str | None, consent_at: datetime
) -> int | None:
    """Take over a consent that is at least as new as the stored one; the customer's id when it was."""
    return session.scalar(
        update(Customer)
        .where(
            Customer.shop_id == shop_id,
            Customer.gid == gid,
            or_(Customer.email_consent_at.is_(None), Customer.email_consent_at <= consent_at),
        )
        .values(email_state=state, email_opt_in_level=level, email_consent_at=consent_at)
        .returning(Customer.id)
    )


def delete(session: Session, shop_id: ShopId, gid: str) -> int | None:
    """Remove a customer and their facts; their id when there was one."""
    return session.scalar(
        sql_delete(Customer).where(Customer.shop_id == shop_id, Customer.gid == gid).returning(Customer.id)
    )


def list_page(
    session: Session, shop_id: ShopId, *, search: str | None, after_id: int | None, limit: int
) -> Sequence[Row[Customer, CustomerFacts]]:
    """Newest customers first."""
    statement = _with_facts(shop_id)
    if after_id is not None:
        statement = statement.where(Customer.id < after_id)
    for word in (search or "").lower().split()[:5]:
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        name = func.coalesce(Customer.first_name, "") + " " + func.coalesce(Customer.last_name, "")
        statement = statement.where(
            or_(func.lower(Customer.email).like(pattern), func.lower(name).like(pattern))
        )
    return session.execute(statement.order_by(Customer.id.desc()).limit(limit)).all()


def list_by_ids(
    session: Session, shop_id: ShopId, ids: Sequence[int]
) -> Sequence[Row[Customer, CustomerFacts]]:
    return session.execute(_with_facts(shop_id).where(Customer.id.in_(ids))).all()


def count(session: Session, shop_id: ShopId) -> int:
    return session.scalar(select(func.count()).where(Customer.shop_id == shop_id)) or 0


def count_subscribed(session: Session, shop_id: ShopId) -> int:
    return (
        session.scalar(
            select(func.count()).where(
                Customer.shop_id == shop_id, Customer.email_state == "subscribed", Customer.email.is_not(None)
            )
        )
        or 0
    )


def _with_facts(shop_id: ShopId) -> Select[Customer, CustomerFacts]:
    return (
        select(Customer, CustomerFacts)
        .join(CustomerFacts, CustomerFacts.customer_id == Customer.id)
        .where(Customer.shop_id == shop_id)
    )


def ids_by_gid(session: Session, shop_id: ShopId, gids: Collection[str]) -> dict[str, int]:
    rows = session.execute(
        select(Customer.gid, Customer.id).where(Customer.shop_id == shop_id, Customer.gid.in_(list(gids)))
    )
    return {row.gid: row.id for row in rows}


def move_forward(session: Session, shop_id: ShopId, column: str, instants: Mapping[int, datetime]) -> None:
    """Set the instants where they are later than what is stored."""
    given = (
        func.unnest(
            cast(list(instants), ARRAY(BigInteger)), cast(list(instants.values()), ARRAY(TIMESTAMP(True)))
        )
        .table_valued("customer_id", "at")
        .render_derived(name="given")
    )
    stored = getattr(CustomerFacts, column)
    session.execute(
        update(CustomerFacts)
        .where(
            CustomerFacts.shop_id == shop_id,
            CustomerFacts.customer_id == given.c.customer_id,
            or_(stored.is_(None), stored < given.c.at),
        )
        .values({column: given.c.at, "updated_at": func.now()})
        .execution_options(synchronize_session=False)
    )
