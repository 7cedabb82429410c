"""How migrations change the schema of a database that may be distributed."""

from __future__ import annotations

from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Model

from orgbilling.database import citus


class SchemaEditor(DatabaseSchemaEditor):
    """Django's, which cuts a new table of the ledger by organization before anything names it."""

    def create_model(self, model: type[Model]) -> None:
        """Make the table; foreign keys to it and from it follow, and need it to be where it will stay."""
        super().create_model(model)
        if not self.collect_sql and citus.is_distributed(self.connection):
            citus.distribute_new(self.connection, model._meta.db_table)
