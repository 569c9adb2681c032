"""Job bodies of messaging. Who runs jobs also sends alerts, so their mail is made known here."""

from storecast.customers import consent
from storecast.messaging import alert_mail
from storecast.messaging.jobs import WriteConsent
from storecast.worker.task import TaskContext, task

__all__ = ["alert_mail", "write_consent"]


@task(WriteConsent)
def write_consent(job: WriteConsent, ctx: TaskContext) -> None:
    """The consent is stored: `customers` gives it back to Shopify."""
    consent.write_back(ctx.unit_of_work, ctx.shop_id, job.customer_gid, "email")
