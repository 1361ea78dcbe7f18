"""Every table, as the code sees them now; `migrations/` says how a database gets there.

Times are seconds since the epoch. What is only ever read back as a whole is JSON; what is searched is a column.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

METADATA: Final = MetaData()

OPERATIONS: Final = Table(
    "operations",
    METADATA,
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
    Index("operations_by_kind", "kind", "forgotten", "created"),
    Index("operations_by_state", "state"),
)

OUTCOMES: Final = Table(
    "outcomes",
    METADATA,
    Column("operation", String, ForeignKey("operations.id"), primary_key=True),
    Column("node", String, primary_key=True),
    Column("progress", String, nullable=False),
    Column("macro", String, nullable=False),
    Column("micro", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("output", Text, nullable=False),
    Column("tried", Text, nullable=False),
    Index("outcomes_by_progress", "operation", "progress"),
    sqlite_with_rowid=False,
)

# A node is in one operation at most because `node` is the key: two racing transactions cannot both insert it.
LOCKS: Final = Table(
    "locks",
    METADATA,
    Column("node", String, primary_key=True),
    Column("operation", String, ForeignKey("operations.id"), nullable=False),
    Index("locks_by_operation", "operation"),
    sqlite_with_rowid=False,
)

# What a node set's visit of a step came to: who repeats the visit gets this answer instead.
VISITS: Final = Table(
    "visits",
    METADATA,
    Column("key", String, primary_key=True),
    Column("operation", String, ForeignKey("operations.id"), nullable=False),
    Column("answer", JSON, nullable=False),
    Index("visits_by_operation", "operation"),
)

# Not bound to the operations: it is written before the operation is, and outlives it when the server was killed.
DUE_HOOKS: Final = Table(
    "due_hooks",
    METADATA,
    Column("operation", String, primary_key=True),
    Column("user", String, nullable=False),
)

LIFTED_BREAKPOINTS: Final = Table(
    "lifted_breakpoints",
    METADATA,
    Column("operation", String, ForeignKey("operations.id"), primary_key=True),
    Column("macro", String, primary_key=True),
    Column("micro", String, primary_key=True),
)

# AUTOINCREMENT: a number is never given twice, so that whoever follows can say "after number N".
JOURNAL: Final = Table(
    "journal",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("operation", String, nullable=False),
    Column("event", JSON, nullable=False),
    Index("journal_by_operation", "operation", "number"),
    sqlite_autoincrement=True,
)

NODES: Final = Table(
    "nodes",
    METADATA,
    Column("node", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("user", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("environment", JSON(none_as_null=True)),
)

# One row a wait: `seconds` is a list.
BOOT_TIMES: Final = Table(
    "boot_times",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("cluster", String, nullable=False),
    Column("way", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("seconds", JSON, nullable=False),
    Index("boot_times_by_cluster", "cluster", "way", "number"),
)

BOOT_TARGETS: Final = Table(
    "boot_targets",
    METADATA,
    Column("node", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("params", Text, nullable=False),
)

# JSON, not JSONB on PostgreSQL: `description` is shown back with its keys in the user's order.
ENVIRONMENTS: Final = Table(
    "environments",
    METADATA,
    Column("user", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("content", JSON, nullable=False),
    Column("description", JSON, nullable=False),
)

RIGHTS: Final = Table(
    "rights",
    METADATA,
    Column("user", String, primary_key=True),
    Column("node", String, primary_key=True),
    Column("partition", String, primary_key=True),
    Index("rights_by_node", "node"),
)

AGENT_TOKENS: Final = Table(
    "agent_tokens",
    METADATA,
    Column("node", String, primary_key=True),
    Column("token_hash", String, nullable=False),
    Column("issued_at", Double, nullable=False),
)

API_TOKENS: Final = Table(
    "api_tokens",
    METADATA,
    Column("id", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("name", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("secret_hash", String, nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("used", Double, nullable=False),
    Column("groups", JSON, nullable=False),
    Index("api_tokens_by_user", "user", "created"),
)

# Rows are only ever added: triggers refuse everything else.
AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("user", String, nullable=False),
    Column("action", String, nullable=False),
    Column("role", String, nullable=False),
    Column("scheme", String, nullable=False),
    Column("address", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("nodes", Text, nullable=False),
    Column("result", Text, nullable=False),
    Index("audit_by_user", "user", "number"),
    Index("audit_by_operation", "operation"),
    sqlite_autoincrement=True,
)
