"""Archives of data requests, the log of access to personal data, and audit entries whose content can be erased."""

import hashlib
import secrets

import orjson
import sqlalchemy as sa
from alembic import op

from storecast.db import partitions, tenancy
from storecast.db.roles import Role
from storecast.kit.clock import utcnow

revision = "0007"
down_revision = "0006"

_RETENTION = {
    "audit_log": "SELECT, DELETE, UPDATE (subject, detail, salt)",
    "outbox": "SELECT, UPDATE (args, terms, tags, error, attempts, progress, result, unique_key, "
    "cancel_requested_at)",
    "job_orphans": "SELECT, DELETE",
    "job_batches": "SELECT, DELETE, UPDATE (completion)",
    "job_bulk_actions": "SELECT, DELETE, UPDATE (q)",
    "dead_letter_notes": "SELECT, UPDATE (body)",
}


def upgrade() -> None:
    op.create_table(
        "personal_data_access",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", "at", name=op.f("pk_personal_data_access")),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("ix_personal_data_access_shop_id", "personal_data_access", ["shop_id", "id"])
    op.execute(f"ALTER TABLE personal_data_access OWNER TO {Role.RETENTION.value}")
    op.execute(f"SET LOCAL ROLE {Role.RETENTION.value}")
    partitions.create_default(op.get_bind(), "personal_data_access")
    partitions.ensure(op.get_bind(), "personal_data_access", now=utcnow())
    op.execute("RESET ROLE")
    op.create_table(
        "privacy_archives",
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["privacy_requests.id"],
            name=op.f("fk_privacy_archives_request_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["shop_id"], ["shops.id"], name=op.f("fk_privacy_archives_shop_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_privacy_archives")),
    )
    op.add_column("privacy_requests", sa.Column("archive_bytes", sa.BigInteger(), nullable=True))
    op.add_column("privacy_requests", sa.Column("archive_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("privacy_requests", sa.Column("passphrase", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_privacy_requests_open",
        "privacy_requests",
        ["due_at"],
        postgresql_where=sa.text("state = 'received'"),
    )
    # Results of before quoted people; what is left of them is that the request was done.
    op.execute("UPDATE privacy_requests SET result = NULL WHERE kind = 'data_request'")
    op.add_column("audit_log", sa.Column("salt", sa.LargeBinary(), nullable=True))
    op.add_column("audit_log", sa.Column("content_digest", sa.LargeBinary(), nullable=True))
    _chain_anew()
    op.alter_column("audit_log", "content_digest", nullable=False)
    for table, privileges in (
        ("personal_data_access", "SELECT, INSERT"),
        ("privacy_archives", "SELECT, INSERT, UPDATE, DELETE"),
    ):
        for statement in (*tenancy.isolate(table), *tenancy.grant(Role.APP, privileges, [table])):
            op.execute(statement)
    for statement in tenancy.grant(Role.PLATFORM, "SELECT, DELETE", ["privacy_archives"]):
        op.execute(statement)
    for table, privileges in _RETENTION.items():
        for statement in tenancy.grant(Role.RETENTION, privileges, [table]):
            op.execute(statement)


def _chain_anew() -> None:
    """Let the chain of every shop cover digests of what its entries say, as docs/adr/0016 has it."""
    connection = op.get_bind()
    previous: dict[int | None, bytes] = {}
    rows = connection.execute(
        sa.text("SELECT id, shop_id, at, actor, action, subject, detail FROM audit_log ORDER BY id")
    ).all()
    for row in rows:
        salt = secrets.token_bytes(16)
        content = hashlib.sha256(salt + _canonical([row.subject, row.detail])).digest()
        before = previous.get(row.shop_id, bytes(32))
        said = _canonical([row.shop_id, row.at, row.actor, row.action, content.hex()])
        previous[row.shop_id] = hashlib.sha256(before + said).digest()
        connection.execute(
            sa.text(
                "UPDATE audit_log SET salt = :salt, content_digest = :content, prev_hash = :before, hash = :hash"
                " WHERE id = :id"
            ),
            {
                "salt": salt,
                "content": content,
                "before": before,
                "hash": previous[row.shop_id],
                "id": row.id,
            },
        )


def _canonical(content: list[object]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def downgrade() -> None:
    raise NotImplementedError("the chain of the audit log is not taken back")
