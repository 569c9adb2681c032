"""Looking at the figures, and telling people: what the jobs of alerts do.

A rule is looked at in a transaction of its own, in which its row is locked, so that concurrent looks make one event;
the event and the jobs that carry it to each channel are staged by that commit. Sending is claim, call, record: a
message that was sent may be sent again after a crash, with the same id.
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from storecast.fleet import alert_channels, alert_metrics, alert_state, alerts
from storecast.fleet import alerts_repository as repository
from storecast.fleet.alert_channels import Message
from storecast.fleet.alert_state import Standing, Terms
from storecast.fleet.alerts import Destination
from storecast.fleet.jobs import CheckShopAlerts, DeliverAlert
from storecast.fleet.models import AlertEvent, AlertRule
from storecast.kit.errors import Permanent, StorecastError
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.worker import outbox

log = structlog.get_logger(__name__)

FIGURE_TIMEOUT_MS = 10_000
"""A figure is read twice a minute: one that takes longer than this is no figure to watch."""

CHECK_S = 120.0
"""Figures that all time out must not run into the job's own end: the next look begins with those that are left."""

UnitOfWork = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message and where it goes."""

    to: Destination
    message: Message


def stage_shops(session: Session) -> int:
    """Stage a look at the rules of every installed shop that has some; returns of how many."""
    installed = set(shops.installed_ids(session))
    watched = [shop_id for shop_id in repository.shops_with_rules(session) if shop_id in installed]
    for shop_id in watched:
        outbox.add(session, ShopId(shop_id), CheckShopAlerts())
    return len(watched)


def check(unit_of_work: UnitOfWork, shop_id: ShopId | None, *, now: datetime) -> int:
    """Look at every rule of a shop, or of the operators; returns how many events that made."""
    with unit_of_work() as session:
        rule_ids = repository.enabled_rule_ids(session, shop_id)
    events = 0
    deadline = time.monotonic() + CHECK_S
    for rule_id in rule_ids:
        if time.monotonic() >= deadline:
            log.warning("alert_check_cut", rules=len(rule_ids))
            break
        with unit_of_work() as session:
            events += check_rule(session, shop_id, rule_id, now=now)
    return events


def check_rule(session: Session, shop_id: ShopId | None, rule_id: int, *, now: datetime) -> bool:
    """Look at one rule; whether that made an event. One that is looked at elsewhere just now is left alone."""
    rule = repository.lock_enabled_rule(session, shop_id, rule_id)
    if rule is None:
        return False
    value = _read(session, shop_id, rule)
    before = Standing(rule.state, rule.state_since, rule.last_fired_at, rule.notified_at)  # type: ignore[arg-type]  # by the check constraint
    terms = Terms(rule.op, rule.threshold, rule.for_s, rule.hold_off_s, rule.muted_until)  # type: ignore[arg-type]  # by the check constraint
    after, happened = alert_state.look(terms, before, value, now)
    rule.state, rule.state_since = after.state, after.since
    rule.last_fired_at, rule.notified_at = after.fired_at, after.notified_at
    rule.last_checked_at = now
    rule.last_value = value if value is not None else rule.last_value
    if happened is None or value is None:
        return False
    channel_ids = rule.channel_ids if happened.silent is None else []
    event = repository.add_event(
        session,
        {
            "rule_id": rule.id,
            "shop_id": shop_id,
            "kind": happened.kind,
            "value": value,
            "at": now,
            "silent": happened.silent,
            "deliveries": [_delivery(channel_id, "waiting", None) for channel_id in channel_ids],
        },
    )
    outbox.add_many(session, shop_id, [DeliverAlert(event.id, channel_id) for channel_id in channel_ids])
    log.info("alert", rule_id=rule.id, kind=happened.kind, silent=happened.silent, metric=rule.metric)
    return True


def _read(session: Session, shop_id: ShopId | None, rule: AlertRule) -> float | None:
    """The figure now; None when it cannot be had, and one that fails takes nothing with it but itself."""
    metric = alert_metrics.find(rule.metric, for_shop=shop_id is not None)
    if metric is None:
        log.warning("alert_figure_unknown", rule_id=rule.id, metric=rule.metric)
        return None
    try:
        with session.begin_nested():
            repository.limit_statements(session, FIGURE_TIMEOUT_MS)
            value = metric.read(session, shop_id, rule.scope)
    except Exception as error:  # noqa: BLE001  # whatever a figure raises, the other rules are looked at
        log.warning("alert_figure_failed", rule_id=rule.id, metric=rule.metric, error=type(error).__name__)
        return None
    return value if value is not None and math.isfinite(value) else None


def deliver(unit_of_work: UnitOfWork, shop_id: ShopId | None, job: DeliverAlert, *, attempt: int) -> None:
    """Tell one channel of an event. An error is noted and goes on to the job, which tries again or ends there."""
    try:
        with unit_of_work() as session:
            parcel = pack(session, shop_id, job)
        if parcel is None:
            return
        to = parcel.to
        alert_channels.send(to.kind, to.target, to.secret, parcel.message)
    except Exception as error:
        last = isinstance(error, Permanent) or attempt >= job.max_attempts
        # The text of an error that is not ours may say anything.
        told = error.detail if isinstance(error, StorecastError) else type(error).__name__
        with unit_of_work() as session:
            _note(session, shop_id, job, "failed" if last else "waiting", told)
        raise
    with unit_of_work() as session:
        _note(session, shop_id, job, "sent", None)


def pack(session: Session, shop_id: ShopId | None, job: DeliverAlert) -> Parcel | None:
    """What the channel is to be told; None when it was told already, or nobody wants to know any more."""
    found = repository.find_event(session, shop_id, job.event_id)
    if found is None:
        return None
    event, rule = found
    if any(each["channel_id"] == job.channel_id and each["state"] == "sent" for each in _deliveries(event)):
        return None
    channel = repository.find_channel(session, shop_id, job.channel_id)
    if channel is None:
        _note(session, shop_id, job, "failed", "The channel was deleted.")
        return None
    return Parcel(alerts.destination(channel), _message(session, event, rule))


def _message(session: Session, event: AlertEvent, rule: AlertRule) -> Message:
    shop_id = ShopId(rule.shop_id) if rule.shop_id is not None else None
    metric = alert_metrics.find(rule.metric, for_shop=shop_id is not None)
    unit = metric.unit if metric is not None else ""
    domain = shops.get(session, shop_id).domain if shop_id is not None else None
    name, email = alerts.sender(session, shop_id)
    fired = event.kind == "fired"
    figure = rule.metric.replace("_", " ")
    scope = ", ".join(f"{key} {value}" for key, value in sorted(rule.scope.items()))
    about = f"{figure} ({scope})" if scope else figure
    standing = "over its limit" if fired else "back within its limit"
    lines = [
        f"“{rule.title}” is {standing}: {about} is {_amount(event.value, unit)}.",
        f"It fires when that is {rule.op} {_amount(rule.threshold, unit)}"
        + (f" for {rule.for_s} s." if rule.for_s else "."),
        f"Seen {event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" + (f" in {domain}." if domain else "."),
    ]
    link = alerts.absolute(alerts.link_of(rule.metric, rule.scope, for_shop=shop_id is not None))
    facts: dict[str, Any] = {
        "event_id": event.id, "rule_id": rule.id, "title": rule.title, "shop": domain, "metric": rule.metric,
        "unit": unit, "scope": rule.scope, "op": rule.op, "threshold": rule.threshold, "value": event.value,
    }  # fmt: skip
    return Message(
        id=f"alert_{event.id}",
        subject=f"{'Firing' if fired else 'Over'}: {rule.title}",
        text="\n".join(lines),
        link=link,
        facts={"type": f"alert.{event.kind}", "timestamp": event.at.isoformat(), "data": facts},
        sender_name=name,
        sender_email=email,
    )


def _amount(value: float, unit: str) -> str:
    return f"{value:,.10g} {'%' if unit == 'percent' else unit}".rstrip()


def _note(session: Session, shop_id: ShopId | None, job: DeliverAlert, state: str, error: str | None) -> None:
    event = repository.lock_event(session, shop_id, job.event_id)
    if event is None:
        return
    others = [each for each in _deliveries(event) if each["channel_id"] != job.channel_id]
    others.append(_delivery(job.channel_id, state, error))
    others.sort(key=lambda each: int(each["channel_id"]))
    event.deliveries = list(others)


def _deliveries(event: AlertEvent) -> list[dict[str, Any]]:
    return event.deliveries  # type: ignore[return-value]  # JSON that this file writes


def _delivery(channel_id: int, state: str, error: str | None) -> dict[str, Any]:
    return {"channel_id": channel_id, "state": state, "error": error}
