"""Root mutations. What the platform would call a user error is one here, with its code."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError, GraphQLSyntaxError, parse, validate

from simulator.admin_api import subscriptions
from simulator.admin_api.context import Context
from simulator.admin_api.discounts import create_basic_discount, redeem_codes
from simulator.admin_api.store_credit import credit
from simulator.bulk import uploads
from simulator.clock import instant_text, now_text, parse_instant
from simulator.gids import gid, number_of
from simulator.state.records import Document

Resolver = Callable[[Context, dict[str, Any]], Any]

WRITABLE_CONSENT = ("SUBSCRIBED", "UNSUBSCRIBED", "PENDING")


def user_error(field: list[str] | None, message: str, code: str | None = None) -> dict[str, Any]:
    return {"field": field, "message": message, "code": code}


def _bulk_run_query(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    operation, errors = ctx.runner.start(ctx, args["query"], group_objects=args["groupObjects"])
    return {"bulkOperation": operation, "userErrors": errors}


def _bulk_cancel(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    number = number_of(args["id"], "BulkOperation")
    operation = ctx.store.bulk.find(ctx.shop.id, number) if number else None
    if operation is None:
        return {"bulkOperation": None, "userErrors": [user_error(["id"], "Bulk operation does not exist")]}
    if operation.status not in ("CREATED", "RUNNING"):
        message = f"A bulk operation cannot be canceled when it is {operation.status.lower()}"
        return {"bulkOperation": operation, "userErrors": [user_error(None, message)]}
    ctx.store.bulk.update(operation.id, status="CANCELING")
    return {"bulkOperation": ctx.store.bulk.find(ctx.shop.id, operation.id), "userErrors": []}


def _stage_uploads(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    unknown = [given for given in args["input"] if given["resource"] != uploads.RESOURCE]
    if unknown:
        message = f"{unknown[0]['resource']} is not played by this simulator"
        return {"stagedTargets": None, "userErrors": [user_error(["input", "0", "resource"], message)]}
    targets = [uploads.stage(ctx.config, ctx.shop.id, given) for given in args["input"]]
    return {"stagedTargets": targets, "userErrors": []}


def _bulk_run_mutation(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    text = args["mutation"]
    try:
        errors = validate(ctx.schema.graphql, parse(text))
    except GraphQLSyntaxError as problem:
        errors = [problem]
    if errors:
        refused = user_error(["mutation"], str(errors[0].message), "INVALID_MUTATION")
        return {"bulkOperation": None, "userErrors": [refused]}
    file = uploads.find(ctx.config, ctx.shop.id, args["stagedUploadPath"])
    if file is None:
        message = "The JSONL file could not be found. Try uploading the file again."
        return {"bulkOperation": None, "userErrors": [user_error(None, message, "NO_SUCH_FILE")]}
    run = ctx.run_mutation
    if run is None:
        raise RuntimeError("this context runs no mutations")
    operation, refusals = ctx.runner.start_mutation(
        ctx, text, file, lambda context, variables: run(context, text, variables)
    )
    return {"bulkOperation": operation, "userErrors": refusals}


MAX_METAFIELDS = 25


def _metafields_set(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """Atomic: one wrong metafield and none is set."""
    given = args["metafields"]
    if len(given) > MAX_METAFIELDS:
        message = f"Exceeded the maximum metafields input limit of {MAX_METAFIELDS}."
        return _metafields_refused(["metafields"], message, "LESS_THAN_OR_EQUAL_TO")
    if "write_customers" not in ctx.scopes:
        raise access_denied("metafieldsSet", "the scope to write the owner.")
    for index, each in enumerate(given):
        number = number_of(each["ownerId"], "Customer")
        if number is None or ctx.store.customers.find(ctx.shop.id, number) is None:
            return _metafields_refused(
                ["metafields", str(index), "ownerId"], "Owner does not exist.", "INVALID"
            )
        if not each["value"]:
            return _metafields_refused(["metafields", str(index), "value"], "Value can't be blank.", "BLANK")
    saved = []
    for each in given:
        body = {name: each.get(name) for name in ("ownerId", "namespace", "key", "type", "value")}
        key = f"{each['ownerId']}:{each.get('namespace')}:{each['key']}"
        saved.append(ctx.store.documents.save(ctx.shop.id, "Metafield", key, body))
    return {"metafields": saved, "userErrors": []}


def _metafields_refused(field: list[str], message: str, code: str) -> dict[str, Any]:
    return {"metafields": None, "userErrors": [user_error(field, message, code)]}


def _pixel_settings(value: Any) -> dict[str, Any] | None:
    """An object, or one written as text: the platform's scalar takes both."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def _pixel_create(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    if "read_customer_events" not in ctx.scopes:
        raise access_denied("webPixelCreate", "`read_customer_events` access scope.")
    settings = _pixel_settings(args["webPixel"]["settings"])
    if ctx.config.pixel_bundle is not None and not ctx.config.pixel_bundle.is_file():
        return _pixel_refused(["webPixel"], "No web pixel was found for this app.", "NO_EXTENSION")
    if ctx.store.pixels.find(ctx.shop.id) is not None:
        return _pixel_refused(["webPixel"], "Web pixel is taken.", "TAKEN")
    if not settings:
        return _pixel_refused(
            ["webPixel", "settings"], "Settings must be a non-empty object.", "INVALID_SETTINGS"
        )
    return {"webPixel": ctx.store.pixels.create(ctx.shop.id, settings), "userErrors": []}


def _pixel_update(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    pixel = ctx.store.pixels.find(ctx.shop.id)
    if pixel is None or number_of(args["id"], "WebPixel") != pixel.id:
        return _pixel_refused(["id"], "Web pixel was not found.", "NOT_FOUND")
    settings = _pixel_settings(args["webPixel"]["settings"])
    if not settings:
        return _pixel_refused(
            ["webPixel", "settings"], "Settings must be a non-empty object.", "INVALID_SETTINGS"
        )
    ctx.store.pixels.update(ctx.shop.id, settings)
    return {"webPixel": ctx.store.pixels.find(ctx.shop.id), "userErrors": []}


def _pixel_delete(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    pixel = ctx.store.pixels.find(ctx.shop.id)
    if pixel is None or number_of(args["id"], "WebPixel") != pixel.id:
        return {
            "deletedWebPixelId": None,
            "userErrors": [user_error(["id"], "Web pixel was not found.", "NOT_FOUND")],
        }
    ctx.store.pixels.delete(ctx.shop.id)
    return {"deletedWebPixelId": args["id"], "userErrors": []}


def _pixel_refused(field: list[str], message: str, code: str) -> dict[str, Any]:
    return {"webPixel": None, "userErrors": [user_error(field, message, code)]}


def _consent_update(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    given = args["input"]
    consent = given["emailMarketingConsent"]
    field = ["input", "emailMarketingConsent"]
    number = number_of(given["customerId"], "Customer")
    customer = ctx.store.customers.find(ctx.shop.id, number) if number else None
    if customer is None:
        return _consent_refused(["input", "customerId"], "Customer does not exist", "INVALID")
    if customer.email is None:
        return _consent_refused(["input"], "An email address is required to set the consent state", "INVALID")
    state = consent["marketingState"]
    if state not in WRITABLE_CONSENT:
        return _consent_refused(
            [*field, "marketingState"], f"Cannot specify {state} as a marketing state input", "INVALID"
        )
    at = parse_instant(consent["consentUpdatedAt"]) if consent.get("consentUpdatedAt") else None
    if at is not None and at > datetime.now(UTC):
        message = "Consent updated at must not be in the future"
        return _consent_refused([*field, "consentUpdatedAt"], message, "INVALID")
    level = consent.get("marketingOptInLevel")
    changed = ctx.world.change_consent(
        ctx.shop, customer.id, state, opt_in_level=level, at=instant_text(at) if at else None
    )
    return {"customer": changed, "userErrors": []}


def _sms_consent_update(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    given = args["input"]
    consent = given["smsMarketingConsent"]
    field = ["input", "smsMarketingConsent"]
    number = number_of(given["customerId"], "Customer")
    customer = ctx.store.customers.find(ctx.shop.id, number) if number else None
    if customer is None:
        return _consent_refused(["input", "customerId"], "Customer does not exist", "INVALID")
    if customer.phone is None:
        return _consent_refused(
            ["input"], "A phone number is required to set the SMS consent state.", "INVALID"
        )
    state = consent["marketingState"]
    if state not in WRITABLE_CONSENT:
        message = f"Cannot specify {state} as a marketing state input"
        return _consent_refused([*field, "marketingState"], message, "INVALID")
    at = parse_instant(consent["consentUpdatedAt"]) if consent.get("consentUpdatedAt") else None
    if at is not None and at > datetime.now(UTC):
        message = "Consent updated at must not be in the future"
        return _consent_refused([*field, "consentUpdatedAt"], message, "INVALID")
    changed = ctx.world.change_sms_consent(ctx.shop, customer.id, state, at=instant_text(at) if at else None)
    return {"customer": changed, "userErrors": []}


def _customer_create(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    given = args["input"]
    if "write_customers" not in ctx.scopes:
        raise access_denied("customerCreate", "`write_customers` access scope.")
    email = given.get("email")
    if not email or "@" not in email:
        return _customer_refused(["email"], "Email is invalid")
    if ctx.store.customers.find_by_email(ctx.shop.id, email) is not None:
        return _customer_refused(["email"], "Email has already been taken")
    phone = given.get("phone")
    if phone and ctx.store.customers.find_by_phone(ctx.shop.id, phone) is not None:
        return _customer_refused(["phone"], "Phone has already been taken")
    consent = given.get("emailMarketingConsent")
    if consent and consent["marketingState"] not in WRITABLE_CONSENT:
        return _customer_refused(["emailMarketingConsent", "marketingState"], "Marketing state is invalid")
    addresses = given.get("addresses") or [{}]
    made = ctx.world.create_customer(
        ctx.shop,
        email,
        first_name=given.get("firstName"),
        last_name=given.get("lastName"),
        phone=phone,
        country_code=addresses[0].get("countryCode"),
        tags=given.get("tags") or [],
        consent=consent,
    )
    return {"customer": made, "userErrors": []}


def _customer_set(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """As far as the app uses it: a known customer by id, and no lists, which would take the place of what is there."""
    if "write_customers" not in ctx.scopes:
        raise access_denied("customerSet", "`write_customers` access scope.")
    number = number_of((args.get("identifier") or {}).get("id") or "", "Customer")
    given = args["input"]
    if number is None or set(given) - {"firstName", "lastName", "phone"}:
        refused = user_error(["input"], "is not played by this simulator", "INVALID")
        return {"customer": None, "userErrors": [refused]}
    names = {
        "first_name": given.get("firstName"),
        "last_name": given.get("lastName"),
        "phone": given.get("phone"),
    }
    changes = {name: value for name, value in names.items() if value is not None}
    changed = ctx.world.update_customer(ctx.shop, number, **changes)
    if changed is None:
        return {"customer": None, "userErrors": [user_error(["id"], "Customer does not exist", "NOT_FOUND")]}
    return {"customer": changed, "userErrors": []}


def _customer_refused(field: list[str], message: str) -> dict[str, Any]:
    return {"customer": None, "userErrors": [{"field": ["input", *field], "message": message}]}


def _consent_refused(field: list[str], message: str, code: str) -> dict[str, Any]:
    return {"customer": None, "userErrors": [user_error(field, message, code)]}


def _change_tags(add: bool) -> Resolver:
    def resolve(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
        number = number_of(args["id"], "Customer")
        if "write_customers" not in ctx.scopes:
            raise access_denied("tagsAdd" if add else "tagsRemove", "`write_customers` access scope.")
        if number is None:
            return {"node": None, "userErrors": [user_error(["id"], "Taggable resource does not exist")]}
        changes = {"add" if add else "remove": args["tags"]}
        customer = ctx.world.change_tags(ctx.shop, number, **changes)
        if customer is None:
            return {"node": None, "userErrors": [user_error(["id"], "Taggable resource does not exist")]}
        return {"node": customer, "userErrors": []}

    return resolve


def _reports(ctx: Context, remote_id: str) -> int:
    known = ctx.store.documents.find(ctx.shop.id, "MarketingActivity", remote_id)
    return int(known.fields().get("reports", 0)) if known else 0


def _marketing_activity_upsert(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    given = args["input"]
    utm = given.get("utm")
    if (utm is None) == (given.get("urlParameterValue") is None):
        message = "Exactly one of UTM parameters and URL parameter value must be given"
        return {"marketingActivity": None, "userErrors": [user_error(["input"], message, "INVALID")]}
    known = ctx.store.documents.find(ctx.shop.id, "MarketingActivity", given["remoteId"])
    if known is not None and known.fields()["utmParameters"] != utm:
        message, code = "UTM parameters cannot be changed", "IMMUTABLE_UTM_PARAMETERS"
        return {"marketingActivity": None, "userErrors": [user_error(["input", "utm"], message, code)]}
    body = {
        "title": given["title"],
        "status": given["status"],
        "statusLabel": given["status"].capitalize(),
        "tactic": given["tactic"],
        "marketingChannelType": given["marketingChannelType"],
        "marketingChannel": given["marketingChannelType"],
        "isExternal": True,
        "inMainWorkflowVersion": True,
        "sourceAndMedium": f"{utm['source']} / {utm['medium']}" if utm else "",
        "utmParameters": utm,
        "urlParameterValue": given.get("urlParameterValue"),
        "updatedAt": now_text(),
        "reports": _reports(ctx, given["remoteId"]) + 1,
        "marketingEvent": {
            "id": gid("MarketingEvent", 1),
            "remoteId": given["remoteId"],
            "type": given["tactic"],
            "startedAt": str(given.get("start") or now_text()),
            "manageUrl": given["remoteUrl"],
        },
    }
    saved = ctx.store.documents.save(ctx.shop.id, "MarketingActivity", given["remoteId"], body)
    return {"marketingActivity": saved, "userErrors": []}


def _marketing_engagement(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    activity = _activity(ctx, args)
    if activity is None:
        message = "Marketing activity does not exist."
        code = "MARKETING_ACTIVITY_DOES_NOT_EXIST"
        return {
            "marketingEngagement": None,
            "userErrors": [user_error(["marketingActivityId"], message, code)],
        }
    if refuses := activity.fields().get("refuses"):
        message = "The engagement was refused by hand"
        return {
            "marketingEngagement": None,
            "userErrors": [user_error(["marketingEngagement"], message, refuses)],
        }
    engagement = args["marketingEngagement"]
    key = f"{activity.key}:{engagement['occurredOn']}"
    body = {"isCumulative": False, **engagement, "marketingActivity": None}
    for money in ("adSpend", "sales"):
        if body.get(money):
            body[money] = {"amount": str(body[money]["amount"]), "currencyCode": body[money]["currencyCode"]}
    ctx.store.documents.save(ctx.shop.id, "MarketingEngagement", key, body)
    return {"marketingEngagement": {**body, "marketingActivity": activity}, "userErrors": []}


def _activity(ctx: Context, args: dict[str, Any]) -> Document | None:
    if args.get("remoteId"):
        return ctx.store.documents.find(ctx.shop.id, "MarketingActivity", args["remoteId"])
    number = number_of(args.get("marketingActivityId") or "", "MarketingActivity")
    return ctx.store.documents.find_by_id(ctx.shop.id, "MarketingActivity", number) if number else None


def _segment_create(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    if ctx.store.documents.find(ctx.shop.id, "Segment", args["name"]) is not None:
        return {"segment": None, "userErrors": [user_error(["name"], "Name has already been taken")]}
    body = {
        "name": args["name"],
        "query": args["query"],
        "creationDate": now_text(),
        "lastEditDate": now_text(),
    }
    return {"segment": ctx.store.documents.save(ctx.shop.id, "Segment", args["name"], body), "userErrors": []}


def access_denied(field: str, required: str) -> GraphQLError:
    return GraphQLError(
        f"Access denied for {field} field. Required access: {required}",
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": required,
        },
    )


MUTATIONS: dict[str, Resolver] = {
    "bulkOperationRunQuery": _bulk_run_query,
    "bulkOperationRunMutation": _bulk_run_mutation,
    "stagedUploadsCreate": _stage_uploads,
    "metafieldsSet": _metafields_set,
    "bulkOperationCancel": _bulk_cancel,
    "webPixelCreate": _pixel_create,
    "webPixelUpdate": _pixel_update,
    "webPixelDelete": _pixel_delete,
    "customerCreate": _customer_create,
    "customerSet": _customer_set,
    "customerEmailMarketingConsentUpdate": _consent_update,
    "customerSmsMarketingConsentUpdate": _sms_consent_update,
    "tagsAdd": _change_tags(True),
    "tagsRemove": _change_tags(False),
    "marketingActivityUpsertExternal": _marketing_activity_upsert,
    "marketingEngagementCreate": _marketing_engagement,
    "discountCodeBasicCreate": create_basic_discount,
    "discountRedeemCodeBulkAdd": redeem_codes,
    "storeCreditAccountCredit": credit,
    "segmentCreate": _segment_create,
    "webhookSubscriptionCreate": subscriptions.create,
}
