"""The send loop of one worker: claim a chunk, hand it to the channel, record what happened, again.

Marketing mail is sent at most once. A chunk is claimed in a commit of its own before its first message can leave, and
its rows are not pending for others again unless this worker itself knows that the message did not leave: the channel
never took it, or the server refused it. A worker that is killed leaves its claim; its rows become unknown, are shown
as such, and are not sent again. The one transaction between two chunks records the first and claims the second.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from storecast.campaigns import (
    claims_repository,
    contact_policy,
    leases,
    ledger_repository,
    personal,
    repository,
    service,
    variants,
)
from storecast.campaigns.contact_policy import Policy
from storecast.campaigns.jobs import Dispatch, SendBatch
from storecast.campaigns.ledger_repository import Claimed, Outcome
from storecast.campaigns.models import Campaign
from storecast.customers import selectables as customer_selectables
from storecast.kit.clock import utcnow
from storecast.kit.ids import uuid7
from storecast.kit.types import ShopId
from storecast.messaging import returned
from storecast.messaging.channels.protocol import Channel, ChannelUnavailable, Verdict
from storecast.messaging.channels.protocol import Outcome as Sent
from storecast.messaging.compose import NoAddress, Prepared, Variant, date_line
from storecast.messaging.context import Recipient
from storecast.messaging.receivers import Receivers, receiver_of
from storecast.messaging.returned import Reply
from storecast.worker import outbox

log = structlog.get_logger(__name__)

UnitOfWork = Callable[[], AbstractContextManager[Session]]

SLICE_S = 10.0
"""How long one job sends before it lets others have the worker."""

CHUNK_S = 0.25
"""A chunk is what was sent in so long: a killed worker makes no more doubtful, and a pause waits for no more."""

SMALLEST_CHUNK = 50
FIRST_CHUNK = 200

LEASE = timedelta(seconds=180)
"""Longer than a chunk takes with the slowest server that is worth waiting for."""

RENDERED_AT_ONCE = 32
"""Messages made ahead of the channel's asking: made one by one, between two system calls, each takes twice as long."""

MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=15)
MAX_RETRY = timedelta(minutes=30)
MAX_RETRY_AFTER_S = 3_600.0
"""A server that asks for a longer rest is asked again after this."""

RECORD_WITHIN_S = 90.0
"""A database may be away for so long before what a worker knows of its chunk is lost: less than the chunk's lease."""

DATABASE_AWAY_S = 0.5

MAX_OUTAGES = 6
FIRST_OUTAGE_WAIT = timedelta(seconds=5)
"""Doubled each time: a server that stays away for about five minutes pauses the campaign."""

JUDGED_FROM = 50
"""Fewer outcomes than this in a chunk say nothing about a rate."""

MAX_REFUSED_SHARE = 0.25
MAX_BOUNCED_SHARE = 0.10
"""Receivers block senders at a few percent of unknown addresses; one bad chunk is enough to stop and look."""


_ACCEPTED = Verdict.ACCEPTED
"""Asked of each message: an enumeration's member takes longer to find than to compare."""

_FACTS = len(Recipient._fields) - 1
"""A claimed row begins with the fields of a recipient; what was looked up for this person alone comes behind them."""


@dataclass(slots=True)
class Chunk:
    """Claimed rows and what is known of them so far."""

    rows: Sequence[Claimed]
    claim_id: UUID
    unsent: dict[int, Claimed] = field(default_factory=dict)
    decided: list[Outcome] = field(default_factory=list)
    message_ids: dict[int, str] = field(default_factory=dict)
    own: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """By customer id, what their message shows of them beyond their profile."""
    refused: Sequence[Sent] = ()
    """What the channel said of the messages that no server took."""
    seconds: float = 0.001
    """How long the hand-over took."""
    without_code: frozenset[int] = frozenset()
    """Rows that have to wait, because the campaign's discount codes have run out."""


def send_slice(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    job: SendBatch,
    *,
    job_id: UUID,
    attempt: int,
    channel: Channel,
    progress: Callable[[int, int, str], None],
    receivers: Receivers | None = None,
) -> None:
    """Send for `SLICE_S` seconds; stages the job that goes on, or the one that sees what is left.

    Without ``receivers`` nothing is learnt of those who ask for a slower pace.
    """
    sender = _Sender(shop_id, job.campaign_id, job_id, receivers)
    if attempt > 1:
        # Whatever an earlier attempt of this job claimed and never recorded is in doubt from now on.
        with unit_of_work() as session:
            sender.settle_earlier_attempt(session)
    try:
        channel.connect()
    except ChannelUnavailable as error:
        with unit_of_work() as session:
            _wait_for_server(session, shop_id, job, str(error))
        return
    deadline = time.monotonic() + SLICE_S
    with unit_of_work() as session:
        chunk = sender.claim(session, sender.find(session))
    done = 0
    while chunk is not None:
        outcomes = sender.hand_over(chunk, channel)
        sender.learn(chunk, outcomes)
        done += len(chunk.rows)
        goes_on = sender.outage is None and time.monotonic() < deadline
        chunk = sender.turn(unit_of_work, chunk, outcomes, goes_on=goes_on)
        progress(done, sender.audience_size, "messages")
    with unit_of_work() as session:
        if sender.outage is not None:
            _wait_for_server(session, shop_id, job, sender.outage)
        else:
            sender.hand_on(session, job)


class _Sender:
    """One worker's view of one campaign during a slice."""

    def __init__(
        self, shop_id: ShopId, campaign_id: int, claimed_by: UUID, receivers: Receivers | None = None
    ) -> None:
        self._shop_id = shop_id
        self._campaign_id = campaign_id
        self._claimed_by = claimed_by
        self._variants: Mapping[int, Variant] = {}
        self._policy: Policy | None = None
        self._claiming: Select[Any] | None = None
        self._chunk = FIRST_CHUNK
        self._receivers = receivers
        self._paced: Collection[str] = ()
        self._domain = ""
        self.audience_size = 0
        self.outage: str | None = None
        """What the server said when it went away during the slice."""

    def find(self, session: Session) -> Campaign | None:
        """The campaign as it is now."""
        return repository.find_to_send(session, self._shop_id, self._campaign_id)

    def turn(
        self, unit_of_work: UnitOfWork, chunk: Chunk, sent: Sequence[Sent], *, goes_on: bool
    ) -> Chunk | None:
        """Record a chunk and claim the next one, in one transaction.

        What became of the chunk is known here alone, so a database that is away is waited for. When it committed and
        could not say so, the rows that it gave out stay claimed: better one chunk in doubt than anybody written twice.
        """
        deadline = time.monotonic() + RECORD_WITHIN_S
        while True:
            try:
                with unit_of_work() as session:
                    campaign = self.find(session)
                    self.record(session, campaign, chunk, sent)
                    return self.claim(session, campaign) if goes_on else None
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() > deadline:
                    raise
                log.warning("record_delayed", shop_id=self._shop_id, error=type(error.orig).__name__)
                time.sleep(DATABASE_AWAY_S)

    def settle_earlier_attempt(self, session: Session) -> None:
        campaign = self.find(session)
        if campaign is None or campaign.frozen_at is None:
            return
        lost = ledger_repository.settle_claims_of(
            session, self._shop_id, campaign, [self._claimed_by], now=utcnow()
        )
        if lost:
            log.warning("claims_lost", shop_id=self._shop_id, campaign_id=self._campaign_id, count=lost)

    def claim(self, session: Session, campaign: Campaign | None) -> Chunk | None:
        """The next chunk; None when the campaign is not sending or nothing is ready."""
        if campaign is None or not self._may_send(session, campaign):
            return None
        if self._policy is None or self._claiming is None:
            self._variants = variants.compiled(session, self._shop_id, campaign)
            self._policy = contact_policy.of_shop(session, self._shop_id)
            people = customer_selectables.audience(self._shop_id)
            self._claiming = ledger_repository.claiming(self._shop_id, campaign, people)
            self.audience_size = campaign.audience_size or 0
            self._domain = contact_policy.sender_domain(campaign)
            self._look_at_receivers()
        claiming, now = self._claiming, utcnow()
        rows = contact_policy.admit(
            session,
            self._shop_id,
            campaign,
            self._policy,
            lambda limit: ledger_repository.claim(session, campaign, claiming, limit=limit, now=now),
            lambda held: ledger_repository.put_off(session, self._shop_id, campaign, held, now=now),
            lambda rows: self._slowed(rows, now),
            limit=min(self._chunk, service.CHUNK),
            now=now,
        )
        if rows is None:
            return None
        claim_id = self._hold(session, rows, now)
        own = self._look_up(session, campaign, rows, now)
        leased = leases.add_codes(
            session, self._shop_id, campaign, rows, own, pattern=self._variants[0].discount_url, now=now
        )
        return Chunk(rows, claim_id, own=leased.own, without_code=leased.without)

    def _slowed(self, rows: Sequence[Claimed], now: datetime) -> Iterator[tuple[Claimed, datetime]]:
        """The rows for which their receivers have no room now, each with the instant of a later turn."""
        if not self._receivers or not self._paced:
            return
        waiting: dict[str, list[Claimed]] = defaultdict(list)
        for row in rows:
            receiver = receiver_of(row.email or "")
            if receiver in self._paced and row.reason is None:
                waiting[receiver].append(row)
        for receiver, theirs in waiting.items():
            room = self._receivers.take(self._shop_id, self._domain, receiver, len(theirs))
            if room is None:
                continue
            for turn, row in enumerate(theirs[room.granted :]):
                yield row, now + room.turn(turn)

    def _hold(self, session: Session, rows: Sequence[Claimed], now: datetime) -> UUID:
        claim_id = uuid7()
        if rows:
            claims_repository.add(
                session,
                self._shop_id,
                self._campaign_id,
                [row.id for row in rows],
                claim_id=claim_id,
                claimed_by=self._claimed_by,
                lease_until=now + LEASE,
            )
        return claim_id

    def _look_up(
        self, session: Session, campaign: Campaign, rows: Sequence[Claimed], now: datetime
    ) -> Mapping[int, Mapping[str, Any]]:
        wanted = {path for variant in self._variants.values() for path in variant.personal}
        if not wanted or not rows:
            return {}
        return personal.look_up(
            session,
            self._shop_id,
            [row.customer_id for row in rows],
            wanted,
            lists=campaign.product_lists or {},
            url=self._variants[0].shop_url,
            now=now,
        )

    def hand_over(self, chunk: Chunk, channel: Channel) -> list[Sent]:
        """Let the channel take the chunk's messages; outside of any transaction."""
        chunk.unsent = {row.id: row for row in chunk.rows}
        started = time.monotonic()
        try:
            sent = list(channel.send(self._prepared(chunk)))
        except ChannelUnavailable as error:
            # Nothing was taken: the rows go back as they were.
            self.outage = str(error)
            return []
        if not chunk.rows:
            return sent
        chunk.seconds = max(time.monotonic() - started, 0.001)
        chunk.refused = [each for each in sent if each.verdict is not _ACCEPTED]
        self._chunk = max(SMALLEST_CHUNK, round(len(sent) / chunk.seconds * CHUNK_S))
        return sent

    def learn(self, chunk: Chunk, sent: Sequence[Sent]) -> None:
        """Tell of the receivers that refuse for now, and of those that did and take again; see who is paced then."""
        slow = {each.delivery_id for each in chunk.refused if _asks_for_rest(each)}
        if self._receivers is not None and (slow or self._paced):
            receiver = {row.id: receiver_of(row.email or "") for row in chunk.rows}
            refusals = Counter(receiver[each] for each in slow)
            about = {*self._paced, *refusals}
            taken = (receiver[each.delivery_id] for each in sent if each.verdict is _ACCEPTED)
            self._receivers.note(
                self._shop_id,
                self._domain,
                (each for each in taken if each in about),
                refusals,
                seconds=chunk.seconds,
            )
        self._look_at_receivers()

    def _look_at_receivers(self) -> None:
        if self._receivers is not None:
            self._paced = self._receivers.paced(self._shop_id, self._domain)

    def _prepared(self, chunk: Chunk) -> Iterator[Prepared]:
        for messages in self._rendered(chunk):
            for message in messages:
                # From here on the channel has it.
                del chunk.unsent[message.delivery_id]
                chunk.message_ids[message.delivery_id] = message.message_id
                yield message

    def _rendered(self, chunk: Chunk) -> Iterator[list[Prepared]]:
        """The chunk's messages, some at a time; what cannot be one is decided."""
        date = date_line(utcnow())
        for start in range(0, len(chunk.rows), RENDERED_AT_ONCE):
            messages: list[Prepared] = []
            for row in chunk.rows[start : start + RENDERED_AT_ONCE]:
                if row.id in chunk.without_code:
                    continue
                final = self._render(row, chunk.own.get(row.customer_id), date, messages)
                if final is not None:
                    del chunk.unsent[row.id]
                    chunk.decided.append(final)
            yield messages

    def _render(
        self, row: Claimed, own: Mapping[str, Any] | None, date: bytes, messages: list[Prepared]
    ) -> Outcome | None:
        """Add the row's message; or say what becomes of a row that gets none."""
        if row.reason is not None:
            return _final(row.id, "excluded", row.reason)
        try:
            variant = self._variants[row.variant]
            messages.append(variant.prepare(Recipient._make((*row[:_FACTS], own)), date=date))
        except NoAddress:
            return _final(row.id, "excluded", "invalid_email")
        except Exception as error:  # noqa: BLE001  # a template may raise anything on one person's values
            return _final(row.id, "failed", "render_failed", type(error).__name__)
        return None

    def record(self, session: Session, campaign: Campaign | None, chunk: Chunk, sent: Sequence[Sent]) -> None:
        """Write what became of the chunk, and stop the campaign when that was bad."""
        if campaign is None:
            return
        now = utcnow()
        accepted, others = _outcomes(chunk, sent, now)
        held = ledger_repository.record(
            session,
            self._shop_id,
            campaign,
            accepted,
            others,
            claim_id=chunk.claim_id,
            claimed_by=self._claimed_by,
            now=now,
        )
        if held < len(chunk.rows):
            log.warning("claims_not_held", shop_id=self._shop_id, count=len(chunk.rows) - held)
        leases.reclaim(session, self._shop_id, campaign, [each.delivery_id for each in chunk.decided])
        if chunk.refused:
            self._take_replies(session, chunk, now)
        reason = leases.EXHAUSTED if chunk.without_code else harm(chunk.refused, len(sent))
        if reason is not None:
            service.pause_by_itself(session, self._shop_id, self._campaign_id, reason)

    def _take_replies(self, session: Session, chunk: Chunk, now: datetime) -> None:
        rows = {row.id: row for row in chunk.rows}
        final = [
            Reply(each.delivery_id, row.customer_id, row.email, each.code, each.reply, each.refused_address)
            for each, row in ((each, rows[each.delivery_id]) for each in chunk.refused)
            if _is_final_refusal(row, each)
        ]
        if final:
            returned.take_replies(session, self._shop_id, self._campaign_id, final, now=now)

    def hand_on(self, session: Session, job: SendBatch) -> None:
        """Stage what comes after this slice."""
        campaign = self.find(session)
        if campaign is None or not self._may_send(session, campaign):
            return
        now = utcnow()
        rests_until = None
        if self._policy is not None:
            rests_until = contact_policy.resting_until(session, self._shop_id, campaign, self._policy, now)
        if rests_until is not None:
            outbox.add(session, self._shop_id, Dispatch(self._campaign_id), run_at=rests_until)
        elif ledger_repository.count_ready(session, self._shop_id, campaign, now=now, limit=1):
            outbox.add(session, self._shop_id, SendBatch(self._campaign_id, job.slot))
        else:
            outbox.add(session, self._shop_id, Dispatch(self._campaign_id))

    def _may_send(self, session: Session, campaign: Campaign) -> bool:
        if campaign.frozen_at is None or campaign.state != "sending":
            return False
        return service.may_send(session, self._shop_id)


def _asks_for_rest(sent: Sent) -> bool:
    return sent.verdict is Verdict.TEMPORARY and 400 <= sent.code < 500


def _wait_for_server(session: Session, shop_id: ShopId, job: SendBatch, why: str) -> None:
    outages = job.outages + 1
    log.warning("channel_unavailable", shop_id=shop_id, campaign_id=job.campaign_id, outages=outages)
    if outages >= MAX_OUTAGES:
        service.pause_by_itself(session, shop_id, job.campaign_id, f"server_unreachable: {why}")
        return
    wait = FIRST_OUTAGE_WAIT * 2**job.outages
    outbox.add(session, shop_id, SendBatch(job.campaign_id, job.slot, outages), run_at=utcnow() + wait)


def harm(refused: Sequence[Sent], count: int) -> str | None:
    """Why what was refused, of so many messages of a chunk, should stop a campaign; None when it is fine."""
    if count < JUDGED_FROM:
        return None
    bounced = sum(each.refused_address for each in refused)
    for_good = [each for each in refused if each.verdict is Verdict.PERMANENT and not each.refused_address]
    if bounced > MAX_BOUNCED_SHARE * count:
        return f"bounce_rate: {bounced} of {count} addresses do not exist"
    if len(for_good) > MAX_REFUSED_SHARE * count:
        last = for_good[-1]
        return (
            f"error_rate: {len(for_good)} of {count} messages refused; last reply: {last.code} {last.reply}"
        )
    return None


def retry_wait(attempts: int) -> timedelta:
    """How long a row waits after so many attempts."""
    doublings: int = 2 ** min(max(attempts, 1) - 1, 16)
    return min(FIRST_RETRY * doublings, MAX_RETRY)


def _is_final_refusal(row: Claimed, sent: Sent) -> bool:
    given_up = sent.verdict is Verdict.TEMPORARY and row.attempts >= MAX_ATTEMPTS
    return sent.verdict is Verdict.PERMANENT or given_up


def _outcomes(
    chunk: Chunk, sent: Sequence[Sent], now: datetime
) -> tuple[list[ledger_repository.Accepted], list[Outcome]]:
    """What became of every row of a chunk: those that a server took, and all the others."""
    ids = chunk.message_ids
    accepted: list[ledger_repository.Accepted] = [
        {"d": each.delivery_id, "c": each.code or None, "r": each.reply, "m": ids[each.delivery_id]}
        for each in sent
        if each.verdict is _ACCEPTED
    ]
    others = [*chunk.decided, *(_returned(row, now) for row in chunk.unsent.values())]
    if len(accepted) < len(ids):
        rows = {row.id: row for row in chunk.rows}
        others += [
            _outcome(rows[each.delivery_id], each, ids[each.delivery_id], now) for each in chunk.refused
        ]
        # What a channel took and says nothing of may have left.
        silent = ids.keys() - {each.delivery_id for each in sent}
        others += [_in_doubt(delivery_id, 0, "", ids[delivery_id]) for delivery_id in sorted(silent)]
    return accepted, others


def _outcome(row: Claimed, sent: Sent, message_id: str, now: datetime) -> Outcome:
    code = sent.code or None
    if sent.verdict is Verdict.UNKNOWN:
        return _in_doubt(row.id, sent.code, sent.reply, message_id)
    if sent.verdict is Verdict.PERMANENT:
        reason = "hard_bounce" if sent.refused_address else "refused"
        return Outcome(row.id, "failed", reason, None, code, sent.reply, message_id, True)
    if row.attempts >= MAX_ATTEMPTS:
        return Outcome(row.id, "failed", "retries_exhausted", None, code, sent.reply, message_id, True)
    wait = max(retry_wait(row.attempts), timedelta(seconds=min(sent.retry_after_s, MAX_RETRY_AFTER_S)))
    return Outcome(row.id, "pending", None, now + wait, code, sent.reply, message_id, True)


def _in_doubt(delivery_id: int, code: int, reply: str, message_id: str) -> Outcome:
    return Outcome(delivery_id, "unknown", "connection_lost", None, code or None, reply, message_id, True)


def _final(delivery_id: int, state: str, reason: str, reply: str | None = None) -> Outcome:
    return Outcome(delivery_id, state, reason, None, None, reply, None, True)


def _returned(row: Claimed, now: datetime) -> Outcome:
    """A row whose message the channel never took."""
    return Outcome(row.id, "pending", None, now + FIRST_OUTAGE_WAIT, None, None, None, False)
