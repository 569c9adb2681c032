"""Double opt-in: who came in by a file that asks for confirmation gets one mail, and is subscribed by its button alone.

Until then the consent is PENDING, here and at Shopify, and no marketing goes out. Reading the link changes nothing; the
button subscribes once, whoever presses it again changes nothing, and a later word of the person stands. A mail may go
out twice when a worker dies (at least once, as all transactional mail), and three times at most by request.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import structlog
from sqlalchemy.orm import Session

from storecast.config.settings import get_settings
from storecast.customers import consent, contacts, contacts_writing
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import confirmation_mail, delivery, headers, page_words, service
from storecast.messaging import confirmations_repository as repository
from storecast.messaging.brand import Brand
from storecast.messaging.channels.protocol import ChannelUnavailable, Outcome, Verdict
from storecast.messaging.compose import Prepared
from storecast.messaging.confirmation_tokens import VALID_FOR, Asked, ConfirmationTokens
from storecast.messaging.jobs import AskToConfirm
from storecast.shops import service as shops
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

AT_ONCE = 200
LEASE = timedelta(minutes=10)
AGAIN = timedelta(minutes=15)
"""After so long is asked again whom the mail server did not take for now."""

CUSTOMERS_COME_WITHIN = timedelta(days=1)
LOOK_AGAIN = timedelta(minutes=2)
"""Shopify tells of customers that an import made within minutes; they are looked for again until then."""

MAX_SENDS = 3
REST = timedelta(minutes=10)
"""Nobody is sent another link sooner than this."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the page behind a link shows."""

    state: str
    """``open``, ``confirmed``, ``expired`` or ``closed``: what the person said since stands."""
    shop_name: str
    brand: Brand
    locale: str | None
    may_resend: bool = False


def tokens() -> ConfirmationTokens:
    """The confirmation links of this installation."""
    settings = get_settings()
    secrets = [settings.app_secret_key, settings.app_secret_key_old]
    return _tokens(*(secret.get_secret_value() for secret in secrets if secret is not None))


@lru_cache(maxsize=4)
def _tokens(*secrets: str) -> ConfirmationTokens:
    return ConfirmationTokens(*(secret.encode() for secret in secrets))


def _stage(session: Session, shop_id: ShopId, import_id: int) -> None:
    outbox.add(session, shop_id, AskToConfirm(import_id))


contacts_writing.provide_written(_stage)


# Asking.


def ask(unit_of_work: UnitOfWork, shop_id: ShopId, import_id: int) -> int:
    """Ask everybody who is due, and see to it that somebody looks again; returns how many were asked."""
    now = utcnow()
    with unit_of_work() as session:
        repository.add_imported(session, shop_id, import_id, now)
    asked = 0
    while True:
        now = utcnow()
        with unit_of_work() as session:
            mails = _take(session, shop_id, now)
        if mails is None or not _send(unit_of_work, shop_id, mails, now):
            break
        asked += len(mails)
    with unit_of_work() as session:
        if repository.count_due(session, shop_id, utcnow() + AGAIN):
            outbox.add(session, shop_id, AskToConfirm(import_id), run_at=utcnow() + AGAIN)
        elif contacts.awaits_customers(session, shop_id, import_id, since=utcnow() - CUSTOMERS_COME_WITHIN):
            outbox.add(session, shop_id, AskToConfirm(import_id), run_at=utcnow() + LOOK_AGAIN)
    return asked


def _take(session: Session, shop_id: ShopId, now: datetime) -> list[Prepared] | None:
    """The next mails, some may turn out not to be wanted any more; None at the end."""
    shop = shops.get(session, shop_id)
    sender = headers.find_address(shop.sender_email or "")
    if sender is None or shop.state != "installed":
        # Whoever waits is asked once the shop has a sender.
        return None
    taken = repository.take_due(session, shop_id, now=now, lease_until=now + LEASE, limit=AT_ONCE)
    if not taken:
        return None
    brand, domain = service.brand_of(session, shop_id), sender.rpartition("@")[2]
    mails, dropped = [], []
    for row in taken:
        wanted = row.email_state == "pending" and row.email and row.sends < MAX_SENDS
        if not wanted or service.find_suppression(session, shop_id, row.email) is not None:
            dropped.append(row.customer_id)
            continue
        token = tokens().mint(shop_id, row.customer_id, row.email, now)
        mail = confirmation_mail.compose(
            row.customer_id,
            row.email,
            lang=page_words.language(row.locale),
            shop_name=shop.sender_name or shop.name or shop.domain,
            brand=brand,
            sender=sender,
            link=f"{get_settings().shopify.app_url}/confirm/{token}",
            days=VALID_FOR.days,
            message_id=f"o{row.customer_id}.{row.sends}.{token[-8:].strip('-_') or 'x'}@{domain}",
        )
        if mail is None:
            dropped.append(row.customer_id)
        else:
            mails.append(mail)
    repository.put_off(session, shop_id, dropped, None)
    return mails


def _send(unit_of_work: UnitOfWork, shop_id: ShopId, mails: list[Prepared], now: datetime) -> bool:
    """Hand the mails over; whether the server is there. What it did not take is due again."""
    if not mails:
        return True
    outcomes: list[Outcome] = []
    there = True
    try:
        channel = delivery.channel(unit_of_work, shop_id)
        channel.connect()
        outcomes = list(channel.send(mails))
    except ChannelUnavailable as error:
        there = False
        log.warning("confirmations_delayed", shop_id=shop_id, error=type(error).__name__)
    done = {each.delivery_id: each.verdict for each in outcomes}
    sent = [key for key, verdict in done.items() if verdict in (Verdict.ACCEPTED, Verdict.UNKNOWN)]
    refused = [key for key, verdict in done.items() if verdict is Verdict.PERMANENT]
    later = [mail.delivery_id for mail in mails if mail.delivery_id not in {*sent, *refused}]
    with unit_of_work() as session:
        repository.note_sent(session, shop_id, sent, now)
        repository.put_off(session, shop_id, refused, None)
        repository.put_off(session, shop_id, later, now + AGAIN)
    log.info("confirmations_sent", shop_id=shop_id, sent=len(sent), refused=len(refused), later=len(later))
    return there


# Answering.


def read(session: Session, asked: Asked, *, now: datetime) -> Question | None:
    """What the link shows; None when the person is gone or has another address by now. Changes nothing."""
    shop_id = ShopId(asked.shop_id)
    person = repository.find_person(session, shop_id, asked.customer_id)
    request = repository.find(session, shop_id, asked.customer_id)
    if person is None or request is None or not person.email or not asked.is_for(person.email):
        return None
    shop = shops.get(session, shop_id)
    state, may_resend = "open", False
    if person.email_state == "subscribed":
        state = "confirmed"
    elif person.email_state != "pending" or service.find_suppression(session, shop_id, person.email):
        state = "closed"
    elif not asked.is_valid(now):
        state, may_resend = "expired", request.sends < MAX_SENDS
    return Question(
        state,
        shop.sender_name or shop.name or shop.domain,
        service.brand_of(session, shop_id),
        person.locale,
        may_resend,
    )


def confirm(session: Session, asked: Asked, *, now: datetime) -> None:
    """Subscribe who was asked, if that is still open. Pressing the button again changes nothing."""
    question = read(session, asked, now=now)
    if question is None or question.state != "open":
        return
    shop_id = ShopId(asked.shop_id)
    person = repository.find_person(session, shop_id, asked.customer_id)
    request = repository.lock(session, shop_id, asked.customer_id)
    if person is None or request is None:
        return
    if consent.change(session, shop_id, person.gid, state="subscribed", at=now, level="confirmed_opt_in"):
        request.confirmed_at, request.due_at = now, None
        log.info("subscription_confirmed", shop_id=shop_id, customer_id=asked.customer_id)


def resend(session: Session, asked: Asked, *, now: datetime) -> bool:
    """Send another link for one that has expired, to the same address and seldom; whether that comes."""
    question = read(session, asked, now=now)
    if question is None or not question.may_resend:
        return False
    shop_id = ShopId(asked.shop_id)
    request = repository.lock(session, shop_id, asked.customer_id)
    if request is None or (request.sent_at is not None and now < request.sent_at + REST):
        return False
    if request.due_at is None:
        request.due_at = now
        outbox.add(session, shop_id, AskToConfirm(0))
    return True
