"""Whose the other end of a loopback connection is, as the kernel tells."""

import os
import shutil
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from addons.capturing import peer
from addons.capturing.addon import Capture
from addons.capturing.peer import owner_of

pytestmark = pytest.mark.skipif(not peer.can_tell(), reason="this system does not tell whose a socket is")

NOBODY = 65534


@pytest.mark.parametrize(("listen", "to"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("::", "127.0.0.1")])
def test_our_own_sockets_are_ours(listen: str, to: str) -> None:
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    try:
        server = socket.create_server((listen, 0), family=family, dualstack_ipv6=listen == "::")
    except OSError:
        pytest.skip("no IPv6 here")
    with server, socket.create_connection((to, server.getsockname()[1]), 10) as client:
        accepted, _ = server.accept()
        with accepted:
            here, there = client.getsockname()[:2], client.getpeername()[:2]
            assert owner_of(here, there) == owner_of(there, here) == os.geteuid()
            assert owner_of(here, (there[0], there[1] - 1)) is None


def test_who_is_let_in() -> None:
    assert peer.is_trusted_user(os.geteuid())
    assert peer.is_trusted_user(0)
    assert not peer.is_trusted_user(os.geteuid() + 1)
    assert not peer.is_trusted_user(None)


def program_for(user: int | None) -> str:
    """A Python that the user may run: a virtual environment can lie in somebody's home."""
    return sys.executable if user is None else shutil.which("python3", path="/usr/bin:/bin") or sys.executable


def connected(user: int | None) -> Any:
    """What the capture proxy makes of a program that connects as `user`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        code = f"import socket; s = socket.create_connection({address!r}); s.recv(1)"
        with subprocess.Popen([program_for(user), "-I", "-S", "-c", code], user=user, cwd="/") as program:
            accepted, _ = server.accept()
            with accepted:
                client: Any = SimpleNamespace(
                    peername=accepted.getpeername(), sockname=accepted.getsockname(), error=None
                )
                Capture().client_connected(client)
            program.wait(10)
    return client.error


@pytest.mark.processes
def test_the_capture_proxy_serves_us() -> None:
    assert connected(None) is None


@pytest.mark.processes
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_the_capture_proxy_serves_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    try:
        error = connected(NOBODY)
    except PermissionError:
        pytest.skip("another user cannot run this Python")
    assert error
    assert "another user" in caplog.text
