"""Who gets in: cases 59, 70, 74 to 78, on every listener that a node has."""

import json
import re
import signal
import struct
import time

import keys
import node
import peers
import rtmp
import websocket
from keys import as_who, ask, basic, bearer, client, configuration, closed_node, may
from living import with_tls
from two_publishers import Playing, source_of
from world import CLOSED_SECONDS, closed, test

REVOKED_SECONDS = 30
# What needs no credential: whether the node lives, the page that asks for one, what describes the API.
OPEN_TO_ALL = {"/healthz", "/readyz", "/", "/live/a", "/robots.txt", "/favicon.ico", "/api/openapi.yaml",
               "/api/v1/session"}      # that one says what anyone may
DOORBELLS = ("/login", "/logout")      # where a credential is turned into a cookie, and a cookie is put away
MEDIA = ("/live/a.flv", "/live/a.ts", "/live/a.mp4", "/live/a.h264", "/live/a/index.m3u8", "/live/a/ts.m3u8",
         "/live/a/segments/video.m3u8", "/live/a/segments/1.m4s", "/live/a/events", "/stream.m3u8")
API = ("/api/v1/streams", "/api/v1/streams/live/a", "/api/v1/sessions", "/api/v1/sessions/1",
       "/api/v1/config", "/api/v1/config/reload",
       "/api/v1/users", "/api/v1/users/x", "/api/v1/tokens", "/api/v1/tokens/x",
       "/api/v1/events", "/metrics")
# What shows everybody their own: to strangers the streams that anyone may play.
EACH_THEIR_OWN = {"/api/v1/streams"}
WEBSOCKETS_ONLY = {"/live/a.h264"}      # 426 to everybody who asks by HTTP, there or not
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}


def closed_with_tls(folder):
    return (configuration(folder, more="http: { default_stream: live/a }\n"), *with_tls(folder)[1:])


def publish(world, name, query):
    """A publisher that was let in, and its source."""
    one = client(world, name, query)
    one.publish()
    return one, source_of(world, one, 7)


def described_paths(world):
    """What /api/openapi.yaml lists, its parameters filled in."""
    answer = ask(world, "GET", "/api/openapi.yaml")
    if answer.status != 200:
        return []
    listed = re.findall(r"^  (/[^\s:]*):", answer.body.decode(), re.MULTILINE)
    return [re.sub(r"\{name\}", "live/a", re.sub(r"\{(?!name)[^}]*\}", "1", path)) for path in listed]


@test(quick=True, options=closed_with_tls)
def case_70_nobody_gets_anything_without_a_credential(world):
    """Every route, every verb, every listener: 401, 403, 405, 204 of OPTIONS, or what is listed above."""
    with world.fault():
        one, source = publish(world, "live/a", "?token=token-of-a")
        with Playing(source):
            world.wait_said("live/a", "published")
            paths = sorted({*OPEN_TO_ALL, *MEDIA, *API, *described_paths(world)})
            got_in = []
            for path in paths:
                for verb in VERBS:
                    answer = ask(world, verb, path)
                    fine = {401, 403, 405} | ({204} if verb == "OPTIONS" else set())
                    if path in OPEN_TO_ALL and verb in ("GET", "HEAD"):
                        fine |= {200, 404}
                    if path in EACH_THEIR_OWN and verb in ("GET", "HEAD"):
                        fine |= {200}
                    if path in WEBSOCKETS_ONLY and verb in ("GET", "HEAD"):
                        fine |= {426}
                    if path in DOORBELLS and verb == "POST":
                        fine |= {204, 400, 415}
                    if answer.status not in fine:
                        got_in.append(f"{verb} {path}: {answer.status}")
                if path not in OPEN_TO_ALL | EACH_THEIR_OWN:
                    status = ask(world, "GET", path, UPGRADE).status
                    got_in += [f"WebSocket {path}: {status}"] if status not in (401, 403, 405) else []
            assert not got_in, "\n".join(got_in)
            listed = json.loads(ask(world, "GET", "/api/v1/streams").body)["items"]
            strange = [one["name"] for one in listed if not one["name"].startswith("canary/")]
            assert not strange, f"strangers are shown {strange}"
            with websocket.Client(world.server.listeners["http"], "/play2") as page:
                page.frame(websocket.TEXT, b'{"t":"open","c":"ch1"}')      # the default stream, live/a
                assert page.read_frame() == (websocket.CLOSE, struct.pack(">H", 1008))
            for verb in ("publish", "play"):
                for name in ("live/a", "live/nobody", "x/y"):
                    assert not may(world, verb, name), f"RTMP let a stranger {verb} {name}"
        one.socket.close()


@test(quick=True, options=closed_node)
def case_74_a_token_is_good_for_its_own_streams_and_verbs(world):
    with world.fault():
        one, source = publish(world, "live/a", "?token=token-of-a")
        other, other_source = publish(world, "live/b", "?token=token-kept")
        with Playing(source), Playing(other_source):
            assert ask(world, "GET", "/live/a.flv", as_who("a")).status == 200
            for path in ("/live/b.flv", "/live/A.flv", "/live/a/x.flv", "/live%2fb.flv", "/live/b/index.m3u8",
                         "/live/b.ts", "/live/b.mp4", "/live/b/events"):
                status = ask(world, "GET", path, as_who("a")).status
                assert status in (403, 404), f"the token of live/a on {path}: {status}"
            listed = json.loads(ask(world, "GET", "/api/v1/streams", as_who("a")).body)["items"]
            assert {one["name"] for one in listed} == {"canary/bird", "live/a"}, listed
            assert not any("peer" in one.get("source", {}) for one in listed), listed
            assert ask(world, "GET", "/api/v1/streams/live/a", as_who("a")).status == 200
            assert ask(world, "GET", "/api/v1/streams/live/b", as_who("a")).status == 403
            for path in API[2:9] + ("/metrics",):
                for verb in ("GET", "PUT", "POST", "PATCH", "DELETE"):
                    status = ask(world, verb, path, as_who("a")).status
                    assert status in (403, 405), f"the token of live/a, {verb} {path}: {status}"
            assert not may(world, "play", "live/b", "?token=token-of-a")
            assert not may(world, "publish", "live/c", "?token=token-of-a")
            assert not may(world, "play", "live/a", "?user=cam&pass=password%20of%20cam"), "it plays"
            assert not may(world, "publish", "live/z", "?user=guest&pass=password%20of%20guest")
            assert ask(world, "GET", "/live/a.flv", as_who("cam")).status == 403
            assert ask(world, "GET", "/live/a.flv", as_who("guest")).status == 200
            assert ask(world, "GET", "/api/v1/streams", as_who("root")).status == 200
        one.socket.close()
        other.socket.close()


@test(quick=True, options=closed_node)
def case_75_a_token_in_the_query_plays_and_is_said_nowhere(world):
    """FLV, WebSocket and all of HLS with ?token=; lists name their children with it; no log line has it."""
    with world.fault():
        one, source = publish(world, "live/a", "?token=token-of-a")
        with Playing(source):
            query = "?token=token-of-a"
            assert ask(world, "GET", "/live/a.flv" + query).status == 200
            assert ask(world, "GET", "/live/a.flv" + query, UPGRADE).status == 101
            todo, seen = ["/live/a/index.m3u8" + query, "/live/a/ts.m3u8" + query], []
            while todo:
                path = todo.pop()
                answer = node.until(lambda path=path: wait_answer(world, path), CLOSED_SECONDS, path)
                seen.append(path)
                for child in children(answer.body.decode("utf-8", "replace")) if ".m3u8" in path else []:
                    assert child.endswith(query), f"{path} names {child}"
                    absolute = path.split("?")[0].rsplit("/", 1)[0] + "/" + child
                    assert ask(world, "GET", absolute.split("?")[0]).status == 401, f"{absolute} is free"
                    todo.append(absolute)
            assert len(seen) > 4, f"only {seen}"
            assert ask(world, "GET", "/live/b.flv" + query).status == 403
            assert ask(world, "GET", "/live/%00.flv" + query).status in (400, 403, 404)
            assert ask(world, "GET", "/live/a.flv?token=wrong-token-x").status == 401
        one.socket.close()
        for secret in ("token-of-a", "wrong-token-x"):
            assert secret not in world.server.said(), f"the log has {secret}"


def wait_answer(world, path):
    answer = ask(world, "GET", path)
    assert answer.status in (200, 503), f"{path}: {answer}"
    return answer if answer.status == 200 else None


def children(text):
    named = [line for line in text.splitlines() if line and not line.startswith("#")]
    return (named + re.findall(r'URI="([^"]+)"', text))[:6]


@test(options=closed_node)
def case_76_what_is_taken_back_is_gone(world):
    """A token leaves the file, SIGHUP: new sessions are refused at once, running ones end within 30 s, those
    with another credential lose nothing."""
    with world.fault():
        kept, kept_source = publish(world, "live/kept", "?token=token-kept")
        lost, lost_source = publish(world, "live/lost", "?token=token-lost")
        with Playing(kept_source), Playing(lost_source):
            world.wait_said("live/lost", "published")
            viewers = {token: peers.FlvReader(world.server.http(f"/live/kept.flv?token={token}"))
                       for token in ("token-kept", "token-lost")}
            player = client(world, "live/kept", "?token=token-lost")
            player.play()
            for viewer in viewers.values():
                node.until(viewer.frames, CLOSED_SECONDS, "a viewer sees something")
            configuration(world.folder, tokens=("a", "boss", "kept"))
            world.server.process.send_signal(signal.SIGHUP)
            node.until(lambda: ask(world, "GET", "/live/kept.flv?token=token-lost").status == 401, 3,
                       "the token is refused")
            assert not may(world, "publish", "live/new", "?token=token-lost")
            began = time.monotonic()
            node.until(lambda: viewers["token-lost"].ended, REVOKED_SECONDS, "its viewer is sent away")
            closed(player.socket, max(1.0, REVOKED_SECONDS - (time.monotonic() - began)))
            node.until(lambda: ask(world, "GET", "/live/lost.flv", as_who("kept")).status == 404,
                       REVOKED_SECONDS, "its stream is gone")
            count = len(viewers["token-kept"].frames())
            node.until(lambda: len(viewers["token-kept"].frames()) > count + 10, CLOSED_SECONDS,
                       "others go on")
            assert not viewers["token-kept"].ended
        for one in (kept, lost, player):
            one.socket.close()


@test(options=closed_node)
def case_77_brute_force(world):
    """Thousands of wrong passwords from one address: 10 are looked at; others get in."""
    wrong = 3000
    with world.fault():
        assert ask(world, "GET", "/api/v1/streams", as_who("root"), source="127.0.0.3").status == 200
        spent, statuses = world.cpu_seconds(), {}
        connection = world.raw("http", b"", "127.0.0.2")
        connection.settimeout(CLOSED_SECONDS)
        said = b""
        for number in range(wrong):
            guess = {"Authorization": basic("root", f"guess {number}"), "Connection": "keep-alive"}
            connection.sendall(keys.request("GET", "/api/v1/streams", guess))
            while b"}\n" not in said:
                said += connection.recv(65536)
            status = int(said[9:12])
            statuses[status] = statuses.get(status, 0) + 1
            assert status != 429 or b"retry-after" in said.lower(), said
            said = b""
        connection.close()
        assert statuses.get(401, 0) <= 10 and statuses.get(429, 0) >= wrong - 10, statuses
        assert world.cpu_seconds() - spent < 5, "guesses cost the server more than a hash each of ten"
        began = time.monotonic()
        assert ask(world, "GET", "/api/v1/streams", as_who("root"), source="127.0.0.3").status == 200
        assert time.monotonic() - began < 0.5, "one who was let in before waits"
        assert ask(world, "GET", "/live/a.flv", as_who("guest"), source="127.0.0.4").status in (404, 503), \
            "another user from elsewhere is locked out"
        assert not may(world, "publish", "live/a", "?user=cam&pass=wrong", "127.0.0.2")
        assert ask(world, "GET", "/live/a.flv", as_who("a"), source="127.0.0.3").status in (404, 503)


@test(options=closed_node)
def ten_thousand_requests_with_a_password_cost_one_hash(world):
    with world.fault():
        spent = world.cpu_seconds()
        connection = world.raw("http")
        connection.settimeout(CLOSED_SECONDS)
        fields = as_who("guest") | {"Connection": "keep-alive"}
        wanted = keys.request("GET", "/live/nobody/segments/1.m4s", fields)
        for _ in range(100):
            connection.sendall(wanted * 100)
            said = b""
            while said.count(b"HTTP/1.1 404") < 100 or not said.endswith(b"}\n"):
                said += connection.recv(65536)
                assert b" 401 " not in said and b" 429 " not in said, said[:300]
        connection.close()
        assert world.cpu_seconds() - spent < 10, f"{world.cpu_seconds() - spent:.1f} s of CPU"


@test(quick=True, options=closed_node)
def case_78_nobody_comes_back_without_a_credential(world):
    """Its publisher is lost: within the grace time nobody gets or sees it without the right."""
    with world.fault():
        one, source = publish(world, "live/a", "?token=token-of-a")
        for _ in range(60):
            source.step()
        one.socket.close()
        for query in ("", "?token=wrong", "?user=guest&pass=password%20of%20guest"):
            assert not may(world, "publish", "live/a", query), f"{query} may publish"
        assert not may(world, "play", "live/a")
        assert ask(world, "GET", "/live/a.flv").status == 401
        again, source = publish(world, "live/a", "?token=token-of-a")
        again.socket.close()


@test(quick=True, options=closed_node)
def proofs_that_are_none(world):
    """Broken, doubled, overlong: refused in words, with no word of what was sent."""
    odd = {"Basic": 400, "Basic ====": 400, "Basic " + "A" * 4000: 400, "Basic bm9jb2xvbg==": 400,
           "Bearer": 400, "Bearer a b": 400, "Bearer " + "x" * 2000: 400, "Digest username=x": 400,
           basic("root", "no"): 401, bearer("no such token"): 401, basic("nobody-there", "no"): 401}
    with world.fault():
        for value, wanted in odd.items():
            answer = ask(world, "GET", "/api/v1/streams", {"Authorization": value}, source="127.0.0.9")
            assert answer.status in (wanted, 401, 400), f"{value[:40]}: {answer}"
            assert answer.headers["content-type"] == "application/problem+json", answer
            assert value[7:].encode() not in answer.body or len(value) < 9, answer
        both = ask(world, "GET", "/live/a.flv?token=token-of-boss", as_who("a"))
        assert both.status == 400, f"two proofs at once: {both}"
        assert ask(world, "GET", "/canary/bird.flv", {"Authorization": bearer("wrong")}).status == 401, \
            "a wrong proof is worse than none, even where anyone may"
        assert ask(world, "GET", "/canary/bird.flv").status == 200


@test(options=closed_node)
def case_59_segments_that_are_not_ours_or_not_there(world):
    with world.fault():
        one, source = publish(world, "live/a", "?token=token-of-a")
        with Playing(source):
            query = "?token=token-of-a"
            text = node.until(lambda: wait_answer(world, "/live/a/ts.m3u8" + query), CLOSED_SECONDS, "a list")
            segment = "/live/a/" + [line for line in text.body.decode().splitlines()
                                    if line and not line.startswith("#")][0].split("?")[0]
            number = int(re.findall(r"(\d+)\.ts$", segment)[0])
            assert ask(world, "GET", segment + query).status == 200
            for other, wanted in ((segment, 401), (segment + "?token=wrong", 401),
                                  (segment.replace("live/a", "live/b") + query, 403),
                                  (segment.replace("live/a", "canary/bird"), 404)):
                status = ask(world, "GET", other).status
                assert status in (wanted, 404 if wanted == 403 else wanted), f"{other}: {status}"
            for there in (number + 1000, number - 1000, 0, 2**63, 2**64, 10**40):
                path = re.sub(r"\d+\.ts$", f"{there}.ts", segment) + query
                assert ask(world, "GET", path).status in (404, 410, 400), path
            for wrong, wanted in (("bytes=0-9", 206), ("bytes=0-", 206), ("bytes=-1", 206), ("bytes=-0", 416),
                                  ("bytes=99999999-", 416), (f"bytes=0-{2**64}", (206, 200)),
                                  (f"bytes={2**64}-", (416, 200)),
                                  ("bytes=" + ",".join(["0-1"] * 1000), (200, 416, 431)),
                                  ("bytes=0-100,50-150", 200), ("bytes=9-1", 200), ("lines=1-2", 200)):
                answer = ask(world, "GET", segment + query, {"Range": wrong})
                wanted = wanted if isinstance(wanted, tuple) else (wanted,)
                assert answer.status in wanted, f"case 56, {wrong[:30]}: {answer}"
        one.socket.close()


@test(options=closed_node)
def case_69_no_secret_is_listed(world):
    """Configuration, sessions, streams, errors and log: not one password, hash or token."""
    with world.fault():
        one, source = publish(world, "live/a", "?token=token-of-a")
        with Playing(source):
            guest = "/live/a.flv?user=guest&pass=password%20of%20guest"
            with peers.FlvReader(world.server.http(guest)) as viewer:
                node.until(viewer.frames, CLOSED_SECONDS, "it plays")
            said = b""
            for path in (*API, "/nothing?token=token-of-a", "/live/b.flv?user=cam&pass=password%20of%20cam",
                         "/live/user=x_password='token-of-a'_/y.flv", "/api/v1/users/cam",
                         "/api/v1/tokens/a"):
                said += ask(world, "GET", path, as_who("boss")).body[:200_000]
            said += ask(world, "GET", "/live/b.flv?token=token-of-a").body
        one.socket.close()
        secrets = [token for token, _ in keys.TOKENS.values()] + [word for word, _ in keys.PASSWORDS.values()]
        secrets += [word.replace(" ", "%20") for word, _ in keys.PASSWORDS.values()]
        secrets += [line.rsplit("$", 1)[1] for line in keys.HASHES.values()]
        for secret in secrets:
            assert secret.encode() not in said, f"an answer has {secret}"
            assert secret not in world.server.said(), f"the log has {secret}"
