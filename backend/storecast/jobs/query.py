"""The search of runs: text to a typed filter. Pure, and for any text either a `Search` or `Invalid` with pointer /q.

Words are separated by spaces and all of them have to fit. A word is ``qualifier:value`` or bare; a value, or a whole
word, in double quotes may hold spaces and colons, and ``\\`` in quotes takes the next character as it is.
"""

import re
from dataclasses import dataclass, field, replace
from uuid import UUID

from storecast.kit.errors import FieldError, Invalid

LENGTH_MAX = 500
WORDS_MAX = 12
BARE_WORDS_MAX = 3
"""Each of them may mean two things."""

SINGLE = ("shop", "name", "queue", "worker", "state", "error", "class", "fingerprint", "root", "batch", "id")
"""Qualifiers that a search may hold once: a job has one of each."""

QUALIFIERS = (*SINGLE[:1], "tag", "arg.", *SINGLE[1:])

STATES = ("scheduled", "staged", "queued", "running", "retrying", "succeeded", "dead", "cancelled")

_IDS = ("root", "batch", "id")
_FIELD = re.compile(r"^[A-Za-z_]\w{0,62}$")
_FINGERPRINT = re.compile(r"^[0-9a-f]{16}$")
_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<head>[^\s":]+):(?P<value>"(?:[^"\\]|\\.)*"|[^\s"]+)|(?P<bare>[^\s"]+)'
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Search:
    """What a job has to be like. ``terms`` are tags and ``field:value``; ``words`` a name, a tag or an id each."""

    shop: str | None = None
    name: str | None = None
    queue: str | None = None
    worker: str | None = None
    state: str | None = None
    error: str | None = None
    error_class: str | None = None
    fingerprint: str | None = None
    root: UUID | None = None
    batch: UUID | None = None
    id: UUID | None = None
    terms: tuple[str, ...] = ()
    words: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the search as it was written; ``qualifier`` None for a bare one."""

    qualifier: str | None
    value: str
    start: int
    end: int


def parse(q: str) -> Search:
    """The filter that the text stands for; raises Invalid."""
    if len(q) > LENGTH_MAX:
        raise _invalid(f"A search has {LENGTH_MAX} characters at most.", "too_long")
    if "\0" in q or not _encodable(q):
        raise _invalid("The search holds characters that no job can have.", "bad_character")
    tokens = tokenize(q)
    if len(tokens) > WORDS_MAX:
        raise _invalid(f"A search has {WORDS_MAX} words at most.", "too_many_words")
    search = Search()
    for token in tokens:
        search = _with(search, token)
    if len(search.words) > BARE_WORDS_MAX:
        raise _invalid(f"A search has {BARE_WORDS_MAX} words without a qualifier at most.", "too_many_words")
    return search


def tokenize(q: str) -> list[Token]:
    """The words of the text; raises Invalid for a quote that does not end or stands inside a word."""
    tokens = []
    at = 0
    while at < len(q):
        if q[at].isspace():
            at += 1
            continue
        found = _TOKEN.match(q, at)
        if found is None or not (found.end() == len(q) or q[found.end()].isspace()):
            raise _invalid(f"A quote is out of place at character {at + 1}.", "bad_quote")
        tokens.append(_token(found))
        at = found.end()
    return tokens


def is_field(name: str) -> bool:
    """Whether an argument may have this name."""
    return _FIELD.match(name) is not None


def quoted(value: str) -> str:
    """The value as the search has to spell it."""
    if value and not re.search(r'[\s"\\]', value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _token(found: re.Match[str]) -> Token:
    if found["quoted"] is not None:
        return Token(None, _unquoted(found["quoted"]), found.start(), found.end())
    if found["head"] is not None:
        return Token(found["head"], _unquoted(found["value"]), found.start(), found.end())
    return Token(None, found["bare"], found.start(), found.end())


def _unquoted(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _with(search: Search, token: Token) -> Search:
    qualifier, value = token.qualifier, token.value
    if qualifier is None and value.endswith(":"):
        raise _invalid(f"{value} needs a value behind it.", "value_missing")
    if not value:
        raise _invalid("An empty word finds nothing.", "value_missing")
    if qualifier is None:
        job_id = _find_uuid(value)
        return (
            replace(search, words=(*search.words, value)) if job_id is None else _once(search, "id", job_id)
        )
    if qualifier == "tag":
        return replace(search, terms=(*search.terms, value))
    if qualifier.startswith("arg."):
        name = qualifier.removeprefix("arg.")
        if not is_field(name):
            raise _invalid(f"{name} cannot be an argument's name.", "bad_field")
        return replace(search, terms=(*search.terms, f"{name}:{value}"))
    return _single(search, qualifier, value)


def _single(search: Search, qualifier: str, value: str) -> Search:
    if qualifier not in SINGLE:
        known = ", ".join(f"{known}:" for known in QUALIFIERS)
        raise _invalid(
            f"There is no {qualifier}: to search by. There is {known} Put a word with a colon in quotes.",
            "unknown_qualifier",
        )
    if qualifier in _IDS:
        job_id = _find_uuid(value)
        if job_id is None:
            raise _invalid(f"{qualifier}: needs an id.", "not_an_id")
        return _once(search, qualifier, job_id)
    if qualifier == "state" and value not in STATES:
        raise _invalid(f"There is no state {value}. There is {', '.join(STATES)}.", "unknown_state")
    if qualifier == "fingerprint" and not _FINGERPRINT.match(value):
        raise _invalid("fingerprint: needs 16 hexadecimal digits.", "not_a_fingerprint")
    return _once(search, "error_class" if qualifier == "class" else qualifier, value)


def _once(search: Search, name: str, value: str | UUID) -> Search:
    if getattr(search, name) not in (None, value):
        qualifier = "class" if name == "error_class" else name
        raise _invalid(f"A job has one {qualifier}; the search names two.", "repeated")
    return replace(search, **{name: value})  # type: ignore[arg-type]  # the callers pair names and types


def _find_uuid(value: str) -> UUID | None:
    try:
        return UUID(value) if len(value) == 36 else None
    except ValueError:
        return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid(message: str, code: str) -> Invalid:
    return Invalid("The search cannot be understood.", errors=[FieldError("/q", message, code)])
