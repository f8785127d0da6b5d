"""`docs/server.md` is true: its code runs, and it names the arguments and the attributes that there are."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
from pathlib import Path

from twirpkit.server import RequestContext, TwirpApp

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")


def test_its_code_runs() -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    setup = f"import sys; sys.path.insert(0, {str(ROOT / 'examples' / 'hats' / 'generated')!r})\n"
    subprocess.run([sys.executable, "-W", "error", "-c", setup + code], check=True, timeout=60)


def test_every_argument_and_attribute_is_explained() -> None:
    names = [name for name in inspect.signature(TwirpApp).parameters if name != "handlers"]
    names += [each.name for each in dataclasses.fields(RequestContext)]
    assert [name for name in names if f"| `{name}`" not in TEXT] == []
