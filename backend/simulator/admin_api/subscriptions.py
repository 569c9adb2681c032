"""Webhook subscriptions that the app makes per shop, for topics that its configuration cannot name."""

from __future__ import annotations

import re
from typing import Any

from simulator.admin_api import listings
from simulator.admin_api.context import Context
from simulator.app_manifest import API_ONLY_TOPICS

KIND = "WebhookSubscription"
NAMES = {topic.replace(".", "_").upper(): topic for topic in API_ONLY_TOPICS}
FILTER = re.compile(r'segment_id:"gid://shopify/Segment/[0-9]+"')


def create(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Topic, address and filter together are unique; a filter looks at a field of the payload."""
    given = args["webhookSubscription"]
    uri, wanted = given.get("uri") or "", given.get("filter")
    key = f"{args['topic']} {uri} {wanted or ''}"
    refusal: tuple[list[str], str] | None = None
    if args["topic"] not in NAMES:
        refusal = (["topic"], "The simulator keeps subscriptions of segments only")
    elif not uri.startswith("https://") and not uri.startswith("http://"):
        refusal = (["webhookSubscription", "uri"], "Address is not allowed")
    elif wanted is not None and (ctx.store.faults.no_segment_filter or not FILTER.fullmatch(wanted)):
        refusal = (["webhookSubscription", "filter"], "The specified filter is invalid")
    elif ctx.store.documents.find(ctx.shop.id, KIND, key):
        refusal = (["webhookSubscription", "uri"], "Address for this topic has already been taken")
    if refusal:
        return {"webhookSubscription": None, "userErrors": [{"field": refusal[0], "message": refusal[1]}]}
    body = {"topic": args["topic"], "uri": uri, "filter": wanted}
    return {"webhookSubscription": ctx.store.documents.save(ctx.shop.id, KIND, key, body), "userErrors": []}


def page(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """A page of those on the topics."""
    topics = args.get("topics")
    found = ctx.store.documents.list_documents(ctx.shop.id, KIND)
    return listings.page_of_list(
        [each for each in found if not topics or each.fields()["topic"] in topics], args
    )
