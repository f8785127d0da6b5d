"""The school's tests: without a socket, or against a real server with `--livekit-live`."""

import asyncio
from typing import Any

from app import School, new_app
from fastapi.testclient import TestClient

from livekit_twirp import AsyncLiveKitAPI, WebhookReceiver
from livekit_twirp.testing import FakeLiveKit

LESSON = "twirpkit-lesson"


def test_a_lesson(livekit: FakeLiveKit, async_livekit_api: AsyncLiveKitAPI) -> None:
    school = School(async_livekit_api, WebhookReceiver(livekit.api_key, livekit.api_secret))
    web = TestClient(new_app(school))
    livekit.on_webhook(lambda body, auth: web.post("/webhook", content=body, headers={"Authorization": auth}))
    assert web.post(f"/lessons/{LESSON}").json() == {"name": LESSON, "closes_after": 300}
    livekit.join(LESSON, "ada")
    egress = asyncio.run(school.record(LESSON))
    assert web.delete(f"/lessons/{LESSON}").status_code == 200
    livekit.advance(seconds=2)
    assert (livekit.events[-1].event, livekit.events[-1].egress_info.egress_id) == ("egress_ended", egress)
    assert school.attendance[LESSON] == 1


def test_a_lesson_is_ended_once(async_livekit_api: AsyncLiveKitAPI) -> None:
    web: Any = TestClient(new_app(School(async_livekit_api, WebhookReceiver("key", "secret" * 6))))
    web.post(f"/lessons/{LESSON}")
    assert [web.delete(f"/lessons/{LESSON}").status_code for _ in range(2)] == [200, 404]
