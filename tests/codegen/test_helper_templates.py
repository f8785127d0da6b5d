"""Helpers of a service: methods of a template beside the manifest, rendered into both clients."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from generating import ROOT, project, run, write

PAGE = (ROOT / "docs" / "manifest.md").read_text("utf-8")
PROTO = """syntax = "proto3";
package acme;
service Hats { rpc GetHat(Hat) returns (Hat); }
message Hat { string hat_id = 1; }
"""
TOML = '[sdk]\npackage = "a_twirp"\nfacade = "A"\n[services."acme.Hats"]\nhelpers = "{}"\n'
METHOD = '    {{ mode.def_ }} wait_until_dry(self) -> None:\n        """Wait."""\n'


def hats(folder: Path, helpers: str | bytes | None, toml: str = TOML.format("h/hats.j2")) -> Path:
    """A project whose service has helpers; returns its manifest."""
    path = project(folder, {"hats.proto": PROTO}, toml)
    if helpers is not None:
        write(folder, {"h/hats.j2": helpers})
    return path


def test_the_example_of_the_page_is_rendered_into_both_clients(tmp_path: Path) -> None:
    (example,) = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    done = run("generate", hats(tmp_path / "in", example), "--out", tmp_path)
    assert (done.code, done.err) == (0, "")
    sources = {mode: (tmp_path / "a_twirp" / f"_{mode}" / "hats.py").read_text("utf-8") for mode in ("sync", "async")}
    for mode, kind in (("sync", ast.FunctionDef), ("async", ast.AsyncFunctionDef)):
        (cls,) = (node for node in ast.parse(sources[mode]).body if isinstance(node, ast.ClassDef))
        (helper,) = (node for node in cls.body if getattr(node, "name", "") == "wait_until_dry")
        assert isinstance(helper, kind)
    assert "steps = until_dry(methods.GET_HAT, hat_id)" in sources["sync"]
    assert "= run_workflow(self._client, steps, UNSET, 30.0)" in sources["sync"]
    assert "= await arun_workflow(self._client, steps, UNSET, 30.0)" in sources["async"]
    for source in sources.values():
        assert "from acme_hatters import until_dry\n" in source


@pytest.mark.parametrize(
    ("helpers", "toml", "text"),
    [
        (None, TOML, r"helpers 'h/hats\.j2' of acme\.Hats cannot be read: No such file or directory"),
        (b"\xff", TOML, "is not UTF-8: save it as UTF-8"),
        (
            "    def wait_until_dry(self): ...\n",
            TOML,
            r"has no method: write lines like '    \{\{ mode\.def_ \}\} find_hat\('",
        ),
        (METHOD.replace("wait_until_dry", "get_hat"), TOML, "the helper get_hat and GetHat .* are both 'get_hat'"),
        (METHOD.replace("wait_until_dry", "with_options"), TOML, "'with_options' is already a name of a service"),
        (METHOD, TOML.replace('"{}"', "7"), "must be the path of a template, relative to the manifest"),
        (METHOD, TOML.replace("{}", ""), "must be the path of a template"),
        (METHOD, TOML.replace("{}", "/etc/hats.j2"), "must be the path of a template"),
    ],
)
def test_is_refused(tmp_path: Path, helpers: str | bytes | None, toml: str, text: str) -> None:
    done = run("generate", hats(tmp_path / "in", helpers, toml.replace("{}", "h/hats.j2")), "--out", tmp_path / "out")
    assert done.code == 1
    assert re.search(text, done.err), done.err
    assert not (tmp_path / "out").exists()
