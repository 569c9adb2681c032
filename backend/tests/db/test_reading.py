"""A read past SQLAlchemy's execution gives the same rows, and the same errors, as one by it."""

from uuid import UUID

import pytest
from sqlalchemy import Text, Uuid, bindparam, cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from storecast.db.reading import Reading
from storecast.shops.models import Shop

_NAMED = select(Shop.id, Shop.domain, literal("kept").label("constant")).where(
    Shop.domain == bindparam("domain")
)

_VALUES = (
    cast(literal('{"deep": [1, {"é": null}]}', Text), JSONB).label("full"),
    cast(literal("{}", Text), JSONB).label("empty"),
    cast(literal(str(UUID(int=7)), Text), Uuid).label("id"),
)


def test_rows_are_those_of_the_statement_with_what_is_not_written_yet(session: Session, shop: Shop) -> None:
    (row,) = Reading(_NAMED).rows(session, {"domain": shop.domain})
    assert row == tuple(session.execute(_NAMED, {"domain": shop.domain}).one())
    assert (row.domain, row.constant) == (shop.domain, "kept")

    session.get_one(Shop, shop.id).name = "Renamed"
    told = Reading(select(Shop.name, *_VALUES).where(Shop.domain == bindparam("domain")))
    (read,) = told.rows(session, {"domain": shop.domain})
    assert read == ("Renamed", {"deep": [1, {"é": None}]}, {}, UUID(int=7))


def test_a_text_that_cannot_be_stored_is_the_error_that_the_api_answers(session: Session) -> None:
    with pytest.raises(DataError, match="NUL"):
        Reading(_NAMED).rows(session, {"domain": "a\0b"})
