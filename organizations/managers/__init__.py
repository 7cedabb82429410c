"""The locked writes to the tables of the organizations app, one file a table."""
