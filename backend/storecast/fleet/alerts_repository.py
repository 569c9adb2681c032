"""All SQL of alerts: rules, channels, and what happened.

``shop_id`` None means the operators' own rows, never those of every shop.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.orm import Session

from storecast.fleet.models import AlertChannel, AlertEvent, AlertRule
from storecast.kit.types import ShopId


def lock_caps(session: Session, shop_id: ShopId | None) -> None:
    """Let nobody else add to the shop's alerts until the commit: two who count at once would both find room."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('alerts'), :shop_id)"),
        {"shop_id": (shop_id or 0) % 2**31},
    )


def list_channels(session: Session, shop_id: ShopId | None) -> Sequence[AlertChannel]:
    """By age."""
    query = select(AlertChannel).where(AlertChannel.shop_id == shop_id)
    return session.scalars(query.order_by(AlertChannel.id)).all()


def channel_ids(session: Session, shop_id: ShopId | None) -> set[int]:
    return set(session.scalars(select(AlertChannel.id).where(AlertChannel.shop_id == shop_id)))


def find_channel(session: Session, shop_id: ShopId | None, channel_id: int) -> AlertChannel | None:
    return session.scalar(
        select(AlertChannel).where(AlertChannel.shop_id == shop_id, AlertChannel.id == channel_id)
    )


def add_channel(session: Session, values: dict[str, Any]) -> AlertChannel:
    channel = AlertChannel(**values)
    session.add(channel)
    session.flush()
    session.refresh(channel)
    return channel


def remove_channel(session: Session, shop_id: ShopId | None, channel_id: int) -> None:
    """Delete it, and let no rule name it any more."""
    session.execute(
        update(AlertRule)
        .where(AlertRule.shop_id == shop_id, AlertRule.channel_ids.contains([channel_id]))
        .values(channel_ids=func.array_remove(AlertRule.channel_ids, channel_id))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        delete(AlertChannel).where(AlertChannel.shop_id == shop_id, AlertChannel.id == channel_id)
    )


def list_rules(session: Session, shop_id: ShopId | None) -> Sequence[AlertRule]:
    """By age."""
    query = select(AlertRule).where(AlertRule.shop_id == shop_id)
    return session.scalars(query.order_by(AlertRule.id)).all()


def count_rules(session: Session, shop_id: ShopId | None) -> int:
    return session.scalar(select(func.count()).where(AlertRule.shop_id == shop_id)) or 0


def lock_rule(session: Session, shop_id: ShopId | None, rule_id: int) -> AlertRule | None:
    """The rule, locked until the commit: a look at its figure and an edit come one after the other."""
    query = select(AlertRule).where(AlertRule.shop_id == shop_id, AlertRule.id == rule_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def lock_enabled_rule(session: Session, shop_id: ShopId | None, rule_id: int) -> AlertRule | None:
    """The rule, locked until the commit; None when it is off, gone, or in somebody else's hands just now."""
    query = select(AlertRule).where(
        AlertRule.shop_id == shop_id, AlertRule.id == rule_id, AlertRule.enabled.is_(True)
    )
    return session.scalar(query.with_for_update(skip_locked=True).execution_options(populate_existing=True))


def add_rule(session: Session, values: dict[str, Any]) -> AlertRule:
    rule = AlertRule(**values)
    session.add(rule)
    session.flush()
    session.refresh(rule)
    return rule


def remove_rule(session: Session, rule: AlertRule) -> None:
    """Delete it with its events."""
    session.delete(rule)
    session.flush()


def enabled_rule_ids(session: Session, shop_id: ShopId | None) -> Sequence[int]:
    """The one that has not been looked at for the longest time first."""
    query = select(AlertRule.id).where(AlertRule.shop_id == shop_id, AlertRule.enabled.is_(True))
    return session.scalars(query.order_by(AlertRule.last_checked_at.asc().nulls_first(), AlertRule.id)).all()


def shops_with_rules(session: Session) -> Sequence[int]:
    """Shops with a rule that is on."""
    query = select(AlertRule.shop_id).where(AlertRule.shop_id.is_not(None), AlertRule.enabled.is_(True))
    return [shop_id for shop_id in session.scalars(query.distinct()) if shop_id is not None]


def limit_statements(session: Session, timeout_ms: int) -> None:
    """Let no statement of this transaction run longer."""
    session.execute(
        text("SELECT set_config('statement_timeout', :timeout, true)"), {"timeout": str(timeout_ms)}
    )


def add_event(session: Session, values: dict[str, Any]) -> AlertEvent:
    event = AlertEvent(**values)
    session.add(event)
    session.flush()
    return event


def find_event(
    session: Session, shop_id: ShopId | None, event_id: int
) -> tuple[AlertEvent, AlertRule] | None:
    """An event and its rule."""
    query = (
        select(AlertEvent, AlertRule)
        .join(AlertRule, AlertRule.id == AlertEvent.rule_id)
        .where(AlertEvent.shop_id == shop_id, AlertEvent.id == event_id)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def lock_event(session: Session, shop_id: ShopId | None, event_id: int) -> AlertEvent | None:
    """The event, locked until the commit: the messages about it write their outcomes one after the other."""
    query = select(AlertEvent).where(AlertEvent.shop_id == shop_id, AlertEvent.id == event_id)
    return session.scalar(query.with_for_update().execution_options(populate_existing=True))


def page_events(
    session: Session, shop_id: ShopId | None, before_id: int | None, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The newest first, each with its rule's title."""
    query = (
        select(AlertEvent, AlertRule.title)
        .join(AlertRule, AlertRule.id == AlertEvent.rule_id)
        .where(AlertEvent.shop_id == shop_id)
    )
    if before_id is not None:
        query = query.where(AlertEvent.id < before_id)
    return session.execute(query.order_by(AlertEvent.id.desc()).limit(limit)).all()


def remove_events_before(session: Session, instant: datetime) -> int:
    """Remove old events of everyone; returns how many."""
    return session.execute(delete(AlertEvent).where(AlertEvent.at < instant)).rowcount  # type: ignore[attr-defined,no-any-return]
