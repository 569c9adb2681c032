"""Contacts from a file become customers at Shopify: uploaded, looked at, read, merged, planned, then written.

A file is kept as pieces of whole lines until it has been read, or a day. Reading stores every row: a contact, or why
it is refused, and then nothing of what it said. A consent needs its instant and its source, and never outranks what
Shopify says since; who is suppressed stays so. What is on its way to Shopify is `contacts_writing`'s.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import BinaryIO

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.customers import contact_rows, contacts_repository, contacts_schemas
from storecast.customers.contact_rows import Contact
from storecast.customers.contacts_repository import Suppressed
from storecast.customers.contacts_schemas import ContactMapping
from storecast.customers.errors import ContactImportState, ContactImportUnknown
from storecast.customers.jobs import DropContacts, ReadContacts, WriteContacts
from storecast.customers.models import ContactImport
from storecast.kit import csv_rows
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.shops import features
from storecast.shops import service as shops
from storecast.shops.features import Feature
from storecast.shops.unit_of_work import UnitOfWork
from storecast.worker import outbox

log = structlog.get_logger(__name__)

MAX_BYTES = 160 * 1024 * 1024
"""A million rows with every field."""

MAX_ROWS = 1_000_000
MAX_COLUMNS = 200
PIECE = 512 * 1024
"""Characters of a piece: what an upload, a preview and a reading worker hold of a file at a time."""

ROWS_AT_ONCE = 20_000
"""Rows that are stored between two looks at whether somebody cancelled."""

KEPT_UNREAD = timedelta(days=1)
PAGE = 25
REFUSALS_PAGE = 500
SAMPLES = 3
PREVIEWED = 1_000
SHOWN = 20

_suppressed: list[Suppressed] = []


def provide_suppressed(suppressed: Suppressed) -> None:
    """Make known whom the shop must not write to: a condition on an address."""
    if suppressed not in _suppressed:
        _suppressed.append(suppressed)


def create(
    session: Session, shop_id: ShopId, given: contacts_schemas.NewContactImport, *, actor: str
) -> ContactImport:
    """An import that waits for its file. Raises ScopeMissing while the store does not let customers be written."""
    features.require(session, shop_id, Feature.CONSENT)
    imported = ContactImport(shop_id=shop_id, public_id=public_id("imp"), name=given.name, created_by=actor)
    contacts_repository.add(session, imported)
    outbox.add(session, shop_id, DropContacts(imported.id), run_at=utcnow() + KEPT_UNREAD)
    return imported


def upload(session: Session, shop_id: ShopId, import_id: str, file: BinaryIO) -> contacts_schemas.ContactFile:
    """Take the file, or another in its place; raises Invalid for one that is no table, and keeps nothing of it."""
    imported = _lock(session, shop_id, import_id)
    _expect(imported, "empty", "uploaded")
    internal_id = imported.id
    file.seek(0, io.SEEK_END)
    size = file.tell()
    try:
        encoding = csv_rows.detect(file)
    except csv_rows.NoText as error:
        raise _unusable(f"{error} Save it as CSV in UTF-8.", "csv_encoding") from error
    contacts_repository.drop_pieces(session, shop_id, internal_id)
    lines = csv_rows.lines(file, encoding)
    first = next(lines, "")
    count = 0
    for number, (piece, held) in enumerate(_pieces(chain([first] if first else [], lines))):
        contacts_repository.add_piece(session, shop_id, internal_id, number, piece)
        count += held
    if count == 0 or not first.strip():
        raise _unusable("The file has no rows.", "csv_empty")
    imported = _lock(session, shop_id, import_id)
    imported.state, imported.encoding, imported.size_bytes = "uploaded", encoding, size
    imported.separator, imported.line_count = csv_rows.delimiter(first), count
    session.flush()
    return read_file(session, shop_id, imported)


def _pieces(lines: Iterator[str]) -> Iterator[tuple[str, int]]:
    """Whole lines by half a megabyte, and how many; PostgreSQL's text holds no zero."""
    held: list[str] = []
    size = 0
    for line in lines:
        held.append(line.replace("\x00", csv_rows.LOST))
        size += len(line)
        if size >= PIECE:
            yield "".join(held), len(held)
            held, size = [], 0
    if held:
        yield "".join(held), len(held)


def read_file(session: Session, shop_id: ShopId, imported: ContactImport) -> contacts_schemas.ContactFile:
    """The import with its columns, as far as the file is still there."""
    shown = shape(session, shop_id, imported)
    piece = contacts_repository.find_piece(session, shop_id, imported.id, 0)
    columns: list[contacts_schemas.ContactColumn] = []
    if piece is not None:
        rows = [cells for _line, cells in islice(_rows([piece], imported), 1 + SAMPLES) if cells]
        titles = rows[0][:MAX_COLUMNS] if rows else []
        suggested = contact_rows.suggest(titles)
        columns = [
            contacts_schemas.ContactColumn(
                title=title[:200],
                suggested=suggested.get(index),  # type: ignore[arg-type]  # one of the fields
                samples=[row[index][:200] for row in rows[1:] if index < len(row)],
            )
            for index, title in enumerate(titles)
        ]
    return contacts_schemas.ContactFile(**shown.model_dump(), columns=columns)


def preview(
    session: Session, shop_id: ShopId, import_id: str, mapping: ContactMapping
) -> contacts_schemas.ContactPreview:
    """What the first rows would become under a mapping. Nothing is stored."""
    imported = get(session, shop_id, import_id)
    _expect(imported, "uploaded")
    piece = contacts_repository.find_piece(session, shop_id, imported.id, 0) or ""
    contacts = list(islice(_contacts([piece], imported, mapping), PREVIEWED))
    return contacts_schemas.ContactPreview(
        rows=[contacts_schemas.ContactPreviewRow(**each._asdict()) for each in contacts[:SHOWN]],
        looked_at=len(contacts),
        refused=dict(Counter(each.reason for each in contacts if each.reason)),
    )


def start(
    session: Session, shop_id: ShopId, import_id: str, mapping: ContactMapping, *, actor: str
) -> ContactImport:
    """Have the file read and its contacts written. Raises ContactImportUnknown, ContactImportState, ScopeMissing."""
    features.require(session, shop_id, Feature.CONSENT)
    if mapping.confirm and not shops.get(session, shop_id).double_opt_in:
        fault = FieldError("/confirm", "Switch double opt-in on in the settings first.", "double_opt_in_off")
        raise Invalid("Nobody is asked to confirm while double opt-in is off.", errors=[fault])
    imported = _lock(session, shop_id, import_id)
    _expect(imported, "uploaded")
    imported.state, imported.mapping = "reading", mapping.model_dump(mode="json")
    outbox.add(session, shop_id, ReadContacts(imported.id))
    audit.record(
        session,
        shop_id,
        actor,
        "contacts_imported",
        import_id,
        lines=imported.line_count,
        fields=sorted(mapping.columns.values()),
        confirm=mapping.confirm,
    )
    return imported


def cancel(session: Session, shop_id: ShopId, import_id: str, *, actor: str) -> ContactImport:
    """Stop an import. What Shopify has been told stays; the rest of the file is forgotten."""
    imported = _lock(session, shop_id, import_id)
    _expect(imported, "empty", "uploaded", "reading", "writing")
    imported.state, imported.finished_at = "cancelled", utcnow()
    # The job stops what runs at Shopify and takes what was done by then; it also forgets the file.
    outbox.add(session, shop_id, WriteContacts(imported.id))
    audit.record(session, shop_id, actor, "contacts_import_cancelled", import_id)
    return imported


def drop_unread(session: Session, shop_id: ShopId, import_id: int) -> None:
    """Forget a file that nobody had read within a day."""
    imported = contacts_repository.lock(session, shop_id, import_id)
    if imported is not None and imported.state in ("empty", "uploaded"):
        imported.state, imported.finished_at = "cancelled", utcnow()
        contacts_repository.drop_pieces(session, shop_id, import_id)


def read(
    unit_of_work: UnitOfWork,
    shop_id: ShopId,
    import_id: int,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Store every row of the file, then plan; stages the job that writes. Goes on where an earlier attempt stopped."""
    with unit_of_work() as session:
        imported = contacts_repository.lock(session, shop_id, import_id)
        if imported is None or imported.state != "reading":
            return
        mapping = ContactMapping.model_validate(imported.mapping)
        known, total = contacts_repository.last_line(session, shop_id, import_id), imported.line_count or 0
        session.expunge(imported)
    contacts = _contacts(_iter_pieces(unit_of_work, shop_id, import_id), imported, mapping)
    waiting = (contact for contact in islice(contacts, MAX_ROWS) if contact.line > known)
    while chunk := list(islice(waiting, ROWS_AT_ONCE)):
        with unit_of_work() as session:
            here = contacts_repository.lock(session, shop_id, import_id)
            if here is None or here.state != "reading":
                return
            contacts_repository.add_rows(session, shop_id, import_id, chunk)
        progress(chunk[-1].line, total)
    beyond = next(contacts, None) is not None
    with unit_of_work() as session:
        here = contacts_repository.lock(session, shop_id, import_id)
        if here is None or here.state != "reading":
            return
        _plan(session, shop_id, here, beyond=beyond)


def _plan(session: Session, shop_id: ShopId, imported: ContactImport, *, beyond: bool) -> None:
    (suppressed,) = _suppressed
    contacts_repository.merge(session, shop_id, imported.id)
    contacts_repository.hold_back(session, shop_id, imported.id, suppressed)
    contacts_repository.plan(session, shop_id, imported.id)
    contacts_repository.drop_pieces(session, shop_id, imported.id)
    imported.counts = contacts_repository.counts(session, shop_id, imported.id)
    imported.state = "writing"
    imported.error = f"Only the first {MAX_ROWS:,} rows were read." if beyond else None
    outbox.add(session, shop_id, WriteContacts(imported.id))
    log.info("contacts_read", shop_id=shop_id, contact_import=imported.public_id, **imported.counts)


def _iter_pieces(unit_of_work: UnitOfWork, shop_id: ShopId, import_id: int) -> Iterator[str]:
    number = 0
    while True:
        with unit_of_work() as session:
            piece = contacts_repository.find_piece(session, shop_id, import_id, number)
        if piece is None:
            return
        yield piece
        number += 1


def _rows(
    pieces: Iterator[str] | list[str], imported: ContactImport
) -> Iterator[tuple[int, list[str] | None]]:
    lines = (line for piece in pieces for line in io.StringIO(piece, newline=""))
    return csv_rows.read(lines, imported.separator or ",")


def _contacts(
    pieces: Iterator[str] | list[str], imported: ContactImport, mapping: ContactMapping
) -> Iterator[Contact]:
    now = utcnow()
    rows = _rows(pieces, imported)
    if mapping.has_titles:
        next(rows, None)
    for line, cells in rows:
        # An empty line at the end is no row.
        if cells != []:
            yield contact_rows.read(
                line,
                cells,
                mapping.columns,
                source=mapping.consent_source,
                now=now,
                confirm=mapping.confirm,
            )


def awaits_customers(session: Session, shop_id: ShopId, import_id: int, *, since: datetime) -> bool:
    """Whether a file that was written after ``since`` has people to ask whom Shopify has not told of yet."""
    imported = contacts_repository.find_by_id(session, shop_id, import_id)
    if imported is None or imported.finished_at is None or imported.finished_at < since:
        return False
    return contacts_repository.awaits_customers(session, shop_id, import_id)


def get(session: Session, shop_id: ShopId, import_id: str) -> ContactImport:
    """The import of a public id; raises ContactImportUnknown."""
    imported = contacts_repository.find(session, shop_id, import_id)
    if imported is None:
        raise ContactImportUnknown
    return imported


def list_page(session: Session, shop_id: ShopId, cursor: str | None) -> Page[contacts_schemas.ContactImport]:
    """Imports, newest first."""
    found = contacts_repository.list_newest(session, shop_id, decode_id_cursor(cursor), PAGE + 1)
    items = [shape(session, shop_id, imported) for imported in found[:PAGE]]
    return Page(items=items, next_cursor=encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None)


def list_refusals(
    session: Session, shop_id: ShopId, import_id: str, cursor: str | None
) -> Page[contacts_schemas.ContactRefusal]:
    """The refused rows in the order of the file."""
    imported = get(session, shop_id, import_id)
    after = decode_id_cursor(cursor) or 0
    found = contacts_repository.list_refusals(session, shop_id, imported.id, after, REFUSALS_PAGE + 1)
    items = [
        contacts_schemas.ContactRefusal(line=line, reason=reason or "", error=error)
        for line, reason, error in found[:REFUSALS_PAGE]
    ]
    return Page(
        items=items, next_cursor=encode_cursor(items[-1].line) if len(found) > REFUSALS_PAGE else None
    )


def iter_refusals(unit_of_work: UnitOfWork, shop_id: ShopId, import_id: int) -> Iterator[str]:
    """All of them as CSV with a header, a page of the database at a time."""
    yield csv_rows.row(("line", "reason", "error"))
    after = 0
    while True:
        with unit_of_work() as session:
            found = contacts_repository.list_refusals(session, shop_id, import_id, after, REFUSALS_PAGE)
        if not found:
            return
        yield "".join(csv_rows.row(tuple(each)) for each in found)
        after = found[-1].line


def shape(session: Session, shop_id: ShopId, imported: ContactImport) -> contacts_schemas.ContactImport:
    """The import as the API shows it."""
    none_yet = dict.fromkeys(contacts_schemas.ContactCounts.model_fields, 0)
    counts = contacts_schemas.ContactCounts(**(none_yet | imported.counts))
    return contacts_schemas.ContactImport(
        id=imported.public_id,
        name=imported.name,
        state=imported.state,  # type: ignore[arg-type]  # a CHECK holds it to these values
        encoding=imported.encoding,  # type: ignore[arg-type]  # one that was found out
        size_bytes=imported.size_bytes,
        lines=imported.line_count,
        counts=counts,
        refused=contacts_repository.refusal_reasons(session, shop_id, imported.id) if counts.refused else {},
        error=imported.error,
        created_at=imported.created_at,
        finished_at=imported.finished_at,
    )


def _lock(session: Session, shop_id: ShopId, import_id: str) -> ContactImport:
    imported = contacts_repository.lock(session, shop_id, get(session, shop_id, import_id).id)
    if imported is None:
        raise ContactImportUnknown
    return imported


def _expect(imported: ContactImport, *states: str) -> None:
    if imported.state not in states:
        raise ContactImportState(state=imported.state)


def _unusable(message: str, code: str) -> Invalid:
    return Invalid("The file cannot be read.", code=code, errors=[FieldError("/file", message, code)])
