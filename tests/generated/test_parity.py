"""The two clients are one client: the same code but for waiting, the same names, signatures and docstrings."""

import ast
import inspect
import re
import typing
from pathlib import Path
from typing import Any

import pytest

import livekit_twirp
from livekit_twirp import AsyncLiveKitAPI, AsyncRoomService, LiveKitAPI, RoomService

PACKAGE = Path(livekit_twirp.__file__).parent
SYNC, ASYNC = PACKAGE / "_sync", PACKAGE / "_async"
FILES = sorted(path.relative_to(ASYNC).as_posix() for path in ASYNC.rglob("*.py"))
CLASSES = [(LiveKitAPI, AsyncLiveKitAPI), (RoomService, AsyncRoomService)]

RENAMED = {
    r"\bAsync(?=[A-Z])": "",
    r"\b_async\b": "_sync",
    r"\basync_transport\b": "sync_transport",
    r"\baiterate\b": "iterate",
    r"\barun_workflow\b": "run_workflow",
    r"\baclose\b": "close",
    r"\b__aenter__\b": "__enter__",
    r"\b__aexit__\b": "__exit__",
    r"\basync with\b": "with",
    r"\baiohttp\.ClientSession\b": "requests.Session",
    r"\baiohttp\b": "requests",
    r"\bhttpx\.AsyncClient\b": "httpx.Client",
}
"""What the async world calls otherwise."""

REWORDED = {
    "The async client:": "The sync client:",
    "It may be made outside a loop, and used in several loops one after the other.": (
        "One client may serve all threads."
    ),
}
"""What docstrings say otherwise, after the renaming."""


class WithoutWaiting(ast.NodeTransformer):
    """Makes async code sync."""

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        return ast.FunctionDef(**vars(node))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        self.generic_visit(node)
        return ast.With(**vars(node))

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        self.generic_visit(node)
        return ast.For(**vars(node))

    def visit_Await(self, node: ast.Await) -> Any:
        self.generic_visit(node)
        return node.value


def renamed(text: str) -> str:
    """The text in the words of the sync world."""
    for pattern, name in RENAMED.items():
        text = re.sub(pattern, name, text)
    return text


def doc(text: str | None) -> str:
    """A docstring without its line breaks, in the words of the sync world."""
    text = " ".join(renamed(text or "").split())
    for theirs, ours in REWORDED.items():
        text = text.replace(theirs, ours)
    return text


class InSyncWords(ast.NodeTransformer):
    """Rewords each string, and sorts what is imported: sorting goes by the names of each world."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        return ast.ImportFrom(node.module, sorted(node.names, key=lambda each: each.name), node.level)

    def visit_If(self, node: ast.If) -> ast.If:
        self.generic_visit(node)
        libraries = sorted((each for each in node.body if isinstance(each, ast.Import)), key=ast.unparse)
        others = [each for each in node.body if not isinstance(each, ast.Import)]
        node.body = [*libraries, *others]
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(doc(node.value)) if isinstance(node.value, str) else node


def as_sync(source: str) -> str:
    """The syntax tree of a module of either world, as text."""
    code = renamed(ast.unparse(WithoutWaiting().visit(ast.parse(source))))
    return ast.dump(InSyncWords().visit(ast.parse(code)), indent=1)


def members(cls: type) -> dict[str, Any]:
    """Public members and context managers, under the names of the sync world."""
    managers = ("__init__", "__aenter__", "__aexit__") if cls.__name__.startswith("Async") else ()
    names = managers or ("__init__", "__enter__", "__exit__")
    return {renamed(name): getattr(cls, name) for name in dir(cls) if not name.startswith("_") or name in names}


def signatures(function: Any) -> list[str]:
    """The signature as a checker sees it, annotations as strings, and those of its overloads."""
    return [renamed(str(inspect.signature(each))) for each in (function, *typing.get_overloads(function))]


def test_files_have_twins() -> None:
    assert sorted(path.relative_to(SYNC).as_posix() for path in SYNC.rglob("*.py")) == FILES
    assert {"__init__.py", "api.py", "room.py"} <= set(FILES)


@pytest.mark.parametrize("file", FILES)
def test_code_is_the_same(file: str) -> None:
    assert as_sync((ASYNC / file).read_text("utf-8")) == as_sync((SYNC / file).read_text("utf-8"))


@pytest.mark.parametrize(("sync", "other"), CLASSES)
def test_members_are_the_same(sync: type, other: type) -> None:
    assert doc(sync.__doc__) == doc(other.__doc__)
    mine, theirs = members(sync), members(other)
    assert mine.keys() == theirs.keys()
    # Only where waiting can be awaited can it be bounded: `aclose` takes a timeout.
    assert "timeout" in inspect.signature(theirs.pop("close")).parameters if "close" in mine else True
    mine.pop("close", None)
    for name, member in mine.items():
        twin = theirs[name]
        assert doc(member.__doc__) == doc(twin.__doc__), name
        if inspect.isclass(member):  # a service: the attribute of the class is its class
            made, twins = (inspect.getattr_static(each, name) for each in (sync, other))
            assert renamed(str(inspect.signature(twins.func))) == str(inspect.signature(made.func)), name
            assert twin.__name__ == f"Async{member.__name__}"
        elif inspect.isfunction(member):
            assert signatures(twin) == signatures(member), name
            assert inspect.iscoroutinefunction(twin) is (name not in ("__init__", "with_options")), name
            assert not inspect.iscoroutinefunction(member), name
        else:
            assert twin is member, name


@pytest.mark.parametrize("service", [RoomService, AsyncRoomService])
def test_every_rpc_has_two_overloads(service: Any) -> None:
    methods = [member for name, member in inspect.getmembers(service, inspect.isfunction) if not name.startswith("_")]
    rpcs = {method.py_name for method in service._methods}
    methods = [member for member in methods if member.__name__ in rpcs]
    assert [len(typing.get_overloads(method)) for method in methods] == [2] * 14
