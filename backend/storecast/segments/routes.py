"""The API of segments."""

from fastapi import APIRouter, Response

from storecast.audit import access
from storecast.kit.pages import Page
from storecast.segments import service
from storecast.segments.schemas import Fields, Segment, SegmentPreview, SegmentPreviewRequest, SegmentWrite
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

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
