"""A shop's channels: where they lead, their sealed credentials, their order, and a test of each.

Credentials go in and never come out again; they are sealed for their shop. A server that a merchant names must be on
the public internet and, when it wants a password, be reached over TLS.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.sealing import Sealer
from storecast.kit.signing import Signer
from storecast.kit.types import ShopId
from storecast.messaging import headers
from storecast.messaging import sending_channels_repository as repository
from storecast.messaging.errors import SendingChannelUnknown, TooManySendingChannels
from storecast.messaging.models import SendingChannel
from storecast.messaging.returns import providers, sns
from storecast.messaging.sending_channels_schemas import ChannelConfig, ChannelInput

UnitOfWork = Callable[[], AbstractContextManager[Session]]

MAX_CHANNELS = 10

SIGNS_ITSELF = frozenset({"sendgrid", "postmark"})
"""They take fields and make the message themselves, so a signature of ours could not hold."""

_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")
_STREAM = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")

_FIELDS: dict[str, tuple[str, ...]] = {
    "smtp": ("host", "port", "security", "username"),
    "ses": ("username", "region"),
    "sendgrid": ("region",),
    "mailgun": ("domain", "region"),
    "postmark": ("stream",),
}
_PORTS = {"none": 25, "starttls": 587, "tls": 465}


@lru_cache(maxsize=2)
def _sealer(*keys: str) -> Sealer:
    return Sealer(keys, SendingChannel.sealed.purpose)


def sealer() -> Sealer:
    """Seals credentials; the owner is the shop."""
    settings = get_settings()
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    return _sealer(*[key.get_secret_value() for key in keys if key is not None])


@lru_cache(maxsize=4)
def _address_signer(secret: str) -> Signer:
    return Signer(secret.encode(), "returns-address", length=16)


def address_codes(channel_id: str) -> list[str]:
    """The secret part of the address that a channel's returns come to: that of now, and that of the secret before."""
    settings = get_settings()
    keys = [settings.app_secret_key, settings.app_secret_key_old]
    return [
        _address_signer(key.get_secret_value()).sign(channel_id.encode()).hex()
        for key in keys
        if key is not None
    ]


def returns_url(channel_id: str) -> str:
    """The address to give to the provider. It is a secret of its own and stays the same for the channel's life."""
    return f"{get_settings().shopify.app_url}/returns/{channel_id}/{address_codes(channel_id)[0]}"


def list_all(session: Session, shop_id: ShopId) -> Sequence[SendingChannel]:
    """The shop's channels in their order."""
    return repository.list_all(session, shop_id)


def get(session: Session, shop_id: ShopId, channel_id: str) -> SendingChannel:
    """The channel; raises SendingChannelUnknown."""
    row = repository.find(session, shop_id, channel_id)
    if row is None:
        raise SendingChannelUnknown
    return row


def add(session: Session, shop_id: ShopId, given: ChannelInput, *, actor: str) -> SendingChannel:
    """A new channel behind the others."""
    if len(repository.lock_all(session, shop_id)) >= MAX_CHANNELS:
        raise TooManySendingChannels(limit=MAX_CHANNELS)
    config = _checked(given, has_secret=given.secret is not None)
    row = SendingChannel(
        shop_id=shop_id,
        public_id=public_id("chn"),
        kind=given.kind,
        title=given.title,
        position=repository.next_position(session, shop_id),
        enabled=given.enabled,
        config=config,
        secret=sealer().seal(shop_id, given.secret) if given.secret else None,
        returns_secret=sealer().seal(shop_id, given.returns_secret) if given.returns_secret else None,
        connections=given.connections,
        per_second=given.per_second,
    )
    repository.add(session, row)
    audit.record(session, shop_id, actor, "sending_channel_added", row.public_id, kind=row.kind)
    return row


def replace(
    session: Session, shop_id: ShopId, channel_id: str, given: ChannelInput, *, actor: str
) -> SendingChannel:
    """Change a channel as a whole; without a secret the stored one stays, unless the channel leads elsewhere now."""
    row = get(session, shop_id, channel_id)
    keeps = given.secret is None and row.secret is not None
    config = _checked(given, has_secret=keeps or given.secret is not None)
    moved = given.kind != row.kind or any(
        config.get(name) != row.config.get(name) for name in ("host", "security", "username")
    )
    if keeps and moved:
        # Whoever may change a channel must not be able to have its password sent to a server of their own.
        fault = FieldError(
            "/secret", "Enter it again: the channel leads somewhere else now.", "secret_needed"
        )
        raise Invalid("The secret has to be entered again.", errors=[fault])
    before = row.kind
    row.kind, row.title, row.enabled, row.config = given.kind, given.title, given.enabled, config
    row.connections, row.per_second = given.connections, given.per_second
    if given.secret is not None:
        row.secret = sealer().seal(shop_id, given.secret)
    if given.returns_secret is not None:
        row.returns_secret = sealer().seal(shop_id, given.returns_secret)
    elif given.kind != before:
        row.returns_secret = None
    row.tested_at = row.error = None
    session.flush()
    audit.record(session, shop_id, actor, "sending_channel_changed", row.public_id, kind=row.kind)
    return row


def remove(session: Session, shop_id: ShopId, channel_id: str, *, actor: str) -> None:
    """Forget a channel and its credentials."""
    row = get(session, shop_id, channel_id)
    audit.record(session, shop_id, actor, "sending_channel_removed", row.public_id, kind=row.kind)
    repository.remove(session, row)


def reorder(session: Session, shop_id: ShopId, ids: Sequence[str], *, actor: str) -> None:
    """Put the channels into this order; it has to name each of them once."""
    rows = {row.public_id: row for row in repository.lock_all(session, shop_id)}
    if sorted(ids) != sorted(rows):
        fault = FieldError("/ids", "Name every channel once.", "order_incomplete")
        raise Invalid("The order does not name every channel.", errors=[fault])
    for position, channel_id in enumerate(ids):
        rows[channel_id].position = position
    session.flush()
    audit.record(session, shop_id, actor, "sending_channels_ordered", ",".join(ids)[:200])


def record_test(session: Session, shop_id: ShopId, channel_id: str, error: str | None) -> SendingChannel:
    """Note how a test ended."""
    row = get(session, shop_id, channel_id)
    row.tested_at, row.error = utcnow(), error
    session.flush()
    return row


def _checked(given: ChannelInput, *, has_secret: bool) -> dict[str, object]:
    """The channel's own fields, complete; raises Invalid naming those that are wrong."""
    values = given.config.model_dump(include=set(_FIELDS[given.kind]))
    if given.kind == "smtp":
        values["security"] = values["security"] or "starttls"
        values["port"] = values["port"] or _PORTS[values["security"]]
    faults = _faults(given.kind, given.config, values, has_secret=has_secret)
    if given.returns_secret and not _verifies(given.kind, given.returns_secret):
        faults.append(("/returns_secret", "The provider shows this differently.", "returns_secret_invalid"))
    errors = [FieldError(pointer, message, code) for pointer, message, code in faults]
    if errors:
        raise Invalid("The channel is not complete.", errors=errors)
    return {name: value or None for name, value in values.items()}


def _faults(
    kind: str,
    config: ChannelConfig,
    values: dict[str, object],
    *,
    has_secret: bool,
) -> list[tuple[str, str, str]]:
    wrong: list[tuple[str, str, str]] = []
    if kind == "smtp":
        if not is_host(config.host or ""):
            wrong.append(("/config/host", "This is not the name of a server.", "host_invalid"))
        if has_secret != bool(config.username):
            wrong.append(("/secret", "User name and password go together.", "credentials_incomplete"))
        if has_secret and values["security"] == "none" and not may_stay_inside():
            wrong.append(("/config/security", "A password needs TLS.", "password_needs_tls"))
        return wrong
    if not has_secret:
        wrong.append(("/secret", "Enter the key.", "secret_missing"))
    if kind == "ses":
        if not config.username:
            wrong.append(("/config/username", "Enter the access key id.", "access_key_missing"))
        if not _REGION.fullmatch(config.region or ""):
            wrong.append(("/config/region", "This is no region, such as eu-central-1.", "region_invalid"))
    elif kind != "postmark" and (config.region or "us") not in {"us", "eu"}:
        wrong.append(("/config/region", "The region is us or eu.", "region_invalid"))
    if kind == "mailgun" and headers.find_domain(config.domain or "") is None:
        wrong.append(("/config/domain", "This is not a domain name.", "domain_invalid"))
    if kind == "postmark" and not _STREAM.fullmatch(config.stream or "broadcast"):
        wrong.append(("/config/stream", "This is not the name of a message stream.", "stream_invalid"))
    return wrong


def _verifies(kind: str, secret: str) -> bool:
    """Whether the text can be what returns are verified with: SendGrid's key, the name of a topic of Amazon's."""
    if kind == "ses":
        return sns.TOPIC.fullmatch(secret) is not None
    return kind != "sendgrid" or providers.is_verification_key(secret)


def is_host(text: str) -> bool:
    """Whether the text can be a server's name or, outside production, its address on this machine."""
    if headers.find_domain(text) is not None:
        return True
    return may_stay_inside() and text in {"localhost", "127.0.0.1"}


def may_stay_inside() -> bool:
    """Outside production a server may run on the developer's machine."""
    return get_settings().environment != "production"
