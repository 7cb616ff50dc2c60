"""A department looks at what it asked: the type of a use, and the way to the uses of a body.

Revision: 0027. The column has a default, so that older code goes on writing uses; such rows name no type.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

KEY = sa.String(200)


def upgrade() -> None:
    """Make them."""
    op.add_column("fetches", sa.Column("type_slug", KEY, nullable=False, server_default=""))
    op.create_index("ix_fetches_authority", "fetches", ["authority_code", "at", "fetch_id"], unique=False)
    op.create_index("ix_clients_authority", "clients", ["authority_code", "client_id"], unique=False)


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_clients_authority", table_name="clients")
    op.drop_index("ix_fetches_authority", table_name="fetches")
    op.drop_column("fetches", "type_slug")
