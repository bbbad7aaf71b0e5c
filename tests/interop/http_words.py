"""HTTP as curl speaks it: verbs, ranges, names, documents."""

import json
import subprocess

import ledger
import node
import peers
from scenario import test

VERBS = ("HEAD", "OPTIONS", "TRACE", "POST", "PUT", "DELETE", "PATCH", "BREW", "get")


def curl(url, *arguments, seconds=8):
    """(status, headers and body); 000 if there was no answer."""
    run = subprocess.run(["curl", "-sS", "-i", "--path-as-is", "--max-time", str(seconds),
                          "-w", "\nSTATUS %{http_code}", *arguments, url], capture_output=True)
    text = run.stdout.decode("latin-1")
    return int(text.rsplit("STATUS ", 1)[1]), text


@test(company="words")
def case_55_every_verb_gets_an_answer(scene):
    clip = scene.clip()
    with scene.publication() as publisher:
        with peers.FlvReader(scene.flv()) as canary:
            for path in ("/live/cam.flv", "/live/other.flv", "/healthz", "/api/v1/streams", "/nothing"):
                for verb in VERBS:
                    how = ["-I"] if verb == "HEAD" else ["-X", verb]
                    status, text = curl(scene.server.http(path), *how)
                    fine = status in (200, 204, 400, 404, 405, 501)
                    assert fine, f"{verb} {path} got {status}:\n{text[:500]}"
            status, text = curl(scene.flv(), "-I")
            assert status == 200 and "video/x-flv" in text.lower(), f"HEAD on a live stream got:\n{text}"
            scene.exact(clip, canary.receive_all(ledger.of_clip(clip)))
        publisher.succeed()


@test(company="words")
def a_range_on_a_live_stream_is_ignored(scene):
    with scene.publication():
        status, text = curl(scene.flv(), "-H", "Range: bytes=0-99", seconds=1)
        assert status == 200, f"got {status}"
        head, body = text.split("\r\n\r\n", 1)
        assert body.startswith("FLV") and len(body) > 1000, "no FLV came"
        assert "content-length" not in head.lower(), "an endless answer with a length"


@test()
def names_that_are_none_are_refused(scene):
    for path in ("/live/../etc/passwd.flv", "/live/%2e%2e/a.flv", "/live/%00.flv", "/" + "a" * 65 + ".flv",
                 "/a/b/c/d/e/f/g/h/i.flv", "/live/<img>.flv", "/live/$(id).flv", "//.flv"):
        status, text = curl(scene.server.http(path))
        assert status in (400, 404), f"{path} got {status}"
        assert "<img>" not in text or "problem+json" in text, "a name came back as HTML"
    assert curl(scene.flv("live/nobody"))[0] == 404


def ask(scene, path, *arguments):
    """(status, headers by lower-case name, body)."""
    status, text = curl(scene.server.http(path), *arguments)
    head, body = text.rsplit("\nSTATUS ", 1)[0].split("\r\n\r\n", 1)
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    return status, {name.lower(): value for name, value in fields.items()}, body


@test(company="words")
def row_1_10_head_says_each_forms_type_and_whether_the_stream_is_there(scene):
    with scene.publication():
        for ending, kind in (("flv", "video/x-flv"), ("ts", "video/mp2t"), ("mp4", "video/mp4")):
            status, head, _ = ask(scene, f"/live/cam.{ending}", "-I")
            assert (status, head.get("content-type")) == (200, kind), (ending, status, head)
            assert head.get("access-control-allow-origin") == "*", head
            assert ask(scene, f"/live/other.{ending}", "-I")[0] == 404


@test()
def case_55_options_says_what_a_page_may_ask(scene):
    for ending in ("flv", "ts", "mp4"):
        status, head, _ = ask(scene, f"/live/cam.{ending}", "-X", "OPTIONS", "-H", "Origin: https://a.test",
                              "-H", "Access-Control-Request-Method: GET")
        assert status == 204, status
        assert head["allow"] == head["access-control-allow-methods"] == "GET, HEAD, OPTIONS", head
        assert "Range" in head["access-control-allow-headers"] and head["access-control-max-age"], head


@test()
def case_55_a_wrong_method_is_405_with_allow(scene):
    for path in ("/live/cam.flv", "/live/cam.ts", "/live/cam.mp4", "/healthz"):
        for verb in ("POST", "DELETE", "TRACE", "BREW"):
            status, head, _ = ask(scene, path, "-X", verb)
            assert status == 405 and "GET" in head["allow"], (verb, path, status, head)


@test()
def row_2_26_case_57_no_path_climbs_and_an_empty_segment_is_404(scene):
    for path, wanted in (("//", 404), ("//live/cam.flv", 404), ("/live//cam.flv", 404), ("/%2fetc", 404),
                         ("/live/../..", 400), ("/%2e%2e%2f", 400), ("/..%5c", 400),
                         ("/live/cam.flv/..", 400)):
        assert ask(scene, path)[0] == wanted, path
    assert ask(scene, "/%252e%252e%252f")[0] in (400, 404)


@test()
def a_track_that_is_not_there_is_415_in_words(scene):
    silent = ["ffmpeg", "-v", "warning", "-nostdin", "-re", "-i", scene.clip().path, "-an", "-c", "copy",
              "-f", "flv", scene.rtmp()]
    with peers.Program("ffmpeg-silent", silent, scene.folder):
        scene.server.wait_live("live/cam")
        for ending in ("flv", "ts", "mp4"):
            status, _, body = ask(scene, f"/live/cam.{ending}?tracks=audio")
            assert status == 415 and "tracks" in body, (ending, status, body)


@test()
def row_2_23_healthz_answers(scene):
    assert ask(scene, "/healthz")[0] == 200


@test(company="words")
def the_api_tells_what_plays(scene):
    with scene.publication() as publisher:
        listed = json.loads(scene.server.get("/api/v1/streams")[1])
        assert listed["total"] == len(listed["items"]) == 1, listed
        document = json.loads(scene.server.get("/api/v1/streams/live/cam")[1])
        assert document["state"] == "live", document
        assert len(document["tracks"]) == 2, document
        publisher.succeed()
    node.until(lambda: not scene.server.is_live("live/cam"), 5, "the stream is offline")
    assert scene.server.get("/api/v1/streams/live/nobody")[0] == 404


@test()
def row_3_29_nothing_is_there_to_debug_with(scene):
    for path in ("/debug", "/debug/pprof", "/console", "/server-status", "/api/v1/debug",
                 "/.git/config", "/assets/", "/assets/../serve.cpp"):
        status, body = scene.server.get(path)
        # A name that a stream could have is answered with the player's page.
        page = status == 200 and b"<!doctype html>" in body[:200].lower()
        assert page or status in (400, 404), f"{path}: {status}"
