"""Loops over products written out: the same text, and links that can be numbered."""

from hypothesis import given
from hypothesis import strategies as st

from storecast.messaging import sandbox
from storecast.messaging.product_blocks import written_out

PRODUCTS = {
    "newest": [{"title": "A & B", "url": "https://s.example/a", "price": 12.5}, {"title": "C", "url": "/c"}],
    "picked": [],
}
CONTEXT = {"products": PRODUCTS, "shop": {"currency": "EUR"}, "customer": {"city": "Rome"}}


def test_each_product_stands_for_itself() -> None:
    loop = '{% for p in products.newest %}<a href="{{ p.url }}">{{ p.title }}</a>{% endfor %}'
    assert written_out(loop, PRODUCTS) == (
        '<a href="{{ products.newest[0].url }}">{{ products.newest[0].title }}</a>'
        '<a href="{{ products.newest[1].url }}">{{ products.newest[1].title }}</a>'
    )


def test_an_empty_or_unknown_list_leaves_nothing() -> None:
    assert written_out("a{% for p in products.picked %}x{% endfor %}b", PRODUCTS) == "ab"
    assert written_out("a{% for p in products.other %}x{% endfor %}b", PRODUCTS) == "ab"


def test_loops_that_hold_more_than_outputs_and_conditions_stay() -> None:
    for body in (
        "{% for q in products.newest %}{{ q.title }}{% endfor %}",
        "{% set p = 1 %}",
        "x{% else %}nothing",
    ):
        source = "{% for p in products.newest %}" + body + "{% endfor %}"
        inner_only = source.replace(
            "{% for q in products.newest %}{{ q.title }}{% endfor %}",
            "{{ products.newest[0].title }}{{ products.newest[1].title }}",
        )
        assert written_out(source, PRODUCTS) == inner_only
    other = "{% for p in customer.recently_viewed %}{{ p.title }}{% endfor %}"
    assert written_out(other, PRODUCTS) == other


BODIES = st.lists(
    st.sampled_from(
        [
            *("{{ p.title }}", "{{ p.price|money }}", "{{ p.missing|default('p.title') }}", "p "),
            *("{{ customer.city }}", "{# p #}", "&amp;"),
            *("{{ loop.index }}", "{% if loop.first %}first{% else %}other{% endif %}", "{{ loop.revindex0 }}"),
            *('{{ "p" }}', "{% if p.price %}{{ p.price }}{% elif loop.last %}last{% endif %}",),
            *("{{ p['title'] }}", "{{ loop.length }}"),
        ]
    ),
    max_size=8,
)  # fmt: skip


@given(BODIES, st.sampled_from(["newest", "picked", "other"]))
def test_what_is_written_out_renders_as_the_loop_does(body: list[str], name: str) -> None:
    source = "<" + "{% for p in products." + name + " %}" + "".join(body) + "{% endfor %}>"
    out = written_out(source, PRODUCTS)
    assert "{% for" not in out
    assert sandbox.check(out) == []
    assert sandbox.render(out, CONTEXT, html=True) == sandbox.render(source, CONTEXT, html=True)
