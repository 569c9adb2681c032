"""Dead letters in groups of one cause: see them, try them again, put them aside, write down what they are about.

A group is what has one fingerprint and has been neither retried nor discarded. It may cross shops; a shop's people
see and act on their part of it, and notes on it are between operators.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.jobs import bulk, dead_letters_repository, query, repository, search
from storecast.jobs.dead_letters_repository import AnyRow
from storecast.jobs.errors import DeadGroupUnknown, JobUnknown, NotesForOperators
from storecast.jobs.schemas import (
    BulkAnswer,
    BulkRequest,
    DeadGroup,
    DeadGroupDetail,
    DeadNote,
    DiscardGroupRequest,
    NewDeadNote,
    ReplayRequest,
)
from storecast.jobs.scope import Scope
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.masking import masked_text
from storecast.kit.pages import Page, decode_cursor, encode_cursor

PAGE_SIZE = 50
SHOWN = timedelta(days=90)
"""As long as the history of jobs is kept."""

MESSAGE_LENGTH_MAX = 1000


def list_groups(
    session: Session, scope: Scope, *, q: str, cursor: str | None, now: datetime
) -> Page[DeadGroup]:
    """The group that grew last first."""
    wanted = search.wanted_by(session, scope.shop_id, query.parse(q), state="dead")
    before = None if cursor is None else _read_cursor(cursor)
    rows = dead_letters_repository.list_groups(
        session, wanted, since=now - SHOWN, before=before, limit=PAGE_SIZE + 1
    )
    shown = rows[:PAGE_SIZE]
    following = encode_cursor(str(shown[-1].last_id)) if len(rows) > PAGE_SIZE else None
    return Page(items=_shape(session, scope, shown), next_cursor=following)


def get_group(session: Session, scope: Scope, fingerprint: str, *, now: datetime) -> DeadGroupDetail:
    """The group with its notes; one that was dealt with is there with a count of 0. Raises DeadGroupUnknown."""
    row = dead_letters_repository.find_group(session, scope.shop_id, fingerprint, since=now - SHOWN)
    if row is None:
        raise DeadGroupUnknown
    (group,) = _shape(session, scope, [row])
    notes = dead_letters_repository.list_notes(session, fingerprint) if scope.everyone else []
    return DeadGroupDetail(
        **group.model_dump(),
        note_list=[
            DeadNote(
                id=note.id,
                body=note.body,
                author=note.author,
                created_at=note.created_at,
                job_id=str(note.job_id) if note.job_id else None,
            )
            for note in notes
        ],
    )


def replay(session: Session, scope: Scope, fingerprint: str, asked: ReplayRequest) -> BulkAnswer:
    """Try the newest of the group again."""
    _require_known(session, scope, fingerprint)
    action = BulkRequest(
        action="retry",
        state="dead",
        q=f"fingerprint:{fingerprint}",
        cap=asked.cap,
        rate_per_min=asked.rate_per_min,
        reason=asked.reason,
        dry_run=asked.dry_run,
    )
    return bulk.request(session, scope, action)


def discard(session: Session, scope: Scope, fingerprint: str, asked: DiscardGroupRequest) -> BulkAnswer:
    """Put the newest of the group aside."""
    _require_known(session, scope, fingerprint)
    action = BulkRequest(
        action="discard",
        state="dead",
        q=f"fingerprint:{fingerprint}",
        cap=asked.cap,
        reason=asked.reason,
        dry_run=asked.dry_run,
    )
    return bulk.request(session, scope, action)


def add_note(session: Session, scope: Scope, fingerprint: str, note: NewDeadNote) -> DeadNote:
    """Write a note about the group, or about one of its jobs."""
    _require_known(session, scope, fingerprint)
    if not scope.everyone:
        raise NotesForOperators
    job_id = None if note.job_id is None else _job_of(session, fingerprint, note.job_id)
    row = dead_letters_repository.add_note(
        session, fingerprint=fingerprint, job_id=job_id, body=note.body, author=scope.actor
    )
    audit.record(session, scope.home, scope.actor, "dead_letter_note_added", fingerprint, note=row.id)
    return DeadNote(
        id=row.id, body=row.body, author=row.author, created_at=row.created_at, job_id=note.job_id
    )


def _require_known(session: Session, scope: Scope, fingerprint: str) -> None:
    if not dead_letters_repository.is_known(session, scope.shop_id, fingerprint):
        raise DeadGroupUnknown


def _job_of(session: Session, fingerprint: str, job_id: str) -> UUID:
    try:
        found = repository.find(session, None, UUID(job_id))
    except ValueError:
        fault = FieldError("/job_id", "This is no job's id.", "not_an_id")
        raise Invalid("The note cannot be written.", errors=[fault]) from None
    if found is None:
        raise JobUnknown
    if found.fingerprint != fingerprint:
        fault = FieldError("/job_id", "The job is not one of this group.", "other_group")
        raise Invalid("The note cannot be written.", errors=[fault])
    return UUID(job_id)


def _shape(session: Session, scope: Scope, rows: list[AnyRow]) -> list[DeadGroup]:
    fingerprints = [row.fingerprint for row in rows]
    notes = dead_letters_repository.count_notes(session, fingerprints) if scope.everyone else {}
    return [
        DeadGroup(
            fingerprint=row.fingerprint,
            error_class=row.error_class or "Error",
            message=masked_text((row.error or "")[:MESSAGE_LENGTH_MAX]),
            name=row.name,
            title_key=f"jobs.{row.name}",
            count=row.runs,
            shops=row.shops,
            first_at=row.first_at,
            last_at=row.last_at,
            sample_job_id=str(row.last_id),
            notes=notes.get(row.fingerprint, 0),
        )
        for row in rows
    ]


def _read_cursor(cursor: str) -> UUID:
    (value,) = decode_cursor(cursor, 1)
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        fault = FieldError("/cursor", "unknown cursor", "cursor_invalid")
        raise Invalid("The cursor is not one that this list handed out.", errors=[fault]) from None
