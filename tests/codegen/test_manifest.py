"""Manifests: valid ones, and the error text of each mistake."""

from pathlib import Path

import pytest
from generating import HATS, project, run

from twirpkit_codegen.schema import manifest

SDK = '[sdk]\npackage = "acme_twirp"\nfacade = "AcmeAPI"\n'
SERVICE = "acme.HatService"
BOUND = "sdk.bound.Hats must be { base = 'package.module:Class', <attribute> = '<message>' }"
BAD: dict[str, tuple[str | bytes, str]] = {
    "no toml": ("[sdk\n", "manifest.toml:1: is not TOML: "),
    "no toml, later": ('[sdk]\npackage = "a"\nfacade =\n', "manifest.toml:3: is not TOML: "),
    "no end": ('[sdk]\npackage = """a\n', "manifest.toml:3: is not TOML: "),
    "a key twice": ('[sdk]\npackage = "a"\npackage = "b"\n', "manifest.toml:3: is not TOML: "),
    "no utf-8": (
        b'[sdk]\npackage = "a"\nfacade = "\xe9"\n',
        "manifest.toml:3: is not UTF-8, which TOML must be: save it",
    ),
    "unknown table": (
        SDK + "[servces]\n",
        "manifest.toml:4: the manifest has the unknown key 'servces'; it may have claims, known_errors",
    ),
    "unknown key": (
        SDK + "sumary = 'x'\n",
        "manifest.toml:4: [sdk] has the unknown key 'sumary'; it may have acronyms",
    ),
    "unknown variable": (
        SDK + "[sdk.env]\nurl = 'U'\nkey = 'K'\n",
        "manifest.toml:6: [sdk.env] has the unknown key 'key'; it may have api_key, api_secret, token, url",
    ),
    "no sdk": ("", "manifest.toml:1: sdk.package must be given, as the name of a Python package"),
    "sdk is no table": ("sdk = 1\n", "manifest.toml:1: [sdk] must be a table"),
    "no package": ("# x\n[sdk]\nfacade = 'A'\n", "manifest.toml:2: sdk.package must be given, as the name of a Python"),
    "no facade": (
        "[sdk]\npackage = 'a'\n",
        "manifest.toml:1: sdk.facade must be given, as the name of a public Python",
    ),
    "package with a slash": ("[sdk]\npackage = '../a'\nfacade = 'A'\n", "manifest.toml:2: sdk.package must be given"),
    "package with an empty part": ("[sdk]\npackage = 'a..b'\nfacade = 'A'\n", "manifest.toml:2: sdk.package must be"),
    "keyword as package": ("[sdk]\npackage = 'class'\nfacade = 'A'\n", "manifest.toml:2: sdk.package must be given"),
    "our package": (
        "[sdk]\npackage = 'twirpkit'\nfacade = 'A'\n",
        "manifest.toml:2: sdk.package 'twirpkit' is a package that generated code imports: choose another name",
    ),
    "python's package": ("[sdk]\npackage = 'typing'\nfacade = 'A'\n", "manifest.toml:2: sdk.package 'typing' is a"),
    "keyword as facade": ("[sdk]\npackage = 'a'\nfacade = 'None'\n", "manifest.toml:3: sdk.facade must be given"),
    "private facade": ("[sdk]\npackage = 'a'\nfacade = '_A'\n", "manifest.toml:3: sdk.facade must be given"),
    "summary is a list": (SDK + "summary = []\n", "manifest.toml:4: sdk.summary must be a string"),
    "regions": (SDK + "regions = 'a.b'\n", "manifest.toml:4: sdk.regions 'a.b' must be like 'package.module:name'"),
    "sensitivity is a number": (SDK + "sensitivity = 3\n", "manifest.toml:4: sdk.sensitivity must be a string"),
    "sensitivity is no option": (
        SDK + "sensitivity = 'acme.secret'\n",
        "manifest.toml:4: sdk.sensitivity 'acme.secret' is not an extension of google.protobuf.FieldOptions",
    ),
    "known_errors is a table": (
        SDK + "[known_errors]\n",
        "manifest.toml:4: known_errors must be a list of tables: write [[known_errors]]",
    ),
    "known_errors of strings": (
        "known_errors = ['a']\n" + SDK,
        "manifest.toml:1: known_errors must be a list of tables",
    ),
    "known error with an unknown key": (
        SDK + "[[known_errors]]\nretry = false\n",
        "manifest.toml:5: [[known_errors]] has the unknown key 'retry'; it may have cloud_only, code, final, hint,",
    ),
    "known error without a code": (
        SDK + "[[known_errors]]\ntext = 'x'\nfinal = true\n",
        "manifest.toml:4: [[known_errors]] needs a code, one of canceled, unknown, ",
    ),
    "known error of an unknown code": (
        SDK + "[[known_errors]]\ncode = 'on_fire'\ntext = 'x'\nfinal = true\n",
        "manifest.toml:4: [[known_errors]] needs a code, one of canceled, unknown, ",
    ),
    "known error without a text": (
        SDK + "[[known_errors]]\ncode = 'internal'\nfinal = true\n",
        "manifest.toml:4: [[known_errors]] needs a text: a part of the error's message",
    ),
    "known error that says nothing": (
        SDK + "[[known_errors]]\ncode = 'internal'\ntext = 'x'\nfinal = false\n",
        "manifest.toml:4: [[known_errors]] needs a hint (a string), or final = true, or both",
    ),
    "known error with a wrong hint": (
        SDK + "[[known_errors]]\ncode = 'internal'\ntext = 'x'\nhint = 3\n",
        "manifest.toml:4: [[known_errors]] needs a hint (a string), or final = true, or both",
    ),
    "known error with a wrong switch": (
        SDK + "[[known_errors]]\ncode = 'internal'\ntext = 'x'\nfinal = true\nstrip = 'yes'\n",
        "manifest.toml:4: [[known_errors]]: final, strip and cloud_only are true or false",
    ),
    "env is a string": (SDK + "env = ''\n", "manifest.toml:4: sdk.env must be a table"),
    "acronyms is a string": (SDK + "acronyms = 'SIP'\n", "manifest.toml:4: sdk.acronyms must be a list of strings"),
    "acronyms of numbers": (SDK + "acronyms = [1]\n", "manifest.toml:4: sdk.acronyms must be a list of strings"),
    "acronym of nothing": (SDK + "acronyms = ['']\n", "manifest.toml:4: sdk.acronyms must be words of ASCII letters"),
    "prefix with a slash at its end": (
        SDK + "prefix = '/twirp/'\n",
        "manifest.toml:4: sdk.prefix '/twirp/' must be empty",
    ),
    "prefix without a slash": (SDK + "prefix = 'twirp'\n", "manifest.toml:4: sdk.prefix 'twirp' must be empty or like"),
    "testing": (
        SDK + "[sdk.testing]\nbase = 'acme_fakes'\n",
        "manifest.toml:4: sdk.testing must be { base = 'package.module:Class', parameters = ['Name'], exports",
    ),
    "key of testing": (
        SDK + "[sdk.testing]\nbas = 'a:B'\n",
        "manifest.toml:5: [sdk.testing] has the unknown key 'bas'; it may have base, exports, parameters",
    ),
    "signer": (SDK + "signer = 'a.b'\n", "manifest.toml:4: sdk.signer 'a.b' must be like 'package.module:name'"),
    "errors": (SDK + "errors = 'a.b'\n", "manifest.toml:4: sdk.errors 'a.b' must be like 'package.module:name'"),
    "header": (
        SDK + "request_id_header = 'a: b'\n",
        "manifest.toml:4: sdk.request_id_header 'a: b' must be the name of a",
    ),
    "variable with a quote": (
        SDK + '[sdk.env]\nurl = \'"""\'\n',
        "manifest.toml:5: sdk.env.url must be the name of an",
    ),
    "variable is a number": (SDK + "[sdk.env]\nurl = 1\n", "manifest.toml:5: sdk.env.url must be the name of an"),
    "exports of no module": (
        SDK + "[sdk.exports]\n'a-b' = ['C']\n",
        "manifest.toml:5: sdk.exports: 'a-b' is not a module",
    ),
    "exports no list": (SDK + "[sdk.exports]\na = 'C'\n", "manifest.toml:5: sdk.exports.a must be a list of strings"),
    "exports a private name": (
        SDK + "[sdk.exports]\n'a.b' = ['_C']\n",
        "manifest.toml:5: sdk.exports: '_C' of a.b is not a public Python name",
    ),
    "exports an error's name": (
        SDK + "[sdk.exports]\na = ['NotFoundError']\n",
        "manifest.toml:5: 'NotFoundError' is already a name of a package: leave it out",
    ),
    "exports a folder's name": (
        SDK + "[sdk.exports]\na = ['messages']\n",
        "manifest.toml:5: 'messages' is already a name of a package: leave it out",
    ),
    "exports the facade's name": (
        SDK + "[sdk.exports]\na = ['AcmeAPI']\n",
        "manifest.toml:5: a:AcmeAPI and sdk.facade (manifest.toml:3) are both 'AcmeAPI' in Python: leave one out",
    ),
    "exports a service's name": (
        SDK + "[sdk.exports]\na = ['AsyncHatService']\n",
        "manifest.toml:5: a:AsyncHatService and acme.HatService (acme.proto:5) are both 'AsyncHatService' in Python",
    ),
    "exports a name twice": (
        SDK + "[sdk.exports]\na = ['C']\nb = ['C']\n",
        "manifest.toml:6: b:C and a:C (manifest.toml:5) are both 'C' in Python: leave one out",
    ),
    "exports what it binds": (
        SDK + "[sdk.exports]\na = ['C']\n[sdk.bound]\nC = { base = 'a:C', hat = 'acme.Hat' }\n",
        "manifest.toml:7: sdk.bound.C and a:C (manifest.toml:5) are both 'C' in Python: leave one out",
    ),
    "binds no table": (SDK + "[sdk.bound]\nHats = 1\n", "manifest.toml:5: sdk.bound.Hats must be a table"),
    "binds no base": (
        SDK + "[sdk.bound]\nHats = { hat = 'acme.Hat', hot = 'acme.Hat' }\n",
        f"manifest.toml:5: {BOUND}",
    ),
    "binds no message": (SDK + "[sdk.bound]\nHats = { base = 'a:B' }\n", f"manifest.toml:5: {BOUND}"),
    "binds two messages": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 'acme.Hat', hot = 'acme.Hat' }\n",
        f"manifest.toml:5: {BOUND}",
    ),
    "binds a base of no module": (
        SDK + "[sdk.bound]\nHats = { base = 'a.B', hat = 'acme.Hat' }\n",
        f"manifest.toml:5: {BOUND}",
    ),
    "binds a private attribute": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', _hat = 'acme.Hat' }\n",
        f"manifest.toml:5: {BOUND}",
    ),
    "binds a number": (SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 1 }\n", f"manifest.toml:5: {BOUND}"),
    "binds as a private class": (
        SDK + "[sdk.bound]\n_Hats = { base = 'a:B', hat = 'acme.Hat' }\n",
        f"manifest.toml:5: {BOUND.replace('Hats', '_Hats')}",
    ),
    "binds an unknown message": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 'acme.Hot' }\n",
        "manifest.toml:5: sdk.bound.Hats: 'acme.Hot' is not a message of these protos",
    ),
    "binds itself": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 'Hats' }\n",
        "manifest.toml:5: sdk.bound.Hats: 'Hats' is not a message of these protos",
    ),
    "binds a base of a base": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B.c.d', hat = 'acme.Hat' }\n",
        f"manifest.toml:5: {BOUND}",
    ),
    "binds with a word for a flag": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 'acme.Hat', generic = 'no' }\n",
        f"manifest.toml:5: {BOUND}",
    ),
    "binds a property of no type": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 'acme.Hat', properties = { name = 1 } }\n",
        f"manifest.toml:5: {BOUND}",
    ),
    "binds an unknown property": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 'acme.Hat', properties = { brim = 'int' } }\n",
        "manifest.toml:5: sdk.bound.Hats: acme.Hat has no field 'brim'",
    ),
    "binds two to one module": (
        SDK + "[sdk.bound]\nHatBox = { base = 'a:B', h = 'acme.Hat' }\nhat_box = { base = 'a:B', h = 'acme.Hat' }\n",
        "manifest.toml:6: sdk.bound.hat_box and sdk.bound.HatBox (manifest.toml:5) are both '_bound.hat_box' in Python",
    ),
    "binds a service": (
        SDK + "[sdk.bound]\nHats = { base = 'a:B', hat = 'acme.HatService' }\n",
        "manifest.toml:5: sdk.bound.Hats: 'acme.HatService' is not a message of these protos",
    ),
    "claims is a list": ("claims = []\n" + SDK, "manifest.toml:1: claims must be a table of tables"),
    "a claim is a string": (SDK + "[claims]\nvideo = 'x'\n", "manifest.toml:5: claims.video must be a table"),
    "a kind of claim": (
        SDK + "[claims.video]\nroom = 'str'\n",
        "manifest.toml:5: claims.video.room must be 'bool', 'string' or 'strings', not 'str'",
    ),
    "services is a list": ("services = []\n" + SDK, "manifest.toml:1: services must be a table of tables"),
    "a service is a string": (SDK + "[services]\n'a.B' = 'x'\n", "manifest.toml:5: services.a.B must be a table"),
    "skip is a string": ("skip = 'x'\n" + SDK, "manifest.toml:1: skip must be a list of strings"),
    "skips nothing known": ("skip = [\n 'x.Y',\n]\n" + SDK, "manifest.toml:1: no service x.Y in the protos: remove it"),
    "an unknown service": (
        SDK + "\n[services.'x.Y']\n",
        "manifest.toml:5: no service x.Y in the protos: remove it from",
    ),
    "a section and skipped": (
        f"skip = ['{SERVICE}']\n{SDK}[services.'{SERVICE}']\n",
        f"manifest.toml:5: {SERVICE} has a section and is skipped: choose one",
    ),
    "renames nothing": (
        SDK + "[rename]\n'acme.Hat.siz' = 'inches'\n",
        "manifest.toml:5: rename: nothing in the protos is called 'acme.Hat.siz'; did you mean 'acme.Hat.size'?",
    ),
    "renames to no name": (
        SDK + "[rename]\n'acme.Hat.size' = 'a-b'\n",
        "manifest.toml:5: rename: 'a-b' for 'acme.Hat.size' is not a public Python name",
    ),
    "renames two things to one name": (
        SDK + "[rename]\n'acme.Hat.size' = 'x'\n'acme.Hat.name' = 'x'\n",
        "manifest.toml:5: rename: 'x' is the name of acme.Hat.name: choose another for acme.Hat.size, or rename both",
    ),
    "renames to a reserved name": (
        SDK + "[rename]\n'acme.HatService/MakeHat' = 'with_options'\n",
        "manifest.toml:5: rename: 'with_options' is taken: choose another for acme.HatService/MakeHat",
    ),
    "renames to another's name": (
        SDK + "[rename]\n'acme.Hat.size' = 'name'\n",
        "manifest.toml:5: rename: 'name' is the name of acme.Hat.name: choose another for acme.Hat.size",
    ),
    "rename is a list": ("rename = []\n" + SDK, "manifest.toml:1: [rename] must be a table"),
    "only what is not there": (
        "only = ['acme.HatServic']\n" + SDK,
        "manifest.toml:1: only: nothing in the protos is called 'acme.HatServic'; did you mean 'acme.HatService'?",
    ),
    "protos is a list": ("protos = []\n" + SDK, "manifest.toml:1: [protos] must be a table"),
    "protos with an unknown key": (
        SDK + "[protos]\nroot = 'a'\n",
        "manifest.toml:5: [protos] has the unknown key 'root'",
    ),
    "protos without roots": (SDK + "[protos]\nroots = []\n", "manifest.toml:5: protos.roots must name a folder at"),
    "roots is a string": (SDK + "[protos]\nroots = '.'\n", "manifest.toml:5: protos.roots must be a list of strings"),
    "excludes nothing": (
        SDK + "[protos]\nexclude = ['no']\n",
        "manifest.toml:5: protos.exclude: 'no' excludes no file: remove it",
    ),
    "attribute is no name": (
        f"{SDK}[services.'{SERVICE}']\nattribute = 'a-b'\n",
        f"manifest.toml:5: attribute 'a-b' of {SERVICE} must be a public Python name",
    ),
    "attribute is a keyword": (
        f"{SDK}[services.'{SERVICE}']\nattribute = 'import'\n",
        f"manifest.toml:5: attribute 'import' of {SERVICE} must be a public Python name",
    ),
    "attribute is private": (
        f"{SDK}[services.'{SERVICE}']\nattribute = '_endpoint'\n",
        f"manifest.toml:5: attribute '_endpoint' of {SERVICE} must be a public Python name",
    ),
    "attribute is a number": (
        f"{SDK}[services.'{SERVICE}']\nattribute = 1\n",
        f"manifest.toml:5: attribute 1 of {SERVICE} must be a public Python name",
    ),
    "attribute is the facade's": (
        f"{SDK}[services.'{SERVICE}']\nattribute = 'close'\n",
        f"manifest.toml:5: 'close' is already a name of a facade: give {SERVICE} another attribute",
    ),
    "class is no name": (
        f"{SDK}[services.'{SERVICE}']\nclass = 'None'\n",
        f"manifest.toml:5: class 'None' of {SERVICE} must be a public Python name",
    ),
    "class is the facade's": (
        f"{SDK}[services.'{SERVICE}']\nclass = 'AsyncAcmeAPI'\n",
        f"manifest.toml:5: {SERVICE} and sdk.facade (manifest.toml:3) are both 'AsyncAcmeAPI' in Python: give",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_an_error_names_the_place_of_the_mistake(case: str, tmp_path: Path) -> None:
    text, begins = BAD[case]
    path = project(tmp_path / "in", toml=text)
    done = run("generate", path, "--out", tmp_path / "out")
    assert [line for line in done.err.splitlines() if line.startswith(begins)], done.err
    assert done.code == 1
    assert not (tmp_path / "out").exists()


MANY = """
skip = ["acme.No", "acme.Neither"]
[sdk]
package = "acme_twirp"
facade = "AcmeAPI"
sensitive_fields = ["acme.Hat.no", "acme.No.name"]
exports = { other = ["TwirpError", "types"] }
bound = { A = { base = "a:B", to = "acme.No" }, C = { base = "a:B", to = "acme.Hat", properties = { no = "str" } } }
[protos]
exclude = ["no", "neither"]
[share]
"no.proto" = "other"
"neither.proto" = "other"
[rename]
"acme.Hat.size" = "name"
"acme.Hat.tags" = "name"
"acme.HatService/MakeHat" = "with_options"
"""


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    done = run("generate", project(tmp_path, toml=MANY))
    lines = [line.partition(": ")[0].rpartition(":")[2] for line in done.err.splitlines()]
    assert lines == ["2", "2", "6", "6", "7", "7", "8", "8", "10", "10", "12", "13", "15", "16", "17"], done.err


def test_all_names_that_nothing_has_are_told_at_once(tmp_path: Path) -> None:
    toml = SDK + "acronyms = ['XY', 'ZZ']\n[rename]\n'acme.No' = 'A'\n'acme.Neither' = 'B'\n"
    done = run("generate", project(tmp_path, toml=toml))
    assert len(done.err.splitlines()) == 4, done.err


def test_a_manifest_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "none.toml"
    assert run("generate", path).err == f"{path}: this manifest does not exist\n"


def test_a_manifest_that_is_a_folder(tmp_path: Path) -> None:
    assert run("generate", tmp_path).err == f"{tmp_path}: cannot be read: Is a directory\n"


def test_defaults(tmp_path: Path) -> None:
    facts = manifest.load(project(tmp_path))
    assert facts.package.summary == "The API of acme_twirp."
    assert (facts.package.prefix, facts.package.signer, facts.package.request_id_header, facts.package.env) == (
        "/twirp",
        None,
        None,
        {},
    )
    assert (facts.acronyms, facts.claims, facts.services, facts.skip) == ((), None, {}, ())


OPTIONS = """\
syntax = "proto3";

package acme;

import "google/protobuf/descriptor.proto";

extend google.protobuf.FieldOptions {
  int32 care = 50001;
}

extend google.protobuf.MessageOptions {
  int32 other = 50002;
}
"""


def test_the_option_of_sensitive_fields_is_found_by_its_name(tmp_path: Path) -> None:
    for name, number in (("care", 50001), ("other", None)):
        root = tmp_path / name
        path = project(root, {"hats.proto": HATS, "options.proto": OPTIONS}, f"{SDK}sensitivity = 'acme.{name}'\n")
        done = run("generate", path, "--out", root / "out")
        if number is None:
            assert "'acme.other' is not an extension of google.protobuf.FieldOptions" in done.err
        else:
            emitted = (root / "out/acme_twirp/messages/__init__.py").read_text(encoding="utf-8")
            assert "MessagePool(__name__, sensitivity=50001)\n" in emitted


def test_sensitive_fields_are_in_the_package(tmp_path: Path) -> None:
    path = project(tmp_path, toml=f"{SDK}sensitive_fields = ['acme.Hat.name']\n")

    assert run("generate", path, "--out", tmp_path / "out").err == ""
    emitted = (tmp_path / "out/acme_twirp/messages/__init__.py").read_text(encoding="utf-8")
    assert 'MessagePool(__name__, sensitive=("acme.Hat.name",))\n' in emitted


@pytest.mark.parametrize("name", ["acme.Hat.nam", "Hat.name", "acme.Cap.name", "name", "acme.Hat"])
def test_a_sensitive_field_that_does_not_exist_is_an_error(tmp_path: Path, name: str) -> None:
    path = project(tmp_path, toml=f"{SDK}sensitive_fields = [{name!r}]\n")

    text = f"manifest.toml:4: sdk.sensitive_fields: {name!r} is not a field of these protos, like 'acme.Hat.name'\n"
    assert text in run("generate", path, "--out", tmp_path / "out").err


def test_known_errors_are_in_the_package(tmp_path: Path) -> None:
    known = "[[known_errors]]\ncode = 'data_loss'\ntext = 'a\"b'\nhint = 'h'\n"
    known += "[[known_errors]]\ncode = 'internal'\ntext = 'x'\nfinal = true\n"
    path = project(tmp_path, toml=f"{SDK}regions = 'acme.regions:Regions'\n{known}")
    done = run("generate", path, "--out", tmp_path / "out")
    emitted = (tmp_path / "out/acme_twirp/_sdk.py").read_text(encoding="utf-8")

    assert done.err == ""
    assert 'sdk.KnownError(sdk.Code.DATA_LOSS, \'a"b\', hint="h"),' in emitted
    assert 'sdk.KnownError(sdk.Code.INTERNAL, "x", final=True),' in emitted
    assert 'regions="acme.regions:Regions",' in emitted


WHERE = '''\
skip = ["a"]

[sdk]
package = "a" # = "b"
"facade" = "A"
env.url = "U"
summary = """
package = 1 == 1
== package
"""

[ services . "acme.HatService" ] # the hats
attribute = "hats"
MakeHat = { retry = "read" }

[services."acme.HatService".BuyHat]
retry = "never"

[services.'acme.CapService']
MakeCap.retry = "read"
MakeCap.key = "nonce"

[services.Plain]
Get = {}
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("skip",), 1),
        (("sdk",), 3),
        (("sdk", "package"), 4),
        (("sdk", "facade"), 5),
        (("sdk", "env", "url"), 6),
        (("sdk", "env"), 6),
        (("sdk", "summary"), 7),
        (("sdk", "prefix"), 3),
        (("services",), 12),
        (("services", "acme.HatService"), 12),
        (("services", "acme.HatService", "attribute"), 13),
        (("services", "acme.HatService", "MakeHat"), 14),
        (("services", "acme.HatService", "BuyHat"), 16),
        (("services", "acme.HatService", "BuyHat", "retry"), 17),
        (("services", "acme.HatService", "Other"), 12),
        (("services", "acme.CapService", "MakeCap"), 20),
        (("services", "acme.CapService", "MakeCap", "key"), 21),
        (("services", "Plain", "Get"), 24),
        (("services", "None"), 1),
        ((), 1),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_places(path: tuple[str, ...], line: int, ending: str, tmp_path: Path) -> None:
    facts = manifest.load(project(tmp_path, toml=WHERE.replace("\n", ending)))
    assert str(facts.location(*path)) == f"manifest.toml:{line}"
