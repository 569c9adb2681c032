"""Shop domains: whatever names a shop from outside passes here before it reaches a query, a URL or a header."""

import re

from shopify.utils.shop_url import sanitize_shop_domain

MAX_LENGTH = 255
"""The longest name that DNS allows."""

_GIVEN = re.compile(r"([a-zA-Z0-9][a-zA-Z0-9-]{0,98})\.myshopify\.com/*")
_SHOP_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,98}\.myshopify\.com")


def find_shop_domain(value: str | None) -> str | None:
    """The canonical ``name.myshopify.com``, or None when the value is no shop's domain.

    Refuses whatever Shopify's own library refuses, which takes capitals in the name and slashes at the end and nothing
    else (`sanitizeShop` of @shopify/shopify-api 15), and its other domains: no shop that installs an app has one.
    """
    if not value or len(value) > MAX_LENGTH:
        return None
    found = _GIVEN.fullmatch(value)
    return f"{found[1].lower()}.myshopify.com" if found else None


def read_typed_domain(value: str | None) -> str | None:
    """The domain that a person means who types a name, an address, or the domain with a space too many.

    The library's function lower-cases, adds the suffix to a bare name and drops the scheme; it refuses one-letter
    names, fails on a bracket, and its pattern lets a trailing newline through, hence the full match of our own.
    """
    if not value or len(value) > MAX_LENGTH:
        return None
    try:
        candidate = sanitize_shop_domain(value) or value.strip().lower()
    except ValueError:
        return None
    return candidate if _SHOP_DOMAIN.fullmatch(candidate) else None
