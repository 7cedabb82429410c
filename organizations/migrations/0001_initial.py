import datetime

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.db.models.lookups
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import organizations.timezones
import orgbilling.lib.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(blank=True, null=True, verbose_name="last login"),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=orgbilling.lib.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                (
                    "external_id",
                    models.CharField(
                        blank=True,
                        help_text="The issuer and its subject, joined by a vertical bar.",
                        max_length=600,
                        null=True,
                        verbose_name="single sign-on identity",
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "is_staff",
                    models.BooleanField(default=False, verbose_name="may open the console"),
                ),
                ("is_superuser", models.BooleanField(default=False, verbose_name="system admin")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={
                "db_table": "users",
                "ordering": ("email",),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("email",),
                        name="users_email_key",
                        violation_error_message="There is a user with this e-mail address already.",
                    ),
                    models.UniqueConstraint(fields=("external_id",), name="users_external_id_key"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "email",
                                django.db.models.functions.text.Lower(
                                    django.db.models.functions.comparison.Collate("email", "C")
                                ),
                            )
                        ),
                        name="users_email_lower_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("external_id__isnull", True),
                            models.Q(("external_id", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="users_external_id_not_empty_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Organization",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=orgbilling.lib.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=63,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9-]{1,62}\\Z",
                                "A name has 2 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit.",
                                "slug",
                            )
                        ],
                        verbose_name="slug",
                    ),
                ),
                ("display_name", models.CharField(max_length=200)),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("suspended", "Suspended")],
                        default="active",
                        max_length=16,
                    ),
                ),
                (
                    "timezone",
                    models.CharField(
                        default="UTC",
                        max_length=64,
                        validators=[organizations.timezones.validate_timezone],
                        verbose_name="time zone",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
            ],
            options={
                "db_table": "organizations",
                "ordering": ("name",),
                "indexes": [
                    models.Index(fields=["created_at", "id"], name="organizations_created_idx")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("name",), name="organizations_name_key"),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "^[a-z0-9][a-z0-9-]{1,62}$")),
                        name="organizations_name_slug_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("display_name", ""), _negated=True),
                        name="organizations_display_name_not_empty_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "suspended"])),
                        name="organizations_status_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            django.db.models.lookups.IsNull(
                                models.Func(
                                    models.F("timezone"),
                                    models.Value(
                                        datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.UTC)
                                    ),
                                    function="timezone",
                                    output_field=models.DateTimeField(),
                                ),
                                rhs=False,
                            )
                        ),
                        name="organizations_timezone_known_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=orgbilling.lib.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "Owner"),
                            ("admin", "Admin"),
                            ("billing_admin", "Billing admin"),
                            ("member", "Member"),
                        ],
                        default="member",
                        max_length=16,
                    ),
                ),
                (
                    "joined_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "org",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="members",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "db_table": "organization_members",
                "ordering": ("joined_at", "id"),
                "indexes": [
                    models.Index(
                        fields=["org", "joined_at", "id"], name="organization_members_page_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "user"),
                        name="organization_members_org_id_user_id_key",
                        violation_error_message="This person is a member already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("role__in", ["owner", "admin", "billing_admin", "member"])
                        ),
                        name="organization_members_role_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=orgbilling.lib.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("prefix", models.CharField(max_length=12)),
                ("key_hash", models.CharField(max_length=64, verbose_name="SHA-256 of the key")),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("credits:read", "Read credits"),
                                ("credits:deduct", "Deduct credits"),
                                ("credits:manage", "Manage credits"),
                                ("billing:read", "Read billing"),
                                ("billing:manage", "Manage billing"),
                                ("organizations:read", "Read organizations"),
                                ("organizations:manage", "Manage organizations"),
                            ],
                            max_length=32,
                        ),
                        size=None,
                    ),
                ),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "org",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_keys",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "API key",
                "db_table": "api_keys",
                "ordering": ("-created_at", "-id"),
                "constraints": [
                    models.UniqueConstraint(fields=("key_hash",), name="api_keys_key_hash_key"),
                    models.CheckConstraint(
                        condition=models.Q(("key_hash__regex", "^[0-9a-f]{64}$")),
                        name="api_keys_hash_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("prefix__regex", "^obk_[0-9A-Za-z]{8}$")),
                        name="api_keys_prefix_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "scopes__contained_by",
                                [
                                    "credits:read",
                                    "credits:deduct",
                                    "credits:manage",
                                    "billing:read",
                                    "billing:manage",
                                    "organizations:read",
                                    "organizations:manage",
                                ],
                            )
                        ),
                        name="api_keys_scopes_known_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("scopes__len__gte", 1)),
                        name="api_keys_scopes_not_empty_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__isnull", True),
                            ("expires_at__gt", models.F("created_at")),
                            _connector="OR",
                        ),
                        name="api_keys_expiry_check",
                    ),
                ],
            },
        ),
    ]
