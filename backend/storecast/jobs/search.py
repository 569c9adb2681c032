"""Finding runs: the list, its count, and what the search box suggests."""

from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy.orm import Session

from storecast.jobs import query, search_repository
from storecast.jobs.query import Search, Token, quoted
from storecast.jobs.schemas import JobCount, JobRun, JobState, Suggestion, Suggestions
from storecast.jobs.scope import Scope
from storecast.jobs.search_repository import Filter, Word
from storecast.jobs.shaping import shape
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.masking import is_sensitive
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shops import service as shops
from storecast.worker.job import QUEUES
from storecast.worker.task import registered

PAGE_SIZE = 50
COUNT_CAP = 1000
"""Nobody reads on to the thousandth; to count ten thousand rows of a small shop takes a third of a second."""

SUGGESTIONS_MAX = 10

NAMES_OF_A_WORD_MAX = 20
"""A bare word stands for so many kinds of job at most; one that fits more is no help."""

NO_SHOP = 0
"""No shop has this id: what is asked of a shop that nobody knows finds nothing."""

_HINTS = {
    "shop": "shop:acme.myshopify.com",
    "name": "name:sync.import",
    "tag": "tag:nightly",
    "arg.": "arg.campaign_id:7",
    "error": "error:timeout",
    "class": "class:ValueError",
    "queue": "queue:bulk",
    "state": "state:dead",
    "worker": "worker:bulk@host",
    "fingerprint": "fingerprint:0123456789abcdef",
    "root": "root:<id>",
    "batch": "batch:<id>",
    "id": "id:<id>",
}


_OPERATORS_ONLY = ("shop", "worker")

_STATES: tuple[str, ...] = get_args(JobState)


def list_runs(
    session: Session, scope: Scope, *, state: str | None, q: str, cursor: str | None, now: datetime
) -> Page[JobRun]:
    """Newest first."""
    wanted = wanted_by(session, scope.shop_id, query.parse(q), state=state)
    after = None if cursor is None else _read_cursor(cursor)
    rows = search_repository.list_newest(session, wanted, after=after, limit=PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    following = encode_cursor(str(shown[-1].id)) if len(rows) > PAGE_SIZE else None
    return Page(items=shape(session, scope, shown, now=now), next_cursor=following)


def count(session: Session, scope: Scope, *, state: str | None, q: str) -> JobCount:
    """How many the list has, up to `COUNT_CAP`."""
    wanted = wanted_by(session, scope.shop_id, query.parse(q), state=state)
    found = search_repository.count(session, wanted, cap=COUNT_CAP + 1)
    return JobCount(count=min(found, COUNT_CAP), capped=found > COUNT_CAP)


def wanted_by(session: Session, shop_id: ShopId | None, search: Search, *, state: str | None) -> Filter:
    """The filter of a search: shops and bare words are looked up."""
    if None not in (state, search.state) and state != search.state:
        fault = FieldError(
            "/q", f"The list is of {state} jobs; the search asks for another state.", "repeated"
        )
        raise Invalid("The search cannot be understood.", errors=[fault])
    return Filter(
        scope=shop_id,
        state=state or search.state,
        shop_id=None if search.shop is None else _shop_id(session, search.shop),
        name=search.name,
        queue=search.queue,
        worker=search.worker,
        error=search.error,
        error_class=search.error_class,
        fingerprint=search.fingerprint,
        root=search.root,
        batch=search.batch,
        id=search.id,
        terms=search.terms,
        words=tuple(Word(word, _names_like(word)) for word in search.words),
    )


def suggest(session: Session, scope: Scope, *, q: str, cursor_at: int | None) -> Suggestions:
    """What the word at the place may become; nothing for a search that cannot be read."""
    at = len(q) if cursor_at is None else min(cursor_at, len(q))
    word = _word_before(q, at)
    if word is None:
        return Suggestions(items=[])
    qualifier, colon, value = word.partition(":")
    if colon:
        items = _of_qualifier(session, scope, qualifier, value)
    else:
        # Names and tags would drown in qualifiers, and the other way round.
        items = [*_qualifiers(scope, word)[:4], *_names(word)[:4]] if word else _qualifiers(scope, word)
        if word:
            items += _terms(session, scope, word, kind=None)
    return Suggestions(items=items[:SUGGESTIONS_MAX])


def _shop_id(session: Session, domain: str) -> int:
    for candidate in (domain, f"{domain}.myshopify.com"):
        shop = shops.find(session, candidate.lower())
        if shop is not None:
            return shop.id
    return NO_SHOP


def _names_like(word: str) -> tuple[str, ...]:
    """The kinds of job that a word may mean: those that hold it, and a kind of that very name that is gone by now."""
    fitting = sorted(name for name in registered() if word.lower() in name)[:NAMES_OF_A_WORD_MAX]
    return tuple(dict.fromkeys([word, *fitting]))


def _read_cursor(cursor: str) -> UUID:
    (value,) = decode_cursor(cursor, 1)
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None


def _word_before(q: str, at: int) -> str | None:
    """The part of the word under the cursor that stands before it."""
    try:
        tokens = query.tokenize(q[:at])
    except Invalid:
        return None
    if len(q) > query.LENGTH_MAX or "\0" in q:
        return None
    if not tokens or tokens[-1].end < at:
        return ""
    return _spelled(tokens[-1])


def _spelled(token: Token) -> str:
    return token.value if token.qualifier is None else f"{token.qualifier}:{token.value}"


def _qualifiers(scope: Scope, word: str) -> list[Suggestion]:
    return [
        Suggestion(text=name if name == "arg." else f"{name}:", kind="qualifier", hint=hint)
        for name, hint in _HINTS.items()
        if name.startswith(word.lower()) and (scope.everyone or name not in _OPERATORS_ONLY)
    ]


def _of_qualifier(session: Session, scope: Scope, qualifier: str, value: str) -> list[Suggestion]:
    if qualifier == "name":
        return _names(value)
    if qualifier in ("queue", "state"):
        known = QUEUES if qualifier == "queue" else _STATES
        return [
            Suggestion(text=f"{qualifier}:{name}", kind=qualifier, hint="")  # type: ignore[arg-type]  # one of the two
            for name in known
            if name.startswith(value.lower())
        ]
    if qualifier == "tag":
        return _terms(session, scope, value, kind="tag")
    if qualifier.startswith("arg."):
        return _terms(session, scope, f"{qualifier.removeprefix('arg.')}:{value}", kind="arg")
    if qualifier == "class":
        classes = search_repository.recent_values(
            session, scope.shop_id, "error_class", prefix=value, limit=SUGGESTIONS_MAX
        )
        return [Suggestion(text=f"class:{quoted(name)}", kind="class", hint="") for name in classes]
    return _of_operators(session, scope, qualifier, value)


def _of_operators(session: Session, scope: Scope, qualifier: str, value: str) -> list[Suggestion]:
    if not scope.everyone:
        return []
    if qualifier == "shop":
        domains = shops.domains_like(session, value, limit=SUGGESTIONS_MAX)
        return [Suggestion(text=f"shop:{domain}", kind="shop", hint="") for domain in domains]
    if qualifier == "worker":
        workers = search_repository.recent_values(
            session, None, "worker", prefix=value, limit=SUGGESTIONS_MAX
        )
        return [Suggestion(text=f"worker:{quoted(name)}", kind="worker", hint="") for name in workers]
    return []


def _names(word: str) -> list[Suggestion]:
    fitting = sorted(name for name in registered() if word.lower() in name)
    fitting.sort(key=lambda name: not name.startswith(word.lower()))
    return [Suggestion(text=f"name:{name}", kind="name", hint=f"jobs.{name}") for name in fitting]


def _terms(
    session: Session, scope: Scope, prefix: str, *, kind: Literal["tag", "arg"] | None
) -> list[Suggestion]:
    """Terms among the newest runs. A term of an argument is written as such, and never shown where it is masked."""
    found = search_repository.recent_terms(session, scope.shop_id, prefix=prefix, limit=5 * SUGGESTIONS_MAX)
    items = []
    for term in found:
        name, colon, value = term.partition(":")
        if is_sensitive(name, value) or is_sensitive("", term):
            continue
        as_argument = f"arg.{name}:{quoted(value)}"
        if kind == "arg" or (kind is None and colon and query.is_field(name) and value):
            items.append(Suggestion(text=as_argument, kind="arg", hint=""))
        else:
            items.append(Suggestion(text=f"tag:{quoted(term)}", kind="tag", hint=""))
    return items
