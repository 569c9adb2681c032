"""Sync endpoints as one piece of work in one thread: the call, its answer's bytes, the end of its unit of work.

FastAPI takes each of these to a thread of its own choice and back, which costs more than the smaller of them. The order
stays: an answer that cannot be written takes the change back, and nothing is answered before the commit.
"""

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute
from fastapi.utils import is_body_allowed_for_status_code

from storecast.auth.idempotency import session_of, takes_session
from storecast.db.session import abandon, finish

THREADS = 40
"""Calls of one process at work at the same time, as many as FastAPI has threads for; others wait for their turn."""

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="call")


def whole(route: APIRoute) -> Callable[..., Any]:
    """The route's endpoint in a thread, ending the unit of work that it was given; async endpoints stay as they are.

    Nobody else ends a unit of work: raises TypeError for an async endpoint that takes one.
    """
    endpoint = route.endpoint
    if inspect.iscoroutinefunction(endpoint):
        if takes_session(endpoint):
            raise TypeError(f"{endpoint.__qualname__} takes a unit of work, which only a sync endpoint may")
        return endpoint
    write = _written if _is_plain(route) else _as_it_is

    def work(arguments: dict[str, Any]) -> Any:
        session = session_of(arguments)
        if session is None:
            return write(route, endpoint(**arguments))
        try:
            answer = write(route, endpoint(**arguments))
        except BaseException:
            abandon(session)
            raise
        finish(session)
        return answer

    @functools.wraps(endpoint)
    async def call(**arguments: Any) -> Any:
        # Straight to the pool: FastAPI's way to a thread and back takes twice as long.
        in_context = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(_threads, in_context, work, arguments)

    return call


def _is_plain(route: APIRoute) -> bool:
    """Whether FastAPI would do nothing but check the answer and write it down."""
    chosen = (
        route.response_model_include,
        route.response_model_exclude,
        route.response_model_exclude_unset,
        route.response_model_exclude_defaults,
        route.response_model_exclude_none,
    )
    given = inspect.signature(route.endpoint).parameters.values()
    return (
        route.response_field is not None
        and isinstance(route.response_class, DefaultPlaceholder)
        and not any(chosen)
        and is_body_allowed_for_status_code(route.status_code)
        and not any(
            inspect.isclass(each.annotation) and issubclass(each.annotation, Response) for each in given
        )
    )


def _as_it_is(_route: APIRoute, answer: Any) -> Any:
    return answer


def _written(route: APIRoute, answer: Any) -> Response:
    if isinstance(answer, Response):
        return answer
    field = route.response_field
    assert field is not None  # noqa: S101  # `_is_plain` asked
    value, errors = field.validate(answer, {}, loc=("response",))
    if errors:
        raise ResponseValidationError(errors=errors, body=answer)
    body = field.serialize_json(value, by_alias=route.response_model_by_alias)
    return Response(body, status_code=route.status_code or 200, media_type="application/json")
