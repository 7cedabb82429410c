"""Who calls while the service is fuzzed, and the ids that are worth calling about."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.authorization.table import Row
from tests.factories import RECEIVER
from tests.service import Service

# How often one's own ids are drawn for once that a foreign one is.
OWN_WEIGHT = 9
# Holds, and charges, of each person that a run begins with.
SPENT = 20


class Caller(NamedTuple):
    """A kind of caller.

    `credentials`: what it sends along. `organization`: where it belongs, None for everywhere.
    `reaches`: the rows of the authorization table in which its run has to succeed at least once;
    none for those who may end their own membership, or whose key may be revoked.
    """

    credentials: Callable[[Service], dict[str, Any]]
    organization: str | None = None
    reaches: Callable[[Row], bool] = lambda _: False


CALLERS = {
    "a key of all organizations": Caller(
        lambda service: service.key(bound=False),
        reaches=lambda row: row.statuses["system_key"] < 300,
    ),
    "a key bound to Globex": Caller(lambda service: service.key(bound=True), "Globex"),
    "a member in the console": Caller(
        lambda service: service.session("bob@alpha.example"), "Test Org Alpha"
    ),
    # Only people in person have API keys to give and a dashboard of their own.
    "a system admin in the console": Caller(
        lambda service: service.session("admin@orgbilling.example"),
        reaches=lambda row: row.statuses["system_admin"] < 300,
    ),
}


class Charged(NamedTuple):
    """What was made for a run to settle and to give back, by organization."""

    holds: dict[str, list[str]]
    usages: dict[str, list[str]]


def restore(service: Service) -> Charged:
    """Undo what an earlier caller ended: a subscription, memberships, credits to spend. Then spend some.

    What is still there refuses with 409, which is as good.
    """
    charged = Charged({}, {})
    for organization in service.demo["organizations"]:
        org_id = organization["id"]
        service.send("POST", "subscriptions", {"org_id": org_id, "subscription_plan": "platform"})
        for subscription in service.get(f"subscriptions/org/{org_id}")["results"]:
            path = f"subscriptions/{subscription['id']}"
            # What these change is changed back; those canceled refuse.
            for method, ends in (("PATCH", True), ("PUT", False)):
                service.send(method, path, {"cancel_at_period_end": ends})
        service.send("POST", f"credits/{org_id}/add", {"credits": 1_000_000})
        replay(service, f"organizations/{org_id}/webhook-endpoints")
        for user in service.demo["users"]:
            if user["org_id"] == org_id:
                member = {"user_id": user["id"], "role": user["role"]}
                service.send("POST", f"organizations/{org_id}/members", member)
                allocation = {"user_id": user["id"], "credits": 10_000}
                service.send("POST", f"credits/{org_id}/allocate", allocation)
                spend = {"org_id": org_id, "user_id": user["id"], "service_name": "fuzzing"}
                for kept, path in ((charged.holds, "holds"), (charged.usages, "deduct")):
                    made = [
                        service.send("POST", f"credits/{path}", {**spend, "credits": 50})["id"]
                        for _ in range(SPENT)
                    ]
                    kept.setdefault(org_id, []).extend(made)
    return charged


def replay(service: Service, endpoints: str) -> None:
    """Send an event to an endpoint that is there, or is made, and once more; nobody delivers it."""
    found = service.get(endpoints)["results"]
    if found:
        endpoint = service.send("PATCH", f"{endpoints}/{found[0]['id']}", {"status": "enabled"})
    else:
        endpoint = service.send("POST", endpoints, {"url": RECEIVER})
    path = f"{endpoints}/{endpoint['id']}"
    tried = service.send("POST", f"{path}/test", {})
    service.send("POST", f"{path}/deliveries/{tried['id']}/replay", {})


def write_known_ids(service: Service, caller: Caller, charged: Charged, folder: Path) -> None:
    """Write the ids that exist, the caller's own more often, as dictionaries of schemathesis."""
    names = ("organizations", "subscriptions", "users", "holds", "usages")
    known: dict[str, list[str]] = {name: [] for name in names}
    for organization in service.demo["organizations"]:
        org_id = organization["id"]
        people = [user["id"] for user in service.demo["users"] if user["org_id"] == org_id]
        subscriptions = service.get(f"subscriptions/org/{org_id}")["results"]
        weight = OWN_WEIGHT if caller.organization in {None, organization["name"]} else 1
        known["organizations"] += [org_id] * weight
        known["users"] += people * weight
        known["subscriptions"] += [row["id"] for row in subscriptions] * weight
        known["holds"] += charged.holds[org_id] * weight
        known["usages"] += charged.usages[org_id] * weight
    for name, ids in known.items():
        (folder / f"{name}.txt").write_text("".join(f'"{one}"\n' for one in ids))
