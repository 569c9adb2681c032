"""Chunks side by side: what came of them is told in their order, whichever is done first and whichever fails."""

from collections.abc import Iterator
from threading import Event

import pytest

from storecast.sync.lanes import in_lanes

WAIT_S = 30


def test_what_came_of_each_is_told_in_order_though_the_second_is_done_first() -> None:
    second_done = Event()
    ended: list[int] = []

    def work(number: int) -> int:
        if number == 1:
            assert second_done.wait(WAIT_S)
        ended.append(number)
        if number == 2:
            second_done.set()
        return number * 10

    with in_lanes(work, [1, 2]) as told:
        assert list(told) == [(1, 10), (2, 20)]
    assert ended == [2, 1]


def test_an_error_is_raised_in_its_turn_and_nothing_further_begins() -> None:
    """The first is noted though the second failed long before; the third is not, however well it went."""
    failed = Event()
    read: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1, 100):
            read.append(number)
            yield number

    def work(number: int) -> int:
        if number == 1:
            assert failed.wait(WAIT_S)
        if number == 2:
            failed.set()
            raise ValueError(number)
        return number

    noted = []
    with in_lanes(work, numbers()) as told:
        noted.append(next(told))
        with pytest.raises(ValueError, match="2"):
            next(told)
    assert noted == [(1, 1)]
    assert read == [1, 2, 3, 4]


def test_leaving_waits_for_what_is_in_work() -> None:
    begun, may_end = Event(), Event()
    ended: list[int] = []

    def work(number: int) -> int:
        if number == 2:
            begun.set()
            assert may_end.wait(WAIT_S)
        ended.append(number)
        return number

    with in_lanes(work, [1, 2, 3]) as told:
        assert next(told) == (1, 1)
        assert begun.wait(WAIT_S)
        may_end.set()
    assert 2 in ended


def test_an_error_while_reading_ahead_is_raised_after_what_has_begun() -> None:
    ended: list[int] = []

    def numbers() -> Iterator[int]:
        yield 1
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="gone"), in_lanes(ended.append, numbers()) as told:
        list(told)
    assert ended == [1]
