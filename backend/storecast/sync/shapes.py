"""The lines of bulk results as typed structs, and the records that the domain modules take.

A field that the app may be refused (protected customer data) is optional: null there is an answer, not an error.
"""

from datetime import datetime
from functools import lru_cache
from typing import Annotated

import msgspec

from storecast.customers.records import CustomerRecord
from storecast.customers.shopify_segments import SegmentRecord
from storecast.kit.ids import public_id
from storecast.kit.money import exponent, to_minor
from storecast.orders.records import (
    CheckoutRecord,
    FulfillmentRecord,
    LineRecord,
    OrderDetails,
    OrderRecord,
    RefundRecord,
    TransactionRecord,
)
from storecast.products.records import (
    CollectionRecord,
    MembershipRecord,
    ProductRecord,
    VariantRecord,
)

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


class Collection(Shape):
    id: str
    title: str
    handle: str
    updated_at: datetime


class Member(Shape):
    id: str
    parent_id: str = msgspec.field(name="__parentId")


class FamilyMember(Shape):
    id: str
    parent_id: str | None = msgspec.field(default=None, name="__parentId")


class Transaction(Shape):
    id: str
    kind: str
    status: str
    amount_set: MoneyBag
    gateway: str | None = None
    test: bool = False
    created_at: datetime | None = None
    processed_at: datetime | None = None


class Refund(Shape):
    id: str
    total_refunded_set: MoneyBag
    created_at: datetime | None = None
    processed_at: datetime | None = None


class Fulfillment(Shape):
    id: str
    status: str
    display_status: str | None = None
    created_at: datetime | None = None
    delivered_at: datetime | None = None


class Checkout(Shape):
    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    total_price_set: MoneyBag
    subtotal_price_set: MoneyBag | None = None
    completed_at: datetime | None = None
    abandoned_checkout_url: str | None = None
    discount_codes: list[str] = []
    customer: Reference | None = None


class Segment(Shape):
    id: str
    name: str
    query: str
    last_edit_date: datetime


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
    transactions: list[Transaction] = []
    refunds: list[Refund] = []
    fulfillments: list[Fulfillment] = []


class Line(Shape):
    id: str
    title: str
    quantity: Quantity
    original_unit_price_set: MoneyBag
    parent_id: str = msgspec.field(name="__parentId")
    product: Reference | None = None
    variant: Reference | None = None


_ABANDONED_CHECKOUT = "gid://shopify/AbandonedCheckout/"
_COLLECTION = "gid://shopify/Collection/"
_CUSTOMER = "gid://shopify/Customer/"
_FULFILLMENT = "gid://shopify/Fulfillment/"
_LINE_ITEM = "gid://shopify/LineItem/"
_ORDER = "gid://shopify/Order/"
_ORDER_TRANSACTION = "gid://shopify/OrderTransaction/"
_PRODUCT = "gid://shopify/Product/"
_PRODUCT_VARIANT = "gid://shopify/ProductVariant/"
_REFUND = "gid://shopify/Refund/"
_SEGMENT = "gid://shopify/Segment/"

_customer = msgspec.json.Decoder(Customer)
_product = msgspec.json.Decoder(Product)
_variant = msgspec.json.Decoder(Variant)
_order = msgspec.json.Decoder(Order)
_line = msgspec.json.Decoder(Line)
_collection = msgspec.json.Decoder(Collection)
_member = msgspec.json.Decoder(Member)
_checkout = msgspec.json.Decoder(Checkout)
_segment = msgspec.json.Decoder(Segment)
_family_member = msgspec.json.Decoder(FamilyMember)

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
        _kind(customer.id, _CUSTOMER),
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
        _kind(product.id, _PRODUCT),
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
        _kind(variant.parent_id, _PRODUCT),
        _kind(variant.id, _PRODUCT_VARIANT),
        variant.title,
        variant.sku,
        _minor(variant.price, currency),
    )


def read_collection(line: bytes, _currency: str) -> CollectionRecord:
    """The collection of a bulk line."""
    found = _collection.decode(line)
    return CollectionRecord(_kind(found.id, _COLLECTION), found.title, found.handle, _aware(found.updated_at))


def read_member(line: bytes, _currency: str) -> MembershipRecord:
    """A product below its collection."""
    member = _member.decode(line)
    return MembershipRecord(_kind(member.parent_id, _COLLECTION), _kind(member.id, _PRODUCT))


def read_checkout(line: bytes, shop_currency: str) -> CheckoutRecord:
    """The abandoned checkout of a bulk line."""
    checkout = _checkout.decode(line)
    total = checkout.total_price_set.shop_money
    currency = total.currency_code or shop_currency
    return CheckoutRecord(
        _kind(checkout.id, _ABANDONED_CHECKOUT),
        checkout.name,
        checkout.customer.id if checkout.customer else None,
        checkout.abandoned_checkout_url,
        currency,
        _bag(checkout.subtotal_price_set, currency),
        _minor(total.amount, currency),
        checkout.discount_codes,
        _aware(checkout.created_at),
        checkout.completed_at,
        _aware(checkout.updated_at),
    )


def read_segment(line: bytes, _currency: str) -> SegmentRecord:
    """The segment of a bulk line."""
    segment = _segment.decode(line)
    return SegmentRecord(
        _kind(segment.id, _SEGMENT), segment.name, segment.query, _aware(segment.last_edit_date)
    )


def read_family(line: bytes) -> FamilyMember:
    """Whose child the object of a line is, if it is one."""
    return _family_member.decode(line)


def read_order(line: bytes, shop_currency: str, details: OrderDetails | None = None) -> OrderRecord:
    """The order of a bulk line; what comes inside it is added to ``details``, all of it or nothing."""
    order = _order.decode(line)
    currency = order.total_price_set.shop_money.currency_code or shop_currency
    record = _order_record(order, currency)
    if details is not None:
        _read_details(order, currency, details)
    return record


def _order_record(order: Order, currency: str) -> OrderRecord:
    financial, fulfillment = order.display_financial_status, order.display_fulfillment_status
    return OrderRecord(
        _kind(order.id, _ORDER),
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


def _read_details(order: Order, currency: str, details: OrderDetails) -> None:
    version = order.updated_at
    if not (order.transactions or order.refunds or order.fulfillments):
        return
    transactions = [
        TransactionRecord(
            order.id,
            _kind(found.id, _ORDER_TRANSACTION),
            found.kind.lower(),
            found.status.lower(),
            found.gateway,
            found.test,
            _minor(found.amount_set.shop_money.amount, currency),
            currency,
            found.processed_at or found.created_at,
            version,
        )
        for found in order.transactions
    ]
    refunds = [
        RefundRecord(
            order.id,
            _kind(found.id, _REFUND),
            _minor(found.total_refunded_set.shop_money.amount, currency),
            currency,
            found.processed_at or found.created_at,
            version,
        )
        for found in order.refunds
    ]
    fulfillments = [
        FulfillmentRecord(
            order.id,
            _kind(found.id, _FULFILLMENT),
            found.status.lower(),
            found.display_status.lower() if found.display_status else None,
            found.created_at,
            found.delivered_at,
            version,
        )
        for found in order.fulfillments
    ]
    details.transactions += transactions
    details.refunds += refunds
    details.fulfillments += fulfillments


def read_line(line: bytes, currency: str) -> LineRecord:
    """The line item of a bulk line; it names its order."""
    # Most lines of all files are these: no calls for what can be said here.
    item = _line.decode(line)
    parent_id, gid, product, variant = item.parent_id, item.id, item.product, item.variant
    if not (parent_id.startswith(_ORDER) and gid.startswith(_LINE_ITEM)):
        raise ValueError("an id of another kind")
    price = item.original_unit_price_set.shop_money
    return LineRecord(
        parent_id,
        gid,
        None if product is None else product.id,
        None if variant is None else variant.id,
        item.title,
        item.quantity,
        _minor(price.amount, price.currency_code or currency),
    )


def _kind(gid: str, prefix: str) -> str:
    if not gid.startswith(prefix):
        raise ValueError("an id of another kind")
    return gid


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant without time zone")
    return instant


def _bag(bag: MoneyBag | None, currency: str) -> int:
    return _minor(bag.shop_money.amount, currency) if bag is not None else 0


@lru_cache(maxsize=65_536)
def _minor(amount: str, currency: str) -> int:
    # Amounts repeat: to look one up is a seventh of the work. Shopify writes "12.50" for two decimals: joining the
    # digits is a quarter of the time that Decimal takes.
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
