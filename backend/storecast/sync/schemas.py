"""API shapes of synchronisation."""

import re
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from storecast.sync.resources import RESOURCES, Resource

_QUOTED = re.compile(r"""'[^']*'|"[^"]*\"""")


class SyncRefusal(BaseModel):
    """A line of a result that could not be used."""

    line: int
    reason: str


class RefusedByReason(BaseModel):
    """How many lines were refused for one reason; the most frequent come first."""

    reason: str
    count: int


class SyncResource(BaseModel):
    """One kind of thing in a run; rows are the things themselves, without their variants and lines."""

    model_config = ConfigDict(from_attributes=True)

    resource: Resource
    state: Literal["pending", "requested", "ready", "importing", "done", "failed", "cancelled", "skipped"]
    skipped_reason: str | None
    objects_expected: int | None
    rows_done: int
    rows_refused: int
    bytes_done: int
    bytes_total: int | None
    refusals: list[SyncRefusal]
    refused_by_reason: list[RefusedByReason] = []


class SyncRun(BaseModel):
    """A synchronisation; ``progress`` runs from 0 to 1."""

    id: str
    kind: Literal["first", "manual", "scheduled"]
    mode: Literal["bulk", "paginated"]
    batch_size: int | None
    custom_query: str | None
    state: Literal["queued", "running", "importing", "done", "failed", "cancelled"]
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None
    resources: list[SyncResource]
    progress: float


class SyncInput(BaseModel):
    """What to synchronise, and how.

    ``bulk`` lets Shopify write everything to files; ``paginated`` reads pages of at most ``batch_size`` objects, fewer
    where a page would cost more than one query may. ``custom_query`` is Shopify's search syntax and narrows every
    resource that can be searched; search terms that a resource does not know are ignored by Shopify.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"mode": "bulk"},
                {
                    "mode": "paginated",
                    "resources": ["orders"],
                    "batch_size": 50,
                    "custom_query": "updated_at:>='2026-11-01'",
                },
            ]
        },
    )

    mode: Literal["bulk", "paginated"] = "bulk"
    resources: list[Resource] | None = Field(default=None, min_length=1, max_length=len(RESOURCES))
    batch_size: int | None = Field(default=None, ge=1, le=250)
    custom_query: str | None = Field(default=None, min_length=1, max_length=500)

    @field_validator("resources")
    @classmethod
    def _each_once(cls, resources: list[Resource] | None) -> list[Resource] | None:
        if resources is not None and len(set(resources)) < len(resources):
            raise ValueError("a resource is named twice")
        return resources

    @field_validator("custom_query")
    @classmethod
    def _well_formed(cls, query: str | None) -> str | None:
        if query is None:
            return None
        if not query.strip() or not query.isprintable():
            raise ValueError("only printable characters, and not only blanks")
        outside = _QUOTED.sub("", query)
        if "'" in outside or '"' in outside:
            raise ValueError("a quotation mark is not closed")
        if not _balanced(outside):
            raise ValueError("the parentheses do not match")
        return query

    @model_validator(mode="after")
    def _batches_are_pages(self) -> Self:
        if self.batch_size is not None and self.mode != "paginated":
            raise ValueError("batch_size is for mode paginated")
        return self


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return depth == 0


class Reconciliation(BaseModel):
    """One comparison of a resource with Shopify's, and what was done about the difference.

    ``missing``: Shopify has it and we did not; ``stale``: ours was older; ``surplus``: we had it and Shopify does not.
    ``theirs`` and ``ours`` are counts before the repair; ``repaired`` is how many of the three are right now.
    """

    model_config = ConfigDict(from_attributes=True)

    id: int
    resource: Resource
    state: Literal["pending", "requested", "done", "failed", "skipped"]
    theirs: int | None
    ours: int | None
    missing: int
    stale: int
    surplus: int
    repaired: int
    error: str | None
    started_at: datetime
    finished_at: datetime | None


class ResultPage(BaseModel):
    """A page of stored rows; which values a row has depends on the resource, and all rows of one have the same."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "gid": "gid://shopify/ProductVariant/2",
                            "product_gid": "gid://shopify/Product/1",
                            "title": "Blue",
                            "sku": "MUG-B",
                            "price_minor": 1450,
                            "currency": "USD",
                        }
                    ],
                    "next_cursor": "WyJnaWQ6Ly9zaG9waWZ5L1Byb2R1Y3RWYXJpYW50LzIiXQ",
                }
            ]
        }
    )

    items: list[dict[str, Any]]
    next_cursor: str | None = None
