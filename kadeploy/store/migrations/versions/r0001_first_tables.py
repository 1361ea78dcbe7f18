"""The first tables."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, ForeignKey, Integer, String, Text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_operations()
    _create_what_they_have_done()
    _create_what_is_known_of_nodes()
    _create_what_users_record()


def _create_operations() -> None:
    op.create_table(
        "operations",
        Column("id", String, primary_key=True),
        Column("kind", String, nullable=False),
        Column("user", String, nullable=False),
        Column("created", Double, nullable=False),
        Column("ended", Double, nullable=False),
        Column("state", String, nullable=False),
        Column("error", Text, nullable=False),
        Column("aborted_by", String, nullable=False),
        Column("forgotten", Boolean, nullable=False),
        Column("environment", JSON(none_as_null=True)),
        Column("plans", JSON, nullable=False),
    )
    op.create_index("operations_by_kind", "operations", ["kind", "forgotten", "created"])
    op.create_index("operations_by_state", "operations", ["state"])
    op.create_table(
        "outcomes",
        Column("operation", String, ForeignKey("operations.id"), primary_key=True),
        Column("node", String, primary_key=True),
        Column("progress", String, nullable=False),
        Column("macro", String, nullable=False),
        Column("micro", String, nullable=False),
        Column("reason", Text, nullable=False),
        Column("output", Text, nullable=False),
        Column("tried", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("outcomes_by_progress", "outcomes", ["operation", "progress"])
    op.create_table(
        "locks",
        Column("node", String, primary_key=True),
        Column("operation", String, ForeignKey("operations.id"), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("locks_by_operation", "locks", ["operation"])


def _create_what_they_have_done() -> None:
    op.create_table(
        "visits",
        Column("key", String, primary_key=True),
        Column("operation", String, ForeignKey("operations.id"), nullable=False),
        Column("answer", JSON, nullable=False),
    )
    op.create_index("visits_by_operation", "visits", ["operation"])
    op.create_table(
        "due_hooks",
        Column("operation", String, primary_key=True),
        Column("user", String, nullable=False),
    )
    op.create_table(
        "lifted_breakpoints",
        Column("operation", String, ForeignKey("operations.id"), primary_key=True),
        Column("macro", String, primary_key=True),
        Column("micro", String, primary_key=True),
    )
    op.create_table(
        "journal",
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("operation", String, nullable=False),
        Column("event", JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("journal_by_operation", "journal", ["operation", "number"])


def _create_what_is_known_of_nodes() -> None:
    op.create_table(
        "nodes",
        Column("node", String, primary_key=True),
        Column("state", String, nullable=False),
        Column("user", String, nullable=False),
        Column("at", Double, nullable=False),
        Column("environment", JSON(none_as_null=True)),
    )
    op.create_table(
        "boot_times",
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("cluster", String, nullable=False),
        Column("way", String, nullable=False),
        Column("at", Double, nullable=False),
        Column("seconds", JSON, nullable=False),
    )
    op.create_index("boot_times_by_cluster", "boot_times", ["cluster", "way", "number"])
    op.create_table(
        "boot_targets",
        Column("node", String, primary_key=True),
        Column("kind", String, nullable=False),
        Column("params", Text, nullable=False),
    )
    op.create_table(
        "agent_tokens",
        Column("node", String, primary_key=True),
        Column("token_hash", String, nullable=False),
        Column("issued_at", Double, nullable=False),
    )


def _create_what_users_record() -> None:
    op.create_table(
        "environments",
        Column("user", String, primary_key=True),
        Column("name", String, primary_key=True),
        Column("version", BigInteger, primary_key=True, autoincrement=False),
        Column("content", JSON, nullable=False),
        Column("description", JSON, nullable=False),
    )
    op.create_table(
        "rights",
        Column("user", String, primary_key=True),
        Column("node", String, primary_key=True),
        Column("partition", String, primary_key=True),
    )
    op.create_index("rights_by_node", "rights", ["node"])
