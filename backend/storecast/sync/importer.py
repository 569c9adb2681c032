"""From the lines of a bulk result to rows: typed decoding, binary COPY to a temporary table, one guarded upsert.

A chunk is one call and belongs to one transaction of the caller's; the note of how far it reaches is made in it or
after it, never before, and to import a chunk again changes nothing. A line that cannot be used is refused with its
number and the reason; the rest of the chunk is kept. Memory is that of one chunk of raw lines, whatever the size of
the file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec
from sqlalchemy.orm import Session

from storecast.customers import service as customers
from storecast.customers import shopify_segments
from storecast.db.staging import probing
from storecast.kit.chunks import batched
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.orders import checkouts
from storecast.orders import service as orders
from storecast.orders.records import OrderDetails
from storecast.products import service as products
from storecast.shops import service as shops
from storecast.sync import shapes
from storecast.sync.resources import Resource

CHUNK_LINES = 20_000
"""About 14 MB of order lines: the upsert's fixed cost is spread (5,000 take half as long again per line), and the
importer stays far below 300 MiB."""

MAX_FAMILY_LINES = 5_000
"""How far a chunk goes on behind `CHUNK_LINES` for the children of its last parent; Shopify's orders have 500 lines."""

MAX_REFUSALS_KEPT = 100
"""The count is always exact; more examples than this help nobody."""

MAX_REASONS = 50
"""Distinct reasons that are counted apart; a file of noise may hold more, and they are counted together."""

OTHER_REASONS = "other reasons"
TOO_LONG = "longer than a line may be"

_CHILD = b'"__parentId":'
"""A quote inside a JSON string is escaped, so that these bytes are always a key."""

_ESCAPE, _ZERO = b"\\", b"\\u0000"

T = TypeVar("T")
Piece = tuple[bytes | None, int]
"""A line, or None for one that was too long to be read, and the offset behind it."""


class Refusal(NamedTuple):
    """A line that could not be used."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportCounts:
    """What became of the lines: ``rows_done`` counts all, ``objects_done`` those without a parent.

    ``rows_written`` leaves out objects that were already stored like that.
    """

    lines: int = 0
    rows_done: int = 0
    objects_done: int = 0
    rows_written: int = 0
    rows_refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)

    def refuse(self, line: int, reason: str) -> None:
        """Count a refused line and keep it as an example while there are few."""
        self.rows_refused += 1
        add_reasons(self.reasons, {reason: 1})
        if len(self.refusals) < MAX_REFUSALS_KEPT:
            self.refusals.append(Refusal(line, reason))

    def add(self, other: "ImportCounts") -> None:
        """Take in the counts of the next chunk."""
        self.lines += other.lines
        self.rows_done += other.rows_done
        self.objects_done += other.objects_done
        self.rows_written += other.rows_written
        self.rows_refused += other.rows_refused
        add_reasons(self.reasons, other.reasons)
        self.refusals += other.refusals[: MAX_REFUSALS_KEPT - len(self.refusals)]


def add_reasons(held: dict[str, int], more: Mapping[str, int]) -> None:
    """Add counts by reason; past `MAX_REASONS` reasons new ones are counted as one."""
    for reason, count in more.items():
        known = reason in held or len(held) < MAX_REASONS
        name = reason if known else OTHER_REASONS
        held[name] = held.get(name, 0) + count


def in_chunks(pieces: Iterable[Piece], *, families: bool) -> Iterator[tuple[list[Piece], bool]]:
    """Chunks of the pieces of a file, each with whether its last parent has all its children in it.

    ``families``: children follow their parents, and a chunk goes on to the next parent.
    """
    left = iter(pieces)
    chunk = list(islice(left, CHUNK_LINES))
    while chunk:
        ahead: list[Piece] = []
        whole = families
        for piece in left if families else ():
            if piece[0] is not None and _CHILD not in piece[0]:
                ahead = [piece]
                break
            chunk.append(piece)
            if len(chunk) == CHUNK_LINES + MAX_FAMILY_LINES:
                whole = False
                break
        yield chunk, whole
        chunk = ahead + list(islice(left, CHUNK_LINES - len(ahead)))


def import_lines(
    session: Session,
    shop_id: ShopId,
    resource: Resource,
    lines: Iterable[bytes | None],
    *,
    as_of: datetime | None = None,
    chunk_lines: int = CHUNK_LINES,
) -> ImportCounts:
    """Import lines chunk by chunk in the session's transaction; `finish` derives what depends on all of them."""
    counts = ImportCounts()
    for chunk in batched(lines, chunk_lines):
        counts.add(import_chunk(session, shop_id, resource, chunk, first_line=counts.lines + 1, as_of=as_of))
    return counts


def import_chunk(
    session: Session,
    shop_id: ShopId,
    resource: Resource,
    lines: Sequence[bytes | None],
    *,
    first_line: int = 1,
    as_of: datetime | None = None,
    whole: bool = False,
    families: bool = False,
) -> ImportCounts:
    """Import one chunk. Parents go in before children, wherever in the chunk they stand.

    A line that is None was too long to be read. ``whole``: the chunk holds every child of its parents, so that
    children that are stored and not in it have gone. ``families``: the same of a bulk result that was to be written
    so; it is checked before anything goes.
    """
    currency = shops.get(session, shop_id).currency
    counts = ImportCounts(lines=len(lines))
    chunk = _Chunk(lines, first_line, currency, counts)
    with probing(session):
        counts.rows_written = _IMPORTS[resource](session, shop_id, chunk, as_of, whole)
        if families:
            _drop_lost(session, shop_id, resource, chunk)
    return counts


def _drop_lost(session: Session, shop_id: ShopId, resource: Resource, chunk: "_Chunk") -> None:
    """Drop children that the chunk's parents had and do not show any more."""
    if resource == "orders":
        lost = orders.list_lost_lines(session, shop_id)
        if lost and chunk.shows_families():
            orders.drop_lines(session, shop_id, lost)
    elif resource == "products":
        lost = products.list_lost_variants(session, shop_id)
        if lost and chunk.shows_families():
            products.drop_variants(session, shop_id, lost)


def finish(
    session: Session, shop_id: ShopId, resource: Resource, *, complete_since: datetime | None = None
) -> None:
    """Derive what depends on the whole resource: the links between rows that arrived apart.

    ``complete_since`` is when an import began that left nothing out, and so shows what is no more.
    """
    if resource == "products":
        products.finish_import(session, shop_id)
    elif resource == "orders":
        orders.finish_import(session, shop_id)
    elif resource == "collections" and complete_since is not None:
        products.drop_unseen_memberships(session, shop_id, since=complete_since)


class _Chunk:
    """Decodes the lines of a chunk, those without a parent and those with one."""

    def __init__(
        self, lines: Sequence[bytes | None], first_line: int, currency: str, counts: ImportCounts
    ) -> None:
        self._lines = lines
        self._currency = currency
        self._counts = counts
        self._parents: list[tuple[int, bytes]] = []
        self._children: list[tuple[int, bytes]] = []
        # One search through the whole chunk: a search costs more to begin than to carry on, and for one byte least.
        text = b"".join(filter(None, lines))
        holds_zeros = _ESCAPE in text and _ZERO in text
        for number, line in enumerate(lines, first_line):
            if line is None:
                counts.refuse(number, TOO_LONG)
            elif holds_zeros and _ZERO in line:
                counts.refuse(number, "a zero character, which PostgreSQL cannot store")
            elif _CHILD in line:
                self._children.append((number, line))
            elif not line.isspace() and line:
                self._parents.append((number, line))

    def parents(self, read: Callable[[bytes, str], T]) -> Iterator[T]:
        refused = self._counts.rows_refused
        yield from self._read(read, self._parents)
        self._counts.objects_done += len(self._parents) + refused - self._counts.rows_refused

    def children(self, read: Callable[[bytes, str], T]) -> Iterator[T]:
        return self._read(read, self._children)

    def shows_families(self) -> bool:
        """Whether every line could be used and every child stands behind its own parent."""
        parent = None
        for line in () if self._counts.rows_refused else self._lines:
            if line and not line.isspace():
                named = shapes.read_family(line)
                if named.parent_id is None:
                    parent = named.id
                elif named.parent_id != parent:
                    return False
        return self._counts.rows_refused == 0

    def _read(self, read: Callable[[bytes, str], T], numbered: list[tuple[int, bytes]]) -> Iterator[T]:
        currency, counts, done = self._currency, self._counts, 0
        for number, line in numbered:
            try:
                record = read(line, currency)
            except (msgspec.MsgspecError, ValueError, KeyError, OverflowError) as error:
                counts.refuse(number, _reason(error))
                continue
            done += 1
            yield record
        counts.rows_done += done


def _reason(error: Exception) -> str:
    """What is wrong, without the value: a line holds personal data."""
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    if isinstance(error, msgspec.DecodeError):
        return "not JSON"
    if isinstance(error, KeyError):
        return "an unknown state"
    return "an id, amount or instant does not parse"


def _customers(
    session: Session, shop_id: ShopId, chunk: _Chunk, _as_of: datetime | None, _whole: bool
) -> int:
    return customers.import_records(session, shop_id, chunk.parents(shapes.read_customer))


def _products(session: Session, shop_id: ShopId, chunk: _Chunk, as_of: datetime | None, whole: bool) -> int:
    written = products.import_records(session, shop_id, chunk.parents(shapes.read_product))
    products.import_variants(session, shop_id, chunk.children(shapes.read_variant), as_of=as_of, whole=whole)
    return written


def _collections(
    session: Session, shop_id: ShopId, chunk: _Chunk, as_of: datetime | None, whole: bool
) -> int:
    written = products.import_collections(session, shop_id, chunk.parents(shapes.read_collection))
    members = chunk.children(shapes.read_member)
    products.import_memberships(session, shop_id, members, seen_at=as_of or utcnow(), whole=whole)
    return written


def _orders(session: Session, shop_id: ShopId, chunk: _Chunk, as_of: datetime | None, whole: bool) -> int:
    details = OrderDetails()
    found = chunk.parents(lambda line, currency: shapes.read_order(line, currency, details))
    written = orders.import_records(session, shop_id, found)
    orders.import_details(session, shop_id, details)
    orders.import_lines(session, shop_id, chunk.children(shapes.read_line), as_of=as_of, whole=whole)
    return written


def _checkouts(
    session: Session, shop_id: ShopId, chunk: _Chunk, _as_of: datetime | None, _whole: bool
) -> int:
    return checkouts.import_records(session, shop_id, chunk.parents(shapes.read_checkout))


def _segments(session: Session, shop_id: ShopId, chunk: _Chunk, _as_of: datetime | None, _whole: bool) -> int:
    return shopify_segments.import_records(session, shop_id, chunk.parents(shapes.read_segment))


_IMPORTS: dict[Resource, Callable[[Session, ShopId, _Chunk, datetime | None, bool], int]] = {
    "customers": _customers,
    "products": _products,
    "collections": _collections,
    "orders": _orders,
    "abandoned_checkouts": _checkouts,
    "segments": _segments,
}
