"""The API of campaign reports: the list with rates, one report, comparisons, recipients, exports."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from storecast.analytics import report, report_export, service
from storecast.analytics.report_schemas import (
    Comparison,
    Deliverability,
    HeatMessage,
    Recipient,
    Report,
    Story,
    VersionRow,
)
from storecast.analytics.schemas import CampaignRow, Sort
from storecast.audit import access
from storecast.campaigns import trials
from storecast.campaigns.schemas import State, VersionNumber
from storecast.db.session import tenant_session
from storecast.kit.pages import Page
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(tags=["analytics"])

Search = Annotated[str | None, Query(max_length=320, description="The beginning of a name, or an address")]


@router.get("/campaigns", dependencies=[require(Permission.READ)])
def list_campaigns(
    db: TenantDb,
    principal: CurrentPrincipal,
    state: State | None = None,
    sort: Sort = "newest",
    cursor: str | None = None,
) -> Page[CampaignRow]:
    """Campaigns, newest first, with opens and clicks by people and attributed revenue.

    Any other order is that of the newest 200, the largest figure first, on one page.
    """
    return service.list_campaigns(db, principal.shop_id, state=state, sort=sort, cursor=cursor)


@router.get("/campaign-comparison", dependencies=[require(Permission.READ)])
def compare_campaigns(
    db: TenantDb,
    principal: CurrentPrincipal,
    campaign_id: Annotated[list[str], Query(max_length=5, description="Two to five campaigns")],
) -> Comparison:
    """Campaigns side by side, in the order in which they are named."""
    return report.compare(db, principal.shop_id, campaign_id)


@router.get("/campaigns/{campaign_id}/report", dependencies=[require(Permission.READ)])
def read_report(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> Report:
    """What became of a campaign."""
    return report.read(db, principal.shop_id, campaign_id)


@router.get("/campaigns/{campaign_id}/report/versions", dependencies=[require(Permission.READ)])
def read_report_versions(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> list[VersionRow]:
    """What became of each version of the message, of a test or for a language; empty where there is one only."""
    return report.versions(db, principal.shop_id, campaign_id)


@router.get("/campaigns/{campaign_id}/report/deliverability", dependencies=[require(Permission.READ)])
def read_deliverability(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> Deliverability:
    """How the mail got on: the largest receiving domains, and what servers answered, without personal data."""
    return report.deliverability(db, principal.shop_id, campaign_id)


@router.get("/campaigns/{campaign_id}/report/message", dependencies=[require(Permission.READ)])
def read_report_message(
    campaign_id: str,
    principal: CurrentPrincipal,
    version: Annotated[VersionNumber, Query(description="0 is the campaign itself")] = 0,
) -> HeatMessage:
    """A version of the message as somebody of the audience got it, its links named by their numbers."""
    with tenant_session(principal.shop_id) as session:
        trial = trials.load_sent(session, principal.shop_id, campaign_id, version)
        access.note(session, principal.shop_id, principal.actor, "preview", campaign_id, people=1)
    subject, html = trials.render_numbered(trial)
    return HeatMessage(subject=subject, html=html)


@router.get(
    "/campaigns/{campaign_id}/report/export",
    dependencies=[require(Permission.READ)],
    response_class=Response,
    responses={
        200: {
            "description": "One figure a line",
            "content": {"text/csv": {"example": "section,item,metric,value\r\nfunnel,,sent,6009\r\n"}},
        }
    },
)
def export_report(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> Response:
    """The figures of a report as CSV (RFC 4180): section, item, metric, value. Nobody is named in it."""
    found = report.read(db, principal.shop_id, campaign_id)
    delivered = report.deliverability(db, principal.shop_id, campaign_id)
    return Response(
        report_export.figures(found, delivered, report.versions(db, principal.shop_id, campaign_id)),
        media_type=_CSV,
        headers=_as_file(f"report-{campaign_id}.csv"),
    )


@router.get("/campaigns/{campaign_id}/recipients", dependencies=[require(Permission.READ)])
def list_recipients(
    campaign_id: str,
    db: TenantDb,
    principal: CurrentPrincipal,
    state: str | None = None,
    q: Search = None,
    cursor: str | None = None,
) -> Page[Recipient]:
    """The audience person by person, or those of them that a search finds."""
    page = report.list_recipients(
        db, principal.shop_id, campaign_id, state=state, search=(q or "").strip() or None, cursor=cursor
    )
    access.note(db, principal.shop_id, principal.actor, "recipients", campaign_id, people=len(page.items))
    return page


@router.get(
    "/campaigns/{campaign_id}/recipients/export",
    dependencies=[require(Permission.MANAGE)],
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Every recipient",
            "content": {"text/csv": {"example": ",".join(report_export.RECIPIENT_COLUMNS) + "\r\n"}},
        }
    },
)
def export_recipients(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> StreamingResponse:
    """Every recipient with what became of the message, as CSV (RFC 4180, UTF-8). Exports are logged.

    Text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    report_export.begin(db, principal.shop_id, campaign_id, principal.actor)
    unit_of_work = partial(tenant_session, principal.shop_id)
    return StreamingResponse(
        report_export.iter_recipients(unit_of_work, principal.shop_id, campaign_id),
        media_type=_CSV,
        headers=_as_file(f"recipients-{campaign_id}.csv"),
    )


@router.get("/campaigns/{campaign_id}/recipients/{customer_id}", dependencies=[require(Permission.READ)])
def read_recipient(campaign_id: str, customer_id: str, db: TenantDb, principal: CurrentPrincipal) -> Story:
    """The whole story of one recipient: frozen, put off, sent, what the server said, what they did and bought."""
    found = report.story(db, principal.shop_id, campaign_id, customer_id)
    access.note(db, principal.shop_id, principal.actor, "recipients", campaign_id, people=1)
    return found


_CSV = "text/csv; charset=utf-8"


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
