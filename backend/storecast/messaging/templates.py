"""Templates: starting points of the gallery, and those that a shop keeps for itself, whole or as blocks.

A change is refused whole when it was made on another version, or when what was written does not parse: nothing is
kept that could not be sent.
"""

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.messaging import compose, mjml, schemas, templates_repository
from storecast.messaging.errors import TemplateChanged, TemplateNameTaken, TemplateUnknown
from storecast.messaging.gallery import BY_KEY
from storecast.messaging.models import SavedTemplate

MAX_SAVED = 500


class Start(Protocol):
    """What a message begins with."""

    @property
    def subject(self) -> str: ...
    @property
    def preview_text(self) -> str: ...
    @property
    def html(self) -> str: ...
    @property
    def mjml(self) -> str | None: ...


def start(session: Session, shop_id: ShopId, key: str) -> Start:
    """The template of the gallery or of the shop; raises Invalid."""
    found = BY_KEY.get(key) or templates_repository.find(session, shop_id, key)
    if found is None or (isinstance(found, SavedTemplate) and found.kind != "template"):
        fault = FieldError("/template_key", "There is no such template.", "template_unknown")
        raise Invalid(errors=[fault])
    return found


def html_of(source: str) -> str:
    """The HTML of an MJML source; raises Invalid with what is wrong at its place."""
    try:
        return mjml.to_html(source)
    except mjml.Broken as error:
        fault = error.fault
        text = f"Line {fault.line}, column {fault.column}: {fault.message}"
        raise Invalid("The MJML has errors.", errors=[FieldError("/mjml", text, "template_fault")]) from error


def list_saved(session: Session, shop_id: ShopId) -> Sequence[SavedTemplate]:
    """The shop's templates and blocks, by name."""
    return templates_repository.list_all(session, shop_id)


def get(session: Session, shop_id: ShopId, template_id: str) -> SavedTemplate:
    """One of the shop's; raises TemplateUnknown."""
    found = templates_repository.find(session, shop_id, template_id)
    if found is None:
        raise TemplateUnknown
    return found


def save(session: Session, shop_id: ShopId, new: schemas.NewTemplate, *, actor: str) -> SavedTemplate:
    """Keep a template or a block."""
    html = html_of(new.mjml) if new.mjml is not None else new.html
    _refuse_faults(new.subject, new.preview_text, html, kind=new.kind)
    if templates_repository.count(session, shop_id) >= MAX_SAVED:
        fault = FieldError("/name", f"A shop keeps at most {MAX_SAVED} templates.", "too_many")
        raise Invalid(errors=[fault])
    template = SavedTemplate(
        shop_id=shop_id,
        public_id=public_id("tpl"),
        kind=new.kind,
        name=new.name.strip(),
        subject=new.subject,
        preview_text=new.preview_text,
        html=html,
        mjml=new.mjml,
    )
    _write(session, template)
    audit.record(session, shop_id, actor, "template_saved", template.public_id)
    return template


def change(
    session: Session, shop_id: ShopId, template_id: str, changes: schemas.TemplateChanges, *, actor: str
) -> SavedTemplate:
    """Apply an edit that was made on the current version."""
    template = templates_repository.lock(session, shop_id, template_id)
    if template is None:
        raise TemplateUnknown
    if template.version != changes.version:
        raise TemplateChanged(version=template.version)
    given = changes.model_dump(exclude={"version"}, exclude_none=True)
    if "mjml" in given:
        given["html"] = html_of(given["mjml"])
    elif "html" in given:
        given["mjml"] = None
    for field, value in given.items():
        setattr(template, field, value)
    _refuse_faults(template.subject, template.preview_text, template.html, kind=template.kind)
    template.version += 1
    _write(session, template)
    audit.record(session, shop_id, actor, "template_changed", template_id)
    return template


def remove(session: Session, shop_id: ShopId, template_id: str, *, actor: str) -> None:
    """Delete one; messages that began with it keep what they have."""
    template = get(session, shop_id, template_id)
    session.delete(template)
    audit.record(session, shop_id, actor, "template_deleted", template_id)


def _write(session: Session, template: SavedTemplate) -> None:
    try:
        with session.begin_nested():
            session.add(template)
            session.flush()
    except IntegrityError as error:
        raise TemplateNameTaken from error
    session.refresh(template)


def _refuse_faults(subject: str, preview_text: str, html: str, *, kind: str) -> None:
    found = compose.faults(compose.Content(subject, preview_text, html, "", "", ""))
    errors = [
        FieldError(
            f"/{field}", f"Line {fault.line}, column {fault.column}: {fault.message}", "template_fault"
        )
        for field, faults in found.items()
        for fault in faults
    ]
    if errors:
        raise Invalid(f"The {kind} has errors.", errors=errors)
