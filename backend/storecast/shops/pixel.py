"""The web pixel of a shop: made or brought up to date, with the shop's public key and the edge's address."""

import json
from typing import Any

import structlog

from storecast.config.settings import get_settings
from storecast.kit.types import ShopId
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import AccessDenied, OperationRefused, UserErrors
from storecast.shops import service, tokens
from storecast.shops.models import Shop
from storecast.shops.tokens import UnitOfWork

log = structlog.get_logger(__name__)


def activate(unit_of_work: UnitOfWork, shop_id: ShopId) -> Shop:
    """Make Shopify load the pixel on the storefront. Safe to repeat; a refusal is recorded, not raised."""
    client = tokens.admin_client(unit_of_work, shop_id)
    with unit_of_work() as session:
        shop = service.get(session, shop_id)
        gid, settings = shop.pixel_gid, {"accountID": shop.pixel_key, "endpoint": get_settings().edge_url}
    error = None
    try:
        gid = _put(client, gid, settings)
    except (UserErrors, AccessDenied, OperationRefused) as refused:
        error = refused.detail
        log.warning("pixel_refused", shop_id=shop_id, error_code=refused.code)
    with unit_of_work() as session:
        return service.record_pixel(session, shop_id, gid=gid, error=error)


def _put(client: AdminClient, gid: str | None, settings: dict[str, str]) -> str:
    """Update the pixel that we know, else create one, else adopt the one that is already there."""
    if gid is not None:
        try:
            return _send(client, "web_pixel_update", settings, id=gid)
        except UserErrors as refused:
            if "NOT_FOUND" not in refused.codes:
                raise
    try:
        return _send(client, "web_pixel_create", settings)
    except UserErrors as refused:
        if "TAKEN" not in refused.codes:
            raise
    existing = client.execute("web_pixel").data["webPixel"]
    return _send(client, "web_pixel_update", settings, id=existing["id"])


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
