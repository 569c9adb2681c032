"""SQL of imports of contacts: rows come by COPY, are merged, matched and planned in a few statements, whatever many."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Row, delete, func, select, text, update
from sqlalchemy.orm import Session

from storecast.customers.contact_rows import Contact
from storecast.customers.models import ContactImport, ContactImportPiece, ContactImportRow, Customer
from storecast.db.staging import Staging
from storecast.kit.types import ShopId

Suppressed = Callable[[ShopId, ColumnElement[str | None]], ColumnElement[bool]]

PHASES = ("create", "update", "tags", "consent")
"""What Shopify is told, in this order: a customer must be there before they have tags."""

_STAGED = Staging(
    "staged_contacts",
    {
        "line": "integer",
        "email": "text",
        "first_name": "text",
        "last_name": "text",
        "phone": "text",
        "country": "text",
        "tags": "text[]",
        "consent_state": "text",
        "consent_at": "timestamptz",
        "consent_source": "text",
        "reason": "text",
    },
)

_ADD = text(f"""
INSERT INTO contact_import_rows (shop_id, import_id, {", ".join(_STAGED.columns)}, outcome)
SELECT :shop_id, :import_id, {", ".join(_STAGED.columns)}, CASE WHEN reason IS NOT NULL THEN 'refused' END
  FROM {_STAGED.name}
    ON CONFLICT (import_id, line) DO NOTHING
""")

# The last row of an address stands for all of them: what it leaves open the rows before it say, tags add up, and of
# several consents the newest counts, of two of one instant the refusal.
_MERGE = text("""
WITH many AS (
  SELECT email, max(line) AS line,
         (array_agg(first_name ORDER BY line DESC) FILTER (WHERE first_name IS NOT NULL))[1] AS first_name,
         (array_agg(last_name ORDER BY line DESC) FILTER (WHERE last_name IS NOT NULL))[1] AS last_name,
         (array_agg(phone ORDER BY line DESC) FILTER (WHERE phone IS NOT NULL))[1] AS phone,
         (array_agg(country ORDER BY line DESC) FILTER (WHERE country IS NOT NULL))[1] AS country,
         (array_agg(line ORDER BY consent_at DESC, consent_state DESC, line DESC)
          FILTER (WHERE consent_state IS NOT NULL))[1] AS consent_line
    FROM contact_import_rows
   WHERE import_id = :import_id AND shop_id = :shop_id AND outcome IS NULL
   GROUP BY email HAVING count(*) > 1
), united AS (
  SELECT many.line, (SELECT coalesce(array_agg(DISTINCT tag), '{}')
                       FROM contact_import_rows AS each, unnest(each.tags) AS tag
                      WHERE each.import_id = :import_id AND each.shop_id = :shop_id AND each.outcome IS NULL
                        AND each.email = many.email) AS tags
    FROM many
), kept AS (
  UPDATE contact_import_rows AS kept
     SET first_name = many.first_name, last_name = many.last_name, phone = many.phone, country = many.country,
         tags = united.tags, consent_state = said.consent_state, consent_at = said.consent_at,
         consent_source = said.consent_source
    FROM many
    JOIN united USING (line)
    LEFT JOIN contact_import_rows AS said
      ON said.import_id = :import_id AND said.shop_id = :shop_id AND said.line = many.consent_line
   WHERE kept.import_id = :import_id AND kept.shop_id = :shop_id AND kept.line = many.line
)
UPDATE contact_import_rows AS merged SET outcome = 'merged', reason = many.line::text
  FROM many
 WHERE merged.import_id = :import_id AND merged.shop_id = :shop_id AND merged.email = many.email
   AND merged.outcome IS NULL AND merged.line <> many.line
""")

# Two customers may share an address in a shop's history: the newer one is meant. Names and numbers that a customer has
# stay; a consent counts only when it is newer than what Shopify says, and only when it says something else.
_PLAN = text("""
UPDATE contact_import_rows AS contact
   SET gid = known.gid,
       outcome = CASE WHEN known.gid IS NULL THEN 'created'
                      WHEN known.fills OR known.tags OR known.says THEN 'updated' ELSE 'unchanged' END,
       todo = CASE WHEN known.gid IS NULL THEN ARRAY['create']
              ELSE array_remove(ARRAY[CASE WHEN known.fills THEN 'update' END, CASE WHEN known.tags THEN 'tags' END,
                                      CASE WHEN known.says THEN 'consent' END], NULL) END
  FROM (
    SELECT each.line, customer.gid,
           (customer.first_name IS NULL AND each.first_name IS NOT NULL)
           OR (customer.last_name IS NULL AND each.last_name IS NOT NULL)
           OR (customer.phone IS NULL AND each.phone IS NOT NULL) AS fills,
           NOT (each.tags <@ customer.tags) AS tags,
           each.consent_state IS NOT NULL AND each.consent_state <> customer.email_state
           AND (each.consent_state <> 'pending' OR customer.email_state = 'not_subscribed')
           AND (customer.email_consent_at IS NULL AND customer.email_state = 'not_subscribed'
                OR each.consent_at > customer.email_consent_at) AS says
      FROM contact_import_rows AS each
      LEFT JOIN LATERAL (
        SELECT * FROM customers
         WHERE customers.shop_id = :shop_id AND lower(customers.email) = each.email
         ORDER BY customers.id DESC LIMIT 1
      ) AS customer ON true
     WHERE each.import_id = :import_id AND each.shop_id = :shop_id AND each.outcome IS DISTINCT FROM 'refused'
       AND (each.outcome IS NULL OR each.todo = ARRAY['create'])
  ) AS known
 WHERE contact.import_id = :import_id AND contact.shop_id = :shop_id AND contact.line = known.line
""")

_TAKE = text("""
UPDATE contact_import_rows AS contact SET bulk_line = chosen.nth
  FROM (SELECT line, row_number() OVER (ORDER BY line) - 1 AS nth FROM contact_import_rows
         WHERE import_id = :import_id AND shop_id = :shop_id AND :phase = ANY (todo)
         ORDER BY line LIMIT :most) AS chosen
 WHERE contact.import_id = :import_id AND contact.shop_id = :shop_id AND contact.line = chosen.line
""")

_RECORD = text("""
UPDATE contact_import_rows AS contact
   SET todo = CASE WHEN given.error IS NULL THEN array_remove(todo, :phase) ELSE '{}' END,
       outcome = CASE WHEN given.error IS NULL THEN outcome ELSE 'refused' END,
       reason = CASE WHEN given.error IS NULL THEN reason ELSE 'shopify' END,
       error = given.error, bulk_line = NULL
  FROM json_to_recordset(CAST(:outcomes AS json)) AS given (line integer, error text)
 WHERE contact.import_id = :import_id AND contact.shop_id = :shop_id AND contact.bulk_line = given.line
""")

_UNANSWERED = text("""
UPDATE contact_import_rows
   SET todo = '{}', outcome = 'refused', reason = 'no_answer', bulk_line = NULL
 WHERE import_id = :import_id AND shop_id = :shop_id AND bulk_line IS NOT NULL
""")

_COUNTS = text("""
SELECT count(*) AS rows, count(*) FILTER (WHERE outcome = 'refused') AS refused,
       count(*) FILTER (WHERE outcome = 'merged') AS merged, count(*) FILTER (WHERE outcome = 'created') AS created,
       count(*) FILTER (WHERE outcome = 'updated') AS updated,
       count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
       count(*) FILTER (WHERE reason = 'suppressed') AS suppressed, count(*) FILTER (WHERE todo <> '{}') AS waiting
  FROM contact_import_rows WHERE import_id = :import_id AND shop_id = :shop_id
""")

# Somebody took their consent back at Shopify while ours was on its way: the later word has to win there too.
_OVERTAKEN = text("""
SELECT customer.gid
  FROM contact_import_rows AS contact
  JOIN customers AS customer ON customer.shop_id = :shop_id AND customer.gid = contact.gid
 WHERE contact.import_id = :import_id AND contact.shop_id = :shop_id AND contact.consent_state IS NOT NULL
   AND contact.outcome = 'updated' AND customer.email_consent_at > contact.consent_at
   AND customer.email_state <> contact.consent_state
""")

_TIDY = (
    text("""
DELETE FROM contact_import_rows
 WHERE import_id = :import_id AND shop_id = :shop_id AND outcome <> 'refused'
   AND (consent_state IS NULL OR outcome IN ('merged', 'unchanged') OR todo <> '{}')
"""),
    text("""
UPDATE contact_import_rows SET first_name = NULL, last_name = NULL, phone = NULL, country = NULL, tags = '{}',
       email = CASE WHEN outcome = 'refused' THEN NULL ELSE email END,
       gid = CASE WHEN outcome = 'refused' THEN NULL ELSE gid END,
       consent_source = CASE WHEN outcome = 'refused' THEN NULL ELSE consent_source END
 WHERE import_id = :import_id AND shop_id = :shop_id
"""),
)


def add(session: Session, imported: ContactImport) -> None:
    session.add(imported)
    session.flush()
    session.refresh(imported)


def find(session: Session, shop_id: ShopId, public_id: str) -> ContactImport | None:
    return session.scalar(
        select(ContactImport).where(ContactImport.shop_id == shop_id, ContactImport.public_id == public_id)
    )


def find_by_id(session: Session, shop_id: ShopId, import_id: int) -> ContactImport | None:
    return session.scalar(
        select(ContactImport).where(ContactImport.shop_id == shop_id, ContactImport.id == import_id)
    )


def awaits_customers(session: Session, shop_id: ShopId, import_id: int) -> bool:
    """Whether somebody who is to be asked is no customer here yet."""
    row = ContactImportRow
    known = select(Customer.id).where(
        Customer.shop_id == shop_id,
        func.lower(Customer.email) == row.email,
        Customer.email_state == "pending",
    )
    waiting = select(row.line).where(
        row.shop_id == shop_id,
        row.import_id == import_id,
        row.consent_state == "pending",
        row.outcome == "created",
        ~known.exists(),
    )
    return bool(session.scalar(select(waiting.exists())))


def lock(session: Session, shop_id: ShopId, import_id: int) -> ContactImport | None:
    return session.scalar(
        select(ContactImport)
        .where(ContactImport.shop_id == shop_id, ContactImport.id == import_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def list_newest(
    session: Session, shop_id: ShopId, before_id: int | None, limit: int
) -> Sequence[ContactImport]:
    query = select(ContactImport).where(ContactImport.shop_id == shop_id)
    if before_id is not None:
        query = query.where(ContactImport.id < before_id)
    return session.scalars(query.order_by(ContactImport.id.desc()).limit(limit)).all()


def add_piece(session: Session, shop_id: ShopId, import_id: int, number: int, content: str) -> None:
    session.add(ContactImportPiece(shop_id=shop_id, import_id=import_id, number=number, content=content))
    # One by one: a file is never in memory as a whole.
    session.flush()
    session.expunge_all()


def drop_pieces(session: Session, shop_id: ShopId, import_id: int) -> None:
    session.execute(
        delete(ContactImportPiece).where(
            ContactImportPiece.shop_id == shop_id, ContactImportPiece.import_id == import_id
        )
    )


def find_piece(session: Session, shop_id: ShopId, import_id: int, number: int) -> str | None:
    return session.scalar(
        select(ContactImportPiece.content).where(
            ContactImportPiece.shop_id == shop_id,
            ContactImportPiece.import_id == import_id,
            ContactImportPiece.number == number,
        )
    )


def add_rows(session: Session, shop_id: ShopId, import_id: int, rows: Iterable[Contact]) -> None:
    _STAGED.fill(session, rows)
    session.execute(_ADD, _of(shop_id, import_id))


def last_line(session: Session, shop_id: ShopId, import_id: int) -> int:
    """The last line that was stored."""
    query = select(func.max(ContactImportRow.line)).where(
        ContactImportRow.shop_id == shop_id, ContactImportRow.import_id == import_id
    )
    return session.scalar(query) or 0


def merge(session: Session, shop_id: ShopId, import_id: int) -> None:
    """Make one row of those that name the same address."""
    session.execute(_MERGE, _of(shop_id, import_id))


def hold_back(session: Session, shop_id: ShopId, import_id: int, suppressed: Suppressed) -> None:
    """Take the consent out of rows whose address must not be written to."""
    session.execute(
        update(ContactImportRow)
        .where(
            ContactImportRow.shop_id == shop_id,
            ContactImportRow.import_id == import_id,
            ContactImportRow.outcome.is_(None),
            ContactImportRow.consent_state.in_(("subscribed", "pending")),
            suppressed(shop_id, ContactImportRow.email.expression),
        )
        .values(consent_state=None, consent_at=None, consent_source=None, reason="suppressed")
        .execution_options(synchronize_session=False)
    )


def plan(session: Session, shop_id: ShopId, import_id: int) -> None:
    """Say of every row what Shopify is to be told, as the customers are now; safe to repeat while they are made."""
    session.execute(_PLAN, _of(shop_id, import_id))


def next_phase(session: Session, shop_id: ShopId, import_id: int) -> str | None:
    """The first thing that is still to be done."""
    query = select(func.unnest(ContactImportRow.todo)).where(
        ContactImportRow.shop_id == shop_id, ContactImportRow.import_id == import_id
    )
    waiting = set(session.scalars(query.distinct()))
    return next((phase for phase in PHASES if phase in waiting), None)


def take(session: Session, shop_id: ShopId, import_id: int, phase: str, most: int) -> None:
    """Number the next rows of a phase as lines of one operation."""
    session.execute(
        update(ContactImportRow)
        .where(
            ContactImportRow.shop_id == shop_id,
            ContactImportRow.import_id == import_id,
            ContactImportRow.bulk_line.is_not(None),
        )
        .values(bulk_line=None)
        .execution_options(synchronize_session=False)
    )
    session.execute(_TAKE, _of(shop_id, import_id) | {"phase": phase, "most": most})


def iter_taken(session: Session, shop_id: ShopId, import_id: int) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of the operation in the order of its lines."""
    columns = [getattr(ContactImportRow, name) for name in (*Contact._fields, "gid")]
    query = (
        select(*columns)
        .where(
            ContactImportRow.shop_id == shop_id,
            ContactImportRow.import_id == import_id,
            ContactImportRow.bulk_line.is_not(None),
        )
        .order_by(ContactImportRow.bulk_line)
        .execution_options(yield_per=2_000)
    )
    yield from session.execute(query)


def record(
    session: Session, shop_id: ShopId, import_id: int, phase: str, outcomes: dict[int, str | None]
) -> None:
    """Note what became of lines of the operation."""
    given = [{"line": line, "error": error} for line, error in outcomes.items()]
    session.execute(
        _RECORD, _of(shop_id, import_id) | {"phase": phase, "outcomes": orjson.dumps(given).decode()}
    )


def refuse_unanswered(session: Session, shop_id: ShopId, import_id: int) -> None:
    """Refuse the lines of an operation that is over and said nothing of them."""
    session.execute(_UNANSWERED, _of(shop_id, import_id))


def counts(session: Session, shop_id: ShopId, import_id: int) -> dict[str, int]:
    return dict(session.execute(_COUNTS, _of(shop_id, import_id)).one()._mapping)


def overtaken(session: Session, shop_id: ShopId, import_id: int) -> Sequence[str]:
    """Customers who said something else meanwhile, by gid."""
    return session.scalars(_OVERTAKEN, _of(shop_id, import_id)).all()


def tidy(session: Session, shop_id: ShopId, import_id: int) -> None:
    """Forget what the file said, but for the proofs of consent."""
    drop_pieces(session, shop_id, import_id)
    for statement in _TIDY:
        session.execute(statement, _of(shop_id, import_id))


def refusal_reasons(session: Session, shop_id: ShopId, import_id: int) -> dict[str, int]:
    rows = session.execute(
        select(ContactImportRow.reason, func.count().label("lines"))
        .where(
            ContactImportRow.shop_id == shop_id,
            ContactImportRow.import_id == import_id,
            ContactImportRow.outcome == "refused",
        )
        .group_by(ContactImportRow.reason)
    )
    return {row.reason or "": row.lines for row in rows}


def list_refusals(
    session: Session, shop_id: ShopId, import_id: int, after_line: int, limit: int
) -> Sequence[Row[int, str | None, str | None]]:
    return session.execute(
        select(ContactImportRow.line, ContactImportRow.reason, ContactImportRow.error)
        .where(
            ContactImportRow.shop_id == shop_id,
            ContactImportRow.import_id == import_id,
            ContactImportRow.outcome == "refused",
            ContactImportRow.line > after_line,
        )
        .order_by(ContactImportRow.line)
        .limit(limit)
    ).all()


def _of(shop_id: ShopId, import_id: int) -> dict[str, Any]:
    return {"shop_id": shop_id, "import_id": import_id}
