"""The mark ``protobuf`` is on every module of the runtime's tests that uses messages by name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from google.protobuf.message import Message

import livekit_twirp

HERE = Path(__file__).parent
MODULES = sorted(
    path
    for folder in ("runtime", "generated", "conformance", "clientcompat")
    for path in HERE.joinpath(folder).rglob("test_*.py")
)


def message_imports(path: Path) -> set[str]:
    """Return what a module imports of the library protobuf, and which message classes of the SDK."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name for name in names if is_of_messages(name)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if is_of_messages(alias.name)}
    return found


def is_of_messages(name: str) -> bool:
    """Return True for a name of the library, of the runtime's rooms that stand on it, and for message classes."""
    package, _, last = name.rpartition(".")
    value = getattr(livekit_twirp, last, None) if package == "livekit_twirp" else None
    is_class = isinstance(value, type) and issubclass(value, Message)
    return is_class or name.startswith(("google.protobuf", "twirpkit._schema", "livekit_twirp.messages"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HERE).as_posix())
def test_a_module_that_imports_messages_is_marked(path: Path, request: pytest.FixtureRequest) -> None:
    used = message_imports(path)
    marked = path.read_text(encoding="utf-8").count("mark.protobuf") or any(
        path.is_relative_to(HERE / listed) for listed in listed_paths(request)
    )
    assert marked or not used, f"list it in PROTOBUF of tests/conftest.py: it imports {', '.join(sorted(used))}"


def test_listed_paths_exist(request: pytest.FixtureRequest) -> None:
    assert [path for path in listed_paths(request) if not (HERE / path).exists()] == []


def listed_paths(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the table of tests/conftest.py, which is loaded already."""
    plugin = request.config.pluginmanager.get_plugin(str(HERE / "conftest.py"))
    paths: tuple[str, ...] = plugin.PROTOBUF
    return paths
