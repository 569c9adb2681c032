"""What mail goes out through: the channels of a shop, or the installation's servers, signed with the shop's keys.

A worker keeps the channel of each of the last few shops open and makes it anew when its settings changed; channels are
made on first use, since connections must not cross a fork.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import redis
from sqlalchemy.orm import Session

from storecast.config.settings import Settings, get_settings
from storecast.kit.sealing import SealBroken
from storecast.kit.types import ShopId
from storecast.messaging import sending_channels, sending_domains
from storecast.messaging.channels import smtp_url
from storecast.messaging.channels.failover import ClosedChannel, FailoverChannel
from storecast.messaging.channels.http import HttpChannel, Provider
from storecast.messaging.channels.mailgun import Mailgun
from storecast.messaging.channels.pace import Pace, PacedChannel
from storecast.messaging.channels.postmark import Postmark
from storecast.messaging.channels.protocol import Channel, ChannelUnavailable
from storecast.messaging.channels.sendgrid import SendGrid
from storecast.messaging.channels.ses import REWRITTEN_HEADERS, Ses
from storecast.messaging.channels.signing import SigningChannel
from storecast.messaging.channels.smtp import SmtpChannel
from storecast.messaging.channels.smtp_url import SmtpServer
from storecast.messaging.dkim import DkimKey, DkimSigner
from storecast.messaging.models import SendingChannel
from storecast.messaging.sending_domains import SenderStanding
from storecast.messaging.tokens import Tokens
from storecast.resilience.guard import make_redis, process_guard

UnitOfWork = Callable[[], AbstractContextManager[Session]]

KEPT_SHOPS = 8
"""Open channels of a worker: each holds a few connections to servers that count them."""

_PROVIDER_URLS = {
    "ses": "https://email.{region}.amazonaws.com",
    "sendgrid us": "https://api.sendgrid.com",
    "sendgrid eu": "https://api.eu.sendgrid.com",
    "mailgun us": "https://api.mailgun.net",
    "mailgun eu": "https://api.eu.mailgun.net",
    "postmark": "https://api.postmarkapp.com",
}

_given: list[Channel] = []
_kept: "OrderedDict[ShopId, tuple[object, Channel]]" = OrderedDict()


@dataclass(frozen=True, slots=True)
class Outlet:
    """One channel of a shop with its secret in the open: for this process's memory alone."""

    name: str
    kind: str
    config: Mapping[str, object]
    secret: str | None
    connections: int
    per_second: int | None


@dataclass(frozen=True, slots=True)
class Route:
    """How a shop's mail goes out; equal ``version`` means an equal route."""

    version: object
    outlets: tuple[Outlet, ...]
    keys: Mapping[str, Sequence[DkimKey]]
    closed: str | None = None
    """Why nothing can go out."""


def channel(unit_of_work: UnitOfWork, shop_id: ShopId) -> Channel:
    """The channel of a shop in this process. Workers run one job at a time, so nobody shares it."""
    if _given:
        return _given[-1]
    kept = _kept.get(shop_id)
    with unit_of_work() as session:
        version = _version(session, shop_id)
        if kept is not None and kept[0] == version:
            _kept.move_to_end(shop_id)
            return kept[1]
        made = build(route(session, shop_id))
    _drop(shop_id)
    _kept[shop_id] = (version, made)
    if len(_kept) > KEPT_SHOPS:
        _drop(next(iter(_kept)))
    return made


def close_all() -> None:
    """Close every channel that this process keeps."""
    for shop_id in list(_kept):
        _drop(shop_id)


@contextmanager
def through(other: Channel) -> Iterator[None]:
    """Send through another channel for a while."""
    _given.append(other)
    try:
        yield
    finally:
        _given.remove(other)


@contextmanager
def opened(found: Route) -> Iterator[Channel]:
    """A channel of one's own for a message or two: the API's threads send test messages side by side."""
    made = build(found)
    try:
        yield made
    finally:
        made.close()


def route(session: Session, shop_id: ShopId) -> Route:
    """The shop's route as it is now."""
    rows = [row for row in sending_channels.list_all(session, shop_id) if row.enabled]
    version = _version(session, shop_id)
    try:
        outlets = tuple(outlet(shop_id, row) for row in rows)
        return Route(version, outlets, sending_domains.signing_keys(session, shop_id))
    except SealBroken:
        # Sealed under a key that is gone. Unsigned, or by somebody else's server, would be worse than not at all.
        return Route(version, (), {}, "The credentials of this store's channels or keys do not open.")


def installation_route() -> Route:
    """The installation's own servers, unsigned."""
    return Route(get_settings().smtp_url, (), {})


def outlet(shop_id: ShopId, row: SendingChannel) -> Outlet:
    """A stored channel, opened; raises SealBroken."""
    secret = sending_channels.sealer().open(shop_id, row.secret) if row.secret else None
    return Outlet(row.public_id, row.kind, row.config, secret, row.connections, row.per_second)


def sender_standing(session: Session, shop_id: ShopId, from_email: str) -> SenderStanding:
    """What the send gate has to know: the From domain's standing, and who signs what goes out."""
    standing = sending_domains.standing(session, shop_id, from_email)
    for row in sending_channels.list_all(session, shop_id):
        if row.enabled and row.kind in sending_channels.SIGNS_ITSELF:
            return replace(standing, signed_by="provider", provider=row.kind)
    return standing


def build(found: Route) -> Channel:
    """The channel of a route."""
    settings = get_settings()
    if found.closed is not None:
        return ClosedChannel(ChannelUnavailable(found.closed))
    if found.outlets:
        made = [
            _signing(
                _paced(_outlet_channel(each, settings), each.name, each.per_second, settings),
                found.keys,
                each.kind,
            )
            for each in found.outlets
        ]
    else:
        made = [
            _signing(_installation_channel(server, settings), found.keys, "smtp")
            for server in smtp_url.parse_all(settings.smtp_url)
        ]
    return made[0] if len(made) == 1 else FailoverChannel(made)


def _version(session: Session, shop_id: ShopId) -> object:
    return (
        get_settings().smtp_url,
        tuple((row.id, row.updated_at) for row in sending_channels.list_all(session, shop_id) if row.enabled),
        sending_domains.signing_version(session, shop_id),
    )


def _installation_channel(server: SmtpServer, settings: Settings) -> Channel:
    name = f"installation:{server.path or server.host}:{server.port}"
    return _paced(SmtpChannel(server, process_guard()), name, server.per_second, settings)


def _outlet_channel(each: Outlet, settings: Settings) -> Channel:
    if each.kind == "smtp":
        return SmtpChannel(_smtp_server(each), process_guard())
    return HttpChannel(_provider(each, settings), process_guard(), connections=each.connections)


def _smtp_server(each: Outlet) -> SmtpServer:
    security = each.config["security"]
    return SmtpServer(
        host=str(each.config["host"]),
        port=int(str(each.config["port"])),
        path=None,
        security="tls" if security == "tls" else "starttls" if security == "starttls" else "none",
        username=_text(each, "username") or None,
        password=each.secret,
        connections=each.connections,
        public_only=not sending_channels.may_stay_inside(),
    )


def _provider(each: Outlet, settings: Settings) -> Provider:
    secret, region = each.secret or "", _text(each, "region")
    match each.kind:
        case "ses":
            return Ses(_url("ses", region, settings), region, _text(each, "username"), secret)
        case "sendgrid":
            return SendGrid(_url("sendgrid", region or "us", settings), secret)
        case "mailgun":
            return Mailgun(_url("mailgun", region or "us", settings), _text(each, "domain"), secret)
        case _:
            return Postmark(_url("postmark", "", settings), secret, _text(each, "stream") or "broadcast")


def _url(kind: str, region: str, settings: Settings) -> str:
    if settings.provider_origin is not None:
        return settings.provider_origin.replace("{provider}", kind)
    known = _PROVIDER_URLS.get(kind) or _PROVIDER_URLS[f"{kind} {region}"]
    return known.replace("{region}", region)


def _text(each: Outlet, name: str) -> str:
    return str(each.config.get(name) or "")


def _paced(inner: Channel, name: str, per_second: int | None, settings: Settings) -> Channel:
    if per_second is None:
        return inner
    return PacedChannel(inner, Pace(_redis(settings.redis_url), name, per_second))


def _signing(inner: Channel, keys: Mapping[str, Sequence[DkimKey]], kind: str) -> Channel:
    if not keys or kind in sending_channels.SIGNS_ITSELF:
        return inner
    without = REWRITTEN_HEADERS if kind == "ses" else ()
    return SigningChannel(inner, {domain: DkimSigner(each, without=without) for domain, each in keys.items()})


def _drop(shop_id: ShopId) -> None:
    kept = _kept.pop(shop_id, None)
    if kept is not None:
        kept[1].close()


@lru_cache(maxsize=1)
def _redis(url: str) -> redis.Redis:
    return make_redis(url)


@lru_cache(maxsize=4)
def _tokens(secret: str) -> Tokens:
    return Tokens(secret.encode())


def tokens() -> Tokens:
    """The tracking tokens of this installation."""
    return _tokens(get_settings().app_secret_key.get_secret_value())


@lru_cache(maxsize=4)
def _known_tokens(*secrets: str) -> Tokens:
    return Tokens(*(secret.encode() for secret in secrets))


def known_tokens() -> Tokens:
    """The same, which also opens those of the secret before: mail comes back after a rotation too."""
    settings = get_settings()
    secrets = [settings.app_secret_key, settings.app_secret_key_old]
    return _known_tokens(*(secret.get_secret_value() for secret in secrets if secret is not None))
