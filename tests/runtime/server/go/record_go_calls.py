"""Let Go's generated clients call our server, and keep their requests, our responses and their outcomes.

By hand, after the server has changed: ``python tests/runtime/server/go/record_go_calls.py``. It needs Go, and downloads
its modules. A test then holds the server against ``calls.json``.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from rooms_handler import new_app  # noqa: E402


class Quiet(WSGIRequestHandler):
    """A request handler that logs nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "caller")
        for name in ("go.mod", "main.go"):
            Path(folder, name).write_bytes((HERE / name).read_bytes())
        environment = os.environ | {"GOFLAGS": "-mod=mod"}
        subprocess.run(["go", "build", "-o", program, "."], cwd=folder, env=environment, check=True)
        calls = _record(program)
    (HERE / "calls.json").write_text(json.dumps(calls, indent=1) + "\n", encoding="utf-8")
    print(f"{len(calls)} calls")


def _record(program: Path) -> list[dict[str, Any]]:
    calls: list[dict[str, Any]] = []
    app = new_app()

    def recording(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        call = {
            "path": environ["PATH_INFO"],
            "content_type": environ["CONTENT_TYPE"],
            "twirp_version": environ.get("HTTP_TWIRP_VERSION"),
            "body": base64.b64encode(body).decode(),
        }
        calls.append(call)

        def start(status: str, headers: list[tuple[str, str]]) -> Any:
            call["status"] = int(status[:3])
            return start_response(status, headers)

        response = b"".join(app(environ, start))
        call["response"] = base64.b64encode(response).decode()
        return [response]

    server = make_server("127.0.0.1", 0, recording, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    ran = subprocess.run([program, url], capture_output=True, text=True, check=True, timeout=60)
    server.shutdown()
    server.server_close()
    outcomes = [json.loads(line) for line in ran.stdout.splitlines()]
    return [{**call, "go": outcome} for call, outcome in zip(calls, outcomes, strict=True)]


if __name__ == "__main__":
    main()
