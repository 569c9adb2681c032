"""Serves result files under names that cannot be guessed, in whole or by range."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.config import SimulatorConfig

NAME = re.compile(r"bulk-[0-9]+-[0-9a-f]{24}\.jsonl")


def routes(config: SimulatorConfig) -> list[BaseRoute]:
    folder: Path = config.state_dir / "bulk"

    async def result(request: Request) -> Response:
        name = request.path_params["name"]
        if not NAME.fullmatch(name) or not (folder / name).is_file():
            return PlainTextResponse("NoSuchKey", 404)
        # FileResponse answers Range requests with 206 and Content-Range, whole ones with Content-Length.
        return FileResponse(folder / name, media_type="application/jsonl")

    return [Route("/bulk/{name}", result)]
