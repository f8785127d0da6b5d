"""The name rules: what a proto name becomes, and which are refused."""

import inspect
import keyword

import pytest
from google.protobuf.empty_pb2 import Empty

import twirpkit._schema.enums
import twirpkit._schema.names
from livekit_twirp import AsyncLiveKitAPI, AsyncRoomService, LiveKitAPI, RoomService
from twirpkit.client import AsyncClient, Client
from twirpkit_codegen.errors import GenerationError, Location
from twirpkit_codegen.schema import naming

HERE = Location("hats.proto", 3)
ACRONYMS = ("SIP", "RPC", "WhatsApp", "API", "OAuth2")


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("CreateRoom", "create_room"),
        ("createRoom", "create_room"),
        ("create_room", "create_room"),
        ("CREATE_ROOM", "create_room"),
        ("GetURL", "get_url"),
        ("HTTPGet", "http_get"),
        ("A", "a"),
        ("AB", "ab"),
        ("Get2", "get2"),
        ("Get2Rooms", "get2_rooms"),
        ("V1Room", "v1_room"),
        ("X509Certificate", "x509_certificate"),
        ("GetX2", "get_x2"),
        ("double__under", "double_under"),
        ("trailing_", "trailing"),
        ("DialWhatsAppCall", "dial_whatsapp_call"),
        ("CreateSIPParticipant", "create_sip_participant"),
        ("PerformRpc", "perform_rpc"),
        ("PerformRPC", "perform_rpc"),
        ("ListSIPs", "list_si_ps"),
        ("Sipping", "sipping"),
        ("SIPRPCAPI", "sip_rpc_api"),
        ("RPC2Call", "rpc2_call"),
        ("OAuth2Login", "oauth2_login"),
        ("Import", "import_"),
        ("From", "from_"),
        ("None", "none"),
        ("List", "list"),
        ("Type", "type"),
    ],
)
def test_an_rpc_becomes_a_method(name: str, made: str) -> None:
    assert naming.snake_case(name, ACRONYMS, HERE) == made


@pytest.mark.parametrize("name", ["__init__", "_hidden", "_", "__", "2Fast", "Größe", ""])
def test_an_rpc_without_a_public_name_is_refused(name: str) -> None:
    with pytest.raises(GenerationError) as caught:
        naming.snake_case(name, (), HERE)
    assert str(caught.value) == f"hats.proto:3: {name!r} does not give a public Python name: rename it in the proto"


@pytest.mark.parametrize("name", [*keyword.kwlist, "list", "match", "type", "_", "_x", "Hat", "x__", "print"])
def test_the_generator_and_the_runtime_spell_names_alike(name: str) -> None:
    assert naming.python_name(name, HERE) == naming.escape_keyword(name) == twirpkit._schema.names.safe_name(name)


@pytest.mark.parametrize("name", ["__x", "__init__", "__"])
def test_two_underscores_are_refused(name: str) -> None:
    with pytest.raises(GenerationError, match=r"^hats\.proto:3: .* two underscores, .*: rename it$"):
        naming.python_name(name, HERE)


@pytest.mark.parametrize("name", ["", "a b", "a\n", "x: pass\nimport os", "a.b", "ü", "ﬁ", "1a", 'a"'])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(GenerationError, match=r"^hats\.proto:3: .* is not a name: "):
        naming.python_name(name, HERE)


@pytest.mark.parametrize(
    ("name", "public"), [("Hat", True), ("hat_2", True), ("_hat", False), ("class", False), ("ü", False), ("", False)]
)
def test_public_names(name: str, public: bool) -> None:
    assert naming.is_public(name) is public


@pytest.mark.parametrize(
    ("method", "made"), [("make_hat", "MAKE_HAT"), ("import_", "IMPORT"), ("methods", "METHODS_"), ("grants", "GRANTS")]
)
def test_constants(method: str, made: str) -> None:
    assert naming.constant_name(method) == made


@pytest.mark.parametrize(
    ("file", "module"),
    [("hats.proto", "hats"), ("a/b_2.proto", "a.b_2"), ("import/None.proto", "import_.None_"), ("hats", "hats")],
)
def test_modules(file: str, module: str) -> None:
    assert naming.module_name(file, HERE) == module


@pytest.mark.parametrize("file", ["some-hats.proto", "../a.proto", "/a.proto", "a.b.proto", "--x.proto", "__a/b.proto"])
def test_other_paths_are_refused(file: str) -> None:
    with pytest.raises(GenerationError, match=r"^hats\.proto:3: the path has more than .*: rename the file$"):
        naming.module_name(file, HERE)


def test_dicts_of_nested_messages_differ_from_others() -> None:
    assert [naming.dict_name(each) for each in ("Hat", "Hat.Part", "HatPart")] == [
        "HatDict",
        "Hat_PartDict",
        "HatPartDict",
    ]


def test_an_error_names_both_of_two_equal_names() -> None:
    with pytest.raises(GenerationError) as caught:
        naming.check_unique([("a", "A", Location("x", 1)), ("b", "B", Location("x", 2)), ("a", "a", Location("y"))])
    assert str(caught.value) == "y: a and A (x:1) are both 'a' in Python: rename one"


@pytest.mark.parametrize("service", [RoomService, AsyncRoomService])
def test_option_names_are_those_of_a_method(service: type[RoomService] | type[AsyncRoomService]) -> None:
    """`retry` is kept for the option of that name."""
    # Its signature shows the fields, too; all options have defaults.
    options = set(service.create_room.__kwdefaults__)
    assert options | {"self", "retry"} == naming.OPTION_NAMES


@pytest.mark.parametrize(("facade", "base"), [(LiveKitAPI, Client), (AsyncLiveKitAPI, AsyncClient)])
def test_facade_names_are_those_of_a_client(facade: type, base: type) -> None:
    """`api` is the module of the facade; `close` and `aclose` are reserved in both modes."""
    public = {name for name in dir(base) if not name.startswith("_")} | {"package"}
    assert public <= naming.FACADE_NAMES
    assert not {name for name in vars(facade) if not name.startswith("_")} & (naming.FACADE_NAMES - {"package"})


def test_message_names_are_those_of_a_message() -> None:
    assert {name for name in dir(Empty) if not name.startswith("_")} <= naming.MESSAGE_NAMES


def test_enum_names_are_those_of_an_enum_class() -> None:
    assert set(inspect.get_annotations(twirpkit._schema.enums.EnumType)) == naming.ENUM_NAMES


def test_int_names_are_those_of_a_member_of_an_enum() -> None:
    """Those of newer versions of Python are among them."""
    assert {name for name in dir(twirpkit._schema.enums.Enum) if not name.startswith("_")} <= naming.INT_NAMES
    assert naming.INT_NAMES - set(dir(int)) <= {"ValueType", "is_integer"}
