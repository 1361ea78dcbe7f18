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
    text,
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
    Column("groups", JSON(none_as_null=True)),
    Column("forgotten", Boolean, nullable=False),
    Column("once_key", String),
    Column("once_digest", String),
    Column("environment", JSON(none_as_null=True)),
    Column("plans", JSON, nullable=False),
    Index("operations_by_kind", "kind", "forgotten", "created"),
    Index("operations_by_state", "state"),
    Index("operations_by_once_key", "user", "once_key", unique=True),
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

# What nodes of an operation that went the same way have in common; nothing of it is bound to the operations, which go
# before it. `steps` is a list of macro-step, instance, micro-step, seconds and tries.
TRIPS: Final = Table(
    "trips",
    METADATA,
    Column("key", String, primary_key=True),
    Column("operation", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("user", String, nullable=False),
    Column("cluster", String, nullable=False),
    Column("started", Double, nullable=False),
    Column("strength", Integer, nullable=False),
    Column("image_size", BigInteger, nullable=False),
    Column("image_sha256", String, nullable=False, server_default=text("''")),
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
    Index("trips_by_operation", "operation"),
    Index("trips_by_cluster", "cluster", "kind", "started"),
    Index("trips_by_start", "started"),
)

STATISTICS: Final = Table(
    "statistics",
    METADATA,
    Column("operation", String, primary_key=True),
    Column("node", String, primary_key=True),
    Column("trip", String, nullable=False),
    Column("ended", Double, nullable=False),
    Column("progress", String, nullable=False),
    Column("macro", String, nullable=False),
    Column("micro", String, nullable=False),
    Column("reason", Text, nullable=False),
    Index("statistics_by_trip", "trip"),
    Index("statistics_by_node", "node"),
    sqlite_with_rowid=False,
)

# One row a wait: `seconds` maps nodes to how long they took.
NODE_BOOTS: Final = Table(
    "node_boots",
    METADATA,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("cluster", String, nullable=False),
    Column("way", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("seconds", JSON, nullable=False),
    Index("node_boots_by_time", "at"),
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
    Column("alias", String, nullable=False, server_default=text("''")),
    Column("content", JSON, nullable=False),
    Column("description", JSON, nullable=False),
    Index("environments_by_alias", "alias"),
)

# `user` is a user, or a group with `@` in front; `until` is null for a right that does not end.
RIGHTS: Final = Table(
    "rights",
    METADATA,
    Column("user", String, primary_key=True),
    Column("node", String, primary_key=True),
    Column("partition", String, primary_key=True),
    Column("since", Double, primary_key=True),
    Column("until", Double),
    Index("rights_by_node", "node"),
)

AGENT_TOKENS: Final = Table(
    "agent_tokens",
    METADATA,
    Column("node", String, primary_key=True),
    Column("token_hash", String, nullable=False),
    Column("issued_at", Double, nullable=False),
)

ANSWERS: Final = Table(
    "answers",
    METADATA,
    Column("user", String, primary_key=True),
    Column("once_key", String, primary_key=True),
    Column("once_digest", String, nullable=False),
    Column("at", Double, nullable=False),
    Column("answer", String, nullable=False),
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
