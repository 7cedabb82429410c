"""People can be told that a webhook endpoint needs attention."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

# Django drops a constraint without IF EXISTS; the migration is one transaction, and each check comes back at once.
ABOUT = "-- squawk-ignore-file ban-drop-constraint, prefer-robust-stmts\nSELECT 1;"

KINDS = [
    ("pool_low", "The pool is low"),
    ("pool_exhausted", "The pool is used up"),
    ("own_low", "My credits are low"),
    ("own_exhausted", "My credits are used up"),
    ("member_low", "A member's credits are low"),
    ("member_exhausted", "A member's credits are used up"),
    ("payment_failed", "A card was declined"),
    ("past_due", "The subscription is past due"),
    ("webhook_trouble", "A webhook endpoint needs attention"),
    ("payments_failed", "Cards were declined, in any organization"),
    ("subscriptions_past_due", "Subscriptions are past due"),
    ("job_failed", "A job has failed for good"),
    ("ledger_violated", "The ledger breaks a rule"),
    ("suspicious", "Suspicious activity"),
    ("mail_failed", "E-mail could not be delivered"),
]
KNOWN = models.Q(kind__in=[kind for kind, _ in KINDS])


class Migration(migrations.Migration):
    dependencies = [("organizations", "0004_webhooks")]

    operations = [
        migrations.RunSQL(ABOUT, migrations.RunSQL.noop),
        *(
            migrations.AlterField(
                model_name=model,
                name="kind",
                field=models.CharField(choices=KINDS, max_length=32),
            )
            for model in ("notice", "noticepreference")
        ),
        *(
            operation
            for model, name in (
                ("notice", "notices_kind_check"),
                ("noticepreference", "notice_preferences_kind_check"),
            )
            for operation in (
                migrations.RemoveConstraint(model_name=model, name=name),
                AddConstraintNotValid(
                    model_name=model,
                    constraint=models.CheckConstraint(name=name, condition=KNOWN),
                ),
            )
        ),
    ]
