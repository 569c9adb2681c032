"""Bulk queries: start, look, cancel, and stream the result file however often the connection breaks.

A resume that follows progress is no retry: it asks for what nobody has sent yet. One that follows none comes out of
the host's retry budget.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import httpx
import structlog

from storecast.resilience.guard import Guard, host_of, process_guard
from storecast.shopify import operations
from storecast.shopify.client import AdminClient
from storecast.shopify.errors import OperationRefused, ShopifyUnreachable, UserErrors
from storecast.shopify.transport import host_failed, http_client

log = structlog.get_logger(__name__)

MAX_RESUMES_WITHOUT_PROGRESS = 5
MAX_LINE_BYTES = 8 * 1024 * 1024
"""No object of ours comes near; a longer line is a file that is not JSONL."""


_ROOT = re.compile(r"(?<=\n)(  \w+) \{")
"""The root connection of a bulk query, which stands alone on the second line."""


class BulkStatus(StrEnum):
    """Where an operation stands, as far as the importer cares."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


_STATUS = {
    "CREATED": BulkStatus.RUNNING,
    "RUNNING": BulkStatus.RUNNING,
    "CANCELING": BulkStatus.RUNNING,
    "COMPLETED": BulkStatus.COMPLETED,
    "CANCELED": BulkStatus.CANCELLED,
    "FAILED": BulkStatus.FAILED,
    "EXPIRED": BulkStatus.FAILED,
}


class ResultExpired(ShopifyUnreachable):
    """The address of a result is not served any more (signed for seven days); the operation may know a new one."""

    code = "bulk_result_expired"
    title = "The address of the result has expired"


class BulkSlotsTaken(ShopifyUnreachable):
    """The shop already runs as many bulk queries as it may (five per app since 2026-01)."""

    code = "bulk_slots_taken"
    title = "Shopify is still busy with earlier bulk queries"


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One look at an operation; ``url`` is None until completed, and for an empty result."""

    gid: str
    status: BulkStatus
    error_code: str | None
    root_object_count: int
    file_bytes: int | None
    url: str | None
    created_at: datetime


def run_query(
    client: AdminClient, name: str, *, search: str | None = None, grouped: bool = False
) -> BulkOperation:
    """Start the bulk query of ``graphql/{name}.graphql``, narrowed by ``search`` in Shopify's search syntax.

    ``grouped``: each object's children follow it in the result, which takes Shopify longer.
    """
    text = operations.load(name).text
    if search is not None:
        # Bulk queries take no variables. A JSON string is a GraphQL string (GraphQL October 2021, section 2.9.4).
        text = _ROOT.sub(lambda root: f"{root[1]}(query: {json.dumps(search)}) {{", text, count=1)
    try:
        payload = client.mutate("bulk_operation_run_query", {"query": text, "groupObjects": grouped})
    except UserErrors as refused:
        if refused.codes & {"LIMIT_REACHED", "OPERATION_IN_PROGRESS"}:
            raise BulkSlotsTaken(str(refused), retry_after=15.0) from refused
        raise
    return _operation(payload["bulkOperation"])


def get_operation(client: AdminClient, gid: str) -> BulkOperation:
    """The operation's present state."""
    node = client.execute("bulk_operation", {"id": gid}).data.get("bulkOperation")
    if node is None:
        raise OperationRefused(f"there is no bulk operation {gid}")
    return _operation(node)


def cancel(client: AdminClient, gid: str) -> None:
    """Ask Shopify to stop an operation; one that is over stays as it is."""
    try:
        client.mutate("bulk_operation_cancel", {"id": gid})
    except UserErrors as refused:
        log.info("bulk_cancel_refused", operation_gid=gid, codes=sorted(refused.codes))


def iter_lines(
    url: str,
    *,
    start_byte: int = 0,
    size_bytes: int | None = None,
    http: httpx.Client | None = None,
    guard: Guard | None = None,
) -> Iterator[tuple[bytes | None, int]]:
    """The lines of a result file from ``start_byte`` (the start of a line), each with the offset after it.

    A line longer than `MAX_LINE_BYTES` comes as None and is not held. A file that ends before ``size_bytes`` is a
    broken connection that did not say so. A broken connection is resumed by a Range request from the last whole line.
    Content coding is switched off: offsets would count compressed bytes otherwise. Raises ResultExpired, and
    OperationRefused for what is no result.
    """
    client, guard, host = http or http_client(), guard or process_guard(), host_of(url)
    offset, fruitless = start_byte, 0
    while True:
        before = offset
        try:
            for line, after in _read_from(client, guard, url, before, size_bytes, retry=fruitless > 0):
                offset = after
                yield line, after
            return
        except httpx.TransportError as error:
            fruitless = 0 if offset > before else fruitless + 1
            log.info("bulk_download_resumed", offset=offset, error=type(error).__name__)
            if fruitless and (fruitless > MAX_RESUMES_WITHOUT_PROGRESS or not guard.may_retry(host)):
                raise ShopifyUnreachable(f"the download broke off at byte {offset}") from error


def _read_from(
    client: httpx.Client, guard: Guard, url: str, start: int, size: int | None, *, retry: bool
) -> Iterator[tuple[bytes | None, int]]:
    with ExitStack() as stack:
        response = _open(stack, client, guard, url, start, retry=retry)
        if response.status_code == 416 and (size is None or start >= size):
            return  # exactly at the end of the file: everything had been read
        _check_result(response)
        skip = start if response.status_code == 200 else 0
        rest, dropped, offset = b"", 0, start
        for block in _blocks(response, guard, host_of(url)):
            known = min(skip, len(block))  # a server that ignores Range sends again what we have
            skip -= known
            lines = (rest + block[known:]).split(b"\n")
            rest = lines.pop()
            for line in lines:
                offset += dropped + len(line) + 1
                yield (None if dropped or len(line) > MAX_LINE_BYTES else line), offset
                dropped = 0
            if dropped or len(rest) > MAX_LINE_BYTES:
                dropped, rest = dropped + len(rest), b""
        end = offset + dropped + len(rest)
        if size is not None and end < size:
            raise httpx.ReadError(f"the result ended at byte {end} of {size}")
        if rest or dropped:
            yield (None if dropped else rest), end


def _check_result(response: httpx.Response) -> None:
    status = response.status_code
    if status in (403, 404, 410):
        raise ResultExpired(f"HTTP {status} for the bulk result")
    if status not in (200, 206):
        raise ShopifyUnreachable(f"HTTP {status} for the bulk result")
    # Shopify's file store says application/jsonl or nothing telling; a page of HTML is some proxy's or a sign-in.
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise OperationRefused("the address of the bulk result serves a web page")


def _open(
    stack: ExitStack, client: httpx.Client, guard: Guard, url: str, start: int, *, retry: bool
) -> httpx.Response:
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    # The circuit judges how the answer begins: its body may take longer than a probe may.
    with guard.call(host_of(url), "bulk_result", retry=retry) as call:
        try:
            response = stack.enter_context(client.stream("GET", url, headers=headers, follow_redirects=True))
        except httpx.TransportError as error:
            if host_failed(error):
                call.failed(type(error).__name__)
            raise
        if response.status_code >= 500:
            call.failed(f"HTTP {response.status_code}")
        return response


def _blocks(response: httpx.Response, guard: Guard, host: str) -> Iterator[bytes]:
    served = False
    try:
        for block in response.iter_bytes():
            served = True
            yield block
    except httpx.TransportError as error:
        # A body that breaks off on its way was served; a long download may break as often as it likes.
        if not served:
            guard.failed(host, "bulk_result", type(error).__name__)
        raise


def _operation(node: dict[str, Any]) -> BulkOperation:
    size = node.get("fileSize")
    return BulkOperation(
        gid=node["id"],
        status=_STATUS.get(node["status"], BulkStatus.RUNNING),
        error_code=node.get("errorCode"),
        root_object_count=int(node.get("rootObjectCount") or 0),
        file_bytes=int(size) if size is not None else None,
        url=node.get("url"),
        created_at=datetime.fromisoformat(node["createdAt"]),
    )
