"""Names to addresses through c-ares: bounded, cached, and never in anybody's way.

The system's own `getaddrinfo` blocks a thread of the loop's executor for as long as a name server is
silent, and a dozen of those stop everything else that needs a thread. Here a look-up costs a datagram.
An answer that has run out is still given while it is asked for anew, and for a while longer if the name
servers fail (RFC 8767, section 5), so an address that was known once never waits for DNS again.
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import NamedTuple

import aiodns
from aiodns.error import ARES_EBADNAME, ARES_ENODATA, ARES_ENONAME, ARES_ENOTFOUND, DNSError

AT_ONCE = 64
"""Look-ups under way at the same time."""
PATIENCE = 2.5
"""Seconds that one look-up may take, its wait for a free place included."""
LIFE = (5.0, 300.0)
"""Bounds of how long an answer counts as fresh, seconds, whatever its TTL says."""
LIFE_OF_FAILURE = 5.0
"""Seconds before a name that failed is asked for again."""
LIFE_OF_STALE = 3600.0
"""Seconds for which an outdated answer serves while the name servers fail."""
REMEMBERED = 10_000
"""Names in the cache; the oldest go first."""
ADDRESSES = 16
"""Addresses kept of one name."""

_NO_SUCH_NAME = frozenset({ARES_EBADNAME, ARES_ENODATA, ARES_ENONAME, ARES_ENOTFOUND})
_Key = tuple[str, int]


class ResolveError(Exception):
    """The name has no address, or nobody could tell us; the message says which."""


class _Answer(NamedTuple):
    addresses: tuple[str, ...]
    trouble: str
    fresh_until: float
    usable_until: float


class Resolver:
    """Resolves names for one event loop."""

    def __init__(
        self,
        nameservers: Sequence[str] | None = None,
        *,
        patience: float = PATIENCE,
        life: tuple[float, float] = LIFE,
        life_of_failure: float = LIFE_OF_FAILURE,
        life_of_stale: float = LIFE_OF_STALE,
    ) -> None:
        """Ask *nameservers* (`address` or `address:port`), or those of the system if none are named."""
        self._nameservers = nameservers
        self._patience = patience
        self._shortest, self._longest = life
        self._life_of_failure = life_of_failure
        self._life_of_stale = life_of_stale
        self._places = asyncio.Semaphore(AT_ONCE)
        self._channel: aiodns.DNSResolver | None = None
        self._cache: dict[_Key, _Answer] = {}
        self._under_way: dict[_Key, asyncio.Task[_Answer]] = {}

    async def resolve(self, host: str, family: int = socket.AF_UNSPEC) -> list[str]:
        """Return the addresses of *host*, best first; a literal address is returned as it is.

        Raises ResolveError; also if a literal is not of *family*.
        """
        if (kind := literal(host)) is not None:
            if family not in (socket.AF_UNSPEC, kind):
                raise ResolveError(f"{host} is not an address of the wanted family")
            return [host]
        key = (host.rstrip(".").lower(), family)
        now = asyncio.get_running_loop().time()
        known = self._cache.get(key)
        if known is None or now >= known.fresh_until:
            task = self._ask(key)
            if known is None or not known.addresses or now >= known.usable_until:
                known = await _outcome(task)
        if not known.addresses:
            raise ResolveError(f"{host[:100]}: {known.trouble}")
        return list(known.addresses)

    async def aclose(self) -> None:
        """Give up what is under way and release the channel to the name servers."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    def _ask(self, key: _Key) -> asyncio.Task[_Answer]:
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._look_up(key), name=f"resolve {key[0][:60]}")
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return task

    async def _look_up(self, key: _Key) -> _Answer:
        final = False
        try:
            addresses, fresh_until = await self._query(*key)
        except TimeoutError:
            trouble = "no answer from the name servers"
        except DNSError as error:
            final, trouble = error.args[0] in _NO_SUCH_NAME, str(error.args[-1])
        except (ValueError, RuntimeError) as error:
            final, trouble = True, f"not a name: {error}"
        else:
            usable_until = fresh_until + self._life_of_stale
            return self._remember(key, _Answer(addresses, "", fresh_until, usable_until))
        return self._remember(key, self._after_failure(key, trouble, final=final))

    async def _query(self, host: str, family: int) -> tuple[tuple[str, ...], float]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._patience), self._places:
            if self._channel is None:
                self._channel = aiodns.DNSResolver(self._nameservers, timeout=1.0, tries=2)
            result = await self._channel.getaddrinfo(
                host, family=socket.AddressFamily(family), type=socket.SOCK_STREAM
            )
        nodes = result.nodes[:ADDRESSES]
        if not nodes:
            raise DNSError(ARES_ENODATA, "the name has no address")
        ttl = min(max(min(node.ttl for node in nodes), self._shortest), self._longest)
        return tuple(dict.fromkeys(node.addr[0].decode() for node in nodes)), loop.time() + ttl

    def _after_failure(self, key: _Key, trouble: str, *, final: bool) -> _Answer:
        now = asyncio.get_running_loop().time()
        again = now + self._life_of_failure
        known = self._cache.get(key)
        if known is None or final or now >= known.usable_until:
            return _Answer((), trouble, again, again)
        return known._replace(fresh_until=again)

    def _remember(self, key: _Key, answer: _Answer) -> _Answer:
        self._cache.pop(key, None)
        if len(self._cache) >= REMEMBERED:
            del self._cache[next(iter(self._cache))]
        self._cache[key] = answer
        return answer


def literal(host: str) -> int | None:
    """Return the family of a literal address, None for anything else."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0] if family == socket.AF_INET6 else host)
        except (OSError, ValueError):
            continue
        return family
    return None


async def _outcome(task: asyncio.Task[_Answer]) -> _Answer:
    # Several may wait for one look-up: none of them may cancel it for the others.
    await asyncio.wait({task})
    if task.cancelled():
        raise ResolveError("the resolver was closed")
    return task.result()


_of_loop: dict[asyncio.AbstractEventLoop, Resolver] = {}


def shared() -> Resolver:
    """Return the resolver of the running loop, the same one every time."""
    loop = asyncio.get_running_loop()
    resolver = _of_loop.get(loop)
    if resolver is None:
        for gone in [known for known in _of_loop if known.is_closed()]:
            del _of_loop[gone]
        resolver = _of_loop[loop] = Resolver()
    return resolver


async def close_shared() -> None:
    """Close the resolver of the running loop, if there is one."""
    resolver = _of_loop.pop(asyncio.get_running_loop(), None)
    if resolver is not None:
        await resolver.aclose()
