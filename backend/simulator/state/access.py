"""Installations, authorization codes and access tokens, with Shopify's rotation of refresh tokens."""

from __future__ import annotations

import secrets
import time

from simulator.clock import now_text
from simulator.gids import FIRST_ID
from simulator.state.database import Database, columns, placeholders
from simulator.state.records import Grant, Installation, Token

GRANT_LIFETIME_S = 60


class Access:
    def __init__(self, database: Database) -> None:
        self._db = database

    def install(self, shop_id: int, scopes: list[str]) -> Installation:
        """Grant the scopes; a second install renews the first."""
        installation_id = self._db.next_id("AppInstallation", FIRST_ID["AppInstallation"])
        with self._db.write() as connection:
            connection.execute(
                "insert into installations values (?, ?, ?, ?, null) on conflict (shop_id) do update set"
                " scopes = excluded.scopes, installed_at = excluded.installed_at, uninstalled_at = null",
                (shop_id, installation_id, ",".join(scopes), now_text()),
            )
        return self.get_installation(shop_id)

    def uninstall(self, shop_id: int) -> None:
        """Every token dies with the installation, and so does the pixel."""
        with self._db.write() as connection:
            connection.execute(
                "update installations set uninstalled_at = ? where shop_id = ?", (now_text(), shop_id)
            )
            connection.execute("update tokens set revoked = 1 where shop_id = ?", (shop_id,))
            connection.execute("delete from pixels where shop_id = ?", (shop_id,))

    def get_installation(self, shop_id: int) -> Installation:
        installation = self.find_installation(shop_id)
        if installation is None:
            raise LookupError(f"the app is not installed on shop {shop_id}")
        return installation

    def find_installation(self, shop_id: int) -> Installation | None:
        """The living installation."""
        row = self._db.one(
            f"select {columns(Installation)} from installations where shop_id = ? and uninstalled_at is null",
            (shop_id,),
        )
        return Installation(*row) if row else None

    def set_scopes(self, shop_id: int, scopes: list[str]) -> None:
        joined = ",".join(scopes)
        with self._db.write() as connection:
            connection.execute("update installations set scopes = ? where shop_id = ?", (joined, shop_id))
            connection.execute(
                "update tokens set scopes = ? where shop_id = ? and revoked = 0", (joined, shop_id)
            )

    def create_grant(self, shop_id: int, user_id: int, redirect_uri: str, *, per_user: bool) -> Grant:
        grant = Grant(
            secrets.token_hex(16),
            shop_id,
            user_id,
            int(per_user),
            redirect_uri,
            time.time() + GRANT_LIFETIME_S,
        )
        with self._db.write() as connection:
            connection.execute(
                "insert into grants values (?, ?, ?, ?, ?, ?)",
                (grant.code, shop_id, user_id, grant.per_user, redirect_uri, grant.expires_at),
            )
        return grant

    def take_grant(self, shop_id: int, code: str) -> Grant | None:
        """A code works once."""
        with self._db.write() as connection:
            row = connection.execute(
                f"delete from grants where code = ? and shop_id = ? returning {columns(Grant)}",
                (code, shop_id),
            ).fetchone()
        grant = Grant(*row) if row else None
        return grant if grant is not None and grant.expires_at > time.time() else None

    def create_token(
        self,
        shop_id: int,
        scopes: str,
        *,
        user_id: int | None = None,
        lifetime_s: float | None = None,
        refresh_lifetime_s: float | None = None,
    ) -> Token:
        """Offline without `user_id`; expiring with `lifetime_s`; refreshable with `refresh_lifetime_s`."""
        now = time.time()
        refreshable = refresh_lifetime_s is not None
        token = Token(
            access_token=("shpat_" if user_id is None else "shpua_") + secrets.token_hex(16),
            shop_id=shop_id,
            user_id=user_id,
            scopes=scopes,
            expires_at=None if lifetime_s is None else now + lifetime_s,
            refresh_token="shprt_" + secrets.token_hex(16) if refreshable else None,
            refresh_expires_at=now + refresh_lifetime_s if refresh_lifetime_s is not None else None,
            replaced_by=None,
            used=0,
            revoked=0,
            created_at=now,
        )
        values = tuple(getattr(token, name) for name in Token.__dataclass_fields__)
        with self._db.write() as connection:
            connection.execute(f"insert into tokens values ({placeholders(Token)})", values)
        return token

    def find_by_refresh_token(self, shop_id: int, refresh_token: str) -> Token | None:
        row = self._db.one(
            f"select {columns(Token)} from tokens where refresh_token = ? and shop_id = ?",
            (refresh_token, shop_id),
        )
        return Token(*row) if row else None

    def replace(self, old: Token, new: Token) -> None:
        """The old refresh token stays good until the new access token is first used."""
        with self._db.write() as connection:
            connection.execute(
                "update tokens set replaced_by = ? where access_token = ?",
                (new.access_token, old.access_token),
            )

    def authenticate(self, shop_id: int, access_token: str) -> Token | None:
        """The living token; its first use retires the refresh token that it replaced."""
        row = self._db.one(
            f"select {columns(Token)} from tokens where access_token = ? and shop_id = ?",
            (access_token, shop_id),
        )
        token = Token(*row) if row else None
        if (
            token is None
            or token.revoked
            or (token.expires_at is not None and token.expires_at <= time.time())
        ):
            return None
        if not token.used:
            with self._db.write() as connection:
                connection.execute("update tokens set used = 1 where access_token = ?", (access_token,))
                connection.execute(
                    "update tokens set refresh_token = null where replaced_by = ?", (access_token,)
                )
        return token

    def revoke_all(self, shop_id: int) -> int:
        with self._db.write() as connection:
            return connection.execute(
                "update tokens set revoked = 1 where shop_id = ? and revoked = 0", (shop_id,)
            ).rowcount

    def expire_all(self, shop_id: int) -> int:
        """Access tokens expire now; refresh tokens live on."""
        with self._db.write() as connection:
            return connection.execute(
                "update tokens set expires_at = ? where shop_id = ? and expires_at is not null",
                (time.time(), shop_id),
            ).rowcount
