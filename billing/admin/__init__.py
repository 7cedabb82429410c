"""The console's pages about money; importing this registers them."""

from billing.admin import collecting, money, proving

__all__ = ["collecting", "money", "proving"]
