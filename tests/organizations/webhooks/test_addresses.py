"""No request leaves for an address that isn't public: a corpus of what has fooled others, down to the socket."""

import socket
import threading
from ipaddress import ip_address, ip_network
from types import SimpleNamespace

import pytest

from organizations.webhooks import guarding, posting, resolving
from organizations.webhooks.addresses import Allowance, is_public
from organizations.webhooks.network import GuardedBackend, Line
from organizations.webhooks.urls import UnsafeUrl, read
from tests.webhook_receiver import receiving

#: Written as nobody should write them: never looked up, never connected to.
MALFORMED = [
    "",
    "hooks.example.com",
    "//hooks.example.com/x",
    "https:hooks.example.com",
    "https:/hooks.example.com",
    "https:///x",
    "http://hooks.example.com/",
    "HTTPS://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "unix:///var/run/docker.sock",
    "https://user@hooks.example.com/",
    "https://user:secret@hooks.example.com/",  # pragma: allowlist secret
    "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1#@hooks.example.com/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://hooks.example.com /",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/\r\nHost: localhost",
    "https://hooks.example.com/\t",
    "https://hooks.example.com/\x00",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com/é",
    "https://hooks.example.com:/",
    "https://hooks.example.com:8443/",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:-1/",
    "https://hooks.example.com./",
    "https://hooks..example.com/",
    "https://-hooks.example.com/",
    "https://hooks%2eexample.com/",
    "https://%31%32%37.0.0.1/",
    "https://localhost/",
    "https://metadata/computeMetadata/v1/",
    "https://" + "a" * 64 + ".example.com/",
    "https://" + "a." * 130 + "com/",
    "https://hooks.example.com/" + "x" * 1_000,
    "https://[::1/",
    "https://[fe80::1%25eth0]/",
    "https://[v1.fe80]/",
]
#: Addresses in notations that resolvers, browsers or C libraries take for IPv4.
ODD = [
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.01/",
    "https://127.0.0.0x1/",
    "https://127.0.0.1./",
    "https://127.0.0.256/",
    "https://127.0.0.1.1/",
    "https://1.2.3/",
    "https://①②⑦.⓪.⓪.①/",
    "https://127。0。0。1/",
    "https://١٢٧.0.0.1/",
]
#: What isn't public.
PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
NOTHING = Allowance()


def host_of(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@pytest.fixture
def connections(monkeypatch):
    """Every address that a socket of this process would be connected to; none is."""
    made = []

    def connect(self, address):
        made.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


def resolver(*answers: list[str]):
    """A resolver that gives its answers one after the other, and the last one again and again."""
    waiting = list(answers)

    def resolve(host: str, port: int, *, seconds: float):
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return [ip_address(one) for one in found]

    return resolve


def post(url, resolve=None, allowance=NOTHING):
    return posting.post(
        url, {}, b"{}", allowance=allowance, resolve=resolve or resolver(["1.1.1.1"])
    )


@pytest.mark.parametrize("url", MALFORMED + ODD)
def test_what_two_parsers_could_read_differently_is_refused(url, connections):
    with pytest.raises(UnsafeUrl):
        read(url, NOTHING)
    assert post(url).status is None
    assert connections == []


@pytest.mark.parametrize("address", [one for one in PRIVATE if "%" not in one])
def test_an_address_that_is_not_public_is_not_connected_to(address, connections):
    url = f"https://{host_of(address)}/"
    with pytest.raises(UnsafeUrl, match="public"):
        read(url, NOTHING)
    assert not post(url).is_success
    assert connections == []


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_leads_to_one_is_not_connected_to(address, connections):
    assert not is_public(ip_address(address))
    # One among public ones is enough.
    for found in ([address], ["1.1.1.1", address]):
        answer = post("https://hooks.example.com/", resolver(found))
        assert "leads to an address that isn't public" in answer.error
        assert answer.refused == str(ip_address(address))
        assert answer.refused not in answer.error
    assert connections == []


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones_may_be_reached(address):
    assert is_public(ip_address(address))
    assert read(f"https://{host_of(address)}/", NOTHING).port == 443


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://hooks.example.com", "hooks.example.com", "/"),
        ("https://HOOKS.example.com/A?b=c%20d&e=[1]", "hooks.example.com", "/A?b=c%20d&e=[1]"),
        ("https://hooks.example.com:443/x", "hooks.example.com", "/x"),
        ("https://bücher.example/x", "xn--bcher-kva.example", "/x"),
        ("https://a_b.example.com/@x", "a_b.example.com", "/@x"),
        ("https://1.2.example/", "1.2.example", "/"),
    ],
)
def test_what_is_fine_is_read_as_it_is_sent(url, host, target):
    found = read(url, NOTHING)
    assert (found.host, found.target, found.port, found.authority) == (host, target, 443, host)


def test_a_name_that_changes_between_look_up_and_connection_gains_nothing(connections):
    """DNS rebinding: public when it is looked up for the first time, private from then on."""
    rebinding = resolver(["1.1.1.1"], ["127.0.0.1"])
    # One attempt asks once: what it has judged is what it connects to.
    assert post("https://hooks.example.com/", rebinding).error == "The connection was refused."
    assert connections == [("1.1.1.1", 443)]
    # The next one asks anew, and judges anew.
    assert post("https://hooks.example.com/", rebinding).refused == "127.0.0.1"
    assert connections == [("1.1.1.1", 443)]


def test_it_connects_to_the_address_that_it_has_judged(monkeypatch):
    """The system's resolver is asked once, and its answer is what is connected to."""
    asked, connected = [], []

    def getaddrinfo(host, port, **_options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", port))]

    def connect(self, address):
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connect)
    answer = post("https://hooks.example.com/", resolving.resolve)
    assert asked == ["hooks.example.com"]
    assert connected == [("1.1.1.1", 443)]
    assert answer.error == "The connection was refused."


def test_redirects_are_not_followed_to_anywhere():
    with receiving() as server:
        allowance = Allowance(networks=((ip_network("127.0.0.1/32"), server.port),), http=True)
        answer = post(server.url("/redirect/302"), allowance=allowance)
        assert (answer.status, len(server.received)) == (302, 1)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"])
def test_proxies_of_the_environment_are_not_used(name, monkeypatch):
    with receiving() as proxy, receiving() as server:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        allowance = Allowance(networks=((ip_network("127.0.0.1/32"), server.port),), http=True)
        assert post(server.url("/ok"), allowance=allowance).is_success
        assert (proxy.connections, server.connections) == (0, 1)


class TestAllowed:
    """What the operator allows is allowed, and nothing beside it."""

    PLACES = Allowance(
        hosts=frozenset({("receiver.internal", 8443), ("receiver", 443)}),
        networks=((ip_network("10.0.5.0/24"), 443),),
    )

    @pytest.mark.parametrize(
        ("url", "address", "may"),
        [
            ("https://receiver.internal:8443/", "10.9.9.9", True),
            ("https://receiver/", "192.168.1.1", True),
            ("https://hooks.example.com/", "10.0.5.7", True),
            ("https://10.0.5.7/", "10.0.5.7", True),
            ("https://hooks.example.com/", "10.0.6.7", False),
            ("https://10.0.6.7/", "10.0.6.7", False),
            ("https://receiver.internal/", "10.9.9.9", False),
            ("https://receiver.internal:9000/", "10.9.9.9", False),
            ("https://another.internal:8443/", "10.9.9.9", False),
            ("https://hooks.example.com:8443/", "1.1.1.1", False),
        ],
    )
    def test_by_name_network_and_port(self, url, address, may, monkeypatch):
        reached = []

        def connect(self, where):
            reached.append(where)
            raise ConnectionRefusedError

        monkeypatch.setattr(socket.socket, "connect", connect)
        post(url, resolver([address]), self.PLACES)
        assert [where[0] for where in reached] == ([address] if may else [])

    def test_plain_http_is_for_port_80_of_public_addresses(self):
        allowance = Allowance(http=True)
        assert read("http://hooks.example.com/", allowance).port == 80
        with pytest.raises(UnsafeUrl, match="8080"):
            read("http://hooks.example.com:8080/", allowance)
        with pytest.raises(UnsafeUrl, match="public"):
            read("http://127.0.0.1/", allowance)


class TestSaving:
    """An endpoint's address is looked at when it is saved, by what it leads to then."""

    @pytest.fixture
    def leads_to(self, monkeypatch):
        def lead(*found: str):
            monkeypatch.setattr(resolving, "resolve", resolver(list(found)))

        return lead

    def test_a_name_that_leads_inside_is_refused(self, leads_to, monkeypatch):
        logged = []
        told = SimpleNamespace(warning=lambda name, **fields: logged.append((name, fields)))
        monkeypatch.setattr(guarding, "logger", told)
        leads_to("1.1.1.1", "10.0.0.1")
        with pytest.raises(UnsafeUrl, match="isn't public") as refused:
            guarding.look("https://hooks.example.com/")
        # Which address it is says what names mean inside: the operator's log has it, and nobody else.
        assert "10.0.0.1" not in str(refused.value)
        assert logged == [("webhook.address_refused", {"address": "10.0.0.1"})]

    def test_a_public_name_is_fine(self, leads_to):
        leads_to("1.1.1.1")
        assert guarding.look("https://hooks.example.com/").host == "hooks.example.com"

    def test_a_name_that_leads_nowhere_yet_is_fine(self, monkeypatch):
        def fail(*_args, **_options):
            raise resolving.NotResolved

        monkeypatch.setattr(resolving, "resolve", fail)
        assert guarding.look("https://hooks.example.com/").host == "hooks.example.com"


def test_a_look_up_that_lasts_is_given_up(monkeypatch):
    done = threading.Event()

    def getaddrinfo(*_args, **_options):
        done.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        with pytest.raises(resolving.NotResolved, match="in time"):
            resolving.resolve("hooks.example.com", 443, seconds=0.05)
    finally:
        done.set()


def test_no_socket_of_this_machine():
    from organizations.webhooks.network import AddressRefused  # noqa: PLC0415

    with pytest.raises(AddressRefused):
        GuardedBackend(NOTHING, Line(1)).connect_unix_socket("/var/run/docker.sock")
