"""Database roles: who may do what to which table, how that is granted, and whether it still stands."""
