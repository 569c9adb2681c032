"""SQL of customers and of their facts."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ARRAY,
    TIMESTAMP,
    BigInteger,
    Text,
    TextClause,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy import delete as sql_delete
from sqlalchemy.orm import Session

from storecast.customers.models import Customer, CustomerFacts
from storecast.customers.records import STAGING, CustomerRecord
from storecast.db import staging
from storecast.db.reading import Reading
from storecast.db.staging import Upsert
from storecast.kit.types import ShopId

_IDENTITY = ("email", "phone", "first_name", "last_name", "country", "province", "city")
_OPTIONAL = ("locale", "shopify_created_at")
"""Webhooks leave these out; what a bulk result said about them stays."""

ListedRow: TypeAlias = Any

WORDS_MAX = 5

_BREAKS = str.maketrans("@._+-'", "      ")
"""What ends a word in a name or an address; `customer_words` and `find_customers` know the same."""

_ANY_ID = 2**63 - 1

Channel = Literal["email", "sms"]

_CONSENT: dict[Channel, tuple[str, str, str]] = {
    "email": ("email_state", "email_opt_in_level", "email_consent_at"),
    "sms": ("sms_state", "sms_opt_in_level", "sms_consent_at"),
}
"""State, opt-in level and instant of the newest consent; webhooks about a profile say nothing of them."""

_COPIED = {
    **{
        column: column
        for column in (
            "email_state",
            "email_consent_at",
            "sms_state",
            "sms_consent_at",
            "shopify_created_at",
            "tags",
        )
    },
    **{f"{column}_folded": f"lower({column})" for column in ("country", "province", "city", "locale")},
}
"""What `customer_facts` copies, as SQL over a customer. Its triggers know the same."""

_CAUTION = "ARRAY['subscribed', 'pending', 'not_subscribed', 'invalid', 'redacted', 'unsubscribed']"
"""Of two consents of one instant (Shopify's have whole seconds) the more careful one stands, whichever came first."""

_PROFILE_IS_NEWER = "customers.shopify_updated_at <= EXCLUDED.shopify_updated_at"


def _rank(state: str, level: str, at: str) -> str:
    return f"({at}, coalesce(array_position({_CAUTION}, {state}), 0), coalesce({level}, ''))"


def _consent_is_newer(channel: Channel) -> str:
    # Consent goes by its own clock: a profile that is newer may still carry an older consent, and the other way round.
    state, level, at = _CONSENT[channel]
    offered = _rank(*(f"EXCLUDED.{column}" for column in (state, level, at)))
    stored = _rank(*(f"customers.{column}" for column in (state, level, at)))
    known = f"(EXCLUDED.{at} IS NOT NULL AND (customers.{at} IS NULL OR {offered} > {stored}))"
    unknown = f"(EXCLUDED.{at} IS NULL AND customers.{at} IS NULL AND {_PROFILE_IS_NEWER})"
    return f"({known} OR {unknown})"


_TAGS_ARE_NEWER = "(customers.tags_at IS NULL OR customers.tags_at <= EXCLUDED.shopify_updated_at)"

# A report of all tags is corrected by the changes of single ones that are newer still; mostly there are none.
_TAGS = """CASE WHEN customers.tag_changes = '{}' THEN EXCLUDED.tags ELSE (
  SELECT coalesce(array_agg(tag ORDER BY tag), '{}') FROM (
    SELECT tag FROM unnest(EXCLUDED.tags) AS tag
     WHERE coalesce((customers.tag_changes -> lower(tag) ->> 'at')::timestamptz <= EXCLUDED.shopify_updated_at, true)
    UNION
    SELECT change ->> 'tag' FROM jsonb_each(customers.tag_changes) AS each (key, change)
     WHERE (change ->> 'at')::timestamptz > EXCLUDED.shopify_updated_at AND (change ->> 'held')::boolean
  ) AS merged) END"""
_TAG_CHANGES = """CASE WHEN customers.tag_changes = '{}' THEN customers.tag_changes ELSE (
  SELECT coalesce(jsonb_object_agg(key, change), '{}') FROM jsonb_each(customers.tag_changes) AS each (key, change)
   WHERE (change ->> 'at')::timestamptz > EXCLUDED.shopify_updated_at) END"""


def _upsert(*, bulk: bool) -> Upsert:
    changed = {column: f"EXCLUDED.{column}" for column in (*_IDENTITY, "shopify_updated_at")}
    changed |= {column: f"coalesce(EXCLUDED.{column}, customers.{column})" for column in _OPTIONAL}
    inserted = {column: f"newest.{column}" for column in STAGING.columns}
    # A new customer gets the column's own default where the source says nothing.
    defaults = {"tags": "'{}'", "open_tracking": "true", "email_state": "'not_subscribed'"}
    inserted |= {column: f"coalesce(newest.{column}, {value})" for column, value in defaults.items()}
    newer = _PROFILE_IS_NEWER
    if bulk:
        changed["open_tracking"] = "EXCLUDED.open_tracking"
        changed = {
            column: f"CASE WHEN {_PROFILE_IS_NEWER} THEN {value} ELSE customers.{column} END"
            for column, value in changed.items()
        }
        for channel, fields in _CONSENT.items():
            changed |= {
                column: f"CASE WHEN {_consent_is_newer(channel)} THEN EXCLUDED.{column} ELSE customers.{column} END"
                for column in fields
            }
            newer += f" OR {_consent_is_newer(channel)}"
        tags = {"tags": _TAGS, "tag_changes": _TAG_CHANGES, "tags_at": "EXCLUDED.tags_at"}
        changed |= {
            column: f"CASE WHEN {_TAGS_ARE_NEWER} THEN {value} ELSE customers.{column} END"
            for column, value in tags.items()
        }
        newer += f" OR {_TAGS_ARE_NEWER}"
        inserted["tags_at"] = "newest.shopify_updated_at"
    return Upsert("customers", inserted=inserted, changed=changed, guard=newer, returned=_COPIED)


# Given the copies, no trigger has to look them up.
# A customer who was deleted after the look for them is a new one.
_FACTS = f"""facts AS (
      INSERT INTO customer_facts (shop_id, customer_id, {", ".join(_COPIED)})
      SELECT :shop_id, id, {", ".join(_COPIED)} FROM written ON CONFLICT DO NOTHING
    )"""
_UPSERT_STAGED = text(_upsert(bulk=True).many(STAGING, also=_FACTS))
_ONE = _upsert(bulk=False)
_UPSERT_ONE = text(f"""
    WITH written AS ({_ONE.few(f"{STAGING.values()} AS newest")} RETURNING {_ONE.returning}), {_FACTS}
    SELECT count(*) FROM written
""")


def upsert_staged(session: Session, shop_id: ShopId) -> int:
    """Carry the staged customers on; rows older than what is stored change nothing. Returns the rows written."""
    return staging.carry_on(session, _UPSERT_STAGED, {"shop_id": shop_id})


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


def updated_at(session: Session, shop_id: ShopId, gid: str) -> datetime | None:
    """The instant of the newest profile of a customer; None when the shop has none such."""
    return session.scalar(
        select(Customer.shopify_updated_at).where(Customer.shop_id == shop_id, Customer.gid == gid)
    )


def find_by_public_id(session: Session, shop_id: ShopId, public_id: str) -> Customer | None:
    return session.scalar(
        select(Customer).where(Customer.shop_id == shop_id, Customer.public_id == public_id)
    )


def set_consent(
    session: Session,
    shop_id: ShopId,
    gid: str,
    *,
    channel: Channel,
    state: str,
    level: str | None,
    consent_at: datetime,
) -> int | None:
    """Take over a consent that is newer than the stored one; the customer's id when it was."""
    values = {"shop_id": shop_id, "gid": gid, "state": state, "level": level, "at": consent_at}
    customer_id: int | None = session.scalar(_SET_CONSENT[channel], values)
    return customer_id


def _set_consent(channel: Channel) -> TextClause:
    state, level, at = _CONSENT[channel]
    given = _rank("CAST(:state AS text)", "CAST(:level AS text)", "CAST(:at AS timestamptz)")
    return text(
        f"UPDATE customers SET {state} = :state, {level} = :level, {at} = :at, updated_at = now()"
        f" WHERE shop_id = :shop_id AND gid = :gid AND ({at} IS NULL OR {given} > {_rank(state, level, at)})"
        " RETURNING id"
    )


_SET_CONSENT = {channel: _set_consent(channel) for channel in _CONSENT}


def delete(session: Session, shop_id: ShopId, gid: str) -> int | None:
    """Remove a customer and their facts; their id when there was one."""
    return session.scalar(
        sql_delete(Customer).where(Customer.shop_id == shop_id, Customer.gid == gid).returning(Customer.id)
    )


def list_page(
    session: Session, shop_id: ShopId, *, search: str | None, after_id: int | None, limit: int
) -> Sequence[ListedRow]:
    """Newest customers first."""
    values: dict[str, object] = {"shop": shop_id, "most": limit}
    statement = _PAGE
    words = [word.translate(_BREAKS) for word in (search or "").split()[:WORDS_MAX]]
    if words:
        if not all(word.strip() for word in words):
            return []
        statement, values["words"], values["before_id"] = _PAGE_OF_FOUND, words, after_id or _ANY_ID
    elif after_id is not None:
        statement, values["after_id"] = _PAGE_AFTER, after_id
    return statement.rows(session, values)


def list_by_ids(session: Session, shop_id: ShopId, ids: Sequence[int]) -> Sequence[ListedRow]:
    return _OF_THESE.rows(session, {"shop": shop_id, "ids": list(ids)})


def facts(session: Session, shop_id: ShopId, customer_id: int) -> CustomerFacts:
    query = select(CustomerFacts).where(
        CustomerFacts.shop_id == shop_id, CustomerFacts.customer_id == customer_id
    )
    return session.scalars(query).one()


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


_LISTED = (
    select(
        Customer.id,
        Customer.public_id,
        Customer.first_name,
        Customer.last_name,
        Customer.email,
        Customer.email_state,
        Customer.city,
        Customer.country,
        CustomerFacts.orders_count,
        CustomerFacts.total_spent_minor,
        CustomerFacts.last_order_at,
    )
    .join(CustomerFacts, CustomerFacts.customer_id == Customer.id)
    .where(Customer.shop_id == bindparam("shop"))
)
"""What lists show of a customer: of the whole rows of a page, half of the time would go into unread columns."""

# An array: a list of its own length makes a new statement of every page, in the driver and in PostgreSQL.
_THESE = Customer.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
_OF_THESE = Reading(_LISTED.where(_THESE))
_NEWEST = _LISTED.order_by(Customer.id.desc()).limit(bindparam("most"))
_PAGE = Reading(_NEWEST)
# Row-level security lets no index serve a search that it does not trust (`LIKE`, `@@`): a function that runs as the
# tables' owner reads it, and takes the shop from the session as row-level security does.
_FOUND = select(
    func.find_customers(
        bindparam("words", type_=ARRAY(Text)),
        bindparam("before_id"),
        bindparam("most"),
        type_=ARRAY(BigInteger),
    )
)
_PAGE_OF_FOUND = Reading(
    _NEWEST.where(Customer.id == any_(cast(_FOUND.scalar_subquery(), ARRAY(BigInteger))))
)
_PAGE_AFTER = Reading(_NEWEST.where(Customer.id < bindparam("after_id")))


def ids_by_gid(session: Session, shop_id: ShopId, gids: Collection[str]) -> dict[str, int]:
    rows = session.execute(
        select(Customer.gid, Customer.id).where(Customer.shop_id == shop_id, Customer.gid.in_(list(gids)))
    )
    return {row.gid: row.id for row in rows}


def move_last_sent(session: Session, shop_id: ShopId, instants: Mapping[int, datetime]) -> None:
    """Set the instants where they are later than what is stored."""
    given = (
        func.unnest(
            cast(list(instants), ARRAY(BigInteger)), cast(list(instants.values()), ARRAY(TIMESTAMP(True)))
        )
        .table_valued("customer_id", "at")
        .render_derived(name="given")
    )
    stored = CustomerFacts.last_sent_at
    session.execute(
        update(CustomerFacts)
        .where(
            CustomerFacts.shop_id == shop_id,
            CustomerFacts.customer_id == given.c.customer_id,
            or_(stored.is_(None), stored < given.c.at),
        )
        .values(last_sent_at=given.c.at, updated_at=func.now())
        .execution_options(synchronize_session=False)
    )
