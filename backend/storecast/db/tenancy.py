"""The DDL of tenancy: row-level security and grants, derived from the tables themselves.

Migrations call these functions, and a test proves that every table with a ``shop_id`` is covered.
"""

from collections.abc import Iterable, Iterator

from storecast.db.roles import TENANT_SETTING, Role

_TENANT = f"shop_id = NULLIF(current_setting('{TENANT_SETTING}', true), '')::bigint"


def create_roles() -> Iterator[str]:
    """Statements that make the roles when they are missing and let the migrating login act as them."""
    for role in Role:
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role.value}') "
            f"THEN CREATE ROLE {role.value} NOLOGIN; END IF; END $$"
        )
        yield f"GRANT {role.value} TO CURRENT_USER"
        yield f"GRANT USAGE ON SCHEMA public TO {role.value}"


def isolate(table: str, *, key: str = "shop_id") -> Iterator[str]:
    """Switch row-level security on: the app role sees its shop, the roles that act across shops see all.

    ``key`` names the column that holds the shop (``id`` on the table of shops itself).
    """
    tenant = _TENANT.replace("shop_id =", f"{key} =", 1)
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"CREATE POLICY tenant ON {table} TO {Role.APP.value} USING ({tenant}) WITH CHECK ({tenant})"
    for role in (Role.EDGE, Role.RELAY, Role.PLATFORM, Role.RETENTION):
        yield f"CREATE POLICY {role.value} ON {table} TO {role.value} USING (true) WITH CHECK (true)"


def grant(role: Role, privileges: str, tables: Iterable[str]) -> Iterator[str]:
    """Give a role privileges on tables (policies say which rows, grants which verbs)."""
    for table in tables:
        yield f"GRANT {privileges} ON {table} TO {role.value}"
