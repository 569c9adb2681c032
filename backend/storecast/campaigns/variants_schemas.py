"""API shapes of a campaign's versions, their test and its result."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from storecast.campaigns.languages import MAX_LANGUAGES
from storecast.campaigns.schemas import ShortText
from storecast.kit.money import Money
from storecast.messaging.sandbox import MAX_SOURCE_BYTES

Metric = Literal["opens", "clicks", "revenue"]
Weight = Annotated[int, Field(ge=1, le=100)]


class VersionTest(BaseModel):
    """How versions are tested: by what, on which share of the audience, for how long; ``weight`` is version 0's.

    With a share of 100 the whole audience is split and nobody waits for a winner.
    """

    metric: Metric
    share_percent: Annotated[int, Field(ge=5, le=100)] = 20
    wait_hours: Annotated[int, Field(ge=1, le=168)] = 4
    weight: Weight = 1


class Words(BaseModel):
    """What is different in a version; null is as in the campaign itself."""

    subject: Annotated[str, Field(max_length=1_000)] | None = None
    preview_text: Annotated[str, Field(max_length=1_000)] | None = None
    from_name: ShortText | None = None
    html: Annotated[str, Field(max_length=MAX_SOURCE_BYTES)] | None = None
    mjml: Annotated[str, Field(max_length=MAX_SOURCE_BYTES)] | None = None


class VersionContent(Words):
    """A version of a test; ``delay_minutes`` is how much later it goes out."""

    weight: Weight = 1
    delay_minutes: Annotated[int, Field(ge=0, le=10_080)] = 0


class LanguageContent(Words):
    """A version for those whose locale begins with ``locale``, a tag of BCP 47 such as ``de`` or ``pt-BR``."""

    locale: Annotated[str, Field(max_length=20)]


class VariantsInput(BaseModel):
    """All further versions and their test, made on the campaign's ``version``; no test means no further versions."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "version": 3,
                    "test": {"metric": "clicks", "share_percent": 20, "wait_hours": 4, "weight": 1},
                    "versions": [{"weight": 1, "subject": "We kept something for you"}],
                }
            ]
        }
    )

    version: int
    test: VersionTest | None
    versions: Annotated[list[VersionContent], Field(max_length=4)] = []


class FurtherVersion(VersionContent):
    """A further version; the first is number 1."""

    number: int


class LanguagesInput(BaseModel):
    """All languages besides the campaign's own, made on the campaign's ``version``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"version": 3, "languages": [{"locale": "de", "subject": "Wir haben etwas für Sie"}]}
            ]
        }
    )

    version: int
    languages: Annotated[list[LanguageContent], Field(max_length=MAX_LANGUAGES)]


class LanguageVersion(LanguageContent):
    """A version for a language; their numbers begin behind those of a test."""

    number: int


class Variants(BaseModel):
    """The test of a campaign, its further versions, and those for languages."""

    test: VersionTest | None
    versions: list[FurtherVersion]
    languages: list[LanguageVersion]


class VersionName(BaseModel):
    """What tells a version from the others: 0 is the campaign itself, one with a ``locale`` is for a language."""

    number: int
    locale: str | None
    subject: str
    from_name: str


class Winner(BaseModel):
    """The version that everybody else gets."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"number": 1}]})

    number: Annotated[int, Field(ge=0, le=4)]


class Arm(BaseModel):
    """What one version achieved among those who took part in the test, by people alone.

    ``estimate`` is the share who did it, or the revenue a recipient in hundredths; it lies between ``low`` and
    ``high`` in 95 of 100 cases.
    """

    number: int
    subject: str
    from_name: str
    delay_minutes: int
    recipients: int
    opened: int
    clicked: int
    ordered: int
    revenue: Money
    estimate: float
    low: float
    high: float | None


class VersionTestResult(BaseModel):
    """How a test stands. ``more_needed`` is about how many more recipients would show the difference seen so far."""

    metric: Metric
    phase: Literal["even", "running", "undecided", "decided"]
    arms: list[Arm]
    leader: int | None
    significant: bool
    p_value: float | None
    more_needed: int | None
    winner: int | None
    winner_by: Literal["significance", "hand"] | None
    judged_at: datetime | None
    waiting: int
