"""Whom a message is looked at as before it is sent."""

from fastapi.testclient import TestClient
from sqlalchemy import text

from storecast.campaigns import audience_repository, readiness, reading, trials
from storecast.kit.types import ShopId
from tests.campaigns.conftest import AddCustomers, UnitOfWork


def test_hard_customers_are_offered_and_only_those_who_would_get_it(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, add_customers: AddCustomers
) -> None:
    first, second, third, fourth, unnamed, fifth = add_customers(6)
    add_customers(1, state="unsubscribed")
    with uow() as session:
        session.execute(text("UPDATE customers SET locale = 'en-US', first_name = 'Ann'"))
        session.execute(text("UPDATE customer_facts SET orders_count = 3"))
        for change in (
            f"UPDATE customers SET locale = 'de', last_name = 'Huber' WHERE id = {second}",
            f"UPDATE customer_facts SET orders_count = 0 WHERE customer_id = {third}",
            # Neither is a name: an empty one is what some stores write.
            f"UPDATE customers SET first_name = '', last_name = NULL WHERE id = {unnamed}",
        ):
            session.execute(text(change))
    with uow() as session:
        campaign = reading.get(session, shop_id, campaign_id)
        chosen = audience_repository.sample_recipients(
            session, shop_id, campaign, readiness.chosen(session, shop_id, campaign)
        )
        shown = trials.samples(session, shop_id, campaign)
    assert chosen == {"usual": fifth, "no_name": unnamed, "no_orders": third, "other_language": second}
    assert [(sample.why, sample.customer.name) for sample in shown] == [
        ("usual", "Ann"),
        ("no_name", "c5@example.com"),
        ("no_orders", "Ann"),
        ("other_language", "Ann Huber"),
    ]
    assert {first, fourth}.isdisjoint(chosen.values())


def test_nobody_is_offered_where_nobody_would_get_it(
    client: TestClient, signed_in: dict[str, str], campaign_id: str, add_customers: AddCustomers
) -> None:
    add_customers(2, state="unsubscribed")
    answer = client.get(f"/api/v1/campaigns/{campaign_id}/samples", headers=signed_in)
    assert (answer.status_code, answer.json()) == (200, [])
