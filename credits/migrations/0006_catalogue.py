"""The services that the catalogue starts with, and version 1 of their prices.

BYOK pays nothing where the customer's own key pays the provider (enrichment and look-up).
"""

from datetime import UTC, datetime

from django.db import migrations

SERVICES = [
    ("company_enrichment", "Company enrichment", "call", 50, 0, 50),
    ("contact_lookup", "Contact lookup", "call", 10, 0, 10),
    ("bulk_export", "Bulk export", "record", 1, 1, 1),
    ("intelligence_cache_lookup", "Intelligence cache lookup", "call", 1, 1, 1),
]


def fill(apps, schema_editor):
    service = apps.get_model("credits", "Service")
    price = apps.get_model("credits", "Price")
    alias = schema_editor.connection.alias
    for name, title, unit, platform, byok, hybrid in SERVICES:
        service.objects.using(alias).create(name=name, title=title, unit=unit)
        price.objects.using(alias).create(
            service_id=name,
            version=1,
            platform_credits=platform,
            byok_credits=byok,
            hybrid_credits=hybrid,
            effective_from=datetime(2026, 1, 1, tzinfo=UTC),
        )


def empty(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps.get_model("credits", "Price").objects.using(alias).all().delete()
    apps.get_model("credits", "Service").objects.using(alias).all().delete()


class Migration(migrations.Migration):
    dependencies = [("credits", "0005_views_v01")]

    operations = [migrations.RunPython(fill, empty)]
