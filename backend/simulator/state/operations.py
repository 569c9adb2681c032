"""Bulk operations and webhook deliveries: the platform's own work queues."""

from __future__ import annotations

import time

from simulator.clock import now_text, trigger_text
from simulator.gids import FIRST_ID
from simulator.state.database import Database, columns, placeholders
from simulator.state.records import BulkOperation, Delivery

RUNNING_STATES = ("CREATED", "RUNNING", "CANCELING")


class BulkOperations:
    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, shop_id: int, query: str, *, group_objects: bool) -> BulkOperation:
        number = self._db.next_id("BulkOperation", FIRST_ID["BulkOperation"])
        operation = BulkOperation(
            number, shop_id, "CREATED", None, query, int(group_objects), 0, 0, None, None, now_text(), None
        )
        values = tuple(getattr(operation, name) for name in BulkOperation.__dataclass_fields__)
        with self._db.write() as connection:
            connection.execute(f"insert into bulk_operations values ({placeholders(BulkOperation)})", values)
        return operation

    def find(self, shop_id: int, number: int) -> BulkOperation | None:
        row = self._db.one(
            f"select {columns(BulkOperation)} from bulk_operations where id = ? and shop_id = ?",
            (number, shop_id),
        )
        return BulkOperation(*row) if row else None

    def find_by_number(self, number: int) -> BulkOperation | None:
        """Whatever shop it belongs to: result files are served by their unguessable name alone."""
        row = self._db.one(f"select {columns(BulkOperation)} from bulk_operations where id = ?", (number,))
        return BulkOperation(*row) if row else None

    def list_operations(self, shop_id: int) -> list[BulkOperation]:
        """Newest first."""
        rows = self._db.all(
            f"select {columns(BulkOperation)} from bulk_operations where shop_id = ? order by id desc",
            (shop_id,),
        )
        return [BulkOperation(*row) for row in rows]

    def count_running(self, shop_id: int) -> int:
        return int(
            self._db.scalar(
                "select count(*) from bulk_operations where shop_id = ? and status in (?, ?, ?)",
                (shop_id, *RUNNING_STATES),
            )
        )

    def update(
        self, number: int, *, status: str, object_count: int | None = None, root_object_count: int | None = None,
        file_size: int | None = None, path: str | None = None, error_code: str | None = None,
        completed: bool = False,
    ) -> None:  # fmt: skip
        with self._db.write() as connection:
            connection.execute(
                "update bulk_operations set status = ?, object_count = coalesce(?, object_count),"
                " root_object_count = coalesce(?, root_object_count), file_size = coalesce(?, file_size),"
                " path = coalesce(?, path), error_code = coalesce(?, error_code),"
                " completed_at = coalesce(?, completed_at) where id = ?",
                (status, object_count, root_object_count, file_size, path, error_code,
                 now_text() if completed else None, number),
            )  # fmt: skip

    def begin(self, number: int) -> bool:
        """CREATED becomes RUNNING; False when a cancel came first."""
        with self._db.write() as connection:
            return bool(
                connection.execute(
                    "update bulk_operations set status = 'RUNNING' where id = ? and status = 'CREATED'",
                    (number,),
                ).rowcount
            )

    def progress(self, number: int, object_count: int, root_object_count: int) -> str:
        """Record how far the run is; answers the status, which a cancel may have changed."""
        with self._db.write() as connection:
            row = connection.execute(
                "update bulk_operations set object_count = ?, root_object_count = ? where id = ? returning status",
                (object_count, root_object_count, number),
            ).fetchone()
        return str(row[0])

    def fail_interrupted(self) -> None:
        """At start: what an earlier process left running will never finish."""
        with self._db.write() as connection:
            connection.execute(
                "update bulk_operations set status = 'FAILED', error_code = 'INTERNAL_SERVER_ERROR', completed_at = ?"
                " where status in (?, ?, ?)",
                (now_text(), *RUNNING_STATES),
            )


class Deliveries:
    """One row a webhook: waiting, delivered, dropped or failed for good."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self, *, webhook_id: str, event_id: str, topic: str, shop_domain: str, body: bytes, state: str = "waiting",
        copies: int = 1,
    ) -> None:  # fmt: skip
        with self._db.write() as connection:
            connection.execute(
                "insert into deliveries (webhook_id, event_id, topic, shop_domain, body, triggered_at, state, attempts,"
                " next_at, copies) values (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
                (webhook_id, event_id, topic, shop_domain, body, trigger_text(), state, time.time(), copies),
            )

    def list_due(self, limit: int) -> list[Delivery]:
        rows = self._db.all(
            f"select {columns(Delivery)} from deliveries where state = 'waiting' and next_at <= ?"
            " order by next_at, id limit ?",
            (time.time(), limit),
        )
        return [Delivery(*row) for row in rows]

    def next_due_at(self) -> float | None:
        value = self._db.scalar("select min(next_at) from deliveries where state = 'waiting'")
        return None if value is None else float(value)

    def record_attempts(self, outcomes: list[tuple[str, int, float, int | None, str | None, int]]) -> None:
        """Rows of (state, attempts, next_at, last_status, last_error, id), in one transaction."""
        with self._db.write() as connection:
            connection.executemany(
                "update deliveries set state = ?, attempts = ?, next_at = ?, last_status = ?, last_error = ?"
                " where id = ?",
                outcomes,
            )

    def counts(self) -> dict[str, int]:
        return dict(self._db.all("select state, count(*) from deliveries group by state"))

    def list_recent(self, limit: int = 50) -> list[Delivery]:
        """Newest first."""
        rows = self._db.all(f"select {columns(Delivery)} from deliveries order by id desc limit ?", (limit,))
        return [Delivery(*row) for row in rows]
