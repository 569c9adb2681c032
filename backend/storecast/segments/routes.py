"""The API of segments and of uploaded lists."""

from typing import Annotated, BinaryIO

from fastapi import APIRouter, Depends, Query, Response

from storecast.audit import access
from storecast.kit.pages import Page
from storecast.segments import lists, references, service
from storecast.segments.schemas import (
    Choices,
    CustomerList,
    ExplainRequest,
    Explanation,
    Fields,
    Name,
    RefusedRow,
    Segment,
    SegmentPreview,
    SegmentPreviewRequest,
    SegmentSizes,
    SegmentWrite,
)
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require
from storecast.shops.uploads import spooled_body

router = APIRouter(prefix="/segments", tags=["segments"])


@router.get("", dependencies=[require(Permission.READ)])
def list_segments(db: TenantDb, principal: CurrentPrincipal, cursor: str | None = None) -> Page[Segment]:
    """Segments, newest first."""
    return service.list_page(db, principal.shop_id, cursor=cursor)


@router.post("", status_code=201, dependencies=[require(Permission.EDIT)])
def create_segment(body: SegmentWrite, db: TenantDb, principal: CurrentPrincipal) -> Segment:
    """Save a segment."""
    return service.shape(service.create(db, principal.shop_id, name=body.name, tree=body.rules))


@router.get("/fields", dependencies=[require(Permission.READ)])
def list_segment_fields() -> Fields:
    """What rules may ask, with the operators and options of every field."""
    return service.fields()


@router.get("/choices", dependencies=[require(Permission.READ)])
def list_rule_choices(
    db: TenantDb,
    principal: CurrentPrincipal,
    kind: references.Kind,
    search: Annotated[str, Query(max_length=100)] = "",
    id: Annotated[list[str] | None, Query(max_length=50)] = None,  # the name in the address
) -> Choices:
    """What rules may refer to, by name: those with these ids, or at most 50 whose name has the words."""
    return service.choices(db, principal.shop_id, kind, search=search.strip(), ids=id or [])


@router.post("/preview", dependencies=[require(Permission.READ)])
def preview_segment(body: SegmentPreviewRequest, db: TenantDb, principal: CurrentPrincipal) -> SegmentPreview:
    """Count rules without saving them."""
    found = service.preview(db, principal.shop_id, body.rules)
    access.note(db, principal.shop_id, principal.actor, "sample", "rules", people=len(found.sample))
    return found


@router.get("/of-customer/{customer_id}", dependencies=[require(Permission.READ)])
def list_segments_of_customer(customer_id: str, db: TenantDb, principal: CurrentPrincipal) -> list[Segment]:
    """Which of the newest hundred segments a customer is in right now, newest first."""
    return service.list_of_customer(db, principal.shop_id, customer_id)


@router.post("/explain", dependencies=[require(Permission.READ)])
def explain_segment(body: ExplainRequest, db: TenantDb, principal: CurrentPrincipal) -> Explanation:
    """Why a customer is or is not described by rules: every condition with the value that it looked at."""
    found = service.explain(db, principal.shop_id, body.rules, body.customer_id)
    access.note(db, principal.shop_id, principal.actor, "customer", body.customer_id, people=1)
    return found


@router.get("/lists", dependencies=[require(Permission.READ)])
def list_customer_lists(
    db: TenantDb, principal: CurrentPrincipal, cursor: str | None = None
) -> Page[CustomerList]:
    """Uploaded lists, newest first."""
    return lists.list_page(db, principal.shop_id, cursor=cursor)


@router.post(
    "/lists",
    status_code=201,
    dependencies=[require(Permission.EDIT)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "email\r\nada@example.com\r\n",
                }
            },
        }
    },
)
def upload_customer_list(
    name: Annotated[Name, Query()],
    file: Annotated[BinaryIO, Depends(spooled_body(lists.MAX_BYTES))],
    db: TenantDb,
    principal: CurrentPrincipal,
) -> CustomerList:
    """Make a list of the customers that a CSV file names by address or Shopify id (UTF-8, at most 32 MiB).

    Rows that name no customer are refused one by one; ``/refusals`` says which and why.
    """
    return lists.upload(db, principal.shop_id, actor=principal.actor, name=name, file=file)


@router.get("/lists/{list_id}", dependencies=[require(Permission.READ)])
def read_customer_list(list_id: str, db: TenantDb, principal: CurrentPrincipal) -> CustomerList:
    """One uploaded list."""
    return lists.shape(db, lists.get(db, principal.shop_id, list_id))


@router.get("/lists/{list_id}/refusals", dependencies=[require(Permission.READ)])
def list_refused_rows(
    list_id: str, db: TenantDb, principal: CurrentPrincipal, cursor: str | None = None
) -> Page[RefusedRow]:
    """Every refused row of the uploaded file, by line."""
    return lists.list_refusals(db, principal.shop_id, list_id, cursor=cursor)


@router.delete("/lists/{list_id}", status_code=204, dependencies=[require(Permission.EDIT)])
def remove_customer_list(list_id: str, db: TenantDb, principal: CurrentPrincipal) -> Response:
    """Delete an uploaded list that no segment asks for; the customers stay."""
    lists.remove(db, principal.shop_id, list_id, actor=principal.actor)
    return Response(status_code=204)


@router.get("/{segment_id}", dependencies=[require(Permission.READ)])
def read_segment(segment_id: str, db: TenantDb, principal: CurrentPrincipal) -> Segment:
    """One segment."""
    return service.shape(service.get(db, principal.shop_id, segment_id))


@router.put("/{segment_id}", dependencies=[require(Permission.EDIT)])
def replace_segment(
    segment_id: str, body: SegmentWrite, db: TenantDb, principal: CurrentPrincipal
) -> Segment:
    """Change a segment; with a stale ``version`` nothing changes."""
    segment = service.replace(
        db, principal.shop_id, segment_id, name=body.name, tree=body.rules, version=body.version
    )
    return service.shape(segment)


@router.delete("/{segment_id}", status_code=204, dependencies=[require(Permission.EDIT)])
def remove_segment(segment_id: str, db: TenantDb, principal: CurrentPrincipal) -> Response:
    """Delete a segment."""
    service.remove(db, principal.shop_id, segment_id)
    return Response(status_code=204)


@router.get("/{segment_id}/sizes", dependencies=[require(Permission.READ)])
def list_segment_sizes(
    segment_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    days: Annotated[int, Query(ge=1, le=730)] = 90,
) -> SegmentSizes:
    """How many members a segment had on each of the last days."""
    return service.sizes(db, principal.shop_id, segment_id, days)
