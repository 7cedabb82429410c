"""An organization that a test has for itself, made by the API as a customer's service would."""

import secrets
from typing import Any

from tests.service import Service


class Company:
    """Subscribed, with 10,000 credits; an owner, and two members who have none yet."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.word = secrets.token_hex(4)
        self.name = f"Company {self.word}"
        made = service.send(
            "POST", "organizations", {"name": f"c-{self.word}", "display_name": self.name}
        )
        self.id: str = made["id"]
        self.people: dict[str, str] = {}
        for who, role in (("olga", "owner"), ("mia", "member"), ("max", "member")):
            self.join(who, role)
        service.send("POST", "subscriptions", {"org_id": self.id, "subscription_plan": "platform"})
        self.add(10_000)

    def email(self, who: str) -> str:
        """Somebody's address."""
        return f"{who}@{self.word}.example"

    def join(self, who: str, role: str) -> str:
        """A new member; their id."""
        member = {"email": self.email(who), "role": role}
        made = self.service.send("POST", f"organizations/{self.id}/members", member)
        self.people[who] = made["user_id"]
        return self.people[who]

    def add(self, credits: int) -> None:
        """Credits for the pool."""
        self.service.send("POST", f"credits/{self.id}/add", {"credits": credits})

    def allocate(self, who: str, credits: int) -> None:
        """Credits for a member."""
        given = {"user_id": self.people[who], "credits": credits}
        self.service.send("POST", f"credits/{self.id}/allocate", given)

    def deduct(self, who: str, credits: int, service_name: str = "company_enrichment") -> Any:
        """A member's charge."""
        return self._spend("deduct", who, credits, service_name)

    def hold(self, who: str, credits: int) -> Any:
        """Credits that a member has reserved."""
        return self._spend("holds", who, credits, "company_enrichment")

    def _spend(self, how: str, who: str, credits: int, service_name: str) -> Any:
        spent = {"org_id": self.id, "user_id": self.people[who], "service_name": service_name}
        return self.service.send("POST", f"credits/{how}", {**spent, "credits": credits})

    def pool(self) -> Any:
        """The pool, as the API tells it."""
        return self.service.get(f"credits/{self.id}")

    def remaining(self, who: str) -> int:
        """What a member may still spend."""
        rows = self.service.get(f"credits/{self.id}/allocations")["results"]
        left = {row["user_id"]: row["remaining_credits"] for row in rows}
        return int(left.get(self.people[who], 0))
