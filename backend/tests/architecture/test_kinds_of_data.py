"""Every kind of data that the Privacy page can name has a title, and a meaning where it is kept."""

import re
from pathlib import Path

import pytest

from storecast.entrypoints.metadata import load_models
from storecast.privacy import coverage, retention, shop_erasure

ROOT = Path(__file__).parents[3]
CATALOGUE = ROOT / "frontend" / "src" / "i18n" / "en" / "dataKinds.ts"


load_models()


def kept() -> set[str]:
    """What the list of retention periods names."""
    return {period.table for period in retention.periods()}


def proven() -> set[str]:
    """What the proof of an erasure names: of a person everywhere, of a shop in each of its tables, and the caches."""
    return {*coverage.CUSTOMER_RULES, *coverage.MENTIONS, *shop_erasure.shop_tables(), "audit_log", "redis"}


def written(prefix: str) -> set[str]:
    """What the English catalogue has words for; another test holds German to the same keys."""
    return set(re.findall(rf'^  "{prefix}\.([a-z_]+)":', CATALOGUE.read_text(), re.MULTILINE))


@pytest.mark.parametrize(("prefix", "named"), [("data", kept() | proven()), ("data_means", kept())])
def test_the_catalogue_has_words_for_every_kind_of_data_and_for_no_other(
    prefix: str, named: set[str]
) -> None:
    assert len(named) > 20, "the tables were not found"
    assert sorted(named - written(prefix)) == []
    assert sorted(written(prefix) - named) == []
