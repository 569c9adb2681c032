"""API shapes of messaging."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from storecast.messaging.brand import Font
from storecast.messaging.sandbox import MAX_SOURCE_BYTES

Name = Annotated[str, Field(min_length=1, max_length=120)]
Line = Annotated[str, Field(max_length=1_000)]
Source = Annotated[str, Field(max_length=MAX_SOURCE_BYTES)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class TemplateRow(BaseModel):
    """A starting point of the gallery; ``html`` is the whole Jinja source, ``picture`` what it looks like."""

    key: str
    name: str
    description: str
    category: str
    subject: str
    html: str
    mjml: str | None
    picture: str


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
    mjml: str | None = Field(default=None, max_length=MAX_SOURCE_BYTES)


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


class NewTemplate(BaseModel):
    """A template, or a block of one, to keep; with ``mjml`` the HTML is made from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Our letter", "html": "<p>Hello {{ customer.first_name|default('you') }}</p>"}
            ]
        }
    )

    kind: Literal["template", "block"] = "template"
    name: Name
    subject: Line = ""
    preview_text: Line = ""
    html: Source = ""
    mjml: Source | None = None


class TemplateChanges(BaseModel):
    """An edit of a saved template: ``version`` is that of the one it was made on; fields left out stay."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1, "name": "Our spring letter"}]})

    version: int
    name: Name | None = None
    subject: Line | None = None
    preview_text: Line | None = None
    html: Source | None = None
    mjml: Source | None = None


class SavedTemplateRow(BaseModel):
    """A template or block that the shop keeps, in a list."""

    id: str
    kind: Literal["template", "block"]
    name: str
    subject: str
    version: int
    updated_at: datetime


class SavedTemplate(SavedTemplateRow):
    """The same with what it says."""

    preview_text: str
    html: str
    mjml: str | None


class TemplatePicture(BaseModel):
    """A template as a made-up customer would get it."""

    html: str


class BrandKit(BaseModel):
    """A shop's look. Colours are ``#rrggbb``; ``address`` is the postal address that footers show."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "accent": "#4b2fd6",
                    "background": "#f4f4f6",
                    "font": "system",
                    "logo_url": "https://cdn.shopify.com/s/files/1/logo.png",
                    "address": "Storecast Demo, 1 Main Street, Lisbon",
                }
            ]
        }
    )

    accent: Colour
    background: Colour
    font: Font
    logo_url: Annotated[str, Field(max_length=1_000, pattern=r"^https://[^\s\"'<>]+$")] | None = None
    address: Annotated[str, Field(max_length=300)] | None = None
