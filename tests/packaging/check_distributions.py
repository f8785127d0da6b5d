"""Checks both distributions: their contents, and programs that use them in environments of their own.

Run as `python check_distributions.py FOLDER [--no-freezing]`, in an environment with uv or venv, and with PyInstaller.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipapp
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
APP = """\
import sys
import livekit_twirp as lk

with lk.LiveKitAPI("http://127.0.0.1:9", "devkey", "secret-of-at-least-32-characters", retry=False) as api:
    try:
        api.room.list_rooms(timeout=5)
    except lk.TransportError as error:
        print(type(error).__name__, lk.to_json(lk.Room(name="a", creation_time=1)))
        print(lk.from_dict(lk.CreateSIPParticipantRequest, {"ringing_timeout": "5s"}).ringing_timeout.seconds)
"""
SAYS = 'TransportError {"name": "a", "creation_time": 1}\n5\n'


def main() -> None:
    """Run all checks; an assertion says what is wrong."""
    dist = Path(sys.argv[1]).resolve()
    toolkit, livekit = (next(dist.glob(f"{name}-*.whl")) for name in ("twirpkit", "livekit_twirp"))
    check_contents(toolkit, livekit, dist)
    with tempfile.TemporaryDirectory() as folder:
        runtime_only(Path(folder, "runtime"), toolkit)
        generator(Path(folder, "generator"), toolkit)
        livekit_alone(Path(folder, "livekit"), toolkit, livekit)
        if "--no-freezing" not in sys.argv:
            frozen(Path(folder, "frozen"), toolkit, livekit)
    print("both distributions are whole, and work")


def check_contents(toolkit: Path, livekit: Path, dist: Path) -> None:
    """Each wheel has its own packages, types, licence and links, and nothing of the other."""
    names, metadata = wheel(toolkit)
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"twirpkit", "twirpkit_codegen", "twirpkit_pytest"}, tops
    assert {"twirpkit/py.typed", "twirpkit_codegen/templates/service.py.j2"} <= names
    assert not [name for name in names if "livekit_twirp" in name or name.endswith(".proto")]
    assert "Requires-Dist: types-protobuf" not in metadata.split("Provides-Extra: types")[0]
    assert "](docs/" not in metadata
    assert "/blob/main/docs/manifest.md)" in metadata
    assert metadata.count("\nProject-URL: ") >= 3
    assert any(name.endswith("/licenses/LICENSE") for name in names)

    names, metadata = wheel(livekit)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"livekit_twirp"}
    assert "livekit_twirp/py.typed" in names
    assert {name.rpartition("/")[2] for name in names if "/licenses/" in name} == {"LICENSE", "NOTICE"}
    assert "\nRequires-Dist: twirpkit>=" in metadata
    assert "\nLicense-Expression: Apache-2.0" in metadata
    for path in dist.glob("*.tar.gz"):
        with tarfile.open(path) as archive:
            assert not [name for name in archive.getnames() if "/.nox/" in name or "__pycache__" in name], path


def wheel(path: Path) -> tuple[set[str], str]:
    """Return the names in a wheel, and its metadata."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        return names, archive.read(metadata).decode()


def runtime_only(folder: Path, toolkit: Path) -> None:
    """Without the extra, the script says what to install."""
    python = environment(folder, str(toolkit))
    done = run(python.with_name("twirpkit"), "--version", code=1)
    assert "pip install 'twirpkit[codegen]'" in done, done


def generator(folder: Path, toolkit: Path) -> None:
    """The generator gives the package of the checkout."""
    python = environment(folder, f"{toolkit}[codegen]")
    manifest, out = ROOT / "protos" / "livekit.toml", ROOT / "generated"
    run(python.with_name("twirpkit"), "check", manifest, "--out", out, "--project")


def livekit_alone(folder: Path, toolkit: Path, livekit: Path) -> None:
    """LiveKit's package works without the generator's dependencies, also out of a zip file."""
    python = environment(folder, str(toolkit), str(livekit))
    run(python, "-c", "import livekit_twirp as sdk; [getattr(sdk, name) for name in sdk.__all__]")
    app = folder / "app"
    app.mkdir()
    (app / "__main__.py").write_text(APP)
    for path in (toolkit, livekit):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(app)
    zipapp.create_archive(app, folder / "app.pyz")
    run(python, "-m", "pip", "uninstall", "-y", "livekit-twirp", "twirpkit")
    assert run(python, folder / "app.pyz") == SAYS


def frozen(folder: Path, toolkit: Path, livekit: Path) -> None:
    """A program of ten lines, frozen by PyInstaller, runs."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["build"]
    (pyinstaller,) = (each.partition(";")[0] for each in version if each.startswith("pyinstaller"))
    python = environment(folder, str(toolkit), str(livekit), pyinstaller)
    (folder / "app.py").write_text(APP)
    run(python, "-m", "PyInstaller", "--log-level=ERROR", "--onedir", "--distpath", folder / "made", folder / "app.py")
    assert run(folder / "made" / "app" / "app") == SAYS


def environment(folder: Path, *requirements: str) -> Path:
    """Make an environment with these installed, and return its Python."""
    run(sys.executable, "-m", "venv", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", *requirements)
    run(python, "-m", "pip", "check")
    return python


def run(*command: object, code: int = 0) -> str:
    """Run a command in a folder of its own, and return its output."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("LIVEKIT_", "PYTHON"))}
    with tempfile.TemporaryDirectory() as folder:
        words = [str(each) for each in command]
        done = subprocess.run(words, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if code else "")


main()
