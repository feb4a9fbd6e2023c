"""`host:port` and its parts."""

from typing import Final

from tui_charrnn.errors import ClusterError

_PORTS: Final = range(1, 65536)
_LONGEST: Final = 300
"""Characters; a name of the domain name system has 253 at most."""


def check_address(address: str) -> None:
    """Make sure that a text is an address.

    Raises:
        ClusterError: If it has no host, no port, or a port that is none.
    """
    split_address(address)


def split_address(address: str) -> tuple[str, int]:
    """The host, without the brackets of IPv6, and the port of an address.

    Raises:
        ClusterError: If it has no host, no port, or a port that is none.
    """
    host, colon, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    is_bracketed = host != bare
    if not colon or not bare or len(address) > _LONGEST or not address.isprintable():
        raise _refused(address)
    if any(sign.isspace() or sign in ",/[]@" for sign in bare) or (":" in bare) != is_bracketed:
        raise _refused(address)
    try:
        bare.encode("idna")  # as a look-up will, to which a label too many or too long is a defect
    except UnicodeError as error:
        raise _refused(address) from error
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) in _PORTS):
        raise _refused(address)
    return bare, int(port)


def _refused(address: str) -> ClusterError:
    return ClusterError(
        "An address of a cluster is host:port with a port from 1 to 65535, as in "
        "node1:12345 or [fd00::1]:12345, and commas stand between addresses. "
        f"Received: {address[:_LONGEST] or '(nothing)'}"
    )
