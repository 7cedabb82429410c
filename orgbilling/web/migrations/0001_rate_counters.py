"""The counters of the rate limits.

UNLOGGED: no write-ahead log for numbers that mean nothing after a crash. Half-empty pages keep the
updates of a key on its page (HOT), so the primary key is its only index.
"""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            sql="""
                CREATE UNLOGGED TABLE public.rate_counters (
                    key text PRIMARY KEY,
                    count bigint NOT NULL,
                    expires_at timestamptz NOT NULL
                ) WITH (fillfactor = 50);
            """,
            reverse_sql="DROP TABLE public.rate_counters;",
        ),
    ]
