"""A school's service: an endpoint that opens lessons, a webhook that counts who came, and a worker that records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from livekit_twirp import AsyncLiveKitAPI, NotFoundError, WebhookError, WebhookReceiver


@dataclass
class School:
    """The parts that the service is made of."""

    livekit: AsyncLiveKitAPI
    receiver: WebhookReceiver
    attendance: Counter[str] = field(default_factory=Counter)

    async def record(self, lesson: str) -> str:
        """Start the recording of a lesson, as the worker does, and return its id."""
        egress = await self.livekit.egress.start_room_composite_egress(
            room_name=lesson, file_outputs=[{"filepath": f"{lesson}.mp4"}]
        )
        return egress.egress_id


def new_app(school: School) -> FastAPI:
    """Return the web application."""
    app = FastAPI()

    @app.post("/lessons/{name}")
    async def open_lesson(name: str) -> dict[str, Any]:
        room = await school.livekit.room.create_room(name=name, metadata="lesson")
        return {"name": room.name, "closes_after": room.empty_timeout}

    @app.delete("/lessons/{name}")
    async def end_lesson(name: str) -> dict[str, Any]:
        try:
            await school.livekit.room.delete_room(room=name)
        except NotFoundError:
            raise HTTPException(404, "no such lesson") from None
        return {"ended": name}

    @app.post("/webhook")
    async def webhook(request: Request) -> dict[str, Any]:
        try:
            event = school.receiver.receive(await request.body(), request.headers.get("Authorization"))
        except WebhookError:
            raise HTTPException(401) from None
        if event.event == "participant_joined":
            school.attendance[event.room.name] += 1
        return {}

    return app
