"""The network as calls to partners see it: a name is resolved here, and only an address that was checked is used.

Addresses are set by tenants, so none may lead to what only this machine reaches. Every address of a name must be
public or in a network that the operator allows, and the connection goes to that very address: no answer of a name
server in between counts.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

import httpcore

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

# What the operating system knows of a name, blocking. Raises OSError.
Lookup = Callable[[str, int], Iterable[str]]

GLOBAL_UNICAST: Final = IPv6Network("2000::/3")  # nothing else of IPv6 is given to anybody
NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address
PLATFORM: Final = frozenset([IPv4Address("168.63.129.16")])  # public by number, yet inside of a cloud
LOOKUPS: Final = 32  # threads; names that hang take one each
CONNECT_SECONDS: Final = 2.0  # until the next address of a name is tried
TRIED: Final = 4  # addresses of one name


class Unreachable(Exception):
    """No connection; the argument is a sentence for a person, without an address."""


def permitted(address: Address, networks: Networks) -> bool:
    """Whether a partner may be there. An IPv4 address inside of an IPv6 one is what counts."""
    if isinstance(address, IPv6Address) and (inner := _inner(address)) is not None:
        address = inner
    if any(address in network for network in networks):
        return True
    if address.is_multicast or address.is_reserved or address in PLATFORM:
        return False
    return address.is_global and (isinstance(address, IPv4Address) or address in GLOBAL_UNICAST)


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour


def system_lookup(name: str, port: int) -> Iterable[str]:
    """The addresses of a name, the best first."""
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return dict.fromkeys(str(where[0]) for *_, where in found)


class Network(httpcore.AsyncNetworkBackend):
    """Opens connections for the pool. Raises Unreachable."""

    def __init__(self, networks: Networks, lookup: Lookup = system_lookup) -> None:
        self._networks, self._lookup = networks, lookup
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}
        self._tcp = httpcore.AnyIOBackend()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._addresses(host, port)
        if not all(permitted(address, self._networks) for address in addresses):
            raise Unreachable("The partner's address is in a network that may not be called.")
        for address in addresses[:TRIED]:
            patience = timeout if address == addresses[:TRIED][-1] else CONNECT_SECONDS
            try:
                return await self._tcp.connect_tcp(
                    str(address), port, patience, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise Unreachable("The partner's system takes no connection.")

    async def _addresses(self, name: str, port: int) -> list[Address]:
        """Those who ask for a name at the same time share one look-up: a name that hangs takes one thread."""
        key = (name, port)
        if (asked := self._asked.get(key)) is None:
            loop = asyncio.get_running_loop()
            asked = loop.run_in_executor(self._threads, lambda: list(self._lookup(name, port)))
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._answered(key, done))
        try:
            addresses = [ip_address(found) for found in await asyncio.shield(asked)]
        except (OSError, ValueError):  # UnicodeError, which names that cannot be any raise, is a ValueError
            addresses = []
        if not addresses:
            raise Unreachable("The name of the partner's system is not known.")
        return addresses

    def _answered(self, key: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._asked[key]
        if not done.cancelled():
            done.exception()  # whoever asked may have given up meanwhile
