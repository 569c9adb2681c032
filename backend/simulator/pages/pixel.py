"""The app's web pixel on the storefront: when it may run, and the address of its bundle.

Invariant: the bundle runs only while the app is installed and has switched its pixel on with `webPixelCreate`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from simulator.pages.rendering import Site
from simulator.state.records import Shop

_STRICTEST = {"analytics": True, "marketing": True, "preferences": False, "sale_of_data": "disabled"}


def describe_pixel(site: Site, shop: Shop) -> dict[str, Any] | None:
    """What the page needs to start the pixel, or None when there is none to start."""
    pixel, bundle = site.store.pixels.find(shop.id), site.config.pixel_bundle
    if pixel is None or bundle is None or not bundle.is_file():
        return None
    return {
        "id": str(pixel.id),
        "settings": pixel.settings_fields(),
        "bundle": f"/shop/{shop.domain}/pixel.js?v={bundle.stat().st_mtime_ns}",
        "needs": _needed_consent(bundle),
    }


def _needed_consent(bundle: Path) -> list[str]:
    """The purposes that a visitor must allow, from the extension's own manifest beside `dist/`."""
    manifest = bundle.parent.parent / "shopify.extension.toml"
    declared = tomllib.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
    privacy = declared.get("customer_privacy", _STRICTEST)
    needed = [kind for kind in ("analytics", "marketing", "preferences") if privacy.get(kind)]
    return [*needed, *(["sale_of_data"] if privacy.get("sale_of_data") == "enabled" else [])]


def bundle_response(site: Site, request: Request) -> Response:
    shop = site.get_shop(request)
    if describe_pixel(site, shop) is None or site.config.pixel_bundle is None:
        return PlainTextResponse("no pixel is switched on\n", 404)
    source = site.config.pixel_bundle.read_text(encoding="utf-8")
    return Response(source, media_type="text/javascript", headers={"Cache-Control": "no-cache"})
