"""Global ids (`gid://shopify/Customer/7001`) and the number ranges that new objects take theirs from."""

from __future__ import annotations

import re

GID = re.compile(r"gid://shopify/([A-Za-z]+)/([0-9]+)(?:\?.*)?")

# Ranges far apart, as on the platform, so that an id of one type never opens an object of another.
FIRST_ID = {
    "Shop": 61_000_000_001,
    "StaffMember": 91_000_000_001,
    "Product": 8_100_000_000_001,
    "ProductVariant": 44_100_000_000_001,
    "Customer": 7_100_000_000_001,
    "Order": 5_500_000_000_001,
    "AppInstallation": 520_000_000_001,
    "WebPixel": 1_200_000_001,
    "BulkOperation": 4_200_000_000_001,
    "MarketingActivity": 150_000_000_001,
    "DiscountCodeNode": 1_390_000_000_001,
    "DiscountRedeemCodeBulkCreation": 990_000_001,
    "StoreCreditAccount": 62_000_001,
    "StoreCreditAccountCreditTransaction": 72_000_001,
    "Collection": 460_000_000_001,
    "AbandonedCheckout": 38_000_000_000_001,
    "Segment": 480_000_000_001,
    "WebhookSubscription": 1_800_000_000_001,
}


def gid(typename: str, number: int) -> str:
    return f"gid://shopify/{typename}/{number}"


def parse_gid(text: str) -> tuple[str, int] | None:
    """Type name and number, or None when the text is no global id."""
    match = GID.fullmatch(text)
    return (match[1], int(match[2])) if match else None


def number_of(text: str, typename: str) -> int | None:
    """The number of a global id of this type."""
    parsed = parse_gid(text)
    return parsed[1] if parsed and parsed[0] == typename else None
