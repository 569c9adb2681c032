"""Job bodies of messaging. Who runs jobs also sends alerts, so their mail is made known here."""

from storecast.kit.errors import Permanent
from storecast.messaging import alert_mail
from storecast.messaging.jobs import WriteConsent
from storecast.shopify.errors import UserErrors
from storecast.shops import features, tokens
from storecast.shops.features import Feature
from storecast.worker.task import TaskContext, task

__all__ = ["alert_mail", "write_consent"]


@task(WriteConsent)
def write_consent(job: WriteConsent, ctx: TaskContext) -> None:
    """Send the unsubscription to Shopify, which keeps the newer of two consents."""
    with ctx.unit_of_work() as session:
        missing = features.list_missing(session, ctx.shop_id, Feature.CONSENT)
    if missing:
        ctx.result(skipped="scope_missing", scopes=missing)
        return
    consent = {"marketingState": "UNSUBSCRIBED", "consentUpdatedAt": job.unsubscribed_at}
    client = tokens.admin_client(ctx.unit_of_work, ctx.shop_id)
    try:
        client.mutate(
            "customer_email_consent_update",
            {"input": {"customerId": job.customer_gid, "emailMarketingConsent": consent}},
        )
    except UserErrors as refused:
        # The customer is gone or has no address any more: no later attempt will find them.
        raise Permanent(str(refused)) from refused
