"""Who opened and clicked: the rules by themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.events.verdicts import BURSTS, LinkClick, bursts, judge

ACCEPTED = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


@pytest.mark.parametrize(
    ("user_agent", "verdict"),
    [
        (IPHONE, "human"),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "human",
        ),
        ("Mozilla/5.0", "machine"),
        (None, "unknown"),
        ("", "unknown"),
        ("  ", "unknown"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "human"),
        ("Mail/3774.600.62 CFNetwork/1568.200.51 Darwin/24.1.0", "machine"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Safari/605 CFNetwork/1568", "human"),
        ("Mozilla/5.0 (Windows NT 10.0; Trend Micro Email Security)", "machine"),
        ("curl/8.5.0", "machine"),
        ("python-requests/2.32", "machine"),
        ("Microsoft Office Existence Discovery", "machine"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "machine"),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/131.0", "machine"),
        ("Mozilla/5.0 (compatible; Barracuda Link Protection)", "machine"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/131 Safari/537.36 Abbott/1", "human"),
    ],
)
def test_the_user_agent_decides_when_time_does_not(user_agent: str | None, verdict: str) -> None:
    assert judge(user_agent, at=ACCEPTED + timedelta(minutes=3), accepted_at=ACCEPTED) == verdict


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        (timedelta(milliseconds=999), "machine"),
        (timedelta(seconds=-3), "machine"),
        (timedelta(seconds=1), "human"),
    ],
)
def test_nobody_is_faster_than_a_second(after: timedelta, verdict: str) -> None:
    assert judge(IPHONE, at=ACCEPTED + after, accepted_at=ACCEPTED) == verdict


def test_an_unknown_acceptance_says_nothing_about_speed() -> None:
    assert judge(IPHONE, at=ACCEPTED, accepted_at=None) == "human"


def click(delivery_id: int, link: int, after_ms: int) -> LinkClick:
    return LinkClick(delivery_id, link, ACCEPTED + timedelta(milliseconds=after_ms))


def test_many_links_in_seconds_are_a_burst_and_its_neighbours_are_not() -> None:
    neighbours = [("later", click(1, 2, 40_000)), ("other", click(2, 1, 300))]
    fast = [(f"scan{n}", click(1, n, n * 400)) for n in range(3)]
    assert bursts([*fast, *neighbours]) == {"scan0", "scan1", "scan2"}
    slow = [(f"scan{n}", click(1, n, n * 1_200)) for n in range(5)]
    assert bursts([*slow, *neighbours]) == {f"scan{n}" for n in range(5)}


@pytest.mark.parametrize(
    "pace",
    [
        [(1, 0), (2, 10)],
        [(7, n) for n in range(9)],
        [(n, n * 501) for n in range(3)],
        [(n, n * 1_251) for n in range(5)],
    ],
    ids=["two links", "one link again and again", "three over a second", "five over five seconds"],
)
def test_what_a_person_can_do_is_no_burst(pace: list[tuple[int, int]]) -> None:
    assert bursts([(key, click(1, link, after_ms)) for key, (link, after_ms) in enumerate(pace)]) == set()


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(0, 9000)), max_size=25))
def test_bursts_are_exactly_what_the_definition_says(raw: list[tuple[int, int, int]]) -> None:
    clicks = [(key, click(*item)) for key, item in enumerate(raw)]
    expected = set()
    for _, first in clicks:
        for links, span in BURSTS:
            window = [
                (key, other)
                for key, other in clicks
                if other.delivery_id == first.delivery_id and timedelta(0) <= other.at - first.at <= span
            ]
            if len({other.link_number for _, other in window}) >= links:
                expected |= {key for key, _ in window}
    assert bursts(clicks) == expected
