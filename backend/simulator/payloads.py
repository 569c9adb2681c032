"""Webhook bodies as the platform writes them: snake case, decimal strings, numeric ids beside global ones."""

from __future__ import annotations

import json
import uuid
from typing import Any

from simulator.clock import now_text
from simulator.gids import gid
from simulator.state.products import Products
from simulator.state.records import BulkOperation, Customer, Order, Product, Shop, tag_list
from simulator.values import decimal_text


def money(minor: int) -> str:
    """REST-shaped payloads always show two digits."""
    return f"{minor / 100:.2f}"


def _money_set(minor: int, currency: str) -> dict[str, Any]:
    amount = {"amount": money(minor), "currency_code": currency}
    return {"shop_money": amount, "presentment_money": dict(amount)}


def shop(shop: Shop) -> dict[str, Any]:
    return {
        "id": shop.id,
        "name": shop.name,
        "email": shop.email,
        "domain": shop.domain,
        "myshopify_domain": shop.domain,
        "currency": shop.currency,
        "iana_timezone": shop.timezone,
        "plan_name": shop.plan.lower(),
        "plan_display_name": shop.plan,
        "shop_owner": "Olivia Owner",
        "created_at": shop.created_at,
        "updated_at": now_text(),
    }


def scopes_update(shop: Shop, previous: list[str], current: list[str]) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "shop_id": gid("Shop", shop.id),
        "previous": previous,
        "current": current,
        "updated_at": now_text(),
    }


def address(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "customer_id": customer.id,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "name": customer.display_name,
        "company": None,
        "address1": customer.address1,
        "address2": None,
        "city": customer.city,
        "province": customer.province,
        "province_code": customer.province_code,
        "country": customer.country_code,
        "country_code": customer.country_code,
        "zip": customer.zip,
        "phone": customer.phone,
        "default": True,
    }


def customer(shop: Shop, customer: Customer) -> dict[str, Any]:
    """Without consent, order count and spend: the platform took them out of these topics."""
    return {
        "id": customer.id,
        "admin_graphql_api_id": gid("Customer", customer.id),
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "email": customer.email,
        "phone": customer.phone,
        "state": "disabled",
        "note": customer.note,
        "verified_email": True,
        "multipass_identifier": None,
        "tax_exempt": False,
        "tax_exemptions": [],
        "currency": shop.currency,
        "addresses": [address(customer)] if customer.city else [],
        "default_address": address(customer) if customer.city else None,
    }


def tags_changed(customer: Customer, tags: list[str]) -> dict[str, Any]:
    return {"customerId": gid("Customer", customer.id), "tags": tags, "occurredAt": now_text()}


def segment_member(shop: Shop, customer: Customer, segment: str) -> dict[str, Any]:
    return {
        "shop_id": gid("Shop", shop.id),
        "customer_id": gid("Customer", customer.id),
        "segment_id": segment,
    }


def deleted(typename: str, number: int) -> dict[str, Any]:
    return {"id": number, "admin_graphql_api_id": gid(typename, number)}


def email_consent(customer: Customer) -> dict[str, Any]:
    return {
        "customer_id": customer.id,
        "email_address": customer.email,
        "email_marketing_consent": {
            "state": customer.email_state.lower(),
            "opt_in_level": customer.email_opt_in_level.lower() if customer.email_opt_in_level else None,
            "consent_updated_at": customer.email_consent_at,
        },
    }


def sms_consent(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "phone": customer.phone,
        "sms_marketing_consent": {
            "state": customer.sms_state.lower(),
            "opt_in_level": "single_opt_in" if customer.sms_consent_at else None,
            "consent_updated_at": customer.sms_consent_at,
            "consent_collected_from": "SHOPIFY" if customer.sms_consent_at else None,
        },
    }


def purchasing_summary(shop: Shop, customer: Customer) -> dict[str, Any]:
    return {
        "customerId": gid("Customer", customer.id),
        "numberOfOrders": str(customer.orders_count),
        "amountSpent": {"amount": decimal_text(customer.spent_minor), "currencyCode": shop.currency},
        "lastOrderId": gid("Order", customer.last_order_id) if customer.last_order_id else None,
        "occurredAt": now_text(),
    }


def order(shop: Shop, order: Order, customer_row: Customer | None, products: Products) -> dict[str, Any]:
    quantities = sum(line.quantity * line.unit_price_minor for line in order.line_items)
    codes = [
        {"code": code, "amount": money(order.discount_minor), "type": "percentage"}
        for code in json.loads(order.discount_codes)
    ]
    return {
        "id": order.id,
        "admin_graphql_api_id": gid("Order", order.id),
        "app_id": None,
        "browser_ip": None,
        "buyer_accepts_marketing": bool(order.accepts_marketing),
        "cancel_reason": "customer" if order.cancelled_at else None,
        "cancelled_at": order.cancelled_at,
        "cart_token": order.cart_token,
        "checkout_token": order.checkout_token,
        "closed_at": None,
        "confirmed": True,
        "contact_email": order.email,
        "created_at": order.created_at,
        "currency": order.currency,
        "presentment_currency": order.currency,
        "current_subtotal_price": money(order.subtotal_minor),
        "current_total_discounts": money(order.discount_minor),
        "current_total_price": money(order.total_minor - order.refunded_minor),
        "current_total_tax": money(order.tax_minor),
        "customer_locale": customer_row.locale if customer_row else "en",
        "discount_codes": codes,
        "email": order.email,
        "financial_status": order.financial_status.lower(),
        "fulfillment_status": None
        if order.fulfillment_status == "UNFULFILLED"
        else order.fulfillment_status.lower(),
        "landing_site": order.landing_site,
        "name": order.name,
        "note": None,
        "note_attributes": [],
        "number": order.number - 1000,
        "order_number": order.number,
        "order_status_url": f"https://{shop.domain}/orders/{order.checkout_token}",
        "payment_gateway_names": ["bogus"],
        "phone": None,
        "processed_at": order.created_at,
        "referring_site": order.referring_site,
        "source_name": "web",
        "subtotal_price": money(order.subtotal_minor),
        "subtotal_price_set": _money_set(order.subtotal_minor, order.currency),
        "tags": "",
        "tax_lines": [],
        "taxes_included": False,
        "test": bool(order.test),
        "token": order.checkout_token,
        "total_discounts": money(order.discount_minor),
        "total_discounts_set": _money_set(order.discount_minor, order.currency),
        "total_line_items_price": money(quantities),
        "total_line_items_price_set": _money_set(quantities, order.currency),
        "total_price": money(order.total_minor),
        "total_price_set": _money_set(order.total_minor, order.currency),
        "total_shipping_price_set": _money_set(order.shipping_minor, order.currency),
        "total_tax": money(order.tax_minor),
        "total_tax_set": _money_set(order.tax_minor, order.currency),
        "total_weight": 0,
        "updated_at": order.updated_at,
        "billing_address": address(customer_row) if customer_row and customer_row.city else None,
        "shipping_address": address(customer_row) if customer_row and customer_row.city else None,
        "customer": customer(shop, customer_row) if customer_row else None,
        "discount_applications": [
            {"type": "discount_code", "code": code["code"], "target_type": "line_item"} for code in codes
        ],
        "fulfillments": _fulfillments(order),
        "line_items": _line_items(order, products),
        "refunds": _refunds(order),
        "shipping_lines": [
            {"id": order.id, "title": "Standard", "code": "Standard", "price": money(order.shipping_minor)}
        ],
    }


def _line_items(order: Order, products: Products) -> list[dict[str, Any]]:
    items = []
    for index, line in enumerate(order.line_items):
        variant, product = products.variant(line.variant_id), products.product_of(line.variant_id)
        line_id = order.line_id(index)
        items.append(
            {
                "id": line_id,
                "admin_graphql_api_id": gid("LineItem", line_id),
                "product_id": product.id if product else None,
                "variant_id": line.variant_id,
                "title": line.title or (product.title if product else ""),
                "variant_title": variant.title if variant else None,
                "name": line.title or (product.title if product else ""),
                "sku": variant.sku if variant else None,
                "vendor": product.vendor if product else None,
                "quantity": line.quantity,
                "current_quantity": line.quantity,
                "fulfillable_quantity": line.quantity,
                "fulfillment_status": None,
                "gift_card": False,
                "price": money(line.unit_price_minor),
                "price_set": _money_set(line.unit_price_minor, order.currency),
                "product_exists": product is not None,
                "requires_shipping": True,
                "taxable": True,
                "tax_lines": [],
                "total_discount": money(line.discount_minor),
                "total_discount_set": _money_set(line.discount_minor, order.currency),
                "discount_allocations": [],
            }
        )
    return items


def _fulfillments(order: Order) -> list[dict[str, Any]]:
    if order.fulfillment_status != "FULFILLED":
        return []
    return [
        {
            "id": order.id,
            "admin_graphql_api_id": gid("Fulfillment", order.id),
            "order_id": order.id,
            "status": "success",
            "shipment_status": "delivered",
            "created_at": order.created_at,
            "updated_at": order.updated_at,
        }
    ]


def _refunds(order: Order) -> list[dict[str, Any]]:
    if not order.refunded_minor:
        return []
    return [
        {
            "id": order.id,
            "admin_graphql_api_id": gid("Refund", order.id),
            "order_id": order.id,
            "created_at": order.updated_at,
            "refund_line_items": [],
            "transactions": [
                {
                    "id": order.refund_transaction_id,
                    "kind": "refund",
                    "status": "success",
                    "amount": money(order.refunded_minor),
                    "currency": order.currency,
                }
            ],
        }
    ]


def product(product: Product, products: Products) -> dict[str, Any]:
    return {
        "id": product.id,
        "admin_graphql_api_id": gid("Product", product.id),
        "title": product.title,
        "handle": product.handle,
        "body_html": product.description,
        "vendor": product.vendor,
        "product_type": product.product_type,
        "status": product.status.lower(),
        "tags": ", ".join(tag_list(product.tags)),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "published_at": product.created_at,
        "image": {"src": product.image_url} if product.image_url else None,
        "images": [],
        "variants": [
            {
                "id": variant.id,
                "admin_graphql_api_id": gid("ProductVariant", variant.id),
                "product_id": product.id,
                "title": variant.title,
                "sku": variant.sku,
                "price": money(variant.price_minor),
                "position": variant.position,
                "inventory_quantity": variant.inventory,
            }
            for variant in products.list_variants(product.id)
        ],
    }


def bulk_operation(operation: BulkOperation) -> dict[str, Any]:
    return {
        "admin_graphql_api_id": gid("BulkOperation", operation.id),
        "completed_at": operation.completed_at,
        "created_at": operation.created_at,
        "error_code": operation.error_code.lower() if operation.error_code else None,
        "status": operation.status.lower(),
        "type": "query",
    }


def compliance(topic: str, shop: Shop, customer: Customer | None, order_ids: list[int]) -> dict[str, Any]:
    """One of the three privacy topics; a customer is needed for two of them."""
    body: dict[str, Any] = {"shop_id": shop.id, "shop_domain": shop.domain}
    if topic == "shop/redact":
        return body
    if customer is None:
        raise ValueError(f"{topic} needs a customer")
    body["customer"] = {"id": customer.id, "email": customer.email, "phone": customer.phone}
    if topic == "customers/redact":
        return body | {"orders_to_redact": order_ids}
    return body | {"orders_requested": order_ids, "data_request": {"id": customer.id % 1_000_000}}
