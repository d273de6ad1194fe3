"""The way out of a cluster and into it: address translation and published ports, seen from another machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.privileged.provision import host
from tests.privileged.provision.host import Host

pytestmark = [pytest.mark.needs_cluster, pytest.mark.timeout(180)]

# Another machine at 198.51.100.2, which knows no way to the cluster's network.
SCRIPT = """
ip netns add far
ip link add near0 type veth peer name far0 netns far
ip addr add 198.51.100.1/24 dev near0
ip link set near0 up
ip -n far addr add 198.51.100.2/24 dev far0
ip -n far link set far0 up
ip -n far link set lo up
"""
# Asks for a TLS handshake: prints the subject's organisation or what went wrong.
HANDSHAKE = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) as plain:
    try:
        with context.wrap_socket(plain) as tls:
            print(tls.version())
    except ssl.SSLError as error:
        print(error.reason)
"""
ECHO = """
import socket, sys
server = socket.create_server((sys.argv[1], 7777))
print(flush=True)
while True:
    connection, peer = server.accept()
    with connection:
        connection.sendall(peer[0].encode())
"""
ASK = "import socket; s = socket.create_connection(('198.51.100.2', 7777), 5); print(s.recv(100).decode())"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """With a cluster that publishes the port of its API."""
    made = Host(tmp_path_factory.mktemp("host"))
    with host.booted(made, SCRIPT), host.cluster(made, *host.create("k", "-p", "15000:50000/tcp")):
        host.until(lambda: _handshake(made, "10.28.0.2", 50000) == "TLSv1.3", 60, "the node's API answers")
        yield made


def _handshake(machine: Host, address: str, port: int, *prefix: str) -> str:
    done = machine.run(*prefix, sys.executable, "-c", HANDSHAKE, address, str(port))
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("address", ["127.0.0.1", "198.51.100.1", "10.28.0.1"])
def test_a_published_port_on_every_address_of_the_machine(machine: Host, address: str) -> None:
    assert _handshake(machine, address, 15000) == "TLSv1.3"


def test_a_published_port_from_another_machine(machine: Host) -> None:
    far = ("ip", "netns", "exec", "far")
    assert _handshake(machine, "198.51.100.1", 15000, *far) == "TLSv1.3"
    refused = _handshake(machine, "198.51.100.1", 15001, *far)
    assert "refused" in refused


def test_the_nodes_reach_the_outside_under_the_address_of_the_machine(machine: Host) -> None:
    (init,) = [pid for pid in machine.pids() if host.words(pid).split("\0")[0].endswith("/init")][:1]
    with host.process(machine, "ip", "netns", "exec", "far", sys.executable, "-c", ECHO, "198.51.100.2") as echo:
        inside = host.in_network_of(init, sys.executable, "-c", ASK)
        assert inside.stdout.strip() == "198.51.100.1", inside.stderr
        own = machine.run(sys.executable, "-c", ASK)
        assert own.stdout.strip() == "198.51.100.1"
        host.kill_tree(echo.pid)
