"""Creating calls that may be repeated: draft-ietf-httpapi-idempotency-key-header.

A call that names an ``Idempotency-Key`` takes the key and leaves its answer in the transaction of the change itself:
both are there or neither is. A second call with the key waits for the first on the key's row; then it gets the same
answer, or, when the first failed and left nothing, does the work. Keys belong to a caller and a path, and live a day.

A call that sends a mail (`access.sends_once`) must not hold a transaction open meanwhile: it takes its key in one and
leaves its answer in another. A key that a process died with is free again after `LOST`; whether the mail went out by
then nobody knows.
Answers are sealed: some show a secret that is never shown again.
"""

import functools
import hashlib
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import Request, Response
from pydantic import TypeAdapter
from sqlalchemy import and_, delete, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from storecast.auth.models import IdempotencyKey
from storecast.config.settings import get_settings
from storecast.db.session import tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Conflict, FieldError, Invalid
from storecast.kit.sealing import SealBroken, Sealer
from storecast.kit.types import ShopId
from storecast.shops.access import Principal, may_send, must_name_key

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
MAX_LENGTH = 255

WAIT_MS = 5_000
"""How long a repetition waits for the first call: creating takes milliseconds, and nginx gives up after 30 s."""


LOST = timedelta(minutes=2)
"""Longer than any call may take that works outside a transaction."""


class KeyInvalid(Invalid):
    code = "idempotency_key_invalid"
    title = "The idempotency key is not one"


class KeyMissing(Invalid):
    """What costs money is not done for a caller who could not tell a repetition from a second wish."""

    code = "idempotency_key_required"
    title = "The call needs an idempotency key"


class KeyReused(Invalid):
    """The key was used with another body: one of the two calls is a mistake."""

    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another request"


class AnswerLost(Conflict):
    """The first answer was sealed under a key that is gone; what it told of exists."""

    code = "idempotency_answer_lost"
    title = "The first answer to this key can no longer be read"


class KeyInUse(Conflict):
    """The first call with the key is still at work; ask again soon."""

    code = "idempotency_key_in_use"
    title = "The first request with this key is not over yet"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A call that wants to be repeatable."""

    shop_id: int
    caller: str
    route: str
    key: str
    body_hash: bytes

    @property
    def row(self) -> dict[str, Any]:
        return {"shop_id": self.shop_id, "caller": self.caller, "route": self.route, "key": self.key}


_asked: ContextVar[_Asked | None] = ContextVar("storecast_idempotency", default=None)


async def note(request: Request) -> None:
    """Remember the key of a call. Declared after `authenticate`; raises KeyInvalid."""
    _asked.set(None)
    given = request.headers.getlist(HEADER)
    if request.method != "POST" or not given:
        return
    principal: Principal = request.state.principal
    # The path and not its template: the same key for two campaigns is two calls.
    _asked.set(
        _Asked(
            principal.shop_id,
            principal.user_id,
            request.url.path,
            _parse(given),
            hashlib.sha256(await request.body()).digest(),
        )
    )


def idempotent(endpoint: Callable[..., Any], status: int) -> Callable[..., Any]:
    """The endpoint of a route, giving a stored answer again; one that neither stores nor sends is left as it is."""

    @functools.wraps(endpoint)
    def call(**arguments: Any) -> Any:
        asked = _asked.get()
        if asked is None and must_name_key(endpoint):
            raise KeyMissing(
                f"Name the wish in the header {HEADER}: a UUID of your own, the same for every try."
            )
        session = session_of(arguments)
        if asked is not None and session is None and may_send(endpoint):
            return _once(asked, status, functools.partial(endpoint, **arguments))
        if asked is None or session is None:
            return endpoint(**arguments)
        stored = _take(session, asked, utcnow())
        if stored is not None:
            return stored
        result = endpoint(**arguments)
        made = next((value for value in arguments.values() if isinstance(value, Response)), None)
        _keep(session, asked, (made.status_code if made is not None else None) or status, result)
        return result

    return call


def is_repeatable(endpoint: Callable[..., Any]) -> bool:
    """Whether calls of the endpoint take a key: it is given a unit of work, by itself or inside a view, or sends."""
    return may_send(endpoint) or takes_session(endpoint)


def takes_session(endpoint: Callable[..., Any]) -> bool:
    """Whether the endpoint is given a unit of work."""
    given = [each.annotation for each in inspect.signature(endpoint).parameters.values()]
    types = [getattr(annotation, "__origin__", annotation) for annotation in given]
    return any(each is Session or _annotations(each).get("session") is Session for each in types)


def _once(asked: _Asked, status: int, work: Callable[[], Any]) -> Any:
    """Do the work between two short transactions, unless it has been done."""
    shop_id = ShopId(asked.shop_id)
    with tenant_session(shop_id) as session:
        stored = _take(session, asked, utcnow())
    if stored is not None:
        return stored
    try:
        result = work()
    except BaseException:
        with tenant_session(shop_id) as session:
            session.execute(delete(IdempotencyKey).filter_by(**asked.row, status=None))
        raise
    with tenant_session(shop_id) as session:
        _keep(session, asked, status, result)
    return result


def _annotations(of: Any) -> dict[str, Any]:
    return getattr(of, "__annotations__", {}) if isinstance(of, type) else {}


def session_of(arguments: dict[str, Any]) -> Session | None:
    """The unit of work among the arguments of an endpoint."""
    for value in arguments.values():
        session = value if isinstance(value, Session) else getattr(value, "session", None)
        if isinstance(session, Session):
            return session
    return None


def forget(session: Session, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` keys that are older; returns how many."""
    row = (IdempotencyKey.shop_id, IdempotencyKey.caller, IdempotencyKey.route, IdempotencyKey.key)
    old = select(*row).where(IdempotencyKey.created_at < before).limit(limit)
    result = session.execute(
        delete(IdempotencyKey).where(tuple_(*row).in_(old)).returning(IdempotencyKey.shop_id),
        execution_options={"synchronize_session": False},
    )
    return len(result.all())


def _parse(given: list[str]) -> str:
    """The key, with or without the quotes that the draft asks for."""
    key = given[0].strip()
    if len(key) >= 2 and key.startswith('"') and key.endswith('"'):
        key = key[1:-1]
    if len(given) > 1 or not 1 <= len(key) <= MAX_LENGTH or not all("!" <= letter <= "~" for letter in key):
        field = FieldError(
            f"/{HEADER}", f"1 to {MAX_LENGTH} visible ASCII characters", "idempotency_key_invalid"
        )
        raise KeyInvalid(errors=[field])
    return key


def _take(session: Session, asked: _Asked, now: datetime) -> Response | None:
    """Make the key this call's own, or return the answer of the call that has it."""
    fresh = {"body_hash": asked.body_hash, "status": None, "answer": None, "created_at": now}
    over = or_(
        IdempotencyKey.created_at < now - KEPT,
        and_(IdempotencyKey.status.is_(None), IdempotencyKey.created_at < now - LOST),
    )
    statement = (
        insert(IdempotencyKey)
        .values(**asked.row, **fresh)
        .on_conflict_do_update(index_elements=list(asked.row), set_=fresh, where=over)
        .returning(IdempotencyKey.key)
    )
    session.execute(text(f"SET LOCAL lock_timeout = {WAIT_MS}"))
    try:
        taken = session.execute(statement).first()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == "55P03":  # lock_not_available
            raise KeyInUse from error
        raise
    session.execute(text("SET LOCAL lock_timeout = 0"))
    if taken is not None:
        return None
    stored = session.execute(
        select(IdempotencyKey.body_hash, IdempotencyKey.status, IdempotencyKey.answer).filter_by(**asked.row)
    ).one()
    if stored.body_hash != asked.body_hash:
        raise KeyReused
    if stored.status is None:
        raise KeyInUse
    try:
        answer = _sealer().open(asked.shop_id, stored.answer) if stored.answer else ""
    except SealBroken as error:
        raise AnswerLost from error
    return Response(
        answer,
        status_code=stored.status,
        media_type="application/json" if stored.answer else None,
        headers={REPLAYED: "true"},
    )


def _keep(session: Session, asked: _Asked, status: int, result: Any) -> None:
    answer = None
    if result is not None:
        told = TypeAdapter(type(result)).dump_json(result, by_alias=True).decode()
        answer = _sealer().seal(asked.shop_id, told)
    session.execute(
        update(IdempotencyKey).filter_by(**asked.row).values(status=status, answer=answer),
        execution_options={"synchronize_session": False},
    )


def _sealer() -> Sealer:
    settings = get_settings()
    keys = (settings.app_secret_key, settings.app_secret_key_old)
    return _sealer_of(*(key.get_secret_value() for key in keys if key is not None))


@functools.lru_cache(maxsize=4)
def _sealer_of(*secrets: str) -> Sealer:
    return Sealer(secrets, IdempotencyKey.sealed.purpose)
