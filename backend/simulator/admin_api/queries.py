"""Root queries. A query that is valid on the schema but not played here answers an error that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.admin_api import discounts, listings, scopes, subscriptions
from simulator.admin_api.context import Context
from simulator.admin_api.objects import type_name
from simulator.gids import number_of, parse_gid
from simulator.state.records import Customer, Document

Resolver = Callable[[Context, dict[str, Any]], Any]


def _by_id(typename: str, find: Callable[[Context, int], Any]) -> Resolver:
    def resolve(ctx: Context, args: dict[str, Any]) -> Any:
        number = number_of(args["id"], typename)
        return None if number is None else find(ctx, number)

    return resolve


def _list(listing: listings.Listing, name: str) -> Resolver:
    return lambda ctx, args: listings.page(ctx, listing, args, path=name)


def _count(listing: listings.Listing, name: str) -> Resolver:
    def resolve(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
        found = listings.count(ctx, listing, args, path=name)
        limit = args.get("limit", 10_000)
        if limit is not None and found > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return {"count": found, "precision": "EXACT"}

    return resolve


def _documents(kind: str) -> Resolver:
    return lambda ctx, args: listings.page_of_list(
        ctx.store.documents.list_documents(ctx.shop.id, kind), args
    )


def _document(kind: str) -> Resolver:
    return _by_id(kind, lambda ctx, number: ctx.store.documents.find_by_id(ctx.shop.id, kind, number))


FINDERS: dict[str, Callable[[Context, int], Any]] = {
    "Customer": lambda ctx, number: ctx.store.customers.find(ctx.shop.id, number),
    "Order": lambda ctx, number: ctx.store.orders.find(ctx.shop.id, number),
    "Product": lambda ctx, number: ctx.store.products.find(ctx.shop.id, number),
    "ProductVariant": lambda ctx, number: ctx.store.products.find_variant(ctx.shop.id, number),
    "BulkOperation": lambda ctx, number: ctx.store.bulk.find(ctx.shop.id, number),
    "Shop": lambda ctx, number: ctx.shop if number == ctx.shop.id else None,
    "WebPixel": lambda ctx, number: (
        pixel if (pixel := ctx.store.pixels.find(ctx.shop.id)) and pixel.id == number else None
    ),
}


def _node(ctx: Context, args: dict[str, Any]) -> Any:
    return find_node(ctx, args["id"])


def find_node(ctx: Context, gid: str) -> Any:
    """Any object by its global id; one that the scopes do not open is as good as absent."""
    parsed = parse_gid(gid)
    if parsed is None:
        return None
    typename, number = parsed
    finder = FINDERS.get(typename)
    found = finder(ctx, number) if finder else ctx.store.documents.find_by_id(ctx.shop.id, typename, number)
    name = type_name(found) if found is not None else None
    return None if name is None or scopes.missing_type(ctx.schema, ctx.scopes, name) else found


def _segment_members(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Members of a segment whose query is one of the forms below; the segment language is not played whole."""
    query, moved = args.get("query") or "", {}
    if args.get("segmentId"):
        number = number_of(args["segmentId"], "Segment")
        document = ctx.store.documents.find_by_id(ctx.shop.id, "Segment", number) if number else None
        fields = document.fields() if document else {}
        query, moved = fields.get("query", ""), fields.get("moved", {})
    wanted = "email_state = 'SUBSCRIBED'" if "email_subscription_status = 'SUBSCRIBED'" in query else "1"
    # Who was put in or taken out by hand (`/control/segments/members`).
    joined, left = (",".join(key for key, on in moved.items() if on is into) or "0" for into in (True, False))
    wanted = f"(({wanted} or id in ({joined})) and id not in ({left}))"
    page = listings.page(
        ctx, listings.CUSTOMERS, {**args, "query": None}, path="customerSegmentMembers", where=wanted
    )
    total = ctx.store.database.scalar(
        f"select count(*) from customers where shop_id = ? and {wanted}",
        (ctx.shop.id,),
    )
    return {**page, "totalCount": total, "statistics": {}}


def _current_bulk(ctx: Context, args: dict[str, Any]) -> Any:
    return next(iter(ctx.store.bulk.list_operations(ctx.shop.id)), None)


def _pixel(ctx: Context, args: dict[str, Any]) -> Any:
    pixel = ctx.store.pixels.find(ctx.shop.id)
    wanted = number_of(args["id"], "WebPixel") if args.get("id") else None
    return pixel if pixel is not None and wanted in (None, pixel.id) else None


def _customer_by_identifier(ctx: Context, args: dict[str, Any]) -> Customer | None:
    identifier = args["identifier"]
    if identifier.get("id"):
        number = number_of(identifier["id"], "Customer")
        return ctx.store.customers.find(ctx.shop.id, number) if number else None
    email = identifier.get("emailAddress")
    return ctx.store.customers.find_by_email(ctx.shop.id, email) if email else None


def _product_by_identifier(ctx: Context, args: dict[str, Any]) -> Any:
    identifier = args["identifier"]
    if identifier.get("handle"):
        return ctx.store.products.find_by_handle(ctx.shop.id, identifier["handle"])
    number = number_of(identifier.get("id") or "", "Product")
    return ctx.store.products.find(ctx.shop.id, number) if number else None


def _discount_node(ctx: Context, args: dict[str, Any]) -> Document | None:
    number = number_of(args["id"], "DiscountCodeNode")
    return ctx.store.documents.find_by_id(ctx.shop.id, "DiscountCodeNode", number) if number else None


QUERIES: dict[str, Resolver] = {
    "shop": lambda ctx, args: ctx.shop,
    "currentAppInstallation": lambda ctx, args: ctx.store.access.find_installation(ctx.shop.id),
    "appInstallation": lambda ctx, args: ctx.store.access.find_installation(ctx.shop.id),
    "customers": _list(listings.CUSTOMERS, "customers"),
    "orders": _list(listings.ORDERS, "orders"),
    "products": _list(listings.PRODUCTS, "products"),
    "productVariants": _list(listings.VARIANTS, "productVariants"),
    "bulkOperations": _list(listings.BULK_OPERATIONS, "bulkOperations"),
    "customersCount": _count(listings.CUSTOMERS, "customersCount"),
    "ordersCount": _count(listings.ORDERS, "ordersCount"),
    "productsCount": _count(listings.PRODUCTS, "productsCount"),
    "customer": _by_id("Customer", FINDERS["Customer"]),
    "customerByIdentifier": _customer_by_identifier,
    "order": _by_id("Order", FINDERS["Order"]),
    "product": _by_id("Product", FINDERS["Product"]),
    "productByIdentifier": _product_by_identifier,
    "productVariant": _by_id("ProductVariant", FINDERS["ProductVariant"]),
    "bulkOperation": _by_id("BulkOperation", FINDERS["BulkOperation"]),
    "currentBulkOperation": _current_bulk,
    "node": _node,
    "nodes": lambda ctx, args: [find_node(ctx, gid) for gid in args["ids"]],
    "webPixel": _pixel,
    "segments": _list(listings.SEGMENTS, "segments"),
    "segmentsCount": _count(listings.SEGMENTS, "segmentsCount"),
    "collections": _list(listings.COLLECTIONS, "collections"),
    "collectionsCount": _count(listings.COLLECTIONS, "collectionsCount"),
    "collection": _document("Collection"),
    "abandonedCheckouts": _list(listings.ABANDONED_CHECKOUTS, "abandonedCheckouts"),
    "abandonedCheckoutsCount": _count(listings.ABANDONED_CHECKOUTS, "abandonedCheckoutsCount"),
    "segment": _document("Segment"),
    "customerSegmentMembers": _segment_members,
    "webhookSubscriptions": subscriptions.page,
    "marketingActivities": _documents("MarketingActivity"),
    "marketingActivity": _document("MarketingActivity"),
    "codeDiscountNodes": _documents("DiscountCodeNode"),
    "codeDiscountNode": _discount_node,
    "codeDiscountNodeByCode": discounts.by_code,
    "discountRedeemCodeBulkCreation": discounts.creation,
}
