"""Job bodies of customers."""

from storecast.customers import consent, contacts, contacts_writing, shopify_segments, store_credit, writing
from storecast.customers.jobs import (
    DropContacts,
    GiveStoreCredit,
    ReadContacts,
    ReadSegmentMembers,
    RunWrite,
    WriteConsent,
    WriteContacts,
)
from storecast.worker.task import TaskContext, task


@task(WriteConsent)
def write_consent(job: WriteConsent, ctx: TaskContext) -> None:
    """Tell Shopify what somebody decided here."""
    consent.write_back(ctx.unit_of_work, ctx.shop_id, job.customer_gid, job.channel)


@task(RunWrite)
def run_write(job: RunWrite, ctx: TaskContext) -> None:
    """Carry a write on."""
    writing.run(ctx.unit_of_work, ctx.shop_id, job.write_id, progress=ctx.progress)


@task(GiveStoreCredit)
def give_store_credit(job: GiveStoreCredit, ctx: TaskContext) -> None:
    """Carry the customer's oldest open credit on."""
    store_credit.give(ctx.unit_of_work, ctx.shop_id, job.customer_id)


@task(ReadSegmentMembers)
def read_segment_members(job: ReadSegmentMembers, ctx: TaskContext) -> None:
    """Bring the members of a segment of Shopify's up to date."""
    count = shopify_segments.read_members(ctx.unit_of_work, ctx.shop_id, job.segment_gid)
    if count is not None:
        ctx.result(members=count)


@task(ReadContacts)
def read_contacts(job: ReadContacts, ctx: TaskContext) -> None:
    """Store every row of a file."""
    contacts.read(ctx.unit_of_work, ctx.shop_id, job.import_id, progress=ctx.progress)


@task(WriteContacts)
def write_contacts(job: WriteContacts, ctx: TaskContext) -> None:
    """Carry the import on."""
    contacts_writing.run(ctx.unit_of_work, ctx.shop_id, job.import_id, progress=ctx.progress)


@task(DropContacts)
def drop_contacts(job: DropContacts, ctx: TaskContext) -> None:
    """Forget what nobody had read."""
    with ctx.unit_of_work() as session:
        contacts.drop_unread(session, ctx.shop_id, job.import_id)
