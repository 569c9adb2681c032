"""Links are numbered without touching anything else."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from storecast.messaging import links, markup, text_part
from storecast.messaging.links import track
from storecast.messaging.personal_links import PersonalLinks
from storecast.messaging.tokens import Tokens

UTM = {"utm_source": "storecast", "utm_campaign": "cmp_1"}


def nothing(_attribute: str) -> str | None:
    return None


@pytest.mark.parametrize(
    ("source", "rewritten", "urls"),
    [
        (
            '<a class=b href="https://x.example/a?b=1&amp;c=2#f">x</a>',
            '<a class=b href="E/c/{{ _token }}/1">x</a>',
            ["https://x.example/a?b=1&c=2&utm_source=storecast&utm_campaign=cmp_1#f"],
        ),
        (
            "<A HREF = 'http://x.example'>",
            "<A HREF = 'E/c/{{ _token }}/1'>",
            ["http://x.example/?utm_source=storecast&utm_campaign=cmp_1"],
        ),
        ("<a href=https://x.example/>", "<a href=E/c/{{ _token }}/1>", None),
        ('<a href="https://x.example/?utm_source=mine">', None, ["https://x.example/?utm_source=mine&utm_campaign=cmp_1"]),
        ('<a href="mailto:a@b.example">', "same", []),
        ('<a href="tel:+1">', "same", []),
        ('<a href="#top">', "same", []),
        ('<a href="{{ unsubscribe_url }}">', "same", []),
        ('<a href="https://x.example/{{ customer.id }}">', "same", []),
        ('<!-- <a href="https://x.example/"> -->', "same", []),
        ('<style>a[href="https://x.example/"]{}</style>', "same", []),
        ('<img src="https://x.example/"><link href="https://x.example/">', "same", []),
        ('<a title="a > b" href="https://x.example/">', '<a title="a > b" href="E/c/{{ _token }}/1">', None),
        ('{% raw %}<a href="https://x.example/">{% endraw %}', "same", []),
        ('{{ "<a href=\'https://x.example/\'>" }}', "same", []),
        ("<table>{% for p in l %}<tr><td>{{ p }}</td></tr>{% endfor %}</table>", "same", []),
    ],
)  # fmt: skip
def test_track(source: str, rewritten: str | None, urls: list[str] | None) -> None:
    tracked = track(source, edge_url="E", utm=UTM, resolve=nothing)
    if rewritten is not None:
        assert tracked.source == (source if rewritten == "same" else rewritten)
    if urls is not None:
        assert list(tracked.urls) == urls


def test_an_address_that_is_the_same_for_all_is_resolved() -> None:
    source = '<a href="{{ shop.url }}/sale">'
    tracked = track(
        source, edge_url="E", utm={}, resolve=lambda text: text.replace("{{ shop.url }}", "https://s")
    )
    assert tracked.urls == ("https://s/sale",)


@pytest.mark.parametrize(
    ("address", "tracked"),
    [
        ("https://x.example/{{ customer.city }}", True),
        ("{{ checkout.url }}", True),
        (" HTTP://x.example/?a={{ customer.city }}&amp;b=1", True),
        ("https://x.example/{% if customer.city %}a{% else %}b{% endif %}", True),
        ("mailto:{{ customer.email }}", False),
        ("#{{ customer.city }}", False),
        ("/{{ customer.city }}", False),
    ],
)
def test_an_address_that_differs_by_person_is_numbered_and_kept_as_written(
    address: str, tracked: bool
) -> None:
    source = f'<a href="https://x.example/">1</a><a href="{address}">2</a>'
    found = track(source, edge_url="E", utm=UTM, resolve=nothing, is_personal=lambda _attribute: True)
    if not tracked:
        assert (len(found.urls), found.personal) == (1, frozenset())
        return
    assert f'href="{{% filter _link(_links, _token, 2) %}}{address}{{% endfilter %}}">2' in found.source
    assert (found.urls[1], found.personal) == (html.unescape(address).strip(), frozenset({2}))
    assert found.fixed_urls == ["https://x.example/?utm_source=storecast&utm_campaign=cmp_1"]


@pytest.mark.parametrize(
    ("rendered", "target"),
    [
        ("https://x.example/New York?q=1#top", "https://x.example/New%20York?q=1&utm_source=storecast#top"),
        ("https://x.example/M\u00fcnchen%20", "https://x.example/M%C3%BCnchen%20?utm_source=storecast"),
        (
            "https://x.example/a\r\nSet-Cookie: b=1",
            "https://x.example/a%0D%0ASet-Cookie:%20b=1?utm_source=storecast",
        ),
        (Markup("https://x.example/?a=1&amp;b=2"), "https://x.example/?a=1&b=2&utm_source=storecast"),
        ("javascript:alert(1)", None),
        ("//x.example/", None),
        ("https:///path", None),
        ("https://x.example:port/", None),
        ("mailto:a@b.example", None),
        ("", None),
        ("https://x.example/" + "a" * 1_500, None),
    ],
)
def test_what_is_rendered_is_sealed_when_it_is_an_address_of_the_web(
    rendered: str, target: str | None
) -> None:
    tokens = Tokens(b"a secret of the tests, 32 bytes long")
    token = tokens.mint(7, 41, 4242)
    written = PersonalLinks(tokens, "https://e", {"utm_source": "storecast"}).write(rendered, token, 3)
    if target is None:
        assert written == rendered
        return
    prefix = f"https://e/c/{token}/3/"
    assert written.startswith(prefix)
    assert tokens.open_address(token, 3, written.removeprefix(prefix)) == target
    assert len(written) < 2_200


@given(st.text(alphabet="<>a href=\"'/{}%#!-https:.x \n", max_size=120))
def test_tracking_is_total_and_numbers_every_link_once(source: str) -> None:
    tracked = track(source, edge_url="E", utm={}, resolve=nothing)
    assert tracked.source.count("E/c/{{ _token }}/") >= len(tracked.urls)
    if not tracked.urls:
        assert tracked.source == source


@pytest.mark.parametrize(
    "hostile",
    [
        "<a " * 60_000,
        "<a " + "x" * 190_000 + ">",
        "<!--" * 50_000,
        "{% raw %}" + "{{" * 90_000 + "{% endraw %}",
    ],
    ids=["tags", "attribute", "comments", "raw"],
)
@pytest.mark.timeout(20)
def test_hostile_markup_costs_its_length_once(hostile: str) -> None:
    track(hostile, edge_url="E", utm={}, resolve=nothing)
    links.faults(hostile)
    text_part.from_html(hostile)


def test_pixel_and_preheader_go_where_they_belong() -> None:
    page = "<html><body class=x><p>Hi</p></body></html>"
    assert links.with_open_pixel(page) == "<html><body class=x><p>Hi</p>{{ _open_pixel }}</body></html>"
    assert links.with_open_pixel("<p>Hi</p>") == "<p>Hi</p>{{ _open_pixel }}"
    assert links.with_preheader(page, "") == page
    with_line = links.with_preheader(page, "5 < 6 {{ customer.first_name|default('<') }}")
    assert with_line.startswith('<html><body class=x><div style="display:none')
    assert "5 &lt; 6 {{ customer.first_name|default('<') }}" in with_line


def test_faults_name_dangerous_addresses_with_their_position() -> None:
    source = '<p>\n<a href="java\nscript:alert(1)">x</a><a href="https://">y</a><script></script>'
    found = [(fault.line, fault.column) for fault in links.faults(source)]
    assert found == [(2, 10), (3, 32), (3, 47)]
    assert (
        links.faults('<a href="{{ shop.url }}/x"><img src="https://a.example/b.png"><a href="mailto:a@b.c">')
        == []
    )


def test_the_text_part_keeps_words_links_and_template_tags() -> None:
    source = (
        "<html><head><title>T</title><style>p{}</style></head><body>"
        '<div style="display:none">pre<div>x</div></div><h1>Big &amp; bold</h1><p>One\n two<br>three</p>'
        "<ul><li>a</li><li>b</li></ul>{% if customer.x > 3 %}<b>VIP</b>{% endif %}"
        '<a href="https://x.example/">Shop</a> <a href="https://y.example/">https://y.example/</a>'
        '<img src="x" alt="A picture"></body></html>'
    )
    assert text_part.from_html(source) == (
        "Big & bold\n\nOne two\nthree\n\n- a\n- b\n\n{% if customer.x > 3 %}VIP{% endif %}"
        "Shop (https://x.example/) https://y.example/A picture\n"
    )


def test_an_entity_cannot_hide_a_template_tag_from_the_check() -> None:
    source = "<p>&#123;&#123; 10 ** 10 &#125;&#125; &#123;% x</p>"
    assert "{{" not in text_part.from_html(source)
    assert "{%" not in text_part.from_html(source)


def test_a_condition_around_attributes_has_no_text_of_its_own() -> None:
    assert text_part.from_html("<p {% if a %}>x</p><p {% endif %}>y</p>") == "x\n\ny\n"


def test_masking_keeps_positions() -> None:
    source = "a{{ b }}c{% if d %}e{# f #}"
    masked = markup.mask(source)
    assert len(masked) == len(source)
    assert masked.replace(markup.OPAQUE, "") == "ace"
