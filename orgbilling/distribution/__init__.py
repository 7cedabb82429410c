"""One database on many machines: the ledger cut by organization, with the Citus extension of PostgreSQL."""
