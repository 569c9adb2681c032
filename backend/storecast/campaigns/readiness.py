"""Whom a campaign would reach now, and what stands between it and them."""

from datetime import datetime

from sqlalchemy.orm import Session

from storecast.campaigns import audience_repository, content, leases, schemas, variants, variants_repository
from storecast.campaigns.audience import choose, is_chosen
from storecast.campaigns.chosen import Chosen
from storecast.campaigns.gate import judge, spoken, test_size, worst
from storecast.campaigns.models import Campaign, CampaignVariant
from storecast.config.settings import get_settings
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.messaging import compose, delivery
from storecast.shops import service as shops


def chosen(session: Session, shop_id: ShopId, campaign: Campaign) -> Chosen:
    """Who would be written to now; nobody when no segment is chosen."""
    return choose(session, shop_id, campaign, utcnow())


def audience(session: Session, shop_id: ShopId, campaign: Campaign) -> schemas.Audience:
    """How many would get the message, and why the others not."""
    counts = audience_repository.audience_counts(
        session, shop_id, campaign, chosen(session, shop_id, campaign)
    )
    recipients = counts.pop(None, 0)
    exclusions = [
        schemas.Exclusion(reason=reason or "", count=count)
        for reason, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    total = recipients + sum(exclusion.count for exclusion in exclusions)
    return schemas.Audience(members=total, recipients=recipients, exclusions=exclusions)


def gate(
    session: Session, shop_id: ShopId, campaign: Campaign, *, starts_at: datetime | None = None
) -> schemas.Gate:
    """What stands between the campaign and its audience, as far as the database knows.

    ``starts_at`` is when it is to be sent, now when left out.
    """
    people = chosen(session, shop_id, campaign)
    counted = audience(session, shop_id, campaign)
    begins = starts_at or utcnow()
    checks = _judge(session, shop_id, campaign, people, counted, None, begins)
    for version in variants_repository.list_all(session, shop_id, campaign.id):
        others = _judge(session, shop_id, campaign, people, counted, version, begins)
        checks = worst(checks, others, version.number, version.locale)
    checks += _of_versions(session, shop_id, campaign, people, counted.recipients)
    return schemas.Gate(ready=all(check.level != "stop" for check in checks), checks=checks)


def _of_versions(
    session: Session, shop_id: ShopId, campaign: Campaign, people: Chosen, recipients: int
) -> list[schemas.Check]:
    """Whether anybody reads each language, and enough people are left to tell the versions of a test apart."""
    split = variants.split_of(session, shop_id, campaign)
    found = []
    if split.languages:
        readers = audience_repository.language_counts(session, shop_id, campaign, people, split)
        found.append(spoken({tag: readers.get(number, 0) for tag, number in split.languages}))
        recipients = readers.get(None, 0)
    if variants.test_of(campaign) is not None:
        found.append(test_size(split, recipients))
    return found


def _judge(
    session: Session,
    shop_id: ShopId,
    campaign: Campaign,
    people: Chosen,
    counted: schemas.Audience,
    version: CampaignVariant | None,
    starts_at: datetime,
) -> list[schemas.Check]:
    shop = shops.get(session, shop_id)
    written = content.content_of(session, campaign, shop, version=version)
    language = version.number if version and version.locale else None
    lacking = audience_repository.counts_without(
        session,
        shop_id,
        campaign,
        people,
        compose.unguarded_fields(written),
        audience_repository.Readers(variants.split_of(session, shop_id, campaign), language),
    )
    level = get_settings().sender_level
    checks = judge(
        written,
        has_segment=is_chosen(campaign),
        audience=counted,
        lacking={field: count for field, count in lacking.items() if count},
        urls=compose.find_urls(written, content.origin_of(session, campaign, shop, version=version)),
        sender=None if level == "off" else delivery.sender_standing(session, shop_id, written.from_email),
        strictness="ask" if level == "ask" else "stop",
    )
    return checks + leases.judge(
        session,
        shop_id,
        campaign,
        shown=compose.reads_code(written),
        recipients=counted.recipients,
        starts_at=starts_at,
    )
