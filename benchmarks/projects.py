"""The projects whose test suites are run with and without the detector."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A project whose suite is run."""

    name: str
    version: str
    packages: tuple[str, ...]
    """What is instrumented beside the tests in the source distribution."""
    requirements: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    minutes: int = 5
    """How long one run may take."""
    measured: bool = False
    """Whether its time is CPU time, so that it says something to compare that."""
    repetitions: int = 1
    """How often each test is run, for suites that are over before they can be measured."""


SUITES = (
    # Trio itself is never instrumented, but its tests are. Those of its code generators need several tools.
    Suite(
        name="trio",
        version="0.35.0",
        packages=("trio._tests", "trio._core._tests"),
        requirements=("pytest-xdist", "trustme", "pyopenssl", "jedi", "astor", "pylint", "async_generator", "pyyaml"),
        arguments=("-p", "trio._tests.pytest_plugin", "-n", "2", "--pyargs", "trio", "--deselect", "_tests/tools"),
    ),
    # All that neither runs on asyncio alone nor needs IPv6, which many machines lack.
    Suite(
        name="anyio",
        version="4.16.0",
        packages=("anyio",),
        requirements=(
            "anyio[trio]",
            "blockbuster",
            "coverage",
            "hypothesis",
            "psutil",
            "pytest-mock",
            "pytest-timeout",
            "trustme",
            "truststore",
            "uvloop",
        ),
        arguments=("-k", "(trio or not asyncio) and not ipv6"),
    ),
    # A websocket library. It waits for nothing, so that its time is CPU time.
    Suite(
        name="trio-websocket",
        version="0.12.2",
        packages=("trio_websocket",),
        requirements=("trustme", "exceptiongroup"),
        arguments=("-o", "trio_mode=true"),
        measured=True,
        repetitions=10,
    ),
    # An HTTP client, on Trio and on asyncio; its tests for threads have nothing to do with either.
    Suite(
        name="httpcore",
        version="1.0.9",
        packages=("httpcore",),
        requirements=("httpcore[http2,socks,trio]", "pytest-httpbin", "anyio"),
        arguments=("tests/_async", "tests/test_cancellations.py"),
        measured=True,
    ),
    # What is built on it. Most of its tests know nothing of Trio and are left out.
    Suite(
        name="httpx",
        version="0.28.1",
        packages=("httpx", "httpcore"),
        requirements=("httpx[brotli,cli,http2,socks,zstd]", "chardet", "trustme", "uvicorn"),
        arguments=("-k", "trio"),
    ),
    # Helpers for Trio programs. One module needs trio.MultiError, which Trio no longer has.
    Suite(
        name="trio-util",
        version="0.8.0",
        packages=("trio_util",),
        arguments=("-o", "trio_mode=true", "--ignore", "tests/test_exceptions.py"),
        measured=True,
        repetitions=10,
    ),
    # More of them: a lock for readers and writers, scopes, streams.
    Suite(name="tricycle", version="0.4.1", packages=("tricycle",), arguments=("tricycle/_tests",)),
    # Work in other processes.
    Suite(
        name="trio-parallel",
        version="1.3.0",
        packages=("trio_parallel",),
        requirements=("hypothesis", "pytest-cov"),
        arguments=("--pyargs", "trio_parallel", "-o", "trio_mode=true"),
    ),
    # A web server, for HTTP/1, HTTP/2 and websockets. Its tests for asyncio alone are left out.
    Suite(
        name="hypercorn",
        version="0.18.0",
        packages=("hypercorn",),
        requirements=("hypercorn[trio]", "httpx[http2]", "pytest-asyncio", "pytest-cov"),
        arguments=("tests/trio", "tests/protocol", "tests/middleware", "tests/e2e"),
        measured=True,
    ),
    # Web frameworks.
    Suite(
        name="quart-trio",
        version="0.12.0",
        packages=("quart_trio", "quart"),
        arguments=("-o", "trio_mode=true", "-o", "addopts="),
    ),
    Suite(
        name="starlette",
        version="1.10.0",
        packages=("starlette",),
        requirements=("starlette[full]", "anyio[trio]", "httpx", "opentelemetry-sdk"),
        arguments=("-k", "trio"),
    ),
    # A bridge between Trio and asyncio; the tests it brings along of asyncio itself are left out.
    Suite(
        name="trio-asyncio",
        version="0.16.0",
        packages=("trio_asyncio",),
        arguments=("tests", "--ignore", "tests/python", "--ignore", "tests/scripts"),
        measured=True,
    ),
)
