"""Templates: the gallery, and the check that an editor runs while somebody types."""

from fastapi import APIRouter

from storecast.messaging import sandbox
from storecast.messaging.compose import Content, faults
from storecast.messaging.context import NAMES
from storecast.messaging.gallery import TEMPLATES
from storecast.messaging.schemas import TemplateCheck, TemplateFault, TemplateInput, TemplateRow
from storecast.shops.access import Permission, require

router = APIRouter(prefix="/templates", tags=["templates"], dependencies=[require(Permission.READ)])


@router.get("")
def list_templates() -> list[TemplateRow]:
    """The built-in gallery."""
    return [TemplateRow.model_validate(template, from_attributes=True) for template in TEMPLATES]


@router.post("/check")
def check_template(body: TemplateInput) -> TemplateCheck:
    """What is wrong with a template, each fault with its line and column. Nothing is stored."""
    found = faults(Content(body.subject, "", body.html, "", "", ""))
    errors = [
        TemplateFault(field=field, line=fault.line, column=fault.column, message=fault.message)
        for field in ("subject", "html")
        for fault in found[field]
    ]
    sources = [] if errors else [body.subject, body.html]
    variables = sorted({path for source in sources for path in sandbox.variables(source)} - NAMES.keys())
    return TemplateCheck(ok=not errors, errors=errors, variables=variables)
