"""The life of an alert as a pure function: ok → pending → firing → ok, with hold-off and mute.

A rule fires once when its figure has been over the threshold for long enough, and once more says that it is over.
Whether people are told is decided apart from that: a muted rule, and one that spoke a moment ago, fire in silence. Who
was not told of a beginning is not told of its end, but is told of what still goes on when the silence is over: a rule
fires again then, once. That people know of a firing is said by ``notified_at`` being its ``fired_at``.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

State = Literal["ok", "pending", "firing", "unknown"]
Kind = Literal["fired", "resolved"]
Silent = Literal["muted", "held_off"]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a rule says."""

    op: Literal["above", "below"]
    threshold: float
    for_s: int
    hold_off_s: int
    muted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a rule stands."""

    state: State
    since: datetime
    fired_at: datetime | None = None
    notified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """What happened by a look at the figure; ``silent`` says why nobody is told of it."""

    kind: Kind
    silent: Silent | None


def look(terms: Terms, before: Standing, value: float | None, now: datetime) -> tuple[Standing, Event | None]:
    """The standing after a look. A figure that cannot be had (None) ends no alert and begins none."""
    # A clock that was set back must not make a rule wait for the old time to come round again.
    standing = replace(before, since=min(before.since, now))
    if value is None:
        return (standing, None) if standing.state == "firing" else (_to(standing, "unknown", now), None)
    breached = value > terms.threshold if terms.op == "above" else value < terms.threshold
    if standing.state == "firing":
        return _speak_up(terms, standing, now) if breached else _resolve(terms, standing, now)
    if not breached:
        return _to(standing, "ok", now), None
    if standing.state != "pending":
        standing = _to(standing, "pending", now)
    if now - standing.since >= timedelta(seconds=terms.for_s):
        return _fire(terms, standing, now)
    return standing, None


def _to(standing: Standing, state: State, now: datetime) -> Standing:
    return standing if standing.state == state else replace(standing, state=state, since=now)


def _fire(terms: Terms, standing: Standing, now: datetime) -> tuple[Standing, Event]:
    silent = _silence(terms, standing, now)
    notified_at = standing.notified_at if silent is not None else now
    return replace(_to(standing, "firing", now), fired_at=now, notified_at=notified_at), Event(
        "fired", silent
    )


def _speak_up(terms: Terms, standing: Standing, now: datetime) -> tuple[Standing, Event | None]:
    """Tell of a firing that began in silence, as soon as the silence is over."""
    if _is_told(standing) or _silence(terms, standing, now) is not None:
        return standing, None
    return replace(standing, fired_at=now, notified_at=now), Event("fired", None)


def _resolve(terms: Terms, standing: Standing, now: datetime) -> tuple[Standing, Event]:
    silent: Silent | None = "muted" if _is_muted(terms, now) else None
    if silent is None and not _is_told(standing):
        silent = "held_off"
    return _to(standing, "ok", now), Event("resolved", silent)


def _silence(terms: Terms, standing: Standing, now: datetime) -> Silent | None:
    if _is_muted(terms, now):
        return "muted"
    told = standing.notified_at
    held_off = told is not None and timedelta() <= now - told < timedelta(seconds=terms.hold_off_s)
    return "held_off" if held_off else None


def _is_muted(terms: Terms, now: datetime) -> bool:
    return terms.muted_until is not None and now < terms.muted_until


def _is_told(standing: Standing) -> bool:
    return standing.fired_at is not None and standing.notified_at == standing.fired_at
