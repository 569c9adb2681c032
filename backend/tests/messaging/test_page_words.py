"""The words of recipients' pages: the same in every language, and the language that was asked for."""

import re
from datetime import UTC, datetime
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.messaging.page_words import WORDS, day, language

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pt"]


def slots(text: str) -> list[str]:
    return sorted(name for _text, name, _spec, _conversion in Formatter().parse(text) if name)


def test_every_language_has_every_word_with_the_same_slots() -> None:
    assert list(WORDS) == LANGUAGES
    for lang, words in WORDS.items():
        assert list(words) == list(WORDS["en"]), lang
        assert {name: slots(text) for name, text in words.items()} == {
            name: slots(text) for name, text in WORDS["en"].items()
        }, lang
        assert not [name for name, text in words.items() if not text.strip() or re.search("[<>&]", text)]
    # Nobody copied a line and forgot it: only what is one word in both languages is the same.
    same = {
        (lang, name)
        for lang in LANGUAGES[1:]
        for name, text in WORDS[lang].items()
        if text == WORDS["en"][name]
    }
    assert same == set()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ((None,), "en"),
        (("",), "en"),
        (("sv, da",), "en"),
        (("fr-CA, en;q=0.9",), "fr"),
        (("sv, nl;q=0.3, de-CH;q=0.8",), "de"),
        (("de;q=0, it;q=0.1",), "it"),
        (("de ; q=0.5 , pt-BR;q=0.5",), "de"),
        (("de;q=two, es",), "de"),
        (("pt_BR",), "pt"),
        # A customer's own locale first, where it is one of ours.
        (("es-MX", "de"), "es"),
        (("ja", "de"), "de"),
        ((None, "*"), "en"),
    ],
)
def test_the_language_is_the_one_that_is_wanted_most(wanted: tuple[str | None, ...], expected: str) -> None:
    assert language(*wanted) == expected


@given(st.text(max_size=300))
def test_whatever_a_header_says_the_page_has_a_language(header: str) -> None:
    assert language(header) in WORDS


def test_a_day_is_written_as_people_write_it() -> None:
    at = datetime(2027, 3, 5, tzinfo=UTC)
    assert {lang: day(at, lang) for lang in WORDS} == {
        "en": "5 March 2027", "de": "5.3.2027", "fr": "05/03/2027", "es": "05/03/2027", "it": "05/03/2027",
        "nl": "05-03-2027", "pt": "05/03/2027",
    }  # fmt: skip
