"""Chunks of one file side by side: while the database takes one over, the next is decoded.

Rows may be committed before those of the chunk ahead of them; what came of the chunks is told in the order of the
file. Who notes it as it is told never notes a chunk before all that stand ahead of it are in: after a crash the others
are imported again, which changes nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Given = TypeVar("Given")
Done = TypeVar("Done")

LANES = 2
"""One decodes while the other waits for the database; a third would wait for the interpreter's lock."""


@contextmanager
def in_lanes(
    work: Callable[[Given], Done], given: Iterable[Given], *, lanes: int = LANES
) -> Iterator[Iterator[tuple[Given, Done]]]:
    """Each item with what came of it, in order; the next one waits ready, nothing further is read ahead.

    An item's error is raised in its turn. Leaving the block waits for what is in work and begins nothing more.
    """
    waiting: deque[tuple[Given, Future[Done]]] = deque()
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        try:
            yield _in_order(pool, work, given, waiting, lanes)
        finally:
            for _item, future in waiting:
                future.cancel()


def _in_order(
    pool: ThreadPoolExecutor,
    work: Callable[[Given], Done],
    given: Iterable[Given],
    waiting: deque[tuple[Given, Future[Done]]],
    lanes: int,
) -> Iterator[tuple[Given, Done]]:
    for item in given:
        waiting.append((item, pool.submit(work, item)))
        if len(waiting) > lanes:
            first, future = waiting.popleft()
            yield first, future.result()
    while waiting:
        first, future = waiting.popleft()
        yield first, future.result()
