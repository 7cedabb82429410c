"""A server that does nothing but answer: what the load generator reaches with it is the generator's ceiling."""

from __future__ import annotations

import select
import socket
import sys

BODY = b'{"id":"' + b"x" * 600 + b'"}'
ANSWER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    % len(BODY)
)
ANSWER += BODY


def main() -> int:
    """Print the port, then answer whatever comes in one piece, until it is ended."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    peers: dict[int, socket.socket] = {}
    while True:
        for number, _event in poll.poll():
            if number == sys.stdin.fileno():
                # Whoever asked for it is done, or dead.
                return 0
            if number == listener.fileno():
                peer, _address = listener.accept()
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                peers[peer.fileno()] = peer
                poll.register(peer.fileno(), select.EPOLLIN)
            elif peers[number].recv(65_536):
                peers[number].sendall(ANSWER)
            else:
                poll.unregister(number)
                peers.pop(number).close()


if __name__ == "__main__":
    sys.exit(main())
