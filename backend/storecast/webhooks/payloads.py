"""What a person may see of a payload: its shape, ids, amounts and states, and nothing that says who somebody is.

Secrets, addresses and numbers go by the rules of `kit.masking`. Payloads also hold whole people (the customer, where
they live, whom they send to), of whom only what is named here is shown: a field that Shopify adds stays hidden.
"""

import re
from typing import Any

from storecast.kit.masking import MASK, masked

_PEOPLE = re.compile(
    r"^(?:customer|user|default_address|billing_address|shipping_address|origin_address|destination|client_details|"
    r"addresses|staff_note|note|note_attributes|email_address|shop_owner|receipt|payment_details|landing_site|"
    r"landing_site_ref|referring_site|order_status_url|abandoned_checkout_url|browser_ip|sms_marketing_phone|"
    r"latitude|longitude|company|display_name|reason|properties)$"
)
_TELLS_NOBODY = re.compile(
    r"^(?:id|.*_id|admin_graphql_api_id|.*_at|state|currency|country_code|tax_exempt|tax_exemptions|verified_email|"
    r"default|.*_marketing_consent|opt_in_level|orders_count|total_spent|last_order_id)$"
)
_PERSON_TOPICS = ("customers/", "customer.")


def shown(topic: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as the page of its delivery shows it."""
    if topic.startswith(_PERSON_TOPICS):
        kept = {"customer", "tags", "data_request", "orders_to_redact", "orders_requested", "shop_domain"}
        kept |= {
            "customerId",
            "numberOfOrders",
            "amountSpent",
            "lastOrderId",
            "occurredAt",
            "status",
            "errors",
        }
        kept |= {key for key in payload if key.startswith("admin_graphql_api_")}
        return masked(
            {
                key: _within(key, value) if key in kept else _person(key, value)
                for key, value in payload.items()
            }
        )
    return masked({key: _within(key, value) for key, value in payload.items()})


def _within(key: str, value: Any) -> Any:
    if _PEOPLE.match(key):
        return _hidden(value)
    if isinstance(value, dict):
        return {inner: _within(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_within(key, item) for item in value]
    return value


def _hidden(value: Any) -> Any:
    """A person: null stays null, since that nothing is known gives nobody away."""
    if isinstance(value, dict):
        return {key: _person(key, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return MASK if value not in (None, "") else value


def _person(key: str, value: Any) -> Any:
    if _TELLS_NOBODY.match(key):
        return _within("", value)
    return value if isinstance(value, bool) else _hidden(value)
