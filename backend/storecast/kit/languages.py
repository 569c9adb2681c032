"""Which of the product's languages a reader wants."""

from typing import Literal, cast, get_args

Language = Literal["en", "de"]

HEADER_MAX = 200
"""Of an ``Accept-Language`` no more is read: the languages that people do want stand in front."""


def preferred(header: str | None) -> Language:
    """The language that an ``Accept-Language`` weighs most among those there are; English when it names none."""
    wanted: list[tuple[float, str]] = []
    for item in (header or "")[:HEADER_MAX].split(","):
        tag, _, weight = item.partition(";")
        language = tag.strip().lower().partition("-")[0]
        if language in get_args(Language):
            wanted.append((_weight(weight), language))
    # Of two with one weight the first: max() keeps it.
    best = max(wanted, key=lambda pair: pair[0], default=(0.0, "en"))
    return cast(Language, best[1]) if best[0] > 0 else "en"


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not name:
        return 1.0
    try:
        return float(value) if name.strip() == "q" and 0 <= float(value) <= 1 else 0.0
    except ValueError:
        return 0.0
