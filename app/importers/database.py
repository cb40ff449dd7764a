"""Foreign databases, read only: their tables, in chunks of the rows that belong to some runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Row,
    Select,
    TableClause,
    column,
    create_engine,
    func,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from app.importers.source import CannotImport

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
Query: TypeAlias = Select[*tuple[Any, ...]]


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """A connection that changes nothing; PostgreSQL shows it one state throughout. Raises: CannotImport."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield connection
    except SQLAlchemyError as error:
        raise CannotImport(f"{shown(url)}: {str(getattr(error, 'orig', None) or error).splitlines()[0]}") from error
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    address = parsed(url)
    if address.get_backend_name() != "sqlite":
        return create_engine(address)
    path = Path(address.database or "")
    if not path.is_file():
        raise CannotImport(f"there is no file {path}")
    return create_engine(f"sqlite:///file:{path.resolve().as_posix()}?mode=ro&uri=true")


def parsed(url: str) -> URL:
    """The address of a database; the path of a file is SQLite's. Raises: CannotImport."""
    try:
        address = make_url(url if "://" in url else f"sqlite:///{url}")
        if address.get_backend_name() == "postgresql":
            address = address.set(drivername="postgresql+psycopg")  # the driver that we have, whichever is named
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise CannotImport(f"{url!r} is no address of a database: {error}") from None
    return address


def shown(url: str) -> str:
    """An address without its password."""
    return parsed(url).render_as_string(hide_password=True)


def named(table_name: str, *columns: str) -> TableClause:
    """A table with the columns that are read of it."""
    return table(table_name, *map(column, columns))


def grouped(connection: Connection, query: Query) -> Mapping[Any, list[AnyRow]]:
    """The rows of a query by their first column."""
    groups: defaultdict[Any, list[AnyRow]] = defaultdict(list)
    for row in connection.execute(query).all():  # all at once takes half as long as one by one
        groups[row[0]].append(row)
    return groups


def count(connection: Connection, query: Query) -> int:
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def time_of(value: Any) -> datetime | None:
    """A time as databases keep it, which SQLite does as text; without a zone it is UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
