"""Any store laid out as a folder of JSONL files in the Admin API's own shapes; docs/demo-store.md gives the format.

Fields that the simulator models become columns; a line's other fields are kept and answered as they are. A line that
cannot be read stops the seed with its file, its number and its fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.clock import instant_text, now_text, parse_instant
from simulator.gids import FIRST_ID, number_of
from simulator.state.database import placeholders
from simulator.state.records import Customer, Line, Order, Product, Shop, Variant, lines_json
from simulator.store import Store
from simulator.values import minor_of


class SeedUnreadable(Exception):
    """A file of the folder is missing, or a line of it cannot be used."""


def fill(store: Store, shop: Shop, folder: Path) -> None:
    """Products first, customers, orders last, each optional but the customers."""
    if not folder.is_dir():
        raise SeedUnreadable(f"{folder} is no folder")
    if not (folder / "customers.jsonl").is_file():
        raise SeedUnreadable(f"{folder} holds no customers.jsonl")
    with store.database.write() as connection:
        for name, read in (("products", _product), ("customers", _customer), ("orders", _order)):
            file = folder / f"{name}.jsonl"
            for number, node in _nodes(file) if file.is_file() else []:
                try:
                    for sql, row in read(shop, node):
                        connection.execute(sql, row)
                except (KeyError, TypeError, ValueError, AttributeError) as problem:
                    raise SeedUnreadable(
                        f"{file}, line {number}: {type(problem).__name__}: {problem}"
                    ) from problem
        _sum_up(store, shop)


def _nodes(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                node = json.loads(line)
            except ValueError as problem:
                raise SeedUnreadable(f"{file}, line {number}: {problem}") from problem
            if not isinstance(node, dict):
                raise SeedUnreadable(f"{file}, line {number}: not an object")
            yield number, node


def _product(shop: Shop, node: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    product_id = _number(node, "Product")
    title = node["title"]
    created_at = _instant(node.get("createdAt")) or now_text()
    image = (
        (node.get("featuredMedia") or {}).get("preview", {}).get("image") or node.get("featuredImage") or {}
    )
    yield (
        _insert("products", Product),
        (product_id, shop.id, node.get("handle") or title.lower().replace(" ", "-"), title, node.get("vendor") or "",
         node.get("productType") or "", node.get("status") or "ACTIVE", ",".join(node.get("tags") or []),
         node.get("descriptionHtml") or "", image.get("url"), created_at, _instant(node.get("updatedAt")) or created_at,
         json.dumps(node)),
    )  # fmt: skip
    for position, variant in enumerate(_connection(node.get("variants")), 1):
        yield (
            _insert("variants", Variant),
            (_number(variant, "ProductVariant"), shop.id, product_id, variant.get("title") or "Default Title",
             variant.get("sku"), minor_of(variant["price"]), int(variant.get("inventoryQuantity") or 0), position),
        )  # fmt: skip


def _customer(shop: Shop, node: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    address = node.get("defaultAddress") or {}
    email = node.get("defaultEmailAddress") or {}
    consent = node.get("emailMarketingConsent") or {}
    phone = node.get("defaultPhoneNumber") or {}
    created_at = _instant(node.get("createdAt")) or now_text()
    address_text = email.get("emailAddress") or node.get("email")
    yield (
        _insert("customers", Customer),
        (_number(node, "Customer"), shop.id, address_text.lower() if address_text else None,
         phone.get("phoneNumber") or node.get("phone"), node.get("firstName"), node.get("lastName"),
         node.get("locale") or "en", ",".join(node.get("tags") or []), node.get("note"),
         email.get("marketingState") or consent.get("marketingState") or "NOT_SUBSCRIBED",
         email.get("marketingOptInLevel") or consent.get("marketingOptInLevel"),
         _instant(email.get("marketingUpdatedAt") or consent.get("consentUpdatedAt")),
         phone.get("marketingState") or "NOT_SUBSCRIBED", _instant(phone.get("marketingUpdatedAt")),
         email.get("openTrackingLevel") or "UNKNOWN", address.get("address1"), address.get("city"),
         address.get("province"), address.get("provinceCode"),
         address.get("countryCodeV2") or address.get("countryCode"), address.get("zip"), 0, 0, None,
         created_at, _instant(node.get("updatedAt")) or created_at, json.dumps(node)),
    )  # fmt: skip


def _order(shop: Shop, node: dict[str, Any]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    order_id = _number(node, "Order")
    lines = [_line(item) for item in _connection(node.get("lineItems"))]
    customer = node.get("customer") or {}
    of_lines = sum(line.quantity * line.unit_price_minor - line.discount_minor for line in lines)
    subtotal = _money(node, "subtotalPrice", of_lines)
    tax, shipping = _money(node, "totalTax", 0), _money(node, "totalShippingPrice", 0)
    created_at = _instant(node["createdAt"])
    digits = "".join(filter(str.isdigit, node.get("name") or "")) or str(node.get("number") or order_id)
    yield (
        _insert("orders", Order),
        (order_id, shop.id, int(digits), number_of(customer["id"], "Customer") if customer.get("id") else None,
         node.get("email"), node.get("currencyCode") or shop.currency, subtotal,
         _money(node, "totalDiscounts", sum(line.discount_minor for line in lines)), tax, shipping,
         _money(node, "totalPrice", subtotal + tax + shipping), _money(node, "totalRefunded", 0),
         node.get("displayFinancialStatus") or "PAID", node.get("displayFulfillmentStatus") or "FULFILLED",
         int(bool(node.get("test"))), created_at, _instant(node.get("updatedAt")) or created_at,
         _instant(node.get("cancelledAt")), lines_json(lines), json.dumps(node.get("discountCodes") or []),
         node.get("cartToken"), node.get("checkoutToken"), node.get("landingPageUrl"), node.get("referrerUrl"),
         int(bool(node.get("customerAcceptsMarketing"))), json.dumps(node)),
    )  # fmt: skip


def _insert(table: str, record: type[Any]) -> str:
    return f"insert into {table} values ({placeholders(record)})"


def _line(item: dict[str, Any]) -> Line:
    variant = (item.get("variant") or {}).get("id")
    quantity = int(item["quantity"])
    return Line(
        number_of(variant, "ProductVariant") if variant else None,
        quantity,
        _money(item, "originalUnitPrice", 0),
        _money(item, "totalDiscount", 0),
        item.get("title") or "",
        number_of(item["id"], "LineItem") if item.get("id") else None,
    )


def _money(node: dict[str, Any], name: str, otherwise: int) -> int:
    """From `nameSet.shopMoney.amount`, from a plain `name`, or what the caller derived."""
    bag = node.get(f"{name}Set")
    if bag:
        return minor_of(bag["shopMoney"]["amount"])
    return minor_of(node[name]) if node.get(name) is not None else otherwise


def _connection(value: Any) -> list[dict[str, Any]]:
    """Nodes of a connection in any of the ways it is written: a list, `nodes`, `edges`."""
    if not value:
        return []
    if isinstance(value, list):
        return value
    return list(value["nodes"]) if "nodes" in value else [edge["node"] for edge in value["edges"]]


def _number(node: dict[str, Any], typename: str) -> int:
    number = number_of(str(node["id"]), typename)
    if number is None:
        raise ValueError(f"id {node['id']!r} is no gid://shopify/{typename}/…")
    return number


def _instant(text: str | None) -> str | None:
    return instant_text(parse_instant(text)) if text else None


def _sum_up(store: Store, shop: Shop) -> None:
    """Order counts and spend follow from the orders; sequences go on after the highest ids."""
    with store.database.write() as connection:
        connection.execute("create index if not exists orders_customer on orders (customer_id, id)")
        connection.execute(
            "update customers set"
            " orders_count = (select count(*) from orders where customer_id = customers.id),"
            " spent_minor = (select coalesce(sum(total_minor - refunded_minor), 0) from orders"
            "   where customer_id = customers.id),"
            " last_order_id = (select max(id) from orders where customer_id = customers.id) where shop_id = ?",
            (shop.id,),
        )
        connection.execute(
            "update shops set next_order_number ="
            " (select coalesce(max(number) + 1, 1001) from orders where shop_id = shops.id) where id = ?",
            (shop.id,),
        )
        for typename, table in (("Customer", "customers"), ("Order", "orders")):
            highest = connection.execute(f"select coalesce(max(id), 0) from {table}").fetchone()[0]
            connection.execute(
                "insert or replace into sequences values (?, ?)", (typename, max(highest, FIRST_ID[typename]))
            )
