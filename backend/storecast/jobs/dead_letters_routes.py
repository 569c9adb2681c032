"""The API of dead letters: jobs that used up their attempts, in groups of one cause."""

from typing import Annotated

from fastapi import APIRouter, Path

from storecast.jobs import dead_letters
from storecast.jobs.schemas import (
    BulkAnswer,
    DeadGroup,
    DeadGroupDetail,
    DeadNote,
    DiscardGroupRequest,
    NewDeadNote,
    ReplayRequest,
)
from storecast.jobs.view import View
from storecast.kit.clock import utcnow
from storecast.kit.pages import Page
from storecast.shops.access import Permission, require

router = APIRouter(prefix="/dead-letters", tags=["dead letters"])

Fingerprint = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


@router.get("", dependencies=[require(Permission.READ)])
def list_dead_letters(view: View, q: str = "", cursor: str | None = None) -> Page[DeadGroup]:
    """Groups of dead letters that nobody has retried or discarded, the group that grew last first."""
    return dead_letters.list_groups(view.session, view.scope, q=q, cursor=cursor, now=utcnow())


@router.get("/{fingerprint}", dependencies=[require(Permission.READ)])
def get_dead_letters(view: View, fingerprint: Fingerprint) -> DeadGroupDetail:
    """A group with its notes."""
    return dead_letters.get_group(view.session, view.scope, fingerprint, now=utcnow())


@router.post("/{fingerprint}/replay", dependencies=[require(Permission.OPERATE)])
def replay_dead_letters(view: View, fingerprint: Fingerprint, body: ReplayRequest) -> BulkAnswer:
    """Start a group's jobs again, the newest first, by a job of its own; `dry_run` only counts."""
    return dead_letters.replay(view.session, view.scope, fingerprint, body)


@router.post("/{fingerprint}/discard", dependencies=[require(Permission.OPERATE)])
def discard_dead_letters(view: View, fingerprint: Fingerprint, body: DiscardGroupRequest) -> BulkAnswer:
    """Say that a group needs nobody's attention any more; `dry_run` only counts."""
    return dead_letters.discard(view.session, view.scope, fingerprint, body)


@router.post("/{fingerprint}/notes", status_code=201, dependencies=[require(Permission.OPERATE)])
def add_dead_letter_note(view: View, fingerprint: Fingerprint, body: NewDeadNote) -> DeadNote:
    """Write a note about a group or one of its jobs; operators only, since a group crosses shops."""
    return dead_letters.add_note(view.session, view.scope, fingerprint, body)
