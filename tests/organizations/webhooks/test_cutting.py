"""A worker that stops doesn't wait for a receiver, however far the request has come."""

import socket
import threading
from ipaddress import ip_network

from organizations.webhooks import posting
from organizations.webhooks.addresses import Allowance
from organizations.webhooks.network import Line

LONG = 30.0


def test_a_receiver_that_stalls_the_tls_handshake_is_cut_off():
    answers = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        allowance = Allowance(networks=((ip_network("127.0.0.1/32"), port),))
        line = Line(LONG)

        def send() -> None:
            url = f"https://127.0.0.1:{port}/"
            answers.append(posting.post(url, {}, b"{}", allowance=allowance, line=line))

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        taken, _ = server.accept()
        with taken:
            # Its greeting is there, and never answered.
            assert taken.recv(1)
            line.cut()
            sender.join(LONG / 2)

    assert not sender.is_alive()
    assert answers[0].interrupted
