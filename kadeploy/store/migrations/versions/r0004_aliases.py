"""Environments are found by their aliases, too."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String, text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("environments", Column("alias", String, nullable=False, server_default=text("''")))
    op.create_index("environments_by_alias", "environments", ["alias"])
