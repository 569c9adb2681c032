"""Real servers for every test: one throw-away PostgreSQL and Redis a run, one database copied per test."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import alembic.command
import alembic.config
import jwt
import pytest
import redis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy.orm import Session

from demo.servers import EmbeddedPostgres, EmbeddedRedis, throw_away_folder
from storecast.auth.models import ShopMember
from storecast.config.settings import Settings, get_settings
from storecast.db.roles import Role
from storecast.db.session import close_engines, engine, enter_tenant, platform_session
from storecast.kit.clock import utcnow
from storecast.kit.ids import public_id
from storecast.kit.types import ShopId
from storecast.shopify.oauth import Grant
from storecast.shops import tokens
from storecast.shops.models import Shop

BACKEND = Path(__file__).parents[1]
TEMPLATE = "storecast_template"
OWNER_ID = "7"

ENVIRONMENT = {
    "STORECAST_ENVIRONMENT": "test",
    "APP_SECRET_KEY": "app-key-of-the-tests-0123456789abcdef0123456789",
    "SESSION_SECRET_KEY": "session-key-of-the-tests-0123456789abcdef012345",
    "SHOPIFY_API_KEY": "test-api-key",
    "SHOPIFY_API_SECRET": "test-api-secret-0123456789abcdef0123456789",
    "SHOPIFY_APP_URL": "http://testserver",
    "SHOPIFY_REDIRECT_URI": "http://testserver/auth/callback",
    # Nobody listens there: a test that needs Shopify names its simulator, any other must not reach out.
    "SHOPIFY_SHOP_ORIGIN": "http://127.0.0.1:1/{shop}",
    "STORECAST_EDGE_URL": "http://edge.test",
    "STORECAST_SMTP_URL": "smtp://127.0.0.1:1",
}

# Properties are about what holds, not how fast: a busy machine must fail none of them.
hypothesis_settings.register_profile("storecast", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("storecast")


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One PostgreSQL for the whole run; without fsync, which only matters to those who outlive a power cut."""
    with throw_away_folder() as folder, EmbeddedPostgres(folder, durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis(tmp_path_factory.mktemp("redis"), durable=False) as server:
        yield server


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """The process environment with these values, and settings and engines made anew from it."""
    before = dict(os.environ)
    os.environ.update(values)
    get_settings.cache_clear()
    try:
        yield
    finally:
        close_engines()
        get_settings.cache_clear()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    """A migrated, empty database that the tests' own are copied from."""
    dsn = postgres.create_database(TEMPLATE)
    values = {
        **ENVIRONMENT,
        "DATABASE_URL": dsn,
        "REDIS_URL": "unix:///none",
        "CELERY_BROKER_URL": "memory://",
    }
    with environment(values):
        alembic.command.upgrade(alembic.config.Config(str(BACKEND / "alembic.ini")), "head")
    return TEMPLATE


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(redis_server.redis_url) as client:
        client.flushall()
    return redis_server.redis_url


@pytest.fixture
def database(
    postgres: EmbeddedPostgres, template: str, redis_url: str, redis_server: EmbeddedRedis
) -> Iterator[str]:
    """A migrated database of the test's own: what it commits, no other test sees. Settings point at it."""
    name = f"test_{uuid4().hex}"
    dsn = postgres.create_database(name, template=template)
    values = {
        **ENVIRONMENT,
        "DATABASE_URL": dsn,
        "REDIS_URL": redis_url,
        "CELERY_BROKER_URL": redis_server.celery_url,
    }
    with environment(values):
        yield dsn
    postgres.drop_database(name)


@pytest.fixture
def settings(database: str) -> Settings:
    return get_settings()


@pytest.fixture
def platform(database: str) -> Iterator[Session]:
    """A session across shops; not committed."""
    with Session(engine(Role.PLATFORM), expire_on_commit=False) as session:
        yield session


@pytest.fixture
def make_shop(database: str) -> Callable[[str], Shop]:
    """Makes committed, installed shops with a token that never expires and an owner."""

    def make(name: str) -> Shop:
        shop = Shop(
            public_id=public_id("shp"),
            domain=f"{name}.myshopify.com",
            name=name.title(),
            currency="USD",
            timezone="America/New_York",
            pixel_key=f"pk_{name}",
            state="installed",
        )
        with platform_session() as session:
            session.add(shop)
            session.flush()
            tokens.store(session, ShopId(shop.id), Grant("shpat_test", None, (), None, None))
            session.add(
                ShopMember(
                    shop_id=shop.id,
                    shopify_user_id=OWNER_ID,
                    email=f"owner@{name}.example",
                    name="Olive Owner",
                    role="owner",
                    last_seen_at=utcnow(),
                )
            )
        return shop

    return make


@pytest.fixture
def shop(make_shop: Callable[[str], Shop]) -> Shop:
    return make_shop("acme")


@pytest.fixture
def other_shop(make_shop: Callable[[str], Shop]) -> Shop:
    """The neighbour whose rows nobody else may see."""
    return make_shop("rival")


@pytest.fixture
def session(shop: Shop) -> Iterator[Session]:
    """A session inside `shop` as the app's role; rolled back at the end."""
    with Session(engine(Role.APP), expire_on_commit=False) as session:
        enter_tenant(session, ShopId(shop.id))
        yield session


@pytest.fixture
def client(database: str) -> Iterator[TestClient]:
    """The API in process."""
    from storecast.entrypoints.api import create_app

    with TestClient(create_app(), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def id_token(shop_domain: str, *, user_id: str = OWNER_ID, **claims: object) -> str:
    """An ID token as Shopify signs it; claims given replace those of a good one."""
    now = int(time.time())
    payload = {
        "iss": f"https://{shop_domain}/admin",
        "dest": f"https://{shop_domain}",
        "aud": ENVIRONMENT["SHOPIFY_API_KEY"],
        "sub": user_id,
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": str(uuid4()),
        "sid": uuid4().hex,
        **claims,
    }
    payload = {name: value for name, value in payload.items() if value is not None}
    return jwt.encode(payload, ENVIRONMENT["SHOPIFY_API_SECRET"], algorithm="HS256")


@pytest.fixture
def signed_in(shop: Shop) -> dict[str, str]:
    """Headers of a merchant inside the admin's iframe."""
    return {"Authorization": f"Bearer {id_token(shop.domain)}"}
