"""An organization of a test's own in a running service."""

from dataclasses import dataclass
from itertools import count

from orgbilling_client import Client

from tests.service import ROOT, Service

SOURCE = ROOT / "clients/python/src"
_numbers = count()


@dataclass(frozen=True)
class Cast:
    """An organization with a subscription, 100,000 credits and one member who can spend 10,000 of them."""

    url: str
    key: str
    org_id: str
    user_id: str

    @property
    def environment(self) -> dict[str, str]:
        """What a program is told by variables: where the service is, the key, and where the package is."""
        return {
            "ORGBILLING_URL": self.url,
            "ORGBILLING_API_KEY": self.key,
            "ORGBILLING_ORG_ID": self.org_id,
            "PYTHONPATH": str(SOURCE),
        }

    @classmethod
    def of(cls, service: Service) -> "Cast":
        """Make one, by the key of all organizations."""
        number = next(_numbers)
        key = service.key(bound=False)["headers"]["Authorization"].removeprefix("Bearer ")
        with Client(service.url, key) as client:
            org_id = client.create_organization(f"client-{number}").id
            user = client.add_member(email=f"member-{number}@client.example", org_id=org_id)
            client.add_credits(100_000, org_id=org_id)
            client.subscribe("platform", org_id=org_id)
            client.allocate(user.user_id, 10_000, org_id=org_id)
        return cls(service.url, key, org_id, user.user_id)
