"""The reads and locked writes of the billing tables, one file a table."""
