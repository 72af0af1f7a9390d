"""What the library of the Standard Webhooks specification makes of our deliveries."""

import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from standardwebhooks import Webhook, WebhookVerificationError

from checks import Bench
from server import Doorward

PATIENCE_SECONDS = 30
SECRET = "/api/v1/webhook-secret"
TASKS = "/api/v1/tasks"


@contextmanager
def receiver(statuses: "list[int]") -> "tuple[str, list]":
    """Listens on loopback, and gives its address and the list of what arrives. It answers with the statuses in turn, and
    with 204 after them."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        """Notes the headers and the body."""

        def do_POST(self) -> None:  # the name that the library wants
            """Answers one delivery."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(statuses.pop(0) if statuses else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", heard
    finally:
        server.shutdown()
        server.server_close()


def deliver(server: Doorward, bearer: str, **payload: object) -> dict:
    """Makes a task that is due, and gives it when it has ended."""
    body = {"name": "invoice.due", "scheduled_at": "2020-01-31T12:00:00Z", "kind": "webhook", "payload": payload}
    path = f"{TASKS}/{server.ask('POST', TASKS, 201, body, bearer)['id']}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        task = server.ask("GET", path, 200, bearer=bearer)
        if task["status"] in ("completed", "failed"):
            return task
        time.sleep(0.05)
    raise AssertionError(f"not ended: {task}")


def refuses(secret: str, body: bytes, headers: dict) -> None:
    """The library has to refuse it."""
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return
    raise AssertionError("accepted")


def verified(bench: Bench) -> None:
    """The library verifies each delivery with the secret of its owner, both ones after a rotation, and nothing that was
    changed; all attempts at a task have one id."""
    folder = bench.folder / "webhooks"
    with Doorward(bench.binary, folder, WEBHOOK_ALLOW="127.0.0.1") as server, receiver([503]) as (url, heard):
        server.register("hook")
        bearer = server.log_in("hook")["access_token"]
        first = server.ask("POST", SECRET, 201, bearer=bearer)["secret"]

        sent = {"text": "grüß dich", "numbers": [1, 2.5, None], "nested": {"a": []}}
        task = deliver(server, bearer, url=url, body=sent, headers={"X-Shop": "hats"})
        assert (task["status"], task["attempts"], task["result"]) == ("completed", 2, {"status": 204}), task
        assert len(heard) == 2, heard
        for headers, body in heard:
            assert Webhook(first).verify(body, headers) == sent
            assert headers["webhook-id"] == f"msg_{task['id']}" and headers["x-shop"] == "hats", headers
        headers, body = heard[-1]
        refuses(first, body + b" ", headers)
        refuses(first, body, {**headers, "webhook-id": "msg_other"})
        refuses(first, body, {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)})

        second = server.ask("POST", SECRET, 201, bearer=bearer)["secret"]
        refuses(second, body, headers)
        task = deliver(server, bearer, url=url)
        headers, body = heard[-1]
        told = Webhook(first).verify(body, headers)
        assert told == Webhook(second).verify(body, headers)
        assert (told["type"], told["data"]) == ("invoice.due", {"task_id": task["id"]}), told
