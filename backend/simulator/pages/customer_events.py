"""The data of a storefront's customer events, in the shapes that a web pixel receives.

Invariants: ids are digits as text, amounts are numbers in the shop's currency, a token is the one that the order
webhook will carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from simulator.state.products import Products
from simulator.state.records import Cart, Customer, Line, Order, Product, Shop, Variant

Data: TypeAlias = dict[str, Any]


def shop_data(shop: Shop, storefront_url: str) -> Data:
    return {
        "countryCode": "US",
        "myshopifyDomain": shop.domain,
        "name": shop.name,
        "paymentSettings": {"currencyCode": shop.currency},
        "storefrontUrl": storefront_url,
    }


def money_data(minor: int, currency: str) -> Data:
    return {"amount": minor / 100, "currencyCode": currency}


def variant_data(product: Product, variant: Variant, currency: str) -> Data:
    return {
        "id": str(variant.id),
        "image": {"src": product.image_url},
        "price": money_data(variant.price_minor, currency),
        "product": {
            "id": str(product.id),
            "title": product.title,
            "type": product.product_type,
            "untranslatedTitle": product.title,
            "url": f"/products/{product.handle}",
            "vendor": product.vendor,
        },
        "sku": variant.sku,
        "title": variant.title,
        "untranslatedTitle": variant.title,
    }


def line_data(products: Products, line: Line, currency: str) -> Data | None:
    """A cart line, or None for a variant that the shop no longer sells."""
    variant, product = products.variant(line.variant_id), products.product_of(line.variant_id)
    if variant is None or product is None:
        return None
    return {
        "cost": {
            "totalAmount": money_data(line.quantity * line.unit_price_minor - line.discount_minor, currency)
        },
        "merchandise": variant_data(product, variant, currency),
        "quantity": line.quantity,
    }


def cart_data(products: Products, cart: Cart, currency: str) -> Data:
    lines = [data for line in cart.line_items if (data := line_data(products, line, currency))]
    return {
        "attributes": [],
        "cost": {"totalAmount": money_data(cart.total_minor, currency)},
        "id": cart.token,
        "lines": lines,
        "totalQuantity": sum(line.quantity for line in cart.line_items),
    }


def checkout_data(
    products: Products, shop: Shop, cart: Cart, *, shipping_minor: int, order: Order | None = None,
    customer: Customer | None = None, accepts_marketing: bool = False,
) -> Data:  # fmt: skip
    """A checkout from its first page to the placed order; what the order charged replaces what the cart expects."""
    lines: Sequence[Line] = order.line_items if order else cart.line_items
    subtotal = order.subtotal_minor if order else cart.total_minor
    total = order.total_minor if order else subtotal + shipping_minor
    return {
        "attributes": [],
        "billingAddress": None,
        "buyerAcceptsEmailMarketing": bool(order.accepts_marketing) if order else accepts_marketing,
        "buyerAcceptsSmsMarketing": False,
        "currencyCode": shop.currency,
        "delivery": None,
        "discountApplications": [],
        "discountsAmount": money_data(order.discount_minor if order else 0, shop.currency),
        "email": order.email if order else cart.email,
        "lineItems": [_checkout_line(products, line, shop.currency) for line in lines],
        "localization": {
            "country": {"isoCode": "US"},
            "language": {"isoCode": "en"},
            "market": {"handle": "us", "id": "1"},
        },
        "order": _order_data(order, customer),
        "phone": None,
        "shippingAddress": None,
        "shippingLine": {"price": money_data(shipping_minor, shop.currency)},
        "smsMarketingPhone": None,
        "subtotalPrice": money_data(subtotal, shop.currency),
        "token": cart.checkout_token,
        "totalPrice": money_data(total, shop.currency),
        "totalTax": money_data(0, shop.currency),
        "transactions": _transactions(order, shop) if order else [],
    }


def _checkout_line(products: Products, line: Line, currency: str) -> Data:
    variant, product = products.variant(line.variant_id), products.product_of(line.variant_id)
    known = variant is not None and product is not None
    return {
        "discountAllocations": [],
        "finalLinePrice": money_data(line.quantity * line.unit_price_minor - line.discount_minor, currency),
        "id": str(line.variant_id),
        "properties": [],
        "quantity": line.quantity,
        "sellingPlanAllocation": None,
        "title": product.title if product else line.title,
        "variant": variant_data(product, variant, currency) if known and product and variant else None,
    }


def _order_data(order: Order | None, customer: Customer | None) -> Data | None:
    if order is None:
        return None
    buyer = {"id": str(customer.id), "isFirstOrder": customer.orders_count <= 1} if customer else None
    return {"customer": buyer, "id": str(order.id)}


def _transactions(order: Order, shop: Shop) -> list[Data]:
    return [
        {
            "amount": money_data(order.total_minor, shop.currency),
            "gateway": "bogus",
            "paymentMethod": {"name": "Simulated card", "type": "creditCard"},
        }
    ]
