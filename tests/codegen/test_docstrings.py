"""Comments become docstrings: the right words, in one literal, whatever they hold."""

import ast
import random
import re

import pytest

from twirpkit_codegen.render.docstrings import docstring, literal, wrap
from twirpkit_codegen.schema import comments
from twirpkit_codegen.schema.message_model import Doc

PIECES = [
    '"',
    '""',
    '"""',
    '""""',
    "'",
    "'''",
    "\\",
    "\\\\",
    '\\"',
    "\\N{",
    "\\N{BULLET}",
    "\\u",
    "\\U0001",
    "\\x",
    "\\0",
    "\\\n",
    "\0",
    "\r",
    "\r\n",
    "\n",
    "\n\n",
    "\f",
    "\v",
    "\t",
    "\x1b[0m",
    "\x7f",
    "\x85",
    "\xa0",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ud800",
    "{{ x }}",
    "{% raw %}",
    "{",
    "}",
    "%s",
    "#",
    "# noqa",
    "*/",
    "//",
    "- ",
    "* ",
    " ",
    "  ",
    "word",
    "ü",
    "帽",
    "x" * 200,
    ". ",
    ".",
    ":",
    "    indented",
    "a-b-c" * 40,
]


@pytest.mark.parametrize(
    ("comment", "summary", "body"),
    [
        ("", "", ()),
        (" \n\n \n", "", ()),
        (" One.\n", "One.", ()),
        (" No full stop", "No full stop", ()),
        (" One. Two. Three.\n", "One.", ("Two. Three.",)),
        (" One goes\n on. Two.\n", "One goes on.", ("Two.",)),
        (" One.\n\n Two\n goes on.\n", "One.", ("Two goes on.",)),
        (" One.\r\n\r\n Two.\r\n", "One.", ("Two.",)),
        (" One.\r\r Two.\r", "One.", ("Two.",)),
        (" One.\n - a\n - b\n   goes on\n", "One.", ("- a", "- b goes on")),
        (" * a\n * b\n", "* a", ("* b",)),
        ("* One.\n Two.\n", "One.", ("Two.",)),
        ("   Indented.\n", "Indented.", ()),
        (" e.g. this\n", "e.g. this", ()),
    ],
)
def test_comments_are_taken_apart(comment: str, summary: str, body: tuple[str, ...]) -> None:
    assert comments.parse(comment) == Doc(summary, body)


@pytest.mark.parametrize(
    ("blocks", "indent", "literal"),
    [
        (["Short."], 4, '"""Short."""'),
        (['Ends in "'], 4, '"""Ends in " """'),
        (["Ends in \\"], 4, '"""Ends in \\\\"""'),
        (["One.", "", "Two."], 0, '"""One.\n\nTwo.\n"""'),
        (["One.", "Two."], 4, '"""One.\n\n    Two.\n    """'),
        (["tab\there"], 0, '"""tab    here"""'),
        (["\0\u202e"], 0, '"""\\x00\\u202e"""'),
        ([], 0, '""""""'),
    ],
)
def test_docstrings(blocks: list[str], indent: int, literal: str) -> None:
    assert docstring(*blocks, indent=indent) == literal


@pytest.mark.parametrize("seed", range(300))
def test_any_comment_is_one_literal_with_its_words(seed: int) -> None:
    pick = random.Random(seed)
    comment = "".join(pick.choices(PIECES, k=pick.randrange(1, 14)))
    doc = comments.parse(comment)
    indent = pick.choice([0, 4, 8])
    literal = docstring(doc.summary, *doc.body, f"field: {doc.text}", indent=indent)
    statement = ast.parse(f"{'if 1:' if indent else ''}\n{' ' * indent}{literal}\n").body[0]
    inner = statement.body[0] if isinstance(statement, ast.If) else statement
    assert isinstance(inner, ast.Expr)
    assert isinstance(inner.value, ast.Constant)
    assert squeezed(ast.literal_eval(literal)) == squeezed(" ".join([doc.summary, *doc.body, f"field: {doc.text}"]))
    assert all(each.isprintable() or each == "\n" for each in literal)
    assert squeezed(comment.removeprefix("*").replace("\r", "\n")) == squeezed(doc.text)


def test_a_hanging_paragraph() -> None:
    lines = wrap("field: " + "word " * 30, 12, hang=4).split("\n")
    assert [line[:17] for line in lines] == ["field: word word ", " " * 16 + "w"]
    assert max(map(len, lines)) <= 112
    assert wrap("field: ", 12, hang=4) == "field:"


@pytest.mark.parametrize("seed", range(300))
def test_any_paragraph_of_a_comment_is_a_literal(seed: int) -> None:
    pick = random.Random(seed)
    doc = comments.parse("".join(pick.choices(PIECES, k=pick.randrange(1, 40))))
    for paragraph in (doc.summary, *doc.body):
        written = literal(paragraph)
        assert ast.literal_eval(written) == paragraph
        assert written.isprintable()


def squeezed(text: str) -> str:
    """The text without its spaces, which wrapping moves."""
    return re.sub(r"\s+", "", text)
