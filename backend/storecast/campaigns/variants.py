"""Versions of a campaign, for languages and for a test: who gets which, which one has won, and who says so.

The campaign itself is version 0. At the freeze everybody gets the version of their language, see `languages`; between
the versions of a test is drawn by hash among those who read the campaign's own content. In a test with a share below
100 the rest of them waits in the ledger; it gets the winner once there is one, and there is one only when it is
significant (see `significance`) or a person picks it. A test is looked at when its time is over, and then at most three
times more, each time after twice the time and with half the share of mistakes put up with: all looks together err in no
more than 5 of 100 tests.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import structlog
from sqlalchemy.orm import Session

from storecast.audit import service as audit
from storecast.campaigns import (
    contact_policy,
    content,
    languages,
    ledger_repository,
    repository,
    variants_repository,
    variants_schemas,
)
from storecast.campaigns.errors import StateRefused, VariantUnknown
from storecast.campaigns.jobs import Dispatch, ReleaseRest
from storecast.campaigns.models import Campaign, CampaignVariant
from storecast.campaigns.pacing import Start
from storecast.campaigns.planning import start_of
from storecast.campaigns.significance import ALPHA, Judgement, Rate, Revenue, judge
from storecast.campaigns.split import EVERYBODY, Split
from storecast.campaigns.variants_repository import Achieved
from storecast.customers import selectables as customer_selectables
from storecast.kit.clock import utcnow
from storecast.kit.errors import FieldError, Invalid
from storecast.kit.money import Money
from storecast.kit.types import ShopId
from storecast.messaging import compose, templates
from storecast.shops import service as shops
from storecast.worker import outbox

log = structlog.get_logger(__name__)

Metric = Literal["opens", "clicks", "revenue"]

MAX_LOOKS = 4
AGAIN = timedelta(minutes=10)
"""After so long a test is looked for again whose last messages have not gone out."""

PATIENCE = timedelta(days=30)
"""A rest that nobody decides about gets nothing after this: the news is old."""

_OVERRIDES = ("subject", "preview_text", "from_name", "html", "mjml")

_revenue: list[variants_repository.Revenue] = []


def provide_revenue(revenue: variants_repository.Revenue) -> None:
    """Make known who counts revenue by delivery. Providing it twice has no effect."""
    if revenue not in _revenue:
        _revenue.append(revenue)


@dataclass(frozen=True, slots=True)
class Test:
    """How versions are tested; ``weight`` is that of version 0."""

    __test__ = False

    metric: Metric
    share_percent: int
    wait_hours: int
    weight: int

    @property
    def has_rest(self) -> bool:
        """Whether somebody waits for the winner."""
        return self.share_percent < 100


def test_of(campaign: Campaign) -> Test | None:
    """The campaign's test."""
    return Test(**campaign.test) if campaign.test else None  # type: ignore[arg-type]  # written by `change`


test_of.__test__ = False  # type: ignore[attr-defined]  # it is no test of ours


# Writing.


def read(session: Session, shop_id: ShopId, campaign: Campaign) -> variants_schemas.Variants:
    """The test, the further versions and those of languages."""
    versions = variants_repository.list_all(session, shop_id, campaign.id)
    test = test_of(campaign)
    return variants_schemas.Variants(
        test=variants_schemas.VersionTest(**asdict(test)) if test else None,
        versions=[
            variants_schemas.FurtherVersion.model_validate(each, from_attributes=True)
            for each in versions
            if each.locale is None
        ],
        languages=[
            variants_schemas.LanguageVersion.model_validate(each, from_attributes=True)
            for each in versions
            if each.locale is not None
        ],
    )


def change(
    session: Session, shop_id: ShopId, campaign: Campaign, given: variants_schemas.VariantsInput
) -> None:
    """Set the test and the versions of a locked draft as a whole; refused whole when anything is wrong."""
    errors = _faults(given)
    rows = [
        _row(campaign, number, f"/versions/{number - 1}", each, errors)
        for number, each in enumerate(given.versions, 1)
    ]
    if errors:
        raise Invalid("The versions are not complete.", errors=errors)
    variants_repository.replace_versions(session, shop_id, campaign.id, rows)
    campaign.test = given.test.model_dump() if given.test else None


def change_languages(
    session: Session, shop_id: ShopId, campaign: Campaign, given: variants_schemas.LanguagesInput
) -> None:
    """Set the languages of a locked draft as a whole; refused whole when anything is wrong."""
    tags = [languages.canonical(each.locale) for each in given.languages]
    errors = _language_faults(given.languages, tags)
    rows = [
        _row(campaign, languages.FIRST_NUMBER + place, f"/languages/{place}", each, errors, locale=tag)
        for place, (each, tag) in enumerate(zip(given.languages, tags, strict=True))
    ]
    if errors:
        raise Invalid("The languages are not complete.", errors=errors)
    variants_repository.replace_languages(session, shop_id, campaign.id, rows)


def _row(
    campaign: Campaign,
    number: int,
    at: str,
    given: variants_schemas.Words,
    errors: list[FieldError],
    **own: str | None,
) -> CampaignVariant:
    """The version as it is stored; what is wrong with it comes to the ``errors``."""
    values = given.model_dump() | own
    if given.mjml is not None:
        try:
            values["html"] = templates.html_of(given.mjml)
        except Invalid as broken:
            errors += [replace(fault, pointer=f"{at}{fault.pointer}") for fault in broken.errors]
    subject, preview_text, html = (values[field] or "" for field in ("subject", "preview_text", "html"))
    written = compose.Content(subject, preview_text, html, "", "", "")
    errors += [
        FieldError(
            f"{at}/{field}", f"Line {fault.line}, column {fault.column}: {fault.message}", "template_fault"
        )
        for field, faults in compose.faults(written).items()
        for fault in faults
    ]
    return CampaignVariant(shop_id=campaign.shop_id, campaign_id=campaign.id, number=number, **values)


def copy(session: Session, shop_id: ShopId, original: Campaign, to: Campaign) -> None:
    """Give a new draft the versions of another campaign, and their test."""
    _copy(session, shop_id, to, variants_repository.list_all(session, shop_id, original.id))
    to.test = original.test


def copy_languages(session: Session, shop_id: ShopId, original: Campaign, to: Campaign) -> None:
    """Give a new draft the languages of another campaign."""
    _copy(session, shop_id, to, variants_repository.list_languages(session, shop_id, original.id))


def _copy(session: Session, shop_id: ShopId, to: Campaign, versions: Sequence[CampaignVariant]) -> None:
    rows = [
        CampaignVariant(
            shop_id=shop_id,
            campaign_id=to.id,
            **{
                name: getattr(each, name)
                for name in ("number", "locale", "weight", "delay_minutes", *_OVERRIDES)
            },
        )
        for each in versions
    ]
    variants_repository.add(session, rows)


def _faults(given: variants_schemas.VariantsInput) -> list[FieldError]:
    errors = []
    if given.test is not None and not given.versions:
        errors.append(FieldError("/versions", "A test needs a second version.", "version_missing"))
    if given.test is None and given.versions:
        errors.append(FieldError("/test", "Say what the versions are compared by.", "test_missing"))
    return errors + [
        FieldError(f"/versions/{place}", "It is the same as version A.", "version_same")
        for place, each in enumerate(given.versions)
        if not each.delay_minutes and _says_nothing_else(each)
    ]


def _language_faults(
    given: Sequence[variants_schemas.LanguageContent], tags: Sequence[str | None]
) -> list[FieldError]:
    errors = []
    for place, (each, tag) in enumerate(zip(given, tags, strict=True)):
        at = f"/languages/{place}"
        if tag is None:
            message = f"“{each.locale}” is no language: write it as de, pt-BR or zh-Hant."
            errors.append(FieldError(f"{at}/locale", message, "locale_unknown"))
        elif tag in tags[:place]:
            errors.append(FieldError(f"{at}/locale", f"{tag} is there already.", "locale_twice"))
        if _says_nothing_else(each):
            message = "It says the same as the campaign: write its subject or its content."
            errors.append(FieldError(f"{at}/subject", message, "version_same"))
    return errors


def _says_nothing_else(given: variants_schemas.Words) -> bool:
    return all(getattr(given, name) is None for name in _OVERRIDES)


# Drawing.


def split_of(session: Session, shop_id: ShopId, campaign: Campaign) -> Split:
    """Who gets which version, and when."""
    rows = variants_repository.list_all(session, shop_id, campaign.id)
    spoken = tuple((each.locale, each.number) for each in rows if each.locale is not None)
    test = test_of(campaign)
    if test is None:
        return Split(languages=spoken) if spoken else EVERYBODY
    versions = [each for each in rows if each.locale is None]
    return Split(
        weights=(test.weight, *(each.weight for each in versions)),
        share_percent=test.share_percent,
        delays=(timedelta(0), *(timedelta(minutes=each.delay_minutes) for each in versions)),
        languages=spoken,
    )


def find(
    session: Session, shop_id: ShopId, campaign: Campaign, *, number: int | None, locale: str | None
) -> CampaignVariant | None:
    """The version of that number, or of who has that locale; None for the campaign itself. Raises VariantUnknown."""
    rows = variants_repository.list_all(session, shop_id, campaign.id)
    if number is None:
        spoken = tuple((each.locale, each.number) for each in rows if each.locale is not None)
        number = languages.looked_up(locale, spoken) or 0
    found = next((each for each in rows if each.number == number), None)
    if found is None and number:
        raise VariantUnknown
    return found


def note_start(campaign: Campaign, split: Split, now: datetime) -> None:
    """Remember when the test that starts now is looked at first."""
    test = test_of(campaign)
    if test is not None and test.has_rest:
        campaign.judged_at = now + max(split.delays) + timedelta(hours=test.wait_hours)


# Deciding.


def look(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> None:
    """Decide a locked campaign's test if it is time and there is a winner; give the rest up when it is too late."""
    test = test_of(campaign)
    if test is None or not test.has_rest or campaign.winner is not None or campaign.frozen_at is None:
        return
    if now > campaign.frozen_at + PATIENCE:
        ledger_repository.drop_held(session, shop_id, campaign, "test_undecided")
        return
    if campaign.judged_at is None or campaign.judged_at > now or campaign.test_looks >= MAX_LOOKS:
        return
    if variants_repository.awaits_outcome(session, shop_id, campaign):
        campaign.judged_at = now + AGAIN
        return
    _judged, verdict = _judge(session, shop_id, campaign, test, ALPHA / 2 ** (campaign.test_looks + 1))
    waited = campaign.judged_at - campaign.frozen_at
    campaign.test_looks += 1
    campaign.judged_at = campaign.frozen_at + 2 * waited if campaign.test_looks < MAX_LOOKS else None
    if verdict.winner is not None:
        _decide(session, shop_id, campaign, sorted(_judged)[verdict.winner], "significance")


def pick(session: Session, shop_id: ShopId, campaign: Campaign, number: int, *, actor: str) -> None:
    """Send a version to the rest of a locked campaign because somebody wants it, significant or not."""
    test = test_of(campaign)
    if test is None or not test.has_rest or campaign.winner is not None or campaign.frozen_at is None:
        raise StateRefused(state=campaign.state)
    if campaign.state not in {"sending", "paused"}:
        raise StateRefused(state=campaign.state)
    numbers = [0, *(each.number for each in variants_repository.list_versions(session, shop_id, campaign.id))]
    if number not in numbers:
        raise VariantUnknown
    _decide(session, shop_id, campaign, number, "hand")
    audit.record(session, shop_id, actor, "campaign_winner_picked", campaign.public_id, version=number)


def _decide(session: Session, shop_id: ShopId, campaign: Campaign, number: int, by: str) -> None:
    campaign.winner, campaign.winner_by, campaign.judged_at = number, by, None
    outbox.add(session, shop_id, ReleaseRest(campaign.id))
    log.info("test_decided", shop_id=shop_id, campaign_id=campaign.id, winner=number, by=by)


def release_rest(session: Session, shop_id: ShopId, campaign_id: int) -> int:
    """Let the rest of the audience have the winner; safe to repeat."""
    campaign = repository.lock_by_id(session, shop_id, campaign_id)
    if campaign is None or campaign.winner is None or campaign.state not in {"sending", "paused"}:
        return 0
    now = utcnow()
    start = _start_of_rest(session, shop_id, campaign, now)
    people = customer_selectables.audience(shop_id)
    count = ledger_repository.release(
        session, shop_id, campaign, people, start=start, variant=campaign.winner
    )
    contact_policy.note_patience(session, shop_id, campaign, now)
    outbox.add(session, shop_id, Dispatch(campaign.id))
    return count


def _start_of_rest(session: Session, shop_id: ShopId, campaign: Campaign, now: datetime) -> Start:
    """At once, or at the hour of the day that won if it was hours that were tested."""
    at = now
    delays = split_of(session, shop_id, campaign).delays
    if any(delays) and campaign.frozen_at is not None and campaign.winner is not None:
        at = campaign.frozen_at + delays[campaign.winner]
        while at < now:
            at += timedelta(days=1)
    return start_of(session, shop_id, campaign, at)


# Looking.


def result(
    session: Session, shop_id: ShopId, campaign: Campaign
) -> variants_schemas.VersionTestResult | None:
    """How the test stands; None for a campaign without one."""
    test = test_of(campaign)
    if test is None:
        return None
    frozen = campaign.frozen_at is not None
    found, verdict = _judge(session, shop_id, campaign, test, ALPHA) if frozen else ({}, judge([]))
    held = ledger_repository.count_held(session, shop_id, campaign) if frozen and test.has_rest else 0
    numbers = sorted(found)
    return variants_schemas.VersionTestResult(
        metric=test.metric,
        phase=_phase(campaign, test),
        arms=_arms(session, shop_id, campaign, test, found),
        leader=numbers[verdict.leader] if verdict.leader is not None else None,
        significant=verdict.winner is not None,
        p_value=verdict.p_value,
        more_needed=verdict.more_needed,
        winner=campaign.winner,
        winner_by=campaign.winner_by,  # type: ignore[arg-type]  # only `_decide` writes it
        judged_at=campaign.judged_at,
        waiting=held,
    )


def _phase(campaign: Campaign, test: Test) -> Literal["even", "running", "undecided", "decided"]:
    if not test.has_rest:
        return "even"
    if campaign.winner is not None:
        return "decided"
    return "running" if campaign.test_looks == 0 else "undecided"


def _judge(
    session: Session, shop_id: ShopId, campaign: Campaign, test: Test, alpha: float
) -> tuple[dict[int, Achieved], Judgement]:
    """What each version achieved, and what that says; places in the judgement follow the sorted numbers."""
    shop = shops.get(session, shop_id)
    revenue = _revenue[-1](shop_id, campaign.id, shop.currency) if _revenue else None
    found = variants_repository.achieved(session, shop_id, campaign, test.share_percent, revenue)
    versions = variants_repository.list_versions(session, shop_id, campaign.id)
    # A version that nobody got yet has achieved nothing, and takes part all the same.
    whole = {number: found.get(number, _NOTHING) for number in [0, *(each.number for each in versions)]}
    if test.metric == "revenue":
        return whole, judge([_revenue_arm(whole[number]) for number in sorted(whole)], alpha)
    return whole, judge([_rate_arm(whole[number], test.metric) for number in sorted(whole)], alpha)


_NOTHING = Achieved(0, 0, 0, 0, 0, 0.0)


def _revenue_arm(got: Achieved) -> Revenue:
    return Revenue(got.people, got.buyers, got.total_minor, got.squares)


def _rate_arm(got: Achieved, metric: Metric) -> Rate:
    return Rate(got.people, got.clicked if metric == "clicks" else got.opened)


def _arms(
    session: Session, shop_id: ShopId, campaign: Campaign, test: Test, found: dict[int, Achieved]
) -> list[variants_schemas.Arm]:
    currency = shops.get(session, shop_id).currency
    versions = {
        each.number: each for each in variants_repository.list_versions(session, shop_id, campaign.id)
    }
    arms = []
    for number, got in sorted(found.items()):
        version = versions.get(number)
        arm = _revenue_arm(got) if test.metric == "revenue" else _rate_arm(got, test.metric)
        low, high = arm.interval
        arms.append(
            variants_schemas.Arm(
                number=number,
                subject=(version and version.subject) or campaign.subject,
                from_name=(version and version.from_name) or campaign.from_name,
                delay_minutes=version.delay_minutes if version else 0,
                recipients=got.people,
                opened=got.opened,
                clicked=got.clicked,
                ordered=got.buyers,
                revenue=Money(amount_minor=got.total_minor, currency=currency),
                estimate=arm.estimate,
                low=low,
                # No upper end while one recipient or none has it.
                high=high if high != float("inf") else None,
            )
        )
    return arms


def choose(
    session: Session, shop_id: ShopId, campaign: Campaign, number: int | None
) -> list[CampaignVariant | None]:
    """The version of that number, or all of them; None stands for the campaign itself. Raises VariantUnknown."""
    if number is not None:
        return [find(session, shop_id, campaign, number=number, locale=None)]
    return [None, *variants_repository.list_all(session, shop_id, campaign.id)]


def all_html(session: Session, shop_id: ShopId, campaign: Campaign) -> str:
    """What all versions contain together."""
    versions = variants_repository.list_all(session, shop_id, campaign.id)
    return "".join((campaign.html, *(each.html or "" for each in versions)))


def compiled(session: Session, shop_id: ShopId, campaign: Campaign) -> dict[int, compose.Variant]:
    """Every version of the campaign, compiled, by its number."""
    return {
        0: content.compiled(session, shop_id, campaign),
        **{
            each.number: content.compiled(session, shop_id, campaign, each)
            for each in variants_repository.list_all(session, shop_id, campaign.id)
        },
    }


def names(session: Session, shop_id: ShopId, campaign: Campaign) -> dict[int, variants_schemas.VersionName]:
    """Every version with what tells it from the others, version 0 first."""
    rows = variants_repository.list_all(session, shop_id, campaign.id)
    return {
        each.number if each else 0: variants_schemas.VersionName(
            number=each.number if each else 0,
            locale=each.locale if each else None,
            subject=(each and each.subject) or campaign.subject,
            from_name=(each and each.from_name) or campaign.from_name,
        )
        for each in (None, *rows)
    }
