"""Groups part the buyers exactly, whatever the shop looks like, and the same buyers make the same groups."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.ai import clusters, service
from storecast.ai.grid import QUANTILES, Cell, Spread, edges_of, rules_of, whole
from storecast.ai.labels import LABELS, Figures, Label, labels_of
from storecast.ai.models import MicroSegment
from storecast.kit.clock import utcnow
from storecast.kit.types import ShopId
from storecast.segments.compiler import Calendar, select_members
from storecast.segments.rules import parse
from storecast.shops.models import Shop
from tests.ai.buyers import Buyer, mixed, store

BUYERS = st.lists(
    st.builds(
        Buyer,
        orders=st.integers(1, 4) | st.integers(1, 60),
        # A refund after the order's total was lowered leaves less than nothing.
        spent_minor=st.integers(-500, 30_000) | st.sampled_from([0, 5_000, 9_999, 10_000, 900_000_000]),
        # Half days meet the shop's midnight on either side; an instant to come is a clock that is ahead.
        days=st.integers(-2, 1_500).map(lambda half_days: half_days / 2)
        | st.sampled_from([30.0, 90.0, 4_000.0]),
    ),
    min_size=service.FEWEST_BUYERS,
    max_size=90,
)
ALIKE = [Buyer(orders=1, spent_minor=5_000, days=30.0)] * service.FEWEST_BUYERS


def found(session: Session) -> list[MicroSegment]:
    return list(session.scalars(select(MicroSegment).order_by(MicroSegment.id)))


def members(session: Session, shop_id: ShopId, tree: dict[str, Any], calendar: Calendar) -> set[int]:
    chosen = select_members(shop_id, parse(tree, currency=calendar.currency), calendar)
    return set(session.scalars(chosen.with_only_columns(chosen.selected_columns.id)))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    buyers=BUYERS,
    others=st.integers(0, 5),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    zone=st.sampled_from(["America/New_York", "Asia/Kathmandu", "UTC"]),
)
@example(buyers=ALIKE, others=2, currency="USD", zone="UTC")
def test_every_buyer_is_in_exactly_one_group_by_the_sql_of_segments(
    session: Session, shop: Shop, buyers: list[Buyer], others: int, currency: str, zone: str
) -> None:
    shop_id = ShopId(shop.id)
    savepoint = session.begin_nested()
    try:
        session.execute(update(Shop).values(currency=currency, timezone=zone))
        now = utcnow()
        ids = store(session, shop_id, buyers, now)
        store(session, shop_id, [Buyer(0, 0, 0)] * others, now)

        service.find(session, shop_id)

        suggestions = found(session)
        assert len(suggestions) <= clusters.MOST
        calendar = Calendar(now=suggestions[0].found_at, timezone=zone, currency=currency)
        groups = [members(session, shop_id, dict(each.rules), calendar) for each in suggestions]
        # As a list: a member of two groups would be there twice.
        assert sorted(one for group in groups for one in group) == sorted(ids)
        assert [each.customers for each in suggestions] == [len(group) for group in groups]
        assert len({(each.label, each.number) for each in suggestions}) == len(suggestions)
        assert {each.label for each in suggestions} <= set(LABELS)
        assert max(len(each.rules["rules"]) for each in suggestions) <= 5  # type: ignore[arg-type]
        # A day later the edges have moved, and they still part the buyers.
        later = Calendar(now=calendar.now + timedelta(days=1), timezone=zone, currency=currency)
        moved = [members(session, shop_id, dict(each.rules), later) for each in suggestions]
        assert sorted(one for group in moved for one in group) == sorted(ids)
    finally:
        savepoint.rollback()
        session.expire_all()


def grid_of(buyers: list[Buyer]) -> tuple[list[Cell], Any]:
    """The buyers' cells, counted without a database."""

    def at(values: list[int]) -> list[int]:
        ordered = sorted(values)
        return [ordered[max(0, -int(-level * len(ordered) // 1) - 1)] for level in QUANTILES]

    rows = [(buyer.orders, buyer.spent_minor, max(0, int(buyer.days))) for buyer in buyers]
    edges = edges_of(Spread(len(rows), *(at([row[axis] for row in rows]) for axis in range(3))), "USD")
    cells: dict[Any, list[int]] = {}
    for row in rows:
        place = tuple(
            sum(value >= edge for edge in axis) for value, axis in zip(row, edges.axes, strict=True)
        )
        sums = cells.setdefault(place, [0, 0, 0, 0])
        for index, value in enumerate((1, *row)):
            sums[index] += value
    return [Cell(place, *sums) for place, sums in cells.items()], edges


@settings(max_examples=80, deadline=None)
@given(buyers=BUYERS, shuffled=st.randoms(use_true_random=False))
def test_boxes_part_the_cells_and_do_not_depend_on_their_order(buyers: list[Buyer], shuffled: Any) -> None:
    cells, edges = grid_of(buyers)
    boxes = clusters.partition(cells, edges)
    assert 1 <= len(boxes) <= clusters.MOST
    assert all(sum(box.holds(cell.place) for box in boxes) == 1 for cell in cells)
    sizes = [sum(cell.buyers for cell in cells if box.holds(cell.place)) for box in boxes]
    assert len(boxes) == 1 or min(sizes) >= clusters.SMALLEST
    again = list(cells)
    shuffled.shuffle(again)
    assert clusters.partition(again, edges) == boxes


def test_groups_that_a_person_would_see_are_found_and_named() -> None:
    cells, edges = grid_of(mixed())
    boxes = clusters.partition(cells, edges)
    groups = {
        frozenset(
            kind
            for number, buyer in enumerate(mixed())
            for kind in [("regular", "new", "gone", "lost")[number % 4]]
            if box.holds(place_of(buyer, edges))
        )
        for box in boxes
    }
    # However many boxes there are, none mixes two of the four kinds.
    assert groups == {frozenset({kind}) for kind in ("regular", "new", "gone", "lost")}


def place_of(buyer: Buyer, edges: Any) -> Any:
    values = (buyer.orders, buyer.spent_minor, int(buyer.days))
    return tuple(sum(value >= edge for edge in axis) for value, axis in zip(values, edges.axes, strict=True))


@pytest.mark.parametrize(
    ("currency", "spent_minor", "edges"),
    [
        ("USD", [100, 1_900, 4_200, 9_700, 13_900, 71_000, 90_000], (2_000, 4_000, 10_000, 15_000, 80_000)),
        ("JPY", [100, 1_900, 4_200, 9_700, 13_900, 71_000, 90_000], (2_000, 4_000, 10_000, 15_000, 80_000)),
        ("KWD", [100, 1_900, 4_200, 9_700, 13_900, 71_000, 90_000], (2_000, 4_000, 10_000, 15_000, 80_000)),
        ("USD", [0, 0, 0, 0, 0, 0, 0], ()),
        ("USD", [-500, -500, 10, 90, 250, 260, 270], (100,)),
    ],
)
def test_edges_are_numbers_that_people_would_choose(
    currency: str, spent_minor: list[int], edges: tuple[int, ...]
) -> None:
    spread = Spread(50, [1, 1, 1, 1, 2, 7, 40], spent_minor, [2, 16, 40, 100, 200, 400, 401])
    found = edges_of(spread, currency)
    assert found.spent_minor == edges
    assert (found.orders, found.days) == ((2, 8), (14, 45, 90, 180, 365))


def test_a_box_is_told_by_the_ranges_that_bound_it_and_no_others() -> None:
    _cells, edges = grid_of(mixed())
    box = whole(edges)
    assert rules_of(box, edges, "USD") == {
        "op": "and",
        "rules": [{"field": "orders_count", "operator": "gte", "value": 1}],
    }
    before, behind = box.cut(0, 1)
    recent, old = behind.cut(2, 1)
    cheap, dear = recent.cut(1, 1)
    assert rules_of(before, edges, "USD")["rules"] == [
        {"field": "orders_count", "operator": "eq", "value": 1}
    ]
    assert [rule["operator"] for rule in rules_of(old, edges, "USD")["rules"]] == ["gte", "not_in_last_days"]
    assert [rule["operator"] for rule in rules_of(cheap, edges, "USD")["rules"]] == [
        "gte", "lt", "in_last_days",
    ]  # fmt: skip
    amount = str(edges.spent_minor[0] // 100)
    assert {"field": "total_spent", "operator": "gte", "value": amount} in rules_of(dear, edges, "USD")[
        "rules"
    ]


def test_labels_say_what_is_true_and_name_nobody_twice() -> None:
    # The groups that the CDNOW store has, best first.
    groups = [
        Figures(16.9, 67_812, 37), Figures(6.1, 29_026, 50), Figures(5.0, 26_693, 219), Figures(2.1, 11_917, 478),
        Figures(3.8, 8_493, 60), Figures(3.1, 7_412, 235), Figures(1.2, 2_506, 499),
    ]  # fmt: skip
    assert [label.key for label in labels_of(groups)] == [
        "champions", "loyal", "at_risk", "lapsed", "promising", "occasional", "one_time",
    ]  # fmt: skip
    new = Figures(1, 2_000, 12)
    alike = labels_of([new] * clusters.MOST)
    assert len(set(alike)) == clusters.MOST
    assert {label.key for label in alike} <= {"new", "promising", "one_time", "occasional"}
    assert labels_of([new]) == [Label("promising")]


@given(
    groups=st.lists(
        st.builds(
            Figures, orders=st.floats(1, 50), spent_minor=st.integers(-500, 10**6), days=st.integers(0, 3_000)
        ),
        min_size=1,
        max_size=clusters.MOST,
    )
)
def test_no_label_is_a_lie(groups: list[Figures]) -> None:
    labels = labels_of(groups)
    assert len(set(labels)) == len(groups)
    for group, label in zip(groups, labels, strict=True):
        if label.key in {"new", "one_time"}:
            assert group.orders < 1.25
        if label.key in {"loyal", "at_risk", "slipping"}:
            assert group.orders >= 1.25
        if label.key in {"champions", "loyal", "promising"}:
            assert group.days <= 365
        if label.key in {"at_risk", "lapsed", "slipping"}:
            assert group.days >= 60
