"""Facts hold all that segments ask often: what customers did, when they ordered, and copies of their profile."""

import sqlalchemy as sa
from alembic import op

from storecast.db.roles import Role
from storecast.db.tenancy import grant, isolate

revision = "0025"
down_revision = "0024"

KINDS = ("opened", "clicked", "viewed", "added_to_cart", "started_checkout")
COPIED = ("email_state", "email_consent_at", "sms_state", "sms_consent_at", "shopify_created_at", "tags")
FOLDED = ("country", "province", "city", "locale")
COPIES = (*COPIED, *(f"{name}_folded" for name in FOLDED))
INDEXES = {"customer_id": None, "last_order_at": "rfm_recency", "total_spent_minor": "rfm_monetary"}
INDEXES_BEFORE = ("last_order_at", "total_spent_minor", "orders_count")
KEPT = (
    "shop_id", "customer_id", "orders_count", "total_spent_minor", "average_order_minor", "first_order_at",
    "last_order_at", "rfm_recency", "rfm_frequency", "rfm_monetary", "last_sent_at", "last_opened_at",
    "last_clicked_at", "lifetime_orders_count", "lifetime_spent_minor", "lifetime_counted_at", "updated_at",
)  # fmt: skip


def _copies(row: str) -> str:
    """The copies as SQL over a row of customers."""
    return ", ".join([*(f"{row}.{name}" for name in COPIED), *(f"lower({row}.{name})" for name in FOLDED)])


def _instants(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.ARRAY(sa.DateTime(timezone=True)), nullable=True)


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _text(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Text(), nullable=True)


def _number(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _score(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.SmallInteger(), nullable=True)


def upgrade() -> None:
    # All rows are written once, in a new table: in place, each would leave a dead one for every scan to step over.
    op.execute("SET LOCAL statement_timeout = '15min'")
    op.execute("ALTER TABLE customer_facts RENAME TO customer_facts_before")
    for column in INDEXES_BEFORE:
        op.drop_index(f"ix_customer_facts_shop_id_{column}", table_name="customer_facts_before")
    op.drop_constraint("pk_customer_facts", "customer_facts_before", type_="primary")
    # What has a fixed width and is never null comes first: PostgreSQL knows where in a row it is.
    op.create_table(
        "customer_facts",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        _number("orders_count"),
        _number("total_spent_minor"),
        _number("average_order_minor"),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("email_state", sa.Text(), nullable=False),
        *map(_instant, ("shopify_created_at", "first_order_at", "last_order_at")),
        *map(_instant, ("last_sent_at", "last_opened_at", "last_clicked_at")),
        *map(_score, ("rfm_recency", "rfm_frequency", "rfm_monetary")),
        _text("country_folded"),
        *map(_instants, ("opened_at", "viewed_at", "clicked_at")),
        *map(_instants, ("ordered_at", "added_to_cart_at", "started_checkout_at")),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        _instant("email_consent_at"),
        _text("sms_state"),
        _instant("sms_consent_at"),
        *map(_text, ("province_folded", "city_folded", "locale_folded")),
        sa.Column("lifetime_orders_count", sa.BigInteger(), nullable=True),
        sa.Column("lifetime_spent_minor", sa.BigInteger(), nullable=True),
        _instant("lifetime_counted_at"),
        *(
            sa.CheckConstraint(f"{name} BETWEEN 1 AND 5", name=op.f(f"ck_customer_facts_{name}"))
            for name in ("rfm_recency", "rfm_frequency", "rfm_monetary")
        ),
    )
    op.execute(f"""
        INSERT INTO customer_facts ({", ".join(KEPT)}, {", ".join(f"{kind}_at" for kind in KINDS)}, ordered_at,
                                    {", ".join(COPIES)})
        SELECT {", ".join(f"before.{name}" for name in KEPT)}, {", ".join(f"done.{kind}_at" for kind in KINDS)},
               bought.ordered_at, {_copies("customers")}
          FROM customer_facts_before AS before
          JOIN customers ON customers.id = before.customer_id
          LEFT JOIN customer_behaviour AS done ON done.customer_id = before.customer_id
          LEFT JOIN (
            SELECT customer_id, (array_agg(placed_at ORDER BY placed_at DESC))[1:20] AS ordered_at
              FROM orders WHERE cancelled_at IS NULL AND test IS false AND customer_id IS NOT NULL GROUP BY customer_id
          ) AS bought ON bought.customer_id = before.customer_id
         ORDER BY before.customer_id
    """)
    op.create_primary_key("pk_customer_facts", "customer_facts", ["customer_id"])
    op.create_foreign_key(
        "fk_customer_facts_customer_id",
        "customer_facts",
        "customers",
        ["customer_id"],
        ["id"],
        ondelete="CASCADE",
    )
    for column, score in INDEXES.items():
        op.create_index(
            f"ix_customer_facts_shop_id_{column}",
            "customer_facts",
            ["shop_id", column],
            postgresql_where=sa.text(f"{score} is not null") if score else None,
        )
    op.drop_table("customer_facts_before")
    op.drop_table("customer_behaviour")
    for statement in (
        *isolate("customer_facts"),
        *grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", ["customer_facts"]),
        *_triggers(),
    ):
        op.execute(statement)


def _triggers() -> list[str]:
    before, after = (", ".join(f"{row}.{name}" for name in (*COPIED, *FOLDED)) for row in ("OLD", "NEW"))
    return [
        f"""
        CREATE FUNCTION customer_facts_follow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          UPDATE customer_facts SET ({", ".join(COPIES)}) = ROW({_copies("NEW")}) WHERE customer_id = NEW.id;
          RETURN NULL;
        END $$
        """,
        f"""
        CREATE TRIGGER customer_facts_follow AFTER UPDATE ON customers FOR EACH ROW
        WHEN (ROW({before}) IS DISTINCT FROM ROW({after})) EXECUTE FUNCTION customer_facts_follow()
        """,
        f"""
        CREATE FUNCTION customer_facts_begin() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          SELECT {_copies("customers")} INTO {", ".join(f"NEW.{name}" for name in COPIES)}
            FROM customers WHERE id = NEW.customer_id;
          RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER customer_facts_begin BEFORE INSERT ON customer_facts FOR EACH ROW
        WHEN (NEW.email_state IS NULL OR NEW.tags IS NULL) EXECUTE FUNCTION customer_facts_begin()
        """,
    ]


def downgrade() -> None:
    op.execute("SET LOCAL statement_timeout = '15min'")
    op.execute("DROP TRIGGER customer_facts_follow ON customers")
    op.execute("DROP TRIGGER customer_facts_begin ON customer_facts")
    op.execute("DROP FUNCTION customer_facts_follow")
    op.execute("DROP FUNCTION customer_facts_begin")
    op.create_table(
        "customer_behaviour",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        *(_instants(f"{kind}_at") for kind in KINDS),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_behaviour_customer_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_behaviour")),
    )
    names = ", ".join(f"{kind}_at" for kind in KINDS)
    op.execute(
        f"INSERT INTO customer_behaviour (shop_id, customer_id, {names}) SELECT shop_id, customer_id, {names} "
        f"FROM customer_facts WHERE coalesce({names}) IS NOT NULL"
    )
    for statement in (
        *isolate("customer_behaviour"),
        *grant(Role.APP, "SELECT, INSERT, UPDATE, DELETE", ["customer_behaviour"]),
    ):
        op.execute(statement)
    for column in INDEXES:
        op.drop_index(f"ix_customer_facts_shop_id_{column}", table_name="customer_facts")
    for column in INDEXES_BEFORE:
        op.create_index(f"ix_customer_facts_shop_id_{column}", "customer_facts", ["shop_id", column])
    for name in ("ordered_at", *(f"{kind}_at" for kind in KINDS), *COPIES):
        op.drop_column("customer_facts", name)
