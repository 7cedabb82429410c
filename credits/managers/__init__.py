"""The managers of the ledger's tables: the only callers of the SQL functions."""

from credits.managers.allocation import AllocationManager
from credits.managers.answer import AnswerManager
from credits.managers.episode import EpisodeManager
from credits.managers.hold import HoldManager
from credits.managers.journal import JournalManager
from credits.managers.overage import OveragePeriodManager
from credits.managers.pool import PoolManager
from credits.managers.price import PriceManager
from credits.managers.refusal import RefusalManager
from credits.managers.rollup import RollupManager
from credits.managers.usage import UsageManager

__all__ = [
    "AllocationManager",
    "AnswerManager",
    "EpisodeManager",
    "HoldManager",
    "JournalManager",
    "OveragePeriodManager",
    "PoolManager",
    "PriceManager",
    "RefusalManager",
    "RollupManager",
    "UsageManager",
]
