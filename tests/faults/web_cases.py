"""What pages of other sites, and odd bodies, get from HTTP: cases 61 to 63 and 65 to 68."""

import json
import re

import keys
from keys import TOKENS, as_who, ask, closed_node, configuration
from access_cases import UPGRADE
from world import test

FOREIGN = ("https://evil.example", "null", "http://localhost.evil.example", "http://127.0.0.1.evil.example",
           "https://localhost", "http://localhost:1", "file://")
REBOUND = ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:80")
LISTED = "https://studio.example"
MORE = f"http: {{ hosts: [ node.example ], cors: [ \"{LISTED}\" ] }}\n"


def with_hosts(folder):
    return (configuration(folder, more=MORE),)


def own(world):
    """This node's own address, as its page writes it into Origin and Host."""
    return world.listeners["http"]


def sign_in(world, host=None, user="root"):
    """(cookie, csrf token) of somebody who signed in by the page."""
    host = host or own(world)
    body = json.dumps({"user": user, "pass": keys.PASSWORDS[user][0]}).encode()
    answer = ask(world, "POST", "/login", {"Host": host, "Origin": f"http://{host}",
                                           "Content-Type": "application/json"}, body)
    assert answer.status in (200, 204), answer
    assert len(answer.cookies) == 1, answer
    cookie, *flags = [part.strip() for part in answer.cookies[0].split(";")]
    small = {flag.lower() for flag in flags}
    assert cookie.startswith("millrace=") and {"httponly", "samesite=strict", "path=/"} <= small, flags
    assert "secure" not in small, "Secure without TLS: the browser would never send it back"
    session = ask(world, "GET", "/api/v1/session", {"Host": host, "Cookie": cookie})
    assert session.status == 200, session
    found = json.loads(session.body)
    assert found["user"] == user or found["user"].endswith(user), found
    return cookie, found["csrf"]


@test(quick=True, options=with_hosts)
def case_61_pages_of_others_and_names_that_are_not_ours(world):
    """WebSocket and API with a foreign Origin, null, and a Host that is not ours: 403 unless listed."""
    with world.fault():
        cookie, csrf = sign_in(world)
        signed = {"Host": own(world), "Cookie": cookie}
        assert ask(world, "GET", "/api/v1/sessions", signed).status == 200
        for origin in FOREIGN:
            fields = UPGRADE | {"Host": own(world), "Origin": origin}
            status = ask(world, "GET", "/canary/bird.flv", fields).status
            assert status == 403, f"a WebSocket from {origin!r}: {status}"
            status = ask(world, "GET", "/api/v1/events", fields | {"Cookie": cookie}).status
            assert status in (401, 403), f"events from {origin!r}: {status}"
            change = {"Origin": origin, "X-CSRF-Token": csrf, "Content-Type": "application/json"}
            status = ask(world, "PATCH", "/api/v1/config", signed | change, b"{}").status
            assert status == 403, f"a change from {origin!r}: {status}"
        for host in REBOUND:
            status = ask(world, "GET", "/api/v1/sessions", {"Host": host, "Cookie": cookie}).status
            assert status in (401, 403), f"a cookie under the name {host}: {status}"
            answer = ask(world, "DELETE", "/api/v1/sessions/1", as_who("boss") | {"Host": host})
            assert answer.status == 403 and b"http.hosts" in answer.body, f"a change under {host}: {answer}"
            fields = UPGRADE | {"Host": host, "Origin": f"http://{host}"}
            assert ask(world, "GET", "/canary/bird.flv", fields).status == 403, f"a WebSocket under {host}"
        fields = UPGRADE | {"Host": own(world)}
        for good in ({}, {"Origin": LISTED}, {"Origin": f"http://{own(world)}"}):
            assert ask(world, "GET", "/canary/bird.flv", fields | good).status == 101, good
        sign_in(world, "node.example")
        for host in ("localhost", "node.example", "[::1]:8080", "10.1.2.3"):
            answer = ask(world, "DELETE", "/api/v1/sessions/0", as_who("boss") | {"Host": host})
            assert answer.status == 404, f"{host}: {answer}"


@test(quick=True, options=with_hosts)
def case_62_a_cookie_alone_changes_nothing(world):
    """Forms and scripts of another site, with the cookie: all that changes something needs page and token."""
    with world.fault():
        cookie, csrf = sign_in(world)
        _, other = sign_in(world)
        base = {"Host": own(world), "Cookie": cookie, "Content-Type": "application/json"}
        good = {"Origin": f"http://{own(world)}", "X-CSRF-Token": csrf}
        for lacking in ({}, {"Origin": good["Origin"]}, good | {"X-CSRF-Token": ""},
                        good | {"X-CSRF-Token": "x"},
                        good | {"X-CSRF-Token": csrf[:-1]}, good | {"Origin": "https://evil.example"}):
            for verb, path in (("PUT", "/api/v1/streams/live/x"), ("DELETE", "/api/v1/users/cam"),
                               ("POST", "/api/v1/config/reload"), ("PATCH", "/api/v1/config")):
                status = ask(world, verb, path, base | lacking, b"{}").status
                assert status == 403, f"{verb} {path} with {lacking}: {status}"
        form = base | {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://evil.example"}
        assert ask(world, "POST", "/login", form, b"user=root&pass=x").status == 403, "in from elsewhere"
        assert ask(world, "POST", "/logout", form).status == 403, "out from elsewhere"
        assert ask(world, "PATCH", "/api/v1/config", base | good, b"{}").status in (200, 204)
        assert ask(world, "PATCH", "/api/v1/config", base | good | {"X-CSRF-Token": other}, b"{}").status in \
            (200, 204, 403)
        for forged in (cookie[:-1] + ("0" if cookie[-1] != "0" else "1"), "millrace=", "millrace=root",
                       cookie.replace("root", "guest"), "millrace=" + "x" * 5000):
            status = ask(world, "GET", "/api/v1/sessions", {"Host": own(world), "Cookie": forged}).status
            assert status in (401, 403, 431), f"{forged[:40]}: {status}"
        out = ask(world, "POST", "/logout", base | good)
        assert out.status in (200, 204) and "max-age=0" in str(out.cookies).lower(), out


READ = ("/canary/bird.flv", "/canary/bird.mp4", "/canary/bird/ts.m3u8", "/canary/bird/events",
        "/live/none.flv", "/stream.m3u8", "/api/v1/streams", "/api/v1/session", "/api/v1/config", "/metrics",
        "/", "/healthz")


@test(quick=True, options=with_hosts)
def case_63_a_page_of_another_site_reads_only_if_it_is_listed(world):
    """With a cookie, a token, or neither; the preflight says the same. Never `*`, never with credentials."""
    with world.fault():
        cookie, _ = sign_in(world)
        proofs = ({}, {"Cookie": cookie}, as_who("boss"))
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
        for path in READ:
            for origin in (LISTED, *FOREIGN):
                for verb, more in (*(("HEAD", proof) for proof in proofs), ("OPTIONS", asked)):
                    answer = ask(world, verb, path, {"Host": own(world), "Origin": origin} | more)
                    allowed = answer.headers.get("access-control-allow-origin")
                    told = f"{verb} {path} from {origin}: {answer}"
                    assert allowed is None or allowed == origin == LISTED, told
                    assert "access-control-allow-credentials" not in answer.headers, told
        read = ask(world, "HEAD", "/canary/bird.flv", {"Host": own(world), "Origin": LISTED} | as_who("boss"))
        assert read.headers["access-control-allow-origin"] == LISTED, read


HOSTILE_JSON = {
    "depth 100,000": b"[" * 100_000, "depth 33": b'{"a":' * 33 + b"1" + b"}" * 33,
    "keys twice": b'{"name": "x", "name": "y"}', "1e400": b'{"grace": 1e400}', "NaN": b'{"grace": NaN}',
    "not UTF-8": b'{"a": "\xff\xfe"}', "half a surrogate": b'{"a": "\\ud800"}', "nothing": b"",
    "a comment": b"{/* */}", "two": b"{}{}", "a comma": b'{"a":1,}', "a string": b'"x"', "NUL": b"{\0}",
    "a number": b"9" * 30_000, "hexadecimal": b'{"a":0x10}', "YAML": b"a: b\n",
}
CHANGES = (("PATCH", "/api/v1/config"), ("PUT", "/api/v1/streams/live/x"), ("PUT", "/api/v1/users/x"),
           ("PUT", "/api/v1/tokens/x"))


@test(quick=True, options=closed_node)
def case_65_bodies_that_are_no_json(world):
    with world.fault():
        signed = as_who("boss") | {"Content-Type": "application/json"}
        for verb, path in CHANGES:
            for title, body in HOSTILE_JSON.items():
                answer = ask(world, verb, path, signed, body)
                wanted = (400, 413, 422) if title.startswith("a ") else (400, 413)      # JSON, but no object
                assert answer.status in wanted, f"{title} to {verb} {path}: {answer}"
                assert answer.headers["content-type"] == "application/problem+json", answer
            for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
                answer = ask(world, verb, path, signed | {"Content-Type": kind}, b"{}")
                assert answer.status == 415, f"{kind} to {path}: {answer}"
            large = ask(world, verb, path, signed | {"Content-Length": str(100 << 20)}, b"{" + b" " * 70_000)
            assert large.status == 413, f"100 MB to {path}: {large}"
        listed = ask(world, "GET", "/api/v1/users", as_who("boss"))
        assert b'"x"' not in listed.body, listed


@test(quick=True, options=closed_node)
def case_66_coded_bodies_are_refused(world):
    with world.fault():
        for verb, path in (*CHANGES, ("GET", "/healthz"), ("POST", "/login"), ("GET", "/canary/bird.flv")):
            for coding in ("gzip", "deflate", "br", "zstd", "x-gzip", "gzip, gzip"):
                fields = as_who("boss") | {"Content-Type": "application/json", "Content-Encoding": coding}
                answer = ask(world, verb, path, fields, b"\x1f\x8b" + bytes(100))
                assert answer.status == 415, f"{coding} to {path}: {answer}"
        chunked = as_who("boss") | {"Transfer-Encoding": "gzip, chunked", "Content-Length": None}
        assert ask(world, "PATCH", "/api/v1/config", chunked).status in (400, 501)


@test(quick=True, options=closed_node)
def case_67_there_is_no_jsonp(world):
    with world.fault():
        for path in ("/api/v1/streams", "/healthz", "/api/v1/session", "/nothing"):
            plain = ask(world, "GET", path, as_who("boss"))
            for key in ("callback", "jsonp", "cb", "jsoncallback"):
                wrapped = ask(world, "GET", f"{path}?{key}=evil", as_who("boss"))
                assert (wrapped.status, wrapped.headers["content-type"]) == \
                    (plain.status, plain.headers["content-type"]), f"{path}?{key}: {wrapped}"
                assert b"evil" not in wrapped.body and "javascript" not in str(wrapped.headers), wrapped


TELLTALE = rb"(/work|/home|/usr|/tmp|\.cpp|\.hpp|terminate|std::|0x[0-9a-f]{6}|Boost|Beast|OpenSSL|nlohmann)"
ERRORS = (("GET", "/nothing/x.flv", {}), ("GET", "//", {}), ("GET", "/live/../..", {}), ("TRACE", "/", {}),
          ("GET", "/%zz", {}), ("GET", "/api/v1/sessions", {}), ("DELETE", "/metrics", {}),
          ("GET", "/api/v1/streams/live/none", {"Authorization": "Bearer token-of-boss"}),
          ("GET", "/live/x.flv", {"Authorization": "Bearer wrong"}), ("GET", "/" + "x" * 9000, {}),
          ("GET", "/healthz", {"Host": "a b"}), ("GET", "/healthz", {"X": "y" * 20_000}),
          ("POST", "/healthz", {"Content-Length": "-1"}), ("GET", "/healthz", {"Transfer-Encoding": "x"}),
          ("PATCH", "/api/v1/config", {"Authorization": "Bearer token-of-boss"}),
          ("GET", "/canary/bird.flv?tracks=smell", {}),
          ("GET", "/api/v1/sessions/none", {"Authorization": "Bearer token-of-boss"}))


@test(quick=True, options=closed_node)
def case_68_errors_have_one_shape_and_tell_no_tales(world):
    """RFC 9457 everywhere, also for what is no HTTP; no path of ours, source, version or token comes back."""
    with world.fault():
        for verb, path, fields in ERRORS:
            answer = ask(world, verb, path, fields)
            assert 400 <= answer.status < 600, f"{verb} {path[:40]}: {answer}"
            assert answer.headers["content-type"] == "application/problem+json", f"{path[:40]}: {answer}"
            problem = json.loads(answer.body)
            assert problem["status"] == answer.status and problem["title"] and problem["detail"], problem
            assert not re.search(TELLTALE, answer.body), answer
            assert "server" not in answer.headers and "x-powered-by" not in answer.headers, answer
            assert not any(token.encode() in answer.body for token, _ in TOKENS.values()), answer


TRAVERSALS = ("/live/../..", "/%2e%2e%2f", "/%252e%252e%252fetc/passwd", "/..%5c..%5cx", "//etc/passwd",
              "/canary/bird/index.m3u8/..", "/canary/bird/segments/../../../etc/passwd",
              "/canary/bird/segments/..%2f..%2fstate.json", "/assets/../../etc/passwd",
              "/assets/%2e%2e/state.json",
              "/canary/bird/segments/%00.m4s", "/api/v1/streams/../users", "/api/v1/streams/..%2fusers",
              "/.//etc/passwd", "/canary/./bird.flv", "/state.json", "/millrace-data/state.json",
              "/millrace.yaml",
              "file:///etc/passwd", "http://127.0.0.1/../x", "\\etc\\passwd")


@test(quick=True, options=closed_node)
def case_57_no_path_leads_to_the_disk(world):
    with world.fault():
        for path in TRAVERSALS:
            for proof in ({}, as_who("boss")):
                answer = ask(world, "GET", path, proof)
                page = answer.headers.get("content-type") == "text/html; charset=utf-8"      # a stream's name
                assert answer.status in (400, 401, 403, 404) or page, f"{path}: {answer}"
                assert b"root:" not in answer.body and b"argon2" not in answer.body, f"{path}: {answer}"


@test(quick=True, options=closed_node)
def case_75_what_a_page_shows_leaks_no_query(world):
    """The page tells browsers to send no Referer; nothing answers a redirect that repeats a query."""
    with world.fault():
        for path in ("/", "/live/a"):
            answer = ask(world, "GET", f"{path}?token=token-of-a")
            assert answer.status == 200 and b"token-of-a" not in answer.body, answer
            policy = answer.headers.get("referrer-policy", "")
            assert policy in ("no-referrer", "same-origin", "strict-origin"), f"{path}: {policy!r}"
        for path in ("/live/a.flv", "/api/v1/streams", "/nothing", "/live/a/"):
            answer = ask(world, "GET", f"{path}?token=token-of-a")
            assert answer.status // 100 != 3 and "token-of-a" not in str(answer.headers), answer
