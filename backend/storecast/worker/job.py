"""The declaration of a job: a frozen dataclass whose fields are its JSON payload."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, Self, TypeVar

Queue = Literal["critical", "default", "bulk", "sync", "ai"]

QUEUES: tuple[Queue, ...] = ("critical", "default", "bulk", "sync", "ai")


@dataclass(frozen=True, slots=True)
class Job:
    """Base of every job. Subclasses are frozen dataclasses that set the class variables.

    ``name`` is stable once shipped: rows in the database carry it. ``max_attempts`` counts the first run.
    """

    name: ClassVar[str]
    queue: ClassVar[Queue] = "default"
    max_attempts: ClassVar[int] = 8
    timeout_s: ClassVar[int] = 300

    def unique_key(self) -> str | None:
        """Jobs of one shop with the same key wait only once; None when each one counts."""
        return None

    def payload(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> Self:
        """The job of a stored payload; raises TypeError when the fields are not this job's."""
        return cls(**payload)


J = TypeVar("J", bound=Job)
