"""The name rules: what a proto name becomes, and which are refused."""

import keyword

import pytest

import twirpkit._schema.names
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
        ("ListSIPs", "list_sips"),
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
    assert naming.public_name(naming.snake_case(name, ACRONYMS)) == made


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("GetOAuth2Token", "get_oauth2_token"),
        ("OAuthLogin", "oauth_login"),
        ("ListIPv4", "list_ipv4"),
        ("GetIPv6Address", "get_ipv6_address"),
        ("UpdateAPIs", "update_apis"),
        ("ListURLsOfHat", "list_urls_of_hat"),
        ("QueryGraphQL", "query_graphql"),
        ("GetiOSApp", "get_ios_app"),
        ("GetgRPCStatus", "get_grpc_status"),
        ("iOSApp", "ios_app"),
        ("ListSaaSApps", "list_saas_apps"),
        ("GetK8sCluster", "get_k8s_cluster"),
        ("StudioScene", "studio_scene"),
        ("GitHubLogin", "github_login"),
    ],
)
def test_well_known_words_stay_together(name: str, made: str) -> None:
    assert naming.snake_case(name, ()) == made


@pytest.mark.parametrize(("name", "suspicious"), [("get_o_auth", True), ("get_hat", False), ("a_hat", False)])
def test_a_letter_within_a_name_is_suspicious(name: str, suspicious: bool) -> None:
    assert naming.is_suspicious(name) is suspicious


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("__init__", "init_"),
        ("_hidden", "hidden_"),
        ("_", "name_"),
        ("2Fast", "n2_fast"),
        ("", "name_"),
    ],
)
def test_a_method_is_public(name: str, made: str) -> None:
    snake = naming.snake_case(name, ())
    assert naming.public_name(f"_{snake}" if name.startswith("_") else snake) == made


@pytest.mark.parametrize("name", [*keyword.kwlist, "list", "match", "type", "_", "_x", "Hat", "x__", "print"])
def test_the_generator_and_the_runtime_spell_names_alike(name: str) -> None:
    assert naming.escape(name) == twirpkit._schema.names.safe_name(name)


@pytest.mark.parametrize(
    ("name", "made"), [("__x", "x_"), ("__init__", "init___"), ("__", "name_"), ("__1", "_1_"), ("__from", "from_")]
)
def test_two_underscores_move_to_the_end(name: str, made: str) -> None:
    assert naming.escape(name) == made


def test_a_taken_name_gets_underscores() -> None:
    wanted = {"a": "x_", "b": "x", "c": "x_", "d": "y"}
    assert naming.assign(wanted, ["c"], ["y"]) == {"a": "x__", "b": "x", "c": "x_", "d": "y_"}


@pytest.mark.parametrize(
    ("name", "public"), [("Hat", True), ("hat_2", True), ("_hat", False), ("class", False), ("ü", False), ("", False)]
)
def test_public_names(name: str, public: bool) -> None:
    assert naming.is_public(name) is public


@pytest.mark.parametrize(
    ("method", "made"), [("make_hat", "MAKE_HAT"), ("import_", "IMPORT"), ("methods", "METHODS_"), ("grants", "GRANTS")]
)
def test_constants(method: str, made: str) -> None:
    assert naming.constant_name(method, ()) == made


def test_constants_of_like_methods_differ() -> None:
    assert naming.constant_name("get_url_", ["GET_URL"]) == "GET_URL_"


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("hats.proto", "hats"),
        ("a/b_2.proto", "a.b_2"),
        ("import/None.proto", "import_.None_"),
        ("hats", "hats"),
        ("some-hats.proto", "some_hats"),
        ("a.b.proto", "a.b"),
        ("--x.proto", "x_"),
        ("__a/b.proto", "a_.b"),
        ("1st/2nd hat.proto", "_1st._2nd_hat"),
        ("größe.proto", "gr__e"),
        ("POOL.proto", "POOL_"),
        ("POOL/a.proto", "POOL_.a"),
        ("a/POOL.proto", "a.POOL"),
        ("a..proto", "a._"),
    ],
)
def test_modules(file: str, module: str) -> None:
    assert naming.module_names([file], {}) == {file: module}


def test_modules_that_would_clash() -> None:
    files = ["a-b.proto", "a_b.proto", "A_B.proto", "a.proto", "a/c.proto", "d-e.proto"]
    assert naming.module_names(files, {"d-e.proto": "a_b"}) == {
        "a-b.proto": "a_b___",
        "a_b.proto": "a_b_",
        "A_B.proto": "A_B__",
        "a.proto": "a_",
        "a/c.proto": "a.c",
        "d-e.proto": "a_b",
    }


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
