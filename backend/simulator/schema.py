"""Shopify's own Admin API schema: fetched once into a git-ignored cache, checked by its hash, built on first use.

`python -m simulator.schema fetch` brings it (npm is needed). The schema comes from Shopify's package
@shopify/dev-mcp, licensed ISC; no copy of it is part of this repository.
"""

from __future__ import annotations

import gzip
import hashlib
import subprocess  # nosec B404 - runs npm with a fixed argument list
import sys
import tarfile
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLSchema, build_client_schema

PACKAGE = "@shopify/dev-mcp@1.16.0"
MEMBER = "package/dist/data/admin_2026-10.json.gz"
SHA256 = "f3b522f264556925eada700e795e4a002a9cba83444ebcc6c0d724254a0c6593"
CACHE = Path(__file__).resolve().parents[1] / ".cache" / "shopify-schema"
FETCH_TIMEOUT_S = 300


class SchemaMissing(Exception):
    """The cache holds no schema, or one with another hash than the pinned one."""


@dataclass(frozen=True, slots=True)
class AdminSchema:
    graphql: GraphQLSchema
    type_scopes: dict[str, tuple[str, ...]]
    """Type name → scopes of which any one opens it."""
    field_scopes: dict[tuple[str, str], tuple[str, ...]]
    required_access: dict[tuple[str, str | None], str]
    """The platform's own sentence on what a type or field requires."""


def path() -> Path:
    return CACHE / Path(MEMBER).name


def fetch() -> Path:
    """The verified file, downloaded unless the cache has it. SchemaMissing when the download is not what is pinned."""
    target = path()
    if target.is_file() and _hash(target) == SHA256:
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        done = subprocess.run(  # nosec B603 B607 - fixed arguments, npm found as the user's shell finds it
            ["npm", "pack", PACKAGE, "--silent", "--pack-destination", folder],
            capture_output=True,
            text=True,
            timeout=FETCH_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise SchemaMissing(f"npm pack {PACKAGE} failed: {done.stderr.strip()[-500:]}")
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as files:
            member = files.extractfile(MEMBER)
            if member is None:
                raise SchemaMissing(f"{PACKAGE} holds no {MEMBER}")
            fetched = Path(folder) / target.name
            fetched.write_bytes(member.read())
        if _hash(fetched) != SHA256:
            raise SchemaMissing(f"{MEMBER} of {PACKAGE} has SHA-256 {_hash(fetched)}, pinned is {SHA256}")
        fetched.replace(target)
    return target


_lock = threading.Lock()
_loaded: list[AdminSchema] = []


def load() -> AdminSchema:
    """Built once a process; any thread may ask, the first one pays about half a second."""
    with _lock:
        if not _loaded:
            _loaded.append(_build())
        return _loaded[0]


def _build() -> AdminSchema:
    file = path()
    if not file.is_file():
        raise SchemaMissing(f"{file} is missing: run python -m simulator.schema fetch")
    packed = file.read_bytes()
    if hashlib.sha256(packed).hexdigest() != SHA256:
        raise SchemaMissing(
            f"{file} is not the pinned schema: delete it and run python -m simulator.schema fetch"
        )
    raw: dict[str, Any] = orjson.loads(gzip.decompress(packed))
    type_scopes: dict[str, tuple[str, ...]] = {}
    field_scopes: dict[tuple[str, str], tuple[str, ...]] = {}
    required: dict[tuple[str, str | None], str] = {}
    for item in raw["offline_scopes"]["items"]:
        scopes = tuple(item["offlineScopes"])
        if not scopes:
            continue
        required[item["typeName"], item.get("fieldName")] = item["requiredAccess"]
        if item["type"] == "type":
            type_scopes[item["typeName"]] = scopes
        else:
            field_scopes[item["typeName"], item["fieldName"]] = scopes
    return AdminSchema(
        build_client_schema(raw["data"], assume_valid=True), type_scopes, field_scopes, required
    )


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main(arguments: list[str]) -> int:
    if arguments != ["fetch"]:
        sys.stderr.write("usage: python -m simulator.schema fetch\n")
        return 2
    try:
        sys.stdout.write(f"{fetch()}\n")
    except SchemaMissing as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
