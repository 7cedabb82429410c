"""Django's own questions about a deployment, asked of a service in production: not one warning."""

import sys

from tests.production.environment import environment, manage


def main() -> int:
    """Run ``check --deploy``; returns the exit status."""
    # Nobody connects: the check has to be had before there is a database.
    env = environment(DATABASE_URL="postgresql://app@db.example/billing")
    done = manage("check", "--deploy", "--fail-level", "WARNING", env=env)
    print(done.stdout + done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
