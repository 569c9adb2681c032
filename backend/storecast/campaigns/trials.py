"""Previews and test mails: a campaign as one customer would get it, without touching the ledger.

Rendering and sending happen outside of any transaction: `load` gathers what they need, `render` and `send` use it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from storecast.campaigns import (
    audience_repository,
    content,
    leases,
    ledger_repository,
    personal,
    readiness,
    reading,
    schemas,
    variants,
)
from storecast.campaigns.errors import StateRefused, TestRefused
from storecast.campaigns.models import Campaign
from storecast.config.settings import get_settings
from storecast.customers import selectables as customer_selectables
from storecast.customers import service as customers
from storecast.customers.schemas import CustomerRow
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.types import ShopId
from storecast.messaging import compose, delivery, headers, links, preview, sandbox, templates, text_part
from storecast.messaging import service as messaging
from storecast.messaging.channels.protocol import ChannelUnavailable, Verdict
from storecast.messaging.compose import Content, Origin, Variant
from storecast.messaging.context import PERSONAL, ContextBuilder, Recipient
from storecast.messaging.delivery import Route, tokens
from storecast.shops import service as shops

_PLACEHOLDER_TOKEN = "preview"  # noqa: S105  # a link that leads nowhere


@dataclass(frozen=True, slots=True)
class Wanted:
    """The version to try: that of a number, or that of who has a locale; without either that of the customer."""

    number: int | None = None
    locale: str | None = None


ANY = Wanted()


@dataclass(frozen=True, slots=True)
class Trial:
    """A campaign and the customer to try it on."""

    content: Content
    origin: Origin
    recipient: Recipient
    customer: CustomerRow | None
    route: Route | None = None
    """How a test mail goes out; a preview needs none."""


def load(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    customer_id: str | None,
    *,
    wanted: Wanted = ANY,
    unsaved: schemas.PreviewRequest | None = None,
) -> Trial:
    """The campaign as it is now, with the customer of that public id or somebody from the audience.

    They get the version that is wanted, or that of their language. What an editor holds and has not saved takes the
    place of the version that was asked for; without one that of the campaign's own content.
    """
    if customer_id is not None:
        internal_id: int | None = customers.get(session, shop_id, customer_id).id
    else:
        internal_id = _sample(session, shop_id, campaign, wanted)
    return _load(session, shop_id, campaign, internal_id, wanted, unsaved)


def _sample(session: Session, shop_id: ShopId, campaign: Campaign, wanted: Wanted) -> int | None:
    """Somebody who reads the version if anybody does, otherwise anybody."""
    chosen = readiness.chosen(session, shop_id, campaign)
    if wanted != ANY:
        version = variants.find(session, shop_id, campaign, number=wanted.number, locale=wanted.locale)
        language = version.number if version and version.locale else None
        readers = audience_repository.Readers(variants.split_of(session, shop_id, campaign), language)
        found = audience_repository.sample_recipient(session, shop_id, campaign, chosen, readers)
        if found is not None:
            return found
    return audience_repository.sample_recipient(session, shop_id, campaign, chosen)


def load_sent(session: Session, shop_id: ShopId, campaign_id: str, number: int = 0) -> Trial:
    """A version of a frozen campaign, the campaign itself without a number, with somebody whom it was sent to.

    Raises CampaignUnknown, StateRefused or VariantUnknown.
    """
    campaign = reading.get(session, shop_id, campaign_id)
    if campaign.frozen_at is None:
        raise StateRefused(state=campaign.state)
    wanted = Wanted(number)
    internal_id = ledger_repository.sample_written_to(session, shop_id, campaign, number)
    if internal_id is None:
        internal_id = ledger_repository.sample_written_to(session, shop_id, campaign, None)
    return _load(session, shop_id, campaign, internal_id, wanted, None)


def _load(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    internal_id: int | None,
    wanted: Wanted,
    unsaved: schemas.PreviewRequest | None,
) -> Trial:
    shop = shops.get(session, shop_id)
    row = _profile(session, shop_id, internal_id) if internal_id is not None else None
    locale = wanted.locale or (row.locale if row is not None else None)
    version = variants.find(session, shop_id, campaign, number=wanted.number, locale=locale)
    shown = customers.list_rows(session, shop_id, [internal_id]) if internal_id is not None else []
    edited = (
        unsaved.model_dump(include={"subject", "preview_text", "html"}, exclude_none=True) if unsaved else {}
    )
    if unsaved is not None and unsaved.mjml is not None:
        edited["html"] = templates.html_of(unsaved.mjml)
    if version is not None and wanted.number is None:
        # The editor holds the campaign's own content, of which this version says some things differently.
        edited = {field: value for field, value in edited.items() if getattr(version, field) is None}
    written = content.content_of(session, campaign, shop, html=edited.get("html"), version=version)
    written = replace(written, **edited)
    looked_up = personal.look_up(
        session,
        shop_id,
        [internal_id] if internal_id is not None else [],
        PERSONAL,
        lists=json.loads(written.products),
        url=messaging.shop_url(shop),
        now=utcnow(),
    )
    own = {
        **(looked_up.get(internal_id, {}) if internal_id is not None else {}),
        **leases.sample(session, shop_id, campaign, written.discount_url),
    }
    return Trial(
        content=written,
        origin=content.origin_of(session, campaign, shop, version=version),
        recipient=_recipient(row, own),
        customer=shown[0] if shown else None,
    )


def samples(session: Session, shop_id: ShopId, campaign: Campaign) -> list[schemas.SampleRecipient]:
    """Whom to look at the message as: somebody usual, and whoever it may look odd to."""
    chosen = audience_repository.sample_recipients(
        session, shop_id, campaign, readiness.chosen(session, shop_id, campaign)
    )
    rows = customers.list_rows(session, shop_id, list(chosen.values()))
    return [
        schemas.SampleRecipient.model_validate({"why": why, "customer": row})
        for why, row in zip(chosen, rows, strict=True)
    ]


def routed(session: Session, shop_id: ShopId, trial: Trial) -> Trial:
    """The same trial, with the way that the shop's mail goes out."""
    return replace(trial, route=delivery.route(session, shop_id))


def _profile(session: Session, shop_id: ShopId, customer_id: int) -> Row[*tuple[Any, ...]] | None:
    person = customer_selectables.audience(shop_id).subquery("person")
    return session.execute(select(person).where(person.c.id == customer_id)).one_or_none()


def _recipient(row: Row[*tuple[Any, ...]] | None, own: Mapping[str, Any] | None) -> Recipient:
    if row is None:
        return Recipient(0, 0, "someone@example.com", None, None, None, None, False, 0, 0, None, own)
    return Recipient(
        0,
        row.id,
        row.email or "",
        row.first_name,
        row.last_name,
        row.city,
        row.country,
        row.open_tracking,
        row.orders_count,
        row.total_spent_minor,
        row.last_order_at,
        own,
    )


def render(trial: Trial) -> schemas.Preview:
    """Render in a process with limits; raises Invalid naming the field that does not."""
    written = trial.content
    _refuse_faults(written)
    source = compose.source_of(written)
    html = links.with_preheader(source, written.preview_text)
    templates = {
        "subject": preview.Template(written.subject, html=False),
        "preview_text": preview.Template(written.preview_text, html=False),
        "html": preview.Template(html, html=True),
        "text": preview.Template(text_part.from_html(source), html=False),
    }
    context = _context(trial)
    try:
        texts = preview.render(templates, context)
    except preview.RenderingFailed as error:
        field = "html" if error.field == "text" else error.field
        fault = FieldError(f"/{field}", str(error), "rendering_failed")
        raise Invalid("The template does not render.", errors=[fault]) from error
    return schemas.Preview(
        subject=headers.one_line(texts["subject"]),
        preview_text=headers.one_line(texts["preview_text"]),
        html=texts["html"],
        text=texts["text"],
        size_bytes=len(texts["html"].encode()),
        customer=trial.customer,
        missing=_missing(written, context),
        version=trial.origin.variant,
        locale=trial.origin.language or None,
        from_name=written.from_name,
    )


def render_numbered(trial: Trial) -> tuple[str, str]:
    """Subject and HTML with ``#link-n`` in place of where link n leads, in a process with limits."""
    written = trial.content
    numbered = compose.number_links(written, trial.origin, lambda link: f"#link-{link.number}")
    html = links.with_preheader(numbered.source, written.preview_text)
    templates = {
        "subject": preview.Template(written.subject, html=False),
        "html": preview.Template(html, html=True),
    }
    try:
        texts = preview.render(templates, _context(trial))
    except preview.RenderingFailed as error:
        fault = FieldError(f"/{error.field}", str(error), "rendering_failed")
        raise Invalid("The template does not render.", errors=[fault]) from error
    return headers.one_line(texts["subject"]), texts["html"]


def _refuse_faults(written: Content) -> None:
    errors = [
        FieldError(
            f"/{field}", f"Line {fault.line}, column {fault.column}: {fault.message}", "template_fault"
        )
        for field, found in compose.faults(written).items()
        for fault in found
    ]
    if errors:
        raise Invalid("The template has errors.", errors=errors)


def _context(trial: Trial) -> dict[str, Any]:
    origin = trial.origin
    builder = ContextBuilder({"customer"}, currency=origin.shop.currency, edge_url=get_settings().edge_url)
    fixed = compose.fixed_of(trial.content, origin)
    return {**fixed, **builder.build(trial.recipient, _PLACEHOLDER_TOKEN)}


def _missing(written: Content, context: dict[str, Any]) -> list[str]:
    paths = {
        path
        for source in (written.subject, written.preview_text, written.html)
        for path in sandbox.unguarded_paths(source)
    }
    return sorted(path for path in paths if not _is_there(path, context))


def _is_there(path: str, context: dict[str, Any]) -> bool:
    value: Any = context
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def send(trial: Trial, email: str) -> schemas.TestResult:
    """Send one untracked mail to the address over a connection of its own."""
    address = headers.find_address(email)
    if address is None:
        fault = FieldError("/email", "This is not an e-mail address.", "address_invalid")
        raise Invalid("The address is not valid.", errors=[fault])
    render(trial)  # what the limits refuse must not run in this process
    settings = get_settings()
    try:
        variant = Variant(
            trial.content, trial.origin, edge_url=settings.edge_url, tokens=tokens(), tracked=False
        )
    except compose.NoAddress as error:
        raise TestRefused("Set a sender address first.", code="sender_missing") from error
    message = variant.prepare(trial.recipient._replace(email=address), date=compose.date_line(utcnow()))
    try:
        with delivery.opened(trial.route or delivery.installation_route()) as channel:
            (outcome,) = channel.send([message])
    except ChannelUnavailable as error:
        return schemas.TestResult(accepted=False, reply=str(error))
    reply = f"{outcome.code} {outcome.reply}" if outcome.code else outcome.reply
    return schemas.TestResult(accepted=outcome.verdict is Verdict.ACCEPTED, reply=reply)
