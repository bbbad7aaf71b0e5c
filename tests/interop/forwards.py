"""Streams pushed to nginx by RTMP, to another node, and to readers of TCP that are slow or leave."""

import contextlib
import os
import re
import socket
import threading

import ledger
import node
import peers
from rtsp_pulls import PATIENCE
from scenario import test
from sources import second_node


@contextlib.contextmanager
def pushing(scene, to, *options):
    """A node that pushes live/cam to these addresses."""
    listed = ", ".join(f'"{one}"' for one in to)
    with second_node(scene, "--set", "outgoing.allow=[ 127.0.0.1 ]", "--set", "grace=1s", "--set",
                     f"streams={{ live/cam: {{ forward: [ {listed} ] }} }}", *options) as server:
        yield server


class Listener:
    """Reads a TCP port into memory, one connection after the other; `slowly` in small pieces."""

    def __init__(self, slowly=False):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.slowly, self.got, self.open = slowly, [], None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.open, _ = self.socket.accept()
                self.got.append(bytearray())
                with contextlib.suppress(OSError):
                    while data := self.open.recv(1000 if self.slowly else 65536):
                        self.got[-1] += data
                self.open.close()

    def hang_up(self):
        """Ends the connection under way, with a reset."""
        self.open.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.open.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def pictures(frames):
    return [frame for frame in frames if frame.kind == "video"]


@test(quick=True)
def a_stream_is_pushed_to_nginx_by_rtmp_and_each_frame_is_played_there(scene):
    clip = scene.clip()
    far = node.Nginx(node.open_folder(os.path.join(scene.folder, "nginx")), "nginx")
    try:
        with pushing(scene, [f"rtmp://{far.listeners['rtmp']}/live/far"]) as near:
            player = peers.RtmpReader(far.listeners["rtmp"], "live", "far")
            with peers.ffmpeg_publish(clip, near.rtmp("live/cam"), scene.folder) as publisher, player:
                scene.exact(clip, player.receive_all(ledger.of_clip(clip)), least=0.5)
                publisher.succeed()
    finally:
        far.stop()


@test()
def h265_is_pushed_to_another_node_by_rtmp(scene):
    clip = scene.clip("h265")
    with pushing(scene, [scene.rtmp("live/far")]) as near:
        with peers.Publisher(near.listeners["rtmp"], clip) as publisher:
            publisher.open()
            publisher.send(clip.samples[:20], pace=0)
            scene.server.wait_live("live/far")
            with peers.FlvReader(scene.server.http("/live/far.flv")) as viewer:
                publisher.send(clip.samples[20:], pace=1)
                scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)), least=0.5)


@test(quick=True)
def row_3_21_raw_h264_goes_whole_to_a_slow_receiver_and_to_one_that_comes_back(scene):
    clip = scene.clip()
    sent = pictures(ledger.of_clip(clip))
    with Listener(slowly=True) as slow, Listener() as fickle:
        to = [f"tcp://127.0.0.1:{one.port}" for one in (slow, fickle)]
        with pushing(scene, to) as near:
            with peers.ffmpeg_publish(clip, near.rtmp("live/cam"), scene.folder) as publisher:
                node.until(lambda: fickle.got and len(fickle.got[0]) > 100_000, PATIENCE, "bytes come")
                fickle.hang_up()
                node.until(lambda: len(fickle.got) > 1 and fickle.got[1], PATIENCE, "it comes again")
                publisher.succeed()
            node.until(lambda: ledger.complete(sent, ledger.of_annex_b(bytes(slow.got[0]))), PATIENCE,
                       "all of it comes")
            left = rf"127\.0\.0\.1:{fickle.port}.*(reset|closed|gone|broke)"
            assert re.search(left, near.said()), near.said()[-2000:]
    ledger.match(sent, ledger.of_annex_b(bytes(slow.got[0])), times=False, least=0.9)
    again = ledger.of_annex_b(bytes(fickle.got[1]))
    assert again and again[0].key, "it begins with a key frame"
    ledger.match(sent, again[:-1], times=False, least=0.1, to_the_end=False)
