"""Grants: everything that the rules say, and nothing else, in one transaction and as often as wanted.

The owner runs it after each migration. What was granted before is taken back in the same transaction, so that a
service that runs meanwhile sees no gap.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from orgbilling.roles import names as catalogue
from orgbilling.roles import rules
from orgbilling.roles.names import Names

# Two at once would trip over each other's rows of the catalogue.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('orgbilling create_roles'))"
STATEMENT = sql.Composable


def grant(connection: BaseDatabaseWrapper, names: Names) -> int:
    """Bring every privilege to what the rules say, as the owner; return how many tables there are.

    Call it inside a transaction, as a member of the owner.
    """
    found = catalogue.columns(connection)
    with connection.cursor() as cursor:
        cursor.execute(ONE_AT_A_TIME)
        cursor.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(names.owner)))
        for statement in (
            *_schema(connection, names),
            *_tables(connection, names, found),
            *_functions(connection, names),
            *_future(names),
        ):
            cursor.execute(statement)
        cursor.execute("RESET ROLE")
    return len(found)


def _schema(connection: BaseDatabaseWrapper, names: Names) -> Iterator[STATEMENT]:
    database = sql.Identifier(str(connection.settings_dict["NAME"]))
    yield sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database)
    yield sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for role in names:
        grantee = sql.Identifier(role)
        yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, grantee)
        yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(grantee)


def _tables(
    connection: BaseDatabaseWrapper, names: Names, found: dict[str, list[str]]
) -> Iterator[STATEMENT]:
    everybody = sql.SQL(", ").join([sql.SQL("PUBLIC"), *map(sql.Identifier, names)])
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(everybody)
    yield sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}").format(everybody)
    for table, privileges in rules.BACKUP.items():
        if table in found:
            yield _on(privileges, table, names.backup)
    for table, columns in found.items():
        yield from _application(names.application, table, columns)
        yield from _readonly(names.readonly, table, columns)
    for view in catalogue.tables(connection, "vm"):
        for role in (names.application, names.readonly):
            yield _on(("SELECT",), view, role)
    yield sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(
        sql.Identifier(names.backup)
    )
    yield sql.SQL("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(
        sql.Identifier(names.backup)
    )
    yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(
        sql.Identifier(names.application)
    )


def _application(role: str, table: str, columns: list[str]) -> Iterator[STATEMENT]:
    rule = rules.of_application(table)
    yield _on(tuple(sorted(rule.privileges)), table, role)
    if "UPDATE" not in rule.privileges:
        some = [column for column in columns if rules.may_update(rule, column)]
        if some:
            yield _on(("UPDATE",), table, role, some)


def _readonly(role: str, table: str, columns: list[str]) -> Iterator[STATEMENT]:
    if table in rules.HIDDEN_TABLES:
        return
    hidden = rules.HIDDEN_COLUMNS.get(table)
    shown = [column for column in columns if column not in hidden] if hidden else None
    yield _on(("SELECT",), table, role, shown)


def _on(
    privileges: tuple[str, ...], table: str, role: str, columns: list[str] | None = None
) -> STATEMENT:
    some: STATEMENT = sql.SQL("")
    if columns is not None:
        some = sql.SQL(" ({})").format(sql.SQL(", ").join(map(sql.Identifier, columns)))
    return sql.SQL("GRANT {}{} ON public.{} TO {}").format(
        sql.SQL(", ").join(map(sql.SQL, privileges)),
        some,
        sql.Identifier(table),
        sql.Identifier(role),
    )


def _functions(connection: BaseDatabaseWrapper, names: Names) -> Iterator[STATEMENT]:
    """The entrances run with the owner's rights and open to the application alone.

    The others run with the rights of who calls them: whoever may call one gains nothing by it.
    """
    application = sql.Identifier(names.application)
    pinnable = catalogue.may_pin(connection, names.owner)
    for signature in catalogue.signatures(connection, rules.ENTRANCES):
        function = sql.SQL(signature)
        yield sql.SQL("ALTER FUNCTION {} SECURITY DEFINER").format(function)
        yield sql.SQL("ALTER FUNCTION {} SET search_path = {}").format(
            function, sql.SQL(rules.SEARCH_PATH)
        )
        if pinnable:
            yield sql.SQL("ALTER FUNCTION {} SET {} = ''").format(function, sql.SQL(rules.CLOCK))
        yield sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(function)
        yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(function, application)


def _future(names: Names) -> Iterator[STATEMENT]:
    """What a migration makes can be read at once; what else may be done to it is decided by the next run."""
    everybody = sql.SQL(", ").join(map(sql.Identifier, (names.application, names.readonly)))
    begin = sql.SQL("ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public ").format(
        sql.Identifier(names.owner)
    )
    backup = sql.Identifier(names.backup)
    yield begin + sql.SQL("GRANT SELECT ON TABLES TO {}, {}").format(everybody, backup)
    yield begin + sql.SQL("GRANT SELECT ON SEQUENCES TO {}").format(backup)
