"""What an editor and `help()` show: every public name is explained, and each RPC says what a caller must know."""

import ast
import inspect
import pydoc
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import livekit_twirp
from livekit_twirp import AsyncLiveKitAPI, AsyncRoomService, LiveKitAPI, RoomService
from livekit_twirp._methods.room import METHODS
from twirpkit import Method

PACKAGE = Path(livekit_twirp.__file__).parent
SPEAKING_NAMES = {"WellKnownFrameEncoding", "WellKnownSchemaEncoding", "SDK"}
"""Enums of formats and products: the members' names say all."""
STUBS = sorted([*(PACKAGE / "messages").rglob("*.pyi"), *(PACKAGE / "types").rglob("*.py")])
TITLE = re.compile("^(Fields|Grants|Retry class|Timeout|Raises):", re.MULTILINE)
ENTRY = re.compile(r"^ {4}(\S[^:]*):", re.MULTILINE)


def sections(function: Any) -> dict[str, str]:
    """A docstring's sections by their titles; the text before them under ""."""
    head, *rest = TITLE.split(inspect.getdoc(function) or "")
    return {"": head, **dict(zip(rest[::2], rest[1::2], strict=True))}


@pytest.mark.parametrize("service", [RoomService, AsyncRoomService])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_rpc_tells_all(service: type, method: Method[Any, Any]) -> None:
    doc = sections(getattr(service, method.py_name))
    assert doc[""].splitlines()[0].endswith(".")
    assert ENTRY.findall(doc["Fields"]) == [field.name for field in method.request.DESCRIPTOR.fields]
    grants = " ".join(doc["Grants"].split())
    for claim, value in (method.grants or {})["video"].items():
        source = "" if value is True else f" of the request's `{value[1:]}`"
        assert f"`video.{claim}`{source}" in grants
    assert doc["Retry class"].strip().startswith(method.retry)
    assert doc["Timeout"].strip().startswith(f"{method.timeout:g} s, unless the call or its client sets one")
    assert {"TwirpError", "TypeError, ValueError"} <= set(ENTRY.findall(doc["Raises"]))


@pytest.mark.parametrize("cls", [LiveKitAPI, AsyncLiveKitAPI, RoomService, AsyncRoomService])
def test_help_explains_every_public_member(cls: type) -> None:
    public = [name for name in vars(cls) if not name.startswith("_") and name != "package"]
    assert [name for name in public if not inspect.getdoc(getattr(cls, name))] == []
    text = pydoc.plain(pydoc.render_doc(cls))
    assert [name for name in public if name not in text] == []
    assert inspect.getdoc(cls)


@pytest.mark.parametrize("stub", STUBS, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_hover_explains_every_class_and_field(stub: Path) -> None:
    module = ast.parse(stub.read_text("utf-8"))
    assert ast.get_docstring(module)
    assert list(unexplained(module, "")) == []


def unexplained(scope: ast.Module | ast.ClassDef, at: str) -> Iterator[str]:
    """Classes, fields and enum members without a docstring."""
    for node, after in zip(scope.body, [*scope.body[1:], None], strict=True):
        if isinstance(node, ast.ClassDef):
            if not ast.get_docstring(node):
                yield f"{at}{node.name}"
            if node.name not in SPEAKING_NAMES:
                yield from unexplained(node, f"{at}{node.name}.")
        elif isinstance(node, ast.FunctionDef) and any(ast.unparse(each) == "property" for each in node.decorator_list):
            if not ast.get_docstring(node):
                yield f"{at}{node.name}"
        elif at and isinstance(node, ast.AnnAssign) and not is_docstring(after):
            enum = ast.unparse(node.annotation).removeprefix("ClassVar[").rstrip("]").rpartition(".")[2]
            if ast.unparse(node.annotation) != "TypeAlias" and enum not in SPEAKING_NAMES:
                yield f"{at}{ast.unparse(node.target)}"


def is_docstring(node: ast.stmt | None) -> bool:
    """Whether a statement is a bare string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
