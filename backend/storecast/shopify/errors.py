"""What can go wrong in a call to Shopify; the class says whether another try can help."""

from typing import Any, ClassVar

from storecast.kit.errors import Permanent, Retryable, Unauthenticated


class ShopifyUnreachable(Retryable):
    """No usable answer: the network, a 5xx or a 429 outlasted the retries."""

    code = "shopify_unreachable"
    title = "Shopify did not answer; try again soon"


class Throttled(Retryable):
    """The shop's query budget is spent; ``retry_after`` says when it has refilled."""

    code = "shopify_throttled"
    title = "Shopify asks us to slow down"


class TokenRefused(Permanent):
    """Shopify does not know the access token (401): it was revoked or the app is gone."""

    code = "shopify_token_refused"
    title = "Shopify no longer accepts our access to this store"


class AccessDenied(Permanent):
    """The token is good, but a scope or an approval is missing."""

    code = "shopify_access_denied"
    title = "Shopify does not let the app do this"


class ShopUnavailable(Permanent):
    """The shop is frozen (402), locked (423) or gone (404)."""

    code = "shop_unavailable"
    title = "The store is closed, frozen or locked"


class OperationRefused(Permanent):
    """Shopify did not execute the operation: its text, variables or form are wrong."""

    code = "shopify_operation_refused"
    title = "Shopify refused the operation"


class QueryTooCostly(OperationRefused):
    """A query costs more than any single one may, however full the bucket: ask for less at once."""

    code = "shopify_query_too_costly"


class AnswerTooLarge(Permanent):
    """The answer is longer than any of ours can be; it was not read to its end."""

    code = "shopify_answer_too_large"
    title = "Shopify's answer is larger than it may be"


class UserErrors(Permanent):
    """A mutation ran and refused its input; ``codes`` and ``messages`` are Shopify's."""

    code = "shopify_user_errors"
    title = "Shopify refused the input"

    def __init__(self, operation: str, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        self.codes = {str(error["code"]) for error in errors if error.get("code")}
        messages = "; ".join(str(error.get("message", "")) for error in errors)
        super().__init__(f"{operation}: {messages}", codes=sorted(self.codes))


class GrantRefused(Permanent):
    """The token endpoint answered with an OAuth error (RFC 6749 §5.2); ``error`` is its code."""

    status = 502
    code = "shopify_grant_refused"
    title = "Shopify did not grant access"

    def __init__(self, error: str) -> None:
        self.error = error
        super().__init__(f"the token endpoint answered {error}")


class IdTokenRefused(Unauthenticated):
    """An ID token is missing, expired, foreign or forged."""

    code = "id_token_refused"
    title = "The sign-in from Shopify is no longer valid"
    headers: ClassVar[dict[str, str]] = {"X-Shopify-Retry-Invalid-Session-Request": "1"}
    """App Bridge sends the request again with a fresh token when an answer carries this."""


class SignatureRefused(Unauthenticated):
    """A query string's HMAC or timestamp does not hold."""

    code = "signature_refused"
    title = "The link does not come from Shopify or is too old"
