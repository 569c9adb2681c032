"""Languages: everybody gets the version of their locale, from the freeze to the report, and nobody else's."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from storecast.campaigns import (
    languages,
    live_checks,
    reading,
    repository,
    service,
    trials,
    variants_repository,
)
from storecast.campaigns.models import CampaignVariant
from storecast.customers.models import Customer
from storecast.db.session import tenant_session
from storecast.edge.tracking import MAX_LINK_NUMBER
from storecast.kit.types import ShopId
from storecast.messaging.channels.capture import CaptureChannel
from storecast.messaging.links import MAX_LINKS
from tests.campaigns.conftest import HTML, AddCustomers, UnitOfWork
from tests.campaigns.test_variants import Ledger, freeze, send, set_test

LOCALES = ["de", "de-AT", "pt-BR", "pt_PT", "fr", None, "DEU", "en", "d", "pt-BR"]
TAGS = ["de", "pt", "pt-BR", "zh", "zh-Hant", "zh-Hant-TW"]
GERMAN = HTML.replace("Hi ", "Hallo ").replace("https://acme.example/sale", "https://acme.example/angebot")


@pytest.fixture
def spoken(uow: UnitOfWork, shop_id: ShopId, add_customers: AddCustomers) -> list[int]:
    """Customers with `LOCALES`, in this order."""
    ids = add_customers(len(LOCALES))
    with uow() as session:
        for customer_id, locale in zip(ids, LOCALES, strict=True):
            session.execute(update(Customer).where(Customer.id == customer_id).values(locale=locale))
    return ids


@pytest.fixture
def browser(client: TestClient, signed_in: dict[str, str]) -> TestClient:
    """Signed in as the merchant."""
    client.headers.update(signed_in)
    return client


def put(client: TestClient, campaign_id: str, *given: dict[str, Any]) -> Any:
    path = f"/api/v1/campaigns/{campaign_id}"
    version = client.get(path).json()["version"]
    return client.put(f"{path}/languages", json={"version": version, "languages": given})


def test_everybody_gets_the_version_of_their_locale_beside_a_test_of_the_others(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    spoken: list[int],
    channel: CaptureChannel,
    ledger: Ledger,
    browser: TestClient,
) -> None:
    given = (
        {"locale": "DE", "html": GERMAN},
        {"locale": "pt", "subject": "Pt"},
        {"locale": "pt_br", "subject": "Br"},
    )
    assert put(browser, campaign_id, *given).status_code == 200
    set_test(uow, shop_id, campaign_id, {"subject": "Second"}, share_percent=50)
    path = f"/api/v1/campaigns/{campaign_id}"
    kept = browser.get(f"{path}/variants").json()
    assert [(each["number"], each["locale"]) for each in kept["languages"]] == [
        (5, "de"),
        (6, "pt"),
        (7, "pt-BR"),
    ]
    checks = {each["code"]: each for each in browser.get(f"{path}/gate").json()["checks"]}
    assert checks["languages"] == {
        "code": "languages", "level": "ok", "facts": {"readers": {"de": 2, "pt": 1, "pt-BR": 2}},
    }  # fmt: skip
    assert checks["test_size"]["facts"]["smallest"] == 1  # a quarter of the five who read the campaign itself

    campaign = freeze(uow, shop_id, campaign_id)
    own = {0, 1, None}
    got = [row.variant for row in ledger()]
    assert [each if each not in own else 0 for each in got] == [5, 5, 7, 6, 0, 0, 0, 0, 0, 7]
    send(uow, shop_id, campaign, channel)
    sent = {message.rcpt_to: message.data.decode().replace("=\r\n", "") for message in channel.messages}
    assert "Hallo" in sent["c2@example.com"]
    assert "Subject: Br\r\n" in sent["c3@example.com"]
    assert "Subject: Pt\r\n" in sent["c4@example.com"]
    assert set(re.findall(r"/c/[\w=-]+?/(\d+)", sent["c1@example.com"])) == {"10001"}
    with uow() as session:
        links = {row.number: row.url for row in repository.list_links(session, shop_id, campaign.id)}
        # Who reads a language takes no part in the test, and does not keep it from being judged.
        assert not variants_repository.awaits_outcome(session, shop_id, campaign)
    assert links[10001].startswith("https://acme.example/angebot?")
    assert "utm_content=language-de" in links[10001]
    assert (languages.FIRST_NUMBER + languages.MAX_LANGUAGES) * MAX_LINKS <= MAX_LINK_NUMBER


def test_a_language_that_is_unknown_there_twice_or_empty_is_refused_beside_its_field(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, browser: TestClient
) -> None:
    assert put(browser, campaign_id, {"locale": "de", "subject": "Hallo"}).status_code == 200
    before = browser.get(f"/api/v1/campaigns/{campaign_id}/variants").json()
    refused = put(
        browser,
        campaign_id,
        {"locale": "xx", "subject": "a"},
        {"locale": "fr", "subject": "{{ nobody.knows }}"},
        {"locale": "FR", "subject": "b"},
        {"locale": "it"},
        {"locale": "es", "mjml": "<mjml><mj-body><mj-nothing/></mj-body></mjml>"},
        {"locale": "de-XX", "html": "{% for x in y %}"},
    )
    assert refused.status_code == 422
    found = [(each["pointer"], each["code"]) for each in refused.json()["errors"]]
    assert found == [
        ("/languages/0/locale", "locale_unknown"),
        ("/languages/2/locale", "locale_twice"),
        ("/languages/3/subject", "version_same"),
        ("/languages/5/locale", "locale_unknown"),
        ("/languages/1/subject", "template_fault"),
        ("/languages/4/mjml", "template_fault"),
        ("/languages/5/html", "template_fault"),
    ]
    stale = {"version": 1, "languages": []}
    answer = browser.put(f"/api/v1/campaigns/{campaign_id}/languages", json=stale)
    assert (answer.status_code, answer.json()["code"]) == (409, "version_conflict")
    assert browser.get(f"/api/v1/campaigns/{campaign_id}/variants").json() == before
    with tenant_session(ShopId(shop_id + 1)) as session:
        assert session.scalars(select(CampaignVariant)).all() == []


def test_the_gate_judges_every_language_by_its_own_readers(
    campaign_id: str, spoken: list[int], browser: TestClient
) -> None:
    given = (
        {"locale": "de", "subject": "{{ customer.first_name }}", "html": GERMAN.replace("{{ unsubscribe_url }}", "#x")},
        {"locale": "ja", "subject": "Ja"},
    )  # fmt: skip
    assert put(browser, campaign_id, *given).status_code == 200
    gate = browser.get(f"/api/v1/campaigns/{campaign_id}/gate").json()
    checks = {each["code"]: each for each in gate["checks"]}
    assert (gate["ready"], checks["unsubscribe_link"]["facts"]) == (False, {"version": 5, "language": "de"})
    # Every second customer has no name; of the two who read German that is one.
    assert checks["merge_values"]["facts"] == {"missing": {"first_name": 1}, "version": 5, "language": "de"}
    assert (checks["languages"]["level"], checks["languages"]["facts"]["readers"]["ja"]) == ("ask", 0)


def test_a_preview_and_a_test_mail_show_the_version_of_the_customer_or_the_one_that_is_asked_for(
    uow: UnitOfWork,
    shop_id: ShopId,
    campaign_id: str,
    spoken: list[int],
    browser: TestClient,
) -> None:
    put(browser, campaign_id, {"locale": "de", "subject": "Hallo", "from_name": "Das Acme"})
    set_test(uow, shop_id, campaign_id, {"subject": "Second", "html": GERMAN})
    with uow() as session:
        ids = session.scalars(
            select(Customer.public_id).where(Customer.id.in_(spoken)).order_by(Customer.id)
        ).all()

    def preview(**given: Any) -> tuple[int, str | None, str, str]:
        answer = browser.post(f"/api/v1/campaigns/{campaign_id}/preview", json=given).json()
        return answer["version"], answer["locale"], answer["subject"], answer["from_name"]

    assert preview(customer_id=ids[1]) == (5, "de", "Hallo", "Das Acme")
    assert preview(customer_id=ids[4]) == (0, None, "Hi Name5", "Acme")
    assert preview(customer_id=ids[4], locale="de-CH") == (5, "de", "Hallo", "Das Acme")
    assert preview(customer_id=ids[1], version=0) == (0, None, "Hi you", "Acme")
    assert preview(customer_id=ids[4], version=1) == (1, None, "Second", "Acme")
    # What an editor holds is the campaign's own content, or that of the version that is named.
    assert preview(customer_id=ids[1], subject="Typed")[2] == "Hallo"
    assert preview(customer_id=ids[1], subject="Typed", version=5)[2] == "Typed"
    assert preview(customer_id=ids[4], subject="Typed")[2] == "Typed"
    unknown = browser.post(f"/api/v1/campaigns/{campaign_id}/preview", json={"version": 2})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "variant_unknown")
    # Without a customer somebody who reads the version.
    found = browser.post(f"/api/v1/campaigns/{campaign_id}/preview", json={"locale": "de"}).json()
    assert found["customer"]["id"] in ids[:2]

    with uow() as session:
        campaign = reading.get(session, shop_id, campaign_id)
        for number, subject in ((5, "Hallo"), (1, "Second"), (0, campaign.subject)):
            trial = trials.load(session, shop_id, campaign, None, wanted=trials.Wanted(number))
            assert trial.content.subject == subject
            assert (trial.customer is not None and trial.customer.id in ids[:2]) == (number == 5)
        only = live_checks.gather(session, shop_id, campaign, 1).urls
        assert only == ("https://acme.example/angebot",)
        # Each version has its turn.
        assert live_checks.gather(session, shop_id, campaign).urls == ("https://acme.example/sale", *only)
    for path, body in (("test", {"email": "me@example.com", "version": 4}), ("preview", {"version": 24})):
        refused = browser.post(f"/api/v1/campaigns/{campaign_id}/{path}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (404, "variant_unknown")
    assert browser.get(f"/api/v1/campaigns/{campaign_id}/gate/live?version=9").status_code == 404


def test_copies_and_follow_ups_speak_the_same_languages(
    uow: UnitOfWork, shop_id: ShopId, campaign_id: str, spoken: list[int], browser: TestClient
) -> None:
    put(browser, campaign_id, {"locale": "de", "subject": "Hallo"})
    campaign = freeze(uow, shop_id, campaign_id)
    with uow() as session:
        service.cancel(session, shop_id, campaign_id, actor="user:7")
    for path, body in (("duplicate", None), ("follow-up", {"kind": "rest"})):
        made = browser.post(f"/api/v1/campaigns/{campaign_id}/{path}", json=body).json()
        kept = browser.get(f"/api/v1/campaigns/{made['id']}/variants").json()
        assert [(each["locale"], each["subject"]) for each in kept["languages"]] == [("de", "Hallo")]
    with uow() as session:
        assert reading.get(session, shop_id, campaign_id).id == campaign.id


@settings(max_examples=200)
@given(
    st.text(max_size=12),
    st.lists(st.sampled_from(["de", "pt", "pt-BR", "zh", "zh-Hant", "zh-Hant-TW"]), unique=True),
)
def test_a_locale_reads_the_longest_tag_that_it_begins_with(text: str, tags: list[str]) -> None:
    spoken = tuple((tag, number) for number, tag in enumerate(tags, languages.FIRST_NUMBER))
    for locale in (text, *(f"{tag}-{text}" for tag in tags), *tags):
        begins = [tag for tag in tags if f"{locale}-".lower().replace("_", "-").startswith(f"{tag}-".lower())]
        wanted = dict(spoken)[max(begins, key=len)] if begins else None
        assert languages.looked_up(locale, spoken) == wanted
    known = languages.canonical(text)
    assert known is None or languages.canonical(known) == known
