"""Encrypted streams; they need the package trustme, and DTLS needs pyOpenSSL."""

from __future__ import annotations

import socket
import ssl

import trio
import trio.testing
import trustme

from .common import Box, idle, together

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost")


async def _over(left: trio.SSLStream, right: trio.SSLStream, ordered: bool) -> None:
    box = Box()

    async def sends() -> None:
        if ordered:
            box.value = 1
        await left.send_all(b"data")
        if not ordered:
            await idle()
            box.value = 1

    async def receives() -> None:
        assert await right.receive_some(4)
        print(box.value)

    await together(sends, receives)
    await trio.aclose_forcefully(left)
    await trio.aclose_forcefully(right)


def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    client, server = ssl.create_default_context(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.configure_trust(client)
    CERTIFICATE.configure_cert(server)
    return client, server


async def ssl_in_memory(ordered: bool) -> None:
    client, server = _contexts()
    left, right = trio.testing.memory_stream_pair()
    await _over(
        trio.SSLStream(left, client, server_hostname="localhost"),
        trio.SSLStream(right, server, server_side=True),
        ordered,
    )


async def ssl_over_sockets(ordered: bool) -> None:
    client, server = _contexts()
    left, right = map(trio.SocketStream, trio.socket.socketpair())
    await _over(
        trio.SSLStream(left, client, server_hostname="localhost"),
        trio.SSLStream(right, server, server_side=True),
        ordered,
    )


async def dtls(ordered: bool) -> None:
    from OpenSSL import SSL

    box = Box()
    server_context, client_context = SSL.Context(SSL.DTLS_METHOD), SSL.Context(SSL.DTLS_METHOD)
    CERTIFICATE.configure_cert(server_context)
    AUTHORITY.configure_trust(client_context)

    def endpoint() -> tuple[trio.socket.SocketType, trio.DTLSEndpoint]:
        plain = trio.socket.socket(type=socket.SOCK_DGRAM)
        return plain, trio.DTLSEndpoint(plain)

    plain, server = endpoint()
    await plain.bind(("127.0.0.1", 0))
    _, client = endpoint()

    async with trio.open_nursery() as nursery:

        async def receives(channel: trio.DTLSChannel) -> None:
            assert await channel.receive()
            print(box.value)

        async def serves() -> None:
            await server.serve(server_context, receives)

        nursery.start_soon(serves)
        await idle()
        channel = client.connect(plain.getsockname(), client_context)
        await channel.do_handshake()
        if ordered:
            box.value = 1
        await channel.send(b"data")
        if not ordered:
            await idle()
            box.value = 1
        await trio.sleep(0.05)
        nursery.cancel_scope.cancel()
    client.close()
    server.close()
