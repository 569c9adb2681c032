"""Writing a campaign: drafts are made, copied, edited and removed.

Content changes only in a draft, and only against the version that was edited.
"""

from typing import Any

from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.campaigns import (
    discounts,
    locking,
    marketing,
    readiness,
    reading,
    repository,
    schemas,
    variants,
    variants_schemas,
)
from storecast.campaigns.errors import NobodyLeft, StateRefused
from storecast.campaigns.models import Campaign
from storecast.campaigns.pacing import Pacing
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.messaging import compose, headers, templates, topics
from storecast.segments import service as segments
from storecast.shops import service as shops

_EDITABLE = (
    "name",
    "subject",
    "preview_text",
    "from_name",
    "from_email",
    "reply_to",
    "html",
    "mjml",
    "product_gids",
    "discount_path",
    "holdout_percent",
    "pacing",
)


def create(session: Session, shop_id: ShopId, *, name: str, template_key: str | None, actor: str) -> Campaign:
    """A new draft, filled from a template of the gallery when one is named."""
    template = templates.start(session, shop_id, template_key) if template_key else None
    shop = shops.get(session, shop_id)
    campaign = Campaign(
        shop_id=shop_id,
        public_id=public_id("cmp"),
        name=name,
        template_key=template_key,
        subject=template.subject if template else "",
        preview_text=template.preview_text if template else "",
        html=template.html if template else "",
        mjml=template.mjml if template else None,
        from_name=shop.sender_name or shop.name,
        from_email=shop.sender_email or "",
    )
    repository.add(session, campaign)
    audit.record(session, shop_id, actor, "campaign_created", campaign.public_id)
    return campaign


def duplicate(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> Campaign:
    """A new draft with the same content and audience."""
    original = reading.get(session, shop_id, campaign_id)
    copy = _copy(session, shop_id, original, f"{original.name} (copy)")
    variants.copy(session, shop_id, original, copy)
    audit.record(session, shop_id, actor, "campaign_duplicated", copy.public_id, original=campaign_id)
    return copy


def _copy(session: Session, shop_id: ShopId, original: Campaign, name: str, **other: object) -> Campaign:
    fields = (
        *_EDITABLE,
        "segment_id",
        "topic_id",
        "discount_set_id",
        "excluded_segment_ids",
        "template_key",
        "origin_id",
        "origin_kind",
    )
    values = {field: getattr(original, field) for field in fields} | {"name": name[:120]} | other
    copy = Campaign(shop_id=shop_id, public_id=public_id("cmp"), **values)
    repository.add(session, copy)
    return copy


def follow_up(session: Session, shop_id: ShopId, campaign_id: str, kind: str, *, actor: str) -> Campaign:
    """A new draft with the same content for those who are left of a campaign that is over: see `schemas.FollowUp`.

    Who that is shows its ledger when the draft is sent; consent, exclusions and the shop's policy hold as ever.
    """
    original = reading.get(session, shop_id, campaign_id)
    if original.frozen_at is None or original.state not in {"sent", "cancelled"}:
        raise StateRefused(state=original.state)
    name = f"{original.name} ({_FOLLOW_UP_NAMES[kind]})"
    origin = {"segment_id": None, "origin_id": original.id, "origin_kind": kind, "holdout_percent": 0}
    draft = _copy(session, shop_id, original, name, **origin)
    variants.copy_languages(session, shop_id, original, draft)
    if not readiness.audience(session, shop_id, draft).members:
        raise NobodyLeft
    audit.record(
        session, shop_id, actor, "campaign_followed_up", draft.public_id, original=campaign_id, kind=kind
    )
    return draft


_FOLLOW_UP_NAMES = {"rest": "rest", "non_openers": "again", "failed": "retry"}


def change_variants(
    session: Session, shop_id: ShopId, campaign_id: str, given: variants_schemas.VariantsInput
) -> Campaign:
    """Set the test and the further versions; refused whole like any edit."""
    campaign = locking.lock_draft(session, shop_id, campaign_id, given.version)
    variants.change(session, shop_id, campaign, given)
    locking.touch(session, campaign)
    return campaign


def change_languages(
    session: Session, shop_id: ShopId, campaign_id: str, given: variants_schemas.LanguagesInput
) -> Campaign:
    """Set the languages besides the campaign's own; refused whole like any edit."""
    campaign = locking.lock_draft(session, shop_id, campaign_id, given.version)
    variants.change_languages(session, shop_id, campaign, given)
    locking.touch(session, campaign)
    return campaign


def set_priority(
    session: Session, shop_id: ShopId, campaign_id: str, given: schemas.PriorityInput, *, actor: str
) -> Campaign:
    """Declare a draft transactional, or marketing again. A copy of it is marketing until somebody declares it anew."""
    campaign = locking.lock_draft(session, shop_id, campaign_id, given.version)
    if campaign.priority == given.priority:
        return campaign
    before, campaign.priority = campaign.priority, given.priority
    locking.touch(session, campaign)
    audit.record(
        session,
        shop_id,
        actor,
        "campaign_priority_changed",
        campaign_id,
        priority=given.priority,
        before=before,
    )
    return campaign


def change(session: Session, shop_id: ShopId, campaign_id: str, changes: schemas.CampaignChanges) -> Campaign:
    """Apply an edit; refused whole when its version is not the current one or a template does not parse."""
    campaign = locking.lock_draft(session, shop_id, campaign_id, changes.version)
    given = changes.model_dump(exclude_unset=True, exclude={"version"})
    values = {field: given[field] for field in _EDITABLE if given.get(field) is not None}
    if "mjml" in values:
        values["html"] = templates.html_of(values["mjml"])
    elif "html" in values:
        # Written by hand from here on: the MJML would say something else.
        values["mjml"] = None
    _refuse_faults(values)
    if "segment_id" in given:
        values["segment_id"] = (
            segments.get(session, shop_id, given["segment_id"]).id if given["segment_id"] else None
        )
        values["origin_id"] = values["origin_kind"] = None
    if given.get("excluded_segment_ids") is not None:
        values["excluded_segment_ids"] = [
            segments.get(session, shop_id, segment_id).id for segment_id in given["excluded_segment_ids"]
        ]
    if "discount_id" in given:
        values["discount_set_id"] = (
            discounts.find_id(session, shop_id, given["discount_id"]) if given["discount_id"] else None
        )
    if "template_key" in given:
        values["template_key"] = given["template_key"]
    if "topic_id" in given:
        named = given["topic_id"]
        values["topic_id"] = topics.get(session, shop_id, named).id if named else None
    for field, value in values.items():
        setattr(campaign, field, value)
    locking.touch(session, campaign)
    return campaign


def _refuse_faults(values: dict[str, Any]) -> None:
    found = compose.faults(
        compose.Content(
            values.get("subject", ""), values.get("preview_text", ""), values.get("html", ""), "", "", ""
        )
    )
    errors = [
        FieldError(
            f"/{field}", f"Line {fault.line}, column {fault.column}: {fault.message}", "template_fault"
        )
        for field, faults in found.items()
        for fault in faults
    ]
    errors += [
        FieldError(f"/{field}", "This is not an e-mail address.", "address_invalid")
        for field in ("from_email", "reply_to")
        if values.get(field) and headers.find_address(values[field]) is None
    ]
    errors += Pacing(**values["pacing"]).faults() if "pacing" in values else []
    if errors:
        raise Invalid("Some fields are not valid.", errors=errors)


def remove(session: Session, shop_id: ShopId, campaign_id: str, *, actor: str) -> None:
    """Delete a draft; anything that went out stays on record."""
    campaign = locking.lock(session, shop_id, campaign_id)
    if campaign.state != "draft" or campaign.frozen_at is not None:
        raise StateRefused(state=campaign.state)
    marketing.announce(session, campaign)
    repository.remove(session, shop_id, campaign.id)
    audit.record(session, shop_id, actor, "campaign_deleted", campaign_id)
