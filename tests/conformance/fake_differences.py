"""Recorded exchanges in which FakeLiveKit is not what livekit-server is, each with the reason."""

from typing import Final

__all__ = ["DIFFERENT", "NOT_SENT"]

_BODY = "the request's body was not stored"
_HTTP = "the response of an HTTP server, before its application"
_WORKER = "an error of the stand-in for a worker, which a test orders with `fail`"
_LOST = "a worker that is lost, which the fake does not have"
_CONFIGURED = "a server with codecs and a region of its own"

NOT_SENT: Final = {
    "room/create_room/metadata_too_long": _BODY,
    "room/update_room_metadata/too_long": _BODY,
    "agent_dispatch/create_dispatch/metadata_too_long": _BODY,
    "http/body/eleven_mebibytes": _BODY,
    "http/body/broken_chunk": _HTTP,
    "http/body/shorter_than_announced": _HTTP,
    "http/header/bad_request_line": _HTTP,
    "http/header/expect_other": _HTTP,
    "http/header/header_too_large": _HTTP,
    "http/header/no_host": _HTTP,
    "http/route/double_slash_inside": _HTTP,
    "room/perform_rpc/participant_leaves": "the participant leaves while a call of its method is under way",
    "room/create_room/limited_codecs": _CONFIGURED,
    "room/get_participant/with_region": _CONFIGURED,
    "room/create_room/without_redis": _CONFIGURED,
    "egress/start_web_egress/refused": _WORKER,
    "egress/start_web_egress/failing_worker": _WORKER,
    "egress/start_web_egress/full_worker": _WORKER,
    "egress/update_stream/lost_worker": _LOST,
    "egress/stop_egress/lost_worker": _LOST,
    "sip/create_sip_participant/failing_worker": _WORKER,
    "sip/transfer_sip_participant/silent_worker": _LOST,
    "ingress/create_ingress/url_refused": _WORKER,
}
"""Exchanges whose requests are not sent to the fake."""

_STREAMS = "the stand-in for a worker reports one stream of two, and results that it made up"
_MEDIA = "the stand-in for a worker reports media"
_JOBS = "the fake has no agents, which take jobs"

DIFFERENT: Final = {
    "room/list_rooms/with_participants": "the counts of the server lag behind",
    "room/list_rooms/participants_counted": "the counts of the server lag behind",
    "room/list_participants/grants_minimal": "the fake's recordings have no participant",
    "room/list_rooms/grants_wrong_type": "the text of Go's JSON parser",
    "http/body/gzip": "the fake decodes compressed requests, as every TwirpApp does",
    "http/header/preflight": "the fake does not serve browsers (CORS)",
    "egress/update_stream/added": _STREAMS,
    "egress/update_stream/removed": _STREAMS,
    "egress/update_layout/changed": _STREAMS,
    "egress/stop_egress/stopped": _STREAMS,
    "egress/list_egress/finished": _STREAMS,
    "egress/list_egress/failed": _STREAMS,
    "egress/list_egress/active_only": "the stand-in for a worker leaves other recordings at their start",
    "sip/list_sip_inbound_trunk/page_after": "pages are in the order of ids, which are random",
    "ingress/list_ingress/all": _MEDIA,
    "ingress/list_ingress/by_room": _MEDIA,
    "ingress/list_ingress/by_id": _MEDIA,
    "ingress/delete_ingress/publishing": _MEDIA,
    "agent_dispatch/list_dispatch/with_job": _JOBS,
    "agent_dispatch/list_dispatch/all_with_jobs": _JOBS,
    "agent_dispatch/delete_dispatch/with_job": _JOBS,
}
"""Exchanges whose responses differ. One that agrees by now fails."""
