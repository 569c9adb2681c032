"""`storecast jobs`: find runs, look at one, retry, cancel, replay dead letters."""

import argparse
from typing import Any, get_args

import orjson
from sqlalchemy.orm import Session

from storecast.entrypoints.commands import output
from storecast.entrypoints.commands.session import Command, job_id
from storecast.jobs import dead_letters, search, service
from storecast.jobs.schemas import BULK_CAP_MAX, JobDetail, JobRun, JobState, ReplayRequest
from storecast.jobs.scope import Scope
from storecast.kit.clock import utcnow


def add_parser(commands: Any) -> None:
    parser = commands.add_parser("jobs", help="find, show, retry and cancel jobs")
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="jobs, newest first")
    listing.add_argument("--state", choices=get_args(JobState))
    listing.add_argument("--q", default="", help="a search as on the page: shop:… name:… error:… tag:…")
    listing.add_argument("--limit", type=_count, default=50, help="at most so many (default 50)")
    _finish(listing, list_jobs)
    showing = actions.add_parser("show", help="one job with its attempts")
    showing.add_argument("id", type=job_id)
    _finish(showing, show)
    retrying = actions.add_parser("retry", help="start a dead or cancelled job again, as a new one")
    retrying.add_argument("id", type=job_id)
    retrying.add_argument("--args", type=_arguments, help="other arguments, as a JSON object")
    retrying.add_argument("--reason", help="why; goes to the audit log")
    _finish(retrying, retry)
    cancelling = actions.add_parser("cancel", help="stop a job: at once, or at its next safe point")
    cancelling.add_argument("id", type=job_id)
    _finish(cancelling, cancel)
    replaying = actions.add_parser("replay", help="start a group of dead letters again")
    replaying.add_argument("fingerprint", help="of the group; `jobs show` of one of them names it")
    replaying.add_argument("--reason", required=True, type=_reason, help="why; goes to the audit log")
    replaying.add_argument("--cap", type=_cap, default=1000, help="at most so many (default 1000)")
    replaying.add_argument("--rate-per-min", type=_count, help="so many a minute (default: at once)")
    replaying.add_argument("--dry-run", action="store_true", help="only count")
    _finish(replaying, replay)


def _finish(parser: argparse.ArgumentParser, command: Command) -> None:
    output.add_json(parser)
    parser.set_defaults(run=command)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 60_000:
        raise argparse.ArgumentTypeError("not a number between 1 and 60000")
    return int(text)


def _cap(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= BULK_CAP_MAX:
        raise argparse.ArgumentTypeError(f"not a number between 1 and {BULK_CAP_MAX}")
    return int(text)


def _reason(text: str) -> str:
    if not 1 <= len(text.strip()) <= 500:
        raise argparse.ArgumentTypeError("a reason has 1 to 500 characters")
    return text.strip()


def _arguments(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return value


def list_jobs(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    """Pages are read until there are enough."""
    found: list[JobRun] = []
    cursor: str | None = None
    while len(found) < arguments.limit:
        page = search.list_runs(
            session, scope, state=arguments.state, q=arguments.q, cursor=cursor, now=utcnow()
        )
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    shown = found[: arguments.limit]
    if arguments.json:
        output.write_json(shown)
        return
    output.write_table(
        ("ID", "STATE", "JOB", "SHOP", "QUEUE", "TRY", "SINCE", "ERROR"),
        [
            (
                run.id,
                run.state,
                run.name,
                run.shop_domain,
                run.queue,
                f"{run.attempt}/{run.max_attempts}",
                run.finished_at or run.started_at or run.enqueued_at,
                run.error,
            )
            for run in shown
        ],
    )


def show(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(arguments, service.get_run(session, scope, arguments.id, now=utcnow()))


def retry(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    """Answers with the new job."""
    _write(
        arguments,
        service.retry(
            session, scope, arguments.id, args=arguments.args, reason=arguments.reason, now=utcnow()
        ),
    )


def cancel(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    _write(arguments, service.cancel(session, scope, arguments.id, now=utcnow()))


def replay(arguments: argparse.Namespace, session: Session, scope: Scope) -> None:
    asked = ReplayRequest(
        cap=arguments.cap,
        rate_per_min=arguments.rate_per_min,
        reason=arguments.reason,
        dry_run=arguments.dry_run,
    )
    answer = dead_letters.replay(session, scope, arguments.fingerprint, asked)
    if arguments.json:
        output.write_json(answer)
    else:
        output.write_facts(answer.model_dump())


def _write(arguments: argparse.Namespace, job: JobDetail) -> None:
    if arguments.json:
        output.write_json(job)
        return
    output.write_facts(
        {
            "id": job.id,
            "job": job.name,
            "state": job.state,
            "waits because": job.waits_because.code if job.waits_because else None,
            "shop": job.shop_domain,
            "queue": job.queue,
            "attempt": f"{job.attempt} of {job.max_attempts}",
            "arguments": job.args,
            "tags": " ".join(job.tags) or None,
            "wanted": job.enqueued_at,
            "started": job.started_at,
            "finished": job.finished_at,
            "worker": job.worker,
            "error": job.error,
            "fingerprint": job.fingerprint,
            "retried as": job.retried_as,
        }
    )
    for attempt in job.attempts:
        output.write_line(
            f"\nattempt {attempt.number}, {attempt.started_at:%Y-%m-%d %H:%M:%S}, {attempt.worker}"
        )
        output.write_line((attempt.traceback or attempt.error or "no error").rstrip())
