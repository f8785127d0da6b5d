"""Fixtures and marks of all tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROTOBUF = (
    "conformance",  # recorded requests are encoded, responses decoded, and both compared as messages
    "generated",  # the message classes of the SDK: keywords and mappings to messages, pages, schema, imports
    "runtime/cli",  # arguments to messages, messages to JSON
    "runtime/livekit/test_access_tokens.py",  # a room configuration is a message, and JSON in a token
    "runtime/livekit/test_sip_errors.py",  # details of an error are messages
    "runtime/livekit/test_webhook_receiver.py",  # JSON to messages
    "runtime/test_attempts.py",  # a nonce is written into the request; a copy of it is sent again
    "runtime/test_call_info.py",  # responses are decoded
    "runtime/test_call_flow.py",  # what is encoded and decoded, and refused
    "runtime/test_client_lifecycle.py",  # pickles
    "clientcompat",  # a generated package of another schema
    "runtime/test_details.py",  # details of an error are messages
    "runtime/test_error_classes.py",  # pickles
    "runtime/test_events.py",  # events carry messages
    "runtime/test_livekit_tokens.py",  # grants are copied from fields of the request
    "runtime/test_manifest_facts.py",  # fields of the request decide on grants and waits
    "runtime/test_message_pool.py",  # descriptors to classes
    "runtime/test_pool_loading.py",  # descriptors to classes
    "runtime/test_reading_answers.py",  # decoding, of all plain rows of the table of cases
    "runtime/test_retryable.py",  # a request is encoded, and encoded again where it is repeated
    "runtime/transports/test_own_sessions.py",  # responses are decoded
    "runtime/transports/test_session_tools.py",  # likewise
    "runtime/test_redaction.py",  # fields of the request are kept out of texts
    "runtime/test_signatures.py",  # fields of messages
    "runtime/test_request_fields.py",  # keywords and mappings to messages
    "runtime/test_retryable.py",  # errors hold what was decoded
    "runtime/test_time_shares.py",  # a wait is a field of the request
    "runtime/server",  # requests to messages, messages to JSON and bytes
    "runtime/testing/test_testing_page.py",  # the fake LiveKit answers with messages
    "runtime/testing/test_answer_bytes.py",  # messages to responses
    "runtime/testing/test_check.py",  # messages are compared by their bytes
    "runtime/testing/test_scripted_server.py",  # requests to messages
    "runtime/testing/test_with_clients.py",  # messages there and back
)
"""Folders and modules whose tests all carry the mark ``protobuf``, with the reason. Others mark single tests.

HTTP, connections, deadlines, proxies, forks and signals do not depend on protobuf, nor does the generator, whose users
have the newest. tests/test_marks.py looks for modules that are missing here.
"""
SLOW = 2.0
"""Seconds that a test may take without the mark ``slow``."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `PROTOBUF` lists."""
    listed = tuple(HERE / path for path in PROTOBUF)
    marked = {path: any(path.is_relative_to(each) for each in listed) for path in {item.path for item in items}}
    for item in items:
        if marked[item.path]:
            item.add_marker("protobuf")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without collecting garbage, and leave them out of later garbage collections.

    Almost nothing of thousands of tests becomes garbage, and each collection would walk all of them.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        if collects:
            gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the tests that lack the mark ``slow``. No failure: a busy machine makes any test slow."""
    reports = [report for report in terminalreporter.getreports("passed") if report.duration > SLOW]
    if unmarked := [report for report in reports if "slow" not in report.keywords]:
        terminalreporter.section(f"over {SLOW:g} s, and not marked slow")
        for report in unmarked:
            terminalreporter.line(f"{report.duration:.1f} s {report.when}: {report.nodeid}")


@pytest.fixture(autouse=True)
def without_livekit_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the credentials of whoever runs it."""
    for name in [name for name in os.environ if name.startswith("LIVEKIT_")]:
        monkeypatch.delenv(name)
