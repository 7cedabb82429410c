"""The tables and views of the ledger."""

from credits.models.allocation import Allocation
from credits.models.answer import StoredAnswer
from credits.models.journal import JournalEntry
from credits.models.pool import CreditPool
from credits.models.price import Price, Service
from credits.models.reports import MemberAllocation, ServiceUsage, UserCreditStatus
from credits.models.usage import Usage

__all__ = [
    "Allocation",
    "CreditPool",
    "JournalEntry",
    "MemberAllocation",
    "Price",
    "Service",
    "ServiceUsage",
    "StoredAnswer",
    "Usage",
    "UserCreditStatus",
]
