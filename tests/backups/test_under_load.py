"""A backup that is made while clients charge is one instant of the ledger: it restores and verifies."""

import threading

import pytest
from django.core.management import call_command
from django.db import connections

from credits.deducting import deduct
from credits.models import Usage
from orgbilling.backups import dumping, folder
from tests.ledger import charge

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 4


def test_a_backup_under_load_restores_and_verifies(database, story):
    stop, charged = threading.Event(), []
    begun = threading.Barrier(CLIENTS + 1, timeout=60)

    def client(number):
        waiting = True
        try:
            while not stop.is_set():
                person = (story.alice, story.bob)[number % 2]
                deduct(
                    charge(story.org, person, 1, f"{number}-{len(charged)}-{threading.get_ident()}")
                )
                charged.append(number)
                if waiting:
                    begun.wait()
                    waiting = False
        finally:
            connections.close_all()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        # Each of them has charged, and all of them go on.
        begun.wait()
        dumping.back_up()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    (backup,) = folder.backups(database)
    rows = backup.manifest.position["credit_usage_attribution"]["rows"]
    assert rows <= Usage.objects.count()
    call_command("restore", backup.path.name, force=True)
    # The manifest's snapshot is the dump's, to the row.
    assert Usage.objects.count() == rows
    call_command("verify_ledger", verbosity=0)
