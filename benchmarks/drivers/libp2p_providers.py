"""libp2p: what a node provides is announced again from time to time, while more may be provided."""

from __future__ import annotations

from typing import Any

import trio
from libp2p.kad_dht.provider_store import ProviderStore
from libp2p.peer.id import ID


class Node:
    """A node without neighbours."""

    def get_id(self) -> ID:
        return ID(b"node")

    def get_addrs(self) -> list[Any]:
        return []

    async def find_closest_peers_network(self, key: bytes) -> list[ID]:
        await trio.sleep(1)
        return []


async def test_provide_and_announce(autojump_clock: trio.abc.Clock) -> None:
    """What is provided is announced again; then something else is provided."""
    node: Any = Node()
    store = ProviderStore(node, node)
    await store.provide(b"first")

    async def provide_more() -> None:
        await trio.sleep(10)
        await store.provide(b"second")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store._republish_provider_records)
        nursery.start_soon(provide_more)
    assert store.providing_keys == {b"first", b"second"}
