"""libp2p: a reader of a stream waits for data, and takes what it wants from the buffer."""

from __future__ import annotations

from typing import Any

import trio
from libp2p.stream_muxer.mplex.datastructures import StreamID
from libp2p.stream_muxer.mplex.mplex_stream import MplexStream


async def test_two_readers(autojump_clock: trio.abc.Clock) -> None:
    """Two tasks read from one stream, one after the other."""
    send, receive = trio.open_memory_channel[bytes](8)
    connection: Any = None
    stream = MplexStream("stream", StreamID(0, is_initiator=True), connection, receive)
    seen: list[bytes] = []

    async def read(after: float) -> None:
        await trio.sleep(after)
        seen.append(await stream.read(3))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read, 0)
        nursery.start_soon(read, 2)
        await trio.sleep(1)
        await send.send(b"one")
        await trio.sleep(2)
        await send.send(b"two")
    assert seen == [b"one", b"two"]
