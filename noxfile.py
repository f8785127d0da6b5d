"""The sessions: `nox -l` lists them. Their dependencies stand in pyproject.toml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests"]
nox.options.default_venv_backend = "uv|virtualenv"  # uv where it is installed: it makes an environment in seconds
nox.options.download_python = "never"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True

MADE = (
    ("protos/livekit.toml", "--reference", "docs/reference", "--project"),
    ("examples/hats/protos/hats.toml", "--out", "examples/hats/generated"),
    ("tests/clientcompat/protos/clientcompat.toml", "--out", "tests/clientcompat/generated"),
)
"""The packages that the generator writes: manifests, and where their output goes."""
DISTRIBUTIONS = (".", "generated")
"""The folders that a distribution is built from: `twirpkit`, and `livekit-twirp`, which is generated."""
RUNTIME_TESTS = ("tests/runtime", "tests/generated", "tests/conformance", "tests/clientcompat")
"""Tests that need nothing of the generator."""
WITHOUT_PROGRAMS = ("--ignore=tests/live", "--ignore=tests/boxes")
"""Leaves out the tests that call programs which are not Python's."""
PARALLEL = ("-n", "auto", "--dist", "worksteal")
"""One pytest worker a core. Options that are given after `--` override these: `-- -n 0` runs the tests one by one."""
FLOORS = "requests,aiohttp,httpx,otel,codegen"
"""The extras whose floors are tested: all."""
LINT = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("lint-imports", "--no-cache"))
TYPES = (("mypy", "runtime", "codegen", "generated"), ("pyright",))


def _starts(python: str) -> bool:
    """Return True if the interpreter exists and runs: a version manager's shim may exist and not run."""
    path = shutil.which(python)
    return path is not None and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603 -- the command is a version of Python from the list below


RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = sorted({RUNNING, *(version for version in ("3.11", "3.12", "3.13", "3.14") if _starts(f"python{version}"))})


def _install(session: nox.Session, *groups: str, extras: str = "requests,aiohttp,httpx,codegen") -> None:
    """Install the project, editable, with these extras and dependency groups."""
    session.install("-e", f".[{extras}]", *(f"--group={group}" for group in groups))


def _twirpkit(session: nox.Session, command: str) -> None:
    """Run a command of the generator for each package that it writes."""
    for arguments in MADE:
        session.run("twirpkit", command, *arguments)


def _keep_compiled_modules(session: nox.Session) -> None:
    """Keep compiled modules with the session, even where the environment says not to: tests start many interpreters."""
    folder = Path(session.virtualenv.location, "pycache").resolve()
    session.env.update(PYTHONDONTWRITEBYTECODE=None, PYTHONPYCACHEPREFIX=str(folder))


def _pytest(session: nox.Session, *arguments: str, paths: Sequence[str] = ()) -> None:
    """Run the tests in parallel, without those that need a server; paths after `--` replace the default ones."""
    _keep_compiled_modules(session)
    named = any(Path(argument.partition("::")[0]).exists() for argument in session.posargs)
    command = ("pytest", *WITHOUT_PROGRAMS, *PARALLEL, *arguments, *(() if named else paths), *session.posargs)
    # pytest ends with 5 where it selects no test: of those that were named, none may carry the mark.
    session.run(*command, success_codes=(0, 5) if session.posargs else (0,))


def _in_parallel(session: nox.Session, *lanes: Sequence[Sequence[str]]) -> None:
    """Run lanes of commands at the same time, and print the output of each command whole.

    Within a lane, one command follows another. Each lane comes to its end, or to its first failure, before this fails.
    """

    def run(lane: Sequence[Sequence[str]]) -> None:
        for command in lane:
            print(session.run(*command, silent=True), end="", flush=True)

    with ThreadPoolExecutor(len(lanes)) as threads:
        running = [threads.submit(run, lane) for lane in lanes]
    for each in running:
        each.result()


@nox.session
def quick(session: nox.Session) -> None:
    """Lint, check types and run every test that is not slow, all at the same time; takes at most 90 s on two cores."""
    _install(session, "lint", "test", "types")
    _keep_compiled_modules(session)
    # One worker more than there are cores: many of these tests wait, for a deadline or an interpreter.
    workers = ("-n", str((os.cpu_count() or 1) + 1))
    tests = ("pytest", "-q", *WITHOUT_PROGRAMS, "-m", "not slow", *PARALLEL, *workers, *session.posargs)
    _in_parallel(session, [tests], [*LINT, *TYPES])


@nox.session
def demo(session: nox.Session) -> None:
    """Regenerate, check, and run both clients against a fake LiveKit, and the hats example; `-- --live` for yours."""
    _install(session)
    _twirpkit(session, "generate")
    _twirpkit(session, "check")
    session.run("python", "examples/rooms/demo.py", *session.posargs)
    session.run("python", "examples/hats/demo.py")


@nox.session
def generate(session: nox.Session) -> None:
    """Write `generated/`, `docs/reference/`, and the packages of the hats example and of Twirp's client test."""
    _install(session, extras="codegen")
    _twirpkit(session, "generate")


@nox.session
def check(session: nox.Session) -> None:
    """Fail, with a diff, where anything that `generate` writes is not what its inputs give."""
    _install(session, extras="codegen")
    _twirpkit(session, "check")


@nox.session
def lint(session: nox.Session) -> None:
    """Lint everything, generated code too, and hold the layers of the packages."""
    _install(session, "lint", extras="codegen")
    for command in LINT:
        session.run(*command)


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly, with mypy and with pyright."""
    _install(session, "test", "types")
    for command in TYPES:
        session.run(*command)
    session.run("pytest", "tests/typing", *session.posargs)


@nox.session(python=PYTHONS)
@nox.parametrize("protobuf", ["7", "6", "5.29"], ids=["protobuf-7", "protobuf-6", "protobuf-5.29"])
def tests(session: nox.Session, protobuf: str) -> None:
    """Run all tests over protobuf 7 with coverage; those marked `protobuf`, and not `slow`, over 6 and 5.29."""
    if protobuf == "7":
        _install(session, "test", "types")
        # Tests that were chosen cover a part: only all of them say how much is covered.
        _pytest(session, *(() if session.posargs else ("--cov", "--cov-report=term-missing:skip-covered")))
        return
    # Without the codegen extra: grpcio-tools wants the newest protobuf, and users of an SDK do not have it.
    _install(session, "test", extras="requests,aiohttp,httpx")
    session.install(f"protobuf=={protobuf}.*")
    # The slow ones repeat what others show: over more libraries, or byte by byte.
    _pytest(session, "-m", "protobuf and not slow", paths=RUNTIME_TESTS)


@nox.session(venv_backend="uv")
def floors(session: nox.Session) -> None:
    """Run the tests over the oldest versions of all dependencies that the project allows; needs uv."""
    lowest = ("--resolution=lowest-direct", "-e", f".[{FLOORS}]")
    session.install(*lowest, "--group=test", "--group=types")
    # Again without the tools of the tests, some of which want newer versions of the same packages.
    session.install("--upgrade", *lowest)
    _pytest(session)


@nox.session
def conformance(session: nox.Session) -> None:
    """Play every recorded exchange through both clients."""
    _install(session, "test", extras="requests,aiohttp,httpx")
    _pytest(session, paths=("tests/conformance",))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Compare our reading of responses with those of h11 and llhttp; `-- --seconds N` says for how long."""
    _install(session, "test", "fuzz", extras="requests,aiohttp,httpx")
    session.run("python", "tests/fuzz/compare_parsers.py", *session.posargs)


@nox.session
def stress(session: nox.Session) -> None:
    """Show the figures of docs/reliability.md; takes about half an hour, `-- NAME ...` runs some."""
    _install(session, extras="requests,aiohttp,httpx")
    session.run("python", "tests/stress/run.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure the figures of docs/benchmarks.md in six minutes, `-- --quick` in one; `-- --scale` the generator's."""
    if "--scale" in session.posargs:
        _install(session, "types", extras="codegen")
        session.run("python", "benchmarks/scale.py", *(each for each in session.posargs if each != "--scale"))
        return
    session.install("-e", ".", "--group=bench")
    session.run("python", "benchmarks/run.py", *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Call a real server: the one that TWIRPKIT_TEST_URL, _KEY and _SECRET name, else livekit-server from PATH."""
    session.env.update({name: None for name in os.environ if name.startswith("LIVEKIT_")})
    why_none = session.run("python", "tests/live/livekit_server.py", silent=True)
    if why_none:
        print(f"live: skipped: {why_none}", flush=True)
        session.skip(why_none)
    _install(session, "test", "live", extras="requests,aiohttp,httpx")
    # Time to end what was started, and to remove what was made, after Ctrl-C.
    session.run("pytest", "tests/live", *session.posargs, interrupt_timeout=60, terminate_timeout=60)


@nox.session
def boxes(session: nox.Session) -> None:
    """Call through nginx, haproxy, squid and stunnel, as far as they are installed; takes two minutes."""
    _install(session, "test", "boxes", extras="requests,aiohttp,httpx")
    session.run("pytest", "tests/boxes", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build both distributions, check them, and use each in an environment of its own; freeze a program."""
    session.install("--group=build")
    shutil.rmtree("dist", ignore_errors=True)
    for folder in DISTRIBUTIONS:
        session.run("python", "-m", "build", "--outdir", "dist", folder)
    files = [str(path.resolve()) for path in sorted(Path("dist").iterdir())]
    session.run("twine", "check", "--strict", *files)
    session.run("python", "tests/packaging/check_distributions.py", "dist", *session.posargs)


@nox.session
def schemas(session: nox.Session) -> None:
    """Generate protobuf's own test schemas, fetched by npm and go, and round-trip values through their messages."""
    _install(session, "test", extras="codegen")
    session.run("python", "tests/packaging/protobuf_schemas.py", *session.posargs)


@nox.session
def upstream(session: nox.Session) -> None:
    """Compare our protos with the newest `livekit-protocol`, and say what has come."""
    _install(session, extras="codegen")
    session.install("--upgrade", "livekit-protocol")
    folder = session.create_tmp()
    version = session.run("python", "tests/packaging/upstream_schema.py", folder, silent=True)
    print(f"livekit-protocol {version}", flush=True)
    session.run(
        "twirpkit", "diff", f"{folder}/ours.bin", f"{folder}/upstream.bin", *session.posargs, success_codes=(0, 1)
    )


@nox.session
def mutate(session: nox.Session) -> None:
    """Count the changes of the runtime's lines that no test notices: an hour; `-- rules`, `-- responses`: minutes."""
    _install(session, "test", "mutate", extras="requests,aiohttp,httpx")
    script = Path("tests/mutation/mutate.py").resolve()
    with session.chdir(session.create_tmp()):
        session.run("python", script, *session.posargs)
