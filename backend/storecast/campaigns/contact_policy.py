"""One policy on when and how often a shop writes to a person. It puts messages off; it does not drop them.

A message that may not go out now stays in the ledger as pending, with the reason and the earliest instant at which it
may, and is looked at again then. What is still held back when the campaign's patience is over is excluded with
``policy_expired``. Transactional messages wait for nothing; a flow answers what somebody did and waits for their night
alone, but counts towards what a campaign may add; a campaign waits for everything.

A shop without a policy pays one look at its key; how often people want to be written to comes along with the claim, and
holds in every shop. One that counts (a cap, a limit an hour, a warm-up) has its claims
made one after another under the lock of its policy's row, so that no two workers give away the same place.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.campaigns import contact_policy_repository as repository
from storecast.campaigns import contact_policy_schemas as schemas
from storecast.campaigns import ledger_repository as deliveries
from storecast.campaigns.contact_policy_repository import Recent
from storecast.campaigns.ledger_repository import Claimed, Outcome
from storecast.campaigns.models import Campaign, ContactPolicy
from storecast.campaigns.places import QuietHours, at_wall, zone_named, zones_of
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.types import ShopId
from storecast.shops import service as shops

Season = Literal["quarter", "year"]

LONGEST_QUIET = timedelta(hours=16)
"""What is left of a day must be enough to send in, in every zone of a country."""

PATIENCE_DAYS = 7


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many marketing messages to one person in so many days."""

    messages: int
    days: int


OWN_CAPS = {"weekly": Cap(1, 7), "monthly": Cap(1, 30)}
"""What people may choose for themselves."""

SOON = timedelta(minutes=5)
"""A message of another campaign that is under way may fail yet: then its place is free."""


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Daily limits that grow: receivers trust a new sender by and by."""

    starts_on: date
    first_day: int
    growth_percent: int

    def limit_on(self, day: date) -> int | None:
        """Messages that may go out on the day; None once the plan has outgrown every shop."""
        days = max((day - self.starts_on).days, 0)
        limit = self.first_day * (1 + self.growth_percent / 100) ** min(days, 1_000)
        return round(limit) if limit < 100_000_000 else None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a shop has set; nothing by default."""

    home: ZoneInfo
    cap: Cap | None = None
    quiet: QuietHours | None = None
    holdout_percent: int = 0
    holdout_season: Season = "quarter"
    hourly_limit: int | None = None
    warm_up: WarmUp | None = None
    domain_hourly_limit: int | None = None
    """The same for what goes out from one sender domain."""

    @property
    def counts(self) -> bool:
        """Whether what is sent has to be counted."""
        return self.cap is not None or self.limits

    @property
    def limits(self) -> bool:
        """Whether so much may be sent and no more."""
        return any(each is not None for each in (self.hourly_limit, self.domain_hourly_limit, self.warm_up))

    def holdout_seed(self, shop_id: ShopId, now: datetime) -> int:
        """Draws the same people all season long, for every campaign of the shop; others next season."""
        day = now.astimezone(self.home).date()
        part = f"Q{(day.month + 2) // 3}" if self.holdout_season == "quarter" else ""
        digest = hashlib.sha256(f"holdout {shop_id} {day.year}{part}".encode()).digest()
        return int.from_bytes(digest[:8], signed=True)


# What a shop has set.


def of_shop(session: Session, shop_id: ShopId) -> Policy:
    """The shop's policy."""
    home = zone_named(shops.get(session, shop_id).timezone)
    row = repository.find(session, shop_id)
    return Policy(home) if row is None else _policy(row, home)


def _policy(row: ContactPolicy, home: ZoneInfo) -> Policy:
    cap = Cap(row.cap_messages, row.cap_days) if row.cap_messages and row.cap_days else None
    quiet = None
    if row.quiet_begins is not None and row.quiet_ends is not None:
        quiet = QuietHours(row.quiet_begins, row.quiet_ends)
    warm_up = None
    if row.warm_up_from is not None:
        warm_up = WarmUp(row.warm_up_from, row.warm_up_first or 1, row.warm_up_growth_percent or 0)
    season: Season = "year" if row.holdout_season == "year" else "quarter"
    return Policy(
        home,
        cap,
        quiet,
        row.holdout_percent,
        season,
        row.hourly_limit,
        warm_up,
        row.domain_hourly_limit,
    )


def shape(policy: Policy) -> schemas.ContactPolicy:
    """The policy as the API shows it."""
    cap, quiet, warm_up = policy.cap, policy.quiet, policy.warm_up
    return schemas.ContactPolicy(
        frequency_cap=schemas.FrequencyCap(messages=cap.messages, days=cap.days) if cap else None,
        quiet_hours=schemas.QuietHours(begins=_clock(quiet.begins), ends=_clock(quiet.ends))
        if quiet
        else None,
        holdout_percent=policy.holdout_percent,
        holdout_season=policy.holdout_season,
        hourly_limit=policy.hourly_limit,
        domain_hourly_limit=policy.domain_hourly_limit,
        warm_up=schemas.WarmUp(
            starts_on=warm_up.starts_on, first_day=warm_up.first_day, growth_percent=warm_up.growth_percent
        )
        if warm_up
        else None,
        timezone=policy.home.key,
    )


def _clock(wall: time) -> str:
    return wall.strftime("%H:%M")


def change(session: Session, shop_id: ShopId, given: schemas.ContactPolicyInput, *, actor: str) -> Policy:
    """Set the whole policy; campaigns that are being sent follow it within seconds."""
    quiet = None
    if given.quiet_hours is not None:
        quiet = QuietHours(
            time.fromisoformat(given.quiet_hours.begins), time.fromisoformat(given.quiet_hours.ends)
        )
        _refuse_endless(quiet)
    row = repository.lock(session, shop_id) or repository.add(session, shop_id)
    cap, warm_up = given.frequency_cap, given.warm_up
    row.cap_messages, row.cap_days = (cap.messages, cap.days) if cap else (None, None)
    row.quiet_begins, row.quiet_ends = quiet or (None, None)
    row.holdout_percent, row.holdout_season = given.holdout_percent, given.holdout_season
    row.hourly_limit, row.domain_hourly_limit = given.hourly_limit, given.domain_hourly_limit
    row.warm_up_from = warm_up.starts_on if warm_up else None
    row.warm_up_first = warm_up.first_day if warm_up else None
    row.warm_up_growth_percent = warm_up.growth_percent if warm_up else None
    session.flush()
    audit.record(
        session, shop_id, actor, "contact_policy_changed", "contact_policy", **given.model_dump(mode="json")
    )
    return of_shop(session, shop_id)


def _refuse_endless(quiet: QuietHours) -> None:
    day = date(2000, 1, 1)
    length = datetime.combine(day, quiet.ends) - datetime.combine(day, quiet.begins)
    if timedelta(0) < length % timedelta(days=1) <= LONGEST_QUIET:
        return
    fault = FieldError("/quiet_hours/ends", "Quiet hours last 16 hours at most.", "quiet_hours_too_long")
    raise Invalid("Quiet hours leave no time to send.", errors=[fault])


def note_patience(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> None:
    """Set until when messages of a frozen campaign may be put off: some days after the last one is due."""
    last_at = deliveries.last_due_at(session, shop_id, campaign) or now
    days = campaign.pacing.get("give_up_days", PATIENCE_DAYS)
    campaign.policy_until = max(last_at, now) + timedelta(days=int(str(days)))


# At the claim.


def admit(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    policy: Policy,
    take: Callable[[int], Sequence[Claimed]],
    put_off: Callable[[Sequence[Outcome]], object],
    slowed: Callable[[Sequence[Claimed]], Iterable[tuple[Claimed, datetime]]],
    *,
    limit: int,
    now: datetime,
) -> Sequence[Claimed] | None:
    """Claim up to ``limit`` rows and keep those that may go out now; None when there is nothing to claim.

    ``take`` claims so many rows, ``put_off`` gives claimed rows back with a reason and an instant, ``slowed`` says
    whose receivers have no room for them now, and when they are looked at again.
    """
    if campaign.priority == "transactional":
        return take(limit) or None
    domain = sender_domain(campaign)
    row = repository.lock(session, shop_id) if policy.counts else None
    if row is not None and policy.limits:
        limit = min(limit, _left(row, policy, domain, now))
    rows = take(limit) if limit > 0 else ()
    if not rows:
        return None
    held = {outcome.delivery_id: outcome for outcome in _held(session, shop_id, campaign, policy, rows, now)}
    for each, until in slowed([each for each in rows if each.id not in held] if held else rows):
        held[each.id] = _put_off(each.id, "receiver_slows_us", until, campaign.policy_until, now)
    if held:
        put_off([held[each] for each in sorted(held)])
    kept = [each for each in rows if each.id not in held]
    if row is not None and policy.limits:
        _use(row, policy, domain, now, len(kept))
        session.flush()
    return kept


def sender_domain(campaign: Campaign) -> str:
    """The domain that receivers judge the campaign by."""
    return campaign.from_email.rpartition("@")[2].lower()


def resting_until(
    session: Session, shop_id: ShopId, campaign: Campaign, policy: Policy, now: datetime
) -> datetime | None:
    """When the campaign may send again, None when it may now: the limit of its shop or its sender is used up."""
    if campaign.priority == "transactional" or not policy.limits:
        return None
    row = repository.find(session, shop_id)
    if row is None or _left(row, policy, sender_domain(campaign), now) > 0:
        return None
    day_is_over = _day_left(row, policy, now) <= 0
    tomorrow = now.astimezone(policy.home).date() + timedelta(days=1)
    return at_wall(tomorrow, time(), policy.home) if day_is_over else _hour(now) + timedelta(hours=1)


def _left(row: ContactPolicy, policy: Policy, domain: str, now: datetime) -> int:
    left = (_hour_left(row, policy, now), _domain_left(row, policy, domain, now), _day_left(row, policy, now))
    return max(min(left), 0)


def _hour_left(row: ContactPolicy, policy: Policy, now: datetime) -> int:
    if policy.hourly_limit is None:
        return _NO_LIMIT
    return policy.hourly_limit - (row.hour_used if row.hour_at == _hour(now) else 0)


def _domain_left(row: ContactPolicy, policy: Policy, domain: str, now: datetime) -> int:
    if policy.domain_hourly_limit is None:
        return _NO_LIMIT
    return policy.domain_hourly_limit - (_used_from(row, domain) if row.hour_at == _hour(now) else 0)


def _used_from(row: ContactPolicy, domain: str) -> int:
    return int(str(row.hour_used_by_domain.get(domain, 0)))


def _day_left(row: ContactPolicy, policy: Policy, now: datetime) -> int:
    today = now.astimezone(policy.home).date()
    limit = policy.warm_up.limit_on(today) if policy.warm_up else None
    return _NO_LIMIT if limit is None else limit - (row.day_used if row.day_on == today else 0)


def _use(row: ContactPolicy, policy: Policy, domain: str, now: datetime, count: int) -> None:
    hour, today = _hour(now), now.astimezone(policy.home).date()
    if row.hour_at != hour:
        row.hour_at, row.hour_used, row.hour_used_by_domain = hour, 0, {}
    row.hour_used += count
    row.hour_used_by_domain = {**row.hour_used_by_domain, domain: _used_from(row, domain) + count}
    row.day_used = count + (row.day_used if row.day_on == today else 0)
    row.day_on = today


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


_NO_LIMIT = 1 << 31


def _held(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    policy: Policy,
    rows: Sequence[Claimed],
    now: datetime,
) -> list[Outcome]:
    recent = _recent(session, shop_id, campaign, policy, rows, now) if campaign.priority == "campaign" else {}
    held = []
    for row in rows:
        own = OWN_CAPS.get(row.frequency or "") if campaign.priority == "campaign" else None
        reason = verdict(policy, row.country, row.province, recent.get(row.customer_id, ()), now, own=own)
        if reason is not None:
            held.append(_put_off(row.id, *reason, campaign.policy_until, now))
    return held


def _recent(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    policy: Policy,
    rows: Sequence[Claimed],
    now: datetime,
) -> Mapping[int, Sequence[Recent]]:
    """What those people got lately whom a cap protects, the shop's or their own."""
    choosy = [row for row in rows if row.frequency in OWN_CAPS]
    if choosy and policy.cap is None:
        # Two campaigns at once must not both find that nothing was sent: the second waits for the first one's claims.
        repository.lock_preferences(session, shop_id, [row.customer_id for row in choosy])
    asked = choosy if policy.cap is None else rows
    caps = [OWN_CAPS[row.frequency or ""] for row in choosy] + ([policy.cap] if policy.cap else [])
    if not asked:
        return {}
    return repository.recent_messages(
        session,
        shop_id,
        [row.customer_id for row in asked],
        since=now - timedelta(days=max(cap.days for cap in caps)),
        other_than=campaign.id,
    )


def _put_off(
    delivery_id: int, reason: str, until: datetime, patience_ends_at: datetime | None, now: datetime
) -> Outcome:
    if patience_ends_at is None:
        return Outcome(delivery_id, "pending", reason, until, None, None, None, False)
    if now >= patience_ends_at:
        return Outcome(delivery_id, "excluded", "policy_expired", None, None, None, None, False)
    return Outcome(delivery_id, "pending", reason, min(until, patience_ends_at), None, None, None, False)


def verdict(
    policy: Policy,
    country: str | None,
    province: str | None,
    recent: Sequence[Recent],
    now: datetime,
    *,
    own: Cap | None = None,
) -> tuple[str, datetime] | None:
    """Why a person must not be written to now, and when it is looked at again; None when they may be.

    ``recent`` is what they got in the days that the caps count, ``own`` the cap that they chose for themselves.
    """
    for reason, cap in (("own_frequency", own), ("frequency_cap", policy.cap)):
        if cap is not None and (free_at := _free_at(cap, recent, now)) is not None:
            return reason, free_at
    if policy.quiet is not None:
        over_at = policy.quiet.over_at(now, zones_of(country, province, policy.home))
        if over_at > now:
            return "quiet_hours", over_at
    return None


def _free_at(cap: Cap, recent: Sequence[Recent], now: datetime) -> datetime | None:
    since = now - timedelta(days=cap.days)
    counted = sorted(each for each in recent if each.under_way or each.at > since)
    if len(counted) < cap.messages:
        return None
    # So many have to leave the window that one fewer than the cap are in it.
    leaving = counted[len(counted) - cap.messages]
    free_at = leaving.at + timedelta(days=cap.days)
    return min(free_at, now + SOON) if any(each.under_way for each in counted) else free_at
