"""Runs the steps of a synchronisation: network outside transactions, rows and the note of progress in one."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from storecast.auth.jobs import ShopInstalled
from storecast.db.session import tenant_session
from storecast.kit.chunks import batched
from storecast.kit.errors import Permanent, StorecastError
from storecast.shopify import bulk
from storecast.shopify.shop import fetch_profile
from storecast.shops import pixel, tokens
from storecast.shops import service as shops
from storecast.sync import catch_up, importer, service
from storecast.sync.jobs import (
    CatchUpOrder,
    FinishSync,
    ImportResource,
    PollSync,
    RefreshShop,
    SettleSync,
    StartSync,
    StopOperations,
    SweepSyncs,
    SyncNow,
    WakeSync,
)
from storecast.sync.service import ImportTask
from storecast.worker import schedule
from storecast.worker.task import JobCancelled, TaskContext, task

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 60
"""How long a run whose job was cancelled before it began shows as under way at most; a new one need not wait for it."""

schedule.every(SweepSyncs(), seconds=SWEEP_EVERY_S)


@task(ShopInstalled)
def start_first_sync(_job: ShopInstalled, ctx: TaskContext) -> None:
    """A new shop is synchronised by itself."""
    with ctx.unit_of_work() as session:
        service.start(session, ctx.shop_id, kind="first")


@task(StartSync)
def start_operations(job: StartSync, ctx: TaskContext) -> None:
    """Start what has not been started.

    A crash between Shopify's answer and our note leaves an operation that nobody reads, and starts another.
    """
    if _began_anew(ctx, job.sync_run_id):
        return
    with ctx.unit_of_work() as session:
        resources = service.begin(session, ctx.shop_id, job.sync_run_id)
    if not resources:
        return
    with _failing_the_run(ctx, job.sync_run_id):
        client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
        profile = fetch_profile(client)
        with ctx.unit_of_work() as session:
            shops.refresh_profile(session, ctx.shop_id, profile)
        for resource in resources:
            operation = bulk.run_query(client, f"bulk_{resource}")
            with ctx.unit_of_work() as session:
                service.record_requested(session, ctx.shop_id, job.sync_run_id, resource, operation)
    with ctx.unit_of_work() as session:
        service.poll_later(session, ctx.shop_id, job.sync_run_id, after_round=0)


@task(PollSync)
def poll_operations(job: PollSync, ctx: TaskContext) -> None:
    """Look, and look again later while operations run."""
    if not _began_anew(ctx, job.sync_run_id) and _look(ctx, job.sync_run_id):
        with ctx.unit_of_work() as session:
            service.poll_later(session, ctx.shop_id, job.sync_run_id, after_round=job.round)


@task(WakeSync)
def look_once(job: WakeSync, ctx: TaskContext) -> None:
    """Look now; the polls go on by themselves."""
    if not _began_anew(ctx, job.sync_run_id):
        _look(ctx, job.sync_run_id)


@task(ImportResource)
def import_resource(job: ImportResource, ctx: TaskContext) -> None:
    """Read the file from the last committed chunk on."""
    with ctx.unit_of_work() as session:
        work = service.claim_import(session, ctx.shop_id, job.sync_resource_id)
        run_id = service.find_run_of_import(session, ctx.shop_id, job.sync_resource_id)
    if work is None:
        if run_id is not None:
            _began_anew(ctx, run_id)
        return
    with _failing_the_run(ctx, work.sync_run_id):
        if work.url is not None and not _import_file(ctx, work, work.url):
            return
        with ctx.unit_of_work() as session:
            importer.finish(session, ctx.shop_id, importer.resource_named(work.resource))
            service.record_imported(session, ctx.shop_id, work)


@task(FinishSync)
def finish_sync(job: FinishSync, ctx: TaskContext) -> None:
    """The pixel needs nothing of the synchronisation, but both belong to getting ready."""
    if _began_anew(ctx, job.sync_run_id):
        return
    pixel.activate(ctx.unit_of_work, ctx.shop_id)
    with ctx.unit_of_work() as session:
        service.finish(session, ctx.shop_id, job.sync_run_id)


@task(SettleSync)
def settle_sync(job: SettleSync, ctx: TaskContext) -> None:
    """Nothing is left that could close the run."""
    with ctx.unit_of_work() as session:
        service.settle(session, ctx.shop_id, job.sync_run_id)


@task(SweepSyncs)
def sweep_syncs(_job: SweepSyncs, ctx: TaskContext) -> None:
    """A run a transaction, in its shop's own session. Sees again what a crash has left undone."""
    with ctx.unit_of_work() as session:
        open_runs = service.list_open(session)
    for run_id, shop_id in open_runs:
        with tenant_session(shop_id) as session:
            service.close_abandoned(session, shop_id, run_id)


@task(SyncNow)
def sync_now(_job: SyncNow, ctx: TaskContext) -> None:
    """What a schedule or a workflow asks for."""
    with ctx.unit_of_work() as session:
        run = service.start(session, ctx.shop_id, kind="scheduled")
    ctx.result(sync_id=run.public_id)


@task(RefreshShop)
def refresh_shop(_job: RefreshShop, ctx: TaskContext) -> None:
    """Take over what Shopify says now."""
    profile = fetch_profile(tokens.admin_client(ctx.unit_of_work, ctx.shop_id))
    with ctx.unit_of_work() as session:
        shops.refresh_profile(session, ctx.shop_id, profile)


@task(CatchUpOrder)
def catch_up_order(job: CatchUpOrder, ctx: TaskContext) -> None:
    """Mostly there is nothing to do."""
    with ctx.unit_of_work() as session:
        due = catch_up.is_due(session, ctx.shop_id, job)
    if not due:
        return
    lines = catch_up.fetch(tokens.admin_client(ctx.unit_of_work, ctx.shop_id), job.order_gid)
    if lines:
        with ctx.unit_of_work() as session:
            catch_up.take_over(session, ctx.shop_id, job.order_gid, lines)


@task(StopOperations)
def stop_operations(job: StopOperations, ctx: TaskContext) -> None:
    """Spare Shopify the work whose result nobody will read."""
    with ctx.unit_of_work() as session:
        gids = service.cancelled_operations(session, ctx.shop_id, job.sync_run_id)
    if gids:
        client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
        for gid in gids:
            bulk.cancel(client, gid)


def _began_anew(ctx: TaskContext, run_id: int) -> bool:
    """Whether this is somebody's retry of a step whose run is over: a new run does it all."""
    with ctx.unit_of_work() as session:
        run = service.start_again(session, ctx.shop_id, run_id, ctx.job_id)
    if run is not None:
        ctx.result(sync_id=run.public_id)
    return run is not None


@contextmanager
def _failing_the_run(ctx: TaskContext, run_id: int) -> Iterator[None]:
    """End the run with the reason when the work inside can never succeed, or has been tried for the last time.

    Whoever cancels the job cancels the run: nothing else would ever end it, and it would hold back the next.
    """
    try:
        yield
    except JobCancelled:
        with ctx.unit_of_work() as session:
            service.stop(session, ctx.shop_id, run_id)
        raise
    except Exception as error:
        if isinstance(error, Permanent) or ctx.attempt >= ImportResource.max_attempts:
            with ctx.unit_of_work() as session:
                service.fail(session, ctx.shop_id, run_id, _reason(error))
        raise


def _reason(error: Exception) -> str:
    return (
        error.detail
        if isinstance(error, StorecastError)
        else "An unexpected error; the task's page has it whole."
    )


def _look(ctx: TaskContext, run_id: int) -> bool:
    with ctx.unit_of_work() as session:
        gids = service.open_operations(session, ctx.shop_id, run_id)
    looks = []
    if gids:
        with _failing_the_run(ctx, run_id):
            client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
            looks = [bulk.get_operation(client, gid) for gid in gids]
    with ctx.unit_of_work() as session:
        return service.record_looks(session, ctx.shop_id, run_id, looks)


def _import_file(ctx: TaskContext, work: ImportTask, url: str) -> bool:
    """Import chunk after chunk; False when the run was stopped meanwhile."""
    lines_done = work.lines_done
    resource = importer.resource_named(work.resource)
    pieces: Iterator[tuple[bytes, int]] = bulk.iter_lines(url, start_byte=work.bytes_done)
    for chunk in batched(pieces, importer.CHUNK_LINES):
        ctx.check_cancelled()
        bytes_done = chunk[-1][1]
        with ctx.unit_of_work() as session:
            counts = importer.import_chunk(
                session,
                ctx.shop_id,
                resource,
                [line for line, _ in chunk],
                first_line=lines_done + 1,
                as_of=work.as_of,
            )
            if not service.record_chunk(session, ctx.shop_id, work, counts, bytes_done):
                return False
        lines_done += counts.lines
        ctx.progress(bytes_done, work.bytes_total or bytes_done, note=work.resource)
    return True
