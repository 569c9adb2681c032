"""API shapes of imports of contacts."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

ContactField = Literal[
    "email",
    "first_name",
    "last_name",
    "phone",
    "tags",
    "country",
    "consent",
    "consent_at",
    "consent_source",
]
Encoding = Literal["utf-8", "utf-16-le", "utf-16-be", "windows-1252"]
State = Literal["empty", "uploaded", "reading", "writing", "done", "cancelled", "failed"]
Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$")
]


class NewContactImport(BaseModel):
    """The name of a file of contacts that is to come."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "fair-2026.csv"}]})

    name: Words


class ContactMapping(BaseModel):
    """What the columns of a file are, by their number from 0; the others are left out.

    ``consent_source`` says where the consents are from whose row does not: no consent is taken without. With
    ``confirm`` who is not a subscriber yet gets a mail first and becomes one by the link in it.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "columns": {"0": "email", "1": "first_name", "3": "consent", "4": "consent_at"},
                    "has_titles": True,
                    "consent_source": "Sign-up sheet at the fair, March 2026",
                }
            ]
        },
    )

    columns: Annotated[dict[Annotated[int, Field(ge=0, le=199)], ContactField], Field(max_length=9)]
    has_titles: bool = True
    consent_source: Words | None = None
    confirm: bool = False

    @model_validator(mode="after")
    def _names_each_field_once_and_the_address(self) -> Self:
        fields = list(self.columns.values())
        if "email" not in fields:
            raise ValueError("say which column holds the e-mail address")
        if len(set(fields)) < len(fields):
            raise ValueError("a field can come from one column only")
        return self


class ContactColumn(BaseModel):
    """A column of the file: its title, what it seems to be, and what its first rows say."""

    title: str
    suggested: ContactField | None
    samples: list[str]


class ContactCounts(BaseModel):
    """Rows of the file by what became of them, or will; ``suppressed`` may not be written to whatever the file says."""

    rows: int
    refused: int
    merged: int
    created: int
    updated: int
    unchanged: int
    suppressed: int
    waiting: int


class ContactImport(BaseModel):
    """A file of contacts and how far it is; ``refused`` are its refused rows by reason."""

    id: str
    name: str
    state: State
    encoding: Encoding | None
    size_bytes: int | None
    lines: int | None
    counts: ContactCounts
    refused: dict[str, int]
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class ContactFile(ContactImport):
    """An import with what its file looks like."""

    columns: list[ContactColumn]

    @property
    def people_shown(self) -> int:
        """Of how many people there are samples."""
        return max((len(column.samples) for column in self.columns), default=0)


class ContactPreviewRow(BaseModel):
    """A row as it would be understood, or why it would be refused."""

    line: int
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    country: str | None
    tags: list[str]
    consent_state: str | None
    consent_at: datetime | None
    consent_source: str | None
    reason: str | None


class ContactPreview(BaseModel):
    """What the first rows of a file would become. Nothing is stored."""

    rows: list[ContactPreviewRow]
    looked_at: int
    refused: dict[str, int]


class ContactRefusal(BaseModel):
    """A refused row: its line in the file, why, and what Shopify said if it was Shopify."""

    line: int
    reason: str
    error: str | None
