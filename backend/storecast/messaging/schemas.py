"""API shapes of messaging."""

from pydantic import BaseModel, ConfigDict, Field

from storecast.messaging.sandbox import MAX_SOURCE_BYTES


class TemplateRow(BaseModel):
    """A starting point of the gallery; ``html`` is the whole Jinja source."""

    key: str
    name: str
    description: str
    category: str
    subject: str
    html: str


class TemplateInput(BaseModel):
    """A template to check."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"subject": "Hello", "html": "<p>Hello {{ customer.first_name|default('you') }}</p>"}
            ]
        }
    )

    subject: str = Field(default="", max_length=1_000)
    html: str = Field(default="", max_length=MAX_SOURCE_BYTES)


class TemplateFault(BaseModel):
    """One thing wrong, where it is; ``field`` says in which of the two."""

    field: str
    line: int
    column: int
    message: str


class TemplateCheck(BaseModel):
    """Whether a template may be sent, and which variables it reads."""

    ok: bool
    errors: list[TemplateFault]
    variables: list[str]
