"""Viewers by WebSocket, while ffmpeg publishes: ours and a foreign one, every form."""

import json
import os
import struct
import subprocess
import time

import ledger
import node
import peers
import websocket
from scenario import SHORT_GRACE, test


def address(scene):
    return scene.server.listeners["http"]


@test(quick=True, options=SHORT_GRACE, company="sockets")
def row_2_15_our_websocket_client_plays_flv(scene):
    clip = scene.clip()
    with scene.publication() as publisher:
        with websocket.Reader(address(scene), "/live/cam.flv") as viewer:
            scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)), least=0.5)
            publisher.succeed()
            node.until(lambda: viewer.close is not None, 20, "the end of the stream is told")
            assert viewer.close == 1000 and viewer.texts == [], (viewer.close, viewer.texts)


@test(options=SHORT_GRACE, company="b-frames")
def row_2_15_python3_websockets_plays_flv(scene):
    clip = scene.clip("bframes")
    with scene.publication("bframes") as publisher:
        url = f"ws://{address(scene)}/live/cam.flv"
        with websocket.ForeignReader(url, scene.folder, "flv") as viewer:
            scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)), least=0.5)
            assert "extensions []" in viewer.said(), viewer.said()
        publisher.succeed()


def same_pictures(scene, clip, path):
    """Row 2.14: the coded pictures of a capture are those of the source, NAL unit for NAL unit."""
    sent = [frame for frame in ledger.of_clip(clip) if frame.kind == "video"]
    got = ledger.of_annex_b(ledger.annex_b_of_file(path))
    ledger.match(sent, got, times=False, least=0.5)


def captured(scene, path, ending):
    """A clip's end as our own client gets it, in a file; and what was said in text."""
    clip = scene.clip()
    with scene.publication() as publisher:
        with websocket.Reader(address(scene), path) as viewer:
            publisher.succeed()
            node.until(lambda: viewer.close is not None, 25, "the end of the stream is told")
            assert viewer.close == 1000, viewer.close
            name = os.path.join(scene.folder, f"capture.{ending}")
            with open(name, "wb") as file:
                file.write(viewer.media)
            same_pictures(scene, clip, name)
            return viewer.texts


@test(options=SHORT_GRACE, company="sockets")
def row_2_14_2_16_mp4_by_websocket_is_a_playable_file_with_the_sources_pictures(scene):
    texts = [json.loads(text) for text in captured(scene, "/live/cam.mp4?tracks=video", "mp4")]
    assert [text["t"] for text in texts] == ["tracks", "waiting", "end"], texts
    assert texts[0]["type"].startswith('video/mp4; codecs="avc1.'), texts
    assert [track["kind"] for track in texts[0]["tracks"]] == ["video"], texts


def received_by_node(scene, ending):
    """A whole stream as a Node.js script of forty lines saves it, which was written from the guide alone."""
    clip, saved = scene.clip(), os.path.join(scene.folder, f"received.{ending}")
    script = os.path.join(node.ROOT, "tests/interop/receive.mjs")
    url = f"ws://{address(scene)}/live/cam.{ending}"
    with scene.publication() as publisher:
        with peers.Program("receive", ["node", script, url, saved], scene.folder) as receiver:
            publisher.succeed()
            receiver.succeed()
            said = receiver.said().splitlines()
    assert said[-1] == "closed 1000", said
    texts = [json.loads(line) for line in said[:-1]]
    assert [text["t"] for text in texts] == ["tracks", "waiting", "end"], texts
    probe = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name,width,height",
                            "-of", "csv=p=0", saved], capture_output=True, text=True, timeout=60, check=True)
    assert not probe.stderr, probe.stderr
    same_pictures(scene, clip, saved)
    return texts[0], probe.stdout.split()


@test(options=SHORT_GRACE, company="sockets")
def row_2_16_forty_lines_of_node_save_mp4(scene):
    tracks, streams = received_by_node(scene, "mp4")
    assert len(streams) == 2 and streams[0].startswith("h264,"), streams
    assert tracks["type"].startswith("video/mp4; codecs="), tracks


@test(quick=True, options=SHORT_GRACE, company="sockets")
def row_2_16_forty_lines_of_node_save_h264(scene):
    tracks, streams = received_by_node(scene, "h264")
    assert len(streams) == 1 and streams[0].startswith("h264,"), streams
    assert tracks["type"].startswith('video/h264; codecs="avc1.'), tracks


@test()
def row_2_17_h264_refuses_what_it_cannot_carry_and_who_asks_by_http(scene):
    clip = scene.clip("h265")
    with peers.Publisher(scene.rtmp_address, clip) as publisher:
        publisher.open()
        publisher.send(clip.samples[:20], pace=0)
        scene.server.wait_live("live/cam")
        assert answered(scene, "/live/cam.h264") == 415
        assert scene.server.get("/live/cam.h264")[0] == 426
        assert scene.server.get("/play2")[0] == 426
        publisher.client.unpublish()


@test()
def the_clock_is_told_within_the_time_the_question_took(scene):
    with websocket.Client(address(scene), "/live/cam/events") as client:
        before = time.time() * 1000
        client.frame(websocket.TEXT, b'{"t":"clock","c":17.25}')
        answer = json.loads(client.read_until(websocket.TEXT))
        after = time.time() * 1000
        assert (answer["t"], answer["c"]) == ("clock", 17.25), answer
        assert before - 1 <= answer["r"] <= answer["s"] <= after + 1, (before, answer, after)


@test(options=SHORT_GRACE, company="sockets")
def row_2_14_ts_by_websocket_has_the_sources_pictures(scene):
    assert captured(scene, "/live/cam.ts", "ts") == []


@test(options=SHORT_GRACE, company="sockets")
def row_2_15_pings_and_the_close_are_answered_between_messages(scene):
    with scene.publication():
        with websocket.Client(address(scene), "/live/cam.flv") as viewer:
            for number in range(10):
                viewer.frame(websocket.PING, b"%d" % number)
                assert viewer.read_until(websocket.PONG) == b"%d" % number
            viewer.frame(websocket.CLOSE, struct.pack(">H", 1001) + b"leaving")
            assert viewer.read_until(websocket.CLOSE) == struct.pack(">H", 1001)
            assert viewer.socket.recv(1) == b"", "something came behind the close"


def long_head(size):
    """The head of a masked binary frame of any size."""
    return b"\x82\xff" + struct.pack(">Q", size) + bytes(4)


@test(options=SHORT_GRACE, company="sockets")
def case_60_hostile_frames_end_with_the_right_code(scene):
    wrong = {
        "unmasked": (1002, lambda s: s.frame(websocket.TEXT, b"Hello", masked=False)),
        "length 2^63": (1002, lambda s: s.socket.sendall(long_head(1 << 63))),
        "10 GiB": (1009, lambda s: s.socket.sendall(long_head(10 << 30))),
        "control of 126": (1002, lambda s: s.frame(websocket.PING, b"x" * 126)),
        "bad UTF-8": (1007, lambda s: s.frame(websocket.TEXT, b"\xc0\xaf")),
        "reserved bit": (1002, lambda s: s.frame(websocket.TEXT, b"x", first=0xC0)),
        "ping flood": (1008, lambda s: [s.frame(websocket.PING) for _ in range(500)]),
    }
    with scene.publication():
        for name, (code, send) in wrong.items():
            with websocket.Client(address(scene), "/live/cam.flv") as viewer:
                send(viewer)
                assert viewer.read_until(websocket.CLOSE) == struct.pack(">H", code), name
                assert scene.server.healthy(), name


@test(options=SHORT_GRACE, company="sleepers", apart=True)
def case_60_one_who_never_answers_the_close_is_let_go(scene):
    with scene.publication() as publisher:
        with_publisher = scene.server.descriptors()
        with websocket.Client(address(scene), "/live/cam.flv") as viewer:
            publisher.succeed()
            assert viewer.read_until(websocket.CLOSE) == struct.pack(">H", 1000)
            node.until(lambda: scene.server.descriptors() < with_publisher, 10, "the connection is closed")


def answered(scene, path, headers=()):
    try:
        with websocket.Client(address(scene), path, headers) as client:
            return client.status
    except websocket.Refused as refused:
        return int(str(refused).split(" ")[1])


@test(options=SHORT_GRACE, company="sockets")
def row_2_15_what_cannot_open_is_told_why(scene):
    with scene.publication():
        assert answered(scene, "/live/cam.flv") == 101
        assert answered(scene, "/live/cam.flv", ["Origin: https://a.example"]) == 101      # http.cors is "*"
        assert answered(scene, "/live/other.flv") == 404
        assert answered(scene, "/live/cam.flv?tracks=smell") == 400
        assert answered(scene, "/healthz") == 200
