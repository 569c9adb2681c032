"""Inlining: rules reach their elements, template tags stay where they are, and nothing else moves."""

import re

from hypothesis import given
from hypothesis import strategies as st

from storecast.messaging.inlining import MAX_DEPTH, inline

SHEET = "<style>.a { color: red; padding: 4px } @media (max-width: 400px) { .a { color: blue } }</style>"


def test_a_rule_is_written_into_its_elements_and_its_sheet_stays() -> None:
    assert inline(f'{SHEET}<p class="a">x</p><p>y</p>') == (
        f'{SHEET}<p style="color: red;padding: 4px;" class="a">x</p><p>y</p>'
    )


def test_a_style_of_the_element_itself_wins() -> None:
    assert (
        inline(f'{SHEET}<p class="a" style="color: green">x</p>')
        == f'{SHEET}<p class="a" style="padding: 4px;color: green">x</p>'
    )


def test_a_style_without_quotes_gets_them() -> None:
    assert inline(f"{SHEET}<p class=a style=color:green>x</p>") == (
        f'{SHEET}<p class=a style="padding: 4px;color: green">x</p>'
    )


def test_a_loop_between_rows_of_a_table_stays_there() -> None:
    rows = "<table>{% for p in ps %}<tr><td{0}>{{ p.t }}{% if p.n < 3 %}!{% endif %}</td></tr>{% endfor %}</table>"
    sheet = "<style>td { color: red }</style>"
    assert inline(sheet + rows.replace("{0}", "")) == sheet + rows.replace("{0}", ' style="color: red;"')


def test_what_a_sheet_prints_is_repeated_where_its_rule_goes() -> None:
    sheet = "<style>p { color: {{ brand.accent|default('#111') }} }</style>"
    assert inline(f"{sheet}<p>x</p><p>y</p>") == (
        f"{sheet}<p style=\"color: {{{{ brand.accent|default('#111') }}}};\">x</p>"
        f"<p style=\"color: {{{{ brand.accent|default('#111') }}}};\">y</p>"
    )


def test_what_an_attribute_prints_is_kept() -> None:
    body = """<p class="a" title='{{ customer.city|default("x") }}' style='margin: {{ n }}px'>x</p>"""
    assert inline(SHEET + body) == SHEET + body.replace(
        "margin: {{ n }}px", "color: red;padding: 4px;margin: {{ n }}px"
    )


def test_rules_that_depend_on_the_recipient_are_left_alone() -> None:
    source = "<style>{% if customer.city %}p { color: red }{% endif %}</style><p>x</p>"
    assert inline(source) == source


def test_a_sheet_of_media_queries_alone_changes_nothing() -> None:
    source = "<style>@media print { p { color: red } } @font-face { src: url(x) }</style><p>x</p>"
    assert inline(source) == source


def test_an_unknown_selector_changes_nothing() -> None:
    source = "<style>p::made-up( { color: red }</style><p>x</p>"
    assert inline(source) == source


def test_a_source_nested_beyond_measure_is_not_parsed() -> None:
    source = "<style>b { color: red }</style>" + "<b>" * 20_000
    assert inline(source) == source
    deep = "<i>" * (MAX_DEPTH - 1) + "</i>" * (MAX_DEPTH - 1)
    assert 'style="color: red;"' in inline(f"<style>i {{ color: red }}</style>{deep}")


PIECES = st.sampled_from(
    [
        *('<p class="a">', "</p>", "<td>", "<tr>", "<table>", "</table>", "<b style='margin:0'>", "</b>", "<br/>"),
        *("{{ customer.city }}", "{% if x < 3 %}", "{% endif %}", "{# < #}", "<!-- {{ x }} -->", "a &amp; b < c"),
        *('<i {% if x %}class="a"{% endif %}>', "<img src={{ u }}>", "<title>{{ t }}</title>", "jj1jj", '"', "'"),
    ]
)  # fmt: skip
STYLE = re.compile(r" style=(\"[^\"]*\"|'[^']*')")


@given(st.lists(PIECES, max_size=30))
def test_nothing_but_styles_changes(pieces: list[str]) -> None:
    source = SHEET + "".join(pieces)
    assert STYLE.sub("", inline(source)) == STYLE.sub("", source)
