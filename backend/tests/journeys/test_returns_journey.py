"""What four providers report over HTTP, from the API's process through relay and worker to the paused campaign."""

import base64
import hmac
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select
from sqlalchemy.orm import Session

from storecast.campaigns.models import Campaign, MessageDelivery
from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.events.models import MessageEvent
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import sending_channels
from storecast.messaging import service as messaging
from storecast.messaging.delivery import tokens
from storecast.messaging.models import MessageReturn, Suppression
from storecast.messaging.sending_channels_schemas import ChannelInput
from storecast.shops.models import Shop
from tests.campaigns.test_returns import AUTH, CERTIFICATE_URL, TOPIC, certificate, signed
from tests.conftest import environment
from tests.factories.story import Story
from tests.journeys.conftest import free_port, is_up
from tests.processes import process, relay, wait_until, worker

SENDGRID = ec.generate_private_key(ec.SECP256R1())
MAILGUN_KEY = "a signing key of the tests"
CONFIRM = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"

Request = tuple[bytes, dict[str, str]]


class World(NamedTuple):
    """A running Storecast, Amazon as it sees it, and a campaign that went to ten people."""

    url: str
    asked_of_amazon: list[str]
    doors: dict[str, str]
    rows: list[MessageDelivery]
    uow: Callable[[], AbstractContextManager[Session]]

    def post(self, kind: str, request: Request) -> tuple[int, dict[str, Any]]:
        body, headers = request
        answer = httpx.post(self.url + self.doors[kind], content=body, headers=headers, timeout=30)
        return answer.status_code, answer.json()

    def known(self) -> tuple[set[tuple[int, str, str]], dict[bytes, str], int]:
        """Returns by delivery, verdict and source; suppressions by address; events."""
        with self.uow() as session:
            returned = session.execute(
                select(MessageReturn.delivery_id, MessageReturn.verdict, MessageReturn.source)
            )
            shut = {row.email_digest: row.reason for row in session.scalars(select(Suppression))}
            events = len(session.scalars(select(MessageEvent)).all())
            return {(one, two, three) for one, two, three in returned}, shut, events


@contextmanager
def amazon() -> Iterator[tuple[str, list[str]]]:
    """Amazon's host: hands out its certificate and takes confirmations."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = certificate() if self.path.endswith(".pem") else b"<ConfirmSubscriptionResponse/>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def world(shop: Shop, tmp_path: Path) -> Iterator[World]:
    shop_id, port = ShopId(shop.id), free_port()
    uow = partial(tenant_session, shop_id)
    public = SENDGRID.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    given: dict[str, dict[str, Any]] = {
        "ses": {
            "config": {"region": "eu-central-1", "username": "AKIAEXAMPLE"},
            "returns_secret": TOPIC,
        },
        "sendgrid": {"returns_secret": base64.b64encode(public).decode()},
        "mailgun": {"config": {"domain": "mg.acme.example"}, "returns_secret": MAILGUN_KEY},
        "postmark": {"returns_secret": "pass"},
    }
    with uow() as session:
        story, now = Story(session, shop), utcnow()
        campaign = story.campaign(started_at=now, frozen_at=now, state="sending")
        rows = [story.delivery(campaign, story.customer(), accepted_at=now) for _ in range(10)]
        doors = {}
        for kind, values in given.items():
            wanted = ChannelInput.model_validate({"kind": kind, "title": kind, "secret": "s", **values})
            made = sending_channels.add(session, shop_id, wanted, actor="user:7")
            doors[kind] = urlsplit(sending_channels.returns_url(made.public_id)).path
    with (
        amazon() as (origin, asked),
        environment({**os.environ, "STORECAST_PROVIDER_ORIGIN": origin}),
        process(
            tmp_path,
            "api",
            "uvicorn",
            "storecast.entrypoints.api:app",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ),
        relay(tmp_path),
        worker(tmp_path, "critical", "default"),
    ):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: is_up(f"{url}/readyz"), "the API")
        yield World(url, asked, doors, rows, uow)


def code(row: MessageDelivery) -> str:
    return tokens().raw(row.shop_id, row.campaign_id, row.id).hex()


def ses(row: MessageDelivery, *, age: timedelta = timedelta(), kind: str = "Bounce") -> Request:
    told: dict[str, Any] = {"notificationType": kind, "mail": {"tags": {"token": [code(row)]}}}
    detail = {"feedbackId": f"f-{row.id}-{kind}", "timestamp": utcnow().isoformat()}
    if kind == "Bounce":
        told["bounce"] = {
            **detail,
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [{"emailAddress": "x@example.com", "status": "5.1.1"}],
        }
    else:
        told["complaint"] = detail
    stamp = (utcnow() - age).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return signed(Message=orjson.dumps(told).decode(), MessageId=f"m-{row.id}", Timestamp=stamp), {}


def sendgrid(row: MessageDelivery, *, age: timedelta = timedelta(), kind: str = "bounce") -> Request:
    event = {
        "event": kind,
        "sg_event_id": f"e-{row.id}",
        "token": code(row),
        "status": "5.1.1",
        "reason": "550 unknown user",
    }
    body = orjson.dumps([event])
    stamp = str(int((utcnow() - age).timestamp()))
    signature = SENDGRID.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return body, {
        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
    }


def mailgun(row: MessageDelivery, *, age: timedelta = timedelta(), kind: str = "failed") -> Request:
    stamp, nonce = str(int((utcnow() - age).timestamp())), f"nonce-{row.id}"
    signature = hmac.digest(MAILGUN_KEY.encode(), f"{stamp}{nonce}".encode(), "sha256").hex()
    event = {
        "event": kind, "severity": "permanent", "id": f"g-{row.id}", "user-variables": {"token": code(row)},
        "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": "unknown user", "bounce-type": "hard"},
    }  # fmt: skip
    told = {"signature": {"timestamp": stamp, "token": nonce, "signature": signature}, "event-data": event}
    return orjson.dumps(told), {"Content-Type": "application/json"}


def postmark(row: MessageDelivery, *, kind: str = "HardBounce") -> Request:
    record = "SpamComplaint" if kind == "SpamComplaint" else "Bounce"
    told = {"RecordType": record, "Type": kind, "ID": row.id, "Metadata": {"token": code(row)}}
    return orjson.dumps(told), AUTH


def test_what_providers_report_ends_in_the_ledger_and_stops_the_campaign(world: World) -> None:
    rows = world.rows
    nothing: tuple[set[tuple[int, str, str]], dict[bytes, str], int] = (set(), {}, 0)

    # What is forged or old changes nothing, whoever it pretends to be.
    foreign = ec.generate_private_key(ec.SECP256R1())
    body, headers = sendgrid(rows[0])
    stamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    other_key = base64.b64encode(foreign.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    tampered = orjson.dumps(orjson.loads(ses(rows[0])[0]) | {"Message": "{}"})
    old = timedelta(hours=26)
    unsigned = orjson.dumps(orjson.loads(mailgun(rows[0])[0]) | {"signature": {}})
    for kind, request in (
        ("ses", (tampered, {})),
        ("ses", ses(rows[0], age=old)),
        ("ses", (signed(TopicArn=TOPIC + "x", Message="{}"), {})),
        ("sendgrid", (body, {})),
        ("sendgrid", (body, headers | {"X-Twilio-Email-Event-Webhook-Signature": other_key})),
        ("sendgrid", (body + b" ", headers)),
        ("sendgrid", sendgrid(rows[0], age=old)),
        ("mailgun", (unsigned, {})),
        ("mailgun", mailgun(rows[0], age=old)),
        ("postmark", (postmark(rows[0])[0], {})),
        ("postmark", (postmark(rows[0])[0], {"Authorization": "Basic c3RvcmVjYXN0Og=="})),
    ):
        status, problem = world.post(kind, request)
        assert (status, problem["code"]) == (403, "return_refused"), kind
    assert world.known() == nothing
    assert set(world.asked_of_amazon) == {urlsplit(CERTIFICATE_URL).path}

    # Amazon asks first whether it is wanted; somebody else's address is not visited.
    confirm = {"Type": "SubscriptionConfirmation", "Token": "t", "Message": "You have chosen"}
    elsewhere: Request = (
        signed(SubscribeURL="https://evil.example/?Action=ConfirmSubscription", **confirm),
        {},
    )
    assert world.post("ses", elsewhere)[0] == 403
    assert world.post("ses", (signed(SubscribeURL=CONFIRM, **confirm), {})) == (
        200, {"recorded": 0, "repeated": 0, "ignored": 0},
    )  # fmt: skip
    assert world.asked_of_amazon == [urlsplit(CERTIFICATE_URL).path, "/?Action=ConfirmSubscription&Token=t"]
    assert world.known() == nothing

    # Each is taken once, however often it is told; what it is about is suppressed.
    told = {
        "ses": ses(rows[0]),
        "sendgrid": sendgrid(rows[1]),
        "mailgun": mailgun(rows[2]),
        "postmark": postmark(rows[3]),
    }
    for kind, request in told.items():
        assert world.post(kind, request) == (200, {"recorded": 1, "repeated": 0, "ignored": 0}), kind
        assert world.post(kind, request) == (200, {"recorded": 0, "repeated": 1, "ignored": 0}), kind
    bounced = {(row.id, "hard", kind) for row, kind in zip(rows, told, strict=False)}
    shut_out = {messaging.digest(row.email or ""): "hard_bounce" for row in rows[:4]}
    assert world.known() == (bounced, shut_out, 4)

    # Three complaints of ten are too many: the worker stops the campaign, and takes the people's consent as their word.
    complaints = {
        "ses": ses(rows[4], kind="Complaint"),
        "sendgrid": sendgrid(rows[5], kind="spamreport"),
        "mailgun": mailgun(rows[6], kind="complained"),
        "postmark": postmark(rows[7], kind="SpamComplaint"),
    }
    for kind, request in complaints.items():
        assert world.post(kind, request) == (200, {"recorded": 1, "repeated": 0, "ignored": 0}), kind

    def paused() -> bool:
        with world.uow() as session:
            return session.get_one(Campaign, rows[0].campaign_id).state == "paused"

    wait_until(paused, "the campaign's pause")
    with world.uow() as session:
        reason = session.get_one(Campaign, rows[0].campaign_id).pause_reason or ""
        assert reason.startswith("complaint_rate: ")
        states = [session.get_one(Customer, row.customer_id).email_state for row in rows]
    assert states == ["subscribed"] * 4 + ["unsubscribed"] * 4 + ["subscribed"] * 2
    complained = {(row.id, "complaint", kind) for row, kind in zip(rows[4:], complaints, strict=False)}
    said = {messaging.digest(row.email or ""): "complaint" for row in rows[4:8]}
    assert world.known() == (bounced | complained, shut_out | said, 8)
