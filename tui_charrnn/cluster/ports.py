"""Listening for a moment on the port that TensorFlow takes afterwards."""

import contextlib
import errno
import ipaddress
import random
import socket
from collections.abc import Sequence
from typing import Final

from tui_charrnn.cluster.addresses import split_address
from tui_charrnn.errors import ClusterError

_UNLENT: Final = range(20_000, 32_768)
"""Ports that systems do not lend to outgoing connections, so that none takes a chosen one."""


def free_ports(count: int) -> list[int]:
    """Different ports of this host that nobody listens on now.

    Args:
        count: How many.

    Raises:
        ClusterError: If there are not so many.
    """
    found: list[int] = []
    for port in random.SystemRandom().sample(_UNLENT, len(_UNLENT)):
        if len(found) == count:
            return found
        try:
            check_port(f"127.0.0.1:{port}")
        except ClusterError:
            continue
        found.append(port)
    raise ClusterError(f"This host has too few free ports. Received: {count} wanted")


def check_port(address: str) -> None:
    """Make sure that the port of an address is free on this host, as TensorFlow will need it.

    Raises:
        ClusterError: If it is in use, or not for this user.
    """
    _listen(address, is_local=False).close()


def listen(address: str, addresses: Sequence[str]) -> socket.socket:
    """Listen on the port of an address; on all interfaces, as TensorFlow does.

    Where all addresses are of this very host, on the loopback interface alone.

    Args:
        address: Whose port.
        addresses: Of the whole cluster.

    Raises:
        ClusterError: If it is in use, or not for this user.
    """
    check_port(address)
    hosts = {split_address(each)[0] for each in addresses}
    return _listen(address, is_local=all(map(_is_loopback, hosts)))


def _listen(address: str, *, is_local: bool) -> socket.socket:
    host, port = split_address(address)
    family = socket.AF_INET6 if is_local and ":" in host else socket.AF_INET
    place = ("::1" if ":" in host else "127.0.0.1") if is_local else ""
    try:
        if not is_local and socket.has_dualstack_ipv6():
            with contextlib.suppress(_NoIPv6Error):
                return _listen_to_both(port)
        return socket.create_server((place, port), family=family)
    except OSError as error:
        raise ClusterError(_sentence(address, port, error)) from error


class _NoIPv6Error(Exception):
    """The system knows the protocol, and has no address of it."""


def _listen_to_both(port: int) -> socket.socket:
    try:
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    except OSError as error:
        if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            raise _NoIPv6Error from error
        raise


def _sentence(address: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of this host is in use by another program, perhaps by a training that "
            f"has not ended yet; wait for it, or choose another port. Received: {address}"
        )
    return f"Port {port} of this host cannot be used: {error.strerror}. Received: {address}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
