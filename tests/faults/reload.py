"""The configuration changes while streams run: by SIGHUP and by the API, right and wrong ones (case 98)."""

import contextlib
import os
import re
import signal
import socket

import keys
import node
from durable import change, seen
from keys import as_who, ask, configuration
from living import with_tls
from world import CLOSED_SECONDS, push, test

GOOD = ("", "grace: 3s\n", "log: { level: warning }\n", "http: { hosts: [ a.example ], cors: [] }\n",
        "hls: { segment: 4s, window: 5 }\nhttp: { default_stream: live/x }\n", "workers: 7\n",
        "http: { trusted_proxies: [ 192.0.2.0/24 ] }\n", 'streams: { "live/*": {} }\n')
BAD = ("graze: 3s\n", "grace: soon\n", "http: [\n", "https: { listen: 192.0.2.1:0 }\n",
       "rtmps: { listen: 127.0.0.1:0 }\n", "storage: { path: }\n", "x: " + "[" * 10000)

# Where the ports of other listeners with TLS are taken or not is none of these tests' business.
NO_OTHERS = "rtmps: { listen: off }\nrtsps: { listen: off }\n"


def write(world, more, **options):
    return configuration(world.folder, more=more, **options)


def hang_up(world, words):
    """SIGHUP; a new line of the log has these words."""
    before = len(world.lines())
    world.server.process.send_signal(signal.SIGHUP)
    node.until(lambda: re.search(words, "\n".join(world.lines()[before:])), CLOSED_SECONDS, words)


def canary_sessions(world):
    with contextlib.suppress(KeyError):
        return seen(world, "/api/v1/streams/canary/bird")["viewers"]


@test(quick=True, options=lambda folder: (configuration(folder),))
def case_98_reloads_right_and_wrong_lose_no_frame(world):
    with world.fault():
        viewers = canary_sessions(world)
        for number in range(24):
            right = number % 3 != 2
            write(world, GOOD[number % len(GOOD)] if right else BAD[number % len(BAD)])
            if number % 2 and right:
                assert change(world, "POST", "/api/v1/config/reload") == 204
            elif number % 2:
                assert change(world, "POST", "/api/v1/config/reload") in (409, 422)
            elif right:
                world.server.process.send_signal(signal.SIGHUP)
            else:
                hang_up(world, "the configuration stays as it was: ")
        for number in range(24):
            assert change(world, "PATCH", "/api/v1/config", {"grace": f"{5 + number}s"}) == 200
            assert change(world, "PATCH", "/api/v1/config", {"grace": "soon"}) == 422
            name = f"n{number % 3}"
            assert change(world, "PUT", f"/api/v1/tokens/{name}", {"allow": ["play:*"]}) in (200, 201)
        for name in ("n0", "n1", "n2"):
            assert change(world, "DELETE", f"/api/v1/tokens/{name}") == 204
        write(world, "")
        assert change(world, "POST", "/api/v1/config/reload") == 204
        assert canary_sessions(world) == viewers, "somebody was dropped"


def with_tls_and_auth(folder):
    """A closed node with a certificate, whose TLS listeners are for its file to open."""
    options = with_tls(folder)
    sets = [word for word in options if word.startswith("tls.")]
    return (configuration(folder), *(word for one in sets for word in ("--set", one)))


@test(quick=True, options=with_tls_and_auth)
def listeners_follow_the_configuration(world):
    def where(words):
        found = re.findall(words + r" ([\d.]+:\d+)", "\n".join(world.lines()))
        host, port = found[-1].rsplit(":", 1)
        return host, int(port)
    with world.fault():
        write(world, "https: { listen: 127.0.0.1:0 }\n" + NO_OTHERS)
        hang_up(world, "https listens on .* now")
        first = where("https listens on")
        kept = socket.create_connection(first, CLOSED_SECONDS)
        write(world, "https: { listen: 192.0.2.1:0 }\n" + NO_OTHERS)
        hang_up(world, r"stays as it was: https\.listen: cannot listen on 192\.0\.2\.1:0")
        socket.create_connection(first, CLOSED_SECONDS).close()
        write(world, f"https: {{ listen: 127.0.0.2:{first[1]} }}\n" + NO_OTHERS)
        hang_up(world, "stays as it was: https.listen: .* restart")
        write(world, "https: { listen: 127.0.0.2:0 }\n" + NO_OTHERS)
        hang_up(world, "https listens no more on")
        second = where("https listens on")
        assert second[0] == "127.0.0.2"
        socket.create_connection(second, CLOSED_SECONDS).close()

        def refused():
            try:
                socket.create_connection(first, CLOSED_SECONDS).close()
                return False
            except ConnectionRefusedError:
                return True
        node.until(refused, CLOSED_SECONDS, "the old one is closed")
        push(kept, b"\x16\x03\x01")      # who was in is in
        kept.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            assert kept.recv(100), "an open connection was dropped"
        kept.close()
        write(world, "https: { listen: off }\n" + NO_OTHERS)
        hang_up(world, "https listens no more on")


@test(quick=True, builds=("release",), options=lambda folder: (configuration(folder),))
def sources_follow_the_configuration(world):
    def state(name):
        return (seen(world, f"/api/v1/streams/{name}") or {}).get("state")

    def size():
        tracks = (seen(world, "/api/v1/streams/made/a") or {}).get("tracks", [])
        return [track.get("width") for track in tracks if track["kind"] == "video"]
    with world.fault():
        put = "/api/v1/streams/made/a"
        assert change(world, "PUT", put, {"source": "test:?size=320x180&fps=10"}) == 200
        node.until(lambda: state("made/a") == "live" and size() == [320], CLOSED_SECONDS, "it is made")
        assert change(world, "PUT", put, {"source": "test:?size=256x144&fps=10"}) == 200
        node.until(lambda: state("made/a") == "live" and size() == [256], CLOSED_SECONDS, "it is another")
        write(world, 'streams: { made/b: { source: "test:?size=256x144&fps=10" } }\n')
        assert change(world, "POST", "/api/v1/config/reload") == 204
        node.until(lambda: state("made/b") == "live", CLOSED_SECONDS, "the file's is made")
        assert change(world, "DELETE", "/api/v1/streams/made/b") == 409, "it stands in the file"
        assert change(world, "DELETE", put) == 204
        node.until(lambda: state("made/a") in ("offline", None), CLOSED_SECONDS, "it has ended")
        write(world, "")
        assert change(world, "POST", "/api/v1/config/reload") == 204
        node.until(lambda: state("made/b") in ("offline", None), CLOSED_SECONDS, "it has ended")
        children = f"/proc/{world.server.process.pid}/task/{world.server.process.pid}/children"
        with open(children, encoding="utf-8") as file:
            assert not file.read().strip(), "a child is left"


@test(quick=True, options=lambda folder: (configuration(folder),))
def case_69_the_configuration_shows_no_secret(world):
    with world.fault():
        headers = as_who("boss") | {"Content-Type": "application/json"}
        answer = ask(world, "PUT", "/api/v1/users/shown", headers,
                     b'{"password": "a secret word", "allow": ["play:*"]}')
        assert answer.status == 201 and b"secret word" not in answer.body, answer
        for path in ("/api/v1/config", "/api/v1/users", "/api/v1/users/shown", "/api/v1/tokens"):
            shown = ask(world, "GET", path, as_who("boss")).body
            assert shown and b"argon2id" not in shown and b"secret word" not in shown, shown
            for _, digest in re.findall(rb'"(sha256)": "([0-9a-f]{64})"', shown):
                raise AssertionError(f"{path} shows {digest}")
        assert change(world, "DELETE", "/api/v1/users/shown") == 204
        assert "secret word" not in world.server.said()
        assert os.stat(os.path.join(world.folder, "millrace-data/state.json")).st_mode & 0o77 == 0
        assert keys.TOKENS["boss"][0] not in world.server.said()
