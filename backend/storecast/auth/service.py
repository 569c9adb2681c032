"""Who may come in: people the Shopify admin vouches for, and people who signed in through the browser.

With managed installation there is no install callback: the first authenticated request of a shop installs it. The
network is only called while no transaction is open, and of several first requests exactly one starts what follows.
"""

import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, cast

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.auth import repository
from storecast.auth.errors import MemberRemoved, SwitchRefused
from storecast.auth.id_tokens import IdToken
from storecast.auth.jobs import ShopInstalled
from storecast.auth.models import ShopMember
from storecast.auth.repository import AnyRow
from storecast.config.settings import get_settings
from storecast.db.session import platform_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Unauthenticated, Unavailable
from storecast.kit.types import ShopId
from storecast.resilience.circuit import CircuitOpen
from storecast.shopify.client import AdminClient
from storecast.shopify.domains import find_shop_domain
from storecast.shopify.errors import GrantRefused, IdTokenRefused, ShopifyUnreachable, ShopUnavailable
from storecast.shopify.oauth import Grant, Staff, TokenEndpoint
from storecast.shopify.shop import fetch_profile
from storecast.shops import availability, tokens
from storecast.shops import service as shops
from storecast.shops.access import Door, Principal, Role
from storecast.shops.errors import ShopUnknown
from storecast.shops.models import Shop
from storecast.worker import outbox

log = structlog.get_logger(__name__)

SEEN_EVERY = timedelta(minutes=5)
"""How stale ``last_seen_at`` may be: a write per request would make every page view a commit."""

PEOPLE_MAX = 1_000
"""Names at once: far more than a shop's staff, and a page of the console does not grow with the platform."""

ASK_AGAIN_S = 60.0
"""After a failed call to the token endpoint a shop's requests do without it for so long."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What is known about the shop and the person of a request."""

    shop: Shop | None
    token_usable: bool
    member: ShopMember | None

    @property
    def installed(self) -> bool:
        return self.shop is not None and self.shop.state in availability.PRESENT

    @property
    def complete(self) -> bool:
        return self.installed and self.token_usable and self.member is not None and bool(self.member.email)


class BrowserSession(NamedTuple):
    """Who signed in to which shop, and when (seconds since 1970)."""

    shop_id: ShopId
    user_id: str
    signed_in_at: float


class _Pauses:
    """Remembers, per process, whom not to ask Shopify about for a while."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str], float] = {}

    def start(self, key: tuple[str, str]) -> None:
        with self._lock:
            now = time.monotonic()
            self._until = {known: until for known, until in self._until.items() if until > now}
            self._until[key] = now + ASK_AGAIN_S

    def end(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._until.pop(key, None)

    def running(self, key: tuple[str, str]) -> bool:
        with self._lock:
            return self._until.get(key, 0.0) > time.monotonic()


_pauses = _Pauses()


def find_embedded(shop_domain: str, user_id: str) -> Principal | None:
    """The principal of a verified ID token when there is nothing to write about them, or to ask of Shopify."""
    known = repository.look_for_embedded(shop_domain, user_id, now=utcnow(), seen=SEEN_EVERY)
    return None if known is None else _known(known, "embedded")


def embedded_principal(token: IdToken, raw: str) -> Principal:
    """The principal of a verified ID token; installs the shop and records the person when they are new."""
    with platform_session() as session:
        standing = _standing(session, token.shop_domain, token.user_id)
        if standing.member is not None and standing.member.removed_at is not None:
            raise MemberRemoved
        if (
            standing.installed
            and standing.member is not None
            and (standing.complete or _pauses.running((token.shop_domain, token.user_id)))
        ):
            shop = cast(Shop, standing.shop)
            # Shopify shows the app in its admin: a sign that a frozen or closed shop is back.
            availability.ask_soon(session, shop)
            return _seen(session, shop, standing.member, "embedded")
    return _admit(token, raw, standing)


def find_in_browser(began: BrowserSession) -> Principal | None:
    """The principal of a browser session when there is nothing to write about them, and nothing against them."""
    known = repository.look_for_browser(*began, now=utcnow(), seen=SEEN_EVERY)
    return None if known is None else _known(known, "browser")


def browser_principal(began: BrowserSession) -> Principal:
    """The principal of a browser session.

    Raises Unauthenticated when shop or person are gone, or the person has signed out everywhere since.
    """
    shop_id, user_id, signed_in_at = began
    with platform_session() as session:
        shop = shops.get(session, shop_id)
        member = repository.find_member(session, shop_id, user_id)
        if shop.state not in availability.PRESENT or member is None or member.removed_at is not None:
            raise Unauthenticated
        if member.signed_out_at is not None and signed_in_at <= member.signed_out_at.timestamp():
            raise Unauthenticated
        return _seen(session, shop, member, "browser")


def sign_out_everywhere(principal: Principal) -> None:
    """End every browser session of the person, in every shop: a Shopify user is the same person in all of them."""
    with platform_session() as session:
        repository.sign_out(session, principal.user_id, utcnow())
        subject = f"member:{principal.user_id}"
        audit.record(session, principal.shop_id, principal.actor, "member.signed_out_everywhere", subject)


def needs_offline_token(domain: str) -> bool:
    """Whether the shop has to grant access before anybody can sign in to it."""
    with platform_session() as session:
        shop = shops.find(session, domain)
        return shop is None or shop.state != "installed" or not tokens.is_usable(session, ShopId(shop.id))


def accept_install(domain: str, grant: Grant) -> None:
    """Install a shop by the offline grant of an authorization code."""
    profile = fetch_profile(AdminClient(get_settings().shopify, domain, grant.access_token))
    with platform_session() as session:
        installation = shops.install(session, domain, profile, grant)
        if installation.fresh:
            outbox.add(session, ShopId(installation.shop.id), ShopInstalled())


def accept_staff(domain: str, staff: Staff) -> Principal:
    """Record the person of an online grant and let them in through the browser's door."""
    with platform_session() as session:
        shop = shops.find(session, domain)
        if shop is None or shop.state != "installed":
            raise Unauthenticated
        member = _put_member(session, ShopId(shop.id), staff.user_id, staff)
        if member.removed_at is not None:
            raise MemberRemoved
        return _principal(shop, member, "browser")


def list_shops(principal: Principal) -> list[tuple[Shop, str]]:
    """The shops that the person may switch to, with their role in each; from inside an iframe only the iframe's own."""
    with platform_session() as session:
        roles = repository.list_memberships(session, principal.user_id)
        if principal.door == "embedded":
            roles = {shop_id: role for shop_id, role in roles.items() if shop_id == principal.shop_id}
        return [(shop, roles[shop.id]) for shop in shops.list_present(session, roles)]


def switch_shop(principal: Principal, domain: str) -> Principal:
    """The person in another of their shops; ShopUnknown for every shop that is not theirs, whether it exists or not."""
    if principal.door == "embedded":
        raise SwitchRefused
    named = find_shop_domain(domain)
    if named is None:
        raise ShopUnknown
    with platform_session() as session:
        shop = shops.find(session, named)
        member = shop and repository.find_member(session, ShopId(shop.id), principal.user_id)
        if shop is None or not member or member.removed_at or shop.state not in availability.PRESENT:
            raise ShopUnknown
        return _seen(session, shop, member, "browser")


def list_people(session: Session, shop_id: ShopId | None) -> list[tuple[str, str]]:
    """Id and name of the shop's people, last seen first; of everybody's without a shop."""
    return repository.list_names(session, shop_id, limit=PEOPLE_MAX)


def _admit(token: IdToken, raw: str, standing: _Standing) -> Principal:
    key = (token.shop_domain, token.user_id)
    endpoint = TokenEndpoint(get_settings().shopify, token.shop_domain)
    grant = staff = profile = None
    try:
        if not (standing.installed and standing.token_usable):
            grant = endpoint.exchange_offline(raw)
            profile = fetch_profile(
                AdminClient(get_settings().shopify, token.shop_domain, grant.access_token)
            )
        if standing.member is None or not standing.member.email:
            staff = endpoint.exchange_online(raw).staff
    except GrantRefused as refused:
        if refused.error == "invalid_subject_token":
            raise IdTokenRefused("Shopify does not accept it any more") from refused
        log.warning("token_exchange_refused", error_code=refused.error)
        _give_up(standing, profile, refused)
        _pauses.start(key)
    except (ShopifyUnreachable, ShopUnavailable, CircuitOpen) as away:
        log.warning("token_exchange_failed", error=away.detail)
        _give_up(standing, profile, away)
        _pauses.start(key)
    known = standing.member is not None and bool(standing.member.email)
    if staff is not None or (known and grant is not None):
        _pauses.end(key)
    elif not known:
        _pauses.start(key)
    with platform_session() as session:
        shop = shops.find(session, token.shop_domain)
        if grant is not None and profile is not None:
            installation = shops.install(session, token.shop_domain, profile, grant)
            shop = installation.shop
            if installation.fresh:
                outbox.add(session, ShopId(shop.id), ShopInstalled())
        if shop is None:
            raise Unavailable("the shop is not installed")
        member = _put_member(session, ShopId(shop.id), token.user_id, staff)
        return _principal(shop, member, "embedded")


def _give_up(standing: _Standing, profile: object, error: Exception) -> None:
    """A shop that is installed keeps its dashboard while Shopify is away; a new one has nothing to show."""
    if not standing.installed and profile is None:
        raise Unavailable("Shopify did not confirm the installation; open the app again") from error


def _standing(session: Session, domain: str, user_id: str) -> _Standing:
    shop = shops.find(session, domain)
    if shop is None:
        return _Standing(None, token_usable=False, member=None)
    shop_id = ShopId(shop.id)
    return _Standing(
        shop, tokens.is_usable(session, shop_id), repository.find_member(session, shop_id, user_id)
    )


def _put_member(session: Session, shop_id: ShopId, user_id: str, staff: Staff | None) -> ShopMember:
    """Staff whom the merchant lets into the app may run it, people of another company's do its marketing.

    The account's owner is the app's owner.
    """
    if staff is None or staff.user_id != user_id:
        return repository.put_member(session, shop_id, user_id, role="admin", now=utcnow(), known={})
    role: Role = "owner" if staff.account_owner else "marketer" if staff.collaborator else "admin"
    return repository.put_member(
        session,
        shop_id,
        user_id,
        role=role,
        now=utcnow(),
        known={"email": staff.email, "name": staff.name},
        owner=staff.account_owner,
    )


def _seen(session: Session, shop: Shop, member: ShopMember, door: Door) -> Principal:
    now = utcnow()
    if now - member.last_seen_at > SEEN_EVERY:
        member.last_seen_at = now
    return _principal(shop, member, door)


def _known(row: AnyRow, door: Door) -> Principal:
    return Principal(
        shop_id=ShopId(row.id),
        shop_domain=row.domain,
        user_id=row.shopify_user_id,
        name=row.name,
        email=row.email or None,
        role=cast(Role, row.role),
        door=door,
        currency=row.currency,
    )


def _principal(shop: Shop, member: ShopMember, door: Door) -> Principal:
    return Principal(
        shop_id=ShopId(shop.id),
        shop_domain=shop.domain,
        user_id=member.shopify_user_id,
        name=member.name,
        email=member.email or None,
        role=cast(Role, member.role),
        door=door,
        currency=shop.currency,
    )
