"""Shops that Shopify does not serve for now: frozen (402), locked (423) or closed (404).

What Shopify answered is recorded once; from then on nobody calls for such a shop but the probe, and its jobs wait,
longer the longer it lasts, without using up attempts. A call that works again makes the shop an installed one, and
what waited goes on at once.
"""

import random
from datetime import datetime, timedelta
from typing import Any, Literal

import structlog
from sqlalchemy.orm import Session

from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient, Answer
from storecast.shopify.errors import ShopUnavailable
from storecast.shops import repository
from storecast.shops.errors import ShopPaused
from storecast.shops.jobs import ProbeShop
from storecast.shops.models import Shop
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

State = Literal["frozen", "closed"]

STATES: dict[str, State] = {"HTTP 402": "frozen", "HTTP 404": "closed", "HTTP 423": "closed"}
"""What the answers to any call mean (https://shopify.dev/docs/api/usage/response-codes)."""

PRESENT = ("installed", "frozen", "closed")
"""The states in which the shop has the app: its people may come in and look."""

FIRST_WAIT = timedelta(minutes=1)
MAX_WAIT = timedelta(hours=6)
"""A shop that is back is noticed by the probe, a webhook or a visit, which wake its jobs: no need to look often."""


def state_of(detail: str) -> State | None:
    """The state that a refusal with this status means; None when it says nothing of the shop."""
    return STATES.get(detail)


def is_paused(shop: Shop) -> bool:
    """Whether nothing is to be asked of Shopify for the shop."""
    return shop.state in ("frozen", "closed")


def wait_s(since: datetime | None, *, now: datetime, rng: random.Random | None = None) -> float:
    """Seconds that a job of the shop waits: half of how long it has lasted, spread so that they come back apart."""
    lasted = now - since if since else timedelta(0)
    return min(max(lasted / 2, FIRST_WAIT), MAX_WAIT).total_seconds() * (rng or random).uniform(1.0, 1.5)


def paused(shop: Shop) -> ShopPaused:
    """What a job or a request for such a shop is told."""
    return ShopPaused(state=shop.state, retry_after=wait_s(shop.unavailable_since, now=utcnow()))


def record_unavailable(session: Session, shop_id: ShopId, state: State) -> Shop:
    """Note that Shopify does not serve the shop. One that has uninstalled the app stays uninstalled."""
    shop = repository.lock(session, shop_id)
    if shop.state in PRESENT and shop.state != state:
        shop.state = state
        shop.unavailable_since = shop.unavailable_since or utcnow()
        log.warning("shop_unavailable", shop_id=shop_id, state=state)
    return shop


def record_available(session: Session, shop: Shop) -> None:
    """Shopify serves the shop: whatever waited for that goes on now."""
    if not is_paused(shop):
        return
    shop.state, shop.unavailable_since = "installed", None
    outbox.hurry(session, ShopId(shop.id), held_by=ShopPaused.__name__)
    log.info("shop_available", shop_id=shop.id)


def ask_soon(session: Session, shop: Shop) -> None:
    """There is a sign of life, such as a webhook or a visit: look whether the shop is back."""
    if is_paused(shop):
        outbox.add(session, ShopId(shop.id), ProbeShop())


class ShopClient(AdminClient):
    """The Admin API of a shop that we keep a record of: a refusal of the whole shop is noted in its row."""

    def __init__(self, unit_of_work: UnitOfWork, shop_id: ShopId, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unit_of_work = unit_of_work
        self._shop_id = shop_id

    def execute(self, name: str, variables: dict[str, Any] | None = None) -> Answer:
        """As `AdminClient.execute`; raises ShopPaused when the shop is frozen or closed."""
        try:
            return super().execute(name, variables)
        except ShopUnavailable as refused:
            raise note_refusal(self._unit_of_work, self._shop_id, refused.detail) from refused


def note_refusal(unit_of_work: UnitOfWork, shop_id: ShopId, detail: str) -> ShopPaused:
    """Record the refusal and return what to raise; call it outside any transaction."""
    with unit_of_work() as session:
        return paused(record_unavailable(session, shop_id, state_of(detail) or "closed"))
