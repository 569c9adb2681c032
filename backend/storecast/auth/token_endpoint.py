"""`POST /api/oauth/token`: access tokens for programs, by OAuth's client credentials grant (RFC 6749 §4.4).

Errors are OAuth's own (§5.2), not problem documents: the libraries that call this know no others.
"""

import base64
import binascii
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from storecast.auth import api_keys
from storecast.auth.errors import CredentialRefused

PATH = "/api/oauth/token"
MAX_BODY_BYTES = 8 * 1024
MEDIA_TYPE = "application/x-www-form-urlencoded"
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AccessTokenAnswer(BaseModel):
    """A token (RFC 6749 §5.1); ``expires_in`` is in seconds, ``scope`` a list with spaces."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "access_token": "eyJhbGciOi…",
                    "token_type": "Bearer",
                    "expires_in": 900,
                    "scope": "edit read",
                }
            ]
        }
    )

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str


class OAuthError(BaseModel):
    """A refusal (RFC 6749 §5.2)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"error": "invalid_client", "error_description": "the client is not known"}]
        }
    )

    error: Literal["invalid_request", "invalid_client", "invalid_scope", "unsupported_grant_type"]
    error_description: str


class _Refused(Exception):
    def __init__(self, error: str, description: str, *, basic: bool = False) -> None:
        super().__init__(description)
        self.error, self.description, self.basic = error, description, basic


router = APIRouter(tags=["oauth"])


async def _body(request: Request) -> bytes:
    return await request.body()


_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_id": {"type": "string", "description": "the key's id, `key_…`"},
                        "client_secret": {"type": "string", "description": "the key's secret, `sck_…`"},
                        "scope": {"type": "string", "description": "fewer scopes than the key has"},
                    },
                    "examples": [
                        {
                            "grant_type": "client_credentials",
                            "client_id": "key_0f9a5c3e1b8d6f2a",
                            "client_secret": "sck_0f9a5c3e1b8d6f2a_…",
                            "scope": "read",
                        }
                    ],
                }
            }
        },
    },
}


@router.post(
    PATH,
    response_model=AccessTokenAnswer,
    responses={"4XX": {"model": OAuthError, "description": "Refused, as RFC 6749 §5.2 says"}},
    openapi_extra=_FORM,
)
def issue_access_token(request: Request, body: Annotated[bytes, Depends(_body)]) -> JSONResponse:
    """Exchange an API key for an access token that lives at most 15 minutes. Asking again gives another.

    The key's id and secret come as HTTP Basic credentials or as `client_id` and `client_secret` in the form, not both.
    """
    try:
        granted = _grant(request, body)
    except _Refused as refused:
        headers = _NO_STORE | ({"WWW-Authenticate": 'Basic realm="storecast"'} if refused.basic else {})
        content = {"error": refused.error, "error_description": refused.description}
        status = 401 if refused.error == "invalid_client" else 400
        return JSONResponse(content, status_code=status, headers=headers)
    return JSONResponse(granted.model_dump(), headers=_NO_STORE)


def _grant(request: Request, body: bytes) -> AccessTokenAnswer:
    form = _form(request, body)
    client_id, secret, basic = _client(request, form)
    if "grant_type" not in form:
        raise _Refused("invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise _Refused("unsupported_grant_type", "only client_credentials is known")
    try:
        granted = api_keys.grant_token(client_id, secret, form.get("scope", "").split())
    except CredentialRefused as refused:
        raise _Refused("invalid_client", "the client is not known", basic=basic) from refused
    if granted is None:
        raise _Refused("invalid_scope", "the key does not have that scope")
    return AccessTokenAnswer(
        access_token=granted.token,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        expires_in=granted.expires_in_s,
        scope=" ".join(granted.scopes),
    )


def _form(request: Request, body: bytes) -> dict[str, str]:
    """The parameters, each once (§3.2); empty ones count as missing."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE or len(body) > MAX_BODY_BYTES:
        raise _Refused("invalid_request", f"send a form ({MEDIA_TYPE}) of at most {MAX_BODY_BYTES} bytes")
    try:
        pairs = parse_qsl(body.decode(), strict_parsing=bool(body), max_num_fields=20, errors="strict")
    except ValueError as error:
        raise _Refused("invalid_request", "the form cannot be read") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _Refused("invalid_request", "a parameter occurs twice")
    return form


def _client(request: Request, form: dict[str, str]) -> tuple[str, str, bool]:
    """Id and secret of the client, and whether they came as HTTP Basic, which takes them form-encoded (§2.3.1)."""
    header = request.headers.get("Authorization")
    if header is None:
        if not form.get("client_id") or not form.get("client_secret"):
            raise _Refused("invalid_client", "the client has not named itself", basic=True)
        return form["client_id"], form["client_secret"], False
    if "client_secret" in form:
        raise _Refused("invalid_request", "the client names itself in two ways")
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        name = colon = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise _Refused("invalid_client", "the Authorization header holds no Basic credentials", basic=True)
    client_id = unquote_plus(name)
    if form.get("client_id", client_id) != client_id:
        raise _Refused("invalid_request", "the client has two names")
    return client_id, unquote_plus(secret), True
