"""Making the roles, and handing the database over to the one that owns it. An administrator's work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from orgbilling.database.citus import is_installed
from orgbilling.roles.names import OURS, Names, rows
from orgbilling.roles.rules import CLOCK

#: Attributes that would make every grant meaningless.
POWERS = ("rolsuper", "rolbypassrls", "rolreplication", "rolcreaterole", "rolcreatedb")
#: The owner's functions run for everybody; that it may make databases or roles of its own gives nobody else anything.
POWERS_OF_OWNER = POWERS[:3]

# Tables bring their sequences and indexes along; a composite type belongs to its table.
FOREIGN_OBJECTS = f"""
    SELECT 'TABLE', o.oid::regclass::text FROM pg_class o
    WHERE o.relnamespace = 'public'::regnamespace AND o.relkind IN ('r', 'p', 'v', 'm')
      AND o.relowner <> %(owner)s::regrole AND {OURS}
    UNION ALL
    SELECT 'SEQUENCE', o.oid::regclass::text FROM pg_class o
    WHERE o.relnamespace = 'public'::regnamespace AND o.relkind = 'S' AND o.relowner <> %(owner)s::regrole
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = o.oid AND d.deptype IN ('a', 'i', 'e'))
    UNION ALL
    SELECT 'ROUTINE', o.oid::regprocedure::text FROM pg_proc o
    WHERE o.pronamespace = 'public'::regnamespace AND o.proowner <> %(owner)s::regrole AND {OURS}
    UNION ALL
    SELECT 'TYPE', o.oid::regtype::text FROM pg_type o
    WHERE o.typnamespace = 'public'::regnamespace AND o.typtype IN ('e', 'd') AND o.typowner <> %(owner)s::regrole
      AND {OURS}
"""  # noqa: S608 - constants


class RoleUnfit(Exception):
    """A role that exists already has powers that it must not have."""


def make(connection: BaseDatabaseWrapper, names: Names, passwords: Mapping[str, str]) -> list[str]:
    """Make the roles that are missing and set the passwords that are given; return what was done.

    A role without a password can't sign in: it is for being granted to one that can.

    Raises:
        RoleUnfit: a role exists that may do more than any grant says.
    """
    done = []
    with connection.cursor() as cursor:
        for role in (names.owner, *names):
            powers = _powers(connection, role, POWERS_OF_OWNER if role == names.owner else POWERS)
            if powers is None:
                cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
                done.append(f"made role {role}")
                if role == names.owner:
                    # A superuser is a member of every role; who may merely create roles hands over only to its own.
                    cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
            elif powers:
                raise RoleUnfit(
                    f"{role} has {', '.join(powers)}: choose another role, or take it away."
                )
            if passwords.get(role):
                cursor.execute(_sign_in(connection, role, passwords[role]))
                done.append(f"set the password of {role}")
    return done


def allow_pinning(connection: BaseDatabaseWrapper, owner: str) -> None:
    """Let the owner clear the simulated clock inside the ledger's functions, where a superuser is asking.

    A hosted PostgreSQL may have none to ask: then a session of the application could still simulate a clock.
    """
    if rows(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")[0][0]:
        order = sql.SQL("GRANT SET ON PARAMETER {} TO {}").format(
            sql.SQL(CLOCK), sql.Identifier(owner)
        )
        with connection.cursor() as cursor:
            cursor.execute(order)
            if is_installed(connection):
                # Citus passes every other grant on to its nodes, but not this one.
                cursor.execute(
                    sql.SQL("SELECT * FROM run_command_on_workers({})").format(
                        order.as_string(cursor.connection)
                    )
                )


def hand_over(connection: BaseDatabaseWrapper, owner: str) -> int:
    """Make the owner own the database, its schema and all that is in it; return how many objects changed hands."""
    role = sql.Identifier(owner)
    database = str(connection.settings_dict["NAME"])
    foreign = _foreign(connection, owner)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.datdba <> %(owner)s::regrole OR n.nspowner <> %(owner)s::regrole"
            " FROM pg_database d, pg_namespace n WHERE d.datname = current_database() AND n.nspname = 'public'",
            {"owner": _quoted(owner)},
        )
        if cursor.fetchone()[0]:
            database_name = sql.Identifier(database)
            cursor.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database_name, role))
            cursor.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(role))
        for kind, name in foreign:
            statement = sql.SQL("ALTER {} {} OWNER TO {}")
            cursor.execute(statement.format(sql.SQL(kind), sql.SQL(name), role))
    return len(foreign)


def settle_session(
    connection: BaseDatabaseWrapper, role: str, values: Mapping[str, str]
) -> list[str]:
    """Give a role settings for its sessions in this database, unless it has them; return those that changed.

    A pooler of transactions passes none on that a connection asks for when it is opened.
    """
    found = rows(
        connection,
        "SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
        " WHERE d.datname = current_database() AND s.setrole = %s::regrole",
        _quoted(role),
    )
    there = {text for (text,) in found}
    changed = {name: value for name, value in values.items() if f"{name}={value}" not in there}
    with connection.cursor() as cursor:
        for name, value in changed.items():
            cursor.execute(
                sql.SQL("ALTER ROLE {} IN DATABASE {} SET {} = {}").format(
                    sql.Identifier(role),
                    sql.Identifier(str(connection.settings_dict["NAME"])),
                    sql.Identifier(name),
                    sql.Literal(value),
                )
            )
    return [f"{role}: {name} = {value}" for name, value in changed.items()]


def _powers(
    connection: BaseDatabaseWrapper, role: str, refused: tuple[str, ...]
) -> list[str] | None:
    asked = ", ".join(refused)
    found = rows(connection, f"SELECT {asked} FROM pg_roles WHERE rolname = %s", role)  # noqa: S608 - constants
    if not found:
        return None
    return [
        power.removeprefix("rol").upper()
        for power, has in zip(refused, found[0], strict=True)
        if has
    ]


def _sign_in(connection: BaseDatabaseWrapper, role: str, password: str) -> sql.Composable:
    """Hashed here: the server's log, and whoever reads statements there, never sees the password."""
    pgconn = connection.connection.pgconn
    verifier = pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    return sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
        sql.Identifier(role), sql.Literal(verifier)
    )


def _foreign(connection: BaseDatabaseWrapper, owner: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN_OBJECTS, {"owner": _quoted(owner)})
        return list(_unique(cursor.fetchall()))


def _unique(found: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield from dict.fromkeys(found)


def _quoted(role: str) -> str:
    return sql.Identifier(role).as_string(None)
