"""The API of deliveries: what came by which topic, what became of it, and handling it again."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require
from storecast.webhooks import deliveries
from storecast.webhooks.deliveries_repository import Wanted
from storecast.webhooks.schemas import (
    DeliveryDetail,
    DeliveryReplay,
    DeliveryRow,
    DeliveryState,
    ReplayAnswer,
    TopicReport,
)

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

HOURS_MAX = 168
"""As long as handled deliveries are kept."""


@router.get("/topics", dependencies=[require(Permission.READ)])
def list_topics(
    db: TenantDb, principal: CurrentPrincipal, hours: Annotated[int, Query(ge=1, le=HOURS_MAX)] = 24
) -> TopicReport:
    """Deliveries of the last hours by topic, with latency and failures, and changes that no delivery told of."""
    now = utcnow()
    return deliveries.report_topics(db, principal.shop_id, since=now - timedelta(hours=hours), now=now)


@router.get("/deliveries", dependencies=[require(Permission.READ)])
def list_deliveries(
    db: TenantDb,
    principal: CurrentPrincipal,
    topic: Annotated[str | None, Query(max_length=129)] = None,
    state: DeliveryState | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Page[DeliveryRow]:
    """Deliveries, the newest first; `q` is a webhook id, an event id, or an object's global id or number."""
    text = q.strip() if q else None
    wanted = Wanted(topic=topic, since=since, until=until, states=(state,) if state else (), text=text)
    return deliveries.list_page(db, principal.shop_id, wanted, cursor=cursor)


@router.get("/deliveries/{delivery_id}", dependencies=[require(Permission.READ)])
def get_delivery(
    delivery_id: Annotated[int, Path(ge=1, lt=2**63)], db: TenantDb, principal: CurrentPrincipal
) -> DeliveryDetail:
    """A delivery with its payload, masked; the audit log says who looked."""
    return deliveries.get_detail(db, principal.shop_id, delivery_id, actor=principal.actor)


@router.post("/replay", dependencies=[require(Permission.OPERATE)])
def replay_deliveries(body: DeliveryReplay, db: TenantDb, principal: CurrentPrincipal) -> ReplayAnswer:
    """Handle deliveries again, the oldest first and at most `cap`; `dry_run` only counts."""
    now: datetime = utcnow()
    return deliveries.replay(db, principal.shop_id, body, actor=principal.actor, now=now)
