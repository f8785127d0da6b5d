"""The names of mutants that survive: the function and the changed line."""

from __future__ import annotations

import pytest
from mutate import GROUPS, ROOT, Group, load_equivalent, modules, survivor

DIFF = """\
# twirpkit.client.x: survived
--- src/twirpkit/client.py
+++ src/twirpkit/client.py
@@ -1,3 +1,3 @@
 def close(self):
-    self.closed = True
+    self.closed = None
     return
"""


@pytest.mark.parametrize(
    ("mutant", "function"),
    [
        ("twirpkit.url.x_join__mutmut_7", "join"),
        ("twirpkit.url.x__join__mutmut_12", "_join"),
        ("twirpkit.client.xǁClientǁclose__mutmut_1", "Client.close"),
        ("twirpkit.client.xǁ_Clientǁ__init____mutmut_1", "_Client.__init__"),
    ],
)
def test_a_survivor_is_named_by_function_and_line(mutant: str, function: str) -> None:
    assert str(survivor(mutant, DIFF)) == f"{function}: self.closed = True -> self.closed = None"


def test_a_change_of_several_lines_is_one_text() -> None:
    diff = "--- a\n+++ a\n-call(\n-    1,\n+call(\n+    2,\n"
    assert str(survivor("m.x_f__mutmut_1", diff)) == "f: call( 1, -> call( 2,"


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_has_modules_and_tests(name: str) -> None:
    assert modules(GROUPS[name])
    assert [path for path in GROUPS[name].tests if not (ROOT / "tests" / path).exists()] == []


def test_a_pattern_that_fits_no_module_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no module fits 'gone/\*\.py' of the table GROUPS"):
        modules(Group(1.0, ("gone/*.py",), ()))


def test_listed_survivors_say_why() -> None:
    assert [
        line for line, reason in load_equivalent().items() if not (": " in line and " -> " in line and reason)
    ] == []
