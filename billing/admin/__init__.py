"""The console's pages about money; importing this registers them."""

from billing.admin import backups, collecting, money, proving

__all__ = ["backups", "collecting", "money", "proving"]
