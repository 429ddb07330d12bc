"""The command line: `trioflow race run script.py ARGS` runs a program under the detector.

PYTEST_DONT_REWRITE

The program finds itself as Python would have run it: `sys.argv`, `sys.path`, `__main__`, its exit code
and its tracebacks are its own. What was found is told on the standard error when it has ended, and the
exit code is 66 if an error was among it, as with Go's detector.
"""

from __future__ import annotations

import argparse
import builtins
import importlib.machinery
import importlib.util
import os
import sys
import threading
import types
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import attrs

from trioflow.race.model.configuration import Configuration, Level
from trioflow.race.model.errors import RaceError
from trioflow.race.model.findings import Finding
from trioflow.race.report.document import Accepted, Report, counted, withheld_line
from trioflow.race.report.targets import Target, parse_target
from trioflow.race.report.text import ansi, plain, render
from trioflow.race.suppress.comments import Suppressions

if TYPE_CHECKING:
    from trioflow.race.detector import Detector

FOUND = 66
"""The exit code where an error was found."""
_UNUSABLE = 2
_INTERRUPTED = 130

_USAGE = """trioflow race run [--strict] [--package NAME] [--exclude NAME] [--report FORMAT:PATH] [--root FOLDER]
                         (SCRIPT | -m MODULE) [ARGUMENT ...]"""
_WITH_VALUE = frozenset({"--package", "--exclude", "--report", "--root"})


class _Unusable(Exception):
    """The command can't be carried out; the text says why."""


@final
@attrs.frozen
class _Program:
    """What is to be run: a script or a module, and its arguments."""

    name: str
    is_module: bool
    arguments: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out the command, and returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:2] != ["race", "run"]:
            if not given or "-h" in given or "--help" in given:
                print(f"usage: {_USAGE}")
                return 0 if given else _UNUSABLE
            raise _Unusable(f"there is no command {' '.join(given[:2])!r}: use {_USAGE}")
        own, program = _split(given[2:])
        options = _parser().parse_args(own)
        if program is None:
            raise _Unusable(f"nothing to run was given: use {_USAGE}")
        return _run(options, program)
    except (_Unusable, RaceError) as error:
        print(f"trioflow: error: {error}", file=sys.stderr)
        return _UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trioflow race run", usage=_USAGE, allow_abbrev=False)
    parser.add_argument("--strict", action="store_true", help="every race is an error, and none is withheld")
    parser.add_argument("--package", action="append", default=[], help="a further package to instrument")
    parser.add_argument("--exclude", action="append", default=[], help="a module or pattern of paths to leave alone")
    parser.add_argument("--report", action="append", default=[], help="also write json:PATH or text:PATH")
    parser.add_argument("--root", type=Path, help="what lies below is instrumented (default: the script's folder)")
    return parser


def _split(arguments: list[str]) -> tuple[list[str], _Program | None]:
    """Parts our own options from the program and its arguments, which may look like ours."""
    index = 0
    while index < len(arguments):
        argument = arguments[index]
        if argument == "-m":
            if index + 1 == len(arguments):
                raise _Unusable("-m needs the name of a module")
            return arguments[:index], _Program(arguments[index + 1], True, tuple(arguments[index + 2 :]))
        if not argument.startswith("-"):
            return arguments[:index], _Program(argument, False, tuple(arguments[index + 1 :]))
        index += 2 if argument in _WITH_VALUE else 1
    return arguments, None


def _run(options: argparse.Namespace, program: _Program) -> int:
    targets = [parse_target(value, "--report", Path.cwd()) for value in options.report]
    script = Path(program.name)
    packages = list(options.package)
    if program.is_module:
        folder = Path.cwd()
        # Wherever it is installed: it was named.
        packages.append(program.name.partition(".")[0])
    else:
        script = _script(script)
        folder = script.parent.resolve()
    if not sys.flags.safe_path:
        sys.path[0] = str(folder)
    configuration = Configuration(
        root=(options.root or folder).resolve(),
        level=Level.STRICT if options.strict else Level.DEFAULT,
        packages=tuple(dict.fromkeys(packages)),
        exclude=tuple(options.exclude),
    )
    # Only now: it loads Trio, which a command that can't be carried out need not.
    from trioflow.race.detector import Detector  # noqa: PLC0415

    suppressions = Suppressions()
    detector = Detector(configuration, suppressions.accepts)
    detector.install()
    try:
        detector.start("")
        status = _execute(detector, program, script)
        findings = detector.finish()
    finally:
        detector.uninstall()
    return _tell(detector, suppressions, findings, targets, status)


def _script(script: Path) -> Path:
    if script.is_dir():
        script /= "__main__.py"
    if not script.is_file():
        raise _Unusable(f"can't open {str(script)!r}: there is no such file")
    return Path(os.path.abspath(script))  # noqa: PTH100 (symbolic links stay, as in Python's own __file__)


def _execute(detector: Detector, program: _Program, script: Path) -> int:
    """Runs the program, and returns the exit code that it would have had."""
    try:
        module, code = (
            _module(program) if program.is_module else _main_script(detector, script, Path(program.name).is_dir())
        )
        sys.argv = [str(module.__file__) if program.is_module else program.name, *program.arguments]
        sys.modules["__main__"] = module
        exec(code, module.__dict__)
    except SystemExit as exit_:
        return _exit_code(exit_)
    except KeyboardInterrupt as error:
        _show(error)
        return _INTERRUPTED
    except _Unusable:
        raise
    except BaseException as error:  # noqa: BLE001 (Python, too, shows whatever a program ends with)
        _show(error)
        return 1
    finally:
        # As Python does before it ends: what the threads do belongs to the program.
        for thread in threading.enumerate():
            if not thread.daemon and thread is not threading.current_thread():
                thread.join()
    return 0


def _main_script(detector: Detector, script: Path, is_folder: bool) -> tuple[types.ModuleType, types.CodeType]:
    source = script.read_bytes()
    code = detector.compile_main(str(script), source)
    if code is None:
        code = compile(source, str(script), "exec", dont_inherit=True)
    loader = importlib.machinery.SourceFileLoader("__main__", str(script))
    if is_folder:
        spec = importlib.util.spec_from_file_location("__main__", script, loader=loader)
        return _fresh_main(file=str(script), spec=spec, package="", loader=loader), code
    return _fresh_main(file=str(script), spec=None, package=None, loader=loader), code


def _module(program: _Program) -> tuple[types.ModuleType, types.CodeType]:
    name = program.name
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            name = f"{name}.__main__"
            spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise _Unusable(f"can't find the module {name!r} ({error})") from None
    if spec is None:
        raise _Unusable(f"there is no module named {name!r}")
    get_code = getattr(spec.loader, "get_code", None)
    code = None if get_code is None else get_code(spec.name)
    if code is None:
        raise _Unusable(f"the module {name!r} has no code that can be run")
    if spec.origin is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
        # What the program sees is the loader that it would have had without us.
        spec.loader = importlib.machinery.SourceFileLoader(spec.name, spec.origin)
    return _fresh_main(file=spec.origin, spec=spec, package=spec.parent, loader=spec.loader), code


def _fresh_main(*, file: str | None, spec: Any, package: str | None, loader: object) -> types.ModuleType:
    module = types.ModuleType("__main__")
    module.__dict__.update(
        __file__=file,
        __builtins__=builtins,
        __spec__=spec,
        __package__=package,
        __loader__=loader,
        __cached__=None if spec is None else spec.cached,
    )
    return module


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _show(error: BaseException) -> None:
    """Shows the exception with which a program ended, without the frames that are not its own."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)


def _tell(
    detector: Detector, suppressions: Suppressions, findings: list[Finding], targets: list[Target], status: int
) -> int:
    kept: list[Finding] = []
    accepted: list[Accepted] = []
    for finding in findings:
        suppression = suppressions.matches(finding)
        reason = finding.accepted if suppression is None else suppression.reason
        if reason:
            accepted.append(Accepted(finding, reason))
        else:
            kept.append(finding)
    modules = detector.instrumented()
    report = Report(
        root=detector.configuration.root,
        level=detector.configuration.level,
        findings=tuple(kept),
        accepted=tuple(accepted),
        modules=len(modules),
        functions=sum(module.functions for module in modules),
        withheld=detector.withheld(),
    )
    problems = suppressions.problems(module.path for module in modules)
    _print(report)
    for problem in problems:
        print(f"trioflow: error: {problem.path}:{problem.line}: {problem.text}", file=sys.stderr)
    for target in targets:
        try:
            target.write(report)
        except OSError as error:
            raise _Unusable(f"the report {target.path} can't be written ({error})") from None
    if report.errors():
        return FOUND
    return status or (_UNUSABLE if problems else 0)


def _print(report: Report) -> None:
    """Prints the findings; a program without any prints what it prints, and nothing of ours."""
    paint = ansi if _colours() else plain
    for finding in (*report.errors(), *report.warnings()):
        print(render(finding, report.root, paint), end="\n\n", file=sys.stderr)
    if not report.findings:
        return
    counts = [counted(len(report.errors()), "error"), counted(len(report.warnings()), "warning")]
    if report.accepted:
        counts.append(f"{len(report.accepted)} accepted")
    instrumented = f"{counted(report.modules, 'module')} and {counted(report.functions, 'function')} instrumented"
    print(f"race detector: {', '.join(counts)}; {instrumented}", file=sys.stderr)
    if withheld := withheld_line(report.withheld, "--strict"):
        print(f"race detector: {withheld}", file=sys.stderr)


def _colours() -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
