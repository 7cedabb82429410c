"""A process that serves with a replica, as a web process does, and answers what a test asks: a JSON line each.

`python -m tests.replica.serving`: it migrates, makes the cast, starts the measuring thread, and says who is who.
"""

import json
import sys
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings
from django.db import DEFAULT_DB_ALIAS, connections  # noqa: E402
from django.db.backends.utils import CursorWrapper  # noqa: E402
from django.test import Client  # noqa: E402

from orgbilling.database.base import REPLICA, be_patient_for  # noqa: E402
from orgbilling.database.following import FOLLOWER  # noqa: E402
from tests.factories import make_key, make_organization, make_user  # noqa: E402
from tests.ledger import fund, give, let_spend  # noqa: E402


class Asked:
    """Which statements each server has been sent, by Django."""

    def __init__(self) -> None:
        self.by: dict[str, list[str]] = {DEFAULT_DB_ALIAS: [], REPLICA: [], "counters": []}
        for alias, statements in self.by.items():
            connections[alias].execute_wrappers.append(self._note(statements))

    @staticmethod
    def _note(statements: list[str]) -> Any:
        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> CursorWrapper:
            statements.append(sql)
            return execute(sql, params, many, context)

        return note

    def taken(self) -> dict[str, list[str]]:
        """Those since the last question."""
        found = {alias: list(statements) for alias, statements in self.by.items()}
        for statements in self.by.values():
            statements.clear()
        return found


def main() -> None:
    """Serve until the input ends."""
    call_command("migrate", verbosity=0)
    alice = make_user("alice@example.com", "Alice", is_superuser=True, is_staff=True)
    org = make_organization("alpha", "Alpha", owner=alice)
    fund(org, 10_000)
    let_spend(org)
    give(org, alice, 1_000)
    key = make_key(None, name="platform")[1]
    person = Client(raise_request_exception=False)
    person.force_login(alice)
    program = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {key}"})
    FOLLOWER.start(
        connections[DEFAULT_DB_ALIAS].get_connection_params,
        connections[REPLICA].get_connection_params,
        1,
    )
    be_patient_for(0.6)
    asked = Asked()
    _say({"org": str(org.pk), "user": str(alice.pk)})
    for line in sys.stdin:
        order = json.loads(line)
        if order.get("standing"):
            _say({"standing": FOLLOWER.measured.standing.value, "usable": FOLLOWER.usable})
            continue
        asked.taken()
        client = person if order["who"] == "person" else program
        response = client.generic(
            order["method"],
            order["path"],
            json.dumps(order["body"]) if order["body"] is not None else "",
            content_type="application/json",
            headers=order["headers"],
        )
        content = b"".join(response) if response.streaming else response.content
        answer = {"status": response.status_code, "as_of": response.headers.get("Data-As-Of")}
        _say({**answer, "text": content.decode(), "asked": asked.taken()})


def _say(document: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
