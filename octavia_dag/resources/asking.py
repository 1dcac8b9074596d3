"""One request to a server that may do anything: it is over at its deadline, whatever drips in, and unpacks nothing.

A client's own time limits are for each piece that it waits for, and a server that sends a byte now and then keeps all
of them: in the headers, with `102 Processing`, with blocks of nothing. So the request runs in a loop of its own, which
is stopped. A compressed answer, which was not asked for, is refused unread: a little of it could be much.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import httpx


class CompressedError(Exception):
    """An answer that came packed, though it was asked for as it is."""


def body_of(
    method: str,
    address: str,
    *,
    seconds: float,
    most: int,
    judge: Callable[[httpx.Response], None],
    request: Any = None,
    headers: Mapping[str, str],
) -> bytes:
    """The body of the answer, cut off where it is longer than `most`: then it has a byte more.

    A TimeoutError after `seconds`, an httpx.RequestError where the server cannot be talked to. `judge` is shown the
    answer before any of it is read, and raises what it thinks of it.
    """

    trusted = _trusted()

    async def once() -> bytes:
        body = bytearray()
        told = {**headers, "Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(timeout=seconds, verify=trusted) as client,
            asyncio.timeout(seconds),
            client.stream(method, address, json=request, headers=told) as answer,
        ):
            judge(answer)
            if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
                raise CompressedError("its answer is compressed, which was not asked for")
            async for part in answer.aiter_raw():
                body += part
                if len(body) > most:
                    break
        return bytes(body[: most + 1])

    return asyncio.run(once())


@cache
def _trusted() -> ssl.SSLContext:
    """Whom this process trusts; to read that anew would take longer than a short request."""
    return httpx.create_ssl_context()
