"""The catalogue: products, their variants, and a cache of the variants that every order line asks for."""

from __future__ import annotations

import threading

from simulator.clock import now_text
from simulator.state.database import Database, columns
from simulator.state.records import Product, Variant


class Products:
    def __init__(self, database: Database) -> None:
        self._db = database
        self._variants: dict[int, Variant] | None = None
        self._products: dict[int, Product] = {}
        self._by_product: dict[int, list[Variant]] = {}
        self._lock = threading.Lock()

    def list_products(
        self, shop_id: int, *, limit: int = 24, offset: int = 0, status: str | None = None
    ) -> list[Product]:
        """In catalogue order."""
        rows = self._db.all(
            f"select {columns(Product)} from products where shop_id = ? and (? is null or status = ?)"
            " order by id limit ? offset ?",
            (shop_id, status, status, limit, offset),
        )
        return [Product(*row) for row in rows]

    def count(self, shop_id: int) -> int:
        return int(self._db.scalar("select count(*) from products where shop_id = ?", (shop_id,)))

    def find_by_handle(self, shop_id: int, handle: str) -> Product | None:
        row = self._db.one(
            f"select {columns(Product)} from products where shop_id = ? and handle = ?", (shop_id, handle)
        )
        return Product(*row) if row else None

    def find(self, shop_id: int, product_id: int) -> Product | None:
        row = self._db.one(
            f"select {columns(Product)} from products where shop_id = ? and id = ?", (shop_id, product_id)
        )
        return Product(*row) if row else None

    def list_variants(self, product_id: int) -> list[Variant]:
        """In their order on the product page."""
        self._known()
        return self._by_product.get(product_id, [])

    def find_variant(self, shop_id: int, variant_id: int) -> Variant | None:
        variant = self._known().get(variant_id)
        return variant if variant is not None and variant.shop_id == shop_id else None

    def variant(self, variant_id: int | None) -> Variant | None:
        """From the cache; None for a line whose product is gone."""
        return None if variant_id is None else self._known().get(variant_id)

    def product_of(self, variant_id: int | None) -> Product | None:
        variant = self.variant(variant_id)
        return None if variant is None else self._products.get(variant.product_id)

    def update(
        self,
        shop_id: int,
        product_id: int,
        *,
        title: str | None = None,
        status: str | None = None,
        tags: str | None = None,
        price_minor: int | None = None,
    ) -> Product | None:
        """Change what is given; None when there is no such product."""
        with self._db.write() as connection:
            connection.execute(
                "update products set title = coalesce(?, title), status = coalesce(?, status),"
                " tags = coalesce(?, tags), updated_at = ? where shop_id = ? and id = ?",
                (title, status, tags, now_text(), shop_id, product_id),
            )
            if price_minor is not None:
                connection.execute(
                    "update variants set price_minor = ? where product_id = ?", (price_minor, product_id)
                )
        self.forget()
        return self.find(shop_id, product_id)

    def forget(self) -> None:
        """Drop the cache; call after a seed or a change."""
        with self._lock:
            self._variants = None

    def _known(self) -> dict[int, Variant]:
        return self._variants if self._variants is not None else self._load()

    def _load(self) -> dict[int, Variant]:
        with self._lock:
            if self._variants is None:
                products = self._db.all(f"select {columns(Product)} from products")
                variants = self._db.all(f"select {columns(Variant)} from variants")
                self._products = {row[0]: Product(*row) for row in products}
                known = {row[0]: Variant(*row) for row in variants}
                self._by_product = {}
                for variant in sorted(known.values(), key=lambda variant: variant.position):
                    self._by_product.setdefault(variant.product_id, []).append(variant)
                self._variants = known
            return self._variants
