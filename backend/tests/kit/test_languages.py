"""The language of a reader, whatever their browser sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.kit.languages import preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-CH", "de"),
        ("fr, DE;q=0.7, en;q=0.3", "de"),
        ("en;q=0.8,de;q=0.9", "de"),
        ("en,de", "en"),
        ("fr,es", "en"),
        ("de;q=0", "en"),
        ("de;q=2", "en"),
        ("de;q=nan", "en"),
        ("de;level=1", "en"),
        ("*", "en"),
        ("x," * 100 + "de", "en"),
    ],
)
def test_the_heaviest_language_that_there_is(header: str | None, language: str) -> None:
    assert preferred(header) == language


@given(st.text())
def test_any_header_names_a_language(header: str) -> None:
    assert preferred(header) in ("en", "de")
