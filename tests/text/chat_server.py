"""A real HTTP server that answers, and misbehaves, as OpenAI-compatible endpoints do."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SILENT = 60.0  # seconds without an answer, or until the server is stopped


class ChatServer:
    """A server whose answers are taken from ``script``, one a request; after the last one all are good."""

    def __init__(self, good: str):
        self.script: list[tuple[int, str | bytes, dict[str, str]] | float] = []
        self.requests: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()
        self.busy = self.most_busy = 0
        self.delay_s = 0.0
        self.gone = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer.lock:
                    outer.busy += 1
                    outer.most_busy = max(outer.most_busy, outer.busy)
                    outer.requests.append(body | {"path": self.path})
                    outer.headers.append(dict(self.headers))
                    answer = outer.script.pop(0) if outer.script else (200, completion(good), {})
                if isinstance(answer, float):
                    outer.gone.wait(answer)  # says nothing for so long
                    answer = (200, completion(good), {})
                time.sleep(outer.delay_s)
                with outer.lock:
                    outer.busy -= 1
                status, text, headers = answer
                raw = text if isinstance(text, bytes) else text.encode()
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except OSError:
                    pass  # the client gave up

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()


def completion(text: str, **more) -> str:
    return json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | more]}
    )
