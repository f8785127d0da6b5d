"""The sessions: `nox -l` lists them. What each installs stands in pyproject.toml."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True

MADE = (
    ("protos/livekit.toml", "--reference", "docs/reference"),
    ("examples/hats/protos/hats.toml", "--out", "examples/hats/generated"),
    ("runtime/twirpkit/clientcompat/protos/clientcompat.toml", "--out", "runtime"),
)
"""The packages that the generator writes: manifests, and where their output goes."""
RUNTIME_TESTS = ("tests/runtime", "tests/generated", "tests/conformance")


def _starts(python: str) -> bool:
    """Whether an interpreter is there and runs: a version manager's shim may be there and not run."""
    path = shutil.which(python)
    return path is not None and subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603


RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PYTHONS = sorted({RUNNING, *(version for version in ("3.11", "3.12", "3.13", "3.14") if _starts(f"python{version}"))})


def _sync(session: nox.Session, *groups: str, extras: str = "sync,async,codegen") -> None:
    session.install("-e", f".[{extras}]", *(f"--group={group}" for group in groups))


def _twirpkit(session: nox.Session, command: str) -> None:
    for arguments in MADE:
        session.run("twirpkit", command, *arguments)


@nox.session
def demo(session: nox.Session) -> None:
    """Regenerate, check, and run both clients, and the hats example; `-- --live` against a server of yours."""
    _sync(session)
    _twirpkit(session, "generate")
    _twirpkit(session, "check")
    session.run("python", "examples/rooms/demo.py", *session.posargs)
    session.run("python", "examples/hats/demo.py")


@nox.session
def generate(session: nox.Session) -> None:
    """Write `generated/`, `docs/reference/`, and the packages of the hats example and of Twirp's client test."""
    _sync(session, extras="codegen")
    _twirpkit(session, "generate")


@nox.session
def check(session: nox.Session) -> None:
    """Fail, with a diff, where anything that `generate` writes is not what its inputs give."""
    _sync(session, extras="codegen")
    _twirpkit(session, "check")


@nox.session
def lint(session: nox.Session) -> None:
    """Lint everything, generated code too."""
    _sync(session, extras="codegen")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types strictly, with mypy and with pyright."""
    _sync(session, "test", "types")
    session.run("mypy", "runtime", "codegen", "generated")
    session.run("pyright")
    session.run("pytest", "tests/typing", *session.posargs)


@nox.session(python=PYTHONS)
@nox.parametrize("over", ["protobuf-5.29", "protobuf-6", "protobuf-7", "codegen"])
def tests(session: nox.Session, over: str) -> None:
    """Test the runtime, the SDK and conformance over each protobuf, the generator on the newest; tell the coverage."""
    measured = Path(f".coverage.runtime-{session.python}")
    if over != "codegen":
        # Without the codegen extra: grpcio-tools wants the newest protobuf, and users of an SDK do not have it.
        _sync(session, "test", extras="sync,async")
        session.install(f"protobuf=={over.removeprefix('protobuf-')}.*")
        measuring = ("coverage", "run", f"--data-file={measured}", "-m") if over == "protobuf-7" else ()
        session.run(*measuring, "pytest", *RUNTIME_TESTS, *session.posargs)
        return
    _sync(session, "test", "types")
    others = ("tests", *(f"--ignore={path}" for path in (*RUNTIME_TESTS, "tests/live")))
    session.run("coverage", "run", "-m", "pytest", *others, *session.posargs)
    if measured.exists():
        session.run("coverage", "combine", "--append", f"{measured}")
        session.run("coverage", "report")
    else:
        session.warn("no coverage is told: the tests over protobuf-7, which run the runtime, were not run before")


@nox.session
def conformance(session: nox.Session) -> None:
    """Play every recorded exchange through both clients."""
    _sync(session, "test", extras="sync,async")
    session.run("pytest", "tests/conformance", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Compare our reading of responses with those of h11 and llhttp; `-- --seconds N` says for how long."""
    _sync(session, "test", "fuzz", extras="sync,async")
    session.run("python", "tests/fuzz/responses.py", *session.posargs)


@nox.session
def stress(session: nox.Session) -> None:
    """Show the figures of docs/reliability.md; takes about half an hour, `-- NAME ...` runs some."""
    _sync(session, extras="sync,async")
    session.run("python", "tests/stress/run.py", *session.posargs)


@nox.session
def live(session: nox.Session) -> None:
    """Call a real server: the one that TWIRPKIT_TEST_URL, _KEY and _SECRET name, else livekit-server from PATH."""
    session.env.update({name: None for name in os.environ if name.startswith("LIVEKIT_")})
    why_none = session.run("python", "tests/live/livekit_server.py", silent=True)
    if why_none:
        print(f"live: skipped: {why_none}", flush=True)
        session.skip(why_none)
    _sync(session, "test", "live", extras="sync,async")
    # Time to end what was started, and to remove what was made, after Ctrl-C.
    session.run("pytest", "tests/live", *session.posargs, interrupt_timeout=60, terminate_timeout=60)


@nox.session
def build(session: nox.Session) -> None:
    """Build sdist and wheel, and use the wheel in an environment of its own."""
    session.install("build")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist", ".")
    (wheel,) = Path("dist").glob("*.whl")
    wheel = wheel.resolve()
    protos = Path("protos").resolve()
    generated = Path("generated").resolve()
    session.install("--force-reinstall", f"{wheel}[sync,async,codegen]")
    with session.chdir(session.create_tmp()):
        session.run("python", "-c", "import livekit_twirp as sdk; [getattr(sdk, name) for name in sdk.__all__]")
        session.run("twirpkit", "check", f"{protos / 'livekit.toml'}", "--out", f"{generated}")
        session.run("twirpkit", "generate", f"{protos / 'livekit.toml'}", "--out", "made")


@nox.session
def mutate(session: nox.Session) -> None:
    """Count the changes of the runtime's lines that no test notices: an hour; `-- rules`, `-- answers`: minutes."""
    _sync(session, "test", "mutate", extras="sync,async")
    script = Path("tests/mutation/run.py").resolve()
    with session.chdir(session.create_tmp()):
        session.run("python", script, *session.posargs)
