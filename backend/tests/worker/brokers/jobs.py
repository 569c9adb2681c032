"""Jobs whose effects the battery counts; processes.py has their bodies."""

from dataclasses import dataclass
from typing import ClassVar

from storecast.worker.job import Job
from storecast.worker.retry import Retry

AT_ONCE = Retry(base_s=0.01, cap_s=0.02)

EFFECTS = """
CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job_id uuid, attempt int, what text);
GRANT SELECT, INSERT ON effects TO storecast_platform;
"""


@dataclass(frozen=True, slots=True)
class Small(Job):
    """Done at once; travels with others."""

    name: ClassVar[str] = "tests.small"
    bundle: ClassVar[int] = 20
    number: int


@dataclass(frozen=True, slots=True)
class Alone(Job):
    """Done at once, one a message."""

    name: ClassVar[str] = "tests.alone"
    number: int


@dataclass(frozen=True, slots=True)
class Long(Job):
    """Goes on until somebody stops it, at its first attempt; done at once at any other."""

    name: ClassVar[str] = "tests.long"
    retry: ClassVar[Retry] = AT_ONCE


@dataclass(frozen=True, slots=True)
class Short(Job):
    """Runs for a moment."""

    name: ClassVar[str] = "tests.short"


@dataclass(frozen=True, slots=True)
class Deaf(Job):
    """Ignores its soft limit at its first attempt."""

    name: ClassVar[str] = "tests.deaf"
    timeout_s: ClassVar[int] = 1
    retry: ClassVar[Retry] = AT_ONCE


@dataclass(frozen=True, slots=True)
class Deadly(Job):
    """Kills the process that runs it."""

    name: ClassVar[str] = "tests.deadly"
    retry: ClassVar[Retry] = AT_ONCE
