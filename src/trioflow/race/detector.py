"""One run of the detector: instrumentation, recorder, edges and analysis put together.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from types import CodeType
from typing import final

from trioflow.race import edges
from trioflow.race.clocks.registry import Registry
from trioflow.race.detect.analysis import Analysis
from trioflow.race.detect.telling import tell
from trioflow.race.edges.held import known_lock
from trioflow.race.edges.waiting import waiting
from trioflow.race.instrument.hook import ImportHook, InstrumentedModule
from trioflow.race.model.configuration import Configuration, Level
from trioflow.race.model.errors import InternalWarning, announce
from trioflow.race.model.findings import Finding, Kind
from trioflow.race.model.sites import Site
from trioflow.race.shadow import annotated, faults, kinds, probes
from trioflow.race.shadow.breaches import Breach
from trioflow.race.shadow.garbage import Collections
from trioflow.race.shadow.recorder import Recorder
from trioflow.race.shadow.sites import SiteTables
from trioflow.race.shadow.variables import Access, Section, Variable


def _never(_kind: Kind, _one: Site, _other: Site) -> bool:
    return False


@final
class _Sink:
    """Passes what the recorder finds to the analysis of the test that runs."""

    def __init__(self) -> None:
        self.analysis: Analysis | None = None

    def race(self, variable: Variable, earlier: Access, later: Access) -> None:
        if self.analysis is not None:
            self.analysis.race(variable, earlier, later)

    def section(self, variable: Variable, section: Section, write: Access) -> None:
        if self.analysis is not None:
            self.analysis.section(variable, section, write)

    def declared(self, breach: Breach) -> None:
        if self.analysis is not None:
            self.analysis.declared(breach)


@final
class Detector:
    """Instruments what is imported from `install` on, and watches what runs between `start` and `finish`."""

    def __init__(
        self, configuration: Configuration, is_suppressed: Callable[[Kind, Site, Site], bool] = _never
    ) -> None:
        self.configuration = configuration
        self._is_suppressed = is_suppressed
        self._tables = SiteTables()
        self._sink = _Sink()
        self._recorder = Recorder(self._tables, self._sink)
        self._collections = Collections(self._recorder.memory.shadows)
        self._hook = ImportHook(configuration, self._tables.add)
        self._registry = Registry()
        self._test = ""
        self._withheld: Counter[str] = Counter()
        self._told: tuple[int, list[Finding]] | None = None
        """The findings of the test so far, and of how many candidates they are."""

    def install(self) -> None:
        """Install import hook, probes and edges.

        Raises:
            ConfigurationError: A package that was asked for does not exist.
            UnsupportedTrioError: The installed Trio lacks something that is needed.
        """
        edges.install(self._registry)
        self._recorder.guarded.locks = known_lock
        probes.install(self._recorder)
        self._collections.install()
        self._hook.install()

    def uninstall(self) -> None:
        """Undo everything; modules that are rewritten stay so, and do what they did before."""
        self._hook.uninstall()
        self._collections.uninstall()
        probes.uninstall()
        edges.uninstall()
        kinds.forget_types()
        annotated.forget()

    @property
    def hook(self) -> ImportHook:
        """What instruments modules when they are imported."""
        return self._hook

    def compile_main(self, path: str, source: bytes) -> CodeType | None:
        """The code of a script that is run as `__main__`, rewritten; None if it is to be left as it is."""
        if not self._hook.selects("__main__", path):
            return None
        return self._hook.code_of("__main__", path, source, None)

    def start(self, test: str, level: Level | None = None) -> None:
        """Forget everything before; from now on `test` is watched.

        Args:
            test: The name under which findings are reported.
            level: How strictly it is judged, if not as configured.
        """
        self._test = test
        self._told = None
        self._sink.analysis = Analysis(level or self.configuration.level, self._is_suppressed)
        self._forget()

    def _forget(self) -> None:
        """Start with a clean sheet."""
        self._registry.close()
        self._registry = Registry()
        self._recorder.begin(self._registry)
        edges.install(self._registry)

    def findings(self) -> list[Finding]:
        """What was found in the test so far."""
        analysis = self._sink.analysis
        if analysis is None:
            return []
        if self._told is None or self._told[0] != analysis.candidates:
            self._told = (analysis.candidates, self._tell(analysis))
        return list(self._told[1])

    def _tell(self, analysis: Analysis) -> list[Finding]:
        findings: list[Finding] = []
        made = self._recorder.memory.made
        try:
            findings.extend(tell(verdict, self.configuration.root, self._test, made) for verdict in analysis.verdicts())
        except Exception as error:  # noqa: BLE001 (an error of the detector must not become one of the test)
            faults.report("telling what was found", error)
        return findings

    def finish(self) -> list[Finding]:
        """The test has ended: what was found in it. All state is dropped."""
        findings = self.findings()
        analysis, self._sink.analysis = self._sink.analysis, None
        if analysis is not None:
            self._withheld += analysis.withheld
        self._forget()
        for where, text in faults.take().items():
            announce(
                InternalWarning(
                    f"the race detector failed in {where} and missed what happened there; please report this:\n{text}"
                )
            )
        return findings

    def instrumented(self) -> list[InstrumentedModule]:
        """The modules that have been rewritten so far."""
        return self._hook.instrumented()

    def withheld(self) -> dict[str, int]:
        """How much was left out at this level so far, by reason."""
        return dict(self._withheld)

    def waiting(self) -> list[str]:
        """For each task that lives, its name, where it was started, what it waits for, and its stack."""
        return waiting()
