"""Templates: the gallery, the shop's own, and the check that an editor runs while somebody types."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from storecast.db.session import tenant_session
from storecast.kit.errors import FieldError, Invalid
from storecast.messaging import mjml, models, preview, sandbox, service, templates
from storecast.messaging.compose import Content, faults
from storecast.messaging.context import NAMES
from storecast.messaging.gallery import TEMPLATES, sample
from storecast.messaging.schemas import (
    NewTemplate,
    SavedTemplate,
    SavedTemplateRow,
    TemplateChanges,
    TemplateCheck,
    TemplateFault,
    TemplateInput,
    TemplatePicture,
    TemplateRow,
)
from storecast.shops import service as shops
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/templates", tags=["templates"])


@router.get("", dependencies=[require(Permission.READ)])
def list_templates(db: TenantDb, principal: CurrentPrincipal) -> list[TemplateRow]:
    """The built-in gallery, with pictures in the shop's own look."""
    shop = service.shop_facts(db, shops.get(db, principal.shop_id))
    fields = TemplateRow.model_fields.keys() - {"picture"}
    return [
        TemplateRow.model_validate(
            {field: getattr(template, field) for field in fields}
            | {"picture": sample.picture(template.html, shop)}
        )
        for template in TEMPLATES
    ]


@router.post("/check", dependencies=[require(Permission.READ)])
def check_template(body: TemplateInput) -> TemplateCheck:
    """What is wrong with a template, each fault with its line and column. Nothing is stored."""
    source = body.html
    if body.mjml is not None:
        try:
            source = mjml.to_html(body.mjml)
        except mjml.Broken as error:
            return TemplateCheck(ok=False, errors=[_fault("mjml", error.fault)], variables=[])
    found = faults(Content(body.subject, "", source, "", "", ""))
    errors = [_fault(field, fault) for field in ("subject", "html") for fault in found[field]]
    sources = [] if errors else [body.subject, source]
    variables = sorted({path for source in sources for path in sandbox.variables(source)} - NAMES.keys())
    return TemplateCheck(ok=not errors, errors=errors, variables=variables)


@router.get("/saved", dependencies=[require(Permission.READ)])
def list_saved_templates(db: TenantDb, principal: CurrentPrincipal) -> list[SavedTemplateRow]:
    """The shop's own templates and blocks, by name."""
    return [
        SavedTemplateRow.model_validate(_values(template, SavedTemplateRow))
        for template in templates.list_saved(db, principal.shop_id)
    ]


@router.post("/saved", status_code=201, dependencies=[require(Permission.EDIT)])
def save_template(body: NewTemplate, db: TenantDb, principal: CurrentPrincipal) -> SavedTemplate:
    """Keep a template or a block; 422 with each fault when it does not parse."""
    return _saved(templates.save(db, principal.shop_id, body, actor=principal.actor))


@router.get("/saved/{template_id}", dependencies=[require(Permission.READ)])
def read_saved_template(template_id: str, db: TenantDb, principal: CurrentPrincipal) -> SavedTemplate:
    """One of the shop's templates or blocks."""
    return _saved(templates.get(db, principal.shop_id, template_id))


@router.patch("/saved/{template_id}", dependencies=[require(Permission.EDIT)])
def change_saved_template(
    template_id: str, body: TemplateChanges, db: TenantDb, principal: CurrentPrincipal
) -> SavedTemplate:
    """Change it; 409 ``version_conflict`` when somebody else did meanwhile."""
    return _saved(templates.change(db, principal.shop_id, template_id, body, actor=principal.actor))


@router.delete("/saved/{template_id}", status_code=204, dependencies=[require(Permission.EDIT)])
def delete_saved_template(template_id: str, db: TenantDb, principal: CurrentPrincipal) -> None:
    """Delete it; messages that began with it keep what they have."""
    templates.remove(db, principal.shop_id, template_id, actor=principal.actor)


@router.get("/saved/{template_id}/picture", dependencies=[require(Permission.READ)])
def read_template_picture(template_id: str, principal: CurrentPrincipal) -> TemplatePicture:
    """What a saved template looks like, with a made-up customer and made-up products."""
    with tenant_session(principal.shop_id) as session:
        template = templates.get(session, principal.shop_id, template_id)
        shop = service.shop_facts(session, shops.get(session, principal.shop_id))
    try:
        return TemplatePicture(html=sample.picture_under_limits(template.html, shop))
    except preview.RenderingFailed as error:
        fault = FieldError("/html", str(error), "rendering_failed")
        raise Invalid("The template does not render.", errors=[fault]) from error


def _saved(template: models.SavedTemplate) -> SavedTemplate:
    return SavedTemplate.model_validate(_values(template, SavedTemplate))


def _values(template: models.SavedTemplate, shape: type[BaseModel]) -> dict[str, Any]:
    values = {field: getattr(template, field) for field in shape.model_fields if field != "id"}
    return {**values, "id": template.public_id}


def _fault(field: str, fault: sandbox.Fault) -> TemplateFault:
    return TemplateFault(field=field, line=fault.line, column=fault.column, message=fault.message)
