"""Staged uploads: files that an app leaves for a bulk mutation, under keys that cannot be guessed."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.config import SimulatorConfig

KEY = re.compile(r"tmp/[0-9]+/bulk/[0-9a-f-]{36}/[A-Za-z0-9._-]{1,80}")
MAX_BYTES = 100 * 1024 * 1024
RESOURCE = "BULK_MUTATION_VARIABLES"


def stage(config: SimulatorConfig, shop_id: int, given: dict[str, Any]) -> dict[str, Any]:
    """Where a file may be posted, and the fields to post before it."""
    number = secrets.token_hex(16)
    unique = "-".join((number[:8], number[8:12], number[12:16], number[16:20], number[20:])).ljust(36, "0")
    key = f"tmp/{shop_id}/bulk/{unique}/{given['filename']}"
    parameters = {
        "key": key,
        "Content-Type": given["mimeType"],
        "success_action_status": "201",
        "acl": "private",
    }
    return {
        "url": f"{config.base_url}/staged-uploads",
        "resourceUrl": None,
        "parameters": [{"name": name, "value": value} for name, value in parameters.items()],
    }


def find(config: SimulatorConfig, shop_id: int, key: str) -> Path | None:
    """The uploaded file of a key of this shop."""
    if not KEY.fullmatch(key) or not key.startswith(f"tmp/{shop_id}/"):
        return None
    path = config.state_dir / "uploads" / key.replace("/", "_")
    return path if path.is_file() else None


def routes(config: SimulatorConfig) -> list[BaseRoute]:
    folder = config.state_dir / "uploads"

    async def receive(request: Request) -> Response:
        boundary = request.headers.get("content-type", "").partition("boundary=")[2].encode()
        body = await request.body()
        if not boundary or len(body) > MAX_BYTES:
            return PlainTextResponse("MalformedPOSTRequest", 400)
        fields: dict[str, bytes] = {}
        for part in body.split(b"--" + boundary)[1:-1]:
            head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]+)"', head)
            if name is None or "file" in fields:
                return PlainTextResponse("the file must be the last field", 400)
            fields[name[1].decode()] = content.removesuffix(b"\r\n")
        key = fields.get("key", b"").decode()
        if "file" not in fields or not KEY.fullmatch(key):
            return PlainTextResponse("MalformedPOSTRequest", 400)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / key.replace("/", "_")).write_bytes(fields["file"])
        return PlainTextResponse("", 201)

    return [Route("/staged-uploads", receive, methods=["POST"])]
