"""Runs the steps of a synchronisation: network outside transactions, progress noted with its rows or after them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog

from storecast.auth.jobs import ShopInstalled
from storecast.db.session import commit_without_waiting, past_deadlocks, tenant_session
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent, StorecastError
from storecast.kit.types import ShopId
from storecast.shopify import bulk
from storecast.shopify.bulk import BulkStatus
from storecast.shopify.errors import AccessDenied
from storecast.shopify.shop import fetch_profile
from storecast.shops import pixel, tokens
from storecast.shops import service as shops
from storecast.sync import (
    catch_up,
    importer,
    imports,
    incremental,
    operations,
    pages,
    reconcile,
    resume,
    service,
)
from storecast.sync.importer import ImportCounts
from storecast.sync.imports import ImportTask
from storecast.sync.jobs import (
    CatchUpOrder,
    FinishSync,
    ImportResource,
    PollSync,
    PullChanges,
    PullChangesEverywhere,
    ReconcileEverywhere,
    ReconcileResource,
    ReconcileShop,
    RefreshObject,
    RefreshShop,
    SettleSync,
    StartSync,
    StopOperations,
    SweepSyncs,
    SyncNow,
    WakeSync,
)
from storecast.sync.lanes import in_lanes
from storecast.sync.resources import KINDS, Resource
from storecast.worker import outbox, schedule
from storecast.worker.task import JobCancelled, TaskContext, task

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 60
"""How long a run whose job was cancelled before it began shows as under way at most; a new one need not wait for it."""

PULL_EVERY_S = 600
"""Webhooks bring changes within seconds; this finds those that never came."""

RECONCILE_WINDOW_S = 2 * 3600
"""The shops of one night are spread over this time, by their ids."""

MAX_WAIT_S = 60.0

schedule.every(SweepSyncs(), seconds=SWEEP_EVERY_S)
schedule.every(PullChangesEverywhere(), seconds=PULL_EVERY_S)
schedule.daily(ReconcileEverywhere(), hour=1)


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
    if _goes_on_elsewhere(ctx, job.sync_run_id):
        return
    with ctx.unit_of_work() as session:
        begun = operations.begin(session, ctx.shop_id, job.sync_run_id)
    if not begun:
        return
    with _failing_the_run(ctx, job.sync_run_id):
        profile = fetch_profile(tokens.admin_client(ctx.unit_of_work, ctx.shop_id))
        with ctx.unit_of_work() as session:
            shops.refresh_profile(session, ctx.shop_id, profile)
    _start_what_fits(ctx, job.sync_run_id)
    with ctx.unit_of_work() as session:
        if operations.awaits(session, ctx.shop_id, job.sync_run_id):
            operations.poll_later(session, ctx.shop_id, job.sync_run_id, after_round=0)


@task(PollSync)
def poll_operations(job: PollSync, ctx: TaskContext) -> None:
    """Look, and look again later while operations run."""
    if _goes_on_elsewhere(ctx, job.sync_run_id):
        return
    _start_what_fits(ctx, job.sync_run_id)
    if _look(ctx, job.sync_run_id):
        with ctx.unit_of_work() as session:
            operations.poll_later(session, ctx.shop_id, job.sync_run_id, after_round=job.round)


@task(WakeSync)
def look_once(job: WakeSync, ctx: TaskContext) -> None:
    """Look now; the polls go on by themselves."""
    if not _goes_on_elsewhere(ctx, job.sync_run_id):
        _look(ctx, job.sync_run_id)


@task(ImportResource)
def import_resource(job: ImportResource, ctx: TaskContext) -> None:
    """Read the file from the last committed chunk on."""
    with ctx.unit_of_work() as session:
        work = imports.claim_import(session, ctx.shop_id, job.sync_resource_id)
        run_id = service.find_run_of_import(session, ctx.shop_id, job.sync_resource_id)
    if work is None:
        if run_id is not None:
            _goes_on_elsewhere(ctx, run_id)
        return
    with _failing_the_run(ctx, work.sync_run_id):
        try:
            whole = _import_pages(ctx, work) if work.mode == "paginated" else _import_result(ctx, work)
        except AccessDenied as denied:
            with ctx.unit_of_work() as session:
                imports.record_skipped(session, ctx.shop_id, work, denied.detail)
            return
        if not whole:
            return
        with ctx.unit_of_work() as session:
            since = work.as_of if work.complete else None
            importer.finish(session, ctx.shop_id, work.resource, complete_since=since)
            imports.record_imported(session, ctx.shop_id, work)


@task(FinishSync)
def finish_sync(job: FinishSync, ctx: TaskContext) -> None:
    """The pixel needs nothing of the synchronisation, but both belong to getting ready."""
    if _goes_on_elsewhere(ctx, job.sync_run_id):
        return
    pixel.maintain(ctx.unit_of_work, ctx.shop_id)
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


@task(PullChangesEverywhere)
def pull_changes_everywhere(_job: PullChangesEverywhere, ctx: TaskContext) -> None:
    """One job a shop, spread by its id: all at once would meet at Shopify and in our own queue."""
    with ctx.unit_of_work() as session:
        for shop_id in shops.installed_ids(session):
            outbox.add(session, shop_id, PullChanges(), run_at=_spread(shop_id, PULL_EVERY_S))


@task(PullChanges)
def pull_changes(_job: PullChanges, ctx: TaskContext) -> None:
    """One resource after the other, in the order of import."""
    with ctx.unit_of_work() as session:
        due = incremental.due(session, ctx.shop_id)
    if not due:
        return
    client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
    written = {}
    for resource in due:
        counts = incremental.pull(ctx.unit_of_work, ctx.shop_id, client, resource, check=ctx.check_cancelled)
        if counts.rows_written or counts.rows_refused:
            written[resource] = [counts.rows_written, counts.rows_refused]
    ctx.result(written=written)


@task(ReconcileEverywhere)
def reconcile_everywhere(_job: ReconcileEverywhere, ctx: TaskContext) -> None:
    """One job a shop, spread over the night."""
    with ctx.unit_of_work() as session:
        for shop_id in shops.installed_ids(session):
            outbox.add(session, shop_id, ReconcileShop(), run_at=_spread(shop_id, RECONCILE_WINDOW_S))


@task(ReconcileShop)
def reconcile_shop(_job: ReconcileShop, ctx: TaskContext) -> None:
    """Every resource on its own, so that one that fails holds up no other."""
    with ctx.unit_of_work() as session:
        for reconciliation_id in reconcile.begin(session, ctx.shop_id):
            outbox.add(session, ctx.shop_id, ReconcileResource(reconciliation_id, 0))


@task(ReconcileResource)
def reconcile_resource(job: ReconcileResource, ctx: TaskContext) -> None:
    """Each step looks at the row again, and can be repeated."""
    with ctx.unit_of_work() as session:
        claim = reconcile.claim(session, ctx.shop_id, job.reconciliation_id)
    if claim is None:
        return
    try:
        client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
        if claim.operation_gid is None:
            operation = bulk.run_query(client, f"bulk_ids_{claim.resource}")
            with ctx.unit_of_work() as session:
                reconcile.record_requested(session, ctx.shop_id, job.reconciliation_id, operation)
        else:
            operation = bulk.get_operation(client, claim.operation_gid)
        if operation.status is not BulkStatus.RUNNING:
            reconcile.settle(
                ctx.unit_of_work, ctx.shop_id, job.reconciliation_id, claim.resource, client, operation
            )
            return
    except bulk.BulkSlotsTaken:
        pass
    except Exception as error:
        if isinstance(error, Permanent) or ctx.attempt >= ReconcileResource.max_attempts:
            with ctx.unit_of_work() as session:
                reconcile.close(session, ctx.shop_id, job.reconciliation_id, "failed", error=_reason(error))
        raise
    delay_s = min(MAX_WAIT_S, 1.5**job.round)
    with ctx.unit_of_work() as session:
        outbox.add(
            session,
            ctx.shop_id,
            ReconcileResource(job.reconciliation_id, job.round + 1),
            run_at=utcnow() + timedelta(seconds=delay_s),
        )


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
            catch_up.take_over(session, ctx.shop_id, lines)


@task(RefreshObject)
def refresh_object(job: RefreshObject, ctx: TaskContext) -> None:
    """What Shopify does not have any more goes here too."""
    client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
    read_at = utcnow()
    lines, absent = pages.read_by_ids(client, job.resource, [job.gid])
    with ctx.unit_of_work() as session:
        importer.import_chunk(session, ctx.shop_id, job.resource, lines, as_of=read_at, whole=True)
        for gid in absent:
            reconcile.forget(session, ctx.shop_id, job.resource, gid)


@task(StopOperations)
def stop_operations(job: StopOperations, ctx: TaskContext) -> None:
    """Spare Shopify the work whose result nobody will read."""
    with ctx.unit_of_work() as session:
        gids = operations.cancelled_operations(session, ctx.shop_id, job.sync_run_id)
    if gids:
        client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
        for gid in gids:
            bulk.cancel(client, gid)


def _goes_on_elsewhere(ctx: TaskContext, run_id: int) -> bool:
    """Whether this is somebody's retry of a step whose run is over: it goes on where it was, or a new one begins."""
    with ctx.unit_of_work() as session:
        run = resume.resume(session, ctx.shop_id, run_id, ctx.job_id) or service.start_again(
            session, ctx.shop_id, run_id, ctx.job_id
        )
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


def _spread(shop_id: ShopId, window_s: int) -> datetime:
    return utcnow() + timedelta(seconds=shop_id * 7919 % window_s)


def _reason(error: Exception) -> str:
    return (
        error.detail
        if isinstance(error, StorecastError)
        else "An unexpected error; the task's page has it whole."
    )


def _look(ctx: TaskContext, run_id: int) -> bool:
    with ctx.unit_of_work() as session:
        gids = operations.open_operations(session, ctx.shop_id, run_id)
    looks = []
    if gids:
        with _failing_the_run(ctx, run_id):
            client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
            looks = [bulk.get_operation(client, gid) for gid in gids]
    with ctx.unit_of_work() as session:
        return operations.record_looks(session, ctx.shop_id, run_id, looks)


def _start_what_fits(ctx: TaskContext, run_id: int) -> None:
    """Start bulk operations until Shopify takes no more at once; a later look starts the others."""
    with ctx.unit_of_work() as session:
        startable = operations.claim_startable(session, ctx.shop_id, run_id)
        search = service.search_of(session, ctx.shop_id, run_id)
    if not startable:
        return
    with _failing_the_run(ctx, run_id):
        client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
        for resource in startable:
            try:
                operation = bulk.run_query(
                    client,
                    f"bulk_{resource}",
                    search=_searchable(resource, search),
                    grouped=KINDS[resource].families,
                )
            except bulk.BulkSlotsTaken:
                return
            with ctx.unit_of_work() as session:
                operations.record_requested(session, ctx.shop_id, run_id, resource, operation)


def _searchable(resource: Resource, search: str | None) -> str | None:
    return search if KINDS[resource].searchable else None


def _import_result(ctx: TaskContext, work: ImportTask) -> bool:
    """Import the result file, under a new address when the old one has expired; False when the run was stopped."""
    if work.url is None:
        return True
    try:
        return _import_file(ctx, work, work.url)
    except bulk.ResultExpired:
        if work.operation_gid is None:
            raise
        client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
        url = bulk.get_operation(client, work.operation_gid).url
        if url is None or url == work.url:
            raise
    with ctx.unit_of_work() as session:
        imports.record_url(session, ctx.shop_id, work, url)
        again = imports.claim_import(session, ctx.shop_id, work.resource_id)
    return again is not None and _import_file(ctx, again, url)


class _Chunk(NamedTuple):
    first_line: int
    pieces: list[importer.Piece]
    families: bool


def _import_file(ctx: TaskContext, work: ImportTask, url: str) -> bool:
    """Import chunk after chunk, two at a time; False when the run was stopped meanwhile.

    The note of a chunk is a transaction of its own, made when all chunks ahead of it are in.
    """
    pieces = bulk.iter_lines(url, start_byte=work.bytes_done, size_bytes=work.bytes_total)

    def chunks() -> Iterator[_Chunk]:
        first_line = work.lines_done + 1
        for chunk, families in importer.in_chunks(pieces, families=KINDS[work.resource].families):
            ctx.check_cancelled()
            yield _Chunk(first_line, chunk, families)
            first_line += len(chunk)

    def import_chunk(chunk: _Chunk) -> ImportCounts:
        with ctx.unit_of_work() as session:
            commit_without_waiting(session)
            return importer.import_chunk(
                session,
                ctx.shop_id,
                work.resource,
                [line for line, _ in chunk.pieces],
                first_line=chunk.first_line,
                as_of=work.as_of,
                families=chunk.families,
            )

    def take_over(chunk: _Chunk) -> ImportCounts:
        # Two chunks may hold the same objects, in different orders, and so may a delivery's transaction.
        return past_deadlocks(partial(import_chunk, chunk))

    with in_lanes(take_over, chunks()) as told:
        for chunk, counts in told:
            bytes_done = chunk.pieces[-1][1]
            with ctx.unit_of_work() as session:
                if not imports.record_chunk(session, ctx.shop_id, work, counts, bytes_done=bytes_done):
                    return False
            ctx.progress(bytes_done, work.bytes_total or bytes_done, note=work.resource)
    return True


def _import_pages(ctx: TaskContext, work: ImportTask) -> bool:
    """Import page after page; False when the run was stopped meanwhile."""
    client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
    cursor, lines_done, objects_done = work.cursor, work.lines_done, work.rows_done
    while True:
        ctx.check_cancelled()
        read_at = utcnow()
        page = pages.read_page(
            client,
            work.resource,
            after=cursor,
            size=work.batch_size or pages.MAX_PAGE,
            search=work.custom_query,
        )
        with ctx.unit_of_work() as session:
            counts = importer.import_chunk(
                session,
                ctx.shop_id,
                work.resource,
                page.lines,
                first_line=lines_done + 1,
                as_of=read_at,
                whole=True,
            )
            if not imports.record_chunk(
                session, ctx.shop_id, work, counts, cursor=page.cursor or cursor, expected=page.expected
            ):
                return False
        lines_done += counts.lines
        objects_done += counts.objects_done
        ctx.progress(objects_done, max(objects_done, page.expected or 0), note=work.resource)
        if page.cursor is None:
            return True
        cursor = page.cursor
