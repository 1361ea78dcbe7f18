"""Rights get a beginning and an end, and operations remember the groups that a token named."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, Column, Double, String

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rights_in_time",
        Column("user", String, primary_key=True),
        Column("node", String, primary_key=True),
        Column("partition", String, primary_key=True),
        Column("since", Double, primary_key=True),
        Column("until", Double),
    )
    op.execute(
        'INSERT INTO rights_in_time ("user", node, "partition", since) SELECT "user", node, "partition", 0 FROM rights'
    )
    op.drop_table("rights")
    op.rename_table("rights_in_time", "rights")
    op.create_index("rights_by_node", "rights", ["node"])
    op.add_column("operations", Column("groups", JSON))
