"""Rules of a campaign's life.

    draft → scheduled → sending → sent
              │  ↑        │ ↑
              └ draft     └ paused → cancelled

Every change of state locks the row. Content changes only in a draft, and only against the version that was edited.
The ledger is written by the freeze alone; afterwards its rows change state, and none is ever added or removed.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.campaigns import (
    contact_policy,
    content,
    discounts,
    leases,
    marketing,
    repository,
    schemas,
    variants,
    variants_repository,
    variants_schemas,
)
from storecast.campaigns.audience import choose, is_chosen, lacks_segment
from storecast.campaigns.chosen import Chosen
from storecast.campaigns.errors import (
    AudienceChanged,
    CampaignLocked,
    CampaignUnknown,
    NobodyLeft,
    NotReady,
    StateRefused,
    VersionConflict,
)
from storecast.campaigns.gate import judge, test_size, worst
from storecast.campaigns.jobs import Dispatch, Finish, Freeze, SendBatch
from storecast.campaigns.models import Campaign, CampaignVariant, MessageDelivery
from storecast.campaigns.pacing import HELD_UNTIL, Pacing, draw_at
from storecast.campaigns.planning import pacing_of, start_of
from storecast.config.settings import get_settings
from storecast.customers import selectables as customer_selectables
from storecast.customers import service as customers
from storecast.customers.errors import CustomerUnknown
from storecast.events.deliveries import DeliveryFact, DeliveryRef
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.pages import Page, decode_cursor, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.messaging import compose, delivery, headers, templates, topics
from storecast.messaging import service as messaging
from storecast.segments import references
from storecast.segments import service as segments
from storecast.shops import service as shops
from storecast.worker import outbox

log = structlog.get_logger(__name__)

references.provide_campaigns(repository)

PAGE = 50

WINDOW = 4
"""Senders at work for one campaign at once: fills the workers of a machine; between slices others get their turn."""

CHUNK = 1_000
"""Rows a sender claims at once, at most; `sending` claims fewer where the server is slow. Claim and record cost some
milliseconds a chunk, so a smaller one costs speed."""

WATCH_EVERY = timedelta(seconds=60)
"""How long a campaign may stand still when its senders died, before the next look at it."""

LATE = timedelta(hours=6)
"""A schedule missed by more than this (an outage, a restored backup) waits for a person: mail for the morning is not
sent at night."""

FOUND_AT_MOST = 500
"""Customers that a search among recipients looks at, the newest first."""

CONFIRMED_SHARE = 0.05
CONFIRMED_PEOPLE = 10
"""An audience may move so much between the dialogue and the click before it is asked again."""

MAX_COMPLAINT_SHARE = 0.003
"""Gmail and Yahoo stop delivering to the inbox from senders whom more people call spam than this."""

COMPLAINTS_JUDGED_FROM = 3
"""One complaint in a hundred messages is 1 %, and says nothing."""

MAX_RETURNED_SHARE = 0.05
RETURNS_JUDGED_FROM = 20

SETTLED = timedelta(days=2)
"""What has not come back by then has arrived, as a rule."""

ARRIVALS_LOOKED_AT = timedelta(days=60)

_EDITABLE = (
    "name",
    "subject",
    "preview_text",
    "from_name",
    "from_email",
    "reply_to",
    "html",
    "mjml",
    "product_gids",
    "discount_path",
    "holdout_percent",
    "pacing",
)


# Drafts.


def create(session: Session, shop_id: ShopId, *, name: str, template_key: str | None, actor: str) -> Campaign:
    """A new draft, filled from a template of the gallery when one is named."""
    template = templates.start(session, shop_id, template_key) if template_key else None
    shop = shops.get(session, shop_id)
    campaign = Campaign(
        shop_id=shop_id,
        public_id=public_id("cmp"),
        name=name,
        template_key=template_key,
        subject=template.subject if template else "",
        preview_text=template.preview_text if template else "",
        html=template.html if template else "",
        mjml=template.mjml if template else None,
        from_name=shop.sender_name or shop.name,
        from_email=shop.sender_email or "",
    )
    repository.add(session, campaign)
    audit.record(session, shop_id, actor, "campaign_created", campaign.public_id)
    return campaign


def duplicate(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> Campaign:
    """A new draft with the same content and audience."""
    original = get(session, shop_id, campaign_id)
    copy = _copy(session, shop_id, original, f"{original.name} (copy)")
    variants.copy(session, shop_id, original, copy)
    audit.record(session, shop_id, actor, "campaign_duplicated", copy.public_id, original=campaign_id)
    return copy


def _copy(session: Session, shop_id: ShopId, original: Campaign, name: str, **other: object) -> Campaign:
    fields = (
        *_EDITABLE,
        "segment_id",
        "topic_id",
        "discount_set_id",
        "excluded_segment_ids",
        "template_key",
        "origin_id",
        "origin_kind",
    )
    values = {field: getattr(original, field) for field in fields} | {"name": name[:120]} | other
    copy = Campaign(shop_id=shop_id, public_id=public_id("cmp"), **values)
    repository.add(session, copy)
    return copy


def follow_up(session: Session, shop_id: ShopId, campaign_id: str, kind: str, *, actor: str) -> Campaign:
    """A new draft with the same content for those who are left of a campaign that is over: see `schemas.FollowUp`.

    Who that is shows its ledger when the draft is sent; consent, exclusions and the shop's policy hold as ever.
    """
    original = get(session, shop_id, campaign_id)
    if original.frozen_at is None or original.state not in {"sent", "cancelled"}:
        raise StateRefused(state=original.state)
    name = f"{original.name} ({_FOLLOW_UP_NAMES[kind]})"
    origin = {"segment_id": None, "origin_id": original.id, "origin_kind": kind, "holdout_percent": 0}
    draft = _copy(session, shop_id, original, name, **origin)
    if not audience(session, shop_id, draft).members:
        raise NobodyLeft
    audit.record(
        session, shop_id, actor, "campaign_followed_up", draft.public_id, original=campaign_id, kind=kind
    )
    return draft


_FOLLOW_UP_NAMES = {"rest": "rest", "non_openers": "again", "failed": "retry"}


def change_variants(
    session: Session, shop_id: ShopId, campaign_id: str, given: variants_schemas.VariantsInput
) -> Campaign:
    """Set the test and the further versions; refused whole like any edit."""
    campaign = _lock_draft(session, shop_id, campaign_id, given.version)
    variants.change(session, shop_id, campaign, given)
    _touch(session, campaign)
    return campaign


def pick_winner(session: Session, shop_id: ShopId, campaign_id: str, number: int, *, actor: str) -> Campaign:
    """Give the rest of a test's audience a version."""
    campaign = _lock(session, shop_id, campaign_id)
    variants.pick(session, shop_id, campaign, number, actor=actor)
    _touch(session, campaign)
    return campaign


def _lock_draft(session: Session, shop_id: ShopId, campaign_id: str, version: int) -> Campaign:
    campaign = _lock(session, shop_id, campaign_id)
    if campaign.version != version:
        raise VersionConflict(version=campaign.version)
    if campaign.state != "draft":
        raise CampaignLocked
    return campaign


def change(session: Session, shop_id: ShopId, campaign_id: str, changes: schemas.CampaignChanges) -> Campaign:
    """Apply an edit; refused whole when its version is not the current one or a template does not parse."""
    campaign = _lock_draft(session, shop_id, campaign_id, changes.version)
    given = changes.model_dump(exclude_unset=True, exclude={"version"})
    values = {field: given[field] for field in _EDITABLE if given.get(field) is not None}
    if "mjml" in values:
        values["html"] = templates.html_of(values["mjml"])
    elif "html" in values:
        # Written by hand from here on: the MJML would say something else.
        values["mjml"] = None
    _refuse_faults(values)
    if "segment_id" in given:
        values["segment_id"] = (
            segments.get(session, shop_id, given["segment_id"]).id if given["segment_id"] else None
        )
        values["origin_id"] = values["origin_kind"] = None
    if given.get("excluded_segment_ids") is not None:
        values["excluded_segment_ids"] = [
            segments.get(session, shop_id, segment_id).id for segment_id in given["excluded_segment_ids"]
        ]
    if "discount_id" in given:
        values["discount_set_id"] = (
            discounts.find_id(session, shop_id, given["discount_id"]) if given["discount_id"] else None
        )
    if "template_key" in given:
        values["template_key"] = given["template_key"]
    if "topic_id" in given:
        named = given["topic_id"]
        values["topic_id"] = topics.get(session, shop_id, named).id if named else None
    for field, value in values.items():
        setattr(campaign, field, value)
    _touch(session, campaign)
    return campaign


def _refuse_faults(values: dict[str, Any]) -> None:
    found = compose.faults(
        compose.Content(
            values.get("subject", ""), values.get("preview_text", ""), values.get("html", ""), "", "", ""
        )
    )
    errors = [
        FieldError(
            f"/{field}", f"Line {fault.line}, column {fault.column}: {fault.message}", "template_fault"
        )
        for field, faults in found.items()
        for fault in faults
    ]
    errors += [
        FieldError(f"/{field}", "This is not an e-mail address.", "address_invalid")
        for field in ("from_email", "reply_to")
        if values.get(field) and headers.find_address(values[field]) is None
    ]
    errors += Pacing(**values["pacing"]).faults() if "pacing" in values else []
    if errors:
        raise Invalid("Some fields are not valid.", errors=errors)


def remove(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> None:
    """Delete a draft; anything that went out stays on record."""
    campaign = _lock(session, shop_id, campaign_id)
    if campaign.state != "draft" or campaign.frozen_at is not None:
        raise StateRefused(state=campaign.state)
    marketing.announce(session, campaign)
    repository.remove(session, shop_id, campaign.id)
    audit.record(session, shop_id, actor, "campaign_deleted", campaign_id)


# Audience and gate.


def chosen(session: Session, shop_id: ShopId, campaign: Campaign) -> Chosen:
    """Who would be written to now; nobody when no segment is chosen."""
    return choose(session, shop_id, campaign, utcnow())


def audience(session: Session, shop_id: ShopId, campaign: Campaign) -> schemas.Audience:
    """How many would get the message, and why the others not."""
    counts = repository.audience_counts(session, shop_id, campaign, chosen(session, shop_id, campaign))
    recipients = counts.pop(None, 0)
    exclusions = [
        schemas.Exclusion(reason=reason or "", count=count)
        for reason, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    total = recipients + sum(exclusion.count for exclusion in exclusions)
    return schemas.Audience(members=total, recipients=recipients, exclusions=exclusions)


def gate(
    session: Session, shop_id: ShopId, campaign: Campaign, *, starts_at: datetime | None = None
) -> schemas.Gate:
    """What stands between the campaign and its audience, as far as the database knows.

    ``starts_at`` is when it is to be sent, now when left out.
    """
    people = chosen(session, shop_id, campaign)
    counted = audience(session, shop_id, campaign)
    begins = starts_at or utcnow()
    checks = _judge(session, shop_id, campaign, people, counted, None, begins)
    for version in variants_repository.list_versions(session, shop_id, campaign.id):
        others = _judge(session, shop_id, campaign, people, counted, version, begins)
        checks = worst(checks, others, version.number)
    test = variants.test_of(campaign)
    if test is not None:
        checks.append(test_size(variants.split_of(session, shop_id, campaign), counted.recipients))
    return schemas.Gate(ready=all(check.level != "stop" for check in checks), checks=checks)


def _judge(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    people: Chosen,
    counted: schemas.Audience,
    version: CampaignVariant | None,
    starts_at: datetime,
) -> list[schemas.Check]:
    shop = shops.get(session, shop_id)
    written = content.content_of(session, campaign, shop, version=version)
    lacking = repository.counts_without(session, shop_id, campaign, people, compose.unguarded_fields(written))
    level = get_settings().sender_level
    checks = judge(
        written,
        has_segment=is_chosen(campaign),
        audience=counted,
        lacking={field: count for field, count in lacking.items() if count},
        urls=compose.find_urls(written, content.origin_of(session, campaign, shop)),
        sender=None if level == "off" else delivery.sender_standing(session, shop_id, written.from_email),
        strictness="ask" if level == "ask" else "stop",
    )
    return checks + leases.judge(
        session,
        shop_id,
        campaign,
        shown=compose.reads_code(written),
        recipients=counted.recipients,
        starts_at=starts_at,
    )


# Sending.


def send(
    session: Session,
    shop_id: ShopId,
    campaign_id: str,
    *,
    scheduled_at: datetime | None,
    confirm_recipients: int | None,
    actor: str,
) -> Campaign:
    """Let a draft go, now or at an instant to come. The audience is drawn when it starts, not now."""
    campaign = _lock(session, shop_id, campaign_id)
    if campaign.state != "draft":
        raise StateRefused(state=campaign.state)
    now = utcnow()
    _refuse_schedule(campaign, scheduled_at, now)
    verdict = gate(session, shop_id, campaign, starts_at=scheduled_at)
    stops = [check.model_dump() for check in verdict.checks if check.level == "stop"]
    if stops:
        raise NotReady(checks=stops)
    if confirm_recipients is not None:
        _refuse_changed_audience(confirm_recipients, audience(session, shop_id, campaign).recipients)
    campaign.scheduled_at = scheduled_at
    if scheduled_at is None:
        campaign.state, campaign.started_at = "sending", now
    else:
        campaign.state = "scheduled"
    _touch(session, campaign)
    draws_at = None
    if scheduled_at is not None:
        home = start_of(session, shop_id, campaign, now).home
        draws_at = draw_at(pacing_of(campaign), scheduled_at, home)
    outbox.add(session, shop_id, Freeze(campaign.id), run_at=draws_at)
    audit.record(
        session,
        shop_id,
        actor,
        "campaign_sent" if scheduled_at is None else "campaign_scheduled",
        campaign_id,
    )
    log.info(
        "campaign_released", shop_id=shop_id, campaign_id=campaign.id, scheduled=scheduled_at is not None
    )
    return campaign


def _refuse_schedule(campaign: Campaign, scheduled_at: datetime | None, now: datetime) -> None:
    if scheduled_at is not None and scheduled_at <= now:
        fault = FieldError("/scheduled_at", "The instant has passed.", "schedule_past")
        raise Invalid("The schedule lies in the past.", errors=[fault])
    if scheduled_at is None and pacing_of(campaign).mode == "local_time":
        fault = FieldError("/scheduled_at", "Say when by the recipients' clocks.", "schedule_missing")
        raise Invalid("A sending at local times needs a time.", errors=[fault])


def _refuse_changed_audience(confirmed: int, now: int) -> None:
    if abs(confirmed - now) > max(CONFIRMED_PEOPLE, confirmed * CONFIRMED_SHARE):
        raise AudienceChanged(confirmed=confirmed, recipients=now)


def pause(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> Campaign:
    """Stop after the chunks that are under way."""
    campaign = _lock(session, shop_id, campaign_id)
    if campaign.state != "sending":
        raise StateRefused(state=campaign.state)
    campaign.state, campaign.pause_reason = "paused", "by_hand"
    _touch(session, campaign)
    audit.record(session, shop_id, actor, "campaign_paused", campaign_id)
    return campaign


def pause_by_itself(session: Session, shop_id: ShopId, campaign_id: int, reason: str) -> None:
    """Stop a campaign that does harm or gets nowhere; the reason is shown to the merchant."""
    campaign = repository.lock_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.state != "sending":
        return
    _pause(session, campaign, reason)


def pause_all(session: Session, shop_id: ShopId) -> None:
    """Stop what is sending or scheduled, because the shop has left; people decide about it should it come back."""
    for campaign in repository.lock_under_way(session, shop_id):
        _pause(session, campaign, "shop_inactive")


def resume(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> Campaign:
    """Go on with the rows that are still pending; what was sent or is in doubt is not sent again."""
    campaign = _lock(session, shop_id, campaign_id)
    if campaign.state != "paused":
        raise StateRefused(state=campaign.state)
    campaign.state, campaign.pause_reason = "sending", None
    campaign.started_at = campaign.started_at or utcnow()
    _touch(session, campaign)
    job = Freeze(campaign.id) if campaign.frozen_at is None else Dispatch(campaign.id)
    outbox.add(session, shop_id, job)
    audit.record(session, shop_id, actor, "campaign_resumed", campaign_id)
    return campaign


def cancel(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> Campaign:
    """Take a schedule back (the campaign is a draft again), or end a sending for good."""
    campaign = _lock(session, shop_id, campaign_id)
    if campaign.state == "scheduled":
        campaign.state, campaign.scheduled_at = "draft", None
    elif campaign.state in {"sending", "paused"}:
        campaign.state, campaign.finished_at = "cancelled", utcnow()
        if campaign.frozen_at is not None:
            repository.drop_pending(session, shop_id, campaign, "cancelled")
            leases.reclaim(session, shop_id, campaign)
            # Claims that are never reported on must not stay open for ever.
            outbox.add(session, shop_id, Dispatch(campaign.id), run_at=utcnow() + WATCH_EVERY)
    else:
        raise StateRefused(state=campaign.state)
    _touch(session, campaign)
    audit.record(session, shop_id, actor, "campaign_cancelled", campaign_id)
    return campaign


# The course of a sending; called by jobs.


def freeze(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    """Draw the audience into the ledger, store the links, start the senders."""
    campaign = repository.lock_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.frozen_at is not None or campaign.state not in {"scheduled", "sending"}:
        return
    now = utcnow()
    if campaign.state == "scheduled" and not _is_due(session, shop_id, campaign, now):
        return
    obstacle = _obstacle(session, shop_id, campaign)
    if obstacle is not None:
        _pause(session, campaign, obstacle)
        return
    campaign.state, campaign.started_at = "sending", campaign.started_at or now
    campaign.frozen_at = now
    shop = shops.get(session, shop_id)
    campaign.product_lists = dict(
        content.product_lists(session, campaign, shop, html=variants.all_html(session, shop_id, campaign))
    )
    compiled = variants.compiled(session, shop_id, campaign)
    split = variants.split_of(session, shop_id, campaign)
    start = start_of(session, shop_id, campaign, now)
    people = chosen(session, shop_id, campaign)
    campaign.audience_size = repository.freeze(
        session, shop_id, campaign, people, start=start, split=split, now=now
    )
    variants.note_start(campaign, split, now)
    contact_policy.note_patience(session, shop_id, campaign, now)
    urls = {
        variant.first_link + at: url for variant in compiled.values() for at, url in enumerate(variant.urls)
    }
    personal = {number for variant in compiled.values() for number in variant.personal_urls}
    repository.store_links(session, shop_id, campaign.id, urls, personal)
    _touch(session, campaign)
    outbox.add(session, shop_id, Dispatch(campaign.id))
    log.info("campaign_frozen", shop_id=shop_id, campaign_id=campaign.id, audience=campaign.audience_size)


def _is_due(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> bool:
    scheduled_at = campaign.scheduled_at or now
    due = draw_at(pacing_of(campaign), scheduled_at, start_of(session, shop_id, campaign, now).home)
    if due > now:
        # The schedule was moved: the job of the earlier one comes too soon.
        outbox.add(session, shop_id, Freeze(campaign.id), run_at=due)
        return False
    if now - scheduled_at > LATE:
        _pause(session, campaign, "schedule_missed")
        return False
    return True


def _obstacle(session: Session, shop_id: ShopId, campaign: Campaign) -> str | None:
    """What has happened since somebody pressed the button that makes sending wrong now."""
    if lacks_segment(session, shop_id, campaign):
        return "segment_deleted"
    return None if may_send(session, shop_id) else "shop_inactive"


def may_send(session: Session, shop_id: ShopId) -> bool:
    """Whether the shop still has the app: one that uninstalled it sends nothing more."""
    return shops.get(session, shop_id).state == "installed"


def _pause(session: Session, campaign: Campaign, reason: str) -> None:
    campaign.state, campaign.pause_reason = "paused", reason
    _touch(session, campaign)
    shop_id = ShopId(campaign.shop_id)
    audit.record(session, shop_id, "storecast", "campaign_paused", campaign.public_id, reason=reason)
    log.warning("campaign_paused", shop_id=shop_id, campaign_id=campaign.id, reason=reason.partition(":")[0])


def dispatch(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    """Settle lost claims, fill the window, and see to it that somebody looks again."""
    campaign = repository.lock_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.frozen_at is None:
        return
    now = utcnow()
    lost = repository.settle_lost(session, shop_id, campaign, now=now)
    if lost:
        log.warning("claims_lost", shop_id=shop_id, campaign_id=campaign_id, count=lost)
    if campaign.state == "cancelled":
        # What was refused for now while the campaign was being cancelled came back as pending.
        repository.drop_pending(session, shop_id, campaign, "cancelled")
    if campaign.state == "sending":
        variants.look(session, shop_id, campaign, now)
    due_at = repository.next_due_at(session, shop_id, campaign)
    if campaign.state != "sending":
        if due_at is not None and campaign.state == "cancelled":
            outbox.add(session, shop_id, Dispatch(campaign_id), run_at=max(due_at, now + WATCH_EVERY))
        return
    if due_at is None:
        outbox.add(session, shop_id, Finish(campaign_id))
        return
    if not may_send(session, shop_id):
        _pause(session, campaign, "shop_inactive")
        return
    policy = contact_policy.of_shop(session, shop_id)
    rests_until = contact_policy.resting_until(session, shop_id, policy, now)
    if rests_until is None:
        _fill_window(session, shop_id, campaign, now)
    again_at = min(max(due_at, now + timedelta(seconds=1)), now + WATCH_EVERY)
    if due_at <= now:
        again_at = now + WATCH_EVERY
    outbox.add(session, shop_id, Dispatch(campaign_id), run_at=again_at)


def _fill_window(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> None:
    ready = repository.count_ready(session, shop_id, campaign, now=now, limit=WINDOW * CHUNK)
    waiting = {job.slot for job in outbox.pending(session, SendBatch) if job.campaign_id == campaign.id}
    # Not by who holds claims: those of a worker that is gone would keep everybody else waiting until their lease ends.
    at_work = sum(job.campaign_id == campaign.id for job in outbox.running(session, SendBatch))
    wanted = min(WINDOW, -(-ready // CHUNK)) - len(waiting) - at_work
    for slot in [slot for slot in range(WINDOW) if slot not in waiting][: max(wanted, 0)]:
        outbox.add(session, shop_id, SendBatch(campaign.id, slot))


def finish(session: Session, shop_id: ShopId, campaign_id: int) -> bool:
    """Close the campaign when every row is final; whether it is closed now."""
    campaign = repository.lock_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.frozen_at is None or campaign.state not in {"sending", "sent"}:
        return False
    if repository.next_due_at(session, shop_id, campaign) is not None:
        outbox.add(session, shop_id, Dispatch(campaign_id))
        return False
    if campaign.state == "sending":
        campaign.state, campaign.finished_at = "sent", utcnow()
        leases.reclaim(session, shop_id, campaign)
        _touch(session, campaign)
        log.info("campaign_finished", shop_id=shop_id, campaign_id=campaign_id)
    return True


def note_sent(session: Session, shop_id: ShopId, campaign_id: int, after_id: int, limit: int) -> int | None:
    """Move the last-sent instants of some recipients forward; returns where to go on, None at the end."""
    campaign = repository.find_by_id(session, shop_id, campaign_id)
    if campaign is None:
        return None
    rows = repository.list_accepted(session, shop_id, campaign, after_id, limit)
    sent = {customer_id: at for _id, customer_id, at in rows if at is not None}
    customers.record_sent(session, shop_id, sent)
    return rows[-1].id if len(rows) == limit else None


# Answers for others.


def find_delivery_facts(
    session: Session, shop_id: ShopId, refs: Collection[DeliveryRef]
) -> dict[DeliveryRef, DeliveryFact]:
    """Who got these deliveries and when; wired to `events.deliveries`."""
    if not refs:
        return {}
    rows = repository.find_deliveries(session, shop_id, refs)
    return {
        DeliveryRef(campaign_id, delivery_id): DeliveryFact(customer_id, accepted_at, email)
        for campaign_id, delivery_id, customer_id, accepted_at, email in rows
    }


def find_last_arrivals(
    session: Session, shop_id: ShopId, customer_ids: Collection[int]
) -> dict[int, datetime]:
    """When mail last arrived at customers, as far as it would have come back by now; wired to `events.deliveries`."""
    now = utcnow()
    return repository.last_arrivals(
        session, shop_id, customer_ids, since=now - ARRIVALS_LOOKED_AT, until=now - SETTLED
    )


def judge_returns(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    """Stop a campaign whose mail comes back, or is called spam, too often."""
    campaign = repository.find_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.state != "sending":
        return
    reason = too_many_returns(*repository.return_counts(session, shop_id, campaign))
    if reason is not None:
        pause_by_itself(session, shop_id, campaign_id, reason)


def too_many_returns(accepted: int, bounced: int, complained: int) -> str | None:
    """Why so many returns should stop a campaign, None when they are fine."""
    if complained >= COMPLAINTS_JUDGED_FROM and complained > MAX_COMPLAINT_SHARE * accepted:
        return f"complaint_rate: {complained} of {accepted} recipients called it spam"
    if bounced >= RETURNS_JUDGED_FROM and bounced > MAX_RETURNED_SHARE * accepted:
        return f"bounce_rate: {bounced} of {accepted} addresses do not exist"
    return None


def unsubscribe(
    session: Session, shop_id: ShopId, campaign_id: int, delivery_id: int, *, asked_at: datetime
) -> bool:
    """Unsubscribe whoever got this delivery, as of when they asked; whether that was news. Safe to repeat."""
    campaign = repository.find_by_id(session, shop_id, campaign_id)
    delivery = repository.find_delivery(session, shop_id, campaign, delivery_id) if campaign else None
    if delivery is None or not delivery.email:
        log.warning(
            "unsubscribe_of_nobody", shop_id=shop_id, campaign_id=campaign_id, delivery_id=delivery_id
        )
        return False
    gid = repository.find_gid(session, customer_selectables.audience(shop_id), delivery.customer_id)
    return messaging.unsubscribe(
        session,
        shop_id,
        email=delivery.email,
        customer_gid=gid,
        source=f"campaign {campaign_id}",
        at=asked_at,
    )


def get(session: Session, shop_id: ShopId, campaign_id: str) -> Campaign:
    """The campaign of a public id; raises CampaignUnknown."""
    campaign = repository.find(session, shop_id, campaign_id)
    if campaign is None:
        raise CampaignUnknown
    return campaign


def shape(session: Session, shop_id: ShopId, campaign: Campaign) -> schemas.Campaign:
    """The campaign as the API shows it."""
    segment = segments.find_by_id(session, shop_id, campaign.segment_id) if campaign.segment_id else None
    excluded = segments.public_ids_of(session, shop_id, campaign.excluded_segment_ids)
    origin = repository.find_by_id(session, shop_id, campaign.origin_id) if campaign.origin_id else None
    own = {
        "id": campaign.public_id,
        "segment_id": segment.public_id if segment else None,
        "topic_id": topics.find_public_id(session, shop_id, campaign.topic_id),
        "discount_id": discounts.find_public_id(session, shop_id, campaign.discount_set_id),
        "excluded_segment_ids": [
            excluded[each] for each in campaign.excluded_segment_ids if each in excluded
        ],
        "origin": schemas.Origin(kind=campaign.origin_kind, campaign_id=origin and origin.public_id)  # type: ignore[arg-type]  # a CHECK holds it
        if campaign.origin_kind
        else None,
        "tested": campaign.test is not None,
    }
    values = {field: getattr(campaign, field) for field in schemas.Campaign.model_fields if field not in own}
    return schemas.Campaign.model_validate({**values, **own})


def campaign_rows(
    session: Session, shop_id: ShopId, state: Collection[str], cursor: str | None, *, limit: int | None = None
) -> Page[schemas.CampaignFacts]:
    """A page of campaigns, newest first, at most `PAGE` of them without a ``limit``."""
    limit = limit or PAGE
    after = _read_cursor(cursor) if cursor else None
    found = repository.list_newest(session, shop_id, sorted(state), after, limit + 1)
    shown = found[:limit]
    # Before its audience is frozen nobody has got a campaign.
    frozen = [campaign.id for campaign in shown if campaign.frozen_at is not None]
    sent = repository.accepted_counts(session, shop_id, frozen) if frozen else {}
    used = sorted({campaign.segment_id for campaign in shown if campaign.segment_id})
    names = segments.names(session, shop_id, used) if used else {}
    items = [
        schemas.CampaignFacts.model_validate(
            {
                "internal_id": campaign.id,
                "id": campaign.public_id,
                "segment_name": names.get(campaign.segment_id) if campaign.segment_id else None,
                "sent": sent.get(campaign.id, 0),
                **{
                    field: getattr(campaign, field)
                    for field in (
                        "name", "state", "subject", "scheduled_at", "started_at", "finished_at", "audience_size",
                    )
                },
            }
        )
        for campaign in shown
    ]  # fmt: skip
    more = len(found) > limit
    return Page(items=items, next_cursor=encode_cursor(shown[-1].created_at, shown[-1].id) if more else None)


def delivery_report(session: Session, shop_id: ShopId, campaign_id: str) -> schemas.DeliveryReport:
    """What the ledger says: counts, who is left out and who waits and why, links."""
    campaign = get(session, shop_id, campaign_id)
    rows = repository.counts(session, shop_id, campaign) if campaign.frozen_at else []
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + row.people
    pending = counts.get("pending", 0) + counts.get("claimed", 0)
    rate = _rate(campaign, counts)
    return schemas.DeliveryReport(
        id=campaign.id,
        public_id=campaign.public_id,
        subject=campaign.subject,
        state=campaign.state,  # type: ignore[arg-type]  # a CHECK holds it to these values
        name=campaign.name,
        counts=schemas.DeliveryCounts(
            audience=sum(counts.values()),
            pending=pending,
            accepted=counts.get("accepted", 0),
            failed=counts.get("failed", 0),
            unknown=counts.get("unknown", 0),
            excluded=counts.get("excluded", 0),
        ),
        rate_per_s=rate,
        eta_s=round(pending / rate, 1) if rate and pending and campaign.state == "sending" else None,
        waiting=[
            schemas.Waiting(reason=reason, count=count, next_at=next_at)
            for reason, count, next_at in (
                repository.counts_waiting(session, shop_id, campaign) if campaign.frozen_at else []
            )
        ],
        exclusions=[
            schemas.Exclusion(reason=row.reason or "", count=row.people)
            for row in rows
            if row.state == "excluded"
        ],
        links=[
            schemas.LinkRow(number=row.number, url=row.url, personal=row.personal)
            for row in repository.list_links(session, shop_id, campaign.id)
        ],
        codes=leases.report(session, shop_id, campaign),
        frozen_at=campaign.frozen_at,
        started_at=campaign.started_at,
        finished_at=campaign.finished_at,
        pause_reason=campaign.pause_reason,
    )


def links_of(session: Session, shop_id: ShopId, campaign: Campaign) -> dict[int, str]:
    """Where the links of a frozen campaign lead, by number."""
    return {row.number: row.url for row in repository.list_links(session, shop_id, campaign.id)}


def recipient_rows(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    *,
    state: str | None = None,
    search: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[schemas.RecipientFacts]:
    """A page of a frozen audience, in the order in which it is sent, at most `PAGE` long without a ``limit``.

    ``search`` is the beginning of names or of an address; a whole address also finds who had it at the freeze.
    """
    limit = limit or PAGE
    if campaign.frozen_at is None:
        return Page(items=[])
    after_id = decode_id_cursor(cursor) or 0
    customer_ids = _found_by(session, shop_id, campaign, search) if search else None
    found = repository.list_recipients(session, shop_id, campaign, state, customer_ids, after_id, limit + 1)
    items = [_recipient(row) for row in found[:limit]]
    return Page(items=items, next_cursor=encode_cursor(found[limit - 1].id) if len(found) > limit else None)


def recipient(
    session: Session, shop_id: ShopId, campaign: Campaign, customer_id: str
) -> schemas.RecipientFacts:
    """One person of a frozen audience; raises CustomerUnknown for anybody else."""
    customer = customers.get(session, shop_id, customer_id)
    found = repository.find_recipient(session, shop_id, campaign, customer.id) if campaign.frozen_at else None
    if found is None:
        raise CustomerUnknown
    return _recipient(found)


def _found_by(session: Session, shop_id: ShopId, campaign: Campaign, search: str) -> list[int]:
    found = customers.find_ids(session, shop_id, search, FOUND_AT_MOST)
    if "@" in search and len(found) < FOUND_AT_MOST:
        written_to = repository.find_customers_written_to(
            session, shop_id, campaign, search.strip(), FOUND_AT_MOST
        )
        found = sorted({*found, *written_to})
    return found


def _recipient(row: MessageDelivery) -> schemas.RecipientFacts:
    until = row.lease_until if row.lease_until != HELD_UNTIL else None
    return schemas.RecipientFacts(
        delivery_id=row.id,
        customer_id=row.customer_id,
        email=row.email,
        state=row.state,
        reason=row.reason,
        attempts=row.attempts,
        frozen_at=row.frozen_at,
        until=until,
        accepted_at=row.accepted_at,
        message_id=row.message_id,
        code=row.smtp_code,
        reply=f"{row.smtp_code} {row.smtp_reply}" if row.smtp_code else row.smtp_reply,
        variant=row.variant,
        due_at=until if row.state == "pending" else None,
    )


def _rate(campaign: Campaign, counts: dict[str, int]) -> float | None:
    if campaign.frozen_at is None or not counts.get("accepted"):
        return None
    seconds = ((campaign.finished_at or utcnow()) - campaign.frozen_at).total_seconds()
    return round(counts["accepted"] / max(seconds, 0.001), 1)


def _lock(session: Session, shop_id: ShopId, campaign_id: str) -> Campaign:
    campaign = repository.lock(session, shop_id, campaign_id)
    if campaign is None:
        raise CampaignUnknown
    return campaign


def _touch(session: Session, campaign: Campaign) -> None:
    """Every change makes a new version, so that an editor who has the old one learns of it."""
    campaign.version += 1
    campaign.updated_at = utcnow()
    # Flushed so that what reads the row by SQL in this transaction sees the change.
    session.flush()
    marketing.announce(session, campaign)


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    at, internal_id = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(at), int(internal_id)
    except (TypeError, ValueError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None
