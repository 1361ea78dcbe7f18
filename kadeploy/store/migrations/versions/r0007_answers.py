"""What requests that make something were answered, so that they can be repeated."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Double, String

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answers",
        Column("user", String, primary_key=True),
        Column("once_key", String, primary_key=True),
        Column("once_digest", String, nullable=False),
        Column("at", Double, nullable=False),
        Column("answer", String, nullable=False),
    )
