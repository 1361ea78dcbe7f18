"""Statistics: a row a node and operation, what nodes went through together, and how long each took to boot."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Double, Integer, String, Text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trips",
        Column("key", String, primary_key=True),
        Column("operation", String, nullable=False),
        Column("kind", String, nullable=False),
        Column("user", String, nullable=False),
        Column("cluster", String, nullable=False),
        Column("started", Double, nullable=False),
        Column("strength", Integer, nullable=False),
        Column("image_size", BigInteger, nullable=False),
        Column("environment", String, nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("owner", String, nullable=False),
        *(
            Column(f"{what}{number}", kind, nullable=False)
            for number in (1, 2, 3)
            for what, kind in (("macro", String), ("instance", String), ("limit", Double), ("retry", Integer))
        ),
        *(Column(f"seconds{number}", Double, nullable=False) for number in (1, 2, 3)),
        Column("steps", JSON, nullable=False),
    )
    op.create_index("trips_by_operation", "trips", ["operation"])
    op.create_index("trips_by_cluster", "trips", ["cluster", "kind", "started"])
    op.create_index("trips_by_start", "trips", ["started"])
    op.create_table(
        "statistics",
        Column("operation", String, primary_key=True),
        Column("node", String, primary_key=True),
        Column("trip", String, nullable=False),
        Column("ended", Double, nullable=False),
        Column("progress", String, nullable=False),
        Column("macro", String, nullable=False),
        Column("micro", String, nullable=False),
        Column("reason", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("statistics_by_trip", "statistics", ["trip"])
    op.create_index("statistics_by_node", "statistics", ["node"])
    op.create_table(
        "node_boots",
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("cluster", String, nullable=False),
        Column("way", String, nullable=False),
        Column("at", Double, nullable=False),
        Column("seconds", JSON, nullable=False),
    )
    op.create_index("node_boots_by_time", "node_boots", ["at"])
