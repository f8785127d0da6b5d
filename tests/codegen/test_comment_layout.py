"""Comments keep their layout in docstrings and in Markdown, and lose what is for tools."""

from pathlib import Path

import pytest
from generating import project, run

from twirpkit_codegen.render import docstrings, markdown
from twirpkit_codegen.schema import comments

CASES = {
    "an abbreviation": (" Takes a unit, e.g. Inches of a hat. More.", ("Takes a unit, e.g. Inches of a hat.", "More.")),
    "a small letter": (" Version 1.2. of it. Then more.", ("Version 1.2. of it.", "Then more.")),
    "a sentence in brackets": (
        " Makes a hat (as in a=b. See there). Then more.",
        ("Makes a hat (as in a=b. See there).", "Then more."),
    ),
    "a bracket that stays open": (" Makes a hat (or two. More.", ("Makes a hat (or two.", "More.")),
    "a question": (" Is it up? Yes.", ("Is it up?", "Yes.")),
    "numbers": (" First.\n\n 1. one\n    goes on\n 2) two", ("First.", "1. one goes on", "2) two")),
    "a list": (" First.\n - one\n   goes on\n * two", ("First.", "- one goes on", "* two")),
    "code": (" Call it:\n\n     a = 1\n\n       b\n Then.", ("Call it:", "    a = 1\n\n      b", "Then.")),
    "a fence": (" So:\n ```py\n a  =  1\n\n b\n ```\n Then.", ("So:", "```py\na  =  1\n\nb\n```", "Then.")),
    "a table": (" Sizes:\n\n | a | b |\n |---|---|\n | 1 | 2 |", ("Sizes:", "| a | b |\n|---|---|\n| 1 | 2 |")),
    "a directive": (" buf:lint:ignore RPC_NAME\n Makes a hat.", ("Makes a hat.",)),
    "a remark for linters": (" Makes a hat.\n (-- api-linter: x=y\n     aip.dev/z --)", ("Makes a hat.",)),
    "a ruler": (" =========\n Hats\n =========\n Makes them.", ("Hats", "Makes them.")),
    "to do": (" TODO(me): everything\n and more\n\n Makes a hat.", ("Makes a hat.",)),
    "nothing": (" ----\n", ("",)),
    "only code": ("     a = 1", ("", "    a = 1")),
}


@pytest.mark.parametrize("case", CASES)
def test_layout(case: str) -> None:
    comment, expected = CASES[case]
    doc = comments.parse(comment)
    assert (doc.summary, *doc.body) == expected


def test_code_stays_code_in_markdown() -> None:
    doc = comments.parse(" Call:\n\n     a *b* ```c```\n\n | a | `b|c` |\n |:--|--:|\n | *x* | <y> |\n\n 1. # one")
    assert markdown.paragraphs(doc) == (
        "Call:\n\n````text\na *b* ```c```\n````\n\n| a | \\`b | c\\` |\n|:--|--:|\n| \\*x\\* | \\<y\\> |\n\n1. # one"
    )


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        (" Makes a hat", ("Makes a hat.", "Note.")),
        (" Makes hats:\n - one", ("Makes hats:", "- one", "Note.")),
        ("     a = 1", ("Note.", "    a = 1")),
        ("", ("Note.",)),
        (" A note.\n Note.", ("A note.", "Note.")),
    ],
)
def test_a_note_is_a_sentence_of_its_own(comment: str, expected: tuple[str, ...]) -> None:
    doc = comments.add_note(comments.parse(comment), "Note.")
    assert (doc.summary, *doc.body) == expected


def test_a_fence_keeps_its_language() -> None:
    doc = comments.parse(" Call:\n ```python\n a = 1\n ```\n ```<b> c\n d\n ```")
    assert markdown.paragraphs(doc) == "Call:\n\n```python\na = 1\n```\n\n```text\nd\n```"


def test_lines_of_code_stay_in_docstrings() -> None:
    text = docstrings.docstring("Call:", '    a = """b"""\n\n      c \\', indent=4)
    assert text == '"""Call:\n\n        a = \\"\\"\\"b\\"\\"\\"\n\n          c \\\\\n    """'


PROTO = """
syntax = "proto2"; package acme;
service Hats { rpc Make(Hat) returns (Hat); }
message Hat {
  // Its name.
  required string name = 1;
  // Its brim
  optional string brim = 4 [default = "wide"];
  optional string band = 2 [default = "red"];
  // Inches:
  //  - at the front
  //  - at the back
  optional int32 size = 3 [default = 22];
}
"""


def test_declarations_of_proto2_are_told(tmp_path: Path) -> None:
    assert run("generate", project(tmp_path, {"a.proto": PROTO}), "--out", tmp_path / "out").code == 0
    stub = (tmp_path / "out/acme_twirp/messages/a.pyi").read_text()
    assert '"""Its name. Required."""' in stub
    assert '"""Default: \'red\'."""' in stub
    assert '"""Its brim. Default: \'wide\'."""' in stub
    assert "Inches:\n\n    - at the front\n\n    - at the back\n\n    Default: 22." in stub
