"""Where a tenant's address may lead: nowhere that only this machine reaches, however it is spelled."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

import pytest

from tests.workers.target import listening
from workers.network import Lookup, Network, Unreachable, permitted
from workers.outbound import Call, NoReply, Outbound, problem_with

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
INSIDE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
    *("169.254.169.254", "168.63.129.16", "100.100.100.200", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("192.0.2.1", "198.18.0.1", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1"),
    *(
        "2001::1",
        "2001:db8::1",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "100::1",
    ),
]
PUBLIC = ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_inner_address_is_not_permitted_by_default(address: str) -> None:
    assert not permitted(ip_address(address), [])


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_permitted(address: str) -> None:
    assert permitted(ip_address(address), [])


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "fd00::7"])
def test_an_operator_may_permit_a_network(address: str) -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("fd00::/64")]
    assert permitted(ip_address(address), networks)
    assert not permitted(ip_address("10.2.0.1"), networks)
    assert not permitted(ip_address("fd00:0:0:1::"), networks)


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    outbound = Outbound([], lambda: datetime.now(UTC))
    yield outbound
    await outbound.close()


def call(url: str) -> Call:
    return Call(url=url, body=b"{}", message_id="m", secrets=(), at=datetime.now(UTC), timeout=10)


SPELLINGS = [
    *("127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "0x7f.1", "0177.1", "2130706433"),
    *("0x7f000001", "017700000001", "127.0.0.1.", "0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
    *("[0:0:0:0:0:0:0:1]", "10.0.0.1", "169.254.169.254", "[64:ff9b::127.0.0.1]", "①②⑦.0.0.1"),
]


@pytest.mark.parametrize("host", SPELLINGS)
async def test_no_spelling_gets_a_call_to_this_machine(outbound: Outbound, host: str) -> None:
    async with listening() as partner:
        port = partner.url.rpartition(":")[2]
        with pytest.raises(NoReply) as refused:
            await outbound.send(call(f"http://{host}:{port}/"))
    assert refused.value.message in (
        "The partner's address is in a network that may not be called.",
        "The name of the partner's system is not known.",  # a resolver need not know every spelling
        "This is not an address that can be read.",
    )
    assert not refused.value.timed_out
    assert partner.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_network_that_is_permitted_is_called(host: str) -> None:
    outbound = Outbound(LOOPBACK, lambda: datetime.now(UTC))
    async with listening(host) as partner:
        assert (await outbound.send(call(partner.url))).status == 200
        port = partner.url.rpartition(":")[2]
        assert partner.requests[0].headers["host"] == partner.url.removeprefix("http://")
        if host == "127.0.0.1":
            assert (await outbound.send(call(f"http://localhost:{port}/"))).status == 200
    await outbound.close()


async def connected_to(lookup: Lookup, port: int, name: str = "partner.example") -> None:
    network = Network(LOOPBACK, lookup)
    try:
        await (await network.connect_tcp(name, port)).aclose()
    finally:
        network.close()


@pytest.mark.parametrize("others", [["10.0.0.1"], ["8.8.8.8", "169.254.169.254"], ["::ffff:192.168.0.1"]])
async def test_one_inner_address_among_a_names_addresses_is_enough_to_refuse(others: list[str]) -> None:
    async with listening() as partner:
        port = int(partner.url.rpartition(":")[2])
        with pytest.raises(Unreachable, match="may not be called"):
            await connected_to(lambda *_: ["127.0.0.1", *others], port)
    assert partner.connections == 0


async def test_a_name_is_looked_up_once_and_the_address_checked_is_the_one_called() -> None:
    answers: list[Iterable[str]] = [["127.0.0.1"], ["10.0.0.1"]]
    async with listening() as partner:
        await connected_to(lambda *_: answers.pop(0), int(partner.url.rpartition(":")[2]))
        assert partner.connections == 1
    assert answers == [["10.0.0.1"]]


async def test_the_next_address_is_tried_where_one_takes_no_connection() -> None:
    async with listening() as partner:
        await connected_to(lambda *_: ["127.0.0.2", "127.0.0.1"], int(partner.url.rpartition(":")[2]))
        assert partner.connections == 1


@pytest.mark.parametrize("name", ["nobody.invalid", "a" * 70, "a..b"])
async def test_a_name_that_is_not_known_is_said_to_be(name: str) -> None:
    network = Network([])
    with pytest.raises(Unreachable, match="not known"):
        await network.connect_tcp(name, 80)
    network.close()


async def test_those_who_ask_for_one_name_at_a_time_share_the_look_up() -> None:
    asked: list[str] = []
    network = Network([], lambda name, _: asked.append(name) or ["10.0.0.1"])
    tries = [network.connect_tcp("partner.example", 80) for _ in range(50)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(each, Unreachable) for each in ended)
    assert asked == ["partner.example"]
    network.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://partner.example/", "begins with https"),
        ("//partner.example/", "begins with https"),
        ("http:///path", "names a host"),
        ("http://a b/", "names a host"),
        ("http://{host}/", "names a host"),
        ("http://ann:hush@partner.example/", "no user"),
        ("http://partner.example\\@127.0.0.1/", "no user"),
        ("http://partner.example/#x", "no fragment"),
        ("http://partner.example:0/", "port"),
        ("http://[::1", "can be read"),
        ("http://0177.0.0.1/", "can be read"),
        ("http://partner.example/\n", "can be read"),
        ("http://partner.example/\ud800", "can be read"),
        ("http://partner.example/" + "x" * 2000, "2,000 characters"),
    ],
)
def test_an_address_that_cannot_be_a_partners_is_refused_with_the_reason(url: str, problem: str) -> None:
    assert problem in (problem_with(url) or "")


@pytest.mark.parametrize(
    "url", ["https://partner.example/{id}/x?y=1", "http://[::1]:80/", "https://bücher.example"]
)
def test_an_address_that_may_be_a_partners_passes(url: str) -> None:
    assert problem_with(url) is None
