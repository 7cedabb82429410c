from decimal import Decimal

from django.db import migrations

PLANS = (
    {
        "code": "platform",
        "name": "Platform",
        "description": "All services on our keys, at the catalogue's prices.",
        "monthly_price": Decimal("50.00"),
        "overage_ceiling": 10_000,
    },
    {
        "code": "byok",
        "name": "BYOK",
        "description": "Bring your own keys: services that run on them cost no credits.",
        "monthly_price": Decimal("30.00"),
        "overage_ceiling": 5_000,
    },
    {
        "code": "hybrid",
        "name": "Hybrid",
        "description": "Your own keys where you have them, ours elsewhere, priced by service.",
        "monthly_price": Decimal("99.00"),
        "overage_ceiling": 50_000,
    },
)


def fill(apps, schema_editor):
    plans = apps.get_model("billing", "Plan").objects.using(schema_editor.connection.alias)
    for plan in PLANS:
        plans.create(**plan)


def empty(apps, schema_editor):
    plans = apps.get_model("billing", "Plan").objects.using(schema_editor.connection.alias)
    plans.filter(code__in=[plan["code"] for plan in PLANS]).delete()


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [migrations.RunPython(fill, empty)]
