"""The API as its description, Prometheus and browsers see it."""

import contextlib
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

import node
import peers
import websocket
from scenario import SHORT_GRACE, test

TOKEN = "a token of the tests"
# An open node lets anyone look, but only administrators change anything.
BOSS = ("--set", 'auth.tokens=[{ name: boss, sha256: "' + hashlib.sha256(TOKEN.encode()).hexdigest() +
        '", allow: ["admin:*", "play:*", "publish:*"] }]')
JUDGE = os.path.join(node.ROOT, "tests/interop/foreign_schema.py")


def judge():
    """A python that has the packages: Debian's own, or the one that runs us."""
    for python in ("/usr/bin/python3", sys.executable):
        if subprocess.run([python, "-c", "import jsonschema, yaml"], capture_output=True).returncode == 0:
            return [python, JUDGE]
    raise AssertionError("python3-jsonschema is not installed: run tools/setup test")


def call(scene, method, path, body=None, kind="application/json"):
    """(status, content type, body)"""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(scene.server.http(path), data=data, method=method)
    request.add_header("Authorization", f"Bearer {TOKEN}")
    if data is not None:
        request.add_header("Content-Type", kind)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


class ServerSent:
    """Reads server-sent events in a thread."""

    def __init__(self, url, last=None):
        where = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(where.netloc, timeout=30)
        connection.request("GET", where.path, headers={} if last is None else {"Last-Event-ID": str(last)})
        self.socket = connection.sock
        self.answer = connection.getresponse()
        assert self.answer.status == 200, self.answer.status
        assert self.answer.headers.get_content_type() == "text/event-stream", self.answer.headers
        self.events = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for line in self.answer:
                if line.startswith(b"data: "):
                    self.events.append(json.loads(line[6:]))
        except (OSError, ValueError):
            pass    # the connection ended
        self.answer.close()

    def wait(self, wanted, what):
        return node.until(lambda: next((one for one in list(self.events) if wanted(one)), None), 15, what)

    def close(self):
        with contextlib.suppress(OSError):      # it may have been sent away
            self.socket.shutdown(socket.SHUT_RDWR)      # wakes the reader, who closes the answer


def description(scene):
    status, kind, body = call(scene, "GET", "/api/openapi.yaml")
    assert (status, kind) == (200, "application/yaml"), f"{status} {kind}"
    return body.decode()


def hold(scene, answers, events=()):
    asked = {"description": description(scene), "answers": answers, "events": list(events)}
    run = subprocess.run(judge(), input=json.dumps(asked), capture_output=True, text=True)
    assert run.returncode == 0 and not run.stdout, f"{run.stdout[:3000]}{run.stderr[-2000:]}"


def ask(scene, operation, method, path, *body):
    status, kind, text = call(scene, method, path, *body)
    wanted = "application/problem+json" if status >= 400 else "application/json"
    assert kind == wanted or status == 204, f"{method} {path}: {status} {kind} {text[:300]}"
    return {"operation": operation, "status": status, "body": json.loads(text)} if status != 204 else None


@test(options=(*BOSS, *SHORT_GRACE))
def the_api_answers_what_its_description_says(scene):
    reader = ServerSent(scene.server.http("/api/v1/events"))
    with peers.ffmpeg_publish(scene.clip(), scene.rtmp(), scene.folder):
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()):
            answers = [
                ask(scene, "listStreams", "GET", "/api/v1/streams"),
                ask(scene, "showStream", "GET", "/api/v1/streams/live/cam"),
                ask(scene, "showStream", "GET", "/api/v1/streams/live%2Fcam"),
                ask(scene, "showStream", "GET", "/api/v1/streams/nobody"),
                ask(scene, "listSessions", "GET", "/api/v1/sessions"),
                ask(scene, "listSessions", "GET", "/api/v1/sessions?limit=x"),
                ask(scene, "showSession", "GET", "/api/v1/sessions/9-9"),
                ask(scene, "whoAmI", "GET", "/api/v1/session"),
                ask(scene, "showConfig", "GET", "/api/v1/config"),
                ask(scene, "listUsers", "GET", "/api/v1/users"),
                ask(scene, "putUser", "PUT", "/api/v1/users/cam",
                    {"password": "not a secret", "allow": ["publish:live/*"]}),
                ask(scene, "showUser", "GET", "/api/v1/users/cam"),
                ask(scene, "putToken", "PUT", "/api/v1/tokens/door", {"allow": ["play:*"]}),
                ask(scene, "listTokens", "GET", "/api/v1/tokens"),
                ask(scene, "putStreamRule", "PUT", "/api/v1/streams/live/rule", {"source": "test:"}),
                ask(scene, "putStreamRule", "PUT", "/api/v1/streams/live/rule", {"sauce": 1}),
                ask(scene, "patchConfig", "PATCH", "/api/v1/config", {"log": {"level": "debug"}}),
            ]
            assert ask(scene, "deleteUser", "DELETE", "/api/v1/users/cam") is None
            kinds = {one["kind"] for one in answers[4]["body"]["items"]}
            assert kinds == {"publisher", "viewer", "observer"}, kinds
    reader.wait(lambda one: one["kind"] == "viewer" and one["what"] == "left", "a viewer that left is told")
    hold(scene, answers, reader.events)
    reader.close()


@test(quick=True, options=BOSS)
def a_kick_ends_a_publisher_a_viewer_and_a_reader_of_events(scene):
    with peers.ffmpeg_publish(scene.clip(), scene.rtmp(), scene.folder):
        scene.server.wait_live("live/cam")
        reader = ServerSent(scene.server.http("/live/cam/events"))
        with peers.FlvReader(scene.flv()):
            def sessions():
                return json.loads(call(scene, "GET", "/api/v1/sessions?stream=live/cam")[2])["items"]
            node.until(lambda: len(sessions()) == 3, 5, "three sessions")
            for kind in ("observer", "viewer", "publisher"):
                its = next(one["id"] for one in sessions() if one["kind"] == kind)
                assert call(scene, "DELETE", f"/api/v1/sessions/{its}")[0] == 204
                node.until(lambda: all(one["id"] != its for one in sessions()), 5, f"the {kind} is gone")
                assert call(scene, "DELETE", f"/api/v1/sessions/{its}")[0] == 404
        reader.close()


@test(quick=True, options=BOSS)
def promtool_finds_no_fault_in_the_metrics(scene):
    node.need("promtool")
    with peers.ffmpeg_publish(scene.clip(), scene.rtmp(), scene.folder):
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()):
            call(scene, "GET", "/live/cam/index.m3u8")
            status, kind, text = call(scene, "GET", "/metrics")
            assert (status, kind) == (200, "text/plain"), f"{status} {kind}"
            run = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
            assert run.returncode == 0 and not run.stderr, run.stderr.decode()
            for line in ('millrace_stream_viewers{stream="live/cam",protocol="flv"} 1',
                         'millrace_stream_state{stream="live/cam",state="live"} 1'):
                assert line in text.decode(), f"{line} is missing"


@test(options=SHORT_GRACE)
def row_2_27_events_go_on_where_a_reader_left_off(scene):
    reader = ServerSent(scene.server.http("/live/cam/events"))
    with scene.publication() as publisher:
        live = reader.wait(lambda one: one.get("state") == "live", "the stream is live")
        reader.close()
        publisher.stop()      # it says that it ends
    later = ServerSent(scene.server.http("/live/cam/events"), last=live["id"])
    offline = later.wait(lambda one: one.get("state") == "offline", "the stream is offline")
    assert offline["id"] > live["id"] and all(one["id"] > live["id"] for one in later.events)
    assert {one["kind"] for one in later.events} <= {"stream", "verdict", "publisher"}, later.events
    assert not any("peer" in one or "user" in one for one in later.events), later.events
    later.close()


@test()
def a_websocket_gets_the_same_events(scene):
    reader = websocket.Client(scene.server.listeners["http"], "/live/cam/events")
    with peers.ffmpeg_publish(scene.clip(), scene.rtmp(), scene.folder):
        first, second = (json.loads(reader.read_until(websocket.TEXT)) for _ in range(2))
        assert (first["kind"], first["what"]) == ("publisher", "joined"), first
        assert second["state"] == "waiting", second
    reader.socket.close()


@test()
def case_61_a_foreign_page_opens_no_websocket_of_events(scene):
    for origin in ("http://evil.example", "null"):
        try:
            websocket.Client(scene.server.listeners["http"], "/api/v1/events", (f"Origin: {origin}",))
        except websocket.Refused as refused:
            assert " 403 " in str(refused).split("\r\n")[0], refused
            continue
        raise AssertionError(f"Origin {origin} was let in")


@test(options=BOSS)
def a_node_that_serves_is_healthy_and_ready(scene):
    assert call(scene, "GET", "/readyz")[0] == 200
    assert call(scene, "GET", "/healthz")[0] == 200


@test(options=("--set", "log.format=json", *BOSS))
def every_line_of_a_log_for_machines_is_an_object(scene):
    with peers.ffmpeg_publish(scene.clip(), scene.rtmp("live/a"), scene.folder):
        scene.server.wait_live("live/a")
    call(scene, "GET", "/live/%22%0a%7f.flv")
    lines = [line for line in scene.server.said().splitlines() if line.startswith("{")]
    assert len(lines) >= 3, scene.server.said()
    for line in lines:
        assert len(line) < 512 and set(json.loads(line)) == {"time", "level", "who", "text"}, line
