"""The web pixel of a shop: made, kept to what it should be, switched off.

What Shopify has is compared with the shop's public key and the edge's address, and written only when it differs. A
refusal is recorded with its reason and not raised: people are told on the settings page what would mend it.
"""

import json
from typing import Any

import structlog

from storecast.config.settings import get_settings
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied, OperationRefused, UserErrors
from storecast.shops import features, service, tokens
from storecast.shops.features import Feature
from storecast.shops.models import Shop
from storecast.shops.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

Refusal = UserErrors | AccessDenied | OperationRefused


def activate(unit_of_work: UnitOfWork, shop_id: ShopId) -> Shop:
    """Somebody wants the pixel: make Shopify load it on the storefront. Safe to repeat."""
    with unit_of_work() as session:
        service.get(session, shop_id).pixel_wanted = True
    return maintain(unit_of_work, shop_id)


def maintain(unit_of_work: UnitOfWork, shop_id: ShopId) -> Shop:
    """Bring the pixel to what it should be unless somebody has switched it off. Safe to repeat."""
    with unit_of_work() as session:
        shop = service.get(session, shop_id)
        if not shop.pixel_wanted:
            return shop
        lacking = features.lacking(shop, Feature.PIXEL)
        if lacking:
            return service.record_pixel_refusal(
                session, shop_id, "scopes_missing", f"missing: {', '.join(lacking)}"
            )
        wanted = {"accountID": shop.pixel_key, "endpoint": get_settings().edge_url}
    client = tokens.admin_client(unit_of_work, shop_id)
    try:
        gid = _put(client, wanted)
    except (UserErrors, AccessDenied, OperationRefused) as refused:
        log.warning("pixel_refused", shop_id=shop_id, error_code=refused.code)
        with unit_of_work() as session:
            return service.record_pixel_refusal(session, shop_id, _reason(refused), refused.detail)
    with unit_of_work() as session:
        return service.record_pixel(session, shop_id, gid=gid)


def deactivate(unit_of_work: UnitOfWork, shop_id: ShopId) -> Shop:
    """Take the pixel off the storefront; it stays off until somebody activates it. Safe to repeat."""
    client = tokens.admin_client(unit_of_work, shop_id)
    found = _find(client)
    if found is not None:
        try:
            client.mutate("web_pixel_delete", {"id": found["id"]})
        except UserErrors as refused:
            if "NOT_FOUND" not in refused.codes:
                raise
    with unit_of_work() as session:
        return service.record_pixel_off(session, shop_id)


def _reason(refused: Refusal) -> str:
    if isinstance(refused, AccessDenied):
        return "scopes_missing"
    if isinstance(refused, UserErrors) and "NO_EXTENSION" in refused.codes:
        return "not_deployed"
    return "refused"


def _put(client: AdminClient, wanted: dict[str, str]) -> str:
    """Adopt the pixel that is there, correcting it when it is not as wanted, else create one; its gid."""
    existing = _find(client)
    if existing is None:
        try:
            return _send(client, "web_pixel_create", wanted)
        except UserErrors as refused:
            if "TAKEN" not in refused.codes:
                raise
        existing = client.execute("web_pixel").data["webPixel"]
    elif _settings(existing) == wanted:
        return str(existing["id"])
    else:
        log.info("pixel_corrected", gid=existing["id"])
    return _send(client, "web_pixel_update", wanted, id=existing["id"])


def _find(client: AdminClient) -> dict[str, Any] | None:
    """The app's pixel in the shop. Whether its absence is null or an error the reference does not say: both are."""
    try:
        found: dict[str, Any] | None = client.execute("web_pixel").data["webPixel"]
    except OperationRefused:
        return None
    return found


def _settings(pixel: dict[str, Any]) -> Any:
    """Shopify gives settings back as an object or as its text."""
    settings = pixel["settings"]
    if not isinstance(settings, str):
        return settings
    try:
        return json.loads(settings)
    except ValueError:
        return None


def _send(client: AdminClient, operation: str, settings: dict[str, str], **variables: Any) -> str:
    try:
        payload = client.mutate(operation, {**variables, "settings": settings})
    except UserErrors as refused:
        # The schema types settings as JSON, yet this code exists for strings that do not parse: if an object is
        # not what Shopify wants, its text is.
        if "INVALID_CONFIGURATION_JSON" not in refused.codes:
            raise
        payload = client.mutate(operation, {**variables, "settings": json.dumps(settings)})
    return str(payload["webPixel"]["id"])
