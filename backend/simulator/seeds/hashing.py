"""Deterministic choices without a random generator: the same index gives the same choice in any order of asking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")

MASK = (1 << 64) - 1


def mix(index: int, salt: int) -> int:
    """64 well-mixed bits (the finaliser of SplitMix64)."""
    value = (index * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03 + 0x8CB92BA72F3D8DD7) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def pick(options: Sequence[Choice], index: int, salt: int) -> Choice:
    return options[mix(index, salt) % len(options)]


def fraction(index: int, salt: int) -> float:
    """In [0, 1)."""
    return mix(index, salt) / (1 << 64)


def words(text: str, *, separator: str | None = None) -> tuple[str, ...]:
    """A word list written as prose."""
    return tuple(word.strip() for word in text.split(separator))
