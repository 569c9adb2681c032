"""The recipient's own choices, made behind the signed link in a message: topics, how often, a rest, or nothing at all.

Whoever holds the link speaks for that recipient and for nobody else, as with the link to unsubscribe. Reading changes
nothing. What is consent goes to Shopify with its instant, and the newer word stands on both sides.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

import structlog
from sqlalchemy.orm import Session

from storecast.customers import consent
from storecast.events import deliveries
from storecast.events.deliveries import DeliveryRef
from storecast.kit.types import ShopId
from storecast.messaging import preferences_repository as repository
from storecast.messaging import service, topics
from storecast.messaging.brand import Brand
from storecast.messaging.tokens import Tracked
from storecast.shops import service as shops

log = structlog.get_logger(__name__)

Frequency = Literal["all", "weekly", "monthly"]
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)
PAUSES_DAYS = (30, 60, 90)

_THEIR_OWN = frozenset({"unsubscribed", "complaint", "hard_bounce", "soft_bounces"})
"""What a person takes back by asking for mail again: it is their word, or their mailbox, which they read here."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who a link speaks for."""

    shop_id: ShopId
    customer_id: int
    gid: str
    email: str
    locale: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to hear about or not."""

    id: str
    name: str
    description: str
    wanted: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that the page shows. ``open_to`` says that mail can be asked for again here."""

    shop_name: str
    brand: Brand
    email: str
    subscribed: bool
    open_to: bool
    frequency: Frequency
    paused_until: datetime | None
    topics: list[Choice]


def find_person(session: Session, tracked: Tracked) -> Person | None:
    """The recipient of a delivery, None when nobody is there any more."""
    shop_id = ShopId(tracked.shop_id)
    ref = DeliveryRef(tracked.campaign_id, tracked.delivery_id)
    fact = deliveries.find_facts(session, shop_id, {ref}).get(ref)
    if fact is None or not fact.email:
        return None
    row = repository.find_customer(session, shop_id, fact.customer_id)
    if row is None:
        return None
    source = f"campaign {tracked.campaign_id}"
    return Person(shop_id, fact.customer_id, row.gid, fact.email, row.locale, source)


def read(session: Session, person: Person, *, now: datetime) -> Choices:
    """What they chose, or what holds for who never chose."""
    kept = repository.find(session, person.shop_id, person.customer_id)
    reason = service.find_suppression(session, person.shop_id, person.email)
    state = repository.email_state(session, person.shop_id, person.customer_id)
    shop = shops.get(session, person.shop_id)
    off = set(kept.opted_out_topics) if kept else set()
    paused = kept.paused_until if kept and kept.paused_until and kept.paused_until > now else None
    return Choices(
        shop_name=shop.name or shop.domain,
        brand=service.brand_of(session, person.shop_id),
        email=_veiled(person.email),
        subscribed=reason is None and state == "subscribed",
        open_to=reason is None or reason in _THEIR_OWN,
        frequency=kept.frequency if kept else "all",  # type: ignore[arg-type]  # a CHECK holds it to these values
        paused_until=paused,
        topics=[
            Choice(each.public_id, each.name, each.description, each.id not in off)
            for each in topics.list_all(session, person.shop_id)
            if not each.archived
        ],
    )


def choose(
    session: Session,
    person: Person,
    *,
    wanted: Collection[str],
    frequency: Frequency,
    pause_days: int | None,
    now: datetime,
) -> None:
    """Keep a choice: the topics that are wanted of those that were shown, how often, and a rest from now on.

    ``pause_days`` None leaves a rest as it is, 0 ends it. A later choice stands whatever comes after it.
    """
    kept = repository.find(session, person.shop_id, person.customer_id)
    every = topics.list_all(session, person.shop_id)
    off = set(kept.opted_out_topics) if kept else set()
    shown = {each.id for each in every if not each.archived}
    off = (off - shown) | {each.id for each in every if each.id in shown and each.public_id not in wanted}
    paused_until = kept.paused_until if kept else None
    if pause_days is not None:
        paused_until = now + timedelta(days=pause_days) if pause_days in PAUSES_DAYS else None
    repository.put(
        session,
        person.shop_id,
        person.customer_id,
        frequency=frequency,
        paused_until=paused_until,
        opted_out_topics=sorted(off),
        at=now,
    )
    log.info("preferences_chosen", shop_id=person.shop_id, customer_id=person.customer_id)


def unsubscribe(session: Session, person: Person, *, now: datetime) -> None:
    """No more marketing at all."""
    service.unsubscribe(
        session, person.shop_id, email=person.email, customer_gid=person.gid, source=person.source, at=now
    )


def subscribe(session: Session, person: Person, *, now: datetime) -> bool:
    """Marketing again, by the recipient's own word; False where the merchant has shut the address out by hand."""
    reason = service.find_suppression(session, person.shop_id, person.email)
    if reason is not None and reason not in _THEIR_OWN:
        return False
    service.lift_suppression(session, person.shop_id, person.email)
    # The link came with a message to their own mailbox, which is what a confirmation asks for.
    level = "confirmed_opt_in" if shops.get(session, person.shop_id).double_opt_in else "single_opt_in"
    consent.change(session, person.shop_id, person.gid, state="subscribed", at=now, level=level)
    return True


def _veiled(email: str) -> str:
    """Enough to know one's own address by: a link may be forwarded with its message."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}…@{domain}"
