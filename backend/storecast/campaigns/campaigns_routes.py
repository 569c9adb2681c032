"""Campaigns: edit, look, send, stop. The list and the reports are in analytics, which knows the revenue."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from storecast.audit import access
from storecast.campaigns import drafts, live_checks, readiness, reading, schemas, service, trials
from storecast.db.session import tenant_session
from storecast.shops.access import CurrentPrincipal, Permission, Principal, TenantDb, require, sends_once

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


def _actor(principal: Principal) -> str:
    return principal.actor


@router.post("", status_code=201, dependencies=[require(Permission.EDIT)])
def create_campaign(body: schemas.NewCampaign, db: TenantDb, principal: CurrentPrincipal) -> schemas.Campaign:
    """Start a draft."""
    campaign = drafts.create(
        db, principal.shop_id, name=body.name, template_key=body.template_key, actor=_actor(principal)
    )
    return reading.shape(db, principal.shop_id, campaign)


@router.get("/{campaign_id}", dependencies=[require(Permission.READ)])
def read_campaign(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.Campaign:
    """The campaign with its content."""
    return reading.shape(db, principal.shop_id, reading.get(db, principal.shop_id, campaign_id))


@router.patch("/{campaign_id}", dependencies=[require(Permission.EDIT)])
def change_campaign(
    campaign_id: str, body: schemas.CampaignChanges, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Campaign:
    """Change a draft; 409 ``version_conflict`` when somebody else did meanwhile."""
    campaign = drafts.change(db, principal.shop_id, campaign_id, body)
    return reading.shape(db, principal.shop_id, campaign)


@router.put("/{campaign_id}/priority", dependencies=[require(Permission.MANAGE)])
def set_priority(
    campaign_id: str, body: schemas.PriorityInput, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Campaign:
    """Say whether a draft is marketing or about people's own orders: those go past consent, caps and quiet hours."""
    campaign = drafts.set_priority(db, principal.shop_id, campaign_id, body, actor=_actor(principal))
    return reading.shape(db, principal.shop_id, campaign)


@router.delete("/{campaign_id}", status_code=204, dependencies=[require(Permission.EDIT)])
def delete_campaign(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> None:
    """Delete a draft."""
    drafts.remove(db, principal.shop_id, campaign_id, actor=_actor(principal))


@router.post("/{campaign_id}/preview", dependencies=[require(Permission.READ)])
def preview_campaign(
    campaign_id: str, body: schemas.PreviewRequest, principal: CurrentPrincipal
) -> schemas.Preview:
    """The message as one customer would get it. Nothing is stored."""
    with tenant_session(principal.shop_id) as session:
        campaign = reading.get(session, principal.shop_id, campaign_id)
        wanted = trials.Wanted(body.version, body.locale)
        trial = trials.load(
            session, principal.shop_id, campaign, body.customer_id, wanted=wanted, unsaved=body
        )
        access.note(session, principal.shop_id, principal.actor, "preview", campaign_id, people=1)
    return trials.render(trial)


@router.get("/{campaign_id}/samples", dependencies=[require(Permission.READ)])
def list_samples(
    campaign_id: str, db: TenantDb, principal: CurrentPrincipal
) -> list[schemas.SampleRecipient]:
    """Recipients to preview the message as: a usual one, and those that messages look odd to."""
    found = trials.samples(db, principal.shop_id, reading.get(db, principal.shop_id, campaign_id))
    access.note(db, principal.shop_id, principal.actor, "preview", campaign_id, people=len(found))
    return found


@router.get("/{campaign_id}/audience", dependencies=[require(Permission.READ)])
def count_audience(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.Audience:
    """Who would get it, and who not and why."""
    campaign = reading.get(db, principal.shop_id, campaign_id)
    return readiness.audience(db, principal.shop_id, campaign)


@router.get("/{campaign_id}/gate", dependencies=[require(Permission.READ)])
def read_gate(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.Gate:
    """What stands in the way of sending."""
    return readiness.gate(db, principal.shop_id, reading.get(db, principal.shop_id, campaign_id))


@router.get("/{campaign_id}/gate/live", dependencies=[require(Permission.READ)])
def read_live_gate(
    campaign_id: str,
    principal: CurrentPrincipal,
    version: Annotated[
        schemas.VersionNumber | None, Query(description="One version; all when left out")
    ] = None,
) -> list[schemas.Check]:
    """Whether links answer, images are shown, products can be bought and people would wait. Takes some seconds."""
    unit_of_work = partial(tenant_session, principal.shop_id)
    with unit_of_work() as session:
        campaign = reading.get(session, principal.shop_id, campaign_id)
        projected = readiness.projection(session, principal.shop_id, campaign)
        subject = live_checks.gather(session, principal.shop_id, campaign, version)
    return [*projected, *live_checks.judge(unit_of_work, principal.shop_id, subject)]


@router.post("/{campaign_id}/test", dependencies=[require(Permission.EDIT)])
@sends_once
def send_test(campaign_id: str, body: schemas.TestRequest, principal: CurrentPrincipal) -> schemas.TestResult:
    """Send one mail to look at; nobody counts it."""
    with tenant_session(principal.shop_id) as session:
        campaign = reading.get(session, principal.shop_id, campaign_id)
        trial = trials.load(session, principal.shop_id, campaign, None, wanted=trials.Wanted(body.version))
        trial = trials.routed(session, principal.shop_id, trial)
    return trials.send(trial, body.email)


@router.post("/{campaign_id}/send", dependencies=[require(Permission.SEND)])
def send_campaign(
    campaign_id: str, body: schemas.SendRequest, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Campaign:
    """Send now or at ``scheduled_at``; 409 when the gate stops it or the audience is not the confirmed one.

    A transactional one goes to people who never subscribed: 403 for whoever may not declare it so.
    """
    campaign = service.send(
        db,
        principal.shop_id,
        campaign_id,
        scheduled_at=body.scheduled_at,
        confirm_recipients=body.confirm_recipients,
        may_bypass_consent=Permission.MANAGE in principal.permissions,
        actor=_actor(principal),
    )
    return reading.shape(db, principal.shop_id, campaign)


@router.post("/{campaign_id}/pause", dependencies=[require(Permission.SEND)])
def pause_campaign(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.Campaign:
    """Stop within one batch; nothing is lost."""
    campaign = service.pause(db, principal.shop_id, campaign_id, actor=_actor(principal))
    return reading.shape(db, principal.shop_id, campaign)


@router.post("/{campaign_id}/resume", dependencies=[require(Permission.SEND)])
def resume_campaign(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.Campaign:
    """Go on where it stopped."""
    campaign = service.resume(db, principal.shop_id, campaign_id, actor=_actor(principal))
    return reading.shape(db, principal.shop_id, campaign)


@router.post("/{campaign_id}/cancel", dependencies=[require(Permission.SEND)])
def cancel_campaign(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.Campaign:
    """Take back a schedule, or end a sending for good."""
    campaign = service.cancel(db, principal.shop_id, campaign_id, actor=_actor(principal))
    return reading.shape(db, principal.shop_id, campaign)


@router.post("/{campaign_id}/follow-up", status_code=201, dependencies=[require(Permission.EDIT)])
def follow_up_campaign(
    campaign_id: str, body: schemas.FollowUp, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Campaign:
    """A new draft for those who are left of a campaign that is over."""
    campaign = drafts.follow_up(db, principal.shop_id, campaign_id, body.kind, actor=_actor(principal))
    return reading.shape(db, principal.shop_id, campaign)


@router.post("/{campaign_id}/duplicate", status_code=201, dependencies=[require(Permission.EDIT)])
def duplicate_campaign(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> schemas.Campaign:
    """A new draft with the same content and audience."""
    campaign = drafts.duplicate(db, principal.shop_id, campaign_id, actor=_actor(principal))
    return reading.shape(db, principal.shop_id, campaign)
