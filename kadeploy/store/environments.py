"""The recorded environments, known by user, name and version."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Column, ColumnElement, Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from kadeploy.domain.environment import Environment
from kadeploy.errors import AlreadyExists, InvalidEnvironment
from kadeploy.store.database import Database
from kadeploy.store.environment_rows import environment_from, environment_row
from kadeploy.store.tables import ENVIRONMENTS


class SqlEnvironments:
    """`ports.store.Environments` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, environment: Environment) -> None:
        await self._database.transact(lambda connection: _add(connection, environment))

    async def find(
        self,
        *,
        name: str | None = None,
        alias: str | None = None,
        user: str | None = None,
        version: int | None = None,
        last: bool = False,
    ) -> Sequence[Environment]:
        query = select(ENVIRONMENTS)
        texts = ((ENVIRONMENTS.c.name, name), (ENVIRONMENTS.c.alias, alias), (ENVIRONMENTS.c.user, user))
        for column, wanted in texts:
            if wanted is not None:
                query = query.where(_matches(column, wanted))
        if version is not None:
            query = query.where(ENVIRONMENTS.c.version == version)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        # Sorted here: databases differ in the order of text.
        found = sorted(rows, key=lambda row: (row["name"], row["user"], row["version"]))
        if last:
            found = list({(row["name"], row["user"]): row for row in found}.values())
        return [environment_from(row) for row in found]

    async def replace(self, environments: Sequence[Environment]) -> None:
        def work(connection: Connection) -> None:
            for environment in environments:
                _replace(connection, environment)

        await self._database.transact(work)

    async def delete(self, environments: Sequence[Environment]) -> None:
        await self._database.transact(lambda connection: _delete(connection, environments))


def _matches(column: Column[str], wanted: str) -> ColumnElement[bool]:
    if "%" not in wanted:
        return column == wanted
    # Only % stands for anything; an underscore is itself, as names are full of them.
    return column.like(wanted.replace("\\", "\\\\").replace("_", "\\_"), escape="\\")


def _add(connection: Connection, environment: Environment) -> None:
    try:
        connection.execute(insert(ENVIRONMENTS), environment_row(environment))
    except IntegrityError as error:
        raise AlreadyExists(
            f"{_called(environment)} exists already", hint="record it with another version, or delete that one first"
        ) from error


def _replace(connection: Connection, environment: Environment) -> None:
    row = environment_row(environment)
    statement = update(ENVIRONMENTS).where(
        ENVIRONMENTS.c.user == environment.user,
        ENVIRONMENTS.c.name == environment.name,
        ENVIRONMENTS.c.version == environment.version,
    )
    changed = {key: row[key] for key in ("alias", "content", "description")}
    if connection.execute(statement.values(**changed)).rowcount == 0:
        raise InvalidEnvironment(f"there is no {_called(environment)}")


def _delete(connection: Connection, environments: Sequence[Environment]) -> None:
    if not environments:
        return
    statement = delete(ENVIRONMENTS).where(
        ENVIRONMENTS.c.user == bindparam("of_user"),
        ENVIRONMENTS.c.name == bindparam("of_name"),
        ENVIRONMENTS.c.version == bindparam("of_version"),
    )
    rows = [{"of_user": one.user, "of_name": one.name, "of_version": one.version} for one in environments]
    connection.execute(statement, rows)


def _called(environment: Environment) -> str:
    return f"environment {environment.name} version {environment.version} of {environment.user}"
