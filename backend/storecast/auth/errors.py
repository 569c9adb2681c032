"""Reasons why somebody does not come in, and why a member or a key stays as it is."""

from typing import ClassVar

from storecast.kit.errors import Conflict, Forbidden, NotFound, Unauthenticated


class SignInAbandoned(Unauthenticated):
    """The callback does not belong to a sign-in that this browser began a moment ago."""

    code = "sign_in_abandoned"
    title = "This sign-in was not started here or is too old; begin again"


class SignInDenied(Forbidden):
    """Whoever was asked at Shopify said no (RFC 6749 §4.1.2.1)."""

    code = "sign_in_denied"
    title = "Shopify was told not to let Storecast in"


class CrossSite(Forbidden):
    """A change that came with a session cookie but not from the app's own pages."""

    code = "cross_site"
    title = "The request does not come from the app's own pages"


class MemberRemoved(Forbidden):
    """Shopify vouches for the person; the shop has taken their access to the app away."""

    code = "member_removed"
    title = "Somebody of this store has removed your access to Storecast"


class CredentialRefused(Unauthenticated):
    """An API key or an access token is unknown, over, revoked, or its shop has left; which of these is not told."""

    code = "credential_refused"
    title = "The API key or access token is not valid"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


class MemberUnknown(NotFound):
    code = "member_unknown"
    title = "Nobody of this id has opened the app of this store"


class AboveYou(Forbidden):
    code = "above_you"
    title = "You cannot change people, or give roles, above your own"


class PlatformRole(Forbidden):
    code = "platform_role"
    title = "Only the people who run this installation give or take the role of an operator"


class LastOwner(Conflict):
    code = "last_owner"
    title = "A store keeps at least one owner; make somebody else an owner first"


class AccountOwner(Conflict):
    code = "account_owner"
    title = "Shopify names this person the owner of the store's account"


class OwnMembership(Conflict):
    code = "own_membership"
    title = "You cannot remove yourself; ask another owner or admin"


class KeyUnknown(NotFound):
    code = "key_unknown"
    title = "There is no API key of this id"


class KeyOver(Conflict):
    code = "key_over"
    title = "The key is revoked or has expired; make a new one"


class TooManyKeys(Conflict):
    code = "too_many_keys"
    title = "The store has as many working keys as it may; revoke one first"


class ScopeAboveYou(Forbidden):
    code = "scope_above_you"
    title = "A key may do no more than whoever makes it"


class SwitchRefused(Conflict):
    """Inside the Shopify admin the store is the one whose admin it is."""

    code = "switch_refused"
    title = "Open the other store's admin to work in it"
