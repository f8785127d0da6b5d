"""LiveKit's names, all of them, by the one rule from the protos and the manifest's acronyms."""

import re
from pathlib import Path

import pytest
from generating import HATS, MANIFEST, ROOT, compiled, project, run

from twirpkit_codegen.schema import build, manifest
from twirpkit_codegen.schema.model import Method, Service

PROTOS = ROOT / "protos"
FACTS = manifest.load(PROTOS / "livekit.toml")
SERVICES = build.build(compiled(PROTOS), FACTS).services
METHODS = [(service, method) for service in SERVICES for method in service.methods]

NAMES = {
    "room": """create_room list_rooms delete_room list_participants get_participant remove_participant
        mute_published_track update_participant update_subscriptions send_data update_room_metadata forward_participant
        move_participant perform_rpc""",
    "egress": """start_egress update_layout update_stream list_egress stop_egress start_room_composite_egress
        start_web_egress start_participant_egress start_track_composite_egress start_track_egress""",
    "ingress": "create_ingress update_ingress list_ingress delete_ingress",
    "sip": """list_sip_trunk create_sip_inbound_trunk create_sip_outbound_trunk update_sip_inbound_trunk
        update_sip_outbound_trunk get_sip_inbound_trunk get_sip_outbound_trunk list_sip_inbound_trunk
        list_sip_outbound_trunk delete_sip_trunk create_sip_dispatch_rule update_sip_dispatch_rule
        list_sip_dispatch_rule delete_sip_dispatch_rule create_sip_participant transfer_sip_participant""",
    "agent_dispatch": "create_dispatch delete_dispatch list_dispatch",
    "connector": """dial_whatsapp_call disconnect_whatsapp_call connect_whatsapp_call accept_whatsapp_call
        connect_twilio_call""",
    "cloud_agent": """create_agent create_agent_v2 promote_agent list_agents list_agent_versions list_agent_secrets
        update_agent restart_agent deploy_agent deploy_agent_v2 update_agent_secrets rollback_agent delete_agent
        get_client_settings create_private_link destroy_private_link list_private_links get_private_link_status""",
    "agent_simulation": """create_simulation_run confirm_simulation_source_upload get_simulation_run
        list_simulation_runs count_simulation_runs cancel_simulation_run create_scenario_from_session""",
    "phone_number": """search_phone_numbers purchase_phone_number list_phone_numbers get_phone_number
        update_phone_number release_phone_numbers""",
    "replay": "list_replays playback seek close export delete_replay",
}
"""Names that users write: a changed one breaks their programs."""


def test_names_are_what_users_write() -> None:
    assert {each.attribute: [method.py_name for method in each.methods] for each in SERVICES} == {
        attribute: names.split() for attribute, names in NAMES.items()
    }
    assert len(METHODS) == 89


@pytest.mark.parametrize(("service", "method"), METHODS, ids=lambda value: value.name)
def test_names_follow_the_rule(service: Service, method: Method) -> None:
    """Words in snake case, no letter added or lost, no acronym taken apart."""
    words = method.py_name.split("_")
    assert "".join(words) == method.name.lower()
    assert all(re.fullmatch(r"[a-z][a-z0-9]+", word) for word in words)
    for acronym in FACTS.acronyms:
        assert (acronym.lower() in method.name.lower()) is (acronym.lower() in words)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_attributes_follow_the_rule(service: Service) -> None:
    assert service.attribute.replace("_", "") in (service.name.lower(), service.name.removesuffix("Service").lower())
    assert service.class_name == service.name


@pytest.mark.parametrize("acronym", ["URL", "MakeHatt", "Ke", "HATS"])
def test_an_acronym_that_no_name_has_is_refused(acronym: str, tmp_path: Path) -> None:
    path = project(tmp_path, toml=f'{MANIFEST}acronyms = ["Hat", "{acronym}"]\n')
    done = run("generate", path)
    assert (done.code, done.err) == (
        1,
        f"manifest.toml:4: no name has the acronym {acronym!r}: remove it from sdk.acronyms\n",
    )


@pytest.mark.parametrize("acronym", ["Make", "HAT", "hat", "Service", "ID"])
def test_an_acronym_that_a_name_has_is_taken(acronym: str, tmp_path: Path) -> None:
    """Of an RPC or a service, with digits after it or not."""
    proto = HATS.replace("MakeHat(", "MakeHatID2(")
    path = project(tmp_path, {"a.proto": proto}, f'{MANIFEST}acronyms = ["{acronym}"]\n')
    assert run("inspect", path).err == ""
