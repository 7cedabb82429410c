"""A worker that delivers, in a process of its own, with the days of the schedule as fractions of a second.

python -m tests.organizations.webhooks.worker
"""

from datetime import timedelta
from unittest import mock

import django


def main() -> None:
    """Deliver until somebody ends it."""
    django.setup()
    from organizations.delivering import outcomes, working  # noqa: PLC0415 - needs the settings
    from organizations.managers import webhook_deliveries, webhook_endpoints  # noqa: PLC0415
    from organizations.webhooks import posting  # noqa: PLC0415

    with (
        mock.patch.object(webhook_deliveries, "CLAIM", timedelta(seconds=1.5)),
        mock.patch.object(posting, "TOTAL_SECONDS", 0.7),
        mock.patch.object(working, "POLL_SECONDS", 0.1),
        mock.patch.object(outcomes, "pause_after", return_value=timedelta(seconds=0.05)),
        mock.patch.object(webhook_endpoints, "rest_after", return_value=timedelta(0)),
    ):
        working.deliver(seconds=3_600)


if __name__ == "__main__":
    main()
