"""A plan says what plain Jinja says, in lines that mail may have."""

import quopri
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storecast.messaging import quoted_printable, sandbox
from storecast.messaging.render_plan import TOKEN, RenderPlan

FIXED: dict[str, Any] = {"shop": {"name": "A&B <Shop>", "tags": ["a", "b"], "currency": "USD"}, "flag": True}

_PIECES = st.sampled_from(
    [
        "plain text ", "<p>", "=3D=\r\n", "\n", ".\n.\n", "x" * 90, "é" * 40, "   \n", "\t", "\r\n.", "=",
        "{{ shop.name }}", "{{ shop.tags|join(', ') }}", "{{ customer.name }}", "{{ customer.name|default('you') }}",
        "{{ customer.name|upper }}", "{{ customer['name']|d(7) }}", "{{ customer.name|default('<b>', true) }}",
        "{{ customer }}", "{{ customer.name.first }}", "{{ customer.count }}", "{{ customer.list }}",
        "{{ customer.nobody|default('.') }}",
        "{{ customer.count + 1 }}", "{{ customer.count|money }}", "{{ _token }}",
        "{{ customer.name if customer.count > 2 else shop.name }}", "{{ nobody.at.all }}",
        "{% if customer.count > 2 %}many {{ customer.name }}{% else %}few{% endif %}",
        "{% for tag in shop.tags %}{{ tag }}{% endfor %}", "{% for tag in shop.tags %}{{ customer.name }}{% endfor %}",
        "{% for item in customer.list %}{{ loop.index }}{{ item }} {% endfor %}", "{% set n = customer.name %}",
        "{% set shop = customer.name %}", "{{ n }}", "{% if flag %}{{ shop.name }}{% endif %}", "{{ address }}",
    ]
)  # fmt: skip

_VALUES = st.text(max_size=120)
_CUSTOMERS = st.fixed_dictionaries(
    {"count": st.integers(-5, 10)}, optional={"name": _VALUES, "list": st.lists(_VALUES, max_size=4)}
)


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


@pytest.mark.parametrize("html", [True, False])
@given(source=st.lists(_PIECES, max_size=12).map("".join), customer=_CUSTOMERS)
@settings(max_examples=300, deadline=None)
def test_a_plan_equals_plain_jinja(html: bool, source: str, customer: dict[str, Any]) -> None:
    recipient = {"customer": customer, TOKEN: "tok-en_1", "address": "https://e/u/tok-en_1"}
    plain = sandbox.render(source, {**FIXED, **recipient}, html=html)
    env = sandbox.HTML if html else sandbox.TEXT
    plan = RenderPlan(source, env, FIXED, around_token={"address": ("https://e/u/", "")})

    assert plan.text(recipient) == plain
    body = b"".join(plan.quoted_printable(recipient))
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert not any(line.startswith(b".") for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert b"\r" not in body.replace(b"\r\n", b"")
    expected = normal(plain).encode("utf-8", "replace")
    assert quopri.decodestring(body).replace(b"\r\n", b"\n") == expected.replace(b"\r\n", b"\n")


@given(st.text(max_size=400))
@settings(max_examples=300, deadline=None)
def test_a_quoted_printable_piece_decodes_to_its_text_with_a_soft_break_behind(text: str) -> None:
    piece = quoted_printable.encode(text) + quoted_printable.SOFT_BREAK
    assert not any(line.startswith(b".") for line in piece.split(b"\r\n"))
    assert max(map(len, piece.split(b"\r\n"))) <= 76
    assert quopri.decodestring(piece).replace(b"\r\n", b"\n") == normal(text).replace("\r\n", "\n").encode(
        "utf-8", "replace"
    )
    assert quopri.decodestring(quoted_printable.encode_value(text)) == quopri.decodestring(
        quoted_printable.encode(text)
    )


def test_what_depends_on_nobody_is_ready() -> None:
    plan = RenderPlan("{{ shop.name }}{% for t in shop.tags %}{{ t }}{% endfor %}", sandbox.HTML, FIXED)
    assert plan.ready_text == "A&amp;B &lt;Shop&gt;ab"
    assert (plan.hole_count, plan.block_count) == (0, 0)


def test_fields_of_a_person_are_read_without_template_code() -> None:
    source = "{{ customer.a|default('x') }}{{ customer.b }}{{ customer.a|d(1) }}"
    plan = RenderPlan(source, sandbox.HTML, FIXED)
    assert (plan.hole_count, plan.needs_jinja) == (3, False)
    assert plan.text({"customer": {"b": "<i>"}}) == "x&lt;i&gt;1"
    for other in ("{{ customer.a|upper }}", "{% set customer = shop %}{{ customer.name }}"):
        assert RenderPlan(other, sandbox.HTML, FIXED).needs_jinja


def test_plain_outputs_are_holes_and_only_control_flow_is_a_block() -> None:
    source = "{{ customer.a }}{{ _token }}{% if customer.b %}{{ customer.c }}{% endif %}"
    plan = RenderPlan(source, sandbox.HTML, FIXED)
    assert (plan.hole_count, plan.block_count) == (3, 1)
    assert plan.paths == {"customer.a", "_token", "customer.b", "customer.c"}


def test_a_recipient_cannot_forge_the_mark_between_blocks() -> None:
    source = "{% if customer.a %}{{ customer.a }}{% endif %}|{% if customer.a %}b{% endif %}"
    plan = RenderPlan(source, sandbox.TEXT, {})
    seen = plan.text({"customer": {"a": "x"}})
    assert seen == "x|b"
    other = RenderPlan(source, sandbox.TEXT, {})
    assert plan._mark != other._mark


def test_a_block_that_grows_too_large_is_stopped() -> None:
    plan = RenderPlan("{% for a in customer.l %}{{ customer.t }}{% endfor %}", sandbox.TEXT, {})
    with pytest.raises(sandbox.TemplateTooLarge):
        plan.text({"customer": {"l": [1] * 100, "t": "x" * 9_000}})
