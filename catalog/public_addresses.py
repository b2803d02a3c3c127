"""Which hosts are of the open internet, as far as their name says so by itself: no name is looked up here."""

import ipaddress
import socket

_EMBEDDED_V4 = tuple(ipaddress.ip_network(net) for net in ("::/96", "::ffff:0:0:0/96", "fec0::/10"))


def is_public(address: str) -> bool:
    """Whether this is an address of the open internet."""
    ip = ipaddress.ip_address(address.strip("[]").split("%")[0])
    if not ip.is_global or ip.is_multicast or ip.is_reserved:
        return False
    return ip.version == 4 or not any(ip in net for net in _EMBEDDED_V4)


def may_be_public(host: str) -> bool:
    """False for an address that is not of the open internet, however it is written, and for localhost.

    A name may lead anywhere: it is checked when it is dialled (`indexer.guard`).
    """
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return is_public(host if ":" in host else socket.inet_ntoa(socket.inet_aton(host)))
    except (OSError, ValueError):  # a name, or no address at all
        return ":" not in host
