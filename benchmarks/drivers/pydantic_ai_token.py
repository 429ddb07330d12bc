"""Pydantic AI: requests that find the access token to Vertex AI refused fetch a new one in a thread."""

from __future__ import annotations

import httpx
import pydantic_ai.providers.google_vertex as vertex
import trio


class Credentials:
    """Credentials as of google-auth, which fetch their token from nowhere."""

    token: str | None = None

    def __init__(self) -> None:
        self.fetched = 0

    def refresh(self, request: object) -> None:
        self.fetched += 1
        self.token = f"token {self.fetched}"


async def test_two_requests() -> None:
    """Two requests, one after the other, are refused the first time, and repeated with a new token."""
    authentication = vertex._VertexAIAuth(project_id="project")
    authentication.credentials = Credentials()  # type: ignore[assignment]

    async def ask(after: float) -> None:
        await trio.sleep(after)
        request = httpx.Request("GET", "http://example.org/")
        flow = authentication.async_auth_flow(request)
        first = (await anext(flow)).headers["Authorization"]
        second = (await flow.asend(httpx.Response(401))).headers["Authorization"]
        assert first != second
        await flow.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, 0)
        nursery.start_soon(ask, 0.3)
