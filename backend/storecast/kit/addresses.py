"""Which network addresses are the public internet's: where what merchants type may lead."""

import ipaddress

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")


def is_public(address: str) -> bool:
    """Whether an IP address (a zone index is ignored) is a public one; raises ValueError for what is no address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            # Outside of 2000::/3 and in 6to4 are addresses that stand for another one, such as NAT64's.
            return ip.is_global and ip in _GLOBAL_UNICAST and ip.sixtofour is None
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast
