"""Shows that the detector finds races which were found the hard way, and fixed, in released projects.

For each of them pip installs the last release with the bug and the first one without it, in an environment of
its own in a temporary folder. A driver of ours (`drivers/`) takes two tasks through the code in an order in which
nothing goes wrong: it passes with both releases when the detector is off. With the detector on, the finding must be
there for the first release, at these lines of this variable, and not for the second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
DRIVERS = Path(__file__).parent / "drivers"
OLD_TRIO = "trio==0.22.2"
"""For releases that use what newer ones have removed."""


@dataclass(frozen=True, kw_only=True)
class Bug:
    """A race that has been fixed."""

    project: str
    issue: str
    """Where the race or its repair is described: an issue or pull request, or a commit, of the project on GitHub."""
    before: str
    fixed: str
    driver: str
    package: str
    requirements: tuple[str, ...] = ("trio",)
    kind: str
    variable: str
    lines: frozenset[str]
    """The places of the accesses in the release with the bug."""
    renamed: str = ""
    """What the variable is called in the release with the repair, if not the same."""
    left: frozenset[frozenset[str]] = frozenset()
    """Findings on the variable that are left in the release with the repair, by their places."""
    missed: bool = False
    """Whether this is beyond the detector; docs/explanation/known-bugs.md says why."""


def places(*each: str) -> frozenset[str]:
    """Return a set of places; one that stands alone is that of both accesses."""
    return frozenset(each)


def each(*findings: frozenset[str]) -> frozenset[frozenset[str]]:
    """Return the places of several findings."""
    return frozenset(findings)


BUGS = (
    Bug(
        project="hypercorn",
        issue="pgjones/hypercorn@f12c9c5",
        before="0.7.1",
        fixed="0.7.2",
        driver="hypercorn_close.py",
        package="hypercorn",
        requirements=(OLD_TRIO,),
        kind="unguarded-section",
        variable="H2Protocol.streams",
        lines=places("h2.py:89", "h2.py:113"),
        left=each(places("h2.py:89", "h2.py:250")),
    ),
    Bug(
        project="hypercorn",
        issue="pgjones/hypercorn@d4bf215",
        before="0.7.2",
        fixed="0.8.0",
        driver="hypercorn_close.py",
        package="hypercorn",
        requirements=(OLD_TRIO,),
        kind="unguarded-section",
        variable="H2Protocol.streams",
        lines=places("h2.py:89", "h2.py:250"),
        left=each(places("h2.py:180", "h2.py:346")),
    ),
    Bug(
        project="hypercorn",
        issue="pgjones/hypercorn@d7757f1",
        before="0.9.2",
        fixed="0.9.3",
        driver="hypercorn_idle_timeout.py",
        package="hypercorn",
        requirements=(OLD_TRIO,),
        kind="data-race",
        variable="TCPServer._keep_alive_timeout_handle",
        lines=places("tcp_server.py:128", "tcp_server.py:130"),
    ),
    Bug(
        project="httpcore",
        issue="encode/httpcore#81",
        before="0.8.3",
        fixed="0.8.4",
        driver="httpcore_pool.py",
        package="httpcore",
        requirements=(OLD_TRIO,),
        kind="data-race",
        variable="AsyncConnectionPool._connections",
        lines=places("connection_pool.py:251", "connection_pool.py:263"),
    ),
    Bug(
        project="hishel",
        issue="karpetrosyan/hishel#436",
        before="1.1.7",
        fixed="1.1.8",
        driver="hishel_connection.py",
        package="hishel",
        requirements=("trio", "anysqlite"),
        kind="data-race",
        variable="AsyncSqliteStorage.connection",
        lines=places("_async_sqlite.py:61", "_async_sqlite.py:65"),
    ),
    Bug(
        project="asyncstdlib",
        issue="maxfischer2781/asyncstdlib@b730600",
        before="3.13.1",
        fixed="3.13.3",
        driver="asyncstdlib_tee.py",
        package="asyncstdlib",
        kind="unguarded-section",
        variable="peer_buffer",
        lines=places("itertools.py:368", "itertools.py:385"),
        renamed="next_node",
        left=each(places("itertools.py:381", "itertools.py:403")),
    ),
    Bug(
        project="litestar",
        issue="litestar-org/litestar#4681",
        before="2.21.1",
        fixed="2.22.0",
        driver="litestar_rate_limit.py",
        package="litestar",
        kind="unguarded-section",
        variable="MemoryStore._store['RateLimitMiddleware::127.0.0.1']",
        lines=places("memory.py:41", "memory.py:57"),
    ),
    Bug(
        project="pydantic-ai-slim",
        issue="pydantic/pydantic-ai#2100",
        before="0.4.2",
        fixed="0.4.3",
        driver="pydantic_ai_token.py",
        package="pydantic_ai",
        requirements=("trio", "google-auth", "requests", "opentelemetry-api<1.37"),
        kind="data-race",
        variable="Credentials.token",
        lines=places("pydantic_ai_token.py:20"),
        left=each(
            places("google_vertex.py:140", "pydantic_ai_token.py:20"),
            places("google_vertex.py:142", "pydantic_ai_token.py:20"),
        ),
    ),
    Bug(
        project="libp2p",
        issue="libp2p/py-libp2p#748",
        before="0.2.9",
        fixed="0.3.0",
        driver="libp2p_mplex_read.py",
        package="libp2p",
        kind="unguarded-section",
        variable="MplexStream._buf",
        lines=places("mplex_stream.py:125", "mplex_stream.py:156"),
    ),
    Bug(
        project="libp2p",
        issue="libp2p/py-libp2p@19cb26c",
        before="0.7.0",
        fixed="0.8.0",
        driver="libp2p_providers.py",
        package="libp2p",
        kind="unguarded-section",
        variable="ProviderStore.providing_keys",
        lines=places("provider_store.py:135", "provider_store.py:178"),
    ),
    Bug(
        project="trio-websocket",
        issue="python-trio/trio-websocket#158",
        before="0.10.1",
        fixed="0.10.2",
        driver="trio_websocket_close.py",
        package="trio_websocket",
        requirements=(OLD_TRIO,),
        kind="data-race",
        variable="WebSocketConnection._close_reason",
        lines=places("_impl.py:937", "_impl.py:1102"),
        left=each(
            places("_impl.py:850", "_impl.py:942"),
            places("_impl.py:942", "_impl.py:1030"),
            places("_impl.py:942", "_impl.py:1107"),
        ),
    ),
    Bug(
        project="trio-util",
        issue="groove-x/trio-util#13",
        before="0.4.0",
        fixed="0.4.1",
        driver="trio_util_compose.py",
        package="trio_util",
        kind="data-race",
        variable="AsyncValue._value",
        lines=places("_async_value.py:104", "_async_value.py:110"),
        left=each(places("_async_value.py:105", "_async_value.py:111")),
    ),
    Bug(
        project="hypercorn",
        issue="pgjones/hypercorn@ccf4777",
        before="0.10.2",
        fixed="0.11.0",
        driver="hypercorn_pipelining.py",
        package="hypercorn",
        requirements=(OLD_TRIO,),
        kind="unguarded-section",
        variable="EventWrapper._event",
        lines=places("h11.py:159", "h11.py:160"),
        missed=True,
    ),
)


class Environment:
    """An environment in which one release after the other is installed."""

    def __init__(self, folder: Path, bug: Bug) -> None:
        self._folder = folder
        self._bug = bug
        self._python = folder / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
        venv.create(folder / "environment", with_pip=True)

    def install(self, version: str) -> None:
        """Install a release of the project, and this project."""
        requirements = (f"{REPOSITORY}[race]", "pytest-trio", f"{self._bug.project}=={version}")
        command = [str(self._python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, *requirements, *self._bug.requirements], check=True)

    def passes(self) -> bool:
        """Whether the driver passes without the detector."""
        return self._pytest("-p", "no:trioflow") == 0

    def findings(self) -> list[dict[str, Any]]:
        """Return what the detector finds."""
        report = self._folder / "report.json"
        report.unlink(missing_ok=True)
        self._pytest("--detect-races", "--race-packages", self._bug.package, f"--race-report=json:{report}")
        found: list[dict[str, Any]] = json.loads(report.read_text())["findings"]
        return found

    def _pytest(self, *arguments: str) -> int:
        driver = DRIVERS / self._bug.driver
        settings = ("-c", os.devnull, "--rootdir", str(DRIVERS), "-o", "trio_mode=true", "-p", "no:cacheprovider")
        process = subprocess.run(
            [self._python, "-m", "pytest", "-q", *settings, *arguments, driver],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if process.returncode not in {0, 1}:
            raise SystemExit(f"{driver.name} {' '.join(arguments)} could not be run:\n{process.stdout}")
        return process.returncode


def lines_of(finding: dict[str, Any]) -> frozenset[str]:
    """Return the places of a finding's accesses."""
    accesses = (access for access in finding["accesses"] if access["verb"] != "awaits")
    return frozenset(f"{Path(access['file']).name}:{access['line']}" for access in accesses)


def check(bug: Bug, environment: Environment) -> tuple[bool, str, str]:
    """Return whether all is as it should be, and what is to be said of the release with the bug, and of the other."""
    environment.install(bug.before)
    before = environment.passes()
    found = {
        finding["severity"]
        for finding in environment.findings()
        if (finding["kind"], finding["variable"]) == (bug.kind, bug.variable) and lines_of(finding) == bug.lines
    }
    environment.install(bug.fixed)
    after = environment.passes()
    variable = bug.renamed or bug.variable
    left = frozenset(lines_of(finding) for finding in environment.findings() if finding["variable"] == variable)
    good = before and after and left == bug.left and bool(found) is not bug.missed
    return (
        good,
        f"{'passes' if before else 'FAILS'}; {'found: ' + '; '.join(found) if found else 'not found'}",
        f"{'passes' if after else 'FAILS'}; {'left: ' if left else 'silent'}"
        + "; ".join(sorted(", ".join(sorted(some)) for some in left)),
    )


def main() -> int:
    """Print what comes of each bug that is named, or of all; 1 where that is not as it is written down here."""
    parser = argparse.ArgumentParser(description="Find races that have been fixed in released projects.")
    parser.add_argument("names", nargs="*", metavar="DRIVER")
    options = parser.parse_args()
    all_good = True
    for bug in BUGS:
        if options.names and bug.driver.removesuffix(".py") not in options.names:
            continue
        with tempfile.TemporaryDirectory(prefix="trioflow-") as folder:
            good, before, fixed = check(bug, Environment(Path(folder), bug))
        all_good = all_good and good
        print(f"{bug.project} {bug.issue}: {bug.kind} of {bug.variable} ({', '.join(sorted(bug.lines))})")
        print(f"  {bug.before:8}{before}\n  {bug.fixed:8}{fixed}\n  {'' if good else 'NOT '}as expected", flush=True)
    return 0 if all_good else 1


if __name__ == "__main__":
    sys.exit(main())
