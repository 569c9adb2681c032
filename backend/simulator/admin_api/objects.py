"""The platform's objects: what each field of a record answers, for single queries and bulk operations alike.

A field that is not listed answers what the store's folder gave for it, else null, else the emptiest value that its
type allows. Connections inside objects are lists here; who asks pages them or writes them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)

from simulator.admin_api.context import Context
from simulator.admin_api.customer_fields import CUSTOMER, address
from simulator.admin_api.order_fields import (
    LINE_ITEM,
    LINE_ITEM_CONNECTIONS,
    ORDER,
    ORDER_CONNECTIONS,
    LineItem,
)
from simulator.admin_api.store_credit import accounts, transactions
from simulator.gids import gid
from simulator.state.records import (
    BulkOperation,
    Customer,
    Document,
    Installation,
    Order,
    Pixel,
    Product,
    Shop,
    Variant,
    tag_list,
)
from simulator.values import decimal_text

Getter = Callable[[Any, Context], Any]
ConnectionGetter = Callable[[Any, Context, Mapping[str, Any]], list[Any]]


def _title_of(variant: Variant, ctx: Context) -> str:
    product = ctx.store.products.product_of(variant.id)
    return product.title if product else ""


def _image(product: Product, ctx: Context) -> dict[str, Any] | None:
    if not product.image_url:
        return None
    # Seeded covers are paths of this very server, whose port may differ from run to run.
    url = ctx.config.base_url + product.image_url if product.image_url.startswith("/") else product.image_url
    return {
        "__typename": "Image",
        "id": gid("ProductImage", product.id),
        "url": url,
        "src": url,
        "altText": product.title,
    }


def _media(product: Product, ctx: Context) -> dict[str, Any] | None:
    image = _image(product, ctx)
    if image is None:
        return None
    return {
        "__typename": "MediaImage",
        "id": gid("MediaImage", product.id),
        "alt": product.title,
        "image": image,
        "preview": {"image": image, "status": "READY"},
        "mediaContentType": "IMAGE",
        "status": "READY",
    }


def _price_range(product: Product, ctx: Context) -> dict[str, Any]:
    prices = [variant.price_minor for variant in ctx.store.products.list_variants(product.id)] or [0]
    amounts = {"minVariantPrice": min(prices), "maxVariantPrice": max(prices)}
    return {
        name: {"amount": decimal_text(minor), "currencyCode": ctx.shop.currency}
        for name, minor in amounts.items()
    }


PRODUCT: dict[str, Getter] = {
    "id": lambda p, ctx: gid("Product", p.id),
    "legacyResourceId": lambda p, ctx: str(p.id),
    "handle": lambda p, ctx: p.handle,
    "title": lambda p, ctx: p.title,
    "vendor": lambda p, ctx: p.vendor,
    "productType": lambda p, ctx: p.product_type,
    "status": lambda p, ctx: p.status,
    "tags": lambda p, ctx: tag_list(p.tags),
    "description": lambda p, ctx: p.description.removeprefix("<p>").removesuffix("</p>"),
    "descriptionHtml": lambda p, ctx: p.description,
    "createdAt": lambda p, ctx: p.created_at,
    "updatedAt": lambda p, ctx: p.updated_at,
    "publishedAt": lambda p, ctx: p.created_at if p.status == "ACTIVE" else None,
    "tracksInventory": lambda p, ctx: True,
    "totalInventory": lambda p, ctx: sum(v.inventory for v in ctx.store.products.list_variants(p.id)),
    "onlineStoreUrl": lambda p, ctx: f"{ctx.config.storefront_url(ctx.shop.domain)}/products/{p.handle}",
    "featuredMedia": _media,
    "featuredImage": _image,
    "priceRangeV2": _price_range,
    "variantsCount": lambda p, ctx: {
        "count": len(ctx.store.products.list_variants(p.id)),
        "precision": "EXACT",
    },
}

VARIANT: dict[str, Getter] = {
    "id": lambda v, ctx: gid("ProductVariant", v.id),
    "legacyResourceId": lambda v, ctx: str(v.id),
    "title": lambda v, ctx: v.title,
    "displayName": lambda v, ctx: f"{_title_of(v, ctx)} - {v.title}",
    "sku": lambda v, ctx: v.sku,
    "price": lambda v, ctx: f"{v.price_minor / 100:.2f}",
    "position": lambda v, ctx: v.position,
    "inventoryQuantity": lambda v, ctx: v.inventory,
    "availableForSale": lambda v, ctx: v.inventory > 0,
    "product": lambda v, ctx: ctx.store.products.product_of(v.id),
}

SHOP: dict[str, Getter] = {
    "id": lambda s, ctx: gid("Shop", s.id),
    "name": lambda s, ctx: s.name,
    "email": lambda s, ctx: s.email,
    "contactEmail": lambda s, ctx: s.email,
    "myshopifyDomain": lambda s, ctx: s.domain,
    "url": lambda s, ctx: ctx.config.storefront_url(s.domain),
    "storefrontUrl": lambda s, ctx: ctx.config.storefront_url(s.domain),
    "primaryDomain": lambda s, ctx: {
        "id": gid("Domain", s.id),
        "host": s.domain,
        "url": ctx.config.storefront_url(s.domain),
        "sslEnabled": True,
    },
    "currencyCode": lambda s, ctx: s.currency,
    "ianaTimezone": lambda s, ctx: s.timezone,
    "plan": lambda s, ctx: {
        "displayName": s.plan,
        "publicDisplayName": s.plan,
        "partnerDevelopment": False,
        "shopifyPlus": s.plan == "Plus",
    },
    "createdAt": lambda s, ctx: s.created_at,
    "updatedAt": lambda s, ctx: s.created_at,
    "shopOwnerName": lambda s, ctx: "Olivia Owner",
    "weightUnit": lambda s, ctx: "POUNDS",
    "unitSystem": lambda s, ctx: "IMPERIAL_SYSTEM",
    "billingAddress": lambda s, ctx: {
        "id": gid("ShopAddress", s.id),
        "countryCodeV2": "US",
        "city": "New York",
    },
}

BULK_OPERATION: dict[str, Getter] = {
    "id": lambda b, ctx: gid("BulkOperation", b.id),
    "status": lambda b, ctx: b.status,
    "errorCode": lambda b, ctx: b.error_code,
    "type": lambda b, ctx: "QUERY",
    "query": lambda b, ctx: b.query,
    "createdAt": lambda b, ctx: b.created_at,
    "completedAt": lambda b, ctx: b.completed_at,
    "objectCount": lambda b, ctx: str(b.object_count),
    "rootObjectCount": lambda b, ctx: str(b.root_object_count),
    "fileSize": lambda b, ctx: None if b.file_size is None else str(b.file_size),
    "url": lambda b, ctx: (
        f"{ctx.config.base_url}/bulk/{b.path}" if b.path and b.status == "COMPLETED" else None
    ),
    "partialDataUrl": lambda b, ctx: (
        f"{ctx.config.base_url}/bulk/{b.path}" if b.path and b.status == "FAILED" else None
    ),
}

INSTALLATION: dict[str, Getter] = {
    "id": lambda i, ctx: gid("AppInstallation", i.id),
    "accessScopes": lambda i, ctx: [
        {"handle": s, "description": s.replace("_", " ")} for s in i.scopes.split(",") if s
    ],
    "app": lambda i, ctx: {
        "id": gid("App", i.id),
        "title": ctx.world.manifest.name,
        "handle": ctx.world.manifest.handle,
        "apiKey": ctx.config.client_id,
    },
}

PIXEL: dict[str, Getter] = {
    "id": lambda p, ctx: gid("WebPixel", p.id),
    "settings": lambda p, ctx: p.settings_fields(),
}

DOCUMENT: dict[str, Getter] = {
    "id": lambda d, ctx: gid(d.kind, d.id),
    "createdAt": lambda d, ctx: d.created_at,
    "updatedAt": lambda d, ctx: d.fields().get("updatedAt") or d.created_at,
}
ABANDONED_CHECKOUT = DOCUMENT | {
    "customer": lambda d, ctx: ctx.store.customers.find(ctx.shop.id, d.fields()["customerId"]),
    "abandonedCheckoutUrl": lambda d, ctx: f"https://{ctx.shop.domain}/checkouts/{d.key}/recover",
}

FIELDS: dict[str, dict[str, Getter]] = {
    # A member of a segment is a customer under another name, with the customer's number.
    "CustomerSegmentMember": {**CUSTOMER, "id": lambda c, ctx: gid("CustomerSegmentMember", c.id)},
    "Customer": CUSTOMER,
    "Order": ORDER,
    "LineItem": LINE_ITEM,
    "Product": PRODUCT,
    "ProductVariant": VARIANT,
    "Shop": SHOP,
    "BulkOperation": BULK_OPERATION,
    "AppInstallation": INSTALLATION,
    "WebPixel": PIXEL,
    "AbandonedCheckout": ABANDONED_CHECKOUT,
}
CONNECTIONS: dict[tuple[str, str], ConnectionGetter] = {
    ("Customer", "orders"): lambda c, ctx, args: ctx.store.orders.list_of_customer(c.id),
    ("Customer", "addressesV2"): lambda c, ctx, args: [found] if (found := address(c, ctx)) else [],
    ("Product", "variants"): lambda p, ctx, args: ctx.store.products.list_variants(p.id),
    ("Product", "images"): lambda p, ctx, args: [found] if (found := _image(p, ctx)) else [],
    ("Product", "media"): lambda p, ctx, args: [found] if (found := _media(p, ctx)) else [],
    ("Customer", "storeCreditAccounts"): accounts,
    ("StoreCreditAccount", "transactions"): transactions,
    ("DiscountRedeemCodeBulkCreation", "codes"): lambda c, ctx, args: c.fields()["outcomes"],
    ("Collection", "products"): lambda c, ctx, args: [
        found
        for number in c.fields()["productIds"]
        if (found := ctx.store.products.find(ctx.shop.id, number))
    ],
    **{("Order", name): getter for name, getter in ORDER_CONNECTIONS.items()},
    **{("LineItem", name): getter for name, getter in LINE_ITEM_CONNECTIONS.items()},
}
TYPE_NAMES: dict[type[Any], str] = {
    Customer: "Customer",
    Order: "Order",
    LineItem: "LineItem",
    Product: "Product",
    Variant: "ProductVariant",
    Shop: "Shop",
    BulkOperation: "BulkOperation",
    Installation: "AppInstallation",
    Pixel: "WebPixel",
}


class Missing(NamedTuple):
    """An object of a required type that the simulator knows nothing of."""

    type_name: str


def type_name(value: Any) -> str | None:
    """For interfaces and unions."""
    if isinstance(value, Document):
        return value.kind
    if isinstance(value, Missing):
        return value.type_name
    if isinstance(value, dict):
        return value.get("__typename")
    return TYPE_NAMES.get(type(value))


def getter(parent: str, field: str, result: GraphQLOutputType) -> Getter:
    """How this field is read, from any source that its parent type may have."""
    listed = FIELDS.get(parent, {}).get(field)
    fallback = _emptiest(result)

    def read(source: Any, ctx: Context) -> Any:
        if isinstance(source, dict):
            value = source.get(field)
        elif isinstance(source, Missing):
            value = None
        elif isinstance(source, Document):
            own = listed or DOCUMENT.get(field)
            value = source.fields().get(field) if own is None else own(source, ctx)
        elif listed is not None:
            value = listed(source, ctx)
        else:
            kept = getattr(source, "extra_fields", None)
            value = kept.get(field) if kept else None
        return fallback if value is None else value

    return read


def _emptiest(result: GraphQLOutputType) -> Any:
    if not isinstance(result, GraphQLNonNull):
        return None
    inner = result.of_type
    if isinstance(inner, GraphQLList):
        return []
    if isinstance(inner, GraphQLEnumType):
        return next(iter(inner.values))
    if isinstance(inner, GraphQLScalarType):
        return _EMPTY_SCALARS.get(inner.name, "")
    if isinstance(inner, GraphQLObjectType):
        return Missing(inner.name)
    return None


_EMPTY_SCALARS: dict[str, Any] = {
    "Boolean": False, "Int": 0, "Float": 0.0, "Decimal": "0.0", "Money": "0.0", "UnsignedInt64": "0", "JSON": {},
    "DateTime": "2019-01-01T00:00:00Z", "Date": "2019-01-01",
}  # fmt: skip
