"""A receiver that answers 451 is left behind, not the rest of the audience; nobody is dropped for it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import func, update

from storecast.campaigns import reading, sending, service
from storecast.campaigns.jobs import SendBatch
from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.customers.models import Customer
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging.channels.pace import Pace, PacedChannel
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import parse
from storecast.messaging.receivers import Receivers
from storecast.resilience.guard import make_redis
from tests.campaigns.conftest import AddCustomers, UnitOfWork
from tests.contracts.smtp_server import SmtpServer, serving

Ledger = Callable[[], list[MessageDelivery]]
AUDIENCE = 300
SLOW = AUDIENCE // 5


def test_one_domain_that_answers_451_waits_while_another_goes_on(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    add_customers: AddCustomers,
    ledger: Ledger,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "CHUNK", 25)
    add_customers(AUDIENCE)
    with uow() as session:
        at_slow = func.concat("c", Customer.id, "@slow.example")
        session.execute(update(Customer).where(Customer.id % 5 == 0).values(email=at_slow))
    campaign = frozen(uow, shop_id, campaign_id)
    refused: list[str] = []

    def answer(verb: str, line: str) -> str | None:
        if verb == "RCPT" and "slow.example" in line and not relents:
            refused.append(line)
            return "451 4.7.0 slow down"
        return None

    relents = False
    server = SmtpServer(script=answer)
    known = Receivers(make_redis(redis_url))
    with serving(server):
        # As slow as to give a slice some seconds.
        channel = PacedChannel(SmtpChannel(parse(server.url)), Pace(None, "test", 100))

        def send() -> None:
            sending.send_slice(
                uow, shop_id, SendBatch(campaign.id, 0), job_id=uuid4(), attempt=1, channel=channel,
                progress=lambda _done, _total, _note: None, receivers=known,
            )  # fmt: skip

        send()
        assert len(server.messages) == AUDIENCE - SLOW
        assert {row.state for row in ledger() if str(row.email).endswith("@example.com")} == {"accepted"}
        held = [row for row in ledger() if row.reason == "receiver_slows_us"]
        assert {row.state for row in held} == {"pending"}
        assert {row.attempts for row in held} <= {0, 1}
        assert len(held) >= SLOW // 4, "most wait without having been refused"
        assert len(refused) <= SLOW - len(held) + 5
        with uow() as session:
            report = reading.delivery_report(session, shop_id, campaign.public_id)
        waiting = {each.reason: each.count for each in report.waiting}
        assert waiting == {"receiver_slows_us": len(held)}
        assert known.paced(shop_id, "acme.example") == {"slow.example"}

        relents = True
        at = utcnow()
        for _minute in range(20):
            at += timedelta(minutes=3)
            with time_machine.travel(at):
                send()
        channel.close()
    assert {row.state for row in ledger()} == {"accepted"}
    assert len(server.messages) == len({message.rcpt_to for message in server.messages}) == AUDIENCE


def frozen(uow: UnitOfWork, shop_id: ShopId, campaign_id: str) -> Campaign:
    with uow() as session:
        service.send(
            session, shop_id, campaign_id, scheduled_at=None, confirm_recipients=None, actor="user:7"
        )
        internal_id = reading.get(session, shop_id, campaign_id).id
    with uow() as session:
        service.freeze(session, shop_id, internal_id)
        return reading.get(session, shop_id, campaign_id)
