"""The ledger's jobs: what time brings, applied although nobody spends. No decision waits for them."""

from procrastinate.contrib.django import app

from credits import rolling, sweeping, watching


@app.task(name="credits.reset_due", queueing_lock="credits.reset_due")
def reset_due(timestamp: int) -> None:
    """Open the current period of allocations whose period has ended."""
    del timestamp
    sweeping.reset_due()


@app.task(name="credits.refresh_due", queueing_lock="credits.refresh_due")
def refresh_due(timestamp: int) -> None:
    """Grant the monthly refreshes that are due."""
    del timestamp
    sweeping.refresh_due()


@app.task(name="credits.expire_holds_due", queueing_lock="credits.expire_holds_due")
def expire_holds_due(timestamp: int) -> None:
    """Give back what expired holds had reserved."""
    del timestamp
    sweeping.expire_holds_due()


@app.task(name="credits.close_overage_due", queueing_lock="credits.close_overage_due")
def close_overage_due(timestamp: int) -> None:
    """Close the periods of overage that have ended."""
    del timestamp
    sweeping.close_overage_due()


@app.task(
    name="credits.watch_balances",
    queueing_lock="credits.watch_balances",
    lock="credits.watch_balances",
)
def watch_balances(timestamp: int) -> None:
    """Tell people whose credits have crossed a threshold."""
    del timestamp
    watching.watch()


@app.task(
    name="credits.roll_up_usage",
    queueing_lock="credits.roll_up_usage",
    lock="credits.roll_up_usage",
)
def roll_up_usage(timestamp: int) -> None:
    """Sum up usage by hour and day for reports."""
    del timestamp
    rolling.roll_up()


@app.task(name="credits.purge", queueing_lock="credits.purge")
def purge(timestamp: int) -> None:
    """Forget old refusals and episodes, and free the keys of those whose time has passed."""
    del timestamp
    sweeping.purge_refusals()
    sweeping.purge_answers()
    watching.purge()
