"""Runs the maintenance jobs and moves workflows on."""

from uuid import UUID

import structlog

from storecast.db import partitions
from storecast.db.roles import Role
from storecast.db.session import engine
from storecast.jobs import bulk, figures, workflows
from storecast.jobs.jobs import AdvanceWorkflow, BulkAction, MaintainPartitions, RollUp, SweepWorkflows
from storecast.kit.clock import utcnow
from storecast.kit.errors import Permanent
from storecast.worker import schedule
from storecast.worker.task import TaskContext, task

log = structlog.get_logger(__name__)

SWEEP_EVERY_S = 60
"""How long a workflow whose completion job was lost stands still at most."""

schedule.daily(MaintainPartitions(), hour=2, minute=10)
schedule.every(RollUp(), seconds=60)
schedule.every(SweepWorkflows(), seconds=SWEEP_EVERY_S)


@task(MaintainPartitions)
def maintain_partitions(_job: MaintainPartitions, _ctx: TaskContext) -> None:
    """One transaction a table: a lock that cannot be had soon fails this table only, and the job tries again."""
    now = utcnow()
    for table in partitions.PARTITIONED:
        with engine(Role.RETENTION).begin() as connection:
            partitions.limit_lock_wait(connection)
            created = partitions.ensure(connection, table, now=now)
            dropped = partitions.drop_expired(connection, table, now=now)
        log.info("partitions_maintained", table=table, created=len(created), dropped=len(dropped))


@task(AdvanceWorkflow)
def advance_workflow(job: AdvanceWorkflow, ctx: TaskContext) -> None:
    """In the shop's own session: what a node fans out over is read there."""
    with ctx.unit_of_work() as session:
        workflows.advance(
            session, UUID(job.workflow_id), last_attempt=ctx.attempt >= AdvanceWorkflow.max_attempts
        )


@task(SweepWorkflows)
def sweep_workflows(_job: SweepWorkflows, ctx: TaskContext) -> None:
    """Whatever lost its next step gets it again."""
    with ctx.unit_of_work() as session:
        workflows.sweep(session, now=utcnow())


@task(RollUp)
def roll_up(_job: RollUp, ctx: TaskContext) -> None:
    """Chunk by chunk, each in its own transaction: what was rolled stays rolled whatever happens next."""
    more = True
    while more:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            more = figures.roll_up(session, now=utcnow())


@task(BulkAction)
def act_in_bulk(job: BulkAction, ctx: TaskContext) -> None:
    """A chunk a transaction; one that is cancelled in between has acted on so many and says so."""
    over = False
    while not over:
        ctx.check_cancelled()
        with ctx.unit_of_work() as session:
            step = bulk.act(session, UUID(job.bulk_id), now=utcnow())
        if step is None:
            raise Permanent("There is no such bulk action.")
        ctx.progress(step.acted, step.cap)
        ctx.result(acted=step.acted)
        over = step.over
