"""Adding to the audit log: one way in, and none out."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from organizations.choices import AuditAction
from orgbilling.web.request_id import current_request_id

if TYPE_CHECKING:
    from organizations.access import Principal

#: Who changes what nobody asked for in a request: a command, a job, the demo.
SYSTEM: Final = "system"


class AuditLogManager(models.Manager[Any]):
    """The only door to the audit log. It is called in the transaction that makes the change."""

    def record(
        self,
        action: AuditAction,
        *,
        by: "Principal | None",
        org_id: uuid.UUID | None = None,
        subject_user_id: uuid.UUID | None = None,
        subject: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> None:
        """Add an entry, at the moment of the database's clock.

        Args:
            by: who changes it, in which request; None: the system itself.
            org_id: None when no single organization is concerned.
            subject: what it was done to, in words; cut at 255 characters.
            before, after: what was changed; no secrets.
        """
        self._add(
            action,
            actor=SYSTEM if by is None else by.actor,
            request_id=current_request_id() if by is None else by.request_id,
            org_id=org_id,
            subject_user_id=subject_user_id,
            subject=subject[:255],
            before=before,
            after=after,
            reason=reason,
        )

    def record_origin(
        self,
        action: AuditAction,
        *,
        actor: str,
        request_id: str,
        org_id: uuid.UUID,
        **values: Any,
    ) -> None:
        """Add an entry for a caller who is known by the actor's name alone, as ledger rows have it.

        `values`: the other arguments of `record`.
        """
        self._add(action, actor=actor, request_id=request_id, org_id=org_id, **values)

    @contextmanager
    def edit(
        self,
        action: AuditAction,
        row: models.Model,
        *,
        fields: Sequence[str],
        by: "Principal | None",
        **values: Any,
    ) -> Iterator[None]:
        """Keep what the block changes of a row's fields, in one transaction with it.

        What stays as it is leaves no entry. A row that the block makes has no `before`.

        Args:
            fields: the columns that may be shown; a password is no such.
            values: the other arguments of `record`; `subject` is the row's own text unless given.
        """
        with transaction.atomic():
            kept = type(row)._default_manager.filter(pk=row.pk)  # noqa: SLF001 - any model's
            before = kept.select_for_update(no_key=True).values(*fields).first()
            yield
            after = type(row)._default_manager.filter(pk=row.pk).values(*fields).get()  # noqa: SLF001
            former = before or dict.fromkeys(fields)
            changed = [name for name in fields if before is None or former[name] != after[name]]
            if changed:
                self.record(
                    action,
                    by=by,
                    before=None if before is None else {name: former[name] for name in changed},
                    after={name: after[name] for name in changed},
                    **{"subject": str(row), **values},
                )

    def _add(self, action: AuditAction, **values: Any) -> None:
        for name in ("before", "after"):
            values[name] = _plain(values.get(name))
        self.create(action=action.value, created_at=_Moment(), **values)


class _Moment(models.Func):
    """The database's clock, asked in the INSERT itself."""

    function = "public.billing_now"
    output_field = models.DateTimeField()
    arity = 0


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The values as JSON keeps them: amounts, ids and moments as text."""
    if values is None:
        return None
    encoder = DjangoJSONEncoder()
    return {
        name: value
        if value is None or isinstance(value, bool | int | str | list | dict)
        else encoder.default(value)
        for name, value in values.items()
    }
