"""${message}

Expand, then backfill, then contract, each in a release of its own. A lock is held for milliseconds: an index on a
large table is made CONCURRENTLY in a migration that does nothing else; a backfill is a batched job, not a migration.
"""

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
