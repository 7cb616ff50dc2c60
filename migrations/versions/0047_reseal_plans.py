"""成批换章: plans and the outcomes of their licenses.

Revision: 0047. New tables, which older code does not notice. Code of before knows no re-sealed form of a file: do not
approve a plan before every process runs the new one.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

KEY = sa.String(200)
UTC_TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
RUNNING = sa.text("state = 'running'")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "reseal_plans",
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("types", sa.Text(), nullable=False),
        sa.Column("bodies", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("proposed_by", KEY, nullable=False),
        sa.Column("proposed_at", UTC_TIME, nullable=False),
        sa.Column("opinion", sa.LargeBinary(), nullable=False),
        sa.Column("decided_by", KEY, nullable=False),
        sa.Column("decided_at", UTC_TIME),
        sa.Column("ended_by", KEY, nullable=False),
        sa.Column("ended_at", UTC_TIME),
        sa.Column("profiles", sa.Text(), nullable=False),
        sa.Column("begun", sa.Boolean(), nullable=False),
        sa.Column("behind", KEY, nullable=False),
        sa.Column("waits_for", sa.Text(), nullable=False),
        sa.Column("claim_token", KEY, nullable=False),
        sa.Column("ready_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("plan_id", name=op.f("pk_reseal_plans")),
    )
    op.create_index(
        "ix_reseal_plans_running",
        "reseal_plans",
        ["ready_at", "plan_id"],
        unique=False,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )
    op.create_table(
        "reseal_items",
        sa.Column("plan_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False),
        sa.Column("identifier", KEY, nullable=False),
        sa.Column("outcome", KEY, nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("code", KEY, nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.Column("artifact_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["reseal_plans.plan_id"], name=op.f("fk_reseal_items_plan_id")),
        sa.PrimaryKeyConstraint("plan_id", "version_id", name=op.f("pk_reseal_items")),
    )
    op.create_index("ix_reseal_items_outcome", "reseal_items", ["plan_id", "outcome", "version_id"], unique=False)


def downgrade() -> None:
    """Take them away."""
    op.drop_table("reseal_items")
    op.drop_table("reseal_plans")
