"""The body of an upload as a file: on disk past a megabyte, and never more than `lists.MAX_BYTES`."""

import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO, cast

from fastapi import Request

from storecast.kit.errors import TooLarge
from storecast.segments import lists

IN_MEMORY_BYTES = 1024 * 1024


async def spooled_body(request: Request) -> AsyncIterator[BinaryIO]:
    """Read the body piece by piece; raises TooLarge as soon as it is, whatever its header says."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > lists.MAX_BYTES:
                raise TooLarge(f"A list has at most {lists.MAX_BYTES // 2**20} MiB.")
            file.write(piece)
        file.seek(0)
        yield cast(BinaryIO, file)
