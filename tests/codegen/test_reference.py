"""The reference pages: they have everything of the model, and no comment breaks their Markdown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from generating import GOOD, HATS, MANIFEST, ROOT, odd, project, run, tree

from twirpkit_codegen.inputs import Inputs, load
from twirpkit_codegen.render import markdown, reference
from twirpkit_codegen.schema.comments import parse
from twirpkit_codegen.schema.model import Api

LIVEKIT = ROOT / "protos" / "livekit.toml"
PAGES = ROOT / "docs" / "reference"
CLOUD = "LiveKit Cloud only."


def model(path: Path) -> Api:
    """The model of a manifest and the protos beside it."""
    return load(Inputs(path))


@pytest.fixture(scope="module")
def livekit() -> Api:
    """LiveKit's model."""
    return model(LIVEKIT)


@pytest.fixture(scope="module")
def pages(livekit: Api) -> dict[str, str]:
    """LiveKit's pages."""
    return reference.pages(livekit)


def test_the_checkout_is_up_to_date(pages: dict[str, str]) -> None:
    on_disk = {path: content.decode() for path, content in tree(PAGES).items() if content}
    assert on_disk == pages


def section(page: str, title: str) -> str:
    """Return the text under a heading."""
    return page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_each_rpc_is_on_the_page_of_its_service(livekit: Api, pages: dict[str, str]) -> None:
    """With its fields, types, grants, retry class and timeout."""
    count = 0
    for service in livekit.services:
        assert f"[`{service.attribute}`]({service.attribute}.md)" in pages["README.md"]
        page = pages[f"{service.attribute}.md"]
        for method in service.methods:
            text = section(page, method.py_name)
            count += 1
            assert markdown.text(method.doc.summary) in text
            for field in method.request_fields:
                assert re.search(rf"^\| `{field.py_name}` \| .+ \| .+ \|$", text, re.MULTILINE), (
                    method.name,
                    field.name,
                )
            for claim, names in (method.policy.grants or {}).items():
                assert all(f"`{claim}.{name}`" in text for name in names)
            assert f"- Retry class: {method.policy.retry}" in text
            if method.policy.wait is not None:
                assert f"`{method.policy.wait['field']}` ({method.policy.wait['default']} s" in text
            else:
                assert f"- Timeout: {method.policy.timeout or 10} s, unless" in text
            assert (method.pages is not None) is ("iterates over all pages" in text)
            assert method.deprecated is (f"**{method.name} is deprecated" in text)
            assert f"`{method.name}` takes [`{method.request.name}`](types/" in text
    assert count == 89


def test_cloud_only_services_are_marked(livekit: Api, pages: dict[str, str]) -> None:
    """In the index, on the page, and in the docstring."""
    mark_deprecated = {service.attribute for service in livekit.services if service.note == CLOUD}
    assert mark_deprecated == {"agent_simulation", "cloud_agent", "connector", "phone_number", "replay"}
    for service in livekit.services:
        told = service.attribute in mark_deprecated
        (row,) = (line for line in pages["README.md"].splitlines() if line.startswith(f"| [`{service.attribute}`]"))
        assert row.endswith(f"| {CLOUD} |") is told
        assert (CLOUD in pages[f"{service.attribute}.md"].partition("\n| RPC |")[0]) is told
        client = (ROOT / "generated/livekit_twirp/_sync" / f"{service.attribute}.py").read_text(encoding="utf-8")
        assert (CLOUD in client.partition("def __init__")[0]) is told


def test_cloud_only_rpcs_are_marked(livekit: Api, pages: dict[str, str]) -> None:
    """The comments that say so are of these services and rows, and of no others."""
    for service in livekit.services:
        for method in service.methods:
            told = CLOUD in (service.note, method.policy.note)
            assert (CLOUD.rstrip(".") in method.doc.text) is told, method.name
            row = f"| [`{method.py_name}`](#{method.py_name}) | {markdown.cell(method.doc.summary)} **{CLOUD}** |"
            assert (row in pages[f"{service.attribute}.md"]) is (method.policy.note == CLOUD), method.name


def test_types_that_no_call_has_are_left_out(pages: dict[str, str]) -> None:
    text = "".join(pages.values())
    assert "## SIPInboundTrunkInfo\n" in text
    assert "## CreateSIPTrunkRequest\n" not in text
    assert "## WorkerMessage\n" not in text


@pytest.mark.slow
@pytest.mark.parametrize("name", [*GOOD, "livekit"])
def test_no_proto_breaks_the_pages(name: str, livekit: Api, tmp_path: Path) -> None:
    """Tables have their columns, links their targets, and there is no HTML but ours."""
    api = livekit if name == "livekit" else model(odd(name, tmp_path / "in"))
    made = reference.pages(api)
    for path, page in made.items():
        assert page.endswith("\n"), path
        assert not page.endswith("\n\n"), path
        assert "\n\n\n" not in page, path
        assert all(each.isprintable() or each == "\n" for each in page), path
        header, *lines = page.splitlines()
        assert re.fullmatch(
            r"<!-- Generated by twirpkit from [\w/. -]+\. Do not edit: [\w ]+: ?[\w ]+\. -->", header
        ) or (re.fullmatch(r"<!-- Generated by twirpkit from [\w/. -]+\. Do not edit: [\w ]+\. -->", header))
        html = [line for line in lines if re.search(r"<", without_code(line))]
        assert [line for line in html if not re.fullmatch(r'<a id="[\w.]+"></a>', line)] == []
        assert [line for line in lines if line.startswith("#") and not re.fullmatch(r"##? [`\w.: /-]+", line)] == []
        assert list(broken_rows(lines)) == []
        for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", without_code(page)):
            there = (Path(path).parent / target).as_posix() if target else path
            there = there.replace("types/../", "")
            assert there in made, (path, target)
            assert not anchor or f'<a id="{anchor}"></a>\n' in made[there] or f"\n## {anchor}\n" in made[there]


def without_code(text: str) -> str:
    """Markdown without what is escaped, and without code."""
    return re.sub(r"`[^`\n]+`", "``", re.sub(r"\\[^\w\s]", "", text))


def cells(line: str) -> list[str]:
    """The cells of a row, as GitHub splits it: backslashes first, code not at all."""
    return re.findall(r"((?:\\.|[^|\\])*)\|", line)[1:]


def broken_rows(lines: list[str]) -> Iterator[str]:
    """Rows that have not as many cells as their table has columns."""
    columns = 0
    for line in lines:
        if not line.startswith("|"):
            columns = 0
        elif columns == 0:
            columns = len(cells(line))
        elif len(cells(line)) != columns or not line.endswith("|"):
            yield line


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("Plain text.", "Plain text."),
        ("a | b", r"a \| b"),
        ("`a | b`", r"`a \| b`"),
        (r"a \| b", r"a \\\| b"),
        (r"`a \| b`", r"`a \| b`"),
        (r"`a \\| b`", r"`a \\\| b`"),
        ("ends in `a\\`", "ends in `a\\`"),
        ("ends in \\", r"ends in \\"),
        ("an ` alone", r"an \` alone"),
        ("`x` and ` alone", r"`x` and \` alone"),
        ("``twice``", r"\``twice`\`"),
        ("<b>, <!-- and &amp;", r"\<b\>, \<!-- and \&amp;"),
        ("`List<int>`", "`List<int>`"),
        ("[link](to) ![image](of)", r"\[link\](to) !\[image\](of)"),
        ("*loud* __LOUD__ _soft_ snake_case", r"\*loud\* \_\_LOUD\_\_ \_soft\_ snake_case"),
        ("$5 or $6, ~struck~", r"\$5 or \$6, \~struck\~"),
        ("bell \x07 and line \x85", r"bell \\x07 and line \\x85"),
        ("two\nlines", "two lines"),
    ],
)
def test_text_is_data(comment: str, expected: str) -> None:
    """In a cell; in a paragraph the same, but for bars in code, which mean nothing there."""
    assert markdown.cell(comment) == expected
    assert len(cells(f"| a | {markdown.cell(comment)} |")) == 2
    if "`a |" not in comment and "\\| b`" not in comment and "\\\\|" not in comment:
        assert markdown.text(comment) == expected


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("One. Two.\n\nThree.", "One.\n\nTwo.\n\nThree."),
        ("List:\n- a * b\n* c", "List:\n\n- a \\* b\n\n- c"),
        ("# no heading", r"\# no heading"),
        ("1. a *list*", r"1. a \*list\*"),
        ("2) a list", "2) a list"),
        ("1234567890. no list", r"1234567890\. no list"),
        ("+ no list", r"\+ no list"),
        ("--- no rule", r"\--- no rule"),
        ("=== no heading", r"\=== no heading"),
        ("> no quote", r"\> no quote"),
        ("```no fence", r"\`\`\`no fence"),
        ("| no | table |", r"\| no \| table \|"),
        ("300 rooms", "300 rooms"),
    ],
)
def test_paragraphs_are_no_other_blocks(comment: str, expected: str) -> None:
    assert markdown.paragraphs(parse(comment)) == expected


@pytest.fixture
def project_with_pages(tmp_path: Path) -> Path:
    """A project whose pages are made; returns its manifest."""
    path = project(tmp_path / "in")
    done = run("generate", path, "--out", tmp_path / "out", "--reference", tmp_path / "pages")
    assert (done.code, done.err) == (0, "")
    return path


def test_without_the_option_there_are_no_pages(tmp_path: Path) -> None:
    run("generate", project(tmp_path / "in"), "--out", tmp_path / "out")
    assert [path for path in tree(tmp_path / "out") if path.endswith(".md")] == []


def test_pages_lie_in_their_folder_alone(project_with_pages: Path, tmp_path: Path) -> None:
    assert sorted(tree(tmp_path / "pages")) == ["README.md", "hat_service.md", "types", "types/acme.md"]
    assert [path for path in tree(tmp_path / "out") if path.endswith(".md")] == []


def test_check_holds_the_pages(project_with_pages: Path, tmp_path: Path) -> None:
    arguments = ("check", project_with_pages, "--out", tmp_path / "out")
    page = tmp_path / "pages" / "hat_service.md"
    assert run(*arguments, "--reference", tmp_path / "pages").code == 0
    page.write_text(page.read_text(encoding="utf-8") + "More.\n", encoding="utf-8")
    done = run(*arguments, "--reference", tmp_path / "pages")
    assert done.code == 1
    assert "-More.\n" in done.out
    assert "--- on disk/hat_service.md" in done.out
    assert run(*arguments).code == 0


def test_stale_pages_are_removed_and_others_stay(project_with_pages: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    (pages / "mine.md").write_text("# Mine\n")
    project_with_pages.write_text(f'{MANIFEST}[services."acme.HatService"]\nattribute = "hats"\n')
    done = run("generate", project_with_pages, "--out", tmp_path / "out", "--reference", pages)
    assert done.code == 0
    assert sorted(tree(pages)) == ["README.md", "hats.md", "mine.md", "types", "types/acme.md"]
    assert (pages / "mine.md").read_text() == "# Mine\n"


def test_a_page_of_somebody_elses_is_not_overwritten(tmp_path: Path) -> None:
    """And nothing else is written either."""
    path, pages = project(tmp_path / "in"), tmp_path / "pages"
    pages.mkdir()
    (pages / "README.md").write_text("# Mine\n")
    before = tree(tmp_path)
    done = run("generate", path, "--out", tmp_path / "out", "--reference", pages)
    assert (done.code, done.out) == (1, "")
    assert done.err == f"{pages / 'README.md'}: not written by twirpkit, so not overwritten: move it away\n"
    assert tree(tmp_path) == before


@pytest.mark.parametrize("note", ["1", '""', '" "', '"two\\nlines"', "[]"])
def test_a_note_is_a_line_of_text(note: str, tmp_path: Path) -> None:
    path = project(tmp_path, toml=f'{MANIFEST}[services."acme.HatService"]\nnote = {note}\n')
    done = run("inspect", path)
    assert done.code == 1
    assert re.fullmatch(r"manifest\.toml:5: acme\.HatService: note .* must be a line of text\n", done.err)
    path.write_text(f'{MANIFEST}[services."acme.HatService"]\nMakeHat = {{ note = {note} }}\n')
    assert re.fullmatch(
        r"manifest\.toml:5: the row MakeHat of acme\.HatService: note .* must be a line of text\n",
        run("inspect", path).err,
    )


@pytest.mark.slow
def test_a_note_is_there_once(tmp_path: Path) -> None:
    """Also if the comment has it already."""
    for comment in ("", "// Makes hats.\n", "// In Paris only.\n", "// Makes hats.\n//\n// In Paris only. Ask.\n"):
        folder = tmp_path / str(len(comment))
        proto = HATS.replace("service", f"{comment}service", 1)
        path = project(
            folder, {"acme.proto": proto}, f'{MANIFEST}[services."acme.HatService"]\nnote = "In Paris only."\n'
        )
        assert run("generate", path, "--out", folder, "--reference", folder / "pages").err == ""
        client = (folder / "acme_twirp/_sync/hat_service.py").read_text(encoding="utf-8")
        page = (folder / "pages/hat_service.md").read_text(encoding="utf-8")
        assert client.partition("class ")[2].partition("def ")[0].count("In Paris only.") == 1
        assert page.count("In Paris only.") == 1
