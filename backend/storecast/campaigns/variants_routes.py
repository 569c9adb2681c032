"""Versions of a campaign: write them, see how their test stands, pick one."""

from fastapi import APIRouter

from storecast.campaigns import drafts, reading, schemas, service, variants, variants_schemas
from storecast.shops.access import CurrentPrincipal, Permission, TenantDb, require

router = APIRouter(prefix="/campaigns/{campaign_id}", tags=["campaigns"])


@router.get("/variants", dependencies=[require(Permission.READ)])
def read_variants(campaign_id: str, db: TenantDb, principal: CurrentPrincipal) -> variants_schemas.Variants:
    """The further versions of the message, how they are tested, and the versions for languages."""
    return variants.read(db, principal.shop_id, reading.get(db, principal.shop_id, campaign_id))


@router.put("/variants", dependencies=[require(Permission.EDIT)])
def change_variants(
    campaign_id: str, body: variants_schemas.VariantsInput, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Campaign:
    """Set the test and all versions of a draft; 409 ``version_conflict`` when somebody else changed it meanwhile."""
    campaign = drafts.change_variants(db, principal.shop_id, campaign_id, body)
    return reading.shape(db, principal.shop_id, campaign)


@router.put("/languages", dependencies=[require(Permission.EDIT)])
def change_languages(
    campaign_id: str, body: variants_schemas.LanguagesInput, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Campaign:
    """Set the languages of a draft besides its own; 409 ``version_conflict`` when somebody else changed it meanwhile.

    A recipient gets the most special version that their locale begins with: ``pt-BR``, then ``pt``, then the campaign's
    own content.
    """
    campaign = drafts.change_languages(db, principal.shop_id, campaign_id, body)
    return reading.shape(db, principal.shop_id, campaign)


@router.get("/test-result", dependencies=[require(Permission.READ)])
def read_test_result(
    campaign_id: str, db: TenantDb, principal: CurrentPrincipal
) -> variants_schemas.VersionTestResult | None:
    """What each version achieved and what can be said of that; null for a campaign without a test."""
    return variants.result(db, principal.shop_id, reading.get(db, principal.shop_id, campaign_id))


@router.post("/winner", dependencies=[require(Permission.SEND)])
def pick_winner(
    campaign_id: str, body: variants_schemas.Winner, db: TenantDb, principal: CurrentPrincipal
) -> schemas.Campaign:
    """Send this version to everybody who waits for the end of the test, significant or not."""
    campaign = service.pick_winner(db, principal.shop_id, campaign_id, body.number, actor=principal.actor)
    return reading.shape(db, principal.shop_id, campaign)
