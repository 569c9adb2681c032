"""One look into the database for everybody who asks the same at the same time.

A look answers those alone who asked before it began: who asks while one runs waits for the next. Nothing is kept, and
nobody is told what was true before they asked.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from storecast.db.session import LOOKS

T = TypeVar("T")


class SharedLooks:
    """The looks of one event loop; they run in threads of their own, as many as there are connections for them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKS, thread_name_prefix="look")
        self._running: set[Hashable] = set()
        self._next: dict[Hashable, asyncio.Future[Any]] = {}

    async def ask(self, key: Hashable, look: Callable[[], T]) -> T:
        """What ``look`` finds; calls of the same ``key`` look for the same. Raises what it raises."""
        answer: asyncio.Future[T]
        if key not in self._running:
            answer = asyncio.get_running_loop().create_future()
            self._begin(key, look, answer)
        else:
            answer = self._next.get(key) or asyncio.get_running_loop().create_future()
            self._next[key] = answer
        # Several wait for it: one who goes away must not take it from the others.
        return await asyncio.shield(answer)

    def close(self) -> None:
        """Give the threads back; a look that runs ends by itself."""
        self._threads.shutdown(wait=False)

    def _begin(self, key: Hashable, look: Callable[[], T], answer: "asyncio.Future[T]") -> None:
        self._running.add(key)
        running = asyncio.get_running_loop().run_in_executor(self._threads, look)
        running.add_done_callback(partial(self._tell, key, look, answer))

    def _tell(
        self, key: Hashable, look: Callable[[], T], answer: "asyncio.Future[T]", found: "asyncio.Future[T]"
    ) -> None:
        following = self._next.pop(key, None)
        if following is None:
            self._running.discard(key)
        else:
            self._begin(key, look, following)
        error = found.exception()
        if error is None:
            answer.set_result(found.result())
        else:
            answer.set_exception(error)
