"""Calls to partners over real sockets: what arrives there, what comes back, and what is never reached."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.workers.target import Answer, Request, answer, hang, listening
from workers.outbound import Call, NoReply, Outbound, Reply, problem_with

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
NOW = datetime.now(UTC)
OLD, NEW = "whsec_b2xkIHNlY3JldCBvZiBhIHBhcnRuZXI=", "whsec_bmV3IHNlY3JldCBvZiBhIHBhcnRuZXI="
NOT_ALLOWED = "The partner's address is in a network that may not be called."


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    outbound = Outbound(LOOPBACK, lambda: NOW, connections=8)
    yield outbound
    await outbound.close()


def call(url: str, *secrets: str, timeout: float = 10) -> Call:
    return Call(url=url, body=b'{"id": "hnd_1"}', message_id="m-1", secrets=secrets, at=NOW, timeout=timeout)


async def refused(outbound: Outbound, url: str, timeout: float = 10) -> NoReply:
    with pytest.raises(NoReply) as raised:
        await outbound.send(call(url, timeout=timeout))
    assert "127.0.0" not in raised.value.message
    return raised.value


async def test_the_partner_gets_the_call_and_its_answer_comes_back(outbound: Outbound) -> None:
    async with listening() as partner:
        reply = await outbound.send(call(f"{partner.url}/leads/7?fast=1"))
    assert reply == Reply(status=200, body={"done": True}, retry_after=None)
    (request,) = partner.requests
    assert (request.path, request.body) == ("/leads/7?fast=1", b'{"id": "hnd_1"}')
    sent = {
        "host": partner.url.removeprefix("http://"),
        "content-type": "application/json",
        "user-agent": "journeys",
        "accept-encoding": "identity",
        "idempotency-key": "m-1",
        "webhook-id": "m-1",
        "webhook-timestamp": str(int(NOW.timestamp())),
    }
    assert sent.items() <= request.headers.items()
    assert "webhook-signature" not in request.headers


@pytest.mark.parametrize("secrets", [(NEW,), (NEW, OLD)])
async def test_the_partner_can_verify_each_signature(outbound: Outbound, secrets: tuple[str, ...]) -> None:
    async with listening() as partner:
        # The library looks at the system's clock, and takes no signature that is five minutes old.
        await outbound.send(replace(call(f"{partner.url}/x", *secrets), at=datetime.now(UTC)))
    (request,) = partner.requests
    for secret in secrets:
        Webhook(secret).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_c29tZWJvZHkgZWxzZQ==").verify(request.body, request.headers)


async def test_a_secret_that_is_none_makes_no_call_and_is_not_shown(outbound: Outbound) -> None:
    async with listening() as partner:
        for secret in ("whsec_", "whsec_x"):
            with pytest.raises(NoReply, match=r"not of the form whsec_…"):
                await outbound.send(call(partner.url, secret))
        assert OLD not in repr(call(partner.url, OLD))
    assert partner.connections == 0


HTTP_DATE = (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (answer("202 Accepted"), (202, None, None)),
        (answer("204 No Content"), (204, None, None)),
        (answer("200 OK", b"well done"), (200, "well done", None)),
        (answer("200 OK", b'{"$set": 1}'), (200, '{"$set": 1}', None)),
        (answer("200 OK", b"[" * 40 + b"]" * 40), (200, "[" * 40 + "]" * 40, None)),
        (answer("200 OK", b"18446744073709551615"), (200, "18446744073709551615", None)),
        (answer("200 OK", gzip.compress(b"[1]"), Content_Encoding="gzip"), (200, [1], None)),
        (answer("503 Busy", b'"later"', Retry_After="7"), (503, "later", 7)),
        (answer("429 Busy", Retry_After="soon"), (429, None, None)),
        (answer("429 Busy", Retry_After="Thu, 01 Jan 1970 00:00:00 GMT"), (429, None, 0)),
        (answer("503 Busy", Retry_After=HTTP_DATE), (503, None, pytest.approx(90, abs=1))),
    ],
)
async def test_every_answer_is_a_reply(
    outbound: Outbound, answered: Answer, expected: tuple[Any, ...]
) -> None:
    async with listening(x=answered) as partner:
        reply = await outbound.send(call(f"{partner.url}/x"))
    assert (reply.status, reply.body, reply.retry_after) == expected


@pytest.mark.parametrize(
    "answered",
    [
        answer("200 OK", b"x" * 70_000),
        answer("200 OK", gzip.compress(b" " * 10_000_000), Content_Encoding="gzip"),
    ],
)
async def test_an_answer_that_is_too_large_is_none(outbound: Outbound, answered: Answer) -> None:
    async with listening(x=answered) as partner:
        error = await refused(outbound, f"{partner.url}/x")
    assert "answer is too large" in error.message
    assert not error.timed_out


async def test_a_whole_call_has_one_time_limit(outbound: Outbound) -> None:
    async def drip(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with listening(drip=drip, hang=hang) as partner:
        for path in ("drip", "hang"):
            error = await refused(outbound, f"{partner.url}/{path}", timeout=0.2)
            assert (error.message, error.timed_out) == ("No whole answer came within 0.2 seconds.", True)


async def test_nobody_there_is_no_reply(outbound: Outbound) -> None:
    async with listening() as partner:
        pass
    error = await refused(outbound, partner.url)
    assert (error.message, error.timed_out) == ("The partner's system takes no connection.", False)


async def test_what_is_no_http_is_no_reply(outbound: Outbound) -> None:
    async def babble(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-secret\r\n\r\n")

    async def hang_up(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(babble=babble, hang_up=hang_up) as partner:
        for path in ("babble", "hang_up"):
            assert (
                await refused(outbound, f"{partner.url}/{path}")
            ).message == "The partner gave no proper answer."


async def test_a_connection_that_cannot_be_secured_is_no_reply(outbound: Outbound) -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        error = await refused(outbound, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (error.message, error.timed_out) == ("No secure connection to the partner could be made.", False)


async def test_the_same_server_may_move_the_call(outbound: Outbound) -> None:
    moved = {"a": answer("307 Moved", Location="/b"), "b": answer("308 Moved", Location="c?d")}
    async with listening(**moved) as partner:
        reply = await outbound.send(call(f"{partner.url}/a", NEW))
    assert reply.status == 200
    assert [each.path for each in partner.requests] == ["/a", "/b", "/c?d"]
    first, *others = [(each.body, each.headers) for each in partner.requests]
    assert all(other == first for other in others)


async def test_no_other_redirect_is_followed(outbound: Outbound) -> None:
    async with listening() as other, listening() as partner:
        port = partner.url.rpartition(":")[2]
        for status, location in [
            ("307 Moved", f"{other.url}/x"),
            ("308 Moved", f"http://127.0.0.2:{port}/x"),
            ("307 Moved", f"https://127.0.0.1:{port}/x"),
            ("307 Moved", f"http://u@127.0.0.1:{port}/x"),
            ("307 Moved", "http://[::1"),
            ("307 Moved", ""),
            ("302 Found", "/x"),
            ("303 See Other", "/x"),
        ]:
            partner.answers["/a"] = answer(status, Location=location)
            assert (await outbound.send(call(f"{partner.url}/a"))).status == int(status[:3])
        partner.answers["/a"] = answer("307 Moved", Location="/a")
        partner.requests.clear()
        assert (await outbound.send(call(f"{partner.url}/a"))).status == 307
        assert len(partner.requests) == 4
    assert other.requests == []


async def test_connections_are_kept(outbound: Outbound) -> None:
    async with listening() as partner:
        for _ in range(5):
            await outbound.send(call(partner.url))
        assert partner.connections == 1
        await asyncio.gather(*(outbound.send(call(partner.url)) for _ in range(10)))
    assert partner.connections <= 2


async def test_a_target_that_hangs_holds_up_no_other(outbound: Outbound) -> None:
    async with listening(hang=hang) as slow, listening() as quick:
        waiting = [asyncio.create_task(outbound.send(call(f"{slow.url}/hang"))) for _ in range(20)]
        await slow.asked.wait()
        for _ in range(3):
            assert (await outbound.send(call(quick.url))).status == 200
        for each in waiting:
            each.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)
        assert slow.connections <= 2
        assert (await outbound.send(call(f"{slow.url}/free"))).status == 200


async def test_an_address_that_cannot_be_is_not_called(outbound: Outbound) -> None:
    assert (await refused(outbound, "ftp://example.org/")).message == problem_with("ftp://example.org/")
    unknown = await refused(outbound, "http://nobody.invalid/")
    assert unknown.message == "The name of the partner's system is not known."
