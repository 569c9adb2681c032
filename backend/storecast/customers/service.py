"""Rules of customers: newest profile wins, newest consent wins, facts are derived and never typed in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select
from sqlalchemy.orm import Session

from storecast.customers import facts, repository, tags, timeline
from storecast.customers.errors import CustomerUnknown
from storecast.customers.models import Customer, CustomerFacts
from storecast.customers.records import STAGING, CustomerRecord, record_from_webhook
from storecast.customers.repository import Channel, ListedRow
from storecast.customers.schemas import CustomerDetail, CustomerRow
from storecast.kit.money import Money
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.webhooks import erased, objects

log = structlog.get_logger(__name__)

PAGE = 50
TIMELINE_ENTRIES = 100

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COPY_SCALE = 1000
"""Copies of a customer in other objects are dated into the weeks after the epoch: in order, and before any profile."""


def import_records(session: Session, shop_id: ShopId, records: Iterable[CustomerRecord]) -> int:
    """Upsert customers as a source reported them; stale ones change nothing. Returns the rows written."""
    STAGING.fill(session, records)
    objects.drop_gone(session, shop_id, STAGING.name)
    erased.drop_staged(session, shop_id, STAGING.name)
    return repository.upsert_staged(session, shop_id)


def record_profile(session: Session, shop_id: ShopId, record: CustomerRecord) -> None:
    """Upsert one customer of a source that says nothing about consent; one who was erased stays away."""
    if erased.find(session, shop_id, [record.gid]):
        return
    repository.upsert_one(session, shop_id, record)


def make_known(session: Session, shop_id: ShopId, gid: str) -> None:
    """Make a customer that only their id is known of, unless the shop has, deleted or erased them; profiles follow.

    What else the source says of them is left to the profile: two such sources would each have their own idea of it.
    """
    if repository.ids_by_gid(session, shop_id, [gid]) or objects.find_gone(session, shop_id, [gid]):
        return
    payload = {"admin_graphql_api_id": gid, "updated_at": EPOCH.isoformat()}
    record_profile(session, shop_id, record_from_webhook(payload))


def record_copy(session: Session, shop_id: ShopId, gid: str, payload: dict[str, Any], at: datetime) -> None:
    """Take over what an order says of its customer, as long as no profile of their own is known.

    The copy may be a shortened one: it is older than every profile, and among copies the newest counts.
    """
    second_hand_at = EPOCH + (at - EPOCH) / COPY_SCALE
    changes = {"admin_graphql_api_id": gid, "updated_at": second_hand_at.isoformat(), "tags": None}
    record_profile(session, shop_id, record_from_webhook({**payload, **changes}))


def has_profile(session: Session, shop_id: ShopId, gid: str) -> bool:
    """Whether a profile of the customer's own is known."""
    stored_at = repository.updated_at(session, shop_id, gid)
    return stored_at is not None and stored_at >= EPOCH + timedelta(days=365)


def record_lifetime(
    session: Session, shop_id: ShopId, gid: str, *, orders_count: int, spent_minor: int, counted_at: datetime
) -> None:
    """Keep the lifetime figures that Shopify counted, unless newer ones are known."""
    repository.set_lifetime(
        session, shop_id, gid, orders_count=orders_count, spent_minor=spent_minor, counted_at=counted_at
    )


def record_consent(
    session: Session,
    shop_id: ShopId,
    gid: str,
    *,
    state: str,
    level: str | None,
    consent_at: datetime,
    channel: Channel = "email",
) -> bool:
    """Take over what Shopify says of a consent unless a newer one is known; whether it was.

    This never writes to Shopify: `consent.change` does, which is for what people do here.
    """
    customer_id = repository.set_consent(
        session, shop_id, gid, channel=channel, state=state, level=level, consent_at=consent_at
    )
    if customer_id is not None:
        log.info("consent_recorded", shop_id=shop_id, customer_id=customer_id, channel=channel, state=state)
    return customer_id is not None


def change_tags(
    session: Session,
    shop_id: ShopId,
    gid: str,
    *,
    add: Collection[str] = (),
    remove: Collection[str] = (),
    at: datetime,
) -> None:
    """Add and remove tags as of an instant, unless something newer is known of them; the others stay."""
    customer = repository.lock_by_gid(session, shop_id, gid)
    if customer is not None:
        customer.tags, customer.tag_changes = tags.change(
            customer.tags, customer.tag_changes, customer.tags_at, add=add, remove=remove, at=at
        )


def forget(session: Session, shop_id: ShopId, gid: str) -> int | None:
    """Remove a customer that the shop deleted; their id when there was one."""
    return repository.delete(session, shop_id, gid)


def apply_order_facts(
    session: Session, shop_id: ShopId, totals: Select[Any], customer_ids: Collection[int] | None
) -> None:
    """Recompute facts from order totals: of the whole shop (None), or of these customers.

    ``totals`` has the columns customer_id, orders_count, total_spent_minor, first_order_at and last_order_at; for some
    customers it is a constant over the parameters shop_id and ids.
    """
    if customer_ids is None:
        facts.write_all(session, shop_id, totals)
    elif customer_ids:
        facts.write_some(session, shop_id, totals, sorted(customer_ids))


def record_sent(session: Session, shop_id: ShopId, sent: Mapping[int, datetime]) -> None:
    """Move the instants at which customers were last sent something forward, never back."""
    if sent:
        facts.hold(session, shop_id, sent)
        repository.move_last_sent(session, shop_id, sent)


def ids_by_gid(session: Session, shop_id: ShopId, gids: Collection[str]) -> dict[str, int]:
    """The ids of the customers that the shop has of these."""
    return repository.ids_by_gid(session, shop_id, gids)


def get(session: Session, shop_id: ShopId, public_id: str) -> Customer:
    """The customer of a public id; raises CustomerUnknown."""
    customer = repository.find_by_public_id(session, shop_id, public_id)
    if customer is None:
        raise CustomerUnknown
    return customer


def list_rows(session: Session, shop_id: ShopId, ids: Sequence[int]) -> list[CustomerRow]:
    """The rows of these customers, in the order of the ids; unknown ids are left out."""
    found = rows_by_id(session, shop_id, ids)
    return [found[customer_id] for customer_id in ids if customer_id in found]


def rows_by_id(session: Session, shop_id: ShopId, ids: Sequence[int]) -> dict[int, CustomerRow]:
    """The rows of these customers by internal id."""
    currency = shops.get_currency(session, shop_id)
    found = repository.list_by_ids(session, shop_id, ids)
    return {row.id: _row(row, row, currency) for row in found}


def list_page(
    session: Session, shop_id: ShopId, *, search: str | None, cursor: str | None
) -> Page[CustomerRow]:
    """A page of customers, newest first; every word of ``search`` begins one of the name or of the address."""
    after_id = decode_id_cursor(cursor or None)
    currency = shops.get_currency(session, shop_id)
    found = repository.list_page(session, shop_id, search=search, after_id=after_id, limit=PAGE + 1)
    more = len(found) > PAGE
    items = [_fields(row, row, currency) for row in found[:PAGE]]
    following = encode_cursor(found[PAGE - 1].id) if more else None
    # Of the whole page at once: row by row takes twice as long.
    return Page[CustomerRow].model_validate({"items": items, "next_cursor": following})


def find_ids(session: Session, shop_id: ShopId, search: str, limit: int) -> list[int]:
    """The newest customers that a search of the list finds, by internal id."""
    return [
        row.id for row in repository.list_page(session, shop_id, search=search, after_id=None, limit=limit)
    ]


def read_detail(session: Session, shop_id: ShopId, public_id: str) -> CustomerDetail:
    """A customer with their facts and timeline."""
    customer = get(session, shop_id, public_id)
    known = repository.facts(session, shop_id, customer.id)
    currency = shops.get_currency(session, shop_id)
    return CustomerDetail(
        **_row(customer, known, currency).model_dump(),
        shopify_id=int(customer.gid.rpartition("/")[2]),
        phone=customer.phone,
        province=customer.province,
        first_order_at=known.first_order_at,
        lifetime_orders_count=known.lifetime_orders_count,
        lifetime_spent=(
            None
            if known.lifetime_spent_minor is None
            else Money(amount_minor=known.lifetime_spent_minor, currency=currency)
        ),
        average_order=Money(amount_minor=known.average_order_minor, currency=currency),
        rfm_recency=known.rfm_recency,
        rfm_frequency=known.rfm_frequency,
        rfm_monetary=known.rfm_monetary,
        locale=customer.locale,
        tags=customer.tags,
        email_opt_in_level=customer.email_opt_in_level,
        email_consent_at=customer.email_consent_at,
        sms_subscription=customer.sms_state,  # type: ignore[arg-type]  # Shopify's states, which a webhook is held to
        sms_opt_in_level=customer.sms_opt_in_level,
        sms_consent_at=customer.sms_consent_at,
        created_at=customer.shopify_created_at,
        timeline=timeline.read(session, shop_id, customer.id, TIMELINE_ENTRIES),
    )


def count(session: Session, shop_id: ShopId) -> int:
    """How many customers the shop has."""
    return repository.count(session, shop_id)


def count_subscribed(session: Session, shop_id: ShopId) -> int:
    """How many of them may get marketing by e-mail."""
    return repository.count_subscribed(session, shop_id)


def display_name(customer: Customer | ListedRow) -> str:
    """First and last name, or what else there is to call somebody by."""
    names = [name for name in (customer.first_name, customer.last_name) if name]
    return " ".join(names) or customer.email or "—"


def _row(customer: Customer | ListedRow, known: CustomerFacts | ListedRow, currency: str) -> CustomerRow:
    return CustomerRow.model_validate(_fields(customer, known, currency))


def _fields(
    customer: Customer | ListedRow, known: CustomerFacts | ListedRow, currency: str
) -> dict[str, Any]:
    return {
        "id": customer.public_id,
        "name": display_name(customer),
        "email": customer.email,
        "email_subscription": customer.email_state,
        "orders_count": known.orders_count,
        "total_spent": {"amount_minor": known.total_spent_minor, "currency": currency},
        "last_order_at": known.last_order_at,
        "city": customer.city,
        "country": customer.country,
    }
