"""Whether the application's role may do what the rules say, and no more."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from orgbilling.roles import rules
from orgbilling.roles.names import columns, rows


def is_used(role: str) -> bool:
    """Whether this database has been granted to such a role at all."""
    found = rows(
        connection,
        "SELECT has_table_privilege(r.oid, 'public.organizations', 'SELECT') FROM pg_roles r, pg_tables t"
        " WHERE r.rolname = %s AND t.schemaname = 'public' AND t.tablename = 'organizations'",
        role,
    )
    return bool(found and found[0][0])


def differences(role: str) -> Iterator[tuple[str, str]]:
    """Everything looked at, each with what is wrong about it, or empty text."""
    powers = rows(
        connection,
        "SELECT r.rolsuper, EXISTS (SELECT FROM pg_class o WHERE o.relowner = r.oid"
        " AND o.relnamespace = 'public'::regnamespace) FROM pg_roles r WHERE r.rolname = %s",
        role,
    )
    yield role, "is a superuser" if powers[0][0] else "owns tables" if powers[0][1] else ""
    for table, names in columns(connection).items():
        yield f"{role} on {table}", "; ".join(_wrong(role, table, names))
    for function in rules.ENTRANCES:
        yield function, _wrong_entrance(function)


def _wrong(role: str, table: str, names: list[str]) -> Iterator[str]:
    rule = rules.of_application(table)
    found = rows(
        connection,
        "SELECT p, has_table_privilege(%s, format('public.%%I', %s::text)::regclass, p) FROM unnest(%s::text[]) p",
        role,
        table,
        list(rules.PRIVILEGES),
    )
    for privilege, has in found:
        if has != (privilege in rule.privileges):
            yield f"{'may' if has else 'may not'} {privilege}"
    if "UPDATE" in rule.privileges:
        return
    found = rows(
        connection,
        "SELECT c, has_column_privilege(%s, format('public.%%I', %s::text)::regclass, c, 'UPDATE')"
        " FROM unnest(%s::text[]) c",
        role,
        table,
        names,
    )
    for column, has in found:
        if has != rules.may_update(rule, column):
            yield f"{'may' if has else 'may not'} UPDATE {column}"


def _wrong_entrance(function: str) -> str:
    found = rows(
        connection,
        "SELECT o.prosecdef, coalesce(o.proconfig, '{}'), r.rolsuper, has_parameter_privilege(r.oid, %s, 'SET'),"
        " EXISTS (SELECT FROM aclexplode(coalesce(o.proacl, acldefault('f', o.proowner))) a WHERE a.grantee = 0)"
        " FROM pg_proc o JOIN pg_roles r ON r.oid = o.proowner"
        " WHERE o.pronamespace = 'public'::regnamespace AND o.proname = %s",
        rules.CLOCK,
        function,
    )
    if not found:
        return "missing"
    definer, config, by_superuser, may_pin, public = found[0]
    pinned = {setting.partition("=")[0] for setting in config}
    wanted = {"search_path", rules.CLOCK} if may_pin else {"search_path"}
    if not definer:
        return "runs with the caller's rights"
    if by_superuser:
        return "runs with a superuser's rights"
    if not wanted <= pinned:
        return f"{', '.join(sorted(wanted - pinned))} is not pinned"
    return "can be called by everybody" if public else ""
