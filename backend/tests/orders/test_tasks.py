"""Scores by night: every installed shop gets one job, which cuts the fifths anew."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storecast.customers.models import CustomerFacts
from storecast.db.session import platform_session, tenant_session
from storecast.entrypoints.modules import register_jobs
from storecast.kit.types import ShopId
from storecast.orders.jobs import RescoreCustomers, RescoreEverywhere
from storecast.orders.tasks import rescore_customers, rescore_everywhere
from storecast.shops.models import Shop
from storecast.worker import schedule
from storecast.worker.models import OutboxJob
from tests.factories.context import Context
from tests.factories.story import Story


def scores(session: Session) -> list[tuple[int | None, ...]]:
    found = select(CustomerFacts.rfm_recency, CustomerFacts.rfm_frequency, CustomerFacts.rfm_monetary)
    return [tuple(row) for row in session.execute(found.order_by(CustomerFacts.customer_id))]


def test_every_installed_shop_gets_one_job_however_many_nights_pile_up(
    shop: Shop, other_shop: Shop, make_shop: Callable[[str], Shop], platform: Session
) -> None:
    gone = make_shop("gone")
    with platform_session() as session:
        session.execute(update(Shop).where(Shop.id == gone.id).values(state="uninstalled"))

    for _ in range(2):
        rescore_everywhere(RescoreEverywhere(), Context(None))

    staged = platform.execute(select(OutboxJob.shop_id, OutboxJob.name).order_by(OutboxJob.shop_id)).all()
    assert staged == [(shop.id, RescoreCustomers.name), (other_shop.id, RescoreCustomers.name)]


def test_the_fifths_are_those_of_today(shop: Shop, other_shop: Shop) -> None:
    shop_id = ShopId(shop.id)
    with tenant_session(shop_id) as session:
        told = Story(session, shop)
        for number in range(5):
            buyer = told.customer()
            told.order(buyer, timedelta(days=50 - 10 * number), total_minor=1000 * (5 - number))
        told.customer()
        # Scores drift while buyers are placed one by one: at worst all are the same.
        session.execute(update(CustomerFacts).values(rfm_recency=1, rfm_frequency=1, rfm_monetary=1))
    with tenant_session(ShopId(other_shop.id)) as session:
        Story(session, other_shop).customer()
        session.execute(update(CustomerFacts).values(rfm_recency=1))

    rescore_customers(RescoreCustomers(), Context(shop_id))

    with tenant_session(shop_id) as session:
        assert scores(session) == [(1, 1, 5), (2, 1, 4), (3, 1, 3), (4, 1, 2), (5, 1, 1), (None, None, None)]
    with tenant_session(ShopId(other_shop.id)) as session:
        assert scores(session) == [(1, None, None)]


def test_the_night_is_in_the_schedule() -> None:
    register_jobs()
    assert RescoreEverywhere() in [entry.job for entry in schedule.scheduled()]
