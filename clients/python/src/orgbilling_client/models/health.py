"""The state of the service and of what it depends on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The process answers."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyState:
    """One dependency."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """Every dependency."""

    database: DependencyState
    migrations: DependencyState
    counters: DependencyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Whether requests can be served, and what stands in the way."""

    status: str
    checks: Dependencies
