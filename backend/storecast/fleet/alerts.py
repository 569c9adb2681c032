"""Alerts as people see and change them: channels, rules, what happened.

A shop's people have rules on the figures of their shop; operators have rules on the whole installation, and theirs
only. Targets and secrets are sealed, and are never shown again. Every change is audited.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.config.settings import get_settings
from storecast.fleet import alert_channels, alert_metrics
from storecast.fleet import alerts_repository as repository
from storecast.fleet.alert_channels import Message, TargetRefused
from storecast.fleet.alert_metrics import Metric
from storecast.fleet.alerts_schemas import (
    AlertChannel,
    AlertEvent,
    AlertMetric,
    AlertRule,
    ChannelRequest,
    ChannelTest,
    RulePatch,
    RuleRequest,
    Suggested,
)
from storecast.fleet.errors import (
    AlertChannelUnknown,
    AlertRuleUnknown,
    TooManyAlertChannels,
    TooManyAlertRules,
)
from storecast.fleet.models import AlertChannel as ChannelRow
from storecast.fleet.models import AlertRule as RuleRow
from storecast.kit.errors import FieldError, Invalid, Permanent, Retryable
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.sealing import SealBroken
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.worker.job import QUEUES
from storecast.worker.task import registered

MAX_RULES = 50
MAX_CHANNELS = 10
PAGE_SIZE = 50

MUTE_MAX = timedelta(days=366)
"""Who wants silence for longer switches the rule off."""

EVENTS_KEPT = timedelta(days=90)

_REAIMED = {"metric", "scope", "op", "enabled"}
"""Changes after which where the rule stood says nothing about what it now watches."""


@dataclass(frozen=True, slots=True)
class Party:
    """Whose alerts they are (``shop_id`` None: the operators'), who acts, and the shop that keeps their deeds."""

    shop_id: ShopId | None
    actor: str
    home: ShopId


@dataclass(frozen=True, slots=True)
class Destination:
    """A channel, opened."""

    kind: str
    target: str
    secret: str | None


def list_metrics(party: Party) -> list[AlertMetric]:
    """The figures that their rules may watch."""
    return [
        AlertMetric(
            key=each.key,
            unit=each.unit,
            scopes=list(each.scopes),
            audience=each.audience,
            suggested=Suggested(
                op=each.suggested.op, threshold=each.suggested.threshold, for_s=each.suggested.for_s
            ),
        )
        for each in alert_metrics.list_all(for_shop=party.shop_id is not None)
    ]


def list_channels(session: Session, party: Party) -> list[AlertChannel]:
    """By age, their targets masked."""
    return [_channel(row) for row in repository.list_channels(session, party.shop_id)]


def create_channel(session: Session, party: Party, request: ChannelRequest) -> AlertChannel:
    """The answer to a webhook's creation holds its signing secret, which nobody is shown again."""
    try:
        alert_channels.check_target(request.kind, request.target)
    except TargetRefused as refused:
        fault = FieldError("/target", refused.detail, refused.code)
        raise Invalid("Alerts cannot go to this address.", errors=[fault]) from refused
    repository.lock_caps(session, party.shop_id)
    if len(repository.channel_ids(session, party.shop_id)) >= MAX_CHANNELS:
        raise TooManyAlertChannels(limit=MAX_CHANNELS)
    secret = alert_channels.new_secret() if request.kind == "webhook" else None
    seal, owner = alert_channels.sealer().seal, party.shop_id or 0
    row = repository.add_channel(
        session,
        {
            "shop_id": party.shop_id,
            "kind": request.kind,
            "title": request.title,
            "target": seal(owner, request.target),
            "secret": seal(owner, secret) if secret else None,
            "created_by": party.actor,
        },
    )
    _audit(session, party, "alert_channel_created", row.id, title=row.title, kind=row.kind)
    return _channel(row).model_copy(update={"secret": secret})


def remove_channel(session: Session, party: Party, channel_id: int) -> None:
    """Delete a channel; rules that named it go on without it."""
    row = _find_channel(session, party, channel_id)
    _audit(session, party, "alert_channel_deleted", channel_id, title=row.title, kind=row.kind)
    repository.remove_channel(session, party.shop_id, channel_id)


def start_test(session: Session, party: Party, channel_id: int) -> tuple[Destination, Message]:
    """What `send_test` sends, outside of any transaction."""
    row = _find_channel(session, party, channel_id)
    _audit(session, party, "alert_channel_tested", channel_id, title=row.title, kind=row.kind)
    name, email = sender(session, party.shop_id)
    message = Message(
        id=f"test_{token_hex(8)}",
        subject="Test: alerts of Storecast",
        text=f"Alerts that go to “{row.title}” arrive here.",
        link=absolute("/workers/alerts"),
        facts={"type": "alert.test", "data": {"channel_id": row.id, "title": row.title}},
        sender_name=name,
        sender_email=email,
    )
    return destination(row), message


def send_test(to: Destination, message: Message) -> ChannelTest:
    """Send it now, once; says what the receiver said."""
    try:
        alert_channels.send(to.kind, to.target, to.secret, message)
    except (Permanent, Retryable) as error:
        return ChannelTest(ok=False, error=error.detail)
    return ChannelTest(ok=True, error=None)


def list_rules(session: Session, party: Party) -> list[AlertRule]:
    """By age."""
    return [_rule(row) for row in repository.list_rules(session, party.shop_id)]


def create_rule(session: Session, party: Party, request: RuleRequest) -> AlertRule:
    """A rule that begins quiet; raises Invalid with a pointer to each fault."""
    values = request.model_dump()
    values["channel_ids"] = _checked(session, party, values)
    repository.lock_caps(session, party.shop_id)
    if repository.count_rules(session, party.shop_id) >= MAX_RULES:
        raise TooManyAlertRules(limit=MAX_RULES)
    row = repository.add_rule(session, {**values, "shop_id": party.shop_id, "created_by": party.actor})
    _audit(session, party, "alert_rule_created", row.id, title=row.title, metric=row.metric)
    return _rule(row)


def change_rule(
    session: Session, party: Party, rule_id: int, patch: RulePatch, *, now: datetime
) -> AlertRule:
    """Apply an edit. A rule that is aimed at something else, or switched, begins quiet again."""
    row = _lock_rule(session, party, rule_id)
    given = patch.model_dump(exclude_none=True)
    current = {
        name: getattr(row, name)
        for name in ("title", "metric", "scope", "op", "threshold", "for_s", "hold_off_s", "enabled")
    }
    # A channel that was deleted while the form was open is a fault; what is stored names none that is gone.
    ids = _checked(session, party, {"channel_ids": row.channel_ids, **current, **given})
    if "channel_ids" in given:
        given["channel_ids"] = ids
    changed = {name: value for name, value in given.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed.keys() & _REAIMED:
        row.state, row.state_since, row.last_value = "ok", now, None
    session.flush()
    if changed:
        _audit(session, party, "alert_rule_changed", rule_id, title=row.title, changed=changed)
    return _rule(row)


def remove_rule(session: Session, party: Party, rule_id: int) -> None:
    """Delete a rule with its events; messages about them that wait are not sent any more."""
    row = _lock_rule(session, party, rule_id)
    _audit(session, party, "alert_rule_deleted", rule_id, title=row.title, metric=row.metric)
    repository.remove_rule(session, row)


def mute_rule(
    session: Session, party: Party, rule_id: int, until: datetime | None, *, now: datetime
) -> AlertRule:
    """Let it fire in silence until then; None ends the silence."""
    if until is not None and not now < until <= now + MUTE_MAX:
        fault = FieldError("/until", "The silence ends within the next year.", "out_of_range")
        raise Invalid("A rule cannot be muted until then.", errors=[fault])
    row = _lock_rule(session, party, rule_id)
    row.muted_until = until
    session.flush()
    action = "alert_rule_muted" if until else "alert_rule_unmuted"
    _audit(session, party, action, rule_id, title=row.title, until=until.isoformat() if until else None)
    return _rule(row)


def list_events(session: Session, party: Party, *, cursor: str | None) -> Page[AlertEvent]:
    """What happened, the newest first."""
    rows = repository.page_events(session, party.shop_id, decode_id_cursor(cursor), PAGE_SIZE + 1)
    items = [
        AlertEvent(
            id=event.id,
            rule_id=event.rule_id,
            title=title,
            kind=event.kind,
            value=event.value,
            at=event.at,
            silent=event.silent,
            deliveries=event.deliveries,
        )
        for event, title in rows[:PAGE_SIZE]
    ]
    more = len(rows) > PAGE_SIZE
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if more else None)


def forget_old_events(session: Session, *, now: datetime) -> int:
    """Remove everybody's events that are older than `EVENTS_KEPT`; returns how many."""
    return repository.remove_events_before(session, now - EVENTS_KEPT)


def destination(row: ChannelRow) -> Destination:
    """The channel's target and secret; raises TargetRefused when they cannot be opened any more."""
    opened, owner = alert_channels.sealer().open, row.shop_id or 0
    try:
        secret = opened(owner, row.secret) if row.secret is not None else None
        return Destination(row.kind, opened(owner, row.target), secret)
    except SealBroken as error:
        raise TargetRefused("The stored address cannot be read any more; add the channel again.") from error


def sender(session: Session, shop_id: ShopId | None) -> tuple[str, str | None]:
    """Name and address that mail comes from: the shop's sender, as its test mails do; None is the app's own."""
    if shop_id is None:
        return "Storecast", None
    shop = shops.get(session, shop_id)
    return f"{shop.sender_name or shop.name} · Storecast", shop.sender_email


def absolute(path: str) -> str:
    """The address of a page of the app."""
    return get_settings().shopify_app_url.rstrip("/") + path


def link_of(metric: str, scope: Mapping[str, Any], *, for_shop: bool) -> str:
    """The page behind a figure; of a figure that is gone, the page of alerts."""
    found = alert_metrics.find(metric, for_shop=for_shop)
    return found.link(scope) if found is not None else "/workers/alerts"


def _find_channel(session: Session, party: Party, channel_id: int) -> ChannelRow:
    row = repository.find_channel(session, party.shop_id, channel_id)
    if row is None:
        raise AlertChannelUnknown
    return row


def _lock_rule(session: Session, party: Party, rule_id: int) -> RuleRow:
    row = repository.lock_rule(session, party.shop_id, rule_id)
    if row is None:
        raise AlertRuleUnknown
    return row


def _checked(session: Session, party: Party, values: Mapping[str, Any]) -> list[int]:
    """The rule's channels, each once; raises Invalid for what no rule of theirs may say."""
    faults: list[FieldError] = []
    metric = alert_metrics.find(values["metric"], for_shop=party.shop_id is not None)
    if metric is None:
        faults.append(FieldError("/metric", "There is no such figure here.", "unknown_metric"))
    else:
        faults += _scope_faults(metric, values["scope"])
    known = repository.channel_ids(session, party.shop_id)
    faults += [
        FieldError(f"/channel_ids/{at}", "There is no such channel.", "unknown_channel")
        for at, channel_id in enumerate(values["channel_ids"])
        if channel_id not in known
    ]
    if faults:
        raise Invalid("The rule is not valid.", errors=faults)
    return list(dict.fromkeys(values["channel_ids"]))


def _scope_faults(metric: Metric, scope: Mapping[str, str]) -> list[FieldError]:
    faults = []
    for name, value in scope.items():
        if name not in metric.scopes:
            message, code = "This figure cannot be narrowed by that.", "unknown_scope"
        elif name == "queue" and value not in QUEUES:
            message, code = "There is no such queue.", "unknown_queue"
        elif name == "job" and value not in registered():
            message, code = "There is no such job.", "unknown_job"
        else:
            continue
        faults.append(FieldError(f"/scope/{name}", message, code))
    return faults


def _channel(row: ChannelRow) -> AlertChannel:
    try:
        target = alert_channels.masked(row.kind, destination(row).target)
    except TargetRefused:
        target = "…"
    return AlertChannel(
        id=row.id,
        kind=row.kind,  # type: ignore[arg-type]  # the table's check constraint allows these only
        title=row.title,
        target=target,
        created_at=row.created_at,
    )


def _rule(row: RuleRow) -> AlertRule:
    for_shop = row.shop_id is not None
    found = alert_metrics.find(row.metric, for_shop=for_shop)
    names = [name for name in AlertRule.model_fields if name not in ("unit", "link")]
    return AlertRule.model_validate(
        {
            **{name: getattr(row, name) for name in names},
            "unit": found.unit if found is not None else "",
            "link": link_of(row.metric, row.scope, for_shop=for_shop),
        }
    )


def _audit(session: Session, party: Party, action: str, subject: int, **detail: object) -> None:
    audit.record(session, party.home, party.actor, action, str(subject), **detail)
