"""Cases 12, 52, 53 and 55: names that are none, on RTMP and HTTP, verbs on every route, smuggled requests."""

import contextlib
import json
import os
import re
import time

import amf0
import node
import rtmp
from world import CLOSED_SECONDS, closed, elsewhere, peer_of, push, test

NAMES = {
    "64 KiB": "x" * 65536, "65 letters": "x" * 65, "empty": "", "dot": ".", "dots": "..",
    "above": "a/../../etc",
    "escaped dots": "%2e%2e", "twice escaped dots": "%252e%252e", "backslash": "..\\..\\x", "NUL": "a\0b",
    "CRLF": "a\r\nX-Evil: 1", "LF": "a\nb", "right to left": "\u202egpj.exe",
    "HTML": "<img src=x onerror=alert(1)>",
    "quotes": "\"';--", "shell": ";rm -rf x", "substitution": "$(id)", "backticks": "`id`",
    "nine": "/".join("abcdefghi"),
    "empty segment": "a//b", "trailing slash": "a/", "leading slash": "/a", "tab": "a\tb", "DEL": "a\x7fb",
    "escape": "\x1b[2Jx", "full width": "\uff0e\uff0e", "not UTF-8": "\udcff",
    "space": "a b", "wild": "*", "at": "@a",
}
VERBS = ("HEAD", "OPTIONS", "TRACE", "BREW", "POST", "PUT", "DELETE", "PATCH", "CONNECT", "get",
         "PROPFIND", "A" * 200)
ROUTES = ("/healthz", "/api/v1/streams", "/api/v1/streams/canary/bird", "/canary/bird.flv",
          "/canary/nobody.flv", "/", "*")
SMUGGLED = {
    "length and chunks": b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "a negative length": b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a length of 2^64": b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
    "a folded header": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "a folded Transfer-Encoding": b"POST /healthz HTTP/1.1\r\nHost: a\r\n"
                                  b"Transfer-Encoding:\r\n chunked\r\n\r\n",
    "NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a space before the colon": b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n",
    "no Host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n", "HTTP/3.7": b"GET /healthz HTTP/3.7\r\nHost: a\r\n\r\n",
    "10,000 headers": b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
    "a header of 1 MiB": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"y" * (1 << 20) + b"\r\n\r\n",
    "an address of 1 MiB": b"GET /" + b"y" * (1 << 20) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500),
    "noise": os.urandom(3000), "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


def asked(world, request):
    """(status, whole answer up to where it ends or waits) of raw bytes; 0 if nothing but an end came."""
    connection = world.raw("http", request)
    answer, deadline = b"", time.monotonic() + CLOSED_SECONDS
    connection.settimeout(CLOSED_SECONDS)
    with contextlib.suppress(ConnectionError, TimeoutError), connection:
        while time.monotonic() < deadline:
            part = connection.recv(65536)
            answer += part
            head, found, body = answer.partition(b"\r\n\r\n")
            if not part or (found and (request.startswith(b"HEAD ") or len(body) >= length_of(head))):
                break
    words = answer.split(b" ", 2)
    return (int(words[1]) if answer.startswith(b"HTTP/1.") else 0), answer


def length_of(head):
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def raw_text(name):
    return name.encode("utf-8", "surrogateescape")


def try_name(world, name, word):
    """Publishes or plays under a name over RTMP; gives whether it was let in."""
    client = world.client("live/x")
    peer = peer_of(client.socket)
    with contextlib.closing(client.socket):
        client.connect()
        client.stream = client.create_stream()
        client.transaction += 1
        raw = raw_text(name)
        text = (b"\x02" + len(raw).to_bytes(2, "big") if len(raw) < 65536 else
                b"\x0c" + len(raw).to_bytes(4, "big")) + raw
        payload = amf0.encode_all(word, client.transaction, None) + text + amf0.encode_all("live")
        try:
            client.send(rtmp.COMMAND, payload, stream=client.stream)
            client.status("NetStream.Publish.Start" if word == "publish" else "NetStream.Play.Start")
            return True
        except (rtmp.Refused, ConnectionError):
            world.wait_said(peer, "rtmp")
            return False


LEGAL_AFTER_ALL = ("trailing slash", "leading slash", "empty", "empty segment")      # app "live" and no key


@test(quick=True)
def case_12_names_that_are_none_over_rtmp(world):
    with world.fault():
        for title, name in NAMES.items():
            for word in ("publish", "play"):
                if word == "play" or title not in LEGAL_AFTER_ALL:
                    assert not try_name(world, name, word), f"{word} under {title} was let in"
        listed = json.loads(world.server.get("/api/v1/streams")[1])
        strange = [item["name"] for item in listed["items"] if item["name"] != "canary/bird"]
        assert not strange, f"streams of such names: {strange}"
    made = [os.path.relpath(os.path.join(folder, name), world.folder)
            for folder, _, names in os.walk(world.folder) for name in names]
    assert set(made) <= {"server.log", "millrace-data/kcp-identity.pem"}, made


@test(quick=True)
def case_12_names_that_are_none_over_http(world):
    with world.fault():
        for title, name in NAMES.items():
            raw = raw_text(name)
            for before, after in ((b"/", b".flv"), (b"/live/", b".flv"), (b"/api/v1/streams/", b"")):
                for path in (raw, b"".join(b"%%%02x" % byte for byte in raw[:8000])):
                    line = b"GET " + before + path + after
                    status, answer = asked(world, line + b" HTTP/1.1\r\nHost: a\r\n\r\n")
                    fine = status in (400, 404, 414, 431, 505, 0) or (status == 200 and not path)
                    assert fine, f"{title} as {before}…{after}: {answer[:200]}"
                    assert b"\nX-Evil" not in answer and b"<img" not in answer, f"{title} came back: {answer}"


@test(quick=True)
def case_55_every_verb_on_every_route(world):
    with world.fault():
        for route in ROUTES:
            for verb in VERBS:
                status, answer = asked(world, f"{verb} {route} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                # 403: --open lets anybody play and publish, not change what is set.
                changes = verb in ("PUT", "DELETE", "PATCH", "POST")
                wanted = (200, 204, 400, 404, 405, 501, 403 if changes else 405)
                assert status in wanted, f"{verb[:9]} {route}: {answer[:200]}"
                assert verb == "get" or b"FLV\x01" not in answer, f"{verb} {route} started a stream"
        for route in ROUTES[:4]:
            head, _ = asked(world, f"HEAD {route} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            options, said = asked(world, f"OPTIONS {route} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            assert (head, options) == (200, 204), f"HEAD and OPTIONS on {route}: {head}, {options}"
            assert b"allow: " in said.lower(), f"OPTIONS {route} without Allow"
            for verb in ("TRACE", "BREW", "DELETE"):
                status, said = asked(world, f"{verb} {route} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                changes = verb == "DELETE" and "/streams/" in route
                assert status in ((403,) if changes else (405, 501)), f"{verb} {route}: {status}"
        left = world.document("canary/bird")["viewers"]
        assert left == {"flv": 1, "rtmp": 1}, f"a verb left a viewer behind: {left}"


@test(quick=True, waits=True)
def case_53_what_smugglers_send(world):
    with world.fault():
        for title, request in SMUGGLED.items():
            connection = world.raw("http", request)
            peer = peer_of(connection)
            said = closed(connection)
            connection.close()
            assert not said or said[9:10] in (b"4", b"5"), f"{title}: {said[:100]}"
            answers = re.findall(rb"HTTP/1\.1 \d{3} ", said)
            assert len(answers) <= 1, f"{title}: {len(answers)} answers: {said}"
            world.wait_said(peer, "http")


@test()
def case_52_heads_that_never_end(world):
    """200 connections that send a byte of a header now and then, or nothing; the API answers meanwhile."""
    with world.fault():
        begun = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
        slow = [world.raw("http", begun if number % 2 else b"", elsewhere(number)) for number in range(200)]
        deadline = time.monotonic() + CLOSED_SECONDS + 5
        left = list(slow)
        while left and time.monotonic() < deadline:
            for connection in left[:]:
                push(connection, b"y")
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    try:
                        ended = not connection.recv(4096)
                    except ConnectionError:
                        ended = True
                    if ended:
                        left.remove(connection)
                connection.settimeout(1)
            assert world.server.get("/healthz", seconds=5)[0] == 200
            time.sleep(0.3)
        assert not left, f"{len(left)} are still open"
        for connection in slow:
            connection.close()
        node.until(lambda: world.server.descriptors() <= world.before[1], CLOSED_SECONDS, "all are gone")
