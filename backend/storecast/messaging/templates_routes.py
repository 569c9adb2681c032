"""Templates: the gallery, the shop's own, and the check that an editor runs while somebody types."""

from fastapi import APIRouter

from storecast.messaging import mjml, models, sandbox, templates
from storecast.messaging.compose import Content, faults
from storecast.messaging.context import NAMES
from storecast.messaging.gallery import TEMPLATES
from storecast.messaging.schemas import (
    NewTemplate,
    SavedTemplate,
    TemplateChanges,
    TemplateCheck,
    TemplateFault,
    TemplateInput,
    TemplateRow,
)
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/templates", tags=["templates"])


@router.get("", dependencies=[require(Permission.READ)])
def list_templates() -> list[TemplateRow]:
    """The built-in gallery."""
    return [TemplateRow.model_validate(template, from_attributes=True) for template in TEMPLATES]


@router.post("/check", dependencies=[require(Permission.READ)])
def check_template(body: TemplateInput) -> TemplateCheck:
    """What is wrong with a template, each fault with its line and column."""
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
def list_saved_templates(db: TenantDb, principal: CurrentPrincipal) -> list[SavedTemplate]:
    """The shop's own templates and blocks, by name."""
    return [_saved(template) for template in templates.list_saved(db, principal.shop_id)]


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


def _saved(template: models.SavedTemplate) -> SavedTemplate:
    values = {field: getattr(template, field) for field in SavedTemplate.model_fields if field != "id"}
    return SavedTemplate.model_validate({**values, "id": template.public_id})


def _fault(field: str, fault: sandbox.Fault) -> TemplateFault:
    return TemplateFault(field=field, line=fault.line, column=fault.column, message=fault.message)
