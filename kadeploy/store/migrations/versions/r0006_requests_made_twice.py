"""What an operation's creator calls the request for it, so that the request can be repeated."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("operations", Column("once_key", String))
    op.add_column("operations", Column("once_digest", String))
    op.create_index("operations_by_once_key", "operations", ["user", "once_key"], unique=True)
