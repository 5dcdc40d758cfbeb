"""Who may ask the dashboard: the browser that has the secret, from the dashboard's own pages."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from sim.dashboard.app import application

TOKEN = "a-secret-of-this-test"


@dataclass
class Answer:
    code: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Client:
    """A browser, as far as a server can see one: it keeps the cookie that it was given."""

    port: int
    cookie: str = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> Answer:
        given = {"Cookie": self.cookie, **(headers or {})}
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        line.request("GET" if body is None else "POST", path, content, given)
        answer = line.getresponse()
        known = {name.lower(): value for name, value in answer.getheaders()}
        text = answer.read().decode("utf-8")
        line.close()
        return Answer(answer.status, known, text)

    def post(self, path: str, body: Any, origin: str | None) -> Answer:
        return self.ask(path, {} if origin is None else {"Origin": origin}, body)


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[int]:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # who asks before the server runs waits for it
    number = listening.getsockname()[1]
    app = application(tmp_path_factory.mktemp("runs"), number, TOKEN)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield number
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def client(port: int) -> Client:
    return Client(port)


@pytest.fixture
def known(client: Client) -> Client:
    """A browser that opened the printed address."""
    answer = client.ask(f"/?token={TOKEN}")
    assert answer.code == 303
    client.cookie = answer.headers["set-cookie"].partition(";")[0]
    return client


PATHS = ["/", "/static/dashboard.js", "/report", "/api/start", "/api/jobs"]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_let_in_without_the_secret(client, path):
    assert client.ask(path).code == 403
    assert client.ask(f"{path}?token=another").code == 403
    client.cookie = f"kyosei_{client.port}=another"
    assert client.ask(path).code == 403


def test_the_secret_becomes_a_cookie_that_no_script_and_no_other_site_has(client):
    answer = client.ask(f"/?token={TOKEN}")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert answer.headers["location"] == "/"


def test_the_secret_leads_nowhere_else(client):
    answer = client.ask(f"//example.org/?token={TOKEN}")
    assert answer.headers.get("location", "/") == "/"


def test_another_name_of_this_machine_is_no_address_of_it(known):
    for host in ("example.org", f"example.org:{known.port}", f"127.0.0.1:{known.port + 1}"):
        assert known.ask("/api/jobs", {"Host": host}).code == 400
    assert known.ask("/api/jobs", {"Host": f"localhost:{known.port}"}).code == 200


def test_other_sites_can_neither_read_nor_start_anything(known):
    assert known.ask("/api/jobs", {"Origin": "http://example.org"}).code == 403
    for origin in (None, "null", f"http://127.0.0.1:{known.port + 1}"):
        assert known.post("/api/jobs", {}, origin).code == 403
        assert known.post("/api/scenarios", {}, origin).code == 403
    assert known.post("/api/jobs", {}, known.address).code == 422


def test_pages_may_not_be_framed_kept_or_run_foreign_scripts(known):
    answer = known.ask("/api/jobs")
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    policy = known.ask("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_no_file_but_the_built_two_is_served(known):
    for name in ("page.js", "..%2f..%2fpage.js", "styles.json", "%2e%2e/app.py"):
        assert known.ask(f"/static/{name}").code == 404
    assert known.ask("/static/dashboard.css").code == 200


def test_a_folder_is_named_by_its_number_alone(known):
    for number in ("../../etc", "/etc", "", "0123456789abcdef"):
        answer = known.ask(f"/report?run={number}")
        assert answer.code == 422
        assert "no finished folder" in answer.text


def test_a_body_that_is_too_large_or_no_json_is_refused(known):
    assert known.post("/api/check", b"x" * 200_000, known.address).code == 413
    assert known.post("/api/check", b"{", known.address).code == 422
