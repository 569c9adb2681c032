"""The first schema: tables, roles, row-level security, partitions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db import partitions, tenancy
from storecast.db.roles import Role
from storecast.kit.clock import utcnow

revision = "0001"
down_revision = None

# Table → the column that names its shop.
ISOLATED = {
    "identities": "shop_id",
    "job_runs": "shop_id",
    "message_deliveries": "shop_id",
    "message_events": "shop_id",
    "outbox": "shop_id",
    "pixel_events": "shop_id",
    "privacy_requests": "shop_id",
    "shop_members": "shop_id",
    "shops": "id",
    "attributions": "shop_id",
    "audit_log": "shop_id",
    "customers": "shop_id",
    "order_lines": "shop_id",
    "orders": "shop_id",
    "product_variants": "shop_id",
    "products": "shop_id",
    "segments": "shop_id",
    "shop_tokens": "shop_id",
    "suppressions": "shop_id",
    "sync_runs": "shop_id",
    "webhook_inbox": "shop_id",
    "campaigns": "shop_id",
    "customer_facts": "shop_id",
    "sync_resources": "shop_id",
    "campaign_links": "shop_id",
}

# Role, privileges, table.
GRANTS = [
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "identities"),
    ("storecast_app", "SELECT, UPDATE (retried_as)", "job_runs"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "message_deliveries"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "message_events"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "outbox"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "pixel_events"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "privacy_requests"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "shop_members"),
    ("storecast_app", "SELECT, UPDATE", "shops"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "attributions"),
    ("storecast_app", "SELECT, INSERT", "audit_log"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "customers"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "order_lines"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "orders"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "product_variants"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "products"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "segments"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "shop_tokens"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "suppressions"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "sync_runs"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "webhook_inbox"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "campaigns"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "customer_facts"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "sync_resources"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "campaign_links"),
    ("storecast_app", "SELECT", "fleet_processes"),
    ("storecast_edge", "SELECT (id, domain, name, state, pixel_key)", "shops"),
    ("storecast_edge", "SELECT, INSERT", "webhook_inbox"),
    ("storecast_edge", "SELECT, INSERT", "pixel_events"),
    ("storecast_edge", "SELECT, INSERT", "message_events"),
    ("storecast_edge", "SELECT", "campaign_links"),
    ("storecast_edge", "SELECT, INSERT, UPDATE (run_at)", "outbox"),
    ("storecast_edge", "SELECT, INSERT, UPDATE, DELETE", "fleet_processes"),
    ("storecast_relay", "SELECT, INSERT, UPDATE, DELETE", "outbox"),
    ("storecast_relay", "SELECT, INSERT", "job_runs"),
    ("storecast_relay", "SELECT, INSERT, UPDATE, DELETE", "fleet_processes"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "shops"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "shop_tokens"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "shop_members"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "outbox"),
    ("storecast_platform", "SELECT, UPDATE (retried_as)", "job_runs"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "fleet_processes"),
    ("storecast_platform", "SELECT, UPDATE", "webhook_inbox"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "sync_runs"),
    ("storecast_platform", "SELECT, INSERT", "audit_log"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "privacy_requests"),
    ("storecast_retention", "SELECT, DELETE", "webhook_inbox"),
    ("storecast_retention", "SELECT, DELETE", "fleet_processes"),
]


PARTITIONED = ("pixel_events", "message_events", "message_deliveries", "job_runs")


def upgrade() -> None:
    for statement in tenancy.create_roles():
        op.execute(statement)
    create_tables()
    for table, key in ISOLATED.items():
        for statement in tenancy.isolate(table, key=key):
            op.execute(statement)
    for role, privileges, table in GRANTS:
        for statement in tenancy.grant(Role(role), privileges, [table]):
            op.execute(statement)
    create_partitions()


def create_partitions() -> None:
    """Partitions belong to the role that will drop them one day."""
    op.execute(f"GRANT CREATE ON SCHEMA public TO {Role.RETENTION.value}")
    for table in PARTITIONED:
        op.execute(f"ALTER TABLE {table} OWNER TO {Role.RETENTION.value}")
    op.execute(f"SET LOCAL ROLE {Role.RETENTION.value}")
    for table in PARTITIONED:
        partitions.create_default(op.get_bind(), table)
        partitions.ensure(op.get_bind(), table, now=utcnow())
    op.execute("RESET ROLE")


def create_tables() -> None:
    # ### commands auto generated by Alembic - please adjust! ###
    op.create_table(
        "fleet_processes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("queues", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("slots", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("busy", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("rss_bytes", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "kind in ('api', 'edge', 'relay', 'worker', 'beat')", name=op.f("ck_fleet_processes_kind")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fleet_processes")),
    )
    op.create_table(
        "identities",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "client_id", name=op.f("pk_identities")),
    )
    op.create_index(
        "ix_identities_shop_id_customer_id", "identities", ["shop_id", "customer_id"], unique=False
    )
    op.create_table(
        "job_runs",
        sa.Column("enqueued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retried_as", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.SmallInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "attempts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('succeeded', 'dead', 'cancelled')", name=op.f("ck_job_runs_state")),
        sa.PrimaryKeyConstraint("enqueued_at", "id", name=op.f("pk_job_runs")),
        postgresql_partition_by="RANGE (enqueued_at)",
    )
    op.create_index("ix_job_runs_shop_id", "job_runs", ["shop_id", "enqueued_at"], unique=False)
    op.create_index("ix_job_runs_state", "job_runs", ["state", "finished_at"], unique=False)
    op.create_table(
        "message_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("smtp_code", sa.SmallInteger(), nullable=True),
        sa.Column("smtp_reply", sa.Text(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'accepted', 'failed', 'unknown', 'excluded')",
            name=op.f("ck_message_deliveries_state"),
        ),
        sa.PrimaryKeyConstraint("id", "frozen_at", name=op.f("pk_message_deliveries")),
        postgresql_partition_by="RANGE (frozen_at)",
    )
    op.create_index(
        "ix_message_deliveries_claimed",
        "message_deliveries",
        ["campaign_id", "lease_until"],
        unique=False,
        postgresql_where=sa.text("state = 'claimed'"),
    )
    op.create_index(
        "ix_message_deliveries_pending",
        "message_deliveries",
        ["campaign_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_message_deliveries_shop_id_customer_id",
        "message_deliveries",
        ["shop_id", "customer_id", "frozen_at"],
        unique=False,
    )
    op.create_index(
        "uq_message_deliveries_campaign_id_customer_id",
        "message_deliveries",
        ["campaign_id", "customer_id", "frozen_at"],
        unique=True,
    )
    op.create_table(
        "message_events",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("link_number", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.Text(), server_default=sa.text("'unknown'"), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('open', 'click', 'unsubscribe', 'bounce', 'complaint')",
            name=op.f("ck_message_events_kind"),
        ),
        sa.CheckConstraint(
            "verdict in ('human', 'machine', 'unknown')", name=op.f("ck_message_events_verdict")
        ),
        sa.PrimaryKeyConstraint("shop_id", "id", "occurred_at", name=op.f("pk_message_events")),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index(
        "ix_message_events_shop_id_campaign_id",
        "message_events",
        ["shop_id", "campaign_id", "kind"],
        unique=False,
    )
    op.create_index(
        "ix_message_events_shop_id_customer_id",
        "message_events",
        ["shop_id", "customer_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "ix_message_events_shop_id_delivery_id",
        "message_events",
        ["shop_id", "delivery_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "ix_message_events_unprocessed",
        "message_events",
        ["shop_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("processed_at is null"),
    )
    op.create_table(
        "outbox",
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("enqueued_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("max_attempts", sa.SmallInteger(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "attempts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('staged', 'queued', 'running')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_cancelled",
        "outbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("cancel_requested_at IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_due", "outbox", ["run_at"], unique=False, postgresql_where=sa.text("state = 'staged'")
    )
    op.create_index(
        "ix_outbox_lease",
        "outbox",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("state <> 'staged'"),
    )
    op.create_index("ix_outbox_shop_id", "outbox", ["shop_id", "enqueued_at"], unique=False)
    op.create_index(
        "uq_outbox_unique_key",
        "outbox",
        [sa.literal_column("coalesce(shop_id, 0)"), "name", "unique_key"],
        unique=True,
        postgresql_where=sa.text("unique_key IS NOT NULL AND state <> 'running'"),
    )
    op.create_table(
        "pixel_events",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("referrer", sa.Text(), nullable=True),
        sa.Column("click_token", sa.Text(), nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_gid", sa.Text(), nullable=True),
        sa.Column("product_gid", sa.Text(), nullable=True),
        sa.Column("variant_gid", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("cart_token", sa.Text(), nullable=True),
        sa.Column("checkout_token", sa.Text(), nullable=True),
        sa.Column("order_gid", sa.Text(), nullable=True),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("search", sa.Text(), nullable=True),
        sa.Column("consent", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("shop_id", "event_id", "occurred_at", name=op.f("pk_pixel_events")),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    op.create_index(
        "ix_pixel_events_shop_id_checkout_token",
        "pixel_events",
        ["shop_id", "checkout_token"],
        unique=False,
        postgresql_where=sa.text("checkout_token is not null"),
    )
    op.create_index(
        "ix_pixel_events_shop_id_client_id",
        "pixel_events",
        ["shop_id", "client_id", "occurred_at"],
        unique=False,
    )
    op.create_index(
        "ix_pixel_events_shop_id_name", "pixel_events", ["shop_id", "name", "occurred_at"], unique=False
    )
    op.create_index(
        "ix_pixel_events_shop_id_order_gid",
        "pixel_events",
        ["shop_id", "order_gid"],
        unique=False,
        postgresql_where=sa.text("order_gid is not null"),
    )
    op.create_index(
        "ix_pixel_events_unprocessed",
        "pixel_events",
        ["shop_id", "occurred_at"],
        unique=False,
        postgresql_where=sa.text("processed_at is null"),
    )
    op.create_table(
        "privacy_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("shop_domain", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("customer_gid", sa.Text(), nullable=True),
        sa.Column("subject", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'received'"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint(
            "kind in ('data_request', 'customer_redact', 'shop_redact')",
            name=op.f("ck_privacy_requests_kind"),
        ),
        sa.CheckConstraint("state in ('received', 'done')", name=op.f("ck_privacy_requests_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
    )
    op.create_index(
        "ix_privacy_requests_shop_id_received_at",
        "privacy_requests",
        ["shop_id", "received_at"],
        unique=False,
    )
    op.create_index("uq_privacy_requests_webhook_id", "privacy_requests", ["webhook_id"], unique=True)
    op.create_table(
        "shop_members",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("shopify_user_id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'marketer', 'viewer', 'operator')", name=op.f("ck_shop_members_role")
        ),
        sa.PrimaryKeyConstraint("shop_id", "shopify_user_id", name=op.f("pk_shop_members")),
    )
    op.create_table(
        "shops",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), server_default="USD", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("storefront_url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="installed", nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("pixel_gid", sa.Text(), nullable=True),
        sa.Column("pixel_key", sa.Text(), nullable=False),
        sa.Column("pixel_state", sa.Text(), server_default="inactive", nullable=False),
        sa.Column("pixel_error", sa.Text(), nullable=True),
        sa.Column("sender_name", sa.Text(), nullable=True),
        sa.Column("sender_email", sa.Text(), nullable=True),
        sa.Column("click_window_days", sa.BigInteger(), server_default=sa.text("5"), nullable=False),
        sa.Column("open_window_days", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("installed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("uninstalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "pixel_state IN ('inactive', 'active', 'error')", name=op.f("ck_shops_pixel_state")
        ),
        sa.CheckConstraint("state IN ('installed', 'uninstalled', 'frozen')", name=op.f("ck_shops_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
        sa.UniqueConstraint("domain", name=op.f("uq_shops_domain")),
        sa.UniqueConstraint("pixel_key", name=op.f("uq_shops_pixel_key")),
        sa.UniqueConstraint("public_id", name=op.f("uq_shops_public_id")),
    )
    op.create_table(
        "attributions",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("touch_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind in ('click', 'open', 'code')", name=op.f("ck_attributions_kind")),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_attributions_amount_minor")),
        sa.CheckConstraint("touch_at <= ordered_at", name=op.f("ck_attributions_touch_at")),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_attributions_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "model", name=op.f("pk_attributions")),
    )
    op.create_index(
        "ix_attributions_shop_id_campaign_id",
        "attributions",
        ["shop_id", "campaign_id", "ordered_at"],
        unique=False,
    )
    op.create_index(
        "ix_attributions_shop_id_ordered_at", "attributions", ["shop_id", "ordered_at"], unique=False
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_audit_log_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_shop_id", "audit_log", ["shop_id", "id"], unique=False)
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("email_state", sa.Text(), server_default=sa.text("'not_subscribed'"), nullable=False),
        sa.Column("email_opt_in_level", sa.Text(), nullable=True),
        sa.Column("email_consent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sms_state", sa.Text(), nullable=True),
        sa.Column("open_tracking", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("shopify_created_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shopify_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "email_state IN ('subscribed', 'not_subscribed', 'unsubscribed', 'pending', 'invalid')",
            name=op.f("ck_customers_email_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_customers_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("public_id", name=op.f("uq_customers_public_id")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_customers_shop_id_gid")),
    )
    op.create_index(
        "ix_customers_shop_id_email",
        "customers",
        ["shop_id", sa.literal_column("lower(email)")],
        unique=False,
    )
    op.create_index("ix_customers_shop_id_id", "customers", ["shop_id", "id"], unique=False)
    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("order_gid", sa.Text(), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("product_gid", sa.Text(), nullable=True),
        sa.Column("variant_gid", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_order_lines_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_order_lines_shop_id_gid")),
    )
    op.create_index("ix_order_lines_shop_id_order_id", "order_lines", ["shop_id", "order_id"], unique=False)
    op.create_index(
        "ix_order_lines_unlinked",
        "order_lines",
        ["shop_id", "order_gid"],
        unique=False,
        postgresql_where=sa.text("order_id IS NULL"),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_gid", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("financial_status", sa.Text(), nullable=True),
        sa.Column("fulfillment_status", sa.Text(), nullable=True),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("discount_codes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("cart_token", sa.Text(), nullable=True),
        sa.Column("checkout_token", sa.Text(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("landing_site", sa.Text(), nullable=True),
        sa.Column("journey", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shopify_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_orders_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_orders_shop_id_gid")),
    )
    op.create_index(
        "ix_orders_shop_id_checkout_token",
        "orders",
        ["shop_id", "checkout_token"],
        unique=False,
        postgresql_where=sa.text("checkout_token IS NOT NULL"),
    )
    op.create_index(
        "ix_orders_shop_id_customer_id", "orders", ["shop_id", "customer_id", "placed_at"], unique=False
    )
    op.create_index("ix_orders_shop_id_placed_at", "orders", ["shop_id", "placed_at"], unique=False)
    op.create_index(
        "ix_orders_unlinked",
        "orders",
        ["shop_id", "customer_gid"],
        unique=False,
        postgresql_where=sa.text("customer_id IS NULL AND customer_gid IS NOT NULL"),
    )
    op.create_table(
        "product_variants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("product_gid", sa.Text(), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_product_variants_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_variants")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_product_variants_shop_id_gid")),
    )
    op.create_index(
        "ix_product_variants_shop_id_product_id", "product_variants", ["shop_id", "product_id"], unique=False
    )
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("gid", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=True),
        sa.Column("product_type", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("shopify_updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_products_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("shop_id", "gid", name=op.f("uq_products_shop_id_gid")),
    )
    op.create_index("ix_products_shop_id_handle", "products", ["shop_id", "handle"], unique=False)
    op.create_table(
        "segments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("member_count", sa.BigInteger(), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_segments_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segments")),
        sa.UniqueConstraint("public_id", name="uq_segments_public_id"),
    )
    op.create_index(
        "ix_segments_shop_id_name", "segments", ["shop_id", sa.literal_column("lower(name)")], unique=True
    )
    op.create_table(
        "shop_tokens",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("access_token", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("scopes", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refresh_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "refreshed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("state", sa.Text(), server_default="valid", nullable=False),
        sa.Column("lease_id", sa.Uuid(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('valid', 'reauthorize')", name=op.f("ck_shop_tokens_state")),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_shop_tokens_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_shop_tokens")),
    )
    op.create_table(
        "suppressions",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("email_digest", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reason IN ('unsubscribed', 'hard_bounce', 'complaint', 'manual')",
            name=op.f("ck_suppressions_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_suppressions_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("shop_id", "email_digest", name=op.f("pk_suppressions")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'queued'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('first', 'manual', 'scheduled')", name=op.f("ck_sync_runs_kind")),
        sa.CheckConstraint("mode IN ('bulk')", name=op.f("ck_sync_runs_mode")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'importing', 'done', 'failed', 'cancelled')",
            name=op.f("ck_sync_runs_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_sync_runs_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sync_runs_public_id")),
    )
    op.create_index("ix_sync_runs_shop_id_id", "sync_runs", ["shop_id", "id"], unique=False)
    op.create_index(
        "uq_sync_runs_open",
        "sync_runs",
        ["shop_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running', 'importing')"),
    )
    op.create_table(
        "webhook_inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("shop_domain", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=True),
        sa.Column("triggered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'dead')", name=op.f("ck_webhook_inbox_state")),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_webhook_inbox_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_inbox")),
        sa.UniqueConstraint("webhook_id", name=op.f("uq_webhook_inbox_webhook_id")),
    )
    op.create_index("ix_webhook_inbox_event_id", "webhook_inbox", ["event_id"], unique=False)
    op.create_index(
        "ix_webhook_inbox_pending",
        "webhook_inbox",
        ["shop_id", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index("ix_webhook_inbox_received_at", "webhook_inbox", ["shop_id", "received_at"], unique=False)
    op.create_table(
        "campaigns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'draft'"), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=True),
        sa.Column("template_key", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("preview_text", sa.Text(), server_default="", nullable=False),
        sa.Column("from_name", sa.Text(), server_default="", nullable=False),
        sa.Column("from_email", sa.Text(), server_default="", nullable=False),
        sa.Column("reply_to", sa.Text(), server_default="", nullable=False),
        sa.Column("html", sa.Text(), server_default="", nullable=False),
        sa.Column("holdout_percent", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("audience_size", sa.BigInteger(), nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'scheduled', 'sending', 'paused', 'sent', 'cancelled', 'failed')",
            name=op.f("ck_campaigns_state"),
        ),
        sa.CheckConstraint("holdout_percent BETWEEN 0 AND 50", name=op.f("ck_campaigns_holdout_percent")),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segments.id"], name=op.f("fk_campaigns_segment_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_campaigns_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("public_id", name=op.f("uq_campaigns_public_id")),
    )
    op.create_index("ix_campaigns_shop_id", "campaigns", ["shop_id", "created_at", "id"], unique=False)
    op.create_table(
        "customer_facts",
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("orders_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total_spent_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("average_order_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rfm_recency", sa.SmallInteger(), nullable=True),
        sa.Column("rfm_frequency", sa.SmallInteger(), nullable=True),
        sa.Column("rfm_monetary", sa.SmallInteger(), nullable=True),
        sa.Column("last_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("rfm_frequency BETWEEN 1 AND 5", name=op.f("ck_customer_facts_rfm_frequency")),
        sa.CheckConstraint("rfm_monetary BETWEEN 1 AND 5", name=op.f("ck_customer_facts_rfm_monetary")),
        sa.CheckConstraint("rfm_recency BETWEEN 1 AND 5", name=op.f("ck_customer_facts_rfm_recency")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_facts_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_customer_facts_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_customer_facts")),
    )
    op.create_index(
        "ix_customer_facts_shop_id_last_order_at",
        "customer_facts",
        ["shop_id", "last_order_at"],
        unique=False,
    )
    op.create_index(
        "ix_customer_facts_shop_id_orders_count", "customer_facts", ["shop_id", "orders_count"], unique=False
    )
    op.create_index(
        "ix_customer_facts_shop_id_total_spent_minor",
        "customer_facts",
        ["shop_id", "total_spent_minor"],
        unique=False,
    )
    op.create_table(
        "sync_resources",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("sync_run_id", sa.BigInteger(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("operation_gid", sa.Text(), nullable=True),
        sa.Column("operation_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("objects_expected", sa.BigInteger(), nullable=True),
        sa.Column("rows_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rows_refused", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_total", sa.BigInteger(), nullable=True),
        sa.Column("lines_done", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "refusals",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "resource IN ('customers', 'products', 'orders')", name=op.f("ck_sync_resources_resource")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'requested', 'ready', 'importing', 'done', 'failed', 'cancelled')",
            name=op.f("ck_sync_resources_state"),
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_sync_resources_shop_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sync_run_id"], ["sync_runs.id"], name=op.f("fk_sync_resources_sync_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_resources")),
        sa.UniqueConstraint("sync_run_id", "resource", name=op.f("uq_sync_resources_sync_run_id_resource")),
    )
    op.create_index(
        "ix_sync_resources_shop_id_operation_gid",
        "sync_resources",
        ["shop_id", "operation_gid"],
        unique=False,
    )
    op.create_table(
        "campaign_links",
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaigns.id"], name=op.f("fk_campaign_links_campaign_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_campaign_links_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_links")),
    )
    # ### end Alembic commands ###


def downgrade() -> None:
    raise NotImplementedError("the first migration is not undone: drop the database")
