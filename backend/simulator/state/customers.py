"""Customers and what they consented to."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.clock import now_text
from simulator.gids import FIRST_ID
from simulator.state.database import Database, columns, placeholders
from simulator.state.records import Customer, tag_list


class Customers:
    def __init__(self, database: Database) -> None:
        self._db = database

    def list_customers(self, shop_id: int, *, limit: int = 50, offset: int = 0) -> list[Customer]:
        rows = self._db.all(
            f"select {columns(Customer)} from customers where shop_id = ? order by id limit ? offset ?",
            (shop_id, limit, offset),
        )
        return [Customer(*row) for row in rows]

    def count(self, shop_id: int) -> int:
        return int(self._db.scalar("select count(*) from customers where shop_id = ?", (shop_id,)))

    def find(self, shop_id: int, customer_id: int) -> Customer | None:
        row = self._db.one(
            f"select {columns(Customer)} from customers where id = ? and shop_id = ?", (customer_id, shop_id)
        )
        return Customer(*row) if row else None

    def find_by_email(self, shop_id: int, email: str) -> Customer | None:
        row = self._db.one(
            f"select {columns(Customer)} from customers where shop_id = ? and email = ?",
            (shop_id, email.lower()),
        )
        return Customer(*row) if row else None

    def find_by_phone(self, shop_id: int, phone: str) -> Customer | None:
        row = self._db.one(
            f"select {columns(Customer)} from customers where shop_id = ? and phone = ?", (shop_id, phone)
        )
        return Customer(*row) if row else None

    def create(
        self,
        shop_id: int,
        email: str | None,
        *,
        first_name: str | None = None,
        last_name: str | None = None,
        city: str | None = None,
        country_code: str | None = None,
        accepts_marketing: bool = False,
        tags: str = "",
        locale: str = "en",
    ) -> Customer:
        now = now_text()
        customer = Customer(
            id=self._db.next_id("Customer", FIRST_ID["Customer"]), shop_id=shop_id,
            email=email.lower() if email else None, phone=None, first_name=first_name, last_name=last_name,
            locale=locale, tags=tags, note=None,
            email_state="SUBSCRIBED" if accepts_marketing else "NOT_SUBSCRIBED",
            email_opt_in_level="SINGLE_OPT_IN" if accepts_marketing else None,
            email_consent_at=now if accepts_marketing else None, sms_state="NOT_SUBSCRIBED", sms_consent_at=None,
            open_tracking="UNKNOWN", address1=None, city=city, province=None, province_code=None,
            country_code=country_code, zip=None, orders_count=0, spent_minor=0, last_order_id=None,
            created_at=now, updated_at=now, extra=None,
        )  # fmt: skip
        self.insert_many([tuple(vars(customer).values())])
        return customer

    def insert_many(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Rows in the record's field order."""
        with self._db.write() as connection:
            connection.executemany(f"insert into customers values ({placeholders(Customer)})", rows)

    def set_email_consent(
        self,
        shop_id: int,
        customer_id: int,
        state: str,
        *,
        opt_in_level: str | None = None,
        at: str | None = None,
    ) -> Customer | None:
        """`state` as the Admin API spells it: SUBSCRIBED, UNSUBSCRIBED, PENDING…"""
        now = now_text()
        with self._db.write() as connection:
            connection.execute(
                "update customers set email_state = ?, email_opt_in_level = coalesce(?, email_opt_in_level),"
                " email_consent_at = ?, updated_at = ? where id = ? and shop_id = ?",
                (state, opt_in_level, at or now, now, customer_id, shop_id),
            )
        return self.find(shop_id, customer_id)

    def set_sms_consent(
        self, shop_id: int, customer_id: int, state: str, *, at: str | None
    ) -> Customer | None:
        now = now_text()
        with self._db.write() as connection:
            connection.execute(
                "update customers set sms_state = ?, sms_consent_at = ?, updated_at = ? where id = ? and shop_id = ?",
                (state, at or now, now, customer_id, shop_id),
            )
        return self.find(shop_id, customer_id)

    def update(
        self, shop_id: int, customer_id: int, *, first_name: str | None = None, last_name: str | None = None,
        email: str | None = None, city: str | None = None, note: str | None = None, phone: str | None = None,
    ) -> Customer | None:  # fmt: skip
        """Change what is given."""
        with self._db.write() as connection:
            connection.execute(
                "update customers set first_name = coalesce(?, first_name), last_name = coalesce(?, last_name),"
                " email = coalesce(?, email), city = coalesce(?, city), note = coalesce(?, note),"
                " phone = coalesce(?, phone), updated_at = ?"
                " where id = ? and shop_id = ?",
                (first_name, last_name, email, city, note, phone, now_text(), customer_id, shop_id),
            )
        return self.find(shop_id, customer_id)

    def change_tags(
        self, shop_id: int, customer_id: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> Customer | None:
        customer = self.find(shop_id, customer_id)
        if customer is None:
            return None
        gone = {tag.lower() for tag in remove}
        tags = {tag.lower(): tag for tag in tag_list(customer.tags) if tag.lower() not in gone}
        tags.update({tag.strip().lower(): tag.strip() for tag in add if tag.strip()})
        with self._db.write() as connection:
            connection.execute(
                "update customers set tags = ?, updated_at = ? where id = ?",
                (",".join(sorted(tags.values())), now_text(), customer_id),
            )
        return self.find(shop_id, customer_id)

    def delete(self, shop_id: int, customer_id: int) -> None:
        with self._db.write() as connection:
            connection.execute("update orders set customer_id = null where customer_id = ?", (customer_id,))
            connection.execute("delete from customers where id = ? and shop_id = ?", (customer_id, shop_id))

    def add_purchase(self, customer_id: int, order_id: int, total_minor: int) -> None:
        """Count one more order; call inside the transaction that inserts it."""
        with self._db.write() as connection:
            connection.execute(
                "update customers set orders_count = orders_count + 1, spent_minor = spent_minor + ?,"
                " last_order_id = ?, updated_at = ? where id = ?",
                (total_minor, order_id, now_text(), customer_id),
            )

    def redact(self, shop_id: int, customer_id: int) -> None:
        """Erase the person and keep the row, as the platform does for orders' sake."""
        with self._db.write() as connection:
            connection.execute(
                "update customers set email = null, phone = null, first_name = null, last_name = null, note = null,"
                " address1 = null, city = null, zip = null, extra = null, email_state = 'NOT_SUBSCRIBED',"
                " updated_at = ? where id = ? and shop_id = ?",
                (now_text(), customer_id, shop_id),
            )
