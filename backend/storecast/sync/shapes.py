"""The lines of bulk results as typed structs, and the records that the domain modules take.

A field that the app may be refused (protected customer data) is optional: null there is an answer, not an error.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from storecast.customers.records import CustomerRecord
from storecast.kit.ids import public_id
from storecast.kit.money import exponent, to_minor
from storecast.orders.records import LineRecord, OrderRecord
from storecast.products.records import ProductRecord, VariantRecord

MAX_MINOR = 2**53
"""More than any shop's order: a larger number is a mistake, and must not break the chunk at the database."""

Quantity = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Shape(msgspec.Struct, rename="camel", gc=False):
    """A GraphQL object; unknown fields are skipped."""


class Email(Shape):
    email_address: str
    marketing_state: str = "NOT_SUBSCRIBED"
    marketing_opt_in_level: str | None = None
    marketing_updated_at: datetime | None = None
    open_tracking_level: str | None = None


class SmsConsent(Shape):
    state: str | None = None
    opt_in_level: str | None = None
    updated_at: datetime | None = None


class Phone(Shape):
    phone_number: str
    sms_marketing_consent: SmsConsent | None = None
    # What the consent was told by before 2026-10.
    marketing_state: str | None = None
    marketing_opt_in_level: str | None = None
    marketing_updated_at: datetime | None = None


class Address(Shape):
    city: str | None = None
    province: str | None = None
    country_code_v2: str | None = msgspec.field(default=None, name="countryCodeV2")


class Customer(Shape):
    id: str
    updated_at: datetime
    created_at: datetime | None = None
    first_name: str | None = None
    last_name: str | None = None
    locale: str | None = None
    tags: list[str] = []
    default_email_address: Email | None = None
    default_phone_number: Phone | None = None
    default_address: Address | None = None


class Amount(Shape):
    amount: str
    currency_code: str | None = None


class MoneyBag(Shape):
    shop_money: Amount


class Reference(Shape):
    id: str


class ShippedImage(Shape):
    url: str | None = None


class Preview(Shape):
    image: ShippedImage | None = None


class Media(Shape):
    preview: Preview | None = None


class PriceRange(Shape):
    min_variant_price: Amount


class Product(Shape):
    id: str
    title: str
    handle: str
    updated_at: datetime
    price_range_v2: PriceRange = msgspec.field(name="priceRangeV2")
    status: str = "ACTIVE"
    vendor: str | None = None
    product_type: str | None = None
    tags: list[str] = []
    featured_media: Media | None = None


class Variant(Shape):
    id: str
    title: str
    price: str
    parent_id: str = msgspec.field(name="__parentId")
    sku: str | None = None


class Order(Shape):
    id: str
    name: str
    processed_at: datetime
    updated_at: datetime
    total_price_set: MoneyBag
    email: str | None = None
    test: bool = False
    cancelled_at: datetime | None = None
    display_financial_status: str | None = None
    display_fulfillment_status: str | None = None
    discount_codes: list[str] = []
    cart_token: str | None = None
    checkout_token: str | None = None
    customer: Reference | None = None
    subtotal_price_set: MoneyBag | None = None
    total_discounts_set: MoneyBag | None = None
    total_tax_set: MoneyBag | None = None
    total_shipping_price_set: MoneyBag | None = None
    total_refunded_set: MoneyBag | None = None
    customer_journey_summary: msgspec.Raw = msgspec.Raw()


class Line(Shape):
    id: str
    title: str
    quantity: Quantity
    original_unit_price_set: MoneyBag
    parent_id: str = msgspec.field(name="__parentId")
    product: Reference | None = None
    variant: Reference | None = None


_customer = msgspec.json.Decoder(Customer)
_product = msgspec.json.Decoder(Product)
_variant = msgspec.json.Decoder(Variant)
_order = msgspec.json.Decoder(Order)
_line = msgspec.json.Decoder(Line)

_EMAIL_STATES = {
    "SUBSCRIBED": "subscribed",
    "NOT_SUBSCRIBED": "not_subscribed",
    "UNSUBSCRIBED": "unsubscribed",
    "PENDING": "pending",
    "INVALID": "invalid",
}


_SMS_STATES = {
    "SUBSCRIBED": "subscribed",
    "NOT_SUBSCRIBED": "not_subscribed",
    "NEVER_SUBSCRIBED": "not_subscribed",
    "UNSUBSCRIBED": "unsubscribed",
    "PENDING": "pending",
    "REDACTED": "redacted",
}


def read_customer(line: bytes, _currency: str) -> CustomerRecord:
    """The customer of a bulk line."""
    customer = _customer.decode(line)
    email, phone, address = (
        customer.default_email_address,
        customer.default_phone_number,
        customer.default_address,
    )
    sms = _sms_consent(phone)
    level = email.marketing_opt_in_level if email else None
    return CustomerRecord(
        public_id("cus"),
        _kind(customer.id, "Customer"),
        email.email_address if email else None,
        phone.phone_number if phone else None,
        customer.first_name,
        customer.last_name,
        customer.locale,
        address.country_code_v2 if address else None,
        address.province if address else None,
        address.city if address else None,
        customer.tags,
        _EMAIL_STATES[email.marketing_state] if email else None,
        level.lower() if level else None,
        email.marketing_updated_at if email else None,
        _SMS_STATES[sms.state] if sms.state else None,
        email.open_tracking_level != "OPTED_OUT" if email else None,
        customer.created_at,
        _aware(customer.updated_at),
        sms.opt_in_level.lower() if sms.opt_in_level else None,
        sms.updated_at,
    )


def _sms_consent(phone: Phone | None) -> SmsConsent:
    if phone is None:
        return SmsConsent()
    flat = SmsConsent(phone.marketing_state, phone.marketing_opt_in_level, phone.marketing_updated_at)
    return phone.sms_marketing_consent or flat


def read_product(line: bytes, _currency: str) -> ProductRecord:
    """The product of a bulk line."""
    product = _product.decode(line)
    price = product.price_range_v2.min_variant_price
    currency = price.currency_code or _currency
    preview = product.featured_media.preview if product.featured_media else None
    image = preview.image if preview else None
    return ProductRecord(
        _kind(product.id, "Product"),
        product.title,
        product.handle,
        product.vendor or None,
        product.product_type or None,
        product.status.lower(),
        product.tags,
        image.url if image else None,
        _minor(price.amount, currency),
        currency,
        _aware(product.updated_at),
    )


def read_variant(line: bytes, currency: str) -> VariantRecord:
    """The variant of a bulk line; it names its product."""
    variant = _variant.decode(line)
    return VariantRecord(
        _kind(variant.parent_id, "Product"),
        _kind(variant.id, "ProductVariant"),
        variant.title,
        variant.sku,
        _minor(variant.price, currency),
    )


def read_order(line: bytes, shop_currency: str) -> OrderRecord:
    """The order of a bulk line."""
    order = _order.decode(line)
    currency = order.total_price_set.shop_money.currency_code or shop_currency
    financial, fulfillment = order.display_financial_status, order.display_fulfillment_status
    return OrderRecord(
        _kind(order.id, "Order"),
        order.name,
        order.customer.id if order.customer else None,
        order.email,
        currency,
        _bag(order.subtotal_price_set, currency),
        _bag(order.total_discounts_set, currency),
        _bag(order.total_tax_set, currency),
        _bag(order.total_shipping_price_set, currency),
        _minor(order.total_price_set.shop_money.amount, currency),
        _bag(order.total_refunded_set, currency),
        financial.lower() if financial else None,
        fulfillment.lower() if fulfillment else None,
        order.test,
        order.cancelled_at,
        _aware(order.processed_at),
        order.discount_codes,
        order.cart_token,
        order.checkout_token,
        None,
        _journey(order.customer_journey_summary),
        _aware(order.updated_at),
    )


def read_line(line: bytes, currency: str) -> LineRecord:
    """The line item of a bulk line; it names its order."""
    item = _line.decode(line)
    price = item.original_unit_price_set.shop_money
    return LineRecord(
        _kind(item.parent_id, "Order"),
        _kind(item.id, "LineItem"),
        item.product.id if item.product else None,
        item.variant.id if item.variant else None,
        item.title,
        item.quantity,
        _minor(price.amount, price.currency_code or currency),
    )


def _kind(gid: str, kind: str) -> str:
    if not gid.startswith(f"gid://shopify/{kind}/"):
        raise ValueError(f"not a {kind} id")
    return gid


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant without time zone")
    return instant


def _bag(bag: MoneyBag | None, currency: str) -> int:
    return _minor(bag.shop_money.amount, currency) if bag is not None else 0


def _minor(amount: str, currency: str) -> int:
    # Shopify writes "12.50" for two decimals: joining the digits is a quarter of the time that Decimal takes.
    whole, _, fraction = amount.partition(".")
    if len(fraction) == 2 and whole.isdigit() and fraction.isdigit() and exponent(currency) == 2:
        minor = int(whole + fraction)
    else:
        minor = to_minor(amount, currency)
    if not -MAX_MINOR < minor < MAX_MINOR:
        raise ValueError("not a plausible amount")
    return minor


def _journey(raw: msgspec.Raw) -> str | None:
    """The journey as Shopify wrote it: attribution reads it later."""
    text = bytes(raw).decode()
    return None if text in ("", "null") else text
