"""The body of an upload as a file: on disk past a megabyte, and never more than its route takes."""

import tempfile
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO, cast

from fastapi import Request

from storecast.kit.errors import TooLarge

IN_MEMORY_BYTES = 1024 * 1024


def spooled_body(most_bytes: int) -> Callable[[Request], AsyncIterator[BinaryIO]]:
    """A dependency that reads the body piece by piece; raises TooLarge as soon as it is, whatever its header says."""

    async def read(request: Request) -> AsyncIterator[BinaryIO]:
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            size = 0
            async for piece in request.stream():
                size += len(piece)
                if size > most_bytes:
                    raise TooLarge(f"A file has at most {most_bytes // 2**20} MiB here.")
                file.write(piece)
            file.seek(0)
            yield cast(BinaryIO, file)

    return read
