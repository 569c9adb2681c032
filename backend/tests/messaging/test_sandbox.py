"""What hostile templates try, and what merchants may do."""

import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError

from storecast.messaging import preview, sandbox
from storecast.messaging.context import NAMES
from storecast.messaging.preview import RenderingFailed, Template

CONTEXT: dict[str, Any] = {
    "customer": {
        "first_name": "Zoë",
        "orders_count": 3,
        "total_spent": 1234.5,
        "last_order_at": "2026-05-01",
    },
    "shop": {"name": "A&B", "currency": "USD"},
    "products": [{"title": "One", "price": 5}, {"title": "Two", "price": 7}],
}

BOMBS_AND_ESCAPES = [
    "{{ 'a' * 10**9 }}",
    "{{ 10 ** 10000000 }}",
    "{{ [1]|slice(10**8) }}",
    "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
    "{% set a = 'aa' %}{% set a = a ~ a %}",
    "{% set a = 'aa' %}{% set a = a + a %}",
    "{% set a %}{{ a }}{{ a }}{% endset %}",
    "{% set a = [a, a] %}",
    "{{ 'a'|replace('a', 'a'*1000) }}",
    "{{ 'a'|center(1000000000) }}",
    "{{ 'a'|indent(1000000000) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ customer.first_name % 1 }}",
    "{{ lipsum(n=100000) }}",
    "{{ 'a'|ljust(9) }}",
    "{{ 1|round(1000000, 'ceil') }}",
    "{{ customer.last_order_at|date('%999999999d') }}",
    "{{ 'a'|join(customer.first_name) }}",
    "{{ " + "9" * 5000 + " }}",
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "{{ " + "not " * 500 + "1 }}",
    "x" * (sandbox.MAX_SOURCE_BYTES + 1),
    "{{ 1 }}" * (sandbox.MAX_NODES + 1),
    "{{ ''.__class__.__mro__ }}",
    "{{ ''['__class__'] }}",
    "{{ customer.__init__ }}",
    "{{ ''|attr('__class__') }}",
    "{{ [customer]|map(attribute='__class__')|list }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ self }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner() }}",
    "{{ namespace() }}",
    "{{ caller }}",
    "{{ _turns }}",
    "{% include '/etc/passwd' %}",
    "{% import 'x' as x %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block a %}{% endblock %}",
    "{% macro a() %}{% endmacro %}",
    "{% call a() %}{% endcall %}",
    "{% filter upper %}a{% endfilter %}",
    "{% autoescape false %}{{ x }}{% endautoescape %}",
    "{{ customer|safe }}",
    "{{ customer|tojson }}",
    "{{ customer|pprint }}",
    "{% for a in b recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a, b in customer %}{% endfor %}",
    "{% for a in customer.first_name|upper %}{% endfor %}",
    "{{ {'a': 1} }}",
    "{% do 1 %}",
    "{{ customer.first_name[customer.orders_count] }}",
    "{% for a in l %}" * 4 + "{% endfor %}" * 4,
]


@pytest.mark.parametrize("source", BOMBS_AND_ESCAPES, ids=lambda source: source[:40])
def test_bombs_and_escapes_are_refused_at_save(source: str) -> None:
    faults = sandbox.check(source)
    assert faults
    assert all(fault.line >= 1 and fault.column >= 1 and fault.message for fault in faults)


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("Hi {{ customer.first_name|default('you') }}", "Hi Zoë"),
        ("Hi {{ customer.last_name|default('you') }}", "Hi you"),
        ("{{ shop.name }}", "A&amp;B"),
        ("{{ customer.nothing.at.all }}", ""),
        ("{{ nobody > 3 }}{{ nobody + 1 }}{{ nobody|round }}{{ nobody|abs }}", "False"),
        ("{{ customer.total_spent|money }}", "$1,234.50"),
        ("{{ customer.last_order_at|date('%d.%m.%y') }}", "01.05.26"),
        ("{{ customer.last_order_at|date }}", "1 May 2026"),
        ("{% for p in products %}{{ loop.index }}{{ p.title }}{% endfor %}", "1One2Two"),
        ("{% for p in products %}{{ 'odd' if loop.index % 2 else 'even' }} {% endfor %}", "odd even "),
        ("{% for p in nothing %}x{% else %}none{% endfor %}", "none"),
        ("{% for p in customer.first_name %}x{% else %}none{% endfor %}", "none"),
        ("{% if customer.orders_count > 2 %}VIP{% endif %}", "VIP"),
        ("{{ customer.orders_count * 1.5 }}", "4.5"),
        ("{{ customer.orders_count + 1 }}", "4"),
        ("{{ customer.first_name[:1] }}", "Z"),
        ("{% set name = customer.first_name|default('x') %}{{ name|upper }}", "ZOË"),
        ("{{ 'x' if customer.country in ['US', 'CA'] else 'y' }}", "y"),
        ("{% raw %}{{ as is }}{% endraw %}", "{{ as is }}"),
        ("{{ customer['first_name'] }}", "Zoë"),
        ("{{ 'abc'|join('-') }}", "abc"),
    ],
)
def test_what_merchants_may_write(source: str, rendered: str) -> None:
    assert sandbox.check(source) == []
    assert sandbox.render(source, CONTEXT, html=True) == rendered


def test_only_entries_of_the_context_can_be_reached() -> None:
    for source in (
        "{{ customer.items }}",
        "{{ customer.keys }}",
        "{{ products.append }}",
        "{{ shop.name.format }}",
    ):
        assert sandbox.check(source) == []
        assert sandbox.render(source, CONTEXT, html=False) == ""


def test_output_and_loops_are_counted() -> None:
    source = "{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}"
    assert sandbox.check(source) == []
    with pytest.raises(sandbox.TemplateTooLarge, match="turns"):
        sandbox.render(source, {"l": [1] * 100}, html=True)
    with pytest.raises(sandbox.TemplateTooLarge, match="more than 100"):
        sandbox.render("{% for a in l %}{% endfor %}", {"l": [1] * 101}, html=True)
    with pytest.raises(sandbox.TemplateTooLarge, match="larger"):
        sandbox.render(
            "{% for a in l %}{{ text }}{% endfor %}", {"l": [1] * 100, "text": "x" * 9000}, html=True
        )


def test_faults_say_line_and_column() -> None:
    source = "<p>\n  {{ customer.first_name|nope }}\n  {{ 'a' * 3 }}</p>"
    assert [(fault.line, fault.column) for fault in sandbox.check(source)] == [(2, 25), (3, 10)]
    assert sandbox.check("a\n{% endfor %}")[0].line == 2


def test_unknown_names_and_fields_are_faults_only_when_the_names_are_known() -> None:
    assert sandbox.check("{{ custmer.first_name }}") == []
    (fault,) = sandbox.check("{{ custmer.first_name }}", NAMES)
    assert "Nothing is called custmer" in fault.message
    (fault,) = sandbox.check("{{ customer.frist_name }}", NAMES)
    assert fault.column == 13
    assert sandbox.check("{% for p in shop %}{{ p.anything }}{{ loop.index }}{% endfor %}", NAMES) == []


def test_variables_and_unguarded_paths() -> None:
    source = (
        "{{ customer.first_name }}{{ customer.city|default('x') }}{{ customer.country|upper }}"
        "{% if customer.last_name %}{{ customer.last_name }}{% endif %}"
        "{% for p in products %}{{ p.title }}{% endfor %}"
    )
    assert sandbox.variables(source) == [
        "customer.city", "customer.country", "customer.first_name", "customer.last_name", "products",
    ]  # fmt: skip
    assert sandbox.unguarded_paths(source) - {"p.title"} == {"customer.first_name", "customer.country"}


@pytest.mark.parametrize(
    "source", ["{{ 'a' * 10**9 }}", "{{ 10 ** 10000000 }}", "{{ [1]|slice(10**8)|list }}"]
)
def test_a_bomb_that_passed_the_check_dies_in_its_process(source: str) -> None:
    with pytest.raises(RenderingFailed):
        preview.render({"html": Template(source, html=True)}, {})


def test_the_preview_process_renders_and_names_the_field_that_fails() -> None:
    templates = {"subject": Template("{{ a }}", html=False), "html": Template("<b>{{ a }}</b>", html=True)}
    assert preview.render(templates, {"a": "<&>"}) == {"subject": "<&>", "html": "<b>&lt;&amp;&gt;</b>"}
    templates["html"] = Template("{{ a + 1 }}", html=True)
    with pytest.raises(RenderingFailed) as caught:
        preview.render(templates, {"a": "x"})
    assert caught.value.field == "html"


_WORDS = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "customer", ".first_name", ".__class__", "['", "']", "|", "upper", "join", "default",
        "('x')", "for ", "in ", "endfor", "if ", "else", "endif", "set ", "=", "+", "*", "**", "%", "~", "(", ")", "[",
        "]", "products", "loop", ".index", "1", "9" * 30, "'a'", " ", "\n", "range", "self", "e", "round", "money",
    ]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=30).map("".join))
@settings(max_examples=400, deadline=2_000, suppress_health_check=[HealthCheck.too_slow])
def test_any_template_is_refused_or_renders_small_and_quickly(source: str) -> None:
    if sandbox.check(source):
        return
    try:
        text = sandbox.render(source, CONTEXT, html=True)
    except (TemplateError, TypeError, ValueError, ArithmeticError):
        return
    assert len(text) <= 100 * len(source) + 1_000
    assert "built-in" not in text
    assert "object at 0x" not in text


@given(st.text(alphabet=string.printable, max_size=80))
@settings(max_examples=200, deadline=None)
def test_check_never_fails_on_any_text(source: str) -> None:
    for fault in sandbox.check(source):
        assert fault.line >= 1
