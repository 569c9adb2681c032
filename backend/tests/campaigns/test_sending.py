"""The send loop: every recipient once, whatever happens to workers and servers."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from storecast.campaigns import claims_repository, content, ledger_repository, reading, sending, service
from storecast.campaigns.jobs import Dispatch, Finish, SendBatch
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.customers import service as customers
from storecast.customers.models import Customer, CustomerFacts
from storecast.events.deliveries import DeliveryFact, DeliveryRef, find_facts
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import service as messaging
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.channels.protocol import Outcome, Verdict
from storecast.messaging.compose import Prepared
from storecast.worker import outbox
from storecast.worker.models import OutboxJob
from tests.campaigns.conftest import AddCustomers, UnitOfWork

Ledger = Callable[[], list[MessageDelivery]]


def send(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: int,
    channel: CaptureChannel,
    *,
    job_id: UUID | None = None,
    attempt: int = 1,
    outages: int = 0,
) -> None:
    sending.send_slice(
        uow,
        shop_id,
        SendBatch(campaign_id, 0, outages),
        job_id=job_id or uuid4(),
        attempt=attempt,
        channel=channel,
        progress=lambda _done, _total, _note: None,
    )


def states(ledger: Ledger) -> list[str]:
    return [row.state for row in ledger()]


def addresses(channel: CaptureChannel) -> list[str]:
    return sorted(message.rcpt_to for message in channel.messages)


EVERYBODY = sorted(f"c{n}@example.com" for n in range(1, 13))


def test_everybody_gets_one_message_and_the_campaign_ends(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, channel: CaptureChannel, ledger: Ledger
) -> None:
    send(uow, shop_id, frozen.id, channel)
    assert addresses(channel) == EVERYBODY
    rows = ledger()
    assert {(row.state, row.smtp_code, row.attempts, row.lease_until) for row in rows} == {
        ("accepted", 250, 1, None)
    }
    assert all(row.accepted_at is not None and row.message_id for row in rows)
    with uow() as session:
        service.dispatch(session, shop_id, frozen.id)
        assert outbox.pending(session, Finish) == [Finish(frozen.id)]
        assert service.finish(session, shop_id, frozen.id) is True
        assert service.note_sent(session, shop_id, frozen.id, 0, 100) is None
    with uow() as session:
        campaign = reading.get(session, shop_id, frozen.public_id)
        assert (campaign.state, campaign.finished_at is not None) == ("sent", True)
        assert session.query(CustomerFacts).filter(CustomerFacts.last_sent_at.is_not(None)).count() == 12
        report = reading.delivery_report(session, shop_id, frozen.public_id)
        assert report.counts.model_dump() == {
            "audience": 12, "pending": 0, "accepted": 12, "failed": 0, "unknown": 0, "excluded": 0,
        }  # fmt: skip
        (row,) = reading.campaign_rows(session, shop_id, ["sent"], None).items
        assert (row.id, row.sent, row.segment_name) == (frozen.public_id, 12, "Everybody")


def test_two_workers_that_race_send_nobody_twice(
    uow: UnitOfWork,
    shop_id: ShopId,
    frozen: Campaign,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "CHUNK", 2)
    channels = [CaptureChannel(), CaptureChannel(), CaptureChannel()]
    start = threading.Barrier(len(channels))

    def work(channel: CaptureChannel) -> None:
        start.wait(10)
        send(uow, shop_id, frozen.id, channel)

    threads = [threading.Thread(target=work, args=(channel,)) for channel in channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(message.rcpt_to for channel in channels for message in channel.messages) == EVERYBODY
    assert set(states(ledger)) == {"accepted"}


def test_two_transactions_claim_different_rows(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    from storecast.customers import selectables

    def claim(limit: int, *, taken: threading.Event | None = None, go_on: threading.Event) -> set[int]:
        now = utcnow()
        claiming = ledger_repository.claiming(shop_id, frozen, selectables.audience(shop_id))
        with uow() as session:
            rows = ledger_repository.claim(session, frozen, claiming, limit=limit, now=now)
            claims_repository.add(
                session, shop_id, frozen.id, [row.id for row in rows],
                claim_id=uuid4(), claimed_by=uuid4(), lease_until=now + sending.LEASE,
            )  # fmt: skip
            if taken is not None:
                taken.set()
            assert go_on.wait(10)
        return {row.id for row in rows}

    taken, go_on = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(claim, 5, taken=taken, go_on=go_on)
        assert taken.wait(10)
        other = threads.submit(claim, 100, go_on=go_on)
        # The second waits for the first one's commit, and sees then what is left.
        go_on.set()
        first, second = one.result(10), other.result(10)
    assert (len(first), len(second)) == (5, 7)
    assert first.isdisjoint(second)
    assert states(ledger) == ["claimed"] * 12


def test_a_cancelled_campaign_leaves_alone_what_is_being_handed_over(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 5)

    class Cancelling(CaptureChannel):
        def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
            with uow() as session:
                service.cancel(session, shop_id, frozen.public_id, actor="user:7")
            yield from super().send(messages)

    channel = Cancelling()
    send(uow, shop_id, frozen.id, channel)
    assert states(ledger) == ["accepted"] * 5 + ["excluded"] * 7
    assert len(channel.messages) == 5


def test_what_a_channel_says_nothing_of_is_in_doubt(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    class Silent(CaptureChannel):
        def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
            yield from list(super().send(messages))[1:]

    send(uow, shop_id, frozen.id, Silent())
    assert states(ledger) == ["unknown"] + ["accepted"] * 11


class Killed(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


class DyingChannel(CaptureChannel):
    """Takes some messages and then the worker is gone."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._after = after

    def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
        for number, outcome in enumerate(super().send(messages)):
            if number == self._after:
                raise Killed
            yield outcome


def test_a_worker_killed_between_claim_and_record_doubles_nobody(
    uow: UnitOfWork,
    shop_id: ShopId,
    frozen: Campaign,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "CHUNK", 5)
    dying, job_id = DyingChannel(after=3), uuid4()
    with pytest.raises(Killed):
        send(uow, shop_id, frozen.id, dying, job_id=job_id)
    assert states(ledger) == ["claimed"] * 5 + ["pending"] * 7

    healthy = CaptureChannel()
    send(uow, shop_id, frozen.id, healthy)
    assert states(ledger) == ["claimed"] * 5 + ["accepted"] * 7
    with uow() as session:
        # The claims are somebody's until the lease ends: the campaign is not finished.
        assert service.finish(session, shop_id, frozen.id) is False

    send(uow, shop_id, frozen.id, healthy, job_id=job_id, attempt=2)
    assert states(ledger) == ["unknown"] * 5 + ["accepted"] * 7
    assert {row.reason for row in ledger() if row.state == "unknown"} == {"worker_lost"}
    got = addresses(dying) + addresses(healthy)
    assert len(got) == len(set(got))
    with uow() as session:
        assert service.finish(session, shop_id, frozen.id) is True


def test_claims_of_a_worker_that_is_gone_keep_nobody_else_from_going_on(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "CHUNK", 2)
    with pytest.raises(Killed):
        send(uow, shop_id, frozen.id, DyingChannel(after=0))
    assert states(ledger) == ["claimed"] * 2 + ["pending"] * 10
    with uow() as session:
        service.dispatch(session, shop_id, frozen.id)
        assert sorted(job.slot for job in outbox.pending(session, SendBatch)) == [0, 1, 2, 3]


@pytest.mark.parametrize("committed", [False, True])
def test_what_a_worker_knows_waits_for_a_database_that_is_away(
    uow: UnitOfWork,
    shop_id: ShopId,
    frozen: Campaign,
    channel: CaptureChannel,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    committed: bool,
) -> None:
    monkeypatch.setattr(sending, "DATABASE_AWAY_S", 0.01)
    monkeypatch.setattr(service, "CHUNK", 8)
    turns = 0

    @contextmanager
    def restarting() -> Iterator[Session]:
        """The transaction that records the first chunk ends with a lost connection, before or behind its commit."""
        nonlocal turns
        turns += 1
        lost = OperationalError("COMMIT", {}, Exception("the connection is closed"))
        with uow() as session:
            yield session
            if turns == 2 and not committed:
                raise lost
        if turns == 2:
            raise lost

    send(restarting, shop_id, frozen.id, channel)
    # Behind a commit that nobody heard of, the next rows are claimed for good: they may not be sent by anybody now.
    doubtful = 4 if committed else 0
    assert states(ledger) == ["accepted"] * (12 - doubtful) + ["claimed"] * doubtful
    assert len(channel.messages) == len(set(addresses(channel))) == 12 - doubtful


@pytest.mark.parametrize("noticed", [False, True])
def test_a_lost_claim_is_settled_by_dispatch(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger, noticed: bool
) -> None:
    """At once when the job is known to have ended, and when its lease ends where nobody noticed."""
    with uow() as session:
        job_id = outbox.add(session, shop_id, SendBatch(frozen.id, slot=9))
        assert job_id is not None
        session.execute(update(OutboxJob).where(OutboxJob.id == job_id).values(state="running"))
    with pytest.raises(Killed):
        send(uow, shop_id, frozen.id, DyingChannel(after=0), job_id=job_id)
    with uow() as session:
        service.dispatch(session, shop_id, frozen.id)
    assert states(ledger) == ["claimed"] * 12
    later = timedelta(0) if noticed else sending.LEASE + timedelta(seconds=1)
    with time_machine.travel(utcnow() + later), uow() as session:
        if noticed:
            session.execute(delete(OutboxJob).where(OutboxJob.id == job_id))
        service.dispatch(session, shop_id, frozen.id)
        assert outbox.pending(session, Finish) == [Finish(frozen.id)]
    assert {(row.state, row.reason, row.attempts) for row in ledger()} == {("unknown", "worker_lost", 1)}


def test_a_slow_worker_still_says_what_became_of_its_rows(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    class Slow(CaptureChannel):
        def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
            yield from super().send(messages)
            with time_machine.travel(utcnow() + sending.LEASE + timedelta(seconds=1)), uow() as session:
                service.dispatch(session, shop_id, frozen.id)
            assert states(ledger) == ["unknown"] * 12

    send(uow, shop_id, frozen.id, Slow())
    assert states(ledger) == ["accepted"] * 12


def test_a_record_of_rows_that_somebody_else_holds_changes_nothing(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    with pytest.raises(Killed):
        send(uow, shop_id, frozen.id, DyingChannel(after=0))
    stolen = [{"d": row.id, "c": 250, "r": "stolen", "m": "x"} for row in ledger()]
    with uow() as session:
        held = ledger_repository.record(
            session, shop_id, frozen, stolen, [], claim_id=uuid4(), claimed_by=uuid4(), now=utcnow()
        )
    assert held == 0
    assert states(ledger) == ["claimed"] * 12


def refusing(answers: dict[int, Outcome]) -> CaptureChannel:
    """Answers for recipients by their number; c1 is 1."""

    def refuse(message: Prepared) -> Outcome | None:
        number = int(message.rcpt_to.partition("@")[0].removeprefix("c"))
        answer = answers.get(number)
        return answer._replace(delivery_id=message.delivery_id) if answer else None

    return CaptureChannel(refuse=refuse)


def test_each_answer_of_a_server_has_its_consequence(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    channel = refusing(
        {
            1: Outcome(0, Verdict.TEMPORARY, 451, "4.3.0 later"),
            2: Outcome(0, Verdict.PERMANENT, 550, "5.7.1 policy"),
            3: Outcome(0, Verdict.PERMANENT, 550, "5.1.1 nobody", refused_address=True),
            4: Outcome(0, Verdict.UNKNOWN, 0, "connection lost"),
        }
    )
    before = utcnow()
    send(uow, shop_id, frozen.id, channel)
    rows = ledger()
    seen = [(row.state, row.reason, row.smtp_code, row.smtp_reply) for row in rows[:5]]
    assert seen == [
        ("pending", None, 451, "4.3.0 later"),
        ("failed", "refused", 550, "5.7.1 policy"),
        ("failed", "hard_bounce", 550, "5.1.1 nobody"),
        ("unknown", "connection_lost", None, "connection lost"),
        ("accepted", None, 250, "2.0.0 kept"),
    ]
    assert rows[0].lease_until is not None
    assert rows[0].lease_until >= before + sending.FIRST_RETRY
    with uow() as session:
        assert messaging.find_suppression(session, shop_id, "c3@example.com") == "hard_bounce"
        assert messaging.find_suppression(session, shop_id, "c2@example.com") is None
        service.dispatch(session, shop_id, frozen.id)
        assert outbox.pending(session, Finish) == []

    # Only the one that was refused for now is tried again, when its time has come.
    again = CaptureChannel()
    send(uow, shop_id, frozen.id, again)
    assert again.messages == []
    with time_machine.travel(utcnow() + sending.FIRST_RETRY + timedelta(seconds=1)):
        send(uow, shop_id, frozen.id, again)
    assert addresses(again) == ["c1@example.com"]
    assert ledger()[0].attempts == 2


def test_retries_end(uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger) -> None:
    channel = refusing({1: Outcome(0, Verdict.TEMPORARY, 451, "4.3.0 later")})
    at = utcnow()
    for _attempt in range(sending.MAX_ATTEMPTS):
        with time_machine.travel(at):
            send(uow, shop_id, frozen.id, channel)
        at += sending.MAX_RETRY + timedelta(minutes=1)
    row = ledger()[0]
    assert (row.state, row.reason, row.attempts) == ("failed", "retries_exhausted", sending.MAX_ATTEMPTS)


def test_a_server_that_is_away_costs_no_row_and_pauses_the_campaign_in_the_end(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    channel = CaptureChannel()
    channel.available = False
    for outages in range(sending.MAX_OUTAGES - 1):
        send(uow, shop_id, frozen.id, channel, outages=outages)
    with uow() as session:
        assert reading.get(session, shop_id, frozen.public_id).state == "sending"
    send(uow, shop_id, frozen.id, channel, outages=sending.MAX_OUTAGES - 1)
    with uow() as session:
        campaign = reading.get(session, shop_id, frozen.public_id)
        assert campaign.state == "paused"
        assert campaign.pause_reason == "server_unreachable: The capture channel is switched off."
    assert {(row.state, row.attempts) for row in ledger()} == {("pending", 0)}


def test_a_server_that_goes_away_in_between_gives_the_rows_back(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, ledger: Ledger
) -> None:
    class Vanishing(CaptureChannel):
        def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
            self.available = False
            return super().send(messages)

    send(uow, shop_id, frozen.id, Vanishing())
    assert {(row.state, row.attempts) for row in ledger()} == {("pending", 0)}
    with uow() as session:
        # One waits already, staged by the dispatch; it does the work of the one that would be staged now.
        assert outbox.pending(session, SendBatch) == [SendBatch(frozen.id, 0)]


@pytest.mark.parametrize("state", ["paused", "cancelled"])
def test_a_pause_or_cancel_takes_effect_with_the_next_chunk(
    uow: UnitOfWork,
    shop_id: ShopId,
    frozen: Campaign,
    ledger: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    state: str,
) -> None:
    monkeypatch.setattr(service, "CHUNK", 4)
    act = service.pause if state == "paused" else service.cancel

    class Interrupted(CaptureChannel):
        def send(self, messages: Iterable[Prepared]) -> Iterator[Outcome]:
            yield from super().send(messages)
            with uow() as session:
                act(session, shop_id, frozen.public_id, actor="user:7")

    channel = Interrupted()
    send(uow, shop_id, frozen.id, channel)
    assert len(channel.messages) == 4
    rest = "pending" if state == "paused" else "excluded"
    assert states(ledger) == ["accepted"] * 4 + [rest] * 8
    again = CaptureChannel()
    send(uow, shop_id, frozen.id, again)
    assert again.messages == []
    if state == "paused":
        with uow() as session:
            service.resume(session, shop_id, frozen.public_id, actor="user:7")
            assert Dispatch(frozen.id) in outbox.pending(session, Dispatch)
        send(uow, shop_id, frozen.id, again)
        assert sorted(addresses(channel) + addresses(again)) == EVERYBODY


def test_consent_is_looked_at_again_just_before_sending(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, channel: CaptureChannel, ledger: Ledger
) -> None:
    with uow() as session:
        gids = {row.id: row.gid for row in session.query(Customer).order_by(Customer.id)}
        first, second, *_ = gids.values()
        customers.record_consent(
            session, shop_id, first, state="unsubscribed", level=None, consent_at=utcnow()
        )
        customers.forget(session, shop_id, second)
        messaging.suppress(session, shop_id, ["c3@example.com"], reason="complaint", source="test")
    send(uow, shop_id, frozen.id, channel)
    assert [(row.state, row.reason) for row in ledger()[:4]] == [
        ("excluded", "not_subscribed"),
        ("excluded", "customer_deleted"),
        ("excluded", "suppressed"),
        ("accepted", None),
    ]
    assert len(channel.messages) == 9


def test_a_message_that_does_not_render_fails_alone(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, channel: CaptureChannel, ledger: Ledger
) -> None:
    with uow() as session:
        campaign = reading.get(session, shop_id, frozen.public_id)
        campaign.html = "{{ customer.first_name + 1 }} {{ unsubscribe_url }}"
    content._variants.clear()
    send(uow, shop_id, frozen.id, channel)
    # c1, c3 … have a first name, which is no number; the others have none, which counts as nothing.
    assert states(ledger) == ["failed", "accepted"] * 6
    assert {row.reason for row in ledger() if row.state == "failed"} == {"render_failed"}


def outcomes(count: int, bad: int, outcome: Outcome) -> list[Outcome]:
    good = Outcome(0, Verdict.ACCEPTED, 250, "ok")
    return [outcome] * bad + [good] * (count - bad)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (outcomes(49, 49, Outcome(0, Verdict.PERMANENT, 550, "no", True)), None),
        (outcomes(100, 10, Outcome(0, Verdict.PERMANENT, 550, "no", True)), None),
        (
            outcomes(100, 11, Outcome(0, Verdict.PERMANENT, 550, "no", True)),
            "bounce_rate: 11 of 100 addresses do not exist",
        ),
        (outcomes(100, 25, Outcome(0, Verdict.PERMANENT, 554, "spam")), None),
        (
            outcomes(100, 26, Outcome(0, Verdict.PERMANENT, 554, "spam")),
            "error_rate: 26 of 100 messages refused; last reply: 554 spam",
        ),
        (outcomes(100, 100, Outcome(0, Verdict.TEMPORARY, 451, "later")), None),
    ],
)
def test_what_is_harm(sent: list[Outcome], reason: str | None) -> None:
    refused = [each for each in sent if each.verdict is not Verdict.ACCEPTED]
    assert sending.harm(refused, len(sent)) == reason


def test_a_campaign_that_does_harm_pauses_itself(
    uow: UnitOfWork,
    shop_id: ShopId,
    frozen: Campaign,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "JUDGED_FROM", 10)
    spam = Outcome(0, Verdict.PERMANENT, 554, "5.7.1 spam")
    send(uow, shop_id, frozen.id, refusing(dict.fromkeys(range(1, 7), spam)))
    with uow() as session:
        campaign = reading.get(session, shop_id, frozen.public_id)
        assert campaign.state == "paused"
        assert campaign.pause_reason == "error_rate: 6 of 12 messages refused; last reply: 554 5.7.1 spam"


@pytest.mark.parametrize("attempts", range(1, 40))
def test_the_retry_curve_grows_and_is_bounded(attempts: int) -> None:
    assert sending.FIRST_RETRY <= sending.retry_wait(attempts) <= sending.MAX_RETRY
    assert sending.retry_wait(attempts) <= sending.retry_wait(attempts + 1)


def test_events_learn_who_got_a_delivery(
    uow: UnitOfWork, shop_id: ShopId, frozen: Campaign, channel: CaptureChannel, ledger: Ledger
) -> None:
    send(uow, shop_id, frozen.id, channel)
    row = ledger()[0]
    known, unknown = DeliveryRef(frozen.id, row.id), DeliveryRef(frozen.id, 999_999)
    with uow() as session:
        assert reading.find_delivery_facts(session, shop_id, [known, unknown]) == {
            known: DeliveryFact(row.customer_id, row.accepted_at, row.email)
        }
        assert reading.find_delivery_facts(session, shop_id, []) == {}
    import storecast.campaigns.tasks  # noqa: F401  # registers the lookup

    with uow() as session:
        assert find_facts(session, shop_id, [known]) == {
            known: DeliveryFact(row.customer_id, row.accepted_at, row.email)
        }


def test_recipients_are_paged(
    uow: UnitOfWork,
    shop_id: ShopId,
    frozen: Campaign,
    add_customers: AddCustomers,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "PAGE", 5)
    seen: list[int] = []
    cursor: str | None = None
    with uow() as session:
        for _page in range(3):
            page = reading.recipient_rows(session, shop_id, frozen, state="pending", cursor=cursor)
            seen += [item.customer_id for item in page.items]
            cursor = page.next_cursor
    assert (len(seen), len(set(seen)), cursor) == (12, 12, None)
