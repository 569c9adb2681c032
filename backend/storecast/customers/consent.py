"""Consent that people give or take back here, and its way to Shopify.

Loops are impossible: only `change` stages a write, and only what a person does here calls it; what Shopify says
(webhooks, syncs, the answer to our own write) goes through `service.record_consent`, which stages nothing. A write
reads Shopify's consent first, so that the newer of the two stands on both sides, and one that changed nothing is
never sent.

Shopify starts its own marketing automations (a welcome mail, say) when a customer subscribes with a
``consentUpdatedAt`` of the last 24 hours. A resubscription is written with its true instant, which is the proof of
the consent, so that merchants who also welcome people from here should switch one of the two off; an unsubscription
starts nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from storecast.customers import repository, service
from storecast.customers.jobs import WriteConsent
from storecast.customers.models import EMAIL_STATES, SMS_STATES
from storecast.customers.repository import Channel
from storecast.kit.errors import Permanent
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied, TokenRefused, UserErrors
from storecast.shopify.ids import find_instant
from storecast.shops import features, tokens
from storecast.shops.errors import GrantAwaited, ReauthorizationNeeded
from storecast.shops.features import Feature
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

WRITABLE = ("subscribed", "unsubscribed", "pending")
"""The states that Shopify takes; it derives the others itself."""

LOOK_AGAIN_S = 86_400.0
"""For news that never came. A scope that is granted, and a visit that renews the access, wake the jobs at once."""

STATES: dict[Channel, tuple[str, ...]] = {"email": EMAIL_STATES, "sms": SMS_STATES}

_OTHER_NAMES = {"never_subscribed": "not_subscribed"}
"""2026-10's words for text messages, in those that e-mail and the webhooks use."""


@dataclass(frozen=True, slots=True)
class Consent:
    """A state of ``STATES``, and since when."""

    state: str
    level: str | None
    at: datetime | None


def change(
    session: Session,
    shop_id: ShopId,
    gid: str,
    *,
    state: str,
    at: datetime,
    channel: Channel = "email",
    level: str | None = None,
) -> bool:
    """Take a person's word that they do or do not want messages, and tell Shopify; whether it was news.

    Instants have whole seconds at Shopify. A fraction of ours would make us the later of two that it cannot tell
    apart.
    """
    if state not in WRITABLE:
        raise ValueError(f"Shopify takes no {state!r}")
    at = at.replace(microsecond=0)
    recorded = service.record_consent(
        session, shop_id, gid, channel=channel, state=state, level=level, consent_at=at
    )
    if recorded:
        outbox.add(session, shop_id, WriteConsent(gid, channel))
    return recorded


def read(channel: Channel, given: dict[str, Any], *, otherwise_at: datetime | None = None) -> Consent:
    """The consent of a webhook's object or of an answer, whatever the case of its names; raises Permanent."""
    state = str(given.get("state") or given.get("marketingState") or "").lower()
    state = _OTHER_NAMES.get(state, state)
    if state not in STATES[channel]:
        raise Permanent(f"not a consent: {state!r}")
    level = given.get("opt_in_level") or given.get("optInLevel") or given.get("marketingOptInLevel")
    at = given.get("consent_updated_at") or given.get("updatedAt") or given.get("marketingUpdatedAt")
    return Consent(state, str(level).lower() if level else None, find_instant(at) or otherwise_at)


def write_back(unit_of_work: UnitOfWork, shop_id: ShopId, gid: str, channel: Channel) -> None:
    """Make Shopify's consent the stored one, or the stored one Shopify's, whichever is newer.

    What is stored here keeps people from being written to meanwhile. Raises GrantAwaited while the merchant does not
    allow it or has to renew the access: nothing was tried, the job waits for that, and looks every day in any case.
    """
    with unit_of_work() as session:
        missing = features.list_missing(session, shop_id, Feature.CONSENT)
    if missing:
        raise GrantAwaited(f"the store has not allowed {', '.join(missing)}", retry_after=LOOK_AGAIN_S)
    try:
        _settle(unit_of_work, shop_id, gid, channel)
    except (AccessDenied, ReauthorizationNeeded, TokenRefused) as refused:
        raise GrantAwaited(refused.code, retry_after=LOOK_AGAIN_S) from refused


def _settle(unit_of_work: UnitOfWork, shop_id: ShopId, gid: str, channel: Channel) -> None:
    client = tokens.admin_client(unit_of_work, shop_id)
    with unit_of_work() as session:
        customer = repository.lock_by_gid(session, shop_id, gid)
        ours = None
        if customer is not None:
            fields = (
                getattr(customer, f"{channel}_{name}") for name in ("state", "opt_in_level", "consent_at")
            )
            ours = Consent(*fields)
    if ours is None or ours.state not in WRITABLE or ours.at is None:
        return
    theirs = _fetch(client, gid, channel)
    if theirs is None:
        log.info("consent_has_no_address", shop_id=shop_id, channel=channel)
    elif theirs.state == ours.state:
        return
    elif theirs.at is not None and theirs.at > ours.at:
        with unit_of_work() as session:
            service.record_consent(
                session,
                shop_id,
                gid,
                channel=channel,
                state=theirs.state,
                level=theirs.level,
                consent_at=theirs.at,
            )
    else:
        _send(client, gid, channel, ours)


_ADDRESS: dict[Channel, str] = {"email": "defaultEmailAddress", "sms": "defaultPhoneNumber"}


def _fetch(client: AdminClient, gid: str, channel: Channel) -> Consent | None:
    """What Shopify has; None when the customer or their address is gone."""
    customer = client.execute("customer_consent", {"id": gid}).data.get("customer") or {}
    address = customer.get(_ADDRESS[channel])
    if not isinstance(address, dict):
        return None
    # Before 2026-10 the phone number itself told the consent.
    return read(channel, address.get("smsMarketingConsent") or address)


def _send(client: AdminClient, gid: str, channel: Channel, ours: Consent) -> None:
    assert ours.at is not None  # noqa: S101  # what is written has its instant
    given = {"marketingState": ours.state.upper(), "consentUpdatedAt": ours.at.isoformat()}
    if ours.level:
        given["marketingOptInLevel"] = ours.level.upper()
    operation = f"customer_{channel}_consent_update"
    try:
        client.mutate(operation, {"input": {"customerId": gid, f"{channel}MarketingConsent": given}})
    except UserErrors as refused:
        # The customer is gone or has no address any more: no later attempt will find them.
        raise Permanent(str(refused)) from refused
