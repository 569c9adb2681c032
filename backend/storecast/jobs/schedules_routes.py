"""The API of schedules: a shop's people manage their shop's, operators everyone's and the program's own."""

from typing import Annotated

from fastapi import APIRouter, Path

from storecast.jobs import schedules
from storecast.jobs.schedules_schemas import (
    NewSchedule,
    Rhythm,
    SchedulableJob,
    Schedule,
    ScheduleChanges,
    SchedulePreview,
    ScheduleReason,
)
from storecast.jobs.view import View
from storecast.kit.clock import utcnow
from storecast.shops.access import Permission, require

router = APIRouter(prefix="/schedules", tags=["schedules"])

ScheduleId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("", dependencies=[require(Permission.READ)])
def list_schedules(view: View) -> list[Schedule]:
    """Every schedule with its next runs and last results."""
    return schedules.list_schedules(view.session, view.scope, now=utcnow())


@router.post("", status_code=201, dependencies=[require(Permission.OPERATE)])
def create_schedule(view: View, body: NewSchedule) -> Schedule:
    """Start a schedule of a job that is open to people."""
    return schedules.create(view.session, view.scope, body, now=utcnow())


@router.post("/preview", dependencies=[require(Permission.READ)])
def preview_schedule(view: View, body: Rhythm) -> SchedulePreview:
    """The next runs of a rhythm, and what it is in words; nothing is stored."""
    return schedules.preview(view.session, view.scope, body, now=utcnow())


@router.get("/jobs", dependencies=[require(Permission.READ)])
def list_schedulable_jobs() -> list[SchedulableJob]:
    """The jobs that people may schedule."""
    return schedules.list_jobs()


@router.get("/{schedule_id}", dependencies=[require(Permission.READ)])
def get_schedule(view: View, schedule_id: ScheduleId) -> Schedule:
    """One schedule."""
    return schedules.get_schedule(view.session, view.scope, schedule_id, now=utcnow())


@router.patch("/{schedule_id}", dependencies=[require(Permission.OPERATE)])
def change_schedule(view: View, schedule_id: ScheduleId, body: ScheduleChanges) -> Schedule:
    """Change a schedule of people's; those of the program are refused."""
    return schedules.change(view.session, view.scope, schedule_id, body, now=utcnow())


@router.delete("/{schedule_id}", status_code=204, dependencies=[require(Permission.OPERATE)])
def delete_schedule(view: View, schedule_id: ScheduleId) -> None:
    """Delete a schedule of people's; a run that is under way goes on."""
    schedules.remove(view.session, view.scope, schedule_id)


@router.post("/{schedule_id}/pause", dependencies=[require(Permission.OPERATE)])
def pause_schedule(view: View, schedule_id: ScheduleId, body: ScheduleReason | None = None) -> Schedule:
    """Let it come due no more until it is resumed."""
    return schedules.pause(view.session, view.scope, schedule_id, reason=_reason(body), now=utcnow())


@router.post("/{schedule_id}/resume", dependencies=[require(Permission.OPERATE)])
def resume_schedule(view: View, schedule_id: ScheduleId, body: ScheduleReason | None = None) -> Schedule:
    """Let it come due again; what fell into the pause is not made up for."""
    return schedules.resume(view.session, view.scope, schedule_id, reason=_reason(body), now=utcnow())


@router.post("/{schedule_id}/skip", dependencies=[require(Permission.OPERATE)])
def skip_schedule(view: View, schedule_id: ScheduleId, body: ScheduleReason | None = None) -> Schedule:
    """Leave the next run out."""
    return schedules.set_skip(view.session, view.scope, schedule_id, True, reason=_reason(body), now=utcnow())


@router.post("/{schedule_id}/unskip", dependencies=[require(Permission.OPERATE)])
def unskip_schedule(view: View, schedule_id: ScheduleId, body: ScheduleReason | None = None) -> Schedule:
    """Do not leave the next run out after all."""
    return schedules.set_skip(
        view.session, view.scope, schedule_id, False, reason=_reason(body), now=utcnow()
    )


@router.post("/{schedule_id}/run", dependencies=[require(Permission.OPERATE)])
def run_schedule(view: View, schedule_id: ScheduleId, body: ScheduleReason | None = None) -> Schedule:
    """Start a run now, beside the plan; 409 while the last one is not over."""
    return schedules.run_now(view.session, view.scope, schedule_id, reason=_reason(body), now=utcnow())


def _reason(body: ScheduleReason | None) -> str | None:
    return body.reason if body else None
