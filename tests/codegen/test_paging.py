"""Lists that continue after an id: which fields make an RPC one, and what its facts are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from generating import compiled, project

from twirpkit_codegen.schema import build, manifest

PROTO = """syntax = "proto3";
package acme;
service Hats {{ rpc ListHats(Request) returns (Response); }}
message Page {{ string after_id = 1; int32 limit = 2; }}
message Hat {{ {hat} }}
message Request {{ {request} }}
message Response {{ {response} }}
"""
USUAL = {"hat": "string hat_id = 1;", "request": "Page page = 1;", "response": "repeated Hat hats = 1;"}


def pages_of(folder: Path, **parts: str) -> Any:
    """The paging facts of the one RPC."""
    file = project(
        folder, {"acme.proto": PROTO.format_map(USUAL | parts)}, '[sdk]\npackage = "a_twirp"\nfacade = "A"\n'
    )
    api = build.build(compiled(folder), manifest.load(file))
    return api.services[0].methods[0].pages


@pytest.mark.parametrize(
    ("parts", "start", "item_id"),
    [
        ({}, "page.after_id", "hat_id"),
        ({"request": "string after_id = 4;"}, "after_id", "hat_id"),
        ({"request": "optional Page from = 2; string shop = 1;"}, "from.after_id", "hat_id"),
        ({"hat": "string id = 1; string brim_id = 2;"}, "page.after_id", "id"),
        ({"hat": "string name = 2; string sid = 1;"}, "page.after_id", "sid"),
    ],
)
def test_is_paged(tmp_path: Path, parts: dict[str, str], start: str, item_id: str) -> None:
    pages = pages_of(tmp_path, **parts)
    assert (pages.py_name, pages.start, pages.next, pages.items) == ("iter_hats", start, "", "hats")
    assert pages.item_id == item_id


@pytest.mark.parametrize(
    "parts",
    [
        {"hat": "string name = 1; string hat_id = 2;"},
        {"hat": "int64 hat_id = 1;"},
        {"hat": "repeated string hat_id = 1;"},
        {"hat": "string paid = 1;"},
        {"hat": ""},
        {"request": "int64 after_id = 1;"},
        {"request": "repeated Page pages = 1;"},
        {"request": "map<string, Page> pages = 1;"},
        {"request": "string after = 1;"},
        {"response": "repeated Hat hats = 1; repeated Hat caps = 2;"},
        {"response": "repeated string ids = 1;"},
        {"response": "Hat hat = 1;"},
    ],
    ids=lambda parts: next(iter(parts.values())),
)
def test_is_not_paged(tmp_path: Path, parts: dict[str, str]) -> None:
    assert pages_of(tmp_path, **parts) is None


def test_a_token_wins(tmp_path: Path) -> None:
    pages = pages_of(
        tmp_path,
        request="Page page = 1; string page_token = 2;",
        response="repeated Hat hats = 1; string next_page_token = 2;",
    )
    assert (pages.start, pages.next, pages.item_id) == ("page_token", "next_page_token", None)
