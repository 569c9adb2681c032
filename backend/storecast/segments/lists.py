"""Lists of customers that are uploaded as CSV, for segments to ask for.

A row names a customer by address or by Shopify id; whatever is refused is kept as line and reason, never as text: what
a file says of people who are no customers is not ours to keep. Memory is bounded by the line, not by the file.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.kit import csv_rows
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.pages import Page, decode_id_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.segments import lists_repository as repository
from storecast.segments import references, schemas
from storecast.segments.errors import ListInUse, ListNameTaken, ListUnknown
from storecast.segments.lists_repository import ListRow
from storecast.segments.models import CustomerList

log = structlog.get_logger(__name__)

MAX_BYTES = 32 * 1024 * 1024
MAX_ROWS = 1_000_000
PAGE = 50
REFUSALS_PAGE = 500

_HOST_PART = r"[^\s@<>,;:\"\\()\[\].]+"
_ADDRESS = re.compile(rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~.-]+@{_HOST_PART}(\.{_HOST_PART})+")
_HEADERS = {
    "email": ("email", "e-mail", "email address", "e-mail address", "e-mail-adresse", "customer email"),
    "gid": ("id", "gid", "customer id", "customer_id", "customer gid", "kunden-id"),
}


def upload(
    session: Session, shop_id: ShopId, *, actor: str, name: str, file: BinaryIO
) -> schemas.CustomerList:
    """Make a list of the customers that the file names. Raises Invalid for a file that is none, ListNameTaken."""
    if repository.name_taken(session, shop_id, name):
        raise ListNameTaken
    try:
        csv_rows.detect(file)
    except csv_rows.NoText as error:
        raise _unusable(f"{error} Save it as CSV in UTF-8.", "csv_encoding") from error
    uploaded = CustomerList(
        shop_id=shop_id, public_id=public_id("lst"), name=name, row_count=0, member_count=0, refused_count=0
    )
    repository.add(session, uploaded)
    counts = repository.fill(session, shop_id, uploaded.id, read_rows(file))
    uploaded.row_count, uploaded.member_count, uploaded.refused_count = counts
    if uploaded.row_count == 0:
        raise _unusable("The file has no rows.", "csv_empty")
    session.flush()
    session.refresh(uploaded)
    audit.record(
        session, shop_id, actor, "customer_list_uploaded", uploaded.public_id, members=uploaded.member_count
    )
    log.info("customer_list_uploaded", shop_id=shop_id, rows=counts[0], members=counts[1])
    return shape(session, uploaded)


def read_rows(file: BinaryIO) -> Iterator[ListRow]:
    """The rows of a CSV file, one by one; the first may name its columns. Raises Invalid past `MAX_ROWS`."""
    texts = csv_rows.lines(file, csv_rows.detect(file))
    first = next(texts, "")
    column: int | None = None
    count = 0
    for line, cells in csv_rows.read(chain([first] if first else [], texts), csv_rows.delimiter(first)):
        if cells is not None and column is None:
            column, is_header = _column(cells)
            if is_header:
                continue
        count += 1
        if count > MAX_ROWS:
            raise _unusable(f"At most {MAX_ROWS:,} rows fit in one list.", "csv_too_many_rows")
        yield _row(line, cells, column or 0)


def _column(cells: list[str]) -> tuple[int, bool]:
    """Which column names the customer, and whether these cells are the titles."""
    titles = [cell.strip().lower() for cell in cells]
    for known in (_HEADERS["email"], _HEADERS["gid"]):
        for index, title in enumerate(titles):
            if title in known:
                return index, True
    for index, cell in enumerate(cells):
        if _read(cell.strip())[2] is None:
            return index, False
    return 0, False


def _row(line: int, cells: list[str] | None, column: int) -> ListRow:
    if cells is None:
        return ListRow(line, None, None, "unreadable")
    cell = cells[column].strip() if column < len(cells) else ""
    if csv_rows.LOST in cell:
        return ListRow(line, None, None, "encoding")
    gid, email, refused = _read(cell)
    return ListRow(line, gid, email, refused)


def _read(cell: str) -> tuple[str | None, str | None, str | None]:
    """Gid, address, and why it is neither."""
    if not cell:
        return None, None, "empty"
    if re.fullmatch(r"(gid://shopify/Customer/)?'?[0-9]{1,20}", cell, re.ASCII):
        return f"gid://shopify/Customer/{cell.rsplit('/', 1)[-1].removeprefix(chr(39))}", None, None
    if len(cell) <= 320 and "\x00" not in cell and _ADDRESS.fullmatch(cell):
        return None, cell.lower(), None
    return None, None, "broken_address"


def get(session: Session, shop_id: ShopId, list_id: str) -> CustomerList:
    """The list of a public id; raises ListUnknown."""
    uploaded = repository.find(session, shop_id, list_id)
    if uploaded is None:
        raise ListUnknown
    return uploaded


def list_page(session: Session, shop_id: ShopId, *, cursor: str | None) -> Page[schemas.CustomerList]:
    """Newest first."""
    found = repository.list_newest(session, shop_id, decode_id_cursor(cursor or None), PAGE + 1)
    return Page(
        items=[shape(session, uploaded) for uploaded in found[:PAGE]],
        next_cursor=encode_cursor(found[PAGE - 1].id) if len(found) > PAGE else None,
    )


def list_refusals(
    session: Session, shop_id: ShopId, list_id: str, *, cursor: str | None
) -> Page[schemas.RefusedRow]:
    """The refused rows in the order of the file."""
    uploaded = get(session, shop_id, list_id)
    after = decode_id_cursor(cursor or None) or 0
    found = repository.list_refusals(session, shop_id, uploaded.id, after, REFUSALS_PAGE + 1)
    rows = [schemas.RefusedRow(line=row.line, reason=row.reason) for row in found[:REFUSALS_PAGE]]
    more = len(found) > REFUSALS_PAGE
    return Page(items=rows, next_cursor=encode_cursor(rows[-1].line) if more else None)


def remove(session: Session, shop_id: ShopId, list_id: str, *, actor: str) -> None:
    """Delete a list; refused while a segment asks for it."""
    uploaded = get(session, shop_id, list_id)
    if users := references.users_of(session, shop_id, "list", list_id):
        raise ListInUse(segments=users)
    repository.remove(session, shop_id, uploaded.id)
    audit.record(session, shop_id, actor, "customer_list_removed", list_id)


def shape(session: Session, uploaded: CustomerList) -> schemas.CustomerList:
    """The list as the API shows it."""
    refused = (
        repository.count_refusals(session, ShopId(uploaded.shop_id), uploaded.id)
        if uploaded.refused_count
        else {}
    )
    return schemas.CustomerList(
        id=uploaded.public_id,
        name=uploaded.name,
        row_count=uploaded.row_count,
        member_count=uploaded.member_count,
        refused_count=uploaded.refused_count,
        refused=refused,
        created_at=uploaded.created_at,
    )


def _unusable(message: str, code: str) -> Invalid:
    return Invalid("The file cannot be read.", code=code, errors=[FieldError("/file", message, code)])
