"""Whom a campaign would reach now, and what stands between it and them."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from storecast.campaigns import (
    audience_repository,
    contact_policy,
    content,
    leases,
    ledger_repository,
    projection_repository,
    schemas,
    variants,
    variants_repository,
)
from storecast.campaigns.audience import choose, is_chosen
from storecast.campaigns.chosen import Chosen
from storecast.campaigns.gate import (
    RECENT_DAYS,
    exclusions,
    judge,
    returns,
    spoken,
    test_size,
    waits,
    worst,
)
from storecast.campaigns.models import Campaign, CampaignVariant
from storecast.campaigns.planning import pacing_of, start_of
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
    if counted.members:
        checks.append(exclusions(counted))
    since = utcnow() - timedelta(days=RECENT_DAYS)
    returned = ledger_repository.recent_return_counts(session, shop_id, since=since)
    checks += returns(returned, transactional=campaign.priority == "transactional")
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


def projection(session: Session, shop_id: ShopId, campaign: Campaign) -> list[schemas.Check]:
    """How many would wait for the shop's policy if the campaign were sent now; nothing where nobody would.

    It counts what people got in the last weeks, which takes longer than what the gate may: nothing here stops a send.
    """
    if campaign.priority == "transactional" or not is_chosen(campaign):
        return []
    policy = contact_policy.of_shop(session, shop_id)
    if (
        policy.cap is None
        and policy.quiet is None
        and not projection_repository.anybody_chose(session, shop_id)
    ):
        return []
    people, now = chosen(session, shop_id, campaign), utcnow()
    waiting = projection_repository.waiting(
        session,
        shop_id,
        campaign,
        people,
        start=start_of(session, shop_id, campaign, now),
        cap=policy.cap,
        give_up_after=timedelta(days=pacing_of(campaign).give_up_days),
    )
    recipients = audience(session, shop_id, campaign).recipients
    return [waits(recipients, waiting)] if recipients else []


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
        transactional=campaign.priority == "transactional",
    )
    return checks + leases.judge(
        session,
        shop_id,
        campaign,
        shown=compose.reads_code(written),
        recipients=counted.recipients,
        starts_at=starts_at,
    )
