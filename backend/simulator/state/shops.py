"""Shops and the people who run them."""

from __future__ import annotations

from simulator.clock import now_text
from simulator.gids import FIRST_ID
from simulator.state.database import Database, columns
from simulator.state.records import Shop, User

FIRST_ORDER_NUMBER = 1001


class Shops:
    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self,
        domain: str,
        name: str,
        *,
        email: str = "owner@example.com",
        currency: str = "USD",
        timezone: str = "America/New_York",
        plan: str = "Basic",
    ) -> Shop:
        """A new shop with an owner and one member of staff."""
        shop_id = self._db.next_id("Shop", FIRST_ID["Shop"])
        shop = Shop(shop_id, domain, name, email, currency, timezone, plan, now_text(), FIRST_ORDER_NUMBER)
        owner = self._db.next_id("StaffMember", FIRST_ID["StaffMember"])
        staff = self._db.next_id("StaffMember", FIRST_ID["StaffMember"])
        with self._db.write() as connection:
            connection.execute(
                "insert into shops values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (shop_id, domain, name, email, currency, timezone, plan, shop.created_at, FIRST_ORDER_NUMBER),
            )
            connection.executemany(
                "insert into users values (?, ?, ?, ?, ?, ?, ?)",
                [
                    (owner, shop_id, "Olivia", "Owner", email, 1, "en"),
                    (staff, shop_id, "Sam", "Staff", "staff@example.com", 0, "en"),
                ],
            )
        return shop

    def list_shops(self) -> list[Shop]:
        return [Shop(*row) for row in self._db.all(f"select {columns(Shop)} from shops order by id")]

    def find(self, domain: str) -> Shop | None:
        row = self._db.one(f"select {columns(Shop)} from shops where domain = ?", (domain,))
        return Shop(*row) if row else None

    def get(self, shop_id: int) -> Shop:
        row = self._db.one(f"select {columns(Shop)} from shops where id = ?", (shop_id,))
        if row is None:
            raise LookupError(f"no shop {shop_id}")
        return Shop(*row)

    def list_users(self, shop_id: int) -> list[User]:
        """The owner first."""
        rows = self._db.all(f"select {columns(User)} from users where shop_id = ? order by id", (shop_id,))
        return [User(*row) for row in rows]

    def find_user(self, shop_id: int, user_id: int) -> User | None:
        return next((user for user in self.list_users(shop_id) if user.id == user_id), None)

    def take_order_number(self, shop_id: int) -> int:
        """The number of the next order; call inside the transaction that inserts it."""
        number = self._db.scalar(
            "update shops set next_order_number = next_order_number + 1 where id = ? returning next_order_number - 1",
            (shop_id,),
        )
        return int(number)
