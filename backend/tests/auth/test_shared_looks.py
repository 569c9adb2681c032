"""Who asks at the same time shares a look, and nobody is told what was true before they asked."""

import asyncio
import threading
from collections.abc import Callable, Coroutine

import pytest

from storecast.auth.shared_looks import SharedLooks


class Truth:
    """Something to look at; each look takes until it is let go."""

    def __init__(self) -> None:
        self.value = "old"
        self.looks = 0
        self.began = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def look(self) -> str:
        seen = self.value
        self.looks += 1
        self.began.release()
        assert self.go_on.acquire(timeout=10)
        if seen == "broken":
            raise LookupError(seen)
        return seen


async def _begun(truth: Truth) -> None:
    assert await asyncio.to_thread(truth.began.acquire, timeout=10)


def _run(story: Callable[[SharedLooks, Truth], Coroutine[None, None, None]]) -> None:
    async def told() -> None:
        looks = SharedLooks()
        try:
            await story(looks, Truth())
        finally:
            looks.close()

    asyncio.run(told())


def test_who_asks_while_a_look_runs_is_answered_by_the_next_one_together() -> None:
    async def story(looks: SharedLooks, truth: Truth) -> None:
        first = asyncio.ensure_future(looks.ask("key", truth.look))
        await _begun(truth)
        truth.value = "new"
        later = [asyncio.ensure_future(looks.ask("key", truth.look)) for _ in range(5)]
        await asyncio.sleep(0)
        truth.go_on.release(2)
        assert await first == "old"
        assert await asyncio.gather(*later) == ["new"] * 5
        assert truth.looks == 2

        truth.value = "newest"
        truth.go_on.release()
        assert await looks.ask("key", truth.look) == "newest"

    _run(story)


def test_another_question_does_not_wait() -> None:
    async def story(looks: SharedLooks, truth: Truth) -> None:
        slow = asyncio.ensure_future(looks.ask("key", truth.look))
        await _begun(truth)
        assert await looks.ask("other", lambda: "at once") == "at once"
        truth.go_on.release()
        assert await slow == "old"

    _run(story)


def test_one_who_goes_away_takes_the_answer_from_nobody() -> None:
    async def story(looks: SharedLooks, truth: Truth) -> None:
        first = asyncio.ensure_future(looks.ask("key", truth.look))
        await _begun(truth)
        gone, waiting = (asyncio.ensure_future(looks.ask("key", truth.look)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        gone.cancel()
        truth.go_on.release(2)
        assert await waiting == "old"

    _run(story)


def test_a_look_that_fails_fails_for_those_who_asked_and_for_no_later_one() -> None:
    async def story(looks: SharedLooks, truth: Truth) -> None:
        truth.value = "broken"
        asked = asyncio.ensure_future(looks.ask("key", truth.look))
        await _begun(truth)
        truth.value = "mended"
        later = asyncio.ensure_future(looks.ask("key", truth.look))
        await asyncio.sleep(0)
        truth.go_on.release(2)
        with pytest.raises(LookupError):
            await asked
        assert await later == "mended"

    _run(story)
