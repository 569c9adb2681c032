"""Rules of a campaign's life.

    draft → scheduled → sending → sent
              │  ↑        │ ↑
              └ draft     └ paused → cancelled

Every change of state locks the row. The ledger is written by the freeze alone; afterwards its rows change state, and
none is ever added or removed.
"""

from datetime import datetime, timedelta

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.campaigns import (
    claims_repository,
    contact_policy,
    content,
    leases,
    ledger_repository,
    locking,
    readiness,
    repository,
    variants,
)
from storecast.campaigns.audience import lacks_segment
from storecast.campaigns.errors import AudienceChanged, NotReady, StateRefused, TransactionalRefused
from storecast.campaigns.jobs import Dispatch, Finish, Freeze, SendBatch
from storecast.campaigns.models import Campaign
from storecast.campaigns.pacing import draw_at
from storecast.campaigns.planning import pacing_of, start_of
from storecast.customers import service as customers
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.types import ShopId
from storecast.segments import references
from storecast.shops import service as shops
from storecast.worker import outbox

log = structlog.get_logger(__name__)

references.provide_campaigns(repository)

WINDOW = 4
"""Senders at work for one campaign at once: fills the workers of a machine; between slices others get their turn."""

CHUNK = 1_000
"""Rows a sender claims at once, at most; `sending` claims fewer where the server is slow. Claim and record cost some
milliseconds a chunk, so a smaller one costs speed."""

WATCH_EVERY = timedelta(seconds=60)
"""How long a campaign may stand still when its senders died, before the next look at it."""

SETTLE_EVERY = timedelta(seconds=10)
"""How often it is looked, when nobody is left to write to, whether those are alive who hand over the last chunks."""

LATE = timedelta(hours=6)
"""A schedule missed by more than this (an outage, a restored backup) waits for a person: mail for the morning is not
sent at night."""

CONFIRMED_SHARE = 0.05

CONFIRMED_PEOPLE = 10
"""An audience may move so much between the dialogue and the click before it is asked again."""


def pick_winner(session: Session, shop_id: ShopId, campaign_id: str, number: int, *, actor: str) -> Campaign:
    """Give the rest of a test's audience a version."""
    campaign = locking.lock(session, shop_id, campaign_id)
    variants.pick(session, shop_id, campaign, number, actor=actor)
    locking.touch(session, campaign)
    return campaign


def send(
    session: Session,
    shop_id: ShopId,
    campaign_id: str,
    *,
    scheduled_at: datetime | None,
    confirm_recipients: int | None,
    may_bypass_consent: bool = False,
    actor: str,
) -> Campaign:
    """Let a draft go, now or at an instant to come. The audience is drawn when it starts, not now.

    ``may_bypass_consent``: whether this person answers for a transactional message. Whoever edits a draft may have
    changed it since it was declared one, so it is asked again of who lets it go.
    """
    campaign = locking.lock(session, shop_id, campaign_id)
    if campaign.state != "draft":
        raise StateRefused(state=campaign.state)
    if campaign.priority == "transactional" and not may_bypass_consent:
        raise TransactionalRefused
    now = utcnow()
    _refuse_schedule(campaign, scheduled_at, now)
    verdict = readiness.gate(session, shop_id, campaign, starts_at=scheduled_at)
    stops = [check.model_dump() for check in verdict.checks if check.level == "stop"]
    if stops:
        raise NotReady(checks=stops)
    if confirm_recipients is not None:
        _refuse_changed_audience(
            confirm_recipients, readiness.audience(session, shop_id, campaign).recipients
        )
    campaign.scheduled_at = scheduled_at
    if scheduled_at is None:
        campaign.state, campaign.started_at = "sending", now
    else:
        campaign.state = "scheduled"
    locking.touch(session, campaign)
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
    campaign = locking.lock(session, shop_id, campaign_id)
    if campaign.state != "sending":
        raise StateRefused(state=campaign.state)
    campaign.state, campaign.pause_reason = "paused", "by_hand"
    locking.touch(session, campaign)
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
    campaign = locking.lock(session, shop_id, campaign_id)
    if campaign.state != "paused":
        raise StateRefused(state=campaign.state)
    campaign.state, campaign.pause_reason = "sending", None
    campaign.started_at = campaign.started_at or utcnow()
    locking.touch(session, campaign)
    job = Freeze(campaign.id) if campaign.frozen_at is None else Dispatch(campaign.id)
    outbox.add(session, shop_id, job)
    audit.record(session, shop_id, actor, "campaign_resumed", campaign_id)
    return campaign


def cancel(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> Campaign:
    """Take a schedule back (the campaign is a draft again), or end a sending for good."""
    campaign = locking.lock(session, shop_id, campaign_id)
    if campaign.state == "scheduled":
        campaign.state, campaign.scheduled_at = "draft", None
    elif campaign.state in {"sending", "paused"}:
        campaign.state, campaign.finished_at = "cancelled", utcnow()
        if campaign.frozen_at is not None:
            ledger_repository.drop_pending(session, shop_id, campaign, "cancelled")
            leases.reclaim(session, shop_id, campaign)
            # Claims that are never reported on must not stay open for ever.
            outbox.add(session, shop_id, Dispatch(campaign.id), run_at=utcnow() + WATCH_EVERY)
    else:
        raise StateRefused(state=campaign.state)
    locking.touch(session, campaign)
    audit.record(session, shop_id, actor, "campaign_cancelled", campaign_id)
    return campaign


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
    people = readiness.chosen(session, shop_id, campaign)
    campaign.audience_size = ledger_repository.freeze(
        session, shop_id, campaign, people, start=start, split=split, now=now
    )
    variants.note_start(campaign, split, now)
    contact_policy.note_patience(session, shop_id, campaign, now)
    urls = {
        variant.first_link + at: url for variant in compiled.values() for at, url in enumerate(variant.urls)
    }
    personal = {number for variant in compiled.values() for number in variant.personal_urls}
    repository.store_links(session, shop_id, campaign.id, urls, personal)
    locking.touch(session, campaign)
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
    locking.touch(session, campaign)
    shop_id = ShopId(campaign.shop_id)
    audit.record(session, shop_id, "storecast", "campaign_paused", campaign.public_id, reason=reason)
    log.warning("campaign_paused", shop_id=shop_id, campaign_id=campaign.id, reason=reason.partition(":")[0])


def dispatch(session: Session, shop_id: ShopId, campaign_id: int) -> None:
    """Settle lost claims, fill the window, and see to it that somebody looks again."""
    campaign = repository.lock_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.frozen_at is None:
        return
    now = utcnow()
    lost = _settle_lost(session, shop_id, campaign, now)
    if lost:
        log.warning("claims_lost", shop_id=shop_id, campaign_id=campaign_id, count=lost)
    if campaign.state == "cancelled":
        # What was refused for now while the campaign was being cancelled came back as pending.
        ledger_repository.drop_pending(session, shop_id, campaign, "cancelled")
    if campaign.state == "sending":
        variants.look(session, shop_id, campaign, now)
    due_at = ledger_repository.next_due_at(session, shop_id, campaign)
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
    if contact_policy.resting_until(session, shop_id, campaign, policy, now) is None:
        _fill_window(session, shop_id, campaign, now)
    again_at = min(max(due_at, now + timedelta(seconds=1)), now + WATCH_EVERY)
    if due_at <= now:
        again_at = now + WATCH_EVERY
    elif claims_repository.next_lease_end(session, shop_id, campaign_id) is not None:
        again_at = min(again_at, now + SETTLE_EVERY)
    outbox.add(session, shop_id, Dispatch(campaign_id), run_at=again_at)


def _settle_lost(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> int:
    """Of claims whose lease ran out, and of those whose job has ended without a word."""
    holders = claims_repository.holders(session, shop_id, campaign.id)
    gone = holders - outbox.still_running(session, holders) if holders else set()
    lost = ledger_repository.settle_claims_of(session, shop_id, campaign, gone, now=now) if gone else 0
    return lost + ledger_repository.settle_lost(session, shop_id, campaign, now=now)


def _fill_window(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> None:
    ready = ledger_repository.count_ready(session, shop_id, campaign, now=now, limit=WINDOW * CHUNK)
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
    if ledger_repository.next_due_at(session, shop_id, campaign) is not None:
        outbox.add(session, shop_id, Dispatch(campaign_id))
        return False
    if campaign.state == "sending":
        campaign.state, campaign.finished_at = "sent", utcnow()
        leases.reclaim(session, shop_id, campaign)
        locking.touch(session, campaign)
        log.info("campaign_finished", shop_id=shop_id, campaign_id=campaign_id)
    return True


def note_sent(session: Session, shop_id: ShopId, campaign_id: int, after_id: int, limit: int) -> int | None:
    """Move the last-sent instants of some recipients forward; returns where to go on, None at the end."""
    campaign = repository.find_by_id(session, shop_id, campaign_id)
    if campaign is None:
        return None
    rows = ledger_repository.list_accepted(session, shop_id, campaign, after_id, limit)
    sent = {customer_id: at for _id, customer_id, at in rows if at is not None}
    customers.record_sent(session, shop_id, sent)
    return rows[-1].id if len(rows) == limit else None
