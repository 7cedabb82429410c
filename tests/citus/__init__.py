"""The suite on a Citus cluster: ``make test-citus`` with CITUS_DATABASE_URL, the coordinator's address.

The role has to be a superuser, who may make a database and the extension on every node.
"""
