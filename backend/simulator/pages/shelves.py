"""Products as a buyer browses them: by kind, by words, a page at a time, with the first variant's price."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.state.database import columns
from simulator.state.records import Product, Variant
from simulator.store import Store

_ON_SHELF = (
    " from products where shop_id = ? and status = 'ACTIVE' and (? is null or product_type = ?)"
    " and (? = '' or title like ? escape '\\' or vendor like ? escape '\\')"
)


@dataclass(frozen=True, slots=True)
class Shelf:
    items: list[tuple[Product, Variant]]
    total: int


def list_shelf(
    store: Store, shop_id: int, *, kind: str | None = None, words: str = "", limit: int, offset: int = 0
) -> Shelf:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    given = (shop_id, kind, kind, words, f"%{escaped}%", f"%{escaped}%")
    rows = store.database.all(
        f"select {columns(Product)}{_ON_SHELF} order by id limit ? offset ?",
        (*given, limit, offset),
    )
    products = [Product(*row) for row in rows]
    pairs = [
        (product, variants[0])
        for product in products
        if (variants := store.products.list_variants(product.id))
    ]
    return Shelf(pairs, int(store.database.scalar(f"select count(*){_ON_SHELF}", given)))


def list_types(store: Store, shop_id: int) -> list[str]:
    """The kinds of product on the shelves, the fullest first."""
    rows = store.database.all(
        "select product_type from products where shop_id = ? and status = 'ACTIVE' and product_type <> ''"
        " group by product_type order by count(*) desc, product_type limit 8",
        (shop_id,),
    )
    return [row[0] for row in rows]
