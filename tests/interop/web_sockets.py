"""Viewers by WebSocket, while ffmpeg publishes: ours and a foreign one, every form."""

import json
import os
import struct

import ledger
import node
import peers
import websocket
from scenario import test


def published(scene, clip):
    publisher = peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder)
    scene.server.wait_live("live/cam")
    return publisher


def address(scene):
    return scene.server.listeners["http"]


@test(quick=True)
def row_2_15_our_websocket_client_plays_flv(scene):
    clip = scene.clip()
    with published(scene, clip) as publisher:
        with websocket.Reader(address(scene), "/live/cam.flv") as viewer:
            scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)), least=0.5)
            publisher.succeed()
            node.until(lambda: viewer.close is not None, 20, "the end of the stream is told")
            assert viewer.close == 1000 and viewer.texts == [], (viewer.close, viewer.texts)


@test()
def row_2_15_python3_websockets_plays_flv(scene):
    clip = scene.clip("bframes")
    with published(scene, clip) as publisher:
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
    with published(scene, clip) as publisher:
        with websocket.Reader(address(scene), path) as viewer:
            publisher.succeed()
            node.until(lambda: viewer.close is not None, 25, "the end of the stream is told")
            assert viewer.close == 1000, viewer.close
            name = os.path.join(scene.folder, f"capture.{ending}")
            with open(name, "wb") as file:
                file.write(viewer.media)
            same_pictures(scene, clip, name)
            return viewer.texts


@test()
def row_2_14_2_16_mp4_by_websocket_is_a_playable_file_with_the_sources_pictures(scene):
    texts = [json.loads(text) for text in captured(scene, "/live/cam.mp4?tracks=video", "mp4")]
    assert [text["t"] for text in texts] == ["tracks", "waiting", "end"], texts
    assert texts[0]["type"].startswith('video/mp4; codecs="avc1.'), texts
    assert [track["kind"] for track in texts[0]["tracks"]] == ["video"], texts


@test()
def row_2_14_ts_by_websocket_has_the_sources_pictures(scene):
    assert captured(scene, "/live/cam.ts", "ts") == []


@test()
def row_2_15_pings_and_the_close_are_answered_between_messages(scene):
    with published(scene, scene.clip()):
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


@test()
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
    with published(scene, scene.clip()):
        for name, (code, send) in wrong.items():
            with websocket.Client(address(scene), "/live/cam.flv") as viewer:
                send(viewer)
                assert viewer.read_until(websocket.CLOSE) == struct.pack(">H", code), name
                assert scene.server.healthy(), name


@test()
def case_60_one_who_never_answers_the_close_is_let_go(scene):
    before = scene.server.descriptors()
    clip = scene.clip()
    with published(scene, clip) as publisher:
        with websocket.Client(address(scene), "/live/cam.flv") as viewer:
            publisher.succeed()
            assert viewer.read_until(websocket.CLOSE) == struct.pack(">H", 1000)
            node.until(lambda: scene.server.descriptors() <= before + 1, 10, "the connection is closed")


def answered(scene, path, headers=()):
    try:
        with websocket.Client(address(scene), path, headers) as client:
            return client.status
    except websocket.Refused as refused:
        return int(str(refused).split(" ")[1])


@test()
def row_2_15_what_cannot_open_is_told_why(scene):
    with published(scene, scene.clip()):
        assert answered(scene, "/live/cam.flv") == 101
        assert answered(scene, "/live/cam.flv", ["Origin: https://a.example"]) == 101      # http.cors is "*"
        assert answered(scene, "/live/other.flv") == 404
        assert answered(scene, "/live/cam.flv?tracks=smell") == 400
        assert answered(scene, "/healthz") == 200
