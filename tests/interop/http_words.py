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


@test()
def case_55_every_verb_gets_an_answer(scene):
    clip = scene.clip()
    with peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder) as publisher:
        scene.server.wait_live("live/cam")
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


@test()
def a_range_on_a_live_stream_is_ignored(scene):
    with peers.ffmpeg_publish(scene.clip(), scene.rtmp(), scene.folder):
        scene.server.wait_live("live/cam")
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


@test()
def the_api_tells_what_plays(scene):
    clip = scene.clip()
    with peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder) as publisher:
        scene.server.wait_live("live/cam")
        listed = json.loads(scene.server.get("/api/v1/streams")[1])
        assert listed["total"] == len(listed["items"]) == 1, listed
        document = json.loads(scene.server.get("/api/v1/streams/live/cam")[1])
        assert document["state"] == "live", document
        assert len(document["tracks"]) == 2, document
        publisher.succeed()
    node.until(lambda: not scene.server.is_live("live/cam"), 5, "the stream is offline")
    assert scene.server.get("/api/v1/streams/live/nobody")[0] == 404


@test()
def an_idle_node_is_small(scene):
    assert scene.server.resident_kilobytes() <= 15 * 1024, f"{scene.server.resident_kilobytes()} KB resident"
