"""Whether there is a cluster to distribute to, and what has been distributed already."""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from orgbilling.database import citus
from orgbilling.distribution.catalogue import rows
from orgbilling.distribution.errors import CannotDistribute
from orgbilling.distribution.kinds import TableKind

#: The first version that this was tried on.
OLDEST = 14

_VERSION = "SELECT split_part(extversion, '.', 1)::int FROM pg_extension WHERE extname = 'citus'"
_NODES = """
    SELECT count(*) FILTER (WHERE groupid = 0), count(*) FILTER (WHERE shouldhaveshards AND isactive)
    FROM pg_dist_node WHERE noderole = 'primary'
"""
_TABLES = """
    SELECT logicalrelid::regclass::text, partmethod::text, repmodel::text FROM pg_dist_partition
"""
_FUNCTIONS = """
    SELECT o.objid::regprocedure::text, o.distribution_argument_index IS NOT NULL
    FROM pg_catalog.pg_dist_object o WHERE o.classid = 'pg_proc'::regclass
"""


def require_cluster(connection: BaseDatabaseWrapper) -> None:
    """See that this is the coordinator of a cluster with at least one worker.

    Raises:
        CannotDistribute: what is missing, and the statement that adds it.
    """
    if not citus.is_installed(connection):
        raise CannotDistribute(
            "This database has no Citus. Put citus first into shared_preload_libraries of every node, start them anew, "
            "and run CREATE EXTENSION citus in this database on each of them."
        )
    version = rows(connection, _VERSION)[0][0]
    if version < OLDEST:
        raise CannotDistribute(
            f"Citus {version} is too old: {OLDEST} or newer is needed. Update the packages on every node, then run "
            "ALTER EXTENSION citus UPDATE."
        )
    if not rows(connection, "SELECT citus_is_coordinator()")[0][0]:
        raise CannotDistribute("This is a worker. Point DATABASE_URL at the coordinator.")
    coordinators, workers = rows(connection, _NODES)[0]
    if not coordinators:
        raise CannotDistribute(
            "The coordinator isn't known to its cluster. Run SELECT citus_set_coordinator_host('<host>', <port>), with "
            "an address by which the workers reach it."
        )
    if not workers:
        raise CannotDistribute(
            "There is no worker. Run SELECT citus_add_node('<host>', <port>) for each of them."
        )


def require_migrated(connection: BaseDatabaseWrapper) -> None:
    """See that no migration is left to run.

    Raises:
        CannotDistribute: some are.
    """
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CannotDistribute("Some migrations haven't been applied. Run manage.py migrate first.")


def tables_there(connection: BaseDatabaseWrapper) -> dict[str, TableKind]:
    """The tables that Citus knows, each as what; a local one that it manages is local."""
    there = {}
    for name, method, model in rows(connection, _TABLES):
        if method == "h":
            there[name] = TableKind.DISTRIBUTED
        else:
            there[name] = TableKind.REFERENCE if model == "t" else TableKind.LOCAL
    return there


def functions_there(connection: BaseDatabaseWrapper) -> dict[str, bool]:
    """The functions that are on every node, by signature, each with whether its calls are delegated."""
    return dict(rows(connection, _FUNCTIONS))
