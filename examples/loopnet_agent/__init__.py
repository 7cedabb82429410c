"""An agent that enriches companies, looks contacts up and exports both; each is charged once, whatever kills it.

Read `units.py` (what there is to do, and its keys), `journal.py` (what is known to be done), `agent.py` (the order in
which both are written) and `exporting.py` (work whose cost is known afterwards). The rest is plumbing.
"""
