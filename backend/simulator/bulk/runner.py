"""Starts bulk operations and runs them on threads.

At most five a shop at once; an operation says COMPLETED only when its file is whole.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import orjson
from graphql import FieldNode, get_named_type, value_from_ast_untyped

from simulator import payloads
from simulator.admin_api import listings
from simulator.admin_api.context import Context
from simulator.bulk.projection import NodePlan
from simulator.bulk.rules import BulkQuery, BulkQueryRefused, check, flat, node_selections
from simulator.config import SimulatorConfig
from simulator.state.records import BulkOperation
from simulator.store import Store
from simulator.webhooks import Webhooks

log = logging.getLogger(__name__)

CONCURRENT_PER_SHOP = 5
BLOCK = 200
"""Without groupObjects children follow the block of their parents, not each parent: readers must join on __parentId."""
PROGRESS_EVERY_S = 0.25
ROOT_LISTINGS = {
    "customers": listings.CUSTOMERS,
    "orders": listings.ORDERS,
    "products": listings.PRODUCTS,
    "productVariants": listings.VARIANTS,
    "collections": listings.COLLECTIONS,
    "abandonedCheckouts": listings.ABANDONED_CHECKOUTS,
    "segments": listings.SEGMENTS,
}


RunLine = Callable[[Context, dict[str, Any]], dict[str, Any]]
"""The answer of a mutation with these variables."""


class Cancelled(Exception):
    """Someone asked for the end of this operation."""


class BulkRunner:
    def __init__(self, config: SimulatorConfig, store: Store, webhooks: Webhooks) -> None:
        self._config = config
        self._store = store
        self._webhooks = webhooks
        self._threads = ThreadPoolExecutor(CONCURRENT_PER_SHOP, thread_name_prefix="bulk")
        self._start_lock = threading.Lock()
        self._closing = threading.Event()

    def start(
        self, ctx: Context, query: str, *, group_objects: bool
    ) -> tuple[BulkOperation | None, list[dict[str, Any]]]:
        """The operation, or why there is none."""
        try:
            checked = check(ctx.schema, ctx.scopes, query)
        except BulkQueryRefused as refused:
            return None, [{"field": ["query"], "message": str(refused), "code": "INVALID"}]
        with self._start_lock:
            busy = self._store.faults.bites("bulk_busy")
            if busy or self._store.bulk.count_running(ctx.shop.id) >= CONCURRENT_PER_SHOP:
                message = (
                    f"A maximum of {CONCURRENT_PER_SHOP} bulk query operations can run at the same time."
                )
                return None, [{"field": None, "message": message, "code": "LIMIT_REACHED"}]
            operation = self._store.bulk.create(ctx.shop.id, query, group_objects=group_objects)
        self._threads.submit(self._run, ctx, operation, checked)
        return operation, []

    def start_mutation(
        self, ctx: Context, mutation: str, file: Path, run_line: RunLine
    ) -> tuple[BulkOperation | None, list[dict[str, Any]]]:
        """Run a mutation once for each line of a file; the operation, or why there is none."""
        with self._start_lock:
            if self._store.bulk.count_running(ctx.shop.id) >= CONCURRENT_PER_SHOP:
                message = f"A maximum of {CONCURRENT_PER_SHOP} bulk operations can run at the same time."
                return None, [{"field": None, "message": message, "code": "LIMIT_REACHED"}]
            operation = self._store.bulk.create(ctx.shop.id, mutation, group_objects=False)
        self._threads.submit(self._run_mutation, ctx, operation, file, run_line)
        return operation, []

    def _run_mutation(self, ctx: Context, operation: BulkOperation, file: Path, run_line: RunLine) -> None:
        bulk = self._store.bulk
        self._closing.wait(self._config.bulk_step_delay_s)
        try:
            if not bulk.begin(operation.id):
                bulk.update(operation.id, status="CANCELED", completed=True)
            elif self._store.faults.bites("bulk_failure"):
                bulk.update(operation.id, status="FAILED", error_code="INTERNAL_SERVER_ERROR", completed=True)
            else:
                self._write_results(ctx, operation, file.read_bytes().splitlines(), run_line)
        except Exception:
            bulk.update(operation.id, status="FAILED", error_code="INTERNAL_SERVER_ERROR", completed=True)
            log.exception("bulk operation %s", operation.id)
        self._announce(ctx, operation)

    def _write_results(
        self, ctx: Context, operation: BulkOperation, lines: list[bytes], run_line: RunLine
    ) -> None:
        """Results come in no order of the lines: the last first."""
        path = self._folder() / f"bulk-{operation.id}-{secrets.token_hex(12)}.jsonl"
        with path.open("wb") as out:
            for number in reversed(range(len(lines))):
                answer = run_line(ctx, orjson.loads(lines[number]))
                out.write(orjson.dumps({**answer, "__lineNumber": number}) + b"\n")
        self._store.bulk.update(
            operation.id, status="COMPLETED", object_count=len(lines), root_object_count=len(lines),
            file_size=path.stat().st_size, path=path.name if lines else None, completed=True,
        )  # fmt: skip

    def close(self) -> None:
        """Running operations stop at their next node; a restart marks them FAILED."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self, ctx: Context, operation: BulkOperation, query: BulkQuery) -> None:
        """Nobody asks this thread for its result: what goes wrong here ends the operation and is logged."""
        bulk = self._store.bulk
        self._closing.wait(self._config.bulk_step_delay_s)
        try:
            self._carry_out(ctx, operation, query)
        except Cancelled:
            if self._closing.is_set():
                return
            bulk.update(operation.id, status="CANCELED", completed=True)
        except Exception:
            bulk.update(operation.id, status="FAILED", error_code="INTERNAL_SERVER_ERROR", completed=True)
            log.exception("bulk operation %s", operation.id)
        self._announce(ctx, operation)

    def _carry_out(self, ctx: Context, operation: BulkOperation, query: BulkQuery) -> None:
        bulk = self._store.bulk
        if not bulk.begin(operation.id):
            raise Cancelled
        if query.access_missing is not None:
            bulk.update(operation.id, status="FAILED", error_code="ACCESS_DENIED", completed=True)
        elif self._store.faults.bites("bulk_failure"):
            bulk.update(operation.id, status="FAILED", error_code="INTERNAL_SERVER_ERROR", completed=True)
        else:
            run = _Run(ctx, self._store, operation, self._folder(), self._closing)
            run.write(query, grouped=bool(operation.group_objects))

    def _announce(self, ctx: Context, operation: BulkOperation) -> None:
        finished = self._store.bulk.find(ctx.shop.id, operation.id)
        if finished is not None and finished.completed_at is not None:
            self._webhooks.send("bulk_operations/finish", ctx.shop, payloads.bulk_operation(finished))

    def _folder(self) -> Path:
        folder = self._config.state_dir / "bulk"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class _Run:
    """One operation's walk over the store into its file."""

    def __init__(
        self, ctx: Context, store: Store, operation: BulkOperation, folder: Path, closing: threading.Event
    ) -> None:
        self._ctx = ctx
        self._store = store
        self._operation = operation
        self._folder = folder
        self._closing = closing
        self._objects = 0
        self._roots = 0
        self._told_at = time.monotonic()

    def write(self, query: BulkQuery, *, grouped: bool) -> None:
        name = f"bulk-{self._operation.id}-{secrets.token_hex(12)}.jsonl"
        path = self._folder / name
        try:
            with path.open("wb", buffering=1 << 20) as file:
                for field in flat(query.operation.selection_set, query.fragments):
                    self._write_root(file, field, query, grouped=grouped)
            self._tell()
        except Cancelled:
            path.unlink(missing_ok=True)
            raise
        size = path.stat().st_size
        if not size:
            path.unlink()
        self._store.bulk.update(
            self._operation.id, status="COMPLETED", object_count=self._objects, root_object_count=self._roots,
            file_size=size or None, path=name if size else None, completed=True,
        )  # fmt: skip

    def _write_root(self, file: IO[bytes], field: FieldNode, query: BulkQuery, *, grouped: bool) -> None:
        root: Any = self._ctx.schema.graphql.query_type
        connection: Any = get_named_type(root.fields[field.name.value].type)
        listing = ROOT_LISTINGS.get(field.name.value)
        if listing is None or not connection.name.endswith("Connection"):
            return
        arguments = {part.name.value: value_from_ast_untyped(part.value) for part in field.arguments}
        plan = NodePlan(self._ctx, query.fragments)
        for selections in node_selections(field, query.fragments):
            plan.add(selections, get_named_type(connection.fields["nodes"].type))
        rows = listings.stream(self._ctx, listing, arguments, path=field.name.value)
        for block in _blocks(rows, 1 if grouped else BLOCK):
            self._write_block(file, plan, block)

    def _write_block(self, file: IO[bytes], plan: NodePlan, block: list[Any]) -> None:
        dumps = orjson.dumps
        lines = [plan.project(node) for node in block]
        out = [dumps(line) for line in lines]
        if plan.children:
            for node, line in zip(block, lines, strict=True):
                out += [dumps(child) for child in plan.child_lines(node, line["id"])]
        out.append(b"")
        file.write(b"\n".join(out))
        self._roots += len(block)
        self._objects += len(out) - 1
        if time.monotonic() - self._told_at > PROGRESS_EVERY_S:
            self._tell()

    def _tell(self) -> None:
        self._told_at = time.monotonic()
        status = self._store.bulk.progress(self._operation.id, self._objects, self._roots)
        if status == "CANCELING" or self._closing.is_set():
            raise Cancelled


def _blocks(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    block: list[Any] = []
    for row in rows:
        block.append(row)
        if len(block) == size:
            yield block
            block = []
    if block:
        yield block
