"""The API of alerts: a shop's people have their shop's, operators those of the whole installation."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy.orm import Session

from storecast.db.session import open_platform, open_tenant, platform_session, tenant_session
from storecast.fleet import alerts
from storecast.fleet.alerts import Party
from storecast.fleet.alerts_schemas import (
    AlertChannel,
    AlertEvent,
    AlertMetric,
    AlertRule,
    ChannelRequest,
    ChannelTest,
    MuteRequest,
    RulePatch,
    RuleRequest,
)
from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
from storecast.shops.access import (
    CurrentPrincipal,
    Permission,
    Principal,
    require,
    sends_once,
)

router = APIRouter(prefix="/alerts", tags=["alerts"])

Key = Annotated[int, Path(ge=1, lt=2**63)]


@dataclass(frozen=True, slots=True)
class AlertsView:
    """One unit of work, and whose alerts it sees."""

    session: Session
    party: Party


def _party(principal: CurrentPrincipal) -> Party:
    return Party(
        shop_id=None if principal.role == "operator" else principal.shop_id,
        actor=principal.actor,
        home=principal.shop_id,
    )


@contextmanager
def _opened(principal: Principal) -> Iterator[AlertsView]:
    party = _party(principal)
    with platform_session() if party.shop_id is None else tenant_session(party.shop_id) as session:
        yield AlertsView(session, party)


async def _view(principal: CurrentPrincipal) -> AlertsView:
    party = _party(principal)
    opened = open_platform() if party.shop_id is None else open_tenant(party.shop_id)
    return AlertsView(opened, party)


View = Annotated[AlertsView, Depends(_view)]


@router.get("/metrics", dependencies=[require(Permission.READ)])
def list_alert_metrics(principal: CurrentPrincipal) -> list[AlertMetric]:
    """The figures that a rule may watch."""
    return alerts.list_metrics(_party(principal))


@router.get("/channels", dependencies=[require(Permission.READ)])
def list_alert_channels(view: View) -> list[AlertChannel]:
    """Where alerts can go; targets are masked."""
    return alerts.list_channels(view.session, view.party)


@router.post("/channels", status_code=201, dependencies=[require(Permission.OPERATE)])
def create_alert_channel(view: View, body: ChannelRequest) -> AlertChannel:
    """Add an address, a chat or a webhook; a webhook's secret is in this answer and in no other."""
    return alerts.create_channel(view.session, view.party, body)


@router.delete("/channels/{channel_id}", status_code=204, dependencies=[require(Permission.OPERATE)])
def delete_alert_channel(view: View, channel_id: Key) -> None:
    """Delete a channel; rules that named it go on without it."""
    alerts.remove_channel(view.session, view.party, channel_id)


@router.post("/channels/{channel_id}/test", dependencies=[require(Permission.OPERATE)])
@sends_once
def test_alert_channel(principal: CurrentPrincipal, channel_id: Key) -> ChannelTest:
    """Send a message there now."""
    with _opened(principal) as view:
        to, message = alerts.start_test(view.session, view.party, channel_id)
    return alerts.send_test(to, message)


@router.get("/rules", dependencies=[require(Permission.READ)])
def list_alert_rules(view: View) -> list[AlertRule]:
    """Every rule, where it stands, and the page behind its figure."""
    return alerts.list_rules(view.session, view.party)


@router.post("/rules", status_code=201, dependencies=[require(Permission.OPERATE)])
def create_alert_rule(view: View, body: RuleRequest) -> AlertRule:
    """Watch a figure."""
    return alerts.create_rule(view.session, view.party, body)


@router.patch("/rules/{rule_id}", dependencies=[require(Permission.OPERATE)])
def change_alert_rule(view: View, rule_id: Key, body: RulePatch) -> AlertRule:
    """Change what is given; the rest stays."""
    return alerts.change_rule(view.session, view.party, rule_id, body, now=utcnow())


@router.delete("/rules/{rule_id}", status_code=204, dependencies=[require(Permission.OPERATE)])
def delete_alert_rule(view: View, rule_id: Key) -> None:
    """Delete a rule and what it reported."""
    alerts.remove_rule(view.session, view.party, rule_id)


@router.post("/rules/{rule_id}/mute", dependencies=[require(Permission.OPERATE)])
def mute_alert_rule(view: View, rule_id: Key, body: MuteRequest) -> AlertRule:
    """Tell nobody until then; null ends the silence."""
    return alerts.mute_rule(view.session, view.party, rule_id, body.until, now=utcnow())


@router.get("/events", dependencies=[require(Permission.READ)])
def list_alert_events(view: View, cursor: str | None = None) -> Page[AlertEvent]:
    """What fired and what calmed down, the newest first."""
    return alerts.list_events(view.session, view.party, cursor=cursor)
