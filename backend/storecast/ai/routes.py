"""The API of suggested segments."""

from fastapi import APIRouter, Response

from storecast.ai import service
from storecast.ai.schemas import MicroSegmentAdopt, MicroSegments
from storecast.segments.schemas import Segment
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/micro-segments", tags=["micro-segments"])


@router.get("", dependencies=[require(Permission.READ)])
def list_micro_segments(db: TenantDb, principal: CurrentPrincipal) -> MicroSegments:
    """Suggested segments: every buyer is in exactly one."""
    return service.list_found(db, principal.shop_id)


@router.post(
    "/{micro_segment_id}/adopt",
    status_code=201,
    responses={200: {"model": Segment, "description": "It was saved before"}},
    dependencies=[require(Permission.EDIT)],
)
def adopt_micro_segment(
    micro_segment_id: str,
    body: MicroSegmentAdopt,
    db: TenantDb,
    principal: CurrentPrincipal,
    response: Response,
) -> Segment:
    """Save a suggestion as a segment; a second time answers with the same one."""
    segment, is_new = service.adopt(db, principal.shop_id, micro_segment_id, name=body.name)
    if not is_new:
        response.status_code = 200
    return segment
