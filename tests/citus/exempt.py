"""The tests that can't hold on a cluster, by the beginning of their id, each with the reason."""

TRIGGERS = "a trigger refuses it on one PostgreSQL; here grants do, and tests connect as the owner"
CLOCK = "a view asks a worker for the time, who doesn't know the simulated moment"
SCHEMA = "goes back over migrations, or takes constraints away, of tables that are cut"

LATE = "a trigger notes what is written late on one PostgreSQL; here the function that imports does"
ALONE = "it is about one PostgreSQL, or about what distribute does to one"
NUMBER = "it reads the number of a transaction, and every node has its own"

_GUARDS = "tests/credits/test_guards.py::test_"

EXEMPT: dict[str, str] = {
    f"{_GUARDS}balances_have_one_door": TRIGGERS,
    f"{_GUARDS}the_door_is_closed": TRIGGERS,
    f"{_GUARDS}pools_and_allocations_are_born_empty": TRIGGERS,
    f"{_GUARDS}history_is_only_added_to": TRIGGERS,
    f"{_GUARDS}a_row_that_no_function_wrote": TRIGGERS,
    f"{_GUARDS}orm_writes_of_history": TRIGGERS,
    "tests/credits/test_prices.py::test_a_version_never_changes": TRIGGERS,
    "tests/credits/test_holds.py::test_an_expired_hold_is_released_for_readers": CLOCK,
    "tests/credits/test_refreshes_and_settings.py::TestOverage::test_what_a_hold_gave_back": CLOCK,
    "tests/billing/test_migrations.py": SCHEMA,
    "tests/concurrency/test_rollups.py::test_a_horizon_waits": NUMBER,
    "tests/concurrency/test_rollups.py::test_a_row_of_the_past": LATE,
    "tests/concurrency/test_rollups.py::test_a_roll_up_that_is_rolled_back": LATE,
    "tests/distribution/test_kinds.py::test_one_postgresql_is_refused": ALONE,
    "tests/distribution/test_kinds.py::test_a_delegated_function_is_told_once": ALONE,
    "tests/distribution/test_late_usage.py::test_an_import_notes_what_is_late_once[a cluster]": ALONE,
}
