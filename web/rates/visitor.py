"""Where a request comes from, as far as that can be believed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from flask import Request

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
PRIVATE = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10"
_SITE = 64  # bits of an IPv6 address that are one household's or one company's


class Proxies:
    """Whose X-Forwarded-For is believed: `private` addresses, `none`, or networks with commas between."""

    def __init__(self, said: str = "private") -> None:
        named = {"private": PRIVATE, "none": ""}.get(said.strip(), said)
        networks = [each.strip() for each in named.split(",") if each.strip()]
        self._networks: Sequence[Network] = [ip_network(each, strict=False) for each in networks]

    def trust(self, peer: Address) -> bool:
        """Whether what this peer says of where a request came from is believed."""
        return any(peer in network for network in self._networks if network.version == peer.version)


def visitor(request: Request, proxies: Proxies) -> str:
    """The address that a request came from: the peer's, or the one that a trusted proxy names last.

    Of IPv6 it is the network of one household: its addresses are free. "" for this machine's own programs.
    """
    peer = _address(request.remote_addr or "")
    if peer is None:
        return request.remote_addr or ""
    named = _address(request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()[:64])
    if named is not None and proxies.trust(peer):
        return _site(named)
    return "" if peer.is_loopback else _site(peer)


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _site(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(ip_network((address.packed, _SITE), strict=False))
