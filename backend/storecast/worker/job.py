"""The declaration of a job: a frozen dataclass whose fields are its JSON payload."""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Literal, Self, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from storecast.kit.errors import FieldError, Invalid
from storecast.worker.retry import Retry

Queue = Literal["critical", "default", "bulk", "sync", "ai"]

QUEUES: tuple[Queue, ...] = ("critical", "default", "bulk", "sync", "ai")

TERMS_MAX = 16
TERM_LENGTH_MAX = 64
"""A job is found by a few short facts; what is longer is text, and text is no fact."""


@dataclass(frozen=True, slots=True)
class Job:
    """Base of every job. Subclasses are frozen dataclasses that set the class variables.

    ``name`` is stable once shipped: rows in the database carry it. ``max_attempts`` counts the first run.
    """

    name: ClassVar[str]
    queue: ClassVar[Queue] = "default"
    # 0 goes first, 9 last. Only the relay reads it, so that it means the same on every broker.
    priority: ClassVar[int] = 5
    max_attempts: ClassVar[int] = 8
    # The body is interrupted after this long, and its process killed 15 s later.
    timeout_s: ClassVar[int] = 300
    retry: ClassVar[Retry] = Retry()
    # How many of one shop travel in one message. Over 1 only for jobs well under 50 ms: they run one after another.
    bundle: ClassVar[int] = 1
    # In flight (queued or running) at most, in all and of one shop. An operator's limit takes the place of these.
    in_flight: ClassVar[int | None] = None
    shop_in_flight: ClassVar[int | None] = None
    tags: ClassVar[tuple[str, ...]] = ()
    # People may start it: by a schedule, in a workflow, now.
    open_to_users: ClassVar[bool] = False
    # It still has to run when its shop has uninstalled the app.
    outlives_shop: ClassVar[bool] = False
    # A shop's people are shown it among their tasks.
    for_merchants: ClassVar[bool] = False

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

    @classmethod
    def validated(cls, payload: dict[str, Any], *, pointer: str = "/args") -> Self:
        """The job of a payload that a person wrote; raises Invalid with a pointer to each fault."""
        known = {field.name for field in fields(cls)}
        faults = [
            FieldError(f"{pointer}/{name}", "This job has no such argument.", "unknown_field")
            for name in payload
            if name not in known
        ]
        try:
            job: Self = _adapter(cls).validate_json(orjson.dumps(payload), strict=True)
        except ValidationError as error:
            faults += [
                FieldError("/".join([pointer, *map(str, fault["loc"])]), fault["msg"], fault["type"])
                for fault in error.errors(include_url=False)
            ]
        except TypeError as error:
            faults.append(FieldError(pointer, str(error), "not_json"))
        if faults:
            raise Invalid("The arguments are not this job's.", errors=faults)
        return job

    @classmethod
    def fields_schema(cls) -> dict[str, Any]:
        """The payload's JSON Schema."""
        return {**_adapter(cls).json_schema(), "title": cls.name, "description": cls.__doc__ or ""}


J = TypeVar("J", bound=Job)


_adapters: dict[str, TypeAdapter[Any]] = {}


def _adapter(job_type: type[Job]) -> TypeAdapter[Any]:
    if job_type.name not in _adapters:
        _adapters[job_type.name] = TypeAdapter(job_type)
    return _adapters[job_type.name]


def terms(tags: tuple[str, ...], payload: dict[str, Any]) -> list[str]:
    """What a job is found by: its tags, and ``field:value`` of its short scalar arguments."""
    facts = [
        f"{name}:{str(value).lower() if isinstance(value, bool) else value}"
        for name, value in payload.items()
        if isinstance(value, str | int) and len(str(value)) <= TERM_LENGTH_MAX
    ]
    return [*tags, *facts][:TERMS_MAX]
