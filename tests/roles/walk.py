"""Everything that the service does, done by the role that it connects as. ``python -m tests.roles.walk install|serve``.

``install``, as the owner: migrations, an organization for which everything is due (nobody else can simulate a clock),
and the grants. ``serve``, as the application: every operation of the API, and every job; what was answered is printed
as JSON.
"""

import json
import secrets
import sys
from contextlib import nullcontext
from datetime import timedelta

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings
from django.db import connection, connections  # noqa: E402
from procrastinate.contrib.django import app  # noqa: E402

from billing.models import BillingEvent, Invoice  # noqa: E402
from billing.subscribing import Order, subscribe  # noqa: E402
from credits.holding import HoldOrder, place  # noqa: E402
from credits.models import Allocation, CreditPool, Hold  # noqa: E402
from organizations.models import Organization, User  # noqa: E402
from orgbilling.lib.clock import now, simulated  # noqa: E402
from orgbilling.schedule import TABLE  # noqa: E402
from tests.authorization import tenants  # noqa: E402
from tests.authorization.calls import prepare, send  # noqa: E402
from tests.authorization.table import ROWS  # noqa: E402
from tests.authorization.tenants import World, undone  # noqa: E402
from tests.factories import make_organization, make_user  # noqa: E402
from tests.ledger import ORIGIN, charge, fund, give  # noqa: E402

OVERDUE = "overdue"
DAYS = 40


def past() -> None:
    """A subscription to renew, budgets to reset, a pool to refresh and a hold to expire."""
    with simulated(now() - timedelta(days=DAYS)):
        owner = make_user(f"owner@{OVERDUE}.example", "Owner")
        org = make_organization(OVERDUE, owner=owner)
        subscribe(organization=org, order=Order("hybrid"), origin=ORIGIN)
        fund(org, 1_000)
        give(org, owner, 100, reset_period="daily")
        place(HoldOrder(charge(org, owner, 30), 900))
        CreditPool.objects.change_settings(org_id=org.pk, monthly_refresh_amount=50)


def jobs() -> dict[str, int]:
    """Ask for everything periodic, and let a worker do it; how many jobs ended how."""
    for row in TABLE:
        row.task.defer(timestamp=0)
    try:
        with app.replace_connector(app.connector.get_worker_connector()) as worker:
            worker.run_worker(wait=False, listen_notify=False, install_signal_handlers=False)
    finally:
        connections.close_all()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status::text, count(*) FROM procrastinate_jobs"
            " WHERE status <> 'todo' OR scheduled_at IS NULL GROUP BY 1"
        )
        return dict(cursor.fetchall())


def serve() -> dict[str, object]:
    """Call every operation, then do every job, then prove the ledger."""
    tag = secrets.token_hex(3)
    tenants.TENANTS = (f"alpha-{tag}", f"globex-{tag}")
    User.objects.filter(email="root@example.com").update(email=f"former-{tag}@example.com")
    Organization.objects.filter(name="brand-new").update(name=f"former-{tag}")
    world = World()
    wrong = called(world, undo=True) | called(world, undo=False)
    done = jobs()
    call_command("verify_ledger", verbosity=0, stdout=sys.stderr)
    overdue = {"org__name": OVERDUE}
    renewed = BillingEvent.objects.filter(**overdue, event_type="subscription_renewed")
    return {
        "wrong": wrong,
        "jobs": done,
        "renewals": renewed.count(),
        "invoices": Invoice.objects.filter(**overdue).count(),
        "holds": list(Hold.objects.filter(**overdue).values_list("status", flat=True)),
        "pool": CreditPool.objects.get(**overdue).total_credits,
        "remaining": Allocation.objects.get(**overdue).remaining_credits,
    }


def called(world: World, *, undo: bool) -> dict[str, int]:
    """Make the request of every row; return those that were not answered as the table says.

    Undone, each finds the same world. Committed, a request meets what those before it have done, and may be refused
    for it.
    """
    wrong = {}
    for row in ROWS:
        tenant = next(iter(world.tenants.values()))
        caller = "system_key" if row.statuses["system_key"] < 300 else "owner"
        with undone() if undo else nullcontext():
            if undo:
                prepare(row, tenant)
            status = send(row, tenant, world.callers(tenant, row.scope)[caller]).status_code
            if undo:
                # What waits for COMMIT is looked at too.
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        refused = not undo and status in {400, 402, 404, 409, 422}
        if status != row.statuses[caller] and not refused:
            wrong[str(row)] = status
    return wrong


if __name__ == "__main__":
    if sys.argv[1] == "install":
        call_command("migrate", interactive=False, verbosity=0)
        past()
        call_command("create_roles", *sys.argv[2:])
    else:
        sys.stdout.write("\nRESULT " + json.dumps(serve()) + "\n")
