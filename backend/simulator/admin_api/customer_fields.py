"""Customers, field by field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.admin_api.context import Context
from simulator.gids import gid
from simulator.state.records import Customer, tag_list
from simulator.values import money_v2

COUNTRY_NAMES = {
    "US": "United States", "CA": "Canada", "GB": "United Kingdom", "IE": "Ireland", "DE": "Germany", "AT": "Austria",
    "FR": "France", "NL": "Netherlands", "DK": "Denmark", "ES": "Spain", "IT": "Italy", "AU": "Australia",
    "JP": "Japan",
}  # fmt: skip


def address(customer: Customer, ctx: Context) -> dict[str, Any] | None:
    if not (customer.city or customer.country_code or customer.address1):
        return None
    return {
        "id": gid("MailingAddress", customer.id),
        "address1": customer.address1,
        "address2": None,
        "city": customer.city,
        "company": None,
        "country": COUNTRY_NAMES.get(customer.country_code or "", customer.country_code),
        "countryCode": customer.country_code,
        "countryCodeV2": customer.country_code,
        "firstName": customer.first_name,
        "lastName": customer.last_name,
        "name": customer.display_name,
        "phone": customer.phone,
        "province": customer.province,
        "provinceCode": customer.province_code,
        "zip": customer.zip,
        "coordinatesValidated": False,
    }


def _email_address(customer: Customer, ctx: Context) -> dict[str, Any] | None:
    if customer.email is None:
        return None
    origin = f"https://{ctx.shop.domain}"
    return {
        "emailAddress": customer.email,
        "marketingState": customer.email_state,
        "marketingOptInLevel": customer.email_opt_in_level,
        "marketingUpdatedAt": customer.email_consent_at,
        "marketingUnsubscribeUrl": f"{origin}/account/unsubscribe/{customer.id}",
        "openTrackingLevel": customer.open_tracking,
        "openTrackingUrl": f"{origin}/account/open/{customer.id}",
        "validFormat": customer.email_state != "INVALID",
        "sourceLocation": None,
    }


def _phone_number(customer: Customer, ctx: Context) -> dict[str, Any] | None:
    if customer.phone is None:
        return None
    consented = customer.sms_state != "NOT_SUBSCRIBED"
    return {
        "phoneNumber": customer.phone,
        "marketingState": customer.sms_state,
        "marketingOptInLevel": "SINGLE_OPT_IN" if consented else None,
        "marketingUpdatedAt": customer.sms_consent_at if consented else None,
        "marketingCollectedFrom": "SHOPIFY" if consented else None,
        "smsMarketingConsent": {
            "state": customer.sms_state if consented else "NEVER_SUBSCRIBED",
            "optInLevel": "SINGLE_OPT_IN" if consented else None,
            "updatedAt": customer.sms_consent_at if consented else None,
            "collectedFrom": "SHOPIFY" if consented else None,
            "sourceLocation": None,
        },
    }


def _email_consent(customer: Customer, ctx: Context) -> dict[str, Any] | None:
    if customer.email is None:
        return None
    return {
        "marketingState": customer.email_state,
        "marketingOptInLevel": customer.email_opt_in_level,
        "consentUpdatedAt": customer.email_consent_at,
        "sourceLocation": None,
    }


CUSTOMER: dict[str, Callable[[Any, Context], Any]] = {
    "id": lambda c, ctx: gid("Customer", c.id),
    "legacyResourceId": lambda c, ctx: str(c.id),
    "email": lambda c, ctx: c.email,
    "phone": lambda c, ctx: c.phone,
    "firstName": lambda c, ctx: c.first_name,
    "lastName": lambda c, ctx: c.last_name,
    "displayName": lambda c, ctx: c.display_name,
    "locale": lambda c, ctx: c.locale,
    "note": lambda c, ctx: c.note,
    "tags": lambda c, ctx: tag_list(c.tags),
    "state": lambda c, ctx: "DISABLED",
    "verifiedEmail": lambda c, ctx: c.email is not None,
    "validEmailAddress": lambda c, ctx: c.email is not None and c.email_state != "INVALID",
    "numberOfOrders": lambda c, ctx: str(c.orders_count),
    "amountSpent": lambda c, ctx: money_v2(c.spent_minor, ctx.shop.currency),
    "createdAt": lambda c, ctx: c.created_at,
    "updatedAt": lambda c, ctx: c.updated_at,
    "defaultEmailAddress": _email_address,
    "defaultPhoneNumber": _phone_number,
    "emailMarketingConsent": _email_consent,
    "defaultAddress": address,
    "addresses": lambda c, ctx: [found] if (found := address(c, ctx)) else [],
    "lastOrder": lambda c, ctx: (
        ctx.store.orders.find(ctx.shop.id, c.last_order_id) if c.last_order_id else None
    ),
    "unsubscribeUrl": lambda c, ctx: f"https://{ctx.shop.domain}/account/unsubscribe/{c.id}",
    "dataSaleOptOut": lambda c, ctx: bool(c.extra_fields.get("dataSaleOptOut", False)),
    "mergeable": lambda c, ctx: {
        "isMergeable": True,
        "errorFields": [],
        "reason": None,
        "mergeInProgress": None,
    },
}
