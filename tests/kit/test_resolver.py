"""resolver: a name costs one datagram, an address none, and silent name servers delay nobody."""

import asyncio
import contextlib
import socket
import struct
from pathlib import Path

import pytest

from monitor.kit import resolver as module
from monitor.kit.resolver import ResolveError, Resolver, close_shared, literal, shared

NXDOMAIN = 3
SERVFAIL = 2


class NameServer(asyncio.DatagramProtocol):
    """Answers A questions from a table; a name that is not there is silence."""

    def __init__(self, table):
        self.table = table
        self.asked = []
        self.ttl = 0  # so that c-ares itself remembers nothing

    def connection_made(self, transport):
        self.transport = transport
        self.address = "{}:{}".format(*transport.get_extra_info("sockname"))

    def datagram_received(self, data, peer):
        name, end = "", 12
        while data[end]:
            name += data[end + 1 : end + 1 + data[end]].decode() + "."
            end += data[end] + 1
        name, kind = name.rstrip(".").lower(), struct.unpack_from(">H", data, end + 1)[0]
        if kind == 1:
            self.asked.append(name)
        if (answer := self.table.get(name)) is not None:
            self.transport.sendto(self.reply(data[:2], data[12 : end + 5], kind, answer), peer)

    def reply(self, ident, question, kind, answer):
        code = answer if isinstance(answer, int) else 0
        addresses = answer if code == 0 and kind == 1 else []
        head = ident + struct.pack(">HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
        return (
            head
            + question
            + b"".join(
                b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, self.ttl, 4) + socket.inet_aton(address)
                for address in addresses
            )
        )


@contextlib.asynccontextmanager
async def names(table, **options):
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: NameServer(table), local_addr=("127.0.0.1", 0)
    )
    resolver = Resolver([server.address], **options)
    try:
        yield resolver, server
    finally:
        await resolver.aclose()
        transport.close()


async def test_a_name_is_looked_up_once_and_remembered():
    async with names({"hub.example": ["10.0.0.1", "10.0.0.2"]}) as (resolver, server):
        first = await resolver.resolve("hub.example", socket.AF_INET)
        again = await resolver.resolve("HUB.example.", socket.AF_INET)

    assert sorted(first) == ["10.0.0.1", "10.0.0.2"]
    assert again == first
    assert server.asked == ["hub.example"]


async def test_any_family_will_do_when_none_is_named():
    async with names({"hub.example": ["10.0.0.1"]}) as (resolver, _):
        assert await resolver.resolve("hub.example") == ["10.0.0.1"]


async def test_many_who_ask_at_once_cause_one_question():
    async with names({"hub.example": ["10.0.0.1"]}) as (resolver, server):
        await asyncio.gather(*(resolver.resolve("hub.example", socket.AF_INET) for _ in range(50)))

    assert server.asked == ["hub.example"]


@pytest.mark.parametrize("address", ["10.1.2.3", "::1", "fe80::1%lo", "2001:db8::7"])
async def test_a_literal_address_needs_no_name_server(address):
    async with names({}) as (resolver, server):
        assert await resolver.resolve(address) == [address]

    assert server.asked == []


async def test_a_literal_of_the_wrong_family_is_refused():
    async with names({}) as (resolver, _):
        with pytest.raises(ResolveError, match="family"):
            await resolver.resolve("::1", socket.AF_INET)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "hub", "", "1.2.3.4.5"])
def test_only_whole_addresses_are_literals(host):
    assert literal(host) is None


async def test_a_name_that_does_not_exist_is_told_and_not_asked_for_again_soon():
    async with names({"gone.example": NXDOMAIN}) as (resolver, server):
        for _ in range(3):
            with pytest.raises(ResolveError, match=r"gone\.example"):
                await resolver.resolve("gone.example", socket.AF_INET)

    assert server.asked == ["gone.example"]


async def test_silent_name_servers_are_given_up_and_delay_nobody_else():
    clock = asyncio.get_running_loop().time
    async with names({"hub.example": ["10.0.0.1"]}, patience=0.2) as (resolver, _):
        began = clock()
        silent = [asyncio.create_task(resolver.resolve(f"s{n}.example")) for n in range(40)]
        await resolver.resolve("10.1.2.3")
        await resolver.resolve("hub.example", socket.AF_INET)
        served = clock() - began
        outcomes = await asyncio.gather(*silent, return_exceptions=True)

    assert all(isinstance(outcome, ResolveError) for outcome in outcomes)
    assert served < 0.2


async def test_the_wait_for_a_free_place_counts_as_part_of_the_look_up(monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 1)
    clock = asyncio.get_running_loop().time
    async with names({}, patience=0.1) as (resolver, _):
        began = clock()
        looks = (resolver.resolve(f"s{n}.example") for n in range(20))
        await asyncio.gather(*looks, return_exceptions=True)

        assert clock() - began < 1


async def test_an_outdated_answer_serves_at_once_while_it_is_asked_for_anew():
    async with names({"hub.example": ["10.0.0.1"]}, life=(0.0, 0.0)) as (resolver, server):
        await resolver.resolve("hub.example", socket.AF_INET)
        server.table["hub.example"] = ["10.0.0.9"]
        stale = await resolver.resolve("hub.example", socket.AF_INET)
        await asyncio.gather(*resolver._under_way.values())
        fresh = await resolver.resolve("hub.example", socket.AF_INET)

    assert (stale, fresh) == (["10.0.0.1"], ["10.0.0.9"])


@pytest.mark.parametrize("failure", [None, SERVFAIL], ids=["silence", "server-failure"])
async def test_an_address_known_once_survives_the_death_of_the_name_servers(failure):
    async with names({"hub.example": ["10.0.0.1"]}, life=(0.0, 0.0), patience=0.1) as (resolver, server):
        await resolver.resolve("hub.example", socket.AF_INET)
        server.table["hub.example"] = failure
        await resolver.resolve("hub.example", socket.AF_INET)
        await asyncio.gather(*resolver._under_way.values())

        assert await resolver.resolve("hub.example", socket.AF_INET) == ["10.0.0.1"]


async def test_a_name_that_was_taken_away_is_forgotten():
    async with names({"hub.example": ["10.0.0.1"]}, life=(0.0, 0.0)) as (resolver, server):
        await resolver.resolve("hub.example", socket.AF_INET)
        server.table["hub.example"] = NXDOMAIN
        await resolver.resolve("hub.example", socket.AF_INET)
        await asyncio.gather(*resolver._under_way.values())

        with pytest.raises(ResolveError):
            await resolver.resolve("hub.example", socket.AF_INET)


async def test_one_who_gives_up_does_not_take_the_answer_from_the_others():
    async with names({}, patience=0.3) as (resolver, server):
        impatient = asyncio.create_task(resolver.resolve("hub.example", socket.AF_INET))
        patient = asyncio.create_task(resolver.resolve("hub.example", socket.AF_INET))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        with pytest.raises(ResolveError, match="no answer"):
            await patient

    assert len(set(server.asked)) == 1


async def test_those_who_wait_when_it_is_closed_get_an_error_not_a_cancellation():
    async with names({}) as (resolver, _):
        waiting = asyncio.create_task(resolver.resolve("hub.example"))
        await asyncio.sleep(0)
        await resolver.aclose()

        with pytest.raises(ResolveError, match="closed"):
            await waiting


async def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    async with names({f"h{n}.example": ["10.0.0.1"] for n in range(6)}) as (resolver, _):
        for n in range(6):
            await resolver.resolve(f"h{n}.example", socket.AF_INET)

        assert [name for name, _ in resolver._cache] == ["h3.example", "h4.example", "h5.example"]


async def test_a_thousand_addresses_are_cut_to_a_few():
    many = [f"10.0.{n // 250}.{n % 250}" for n in range(60)]
    async with names({"big.example": many}) as (resolver, _):
        assert len(await resolver.resolve("big.example", socket.AF_INET)) == module.ADDRESSES


def entry_of_the_hosts_file():
    lines = Path("/etc/hosts").read_text(encoding="utf-8").splitlines()
    words = [line.partition("#")[0].split() for line in lines]
    for address, *hosts in filter(None, words):
        if hosts and literal(address) == socket.AF_INET:
            return hosts[0], address
    return pytest.skip("this machine's hosts file names no IPv4 address")


async def test_the_hosts_file_is_honoured():
    host, address = entry_of_the_hosts_file()
    async with names({}) as (resolver, server):
        assert address in await resolver.resolve(host, socket.AF_INET)

    assert server.asked == []


@pytest.mark.parametrize("host", ["", ".", "a" * 70 + ".example", "a..b", "x\0y", "丹" * 300, "-" * 300])
async def test_what_is_no_name_is_an_error_like_any_other(host):
    async with names({}, patience=0.1) as (resolver, _):
        with pytest.raises(ResolveError):
            await resolver.resolve(host)


async def test_a_loop_has_one_shared_resolver_until_it_is_closed():
    first = shared()
    same = shared()
    await close_shared()
    other = shared()
    await close_shared()

    assert first is same
    assert other is not first
