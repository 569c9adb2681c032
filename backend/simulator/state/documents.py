"""What the app leaves on the platform: its web pixel, discounts, marketing activities, segments."""

from __future__ import annotations

import json
from typing import Any

from simulator.clock import now_text
from simulator.gids import FIRST_ID
from simulator.state.database import Database, columns
from simulator.state.records import Document, Pixel


class Pixels:
    """At most one pixel a shop, as the platform allows one app."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def find(self, shop_id: int) -> Pixel | None:
        row = self._db.one(f"select {columns(Pixel)} from pixels where shop_id = ?", (shop_id,))
        return Pixel(*row) if row else None

    def create(self, shop_id: int, settings: dict[str, Any]) -> Pixel:
        pixel = Pixel(shop_id, self._db.next_id("WebPixel", FIRST_ID["WebPixel"]), json.dumps(settings))
        with self._db.write() as connection:
            connection.execute("insert into pixels values (?, ?, ?)", (shop_id, pixel.id, pixel.settings))
        return pixel

    def update(self, shop_id: int, settings: dict[str, Any]) -> None:
        with self._db.write() as connection:
            connection.execute(
                "update pixels set settings = ? where shop_id = ?", (json.dumps(settings), shop_id)
            )

    def delete(self, shop_id: int) -> None:
        with self._db.write() as connection:
            connection.execute("delete from pixels where shop_id = ?", (shop_id,))


class Documents:
    """Objects kept whole as JSON, keyed by kind and the app's own key."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def save(self, shop_id: int, kind: str, key: str, body: dict[str, Any]) -> Document:
        """Insert or replace by key."""
        existing = self.find(shop_id, kind, key)
        number = existing.id if existing else self._db.next_id(kind, FIRST_ID.get(kind, 1_000_000_001))
        created_at = existing.created_at if existing else now_text()
        document = Document(number, shop_id, kind, key, json.dumps(body), created_at)
        with self._db.write() as connection:
            connection.execute(
                "insert into documents values (?, ?, ?, ?, ?, ?) on conflict (shop_id, kind, key)"
                " do update set body = excluded.body",
                (number, shop_id, kind, key, document.body, created_at),
            )
        return document

    def forget(self, shop_id: int, kind: str, number: int) -> None:
        """Delete one."""
        with self._db.write() as connection:
            connection.execute(
                "delete from documents where shop_id = ? and kind = ? and id = ?", (shop_id, kind, number)
            )

    def find(self, shop_id: int, kind: str, key: str) -> Document | None:
        row = self._db.one(
            f"select {columns(Document)} from documents where shop_id = ? and kind = ? and key = ?",
            (shop_id, kind, key),
        )
        return Document(*row) if row else None

    def find_by_id(self, shop_id: int, kind: str, number: int) -> Document | None:
        row = self._db.one(
            f"select {columns(Document)} from documents where shop_id = ? and kind = ? and id = ?",
            (shop_id, kind, number),
        )
        return Document(*row) if row else None

    def list_documents(self, shop_id: int, kind: str) -> list[Document]:
        rows = self._db.all(
            f"select {columns(Document)} from documents where shop_id = ? and kind = ? order by id",
            (shop_id, kind),
        )
        return [Document(*row) for row in rows]
