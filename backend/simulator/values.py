"""Scalars as the Admin API prints them."""

from __future__ import annotations

from typing import Any


def decimal_text(minor: int) -> str:
    """The `Decimal` scalar: `1250` is `12.5`, `1000` is `10.0`."""
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    whole, cents = divmod(minor, 100)
    if cents % 10:
        return f"{sign}{whole}.{cents:02d}"
    return f"{sign}{whole}.{cents // 10}"


def minor_of(text: Any) -> int:
    """Minor units of a decimal text or number, rounded half away from zero."""
    from_text = str(text)
    sign = -1 if from_text.startswith("-") else 1
    whole, _, fraction = from_text.lstrip("+-").partition(".")
    digits = (fraction + "000")[:3]
    return sign * (int(whole or "0") * 100 + int(digits[:2]) + (1 if digits[2] >= "5" else 0))


def money_v2(minor: int, currency: str) -> dict[str, Any]:
    return {"amount": decimal_text(minor), "currencyCode": currency}


def money_bag(minor: int, currency: str) -> dict[str, Any]:
    amount = money_v2(minor, currency)
    return {"shopMoney": amount, "presentmentMoney": amount}
