"""Durable jobs to the full, and their console: priorities, batches, limits, logs, schedules, workflows, alerts.

No release stands on the first schema yet, so the indexes of `job_runs` are changed in place.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storecast.db import partitions, tenancy
from storecast.db.roles import Role
from storecast.kit.clock import utcnow

revision = "0002"
down_revision = "0001"


ISOLATED = (
    "alert_channels",
    "alert_events",
    "alert_rules",
    "job_batches",
    "job_bulk_actions",
    "job_logs",
    "job_orphans",
    "job_schedules",
    "schedule_ticks",
    "workflow_nodes",
    "workflows",
)

# Role, privileges, table.
GRANTS = [
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "alert_channels"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "alert_rules"),
    ("storecast_app", "SELECT, INSERT, UPDATE (total, finished_at)", "job_batches"),
    (
        "storecast_app",
        "SELECT, INSERT, UPDATE (before_id, acted, next_run_at, finished_at)",
        "job_bulk_actions",
    ),
    ("storecast_app", "SELECT", "job_logs"),
    ("storecast_app", "SELECT", "job_orphans"),
    ("storecast_app", "SELECT, UPDATE (retried_as, discarded_at)", "job_runs"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "job_schedules"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "workflows"),
    ("storecast_app", "SELECT, INSERT, UPDATE (deliveries), DELETE", "alert_events"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "schedule_ticks"),
    ("storecast_app", "SELECT, INSERT, UPDATE, DELETE", "workflow_nodes"),
    ("storecast_app", "SELECT", "work_limits"),
    ("storecast_edge", "SELECT, INSERT, UPDATE (run_at, state)", "outbox"),
    ("storecast_edge", "SELECT, INSERT", "fleet_deploys"),
    ("storecast_relay", "SELECT, INSERT", "job_logs"),
    ("storecast_relay", "SELECT, UPDATE", "job_batches"),
    ("storecast_relay", "SELECT, INSERT", "job_orphans"),
    ("storecast_relay", "SELECT, UPDATE", "work_limits"),
    ("storecast_relay", "SELECT, INSERT", "fleet_deploys"),
    ("storecast_platform", "SELECT, UPDATE (retried_as, discarded_at)", "job_runs"),
    ("storecast_platform", "SELECT", "job_logs"),
    ("storecast_platform", "SELECT, INSERT, UPDATE", "job_batches"),
    ("storecast_platform", "SELECT", "job_orphans"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "job_minutes"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "job_hours"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "job_rollups"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "work_limits"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "dead_letter_notes"),
    (
        "storecast_platform",
        "SELECT, INSERT, UPDATE (before_id, acted, next_run_at, finished_at)",
        "job_bulk_actions",
    ),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "job_schedules"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "schedule_ticks"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "workflows"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "workflow_nodes"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "fleet_commands"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "fleet_deploys"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "alert_channels"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "alert_rules"),
    ("storecast_platform", "SELECT, INSERT, UPDATE, DELETE", "alert_events"),
]


def upgrade() -> None:
    change_tables()
    op.drop_constraint("pk_job_runs", "job_runs")
    op.create_primary_key("pk_job_runs", "job_runs", ["id", "enqueued_at"])
    op.drop_constraint("ck_outbox_state", "outbox")
    op.create_check_constraint(
        op.f("ck_outbox_state"), "outbox", "state IN ('scheduled', 'staged', 'queued', 'running')"
    )
    op.execute("UPDATE outbox SET state = 'scheduled' WHERE state = 'staged' AND run_at > now()")
    op.drop_index("ix_outbox_lease", "outbox")
    op.create_index(
        "ix_outbox_lease", "outbox", ["lease_until"], postgresql_where="state IN ('queued', 'running')"
    )
    op.execute(
        "ALTER TABLE outbox SET "
        "(autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000, fillfactor = 70)"
    )
    for table in ISOLATED:
        for statement in tenancy.isolate(table):
            op.execute(statement)
    for role, privileges, table in GRANTS:
        for statement in tenancy.grant(Role(role), privileges, [table]):
            op.execute(statement)
    create_partitions()


def create_partitions() -> None:
    """Partitions belong to the role that will drop them one day."""
    op.execute(f"ALTER TABLE job_logs OWNER TO {Role.RETENTION.value}")
    op.execute(f"SET LOCAL ROLE {Role.RETENTION.value}")
    partitions.create_default(op.get_bind(), "job_logs")
    partitions.ensure(op.get_bind(), "job_logs", now=utcnow())
    op.execute("RESET ROLE")


def change_tables() -> None:
    # ### commands auto generated by Alembic - please adjust! ###
    op.create_table(
        "alert_channels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("target", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('email', 'slack', 'webhook')", name=op.f("ck_alert_channels_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_channels")),
    )
    op.create_index("ix_alert_channels_shop_id", "alert_channels", ["shop_id"], unique=False)
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column(
            "scope", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("for_s", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("hold_off_s", sa.Integer(), server_default=sa.text("3600"), nullable=False),
        sa.Column(
            "channel_ids", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'ok'"), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_value", sa.Double(), nullable=True),
        sa.Column("last_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_fired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("op IN ('above', 'below')", name=op.f("ck_alert_rules_op")),
        sa.CheckConstraint(
            "state IN ('ok', 'pending', 'firing', 'unknown')", name=op.f("ck_alert_rules_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    op.create_index("ix_alert_rules_shop_id", "alert_rules", ["shop_id"], unique=False)
    op.create_table(
        "dead_letter_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter_notes")),
    )
    op.create_index(
        "ix_dead_letter_notes_fingerprint", "dead_letter_notes", ["fingerprint", "id"], unique=False
    )
    op.create_table(
        "fleet_commands",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "action IN ('drain', 'resume', 'stop', 'resize')", name=op.f("ck_fleet_commands_action")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fleet_commands")),
    )
    op.create_index("ix_fleet_commands_process", "fleet_commands", ["process", "id"], unique=False)
    op.create_table(
        "fleet_deploys",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column(
            "first_seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_fleet_deploys")),
    )
    op.create_table(
        "job_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("succeeded", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dead", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("completion", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_batches")),
    )
    op.create_index("ix_job_batches_shop_id", "job_batches", ["shop_id", "id"], unique=False)
    op.create_table(
        "job_bulk_actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("q", sa.Text(), nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.Column("rate_per_min", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before_id", sa.Uuid(), nullable=False),
        sa.Column("acted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "action IN ('retry', 'cancel', 'discard')", name=op.f("ck_job_bulk_actions_action")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_bulk_actions")),
    )
    op.create_index("ix_job_bulk_actions_shop_id", "job_bulk_actions", ["shop_id"], unique=False)
    op.create_table(
        "job_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("wait_buckets", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("run_buckets", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("run_ms_total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "queue", "name", "state", name=op.f("pk_job_hours")),
    )
    op.create_table(
        "job_logs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column(
            "facts", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", "at", name=op.f("pk_job_logs")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_job_logs_job_id", "job_logs", ["job_id", "at"], unique=False)
    op.create_table(
        "job_minutes",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("wait_buckets", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("run_buckets", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("run_ms_total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("minute", "queue", "name", "state", name=op.f("pk_job_minutes")),
    )
    op.create_table(
        "job_orphans",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('retried', 'dead', 'cancelled')", name=op.f("ck_job_orphans_outcome")
        ),
        sa.PrimaryKeyConstraint("job_id", "attempt", name=op.f("pk_job_orphans")),
    )
    op.create_index("ix_job_orphans_process", "job_orphans", ["process", "at"], unique=False)
    op.create_table(
        "job_rollups",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rolled_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_rollups")),
    )
    op.create_table(
        "job_schedules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column(
            "args", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("cron", sa.Text(), nullable=True),
        sa.Column("interval_s", sa.Integer(), nullable=True),
        sa.Column("timezone", sa.Text(), server_default=sa.text("'UTC'"), nullable=False),
        sa.Column("overlap", sa.Text(), server_default=sa.text("'skip'"), nullable=False),
        sa.Column("catch_up", sa.Text(), server_default=sa.text("'last'"), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("skip_next", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("next_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("catch_up IN ('none', 'last', 'all')", name=op.f("ck_job_schedules_catch_up")),
        sa.CheckConstraint("overlap IN ('skip', 'queue')", name=op.f("ck_job_schedules_overlap")),
        sa.CheckConstraint("source IN ('code', 'user')", name=op.f("ck_job_schedules_source")),
        sa.CheckConstraint("(cron IS NULL) <> (interval_s IS NULL)", name=op.f("ck_job_schedules_when")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_schedules")),
    )
    op.create_index(
        "ix_job_schedules_due",
        "job_schedules",
        ["next_run_at"],
        unique=False,
        postgresql_where=sa.text("paused_at IS NULL"),
    )
    op.create_index(
        "uq_job_schedules_code",
        "job_schedules",
        ["job_name"],
        unique=True,
        postgresql_where=sa.text("source = 'code'"),
    )
    op.create_table(
        "work_limits",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.Column("in_flight", sa.Integer(), nullable=True),
        sa.Column("shop_in_flight", sa.Integer(), nullable=True),
        sa.Column("rate", sa.Integer(), nullable=True),
        sa.Column("rate_period_s", sa.Integer(), server_default=sa.text("60"), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=True),
        sa.Column("tokens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("weight", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('queue', 'job', 'shop')", name=op.f("ck_work_limits_kind")),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_work_limits")),
    )
    op.create_table(
        "workflows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("unique_key", sa.Text(), nullable=True),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_workflows_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
    )
    op.create_index(
        "ix_workflows_open",
        "workflows",
        ["id"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_index("ix_workflows_shop_id", "workflows", ["shop_id", "id"], unique=False)
    op.create_index(
        "uq_workflows_unique_key",
        "workflows",
        [sa.literal_column("coalesce(shop_id, 0)"), "unique_key"],
        unique=True,
        postgresql_where=sa.text("unique_key IS NOT NULL AND state IN ('running', 'paused')"),
    )
    op.create_table(
        "alert_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("silent", sa.Text(), nullable=True),
        sa.Column(
            "deliveries",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.CheckConstraint("kind IN ('fired', 'resolved')", name=op.f("ck_alert_events_kind")),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["alert_rules.id"], name=op.f("fk_alert_events_rule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_events")),
    )
    op.create_index("ix_alert_events_rule_id", "alert_events", ["rule_id", "id"], unique=False)
    op.create_index("ix_alert_events_shop_id", "alert_events", ["shop_id", "id"], unique=False)
    op.create_table(
        "schedule_ticks",
        sa.Column("schedule_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('staged', 'waiting', 'skipped', 'overlapped', 'missed')",
            name=op.f("ck_schedule_ticks_outcome"),
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["job_schedules.id"],
            name=op.f("fk_schedule_ticks_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "due_at", name=op.f("pk_schedule_ticks")),
    )
    op.create_index(
        "ix_schedule_ticks_waiting",
        "schedule_ticks",
        ["schedule_id"],
        unique=False,
        postgresql_where=sa.text("outcome = 'waiting'"),
    )
    op.create_table(
        "workflow_nodes",
        sa.Column("workflow_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("needs", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("job_name", sa.Text(), nullable=False),
        sa.Column(
            "args", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("condition", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("fan_out", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("retries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'succeeded', 'failed', 'skipped', 'cancelled')",
            name=op.f("ck_workflow_nodes_state"),
        ),
        sa.ForeignKeyConstraint(
            ["workflow_id"], ["workflows.id"], name=op.f("fk_workflow_nodes_workflow_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workflow_id", "key", name=op.f("pk_workflow_nodes")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_workflow_nodes_batch_id")),
    )
    op.alter_column("audit_log", "shop_id", existing_type=sa.BIGINT(), nullable=True)
    op.add_column(
        "fleet_processes", sa.Column("done_per_min", sa.Double(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "fleet_processes",
        sa.Column("done_seen", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "fleet_processes", sa.Column("pool", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column(
        "fleet_processes",
        sa.Column(
            "children",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
    )
    op.add_column(
        "fleet_processes", sa.Column("prefetched", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("fleet_processes", sa.Column("last_job", sa.Text(), nullable=True))
    op.add_column("fleet_processes", sa.Column("last_job_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("fleet_processes", sa.Column("broker_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "fleet_processes",
        sa.Column("draining", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "fleet_processes", sa.Column("dropped", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("job_runs", sa.Column("error_class", sa.Text(), nullable=True))
    op.add_column("job_runs", sa.Column("fingerprint", sa.Text(), nullable=True))
    op.add_column("job_runs", sa.Column("discarded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "job_runs", sa.Column("priority", sa.SmallInteger(), server_default=sa.text("5"), nullable=False)
    )
    op.add_column(
        "job_runs", sa.Column("terms", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column(
        "job_runs", sa.Column("losses", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("job_runs", sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("job_runs", sa.Column("root_id", sa.Uuid(), nullable=True))
    op.add_column("job_runs", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.add_column("job_runs", sa.Column("traceparent", sa.Text(), nullable=True))
    op.add_column(
        "job_runs",
        sa.Column("run_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.drop_index(op.f("ix_job_runs_state"), table_name="job_runs")
    op.drop_index(op.f("ix_job_runs_shop_id"), table_name="job_runs")
    op.create_index("ix_job_runs_shop_id", "job_runs", ["shop_id", "id"], unique=False)
    op.create_index(
        "ix_job_runs_batch_id",
        "job_runs",
        ["batch_id", "id"],
        unique=False,
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index(
        "ix_job_runs_dead_letters",
        "job_runs",
        ["fingerprint", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'dead' AND retried_as IS NULL AND discarded_at IS NULL"),
        postgresql_include=["shop_id", "finished_at", "name"],
    )
    op.create_index(
        "ix_job_runs_fingerprint",
        "job_runs",
        ["fingerprint", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'dead'"),
    )
    op.create_index(
        "ix_job_runs_finished_at",
        "job_runs",
        ["finished_at"],
        unique=False,
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "16", "autosummarize": "on"},
    )
    op.create_index("ix_job_runs_name", "job_runs", ["name", "id"], unique=False)
    op.create_index("ix_job_runs_queue", "job_runs", ["queue", "id"], unique=False)
    op.create_index(
        "ix_job_runs_root_id",
        "job_runs",
        ["root_id", "id"],
        unique=False,
        postgresql_where=sa.text("root_id IS NOT NULL"),
    )
    op.create_index("ix_job_runs_shop_name", "job_runs", ["shop_id", "name", "id"], unique=False)
    op.create_index(
        "ix_job_runs_terms",
        "job_runs",
        ["terms"],
        unique=False,
        postgresql_using="gin",
        postgresql_where=sa.text("terms <> '{}'"),
    )
    op.create_index(
        "ix_job_runs_unsuccessful",
        "job_runs",
        ["state", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'succeeded'"),
    )
    op.create_index(
        "ix_job_runs_worker",
        "job_runs",
        [sa.literal_column("split_part(worker, '/', 1)"), "id"],
        unique=False,
    )
    op.add_column(
        "outbox", sa.Column("priority", sa.SmallInteger(), server_default=sa.text("5"), nullable=False)
    )
    op.add_column(
        "outbox", sa.Column("terms", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    op.add_column(
        "outbox", sa.Column("losses", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column("outbox", sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("outbox", sa.Column("root_id", sa.Uuid(), nullable=True))
    op.add_column("outbox", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.add_column("outbox", sa.Column("traceparent", sa.Text(), nullable=True))
    op.drop_index(op.f("ix_outbox_due"), table_name="outbox", postgresql_where="(state = 'staged'::text)")
    op.drop_index(op.f("ix_outbox_shop_id"), table_name="outbox")
    op.create_index("ix_outbox_shop_id", "outbox", ["shop_id", "id"], unique=False)
    op.create_index(
        "ix_outbox_batch_id",
        "outbox",
        ["batch_id"],
        unique=False,
        postgresql_where=sa.text("batch_id IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_lines",
        "outbox",
        ["queue", sa.literal_column("coalesce(shop_id, 0)"), "priority", "run_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'staged'"),
    )
    op.create_index(
        "ix_outbox_scheduled",
        "outbox",
        ["run_at"],
        unique=False,
        postgresql_where=sa.text("state = 'scheduled'"),
    )
    # ### end Alembic commands ###


def downgrade() -> None:
    raise NotImplementedError("finished jobs are not unmade: restore a backup")
