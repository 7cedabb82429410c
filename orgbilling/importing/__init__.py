"""Bringing in what Ops-Center kept, with its faults mended and every mend reported.

The source is read in one snapshot that can change nothing. All is written in one transaction of ours, through the
ledger's functions, and committed only when every credit is accounted for and every equation holds.
"""
