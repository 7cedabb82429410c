"""The package's version, which the build reads too: it knows no other form of this line."""

__version__ = "0.1.0"
