"""Tokens of the API, and the audit log, to which rows are only ever added."""

from __future__ import annotations

from typing import Final

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Double, Integer, String, Text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SAID: Final = "the audit log is only ever added to"
_SQLITE: Final = tuple(
    f"CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, '{_SAID}'); END"
    for verb in ("update", "delete")
)
_POSTGRESQL: Final = (
    f"CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{_SAID}'; END $$",
    "CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept()",
)


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        Column("id", String, primary_key=True),
        Column("user", String, nullable=False),
        Column("name", String, nullable=False),
        Column("scope", String, nullable=False),
        Column("secret_hash", String, nullable=False),
        Column("created", Double, nullable=False),
        Column("expires", Double, nullable=False),
        Column("used", Double, nullable=False),
        Column("groups", JSON, nullable=False),
    )
    op.create_index("api_tokens_by_user", "api_tokens", ["user", "created"])
    op.create_table(
        "audit",
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
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_user", "audit", ["user", "number"])
    op.create_index("audit_by_operation", "audit", ["operation"])
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
