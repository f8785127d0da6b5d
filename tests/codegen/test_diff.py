"""`twirpkit diff`: every kind of change, in each format, with an exit code."""

import json
from pathlib import Path

import pytest
from generating import HATS, ROOT, compiled, project, run, write

OLD = """
    syntax = "proto3"; package acme;
    service Hats { rpc Make(Hat) returns (Hat); rpc List(Page) returns (Page); }
    message Hat { string name = 1; optional int32 size = 2; oneof at { string shop = 3; } Kind kind = 4; }
    message Page { string page_token = 1; string next_page_token = 2; repeated Hat hats = 3; }
    message Gone { int32 x = 1; }
    enum Kind { NONE = 0; CAP = 1; }
"""
CASES = {
    "nothing": ("", "", []),
    "an rpc is gone": (" rpc Make(Hat) returns (Hat);", "", [("breaks", "rpc", "acme.Hats/Make", "is gone")]),
    "an rpc is new": (
        "rpc Make",
        "rpc Sell(Hat) returns (Hat); rpc Make",
        [("new", "rpc", "acme.Hats/Sell", "takes acme.Hat, returns acme.Hat, retry class never")],
    ),
    "an rpc streams": ("Make(Hat)", "Make(stream Hat)", [("breaks", "rpc", "acme.Hats/Make", "is gone")]),
    "an rpc takes another message": (
        "rpc Make(Hat)",
        "rpc Make(Page)",
        [("breaks", "rpc", "acme.Hats/Make", "takes acme.Page, before acme.Hat")],
    ),
    "a retry class": (
        "rpc Make(Hat) returns (Hat);",
        "rpc Make(Hat) returns (Hat) { option idempotency_level = IDEMPOTENT; }",
        [("breaks", "rpc", "acme.Hats/Make", "retry class idempotent, before retry class never")],
    ),
    "pages end": (
        "repeated Hat hats = 3",
        "repeated string hats = 3",
        [
            ("breaks", "rpc", "acme.Hats/List", "has the iterator none, before iter_list"),
            ("breaks", "field", "acme.Page.hats", "its type is repeated string, before repeated acme.Hat"),
        ],
    ),
    "a message is gone": ("message Gone { int32 x = 1; }", "", [("breaks", "message", "acme.Gone", "is gone")]),
    "a message is new": (
        "message Gone",
        "message More {} message Gone",
        [("new", "message", "acme.More", "with 0 fields")],
    ),
    "a service is gone": (
        "service Hats { rpc Make(Hat) returns (Hat); rpc List(Page) returns (Page); }",
        "",
        [("breaks", "service", "acme.Hats", "is gone")],
    ),
    "a field is renamed": (
        "string name = 1",
        "string title = 1",
        [
            ("breaks", "field", "acme.Hat.name", "is gone; its number is that of title"),
            ("new", "field", "acme.Hat.title", "string = 1"),
        ],
    ),
    "a field's number": ("name = 1", "name = 9", [("breaks", "field", "acme.Hat.name", "its number is 9, before 1")]),
    "a field's type": (
        "string name",
        "bytes name",
        [("breaks", "field", "acme.Hat.name", "its type is bytes, before string")],
    ),
    "a list": (
        "string name",
        "repeated string name",
        [("breaks", "field", "acme.Hat.name", "its type is repeated string, before string")],
    ),
    "presence": (
        "optional int32 size",
        "int32 size",
        [("breaks", "field", "acme.Hat.size", "its presence is implicit, before explicit")],
    ),
    "a oneof": (
        "oneof at { string shop = 3; }",
        "optional string shop = 3;",
        [("breaks", "field", "acme.Hat.shop", "its oneof is none, before at")],
    ),
    "deprecation": (
        "string name = 1",
        "string name = 1 [deprecated = true]",
        [("changes", "field", "acme.Hat.name", "is deprecated")],
    ),
    "a value is gone": (" CAP = 1;", "", [("breaks", "value", "acme.Kind.CAP", "is gone")]),
    "a value's number": ("CAP = 1", "CAP = 2", [("breaks", "value", "acme.Kind.CAP", "is 2, before 1")]),
    "a service and an enum are new": (
        "enum Kind",
        "service More {} enum Size { SMALL = 0; } enum Kind",
        [
            ("new", "service", "acme.More", "with 0 RPCs"),
            ("new", "enum", "acme.Size", "with 1 values"),
        ],
    ),
    "a value is new": ("CAP = 1;", "CAP = 1; FEZ = 2;", [("new", "value", "acme.Kind.FEZ", "= 2")]),
}


@pytest.mark.parametrize("case", CASES)
def test_each_change(case: str, tmp_path: Path) -> None:
    before, after, expected = CASES[case]
    old, new = tmp_path / "old", tmp_path / "new"
    write(old, {"a.proto": OLD})
    assert before in OLD
    write(new, {"a.proto": OLD.replace(before, after, 1) if before else OLD})
    done = run("diff", old, new, "--format", "json")
    found = [(each["effect"], each["kind"], each["name"], each["text"]) for each in json.loads(done.out)]
    assert found == expected
    assert done.code == any(each[0] == "breaks" for each in expected)


def test_text_and_markdown(tmp_path: Path) -> None:
    write(tmp_path / "old", {"a.proto": OLD})
    new = OLD.replace("name = 1", "name = 9").replace("CAP = 1;", "CAP = 1; FEZ = 2;")
    write(tmp_path / "new", {"a.proto": new})
    text = run("diff", tmp_path / "old", tmp_path / "new")
    assert text.out == (
        "Breaks callers:\n  field acme.Hat.name: its number is 9, before 1\n\nNew:\n  value acme.Kind.FEZ: = 2\n"
    )
    pages = run("diff", tmp_path / "old", tmp_path / "new", "--format", "markdown").out
    assert (
        "## Breaks callers\n\n| | | |\n|---|---|---|\n| field | `acme.Hat.name` | its number is 9, before 1 |\n"
        in pages
    )
    same = run("diff", tmp_path / "old", tmp_path / "old")
    assert (same.code, same.out) == (0, "no changes\n")


POLICY = """
[sdk]
package = "acme_twirp"
facade = "AcmeAPI"

[claims.hats]
make = "bool"
shop = "string"

[services."acme.HatService"]
"""


def test_grants_and_retry_classes_of_manifests(tmp_path: Path) -> None:
    rows = ("grants.hats.make = true, retry = 'never'", "grants.hats.shop = '$name', retry = 'keyed', key = 'nonce'")
    old, new = (
        project(tmp_path / str(n), {"acme.proto": HATS}, f"{POLICY}MakeHat = {{ {row}, timeout = {n + 1} }}\n")
        for n, row in enumerate(rows)
    )
    done = run("diff", old, new)
    assert done.code == 1
    assert done.out == (
        "Breaks callers:\n"
        "  rpc acme.HatService/MakeHat: needs the grant hats.shop = '$name'\n"
        "  rpc acme.HatService/MakeHat: retry class keyed by nonce, before retry class never\n"
        "\n"
        "Changes:\n"
        "  rpc acme.HatService/MakeHat: its default timeout is another\n"
        "  rpc acme.HatService/MakeHat: no longer needs the grant hats.make\n"
    )


KINDS = 'syntax = "proto3"; package acme; enum Kind { NONE = 0; CAP = 1 [deprecated = true]; }'


def test_names_that_a_manifest_changes(tmp_path: Path) -> None:
    old = project(tmp_path / "old")
    renamed = '[rename]\n"acme.HatService/MakeHat" = "sew"\n"acme.Hat" = "Bowler"\n"acme.Hat.size" = "inches"\n'
    old.with_name("kinds.proto").write_text(KINDS)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "kinds.proto").write_text(KINDS.replace(" [deprecated = true]", ""))
    renamed += '"acme.Kind" = "Sort"\n"acme.Kind.CAP" = "BONNET"\n'
    section = '[services."acme.HatService"]\nattribute = "hats"\n'
    new = project(tmp_path / "new", toml=old.read_text() + renamed + section)
    done = run("diff", old, new, "--format", "json")
    assert [each["text"] for each in json.loads(done.out)] == [
        "is the class Bowler, before Hat",
        "its key in Python is inches, before size",
        "its attribute is 'hats', and was 'hat_service'",
        "is called sew, before make_hat",
        "is the class Sort, before Kind",
        "is called BONNET, before CAP",
        "is no longer deprecated",
    ]


def test_descriptor_sets(tmp_path: Path) -> None:
    write(tmp_path, {"set.bin": compiled(ROOT / "protos").files.SerializeToString()})
    done = run("diff", tmp_path / "set.bin", ROOT / "protos")
    assert (done.code, done.out) == (0, "no changes\n")


def test_an_input_with_errors(tmp_path: Path) -> None:
    done = run("diff", tmp_path / "none", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "cannot be read: No such file" in done.err
