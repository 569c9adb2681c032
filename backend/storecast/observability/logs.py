"""Structured logs: one JSON event a line, with request, shop and job ids bound by the surrounding context.

Only ids go into a log line; payloads, tokens and addresses never do.
"""

import contextlib
import json
import logging
import sys

import orjson
import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Lines:
    """A logger that writes lines as they are. The standard library's looks for its caller and makes a record of each,
    which for the line of a request takes four times as long."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def info(self, line: str) -> None:
        # In one piece: others write to the stream too. Where nobody reads it any more the work goes on all the same.
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")

    debug = warning = error = critical = exception = info


def _written(_logger: object, _method: str, event: structlog.typing.EventDict) -> str:
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except orjson.JSONEncodeError:  # integers beyond 64 bits, text that is no Unicode
        return json.dumps(event, default=repr)


def _at_least(level: int) -> structlog.typing.Processor:
    def sift(_logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        if _LEVELS.get(method, logging.ERROR) < level:
            raise structlog.DropEvent
        return event

    return sift


def configure(process: str, *, level: str = "info") -> None:
    """Send structlog and the standard library's loggers to stderr as JSON lines named after the process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            _at_least(_LEVELS[level]),
            *shared,
            structlog.processors.format_exc_info,
            _written,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=_Lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVELS[level])
    # httpx logs every URL, signed download addresses among them; Celery repeats what the task base says better.
    for name in ("httpx", "celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(process=process)
