"""Failures of one cause have one fingerprint; failures of two causes have two."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.worker.fingerprint import fingerprint, normalised


def raised(error: Exception) -> Exception:
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 is gone", "order 4711 is gone"),
        ("customer gid://shopify/Customer/7 refused", "customer gid://shopify/Customer/812 refused"),
        ("no 'alpha' in row", "no 'beta gamma' in row"),
        ('key "a\\"b" missing', 'key "c" missing'),
        ("at 0x7f1c2a is dead", "at 0x10ffee is dead"),
        ("job 0193a5c0-1111-7222-8333-444455556666 lost", "job 0193a5c0-9999-7222-8333-444455557777 lost"),
        ("ada@example.com bounced", "bob.smith+x@example.org bounced"),
        ("digest deadbeefdeadbeefdeadbeef", "digest 0123456789abcdef0123"),
        ("campaign cmp_01jd8abcdefghjkmnp failed", "campaign cmp_01jdzzzzzzghjkmnpq failed"),
        ("took 1.5 s of 3,000", "took 20.25 s of 12"),
        ("GET https://a.example/x?page=1 refused", "GET https://b.example/y refused"),
    ],
)
def test_what_differs_between_failures_of_one_cause_does_not_count(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)
    assert fingerprint("a.job", ValueError(one), "") == fingerprint("a.job", ValueError(other), "")


def test_causes_are_told_apart() -> None:
    prints = {
        fingerprint("a.job", ValueError("no such order"), ""),
        fingerprint("a.job", ValueError("no such customer"), ""),
        fingerprint("a.job", KeyError("no such order"), ""),
        fingerprint("b.job", ValueError("no such order"), ""),
    }
    assert len(prints) == 4


def test_the_innermost_own_frame_counts() -> None:
    elsewhere = raised(TypeError("no"))
    with pytest.raises(TypeError) as inside:
        normalised(None)  # type: ignore[arg-type]  # fails inside our own module
    with_own_frame = TypeError("no").with_traceback(inside.value.__traceback__)
    assert fingerprint("a.job", elsewhere, "") == fingerprint("a.job", TypeError("no"), "")
    assert fingerprint("a.job", with_own_frame, "") != fingerprint("a.job", elsewhere, "")


@pytest.mark.parametrize(
    ("text", "error_class"),
    [
        ("WorkerLost: w1 stopped renewing its lease", "WorkerLost"),
        ("billiard.exceptions.TimeLimitExceeded: 300", "TimeLimitExceeded"),
        ("something went wrong: again", "Error"),
        ("", "Error"),
    ],
)
def test_a_text_stands_for_an_error(text: str, error_class: str) -> None:
    assert fingerprint("a.job", None, text)[0] == error_class


def test_two_lost_workers_are_one_cause() -> None:
    one = fingerprint("a.job", None, "WorkerLost: bulk@host-1/4711: the worker vanished")
    assert one == fingerprint("a.job", None, "WorkerLost: bulk@host-2/812: the worker vanished")


@given(st.text(), st.text(max_size=3000))
def test_any_text_has_a_fingerprint(name: str, text: str) -> None:
    error_class, digest = fingerprint(name, None, text)
    assert (error_class, digest) == fingerprint(name, None, text)
    assert error_class
    assert len(digest) == 16
    assert set(digest) <= set("0123456789abcdef")
