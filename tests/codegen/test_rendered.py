"""Docstrings, exports and annotations of generated packages."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from generating import Made, project, run


def functions(path: Path) -> dict[str, str]:
    """The docstrings of a module's functions and methods; of overloads, that of the last."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name: ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)}


def exports(path: Path) -> set[str]:
    """The names that a package exports."""
    (found,) = re.findall(r"__all__ = (\[.*?\])", (path / "__init__.py").read_text(encoding="utf-8"), re.DOTALL)
    return set(ast.literal_eval(found))


@pytest.mark.parametrize("mode", ["_sync", "_async"])
def test_the_docstring_names_fields_that_cannot_be_keywords(mode: str, made: Made) -> None:
    docs = functions(made.path("option_fields") / mode / "options.py")
    because = "Only in a message or a mapping, because options of the call have the same names: "
    assert f"{because}`timeout`, `retry`, `extra_headers`, `self`." in " ".join(docs["some"].split())
    assert "Fields:\n    name:" in docs["some"]
    assert f"{because}`timeout`." in " ".join(docs["only"].split())
    assert "Fields:" not in docs["only"]
    assert "Only by" not in docs["request"]


def test_a_docstring_has_comment_fields_policy_and_errors(tmp_path: Path) -> None:
    proto = """
        syntax = "proto3";
        package acme;
        service HatService {
          // Makes a hat. It may take a minute.
          //
          // - felt
          rpc MakeHat(MakeHatRequest) returns (Hat);
          rpc Nothing(Hat) returns (Hat);
        }
        message MakeHatRequest {
          // Inches around.
          int32 size = 1;
          string from = 2; // The shop.
          bytes nonce = 3;
        }
        message Hat {}
        """
    manifest = """
        [sdk]
        package = "acme_twirp"
        facade = "AcmeAPI"
        [claims.hats]
        make = "bool"
        shop = "string"
        sizes = "strings"
        [services."acme.HatService"]
        Nothing = { grants = {}, retry = "read" }
        [services."acme.HatService".MakeHat]
        retry = "keyed"
        key = "nonce"
        grants.hats = { make = true, shop = "$from", sizes = ["s", '"'] }
        """
    path = project(tmp_path / "in", {"acme.proto": proto}, manifest)
    assert run("generate", path, "--out", tmp_path).code == 0
    docs = functions(tmp_path / "acme_twirp" / "_async" / "hat_service.py")
    assert docs["make_hat"] == (
        "Makes a hat.\n"
        "\n"
        "It may take a minute.\n"
        "\n"
        "- felt\n"
        "\n"
        "Fields:\n"
        "    size: Inches around.\n"
        "    from_: The shop.\n"
        "    nonce:\n"
        "\n"
        "Grants: `hats.make`, `hats.shop` of the request's `from`, `hats.sizes` = ['s', '\"'].\n"
        "Retry class: keyed, by `nonce`: 16 random bytes, generated for each call that leaves it empty.\n"
        "Timeout: 10 s, unless the call or its client sets one.\n"
        "\n"
        "Raises:\n"
        "    TwirpError: The call failed. The error's class says how, `sent` whether the request may have been "
        "executed.\n"
        "    TypeError, ValueError: The request or an option is invalid; nothing was sent."
    )
    assert docs["nothing"].startswith("Call Nothing.\n\nGrants: none.\nRetry class: read.\n")
    grants: dict[str, object] = {}
    exec((tmp_path / "acme_twirp" / "grants.py").read_text(encoding="utf-8"), grants)
    assert grants["GRANTS"] == {
        "acme.HatService/MakeHat": {"hats": {"make": True, "shop": "$from", "sizes": ["s", '"']}},
        "acme.HatService/Nothing": {},
    }


def test_without_a_policy_there_is_no_grants_module(made: Made) -> None:
    assert not (made.path("idempotency") / "grants.py").exists()
    assert "Grants" not in functions(made.path("idempotency") / "_sync" / "levels.py")["read"]


def test_retry_classes_come_from_the_proto_where_no_row_has_one(made: Made) -> None:
    text = (made.path("idempotency") / "_methods" / "levels.py").read_text(encoding="utf-8")
    assert re.findall(r"^([A-Z]+): Method\[|retry=RetryClass\.([A-Z]+)", text, re.MULTILINE) == [
        pair for name, retry in [("READ", "READ"), ("PUT", "IDEMPOTENT"), ("ADD", "NEVER"), ("SEND", "KEYED")]
        for pair in ((name, ""), ("", retry))
    ]  # fmt: skip
    assert "grants=" not in text
    assert 'key="nonce"' in text


def test_names_of_the_packages_own_are_left_to_their_modules(made: Made) -> None:
    found = exports(made.path("imported_names"))
    assert {"Message", "Any", "SDK", "requests", "importlib"} <= found
    own = {"TYPE_CHECKING", "annotations", "messages", "types", "grants"}
    assert found & own == set()
    stub = (made.path("imported_names") / "messages" / "imported_names.pyi").read_text(encoding="utf-8")
    assert own <= set(re.findall(r"^class (\w+)\(", stub, re.MULTILINE))


def test_names_of_two_protos_are_left_to_their_modules(made: Made) -> None:
    found = exports(made.path("same_names"))
    assert "Both" in found
    assert not {"Thing", "Kind"} & found


def test_services_win_over_messages(made: Made) -> None:
    text = (made.path("service_is_message") / "__init__.py").read_text(encoding="utf-8")
    assert '"Hats": "odd_service_is_message._sync.hats"' in text
    assert '"OddAPI": "odd_service_is_message._sync.api"' in text


def test_repeated_strings_take_no_bare_string(made: Made) -> None:
    text = (made.path("keywords") / "types" / "keywords.py").read_text(encoding="utf-8")
    assert "    import_: Strings | None\n" in text
    assert "    from_: str | None\n" in text


def test_presence_follows_the_edition(made: Made) -> None:
    folder = made.path("editions") / "messages"
    presence = 'def HasField(self, field_name: Literal["explicit", "needed", "part", "closed", "a", "b", "either"])'
    assert presence in (folder / "editions.pyi").read_text(encoding="utf-8")
    assert 'def HasField(self, field_name: Literal["explicit"])' in (folder / "explicit.pyi").read_text(
        encoding="utf-8"
    )


def test_only_the_map_is_a_map(made: Made) -> None:
    stub = (made.path("map_entries") / "messages" / "map_entries.pyi").read_text(encoding="utf-8")
    assert "def part(self) -> ScalarMap[str, str]: ..." in stub
    assert "def entries(self) -> RepeatedCompositeFieldContainer[PartEntry]: ..." in stub


def test_only_paged_rpcs_have_iterators(made: Made) -> None:
    """An RPC without one of the fields, or with two lists, has none."""
    found = functions(made.path("pages") / "_sync" / "lists.py")
    assert [name for name in found if name.startswith("iter_")] == [
        "iter_hats",
        "iter_search_hats",
        "iter_list",
        "iter_import",
        "iter_usual",
    ]
    assert "`iter_hats` iterates over all pages." in found["list_hats"]
    assert found["iter_search_hats"].startswith("Iterate over the `items` of all pages of `search_hats`.")


def test_iterators_are_no_coroutines(made: Made) -> None:
    text = (made.path("pages") / "_async" / "lists.py").read_text(encoding="utf-8")
    assert "    def iter_hats(" in text
    assert "async def iter_" not in text
    assert ") -> AsyncIterator[_Iterator]:" in text or ") -> AsyncIterator[Iterator]:" in text


def test_a_deprecation_warning_has_the_comments_words(made: Made) -> None:
    """Of the method and of its iterator; not of what is not deprecated."""
    for mode in ("_sync", "_async"):
        tree = ast.parse((made.path("deprecated") / mode / "old.py").read_text(encoding="utf-8"))
        marks = {
            node.name: [ast.literal_eval(mark.args[0]) for mark in node.decorator_list if isinstance(mark, ast.Call)]
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        of = {
            "get": ["Get is deprecated"],
            "find": ['Find is deprecated: use "Get" \\ `Get`'],
            "list": ["List is deprecated"],
            "put": [],
        }
        iterators = {f"iter_{name}": mark for name, mark in of.items()}
        assert {name: mark for name, mark in marks.items() if name != "__init__"} == of | iterators


def test_docstrings_say_what_is_deprecated(made: Made) -> None:
    folder = made.path("deprecated")
    docs = functions(folder / "_sync" / "old.py")
    assert docs["get"].startswith("Deprecated.\n")
    assert docs["find"].partition("Fields:")[0].count("Deprecated") == 2
    assert "Finds it." in docs["find"]
    assert "Lists it.\n\nDeprecated.\n" in docs["list"]
    assert "eprecated" not in docs["put"].partition("Fields:")[0]
    assert '"""Deprecated."""' in (folder / "_sync" / "old.py").read_text(encoding="utf-8")
    stub = (folder / "messages" / "deprecated.pyi").read_text(encoding="utf-8")
    assert re.findall(r'"""(.*Deprecated.*)"""', stub) == [
        "Deprecated.",
        "Nothing. Deprecated.",
        "Deprecated.",
        "Its kind. Deprecated.",
        "Deprecated: the old page.",
    ]
    assert '    """A thing.\n\n    Deprecated.\n    """' in stub
    assert "    text: Deprecated.\n    kind: Its kind. Deprecated.\n" in docs["put"].replace("        ", "    ")
    types = (folder / "types" / "deprecated.py").read_text(encoding="utf-8")
    assert '    kind: Kind | KindName | None\n    """Its kind. Deprecated."""' in types


def test_exports_of_other_packages(made: Made) -> None:
    """They win over messages of their names; a bound class may share its base's name."""
    folder = made.path("exports")
    assert {"Fraction", "Mapping", "Lists", "Inners", "Baskets", "parse_day", "UserList", "Box"} <= exports(folder)
    text = (folder / "__init__.py").read_text(encoding="utf-8")
    assert '"Fraction": "fractions"' in text
    assert '"Lists": "odd_exports._bound.lists"' in text
    bound = (folder / "_bound" / "lists.py").read_text(encoding="utf-8")
    assert re.search(r'class Lists\(_?UserList\["_?UserList"\]\):\n', bound)
    inners = (folder / "_bound" / "inners.py").read_text(encoding="utf-8")
    assert re.search(r"def item_class\(cls\) -> type\[_?UserList\.Inner\]:\n", inners)


def test_bound_classes_return_what_they_are_bound_to(made: Made) -> None:
    program = """
from odd_exports import Baskets, Inners, Lists, parse_day
from odd_exports.messages.exports import Box, UserList
assert Lists.item_class() is UserList and Inners.item_class() is UserList.Inner
assert Baskets.basket_class() is Lists and Baskets("$hat").substitute(hat="cap") == "cap"
assert parse_day("2026-11-28").day == 28 and parse_day.__self__.box_class() is Box
"""
    subprocess.run([sys.executable, "-c", program], cwd=made.folder, check=True)


def test_without_bound_classes_there_is_no_module_of_them(made: Made) -> None:
    assert not (made.path("idempotency") / "_bound").exists()
