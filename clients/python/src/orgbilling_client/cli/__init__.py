"""The command line, ``orgbilling``: what it needs beyond the client comes with ``orgbilling-client[cli]``."""

import sys


def main() -> None:
    """Run the command that was typed, and exit with its code."""
    try:
        import typer  # noqa: F401
    except ImportError:
        sys.exit("The command line needs typer: in the clone, pip install './clients/python[cli]'")
    from orgbilling_client.cli.app import run

    sys.exit(run())
