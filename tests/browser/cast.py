"""Who is in the demo, by their address."""

from typing import Final

ADMIN: Final = "admin@orgbilling.example"
#: Of Test Org Alpha.
OWNER: Final = "alice@alpha.example"
MEMBER: Final = "bob@alpha.example"
#: Of Globex, where there are five people and a month of usage.
RICH_OWNER: Final = "charlie@globex.example"
RICH_MEMBER: Final = "farid@globex.example"
