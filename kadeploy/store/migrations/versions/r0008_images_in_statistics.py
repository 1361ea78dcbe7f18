"""Statistics say which image was installed."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, String, text

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trips", Column("image_sha256", String, nullable=False, server_default=text("''")))
