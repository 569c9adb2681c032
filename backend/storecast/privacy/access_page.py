"""The page of who looked at personal data."""

from uuid import UUID

from sqlalchemy.orm import Session

from storecast.audit import access
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.pages import Page, decode_cursor, encode_cursor
from storecast.kit.types import ShopId
from storecast.privacy.schemas import Access

PAGE_SIZE = 50


def read(session: Session, shop_id: ShopId, *, cursor: str | None) -> Page[Access]:
    """Newest first."""
    found = access.list_newest(session, shop_id, _id(cursor) if cursor else None, PAGE_SIZE + 1)
    items = [
        Access(
            id=str(row.id), at=row.at, actor=row.actor, view=row.view, subject=row.subject, people=row.people
        )
        for row in found[:PAGE_SIZE]
    ]
    return Page(items=items, next_cursor=encode_cursor(items[-1].id) if len(found) > PAGE_SIZE else None)


def _id(cursor: str) -> UUID:
    (value,) = decode_cursor(cursor, 1)
    try:
        return UUID(str(value))
    except ValueError as error:
        raise Invalid(
            "The cursor is not one that this list handed out.",
            errors=[FieldError("/cursor", "unknown cursor", "cursor_invalid")],
        ) from error
