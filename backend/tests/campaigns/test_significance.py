"""Values from tables and textbooks, and what must hold for any numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast.campaigns.significance import (
    ALPHA,
    Rate,
    Revenue,
    holm,
    incomplete_beta,
    judge,
    people_needed,
    t_quantile,
    t_upper_tail,
    two_proportions,
    welch,
)

rates = st.integers(0, 20_000).flatmap(lambda n: st.builds(Rate, st.just(n), st.integers(0, n)))


def revenue_of(*amounts: float, nothing: int = 0) -> Revenue:
    return Revenue(len(amounts) + nothing, len(amounts), sum(amounts), sum(a * a for a in amounts))


@pytest.mark.parametrize(
    ("freedom", "quantile"),
    [(1, 12.7062), (5, 2.5706), (10, 2.2281), (30, 2.0423), (120, 1.9799), (1e6, 1.95997)],
)
def test_students_distribution_is_that_of_the_tables(freedom: float, quantile: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(quantile, abs=1e-4)
    assert t_upper_tail(quantile, freedom) == pytest.approx(0.025, abs=1e-5)


def test_the_incomplete_beta_function_has_its_known_values() -> None:
    assert incomplete_beta(1, 1, 0.3) == pytest.approx(0.3)
    assert incomplete_beta(2, 3, 0.5) == pytest.approx(0.6875)
    assert incomplete_beta(0.5, 0.5, 0.25) == pytest.approx(2 / math.pi * math.asin(0.5))
    assert (incomplete_beta(2, 3, 0), incomplete_beta(2, 3, 1)) == (0, 1)


def test_the_two_proportion_test_is_the_textbooks() -> None:
    # z = (0.12 - 0.10) / sqrt(0.11 * 0.89 * 2/2000) = 2.0213
    assert two_proportions(Rate(2000, 240), Rate(2000, 200)) == pytest.approx(0.04325, abs=1e-5)
    assert two_proportions(Rate(100, 4), Rate(100, 3)) is None, "three and a half expected are too few"
    assert two_proportions(Rate(0, 0), Rate(100, 30)) is None


def test_welchs_test_is_the_textbooks() -> None:
    # Student's own data on sleep: t = -1.8608 with 17.776 degrees of freedom
    one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    assert welch(revenue_of(*one), revenue_of(*two)) == pytest.approx(0.07939, abs=1e-5)
    assert welch(revenue_of(9.0, 9.0, nothing=500), revenue_of(*[50.0] * 40, nothing=500)) is None


def test_wilsons_interval_is_the_known_one() -> None:
    low, high = Rate(100, 10).interval
    assert low == pytest.approx(0.05523, abs=1e-5)
    assert high == pytest.approx(0.17437, abs=1e-5)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert Rate(20, 0).interval[0] == 0.0


def test_holm_is_stricter_than_each_test_and_milder_than_bonferroni() -> None:
    assert holm([0.01, 0.04, 0.03]) == [pytest.approx(0.03), pytest.approx(0.06), pytest.approx(0.06)]
    assert holm([0.02, None, None]) == [pytest.approx(0.06), None, None], (
        "what was not tested counts as tried"
    )


def test_an_arm_wins_only_when_it_beats_every_other() -> None:
    sure = judge([Rate(5000, 500), Rate(5000, 700), Rate(5000, 505)])
    assert (sure.leader, sure.winner, sure.more_needed) == (1, 1, None)
    close = judge([Rate(5000, 500), Rate(5000, 700), Rate(5000, 690)])
    assert (close.leader, close.winner) == (1, None)
    assert close.more_needed is not None
    assert close.more_needed > 100_000


def test_what_one_comparison_would_call_significant_three_do_not() -> None:
    pair = [Rate(2000, 240), Rate(2000, 200)]
    assert judge(pair).winner == 0
    assert judge([*pair, Rate(2000, 198), Rate(2000, 199)]).winner is None


def test_the_number_that_is_still_needed_is_that_of_the_textbooks() -> None:
    # 10 % against 12 %, alpha 5 % two-sided, power 80 %: 3,841 an arm
    assert people_needed(Rate(1000, 120), Rate(1000, 100), ALPHA) == pytest.approx(3841, abs=1)
    judged = judge([Rate(1000, 120), Rate(1000, 100)])
    assert (judged.leader, judged.winner, judged.more_needed) == (0, None, 2 * 2841)


def test_equal_arms_have_no_leader() -> None:
    assert judge([Rate(1000, 100), Rate(1000, 100)]) == judge([Rate(0, 0), Rate(0, 0)])
    assert judge([Rate(1000, 100), Rate(1000, 100)]).leader is None


def test_revenue_has_a_winner_when_the_difference_is_no_whim_of_a_few_orders() -> None:
    steady = judge([revenue_of(*[40.0] * 300, nothing=4700), revenue_of(*[40.0] * 200, nothing=4800)])
    assert steady.winner == 0
    whim = judge([revenue_of(*[40.0] * 20, 9000.0, nothing=4979), revenue_of(*[40.0] * 22, nothing=4978)])
    assert (whim.leader, whim.winner) == (0, None)


@given(st.lists(rates, min_size=2, max_size=5))
def test_any_numbers_are_judged_soundly(arms: list[Rate]) -> None:
    judged = judge(arms)
    for arm in arms:
        low, high = arm.interval
        assert 0 <= low <= high <= 1
        assert not arm.people or low - 1e-9 <= arm.estimate <= high + 1e-9
    if judged.winner is not None:
        assert judged.winner == judged.leader
        assert judged.p_value is not None
        assert judged.p_value <= ALPHA
        best = arms[judged.winner]
        assert all(best.estimate > other.estimate for other in arms if other is not best)
        assert judged.more_needed is None
    elif judged.leader is not None:
        assert judged.more_needed is not None
        assert judged.more_needed > 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_adjusting_never_makes_anything_more_significant_nor_changes_the_order(p_values: list[float]) -> None:
    adjusted = [p if p is not None else 1.0 for p in holm(p_values)]
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    ranked = sorted(range(len(p_values)), key=lambda place: p_values[place])
    assert [adjusted[place] for place in ranked] == sorted(adjusted)


@given(st.floats(0.2, 50), st.floats(0.2, 50), st.floats(0, 1))
def test_the_beta_function_mirrors_itself(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) + incomplete_beta(b, a, 1 - x) == pytest.approx(1, abs=1e-9)
