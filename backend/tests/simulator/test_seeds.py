"""Seeds: a folder of JSONL files, a second start, and refusals that name the line."""

import json
from pathlib import Path
from typing import Any

import pytest

from simulator import seeds
from simulator.config import SimulatorConfig
from simulator.seeds.folder import SeedUnreadable
from simulator.store import Store

PRODUCT = {
    "id": "gid://shopify/Product/11", "title": "Mug", "handle": "mug", "tags": ["kitchen"],
    "variants": {"nodes": [{"id": "gid://shopify/ProductVariant/12", "title": "Blue", "price": "9.50"}]},
}  # fmt: skip
CUSTOMER = {
    "id": "gid://shopify/Customer/21", "firstName": "Ada", "createdAt": "2026-01-02T10:00:00+02:00",
    "defaultEmailAddress": {"emailAddress": "Ada@Example.com", "marketingState": "SUBSCRIBED"},
    "defaultAddress": {"city": "Oslo", "countryCodeV2": "NO"},
}  # fmt: skip
ORDER = {
    "id": "gid://shopify/Order/31", "name": "#1007", "createdAt": "2026-02-01T00:00:00Z",
    "customer": {"id": "gid://shopify/Customer/21"}, "totalPriceSet": {"shopMoney": {"amount": "24.0"}},
    "lineItems": [
        {"quantity": 2, "originalUnitPriceSet": {"shopMoney": {"amount": "9.50"}},
         "variant": {"id": "gid://shopify/ProductVariant/12"}, "title": "Mug"},
    ],
}  # fmt: skip


def config(state: Path, seed: str, customers: int = 50) -> SimulatorConfig:
    return SimulatorConfig(
        port=1, state_dir=state, client_id="id", client_secret="secret", app_url="http://app.example",
        webhook_url="http://app.example/webhooks", seed=seed, customers=customers,
    )  # fmt: skip


def folder(path: Path, **files: list[Any]) -> str:
    path.mkdir()
    for name, nodes in files.items():
        lines = [node if isinstance(node, str) else json.dumps(node) for node in nodes]
        (path / f"{name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return f"folder:{path}"


def test_folder_becomes_a_store(tmp_path: Path) -> None:
    seed = folder(tmp_path / "shop", products=[PRODUCT], customers=[CUSTOMER], orders=[ORDER])
    store = Store(tmp_path / "state" / "simulator.sqlite3")
    shop = seeds.seed(config(tmp_path / "state", seed), store)
    assert store.totals(shop.id) == {"customers": 1, "products": 1, "orders": 1, "revenue_minor": 2400}
    customer = store.customers.find_by_email(shop.id, "ada@example.com")
    assert customer is not None
    assert (customer.id, customer.orders_count, customer.spent_minor, customer.city) == (21, 1, 2400, "Oslo")
    assert customer.created_at == "2026-01-02T08:00:00Z"
    order = store.orders.get(shop.id, 31)
    assert (order.name, order.subtotal_minor, order.line_items[0].quantity) == ("#1007", 1900, 2)
    assert store.shops.get(shop.id).next_order_number == 1008
    store.close()


@pytest.mark.parametrize(
    ("customers", "message"),
    [
        ([CUSTOMER, "{oops"], "customers.jsonl, line 2"),
        ([{**CUSTOMER, "id": "21"}], "line 1: ValueError: id '21' is no gid://shopify/Customer/"),
        (["[]"], "line 1: not an object"),
    ],
)
def test_unreadable_line_is_named_and_nothing_is_kept(
    tmp_path: Path, customers: list[Any], message: str
) -> None:
    seed = folder(tmp_path / "shop", customers=customers)
    store = Store(tmp_path / "state" / "simulator.sqlite3")
    with pytest.raises(SeedUnreadable, match=message):
        seeds.seed(config(tmp_path / "state", seed), store)
    assert store.shops.list_shops() == []
    store.close()


def test_second_start_finds_the_store_and_another_seed_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path / "simulator.sqlite3")
    shop = seeds.seed(config(tmp_path, "generated"), store)
    totals = store.totals(shop.id)
    assert totals["customers"] == 50
    assert seeds.seed(config(tmp_path, "generated"), store).id == shop.id
    assert store.totals(shop.id) == totals
    with pytest.raises(seeds.SeedMismatch, match="generated:50"):
        seeds.seed(config(tmp_path, "generated", customers=51), store)
    store.close()


def test_generated_store_is_the_same_every_time(tmp_path: Path) -> None:
    rows = []
    for name in ("one", "two"):
        store = Store(tmp_path / name / "simulator.sqlite3")
        shop = seeds.seed(config(tmp_path / name, "generated"), store)
        rows.append(
            [(c.email, c.orders_count, c.spent_minor) for c in store.customers.list_customers(shop.id)]
        )
        store.close()
    assert rows[0] == rows[1]
    assert {email.rsplit("@", 1)[1] for email, _, _ in rows[0] if email} <= {
        "example.com",
        "example.net",
        "example.org",
    }
