"""The console's pages of the ledger; importing this registers them."""

from credits.admin import allocations, catalogue, holds, journal, ledger, refusals, usage

__all__ = ["allocations", "catalogue", "holds", "journal", "ledger", "refusals", "usage"]
