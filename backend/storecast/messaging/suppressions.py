"""The list of addresses that a shop never writes to, as its people see it: searched, added to, and lifted from by hand.

Addresses are digests, so that the list outlives the erasure of customers: it answers whether an address is on it, and
cannot say which ones are. The audit log names entries by their digest too.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.messaging import headers, repository, returned_repository, service
from storecast.messaging.errors import SuppressionUnknown
from storecast.messaging.models import Suppression
from storecast.messaging.suppressions_schemas import SuppressionRow

PAGE_SIZE = 50


def page(
    session: Session, shop_id: ShopId, *, email: str | None, reason: str | None, cursor: str | None
) -> Page[SuppressionRow]:
    """Newest first; of one address, of one reason, or all."""
    digest = service.digest(email) if email and email.strip() else None
    after = _read_cursor(cursor) if cursor else None
    found = repository.list_newest(session, shop_id, digest, reason, after, PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    more = len(found) > PAGE_SIZE
    next_cursor = encode_cursor(shown[-1].created_at, shown[-1].email_digest.hex()) if more else None
    return Page(items=[_row(each) for each in shown], next_cursor=next_cursor)


def add(session: Session, shop_id: ShopId, email: str, *, actor: str) -> SuppressionRow:
    """Never write to the address; one that is on the list already stays as it is. Safe to repeat."""
    address = headers.find_address(email)
    if address is None:
        fault = FieldError("/email", "This is not an e-mail address.", "address_invalid")
        raise Invalid("The address is not valid.", errors=[fault])
    digest = service.digest(email)
    if service.suppress(session, shop_id, [email], reason="manual", source=actor):
        audit.record(session, shop_id, actor, "address_suppressed", digest.hex())
    row = repository.find(session, shop_id, digest)
    assert row is not None  # noqa: S101  # it was there, or has just been added
    return _row(row)


def lift(session: Session, shop_id: ShopId, suppression_id: str, *, actor: str) -> None:
    """Allow the address again and forgive its bounces; the customer's own consent stays what it is."""
    try:
        digest = bytes.fromhex(suppression_id)
    except ValueError:
        raise SuppressionUnknown from None
    row = repository.find(session, shop_id, digest)
    if row is None:
        raise SuppressionUnknown
    audit.record(session, shop_id, actor, "suppression_lifted", suppression_id, reason=row.reason)
    repository.lift(session, shop_id, digest)
    returned_repository.forgive(session, shop_id, digest)


def _row(row: Suppression) -> SuppressionRow:
    return SuppressionRow.model_validate(
        {
            "id": row.email_digest.hex(),
            "reason": row.reason,
            "source": row.source,
            "created_at": row.created_at,
        }
    )


def _read_cursor(cursor: str) -> tuple[datetime, bytes]:
    at, digest = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(str(at)), bytes.fromhex(str(digest))
    except ValueError as error:
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from error
