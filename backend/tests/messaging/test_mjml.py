"""MJML: compiles around template tags, and says where it does not."""

import pytest

from storecast.messaging import mjml, sandbox
from storecast.messaging.mjml import Broken
from storecast.messaging.sandbox import Fault


def body(inner: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"


def test_template_tags_pass_in_text_attributes_and_between_sections() -> None:
    html = mjml.to_html(
        "<mjml><mj-head><mj-title>{{ campaign.name }}</mj-title></mj-head><mj-body>"
        "<mj-raw>{% for product in products.newest %}</mj-raw><mj-section><mj-column>"
        '<mj-button href="{{ product.url }}" background-color="{{ brand.accent|default(\'#111111\') }}">Buy</mj-button>'
        '<mj-text>{% if customer.orders_count < 3 %}A &amp; {{ customer.first_name|default("B") }}{% endif %}</mj-text>'
        "</mj-column></mj-section><mj-raw>{% endfor %}</mj-raw></mj-body></mjml>"
    )
    assert sandbox.check(html) == []
    assert "<title>{{ campaign.name }}</title>" in html
    assert 'href="{{ product.url }}"' in html
    assert "background:{{ brand.accent|default('#111111') }};" in html
    assert (
        '{% if customer.orders_count < 3 %}A &amp; {{ customer.first_name|default("B") }}{% endif %}' in html
    )
    assert html.index("{% for product") < html.index('href="{{ product.url }}"') < html.index("{% endfor %}")


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("<p>x</p>", Fault(1, 1, "MJML begins with <mjml>.")),
        ("", Fault(1, 1, "MJML begins with <mjml>.")),
        (
            "<mjml>\n<mj-body>\n  <mj-foo />\n</mj-body></mjml>",
            Fault(3, 3, "There is no element <mj-foo> in MJML."),
        ),
        (
            '<mjml>\n<mj-include path="/etc/passwd" /></mjml>',
            Fault(2, 1, "Other files cannot be included."),
        ),
        ("<mjml><mj-body>\n<mj-section></mj-body></mjml>", Fault(2, 13, "</mj-body> closes nothing.")),
        ("<mjml>\n <mj-body>", Fault(2, 2, "<mj-body> is not closed.")),
        (
            body("<mj-text>jj7jj</mj-text>"),
            Fault(1, 1, "The source holds a word that stands for a template tag here, such as jj1jj."),
        ),
        (
            "<mjml><mj-body>" + "<mj-wrapper>" * 5_000 + "</mj-wrapper>" * 5_000 + "</mj-body></mjml>",
            Fault(1, 1, "The elements are nested more than 60 levels deep."),
        ),
        (
            body("<mj-text>" + "<div>" * 10_000 + "</mj-text>"),
            Fault(1, 1, "The elements are nested more than 60 levels deep."),
        ),
        ("<mjml>" + "x" * 200_000 + "</mjml>", Fault(1, 1, "The source is larger than 200,000 bytes.")),
    ],
)
def test_a_fault_is_told_at_its_place(source: str, fault: Fault) -> None:
    with pytest.raises(Broken) as caught:
        mjml.to_html(source)
    assert caught.value.fault == fault


def test_what_the_compiler_refuses_is_told_at_its_line() -> None:
    with pytest.raises(Broken) as caught:
        mjml.to_html(
            "<mjml>\n<mj-body>\n{{ a }} <mj-section><mj-social><p>x</p></mj-social></mj-section></mj-body></mjml>"
        )
    assert caught.value.fault == Fault(3, 1, "This is no MJML: unexpected element.")
