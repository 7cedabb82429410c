"""What the service and the disk say about a run, without the agent's help."""

import http.client
import json
import secrets
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

POOL_CREDITS = 10**9


@dataclass(frozen=True)
class Payer:
    """Where the service is, who calls it and whose credits are spent."""

    url: str
    key: str
    org_id: str
    user_id: str

    def environment(self) -> dict[str, str]:
        """What the agent reads."""
        return {
            "ORGBILLING_URL": self.url,
            "ORGBILLING_API_KEY": self.key,
            "ORGBILLING_ORG_ID": self.org_id,
            "LOOPNET_USER_ID": self.user_id,
        }

    def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        """The JSON of a call that succeeds."""
        at = urlsplit(self.url)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        assert at.hostname is not None
        with closing(http.client.HTTPConnection(at.hostname, at.port, timeout=30)) as connection:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"/api/v1/org-billing/{path}", sent, headers)
            answer = connection.getresponse()
            document = json.load(answer)
        assert answer.status in {200, 201}, document
        return document

    def allocate(self, credits: int) -> None:
        """Give the member credits."""
        body = {"user_id": self.user_id, "credits": credits}
        self.call("POST", f"credits/{self.org_id}/allocate", body)

    def allocation(self) -> dict[str, Any]:
        """The member's credits."""
        found = self.call("GET", f"credits/user/{self.user_id}")["allocations"]
        return next(one for one in found if one["org_id"] == self.org_id)

    def rows(self) -> list[dict[str, Any]]:
        """All usage rows of the member, newest first."""
        query = urlencode({"user_id": self.user_id, "page_size": 500})
        path: str | None = f"credits/{self.org_id}/usage?{query}"
        found: list[dict[str, Any]] = []
        while path:
            page = self.call("GET", path)
            found += page["results"]
            rest = page["next"]
            path = rest and rest.partition("/api/v1/org-billing/")[2]
        return found

    def charged(self) -> list[tuple[str, str, int]]:
        """The request id, the service and the credits of each usage row, sorted."""
        return sorted(
            (row["request_id"], row["service_name"], row["credits_used"]) for row in self.rows()
        )

    def another(self, credits: int) -> "Payer":
        """A new member of the organization with so many credits."""
        body = {"email": f"{secrets.token_hex(8)}@agents.example"}
        member = self.call("POST", f"organizations/{self.org_id}/members", body)
        payer = replace(self, user_id=member["user_id"])
        payer.allocate(credits)
        return payer

    def elsewhere(self, credits: int, plan: str = "platform") -> "Payer":
        """A new organization's only member with so many credits; needs a key of all organizations."""
        body = {"name": f"agents-{secrets.token_hex(8)}"}
        org = replace(self, org_id=self.call("POST", "organizations", body)["id"])
        org.call("POST", "subscriptions", {"org_id": org.org_id, "subscription_plan": plan})
        org.call("POST", f"credits/{org.org_id}/add", {"credits": POOL_CREDITS})
        return org.another(credits)


def files(folder: Path) -> dict[str, str]:
    """Every result of a run: its tables and what each unit found."""
    paths = [*folder.glob("*.csv*"), *folder.glob("results/*")]
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}
