"""The API of API keys."""

from datetime import timedelta

from fastapi import APIRouter, Response

from storecast.auth import api_keys, schemas
from storecast.auth.models import ApiKey
from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPerson, Permission, TenantDb, require

router = APIRouter(prefix="/api-keys", tags=["api keys"])

_NO_STORE = "no-store"


@router.get("", dependencies=[require(Permission.MANAGE)])
def list_api_keys(
    db: TenantDb, principal: CurrentPerson, cursor: str | None = None
) -> Page[schemas.ApiKeyRow]:
    """The store's keys without their secrets, newest first, those that are over too."""
    keys, next_cursor = api_keys.list_page(db, principal.shop_id, cursor)
    return Page(items=[schemas.ApiKeyRow.model_validate(_row(key)) for key in keys], next_cursor=next_cursor)


@router.post("", status_code=201, dependencies=[require(Permission.MANAGE)])
def create_api_key(
    body: schemas.NewApiKey, db: TenantDb, principal: CurrentPerson, response: Response
) -> schemas.ApiKeyWithSecret:
    """Make a key; the secret is in this answer and nowhere else. 409 `too_many_keys` above 50 working ones."""
    made = api_keys.create(db, principal, name=body.name, scopes=body.scopes, expires_at=body.expires_at)
    response.headers["Cache-Control"] = _NO_STORE
    return _with_secret(made)


@router.post("/{key_id}/rotate", status_code=201, dependencies=[require(Permission.MANAGE)])
def rotate_api_key(
    key_id: str, body: schemas.KeyRotation, db: TenantDb, principal: CurrentPerson, response: Response
) -> schemas.ApiKeyWithSecret:
    """A new key of the same name and scopes; the old one works for `grace_s` more. 409 `key_over` when it is over."""
    made = api_keys.rotate(
        db, principal, key_id, grace=timedelta(seconds=body.grace_s), expires_at=body.expires_at
    )
    response.headers["Cache-Control"] = _NO_STORE
    return _with_secret(made)


@router.delete("/{key_id}", status_code=204, dependencies=[require(Permission.MANAGE)])
def revoke_api_key(key_id: str, db: TenantDb, principal: CurrentPerson) -> Response:
    """End a key, and the tokens that were issued for it, with the next request. Safe to repeat."""
    api_keys.revoke(db, principal, key_id)
    return Response(status_code=204)


def _with_secret(made: api_keys.Made) -> schemas.ApiKeyWithSecret:
    return schemas.ApiKeyWithSecret.model_validate({**_row(made.key), "secret": made.secret})


def _row(key: ApiKey) -> dict[str, object]:
    over = key.expires_at is not None and key.expires_at <= utcnow()
    return {
        "id": key.public_id,
        "name": key.name,
        "scopes": key.scopes,
        "state": "revoked" if key.revoked_at else "expired" if over else "working",
        "created_by": f"user:{key.created_by}",
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "rotated_from": key.rotated_from,
    }
