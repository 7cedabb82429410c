"""The tables and views of the ledger."""

from credits.models.allocation import Allocation
from credits.models.answer import StoredAnswer
from credits.models.episode import LowCreditEpisode
from credits.models.hold import Hold
from credits.models.journal import JournalEntry
from credits.models.overage import OveragePeriod
from credits.models.pool import CreditPool
from credits.models.price import Price, Service
from credits.models.refusal import Refusal
from credits.models.reports import (
    ElapsedHolds,
    MemberAllocation,
    ServiceUsage,
    UserCreditStatus,
)
from credits.models.rollup import LateUsage, Rollup, ServiceCell, UserCell
from credits.models.usage import Usage

__all__ = [
    "Allocation",
    "CreditPool",
    "ElapsedHolds",
    "Hold",
    "JournalEntry",
    "LateUsage",
    "LowCreditEpisode",
    "MemberAllocation",
    "OveragePeriod",
    "Price",
    "Refusal",
    "Rollup",
    "Service",
    "ServiceCell",
    "ServiceUsage",
    "StoredAnswer",
    "Usage",
    "UserCell",
    "UserCreditStatus",
]
