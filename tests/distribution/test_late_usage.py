"""An import notes the usage whose moment reports may have summed up, also where tables have no triggers: a cluster."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from credits.models import Allocation, LateUsage, Usage
from orgbilling.importing.doors import import_usage
from orgbilling.lib.ids import uuid7

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("triggers", [True, False], ids=["one PostgreSQL", "a cluster"])
def test_an_import_notes_what_is_late_once(funded, alice, triggers):
    if not triggers:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS usage_late ON credit_usage_attribution")
    allocation = Allocation.objects.get(org=funded, user=alice)
    now = datetime.now(UTC)
    moments = {uuid7(): now - timedelta(days=2), uuid7(): now - timedelta(hours=1), uuid7(): now}
    items = [
        {
            "id": str(usage_id),
            "allocation": str(allocation.pk),
            "user": str(alice.pk),
            "credits": 1,
            "type": "api",
            "service": "contact_lookup",
            "metadata": {},
            "actor": "system",
            "at": at.isoformat(),
        }
        for usage_id, at in moments.items()
    ]
    assert import_usage(org_id=funded.pk, request_id="import", items=items) == 3
    assert Usage.objects.filter(pk__in=moments).count() == 3
    noted = dict(LateUsage.objects.values_list("usage_id", "created_at"))
    assert noted == {usage_id: at for usage_id, at in moments.items() if at < now}
