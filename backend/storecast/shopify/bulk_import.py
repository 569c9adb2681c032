"""Bulk mutations: upload a file of variables, run a mutation once for each line, read what became of each.

Shopify runs lines in no order, and tells each result with the number of its line
(https://shopify.dev/docs/api/usage/bulk-operations/imports). An operation that is started twice runs twice: what is
written this way must have the effect of once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import httpx
import orjson
import structlog

from storecast.resilience.guard import Guard, host_of, process_guard
from storecast.shopify import bulk, operations
from storecast.shopify.bulk import BulkOperation, BulkSlotsTaken
from storecast.shopify.client import AdminClient, user_errors
from storecast.shopify.errors import OperationRefused, ShopifyUnreachable, UserErrors
from storecast.shopify.transport import host_failed, http_client

log = structlog.get_logger(__name__)

MAX_UPLOAD_BYTES = 100 * 1024 * 1024
"""Shopify's limit since 2026-01."""

MEMORY_BYTES = 4 * 1024 * 1024
"""A longer file waits on disk."""


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one line; ``error`` is None when it did what it should."""

    line: int
    error: str | None


def upload(
    client: AdminClient,
    variables: Iterable[dict[str, Any]],
    *,
    http: httpx.Client | None = None,
    guard: Guard | None = None,
) -> str:
    """Upload one line of variables for each run; the path by which `run` finds the file.

    Raises OperationRefused when the file is longer than Shopify takes.
    """
    with SpooledTemporaryFile(max_size=MEMORY_BYTES) as file:
        for line in variables:
            file.write(orjson.dumps(line) + b"\n")
        size = file.tell()
        if size > MAX_UPLOAD_BYTES:
            raise OperationRefused(f"the file has {size} bytes, Shopify takes {MAX_UPLOAD_BYTES}")
        file.seek(0)
        target = {
            "resource": "BULK_MUTATION_VARIABLES",
            "filename": "variables.jsonl",
            "mimeType": "text/jsonl",
            "httpMethod": "POST",
        }
        payload = client.mutate("staged_uploads_create", {"input": [target]})
        (staged,) = payload["stagedTargets"]
        parameters = {str(each["name"]): str(each["value"]) for each in staged["parameters"]}
        if "key" not in parameters:
            raise OperationRefused("the upload has no key")
        _post(http or http_client(), guard or process_guard(), str(staged["url"]), parameters, file)
    return parameters["key"]


def _post(http: httpx.Client, guard: Guard, url: str, parameters: dict[str, str], file: IO[bytes]) -> None:
    # The parameters are the storage's signature; the file has to be the last field.
    files = {"file": ("variables.jsonl", file, "text/jsonl")}
    with guard.call(host_of(url), "staged_upload") as call:
        try:
            response = http.post(url, data=parameters, files=files)
        except httpx.TransportError as error:
            if host_failed(error):
                call.failed(type(error).__name__)
            raise ShopifyUnreachable(type(error).__name__) from error
        if response.status_code >= 500:
            call.failed(f"HTTP {response.status_code}")
    if response.status_code >= 300:
        raise ShopifyUnreachable(f"HTTP {response.status_code} for the upload")


def run(client: AdminClient, name: str, path: str, *, client_identifier: str) -> BulkOperation:
    """Start the mutation of ``graphql/{name}.graphql`` over an uploaded file."""
    variables = {"mutation": operations.load(name).text, "path": path, "client": client_identifier}
    try:
        payload = client.mutate("bulk_operation_run_mutation", variables)
    except UserErrors as refused:
        if refused.codes & {"LIMIT_REACHED", "OPERATION_IN_PROGRESS"}:
            raise BulkSlotsTaken(str(refused), retry_after=15.0) from refused
        raise
    return bulk.get_operation(client, str(payload["bulkOperation"]["id"]))


def iter_results(
    url: str, *, http: httpx.Client | None = None, guard: Guard | None = None
) -> Iterator[LineResult]:
    """What became of each line; lines that are no result are left out."""
    for line, _offset in bulk.iter_lines(url, http=http, guard=guard):
        if line is not None and (result := read_result(line)) is not None:
            yield result


def read_result(line: bytes) -> LineResult | None:
    """One line of a result file, None for what is none."""
    try:
        told = orjson.loads(line)
        number = told["__lineNumber"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    data = told.get("data")
    payload = next(iter(data.values()), None) if isinstance(data, dict) else None
    if not isinstance(payload, dict):
        return LineResult(number, _messages(told.get("errors")) or "no answer")
    return LineResult(number, _messages(user_errors(payload)))


def _messages(errors: Any) -> str | None:
    if not isinstance(errors, list) or not errors:
        return None
    return (
        "; ".join(str(error.get("message", "")) for error in errors if isinstance(error, dict))[:500]
        or "refused"
    )
