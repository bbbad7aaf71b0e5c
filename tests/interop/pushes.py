"""Streams that the node pushes elsewhere, and who takes them: ffmpeg, nginx, bare sockets, another node."""

import json
import os
import re
import socket
import subprocess
import threading

import figures
import ledger
import node
import outputs
import peers
from scenario import test
from sources import second_node

PATIENCE = 20
SMALL = 4096      # bytes: what the receiver of a seed's script takes at a time


def free_port(kind):
    """A port that nobody has now, for a program that cannot be asked which one it took."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pushing(scene, to, more=""):
    """A node that pushes live/cam there; what it is given by RTMP ends soon after its publisher."""
    rule = f"live/cam: {{ forward: {json.dumps(to)}{more} }}"
    return second_node(scene, "--set", f"streams={{ {rule} }}", "--set", "outgoing.allow=[ 127.0.0.1 ]",
                       "--set", "grace=1s")


def listens_for_datagrams(port):
    """Whether somebody's socket has this port: /proc/net/udp has it in hexadecimal behind the address."""
    with open("/proc/net/udp", encoding="ascii") as sockets:
        return any(line.split()[1].endswith(f":{port:04X}") for line in sockets.readlines()[1:])


def forwards(server):
    status, body = server.get("/api/v1/forwards")
    assert status == 200, (status, body)
    return json.loads(body)["items"]


def state(server, number=0):
    return forwards(server)[number]["state"]


class ByteReceiver(figures.Port):
    """Takes what comes on its port, a connection after the other, slowly and a little at a time."""

    def __init__(self, leave_after=None):
        self.leave_after = leave_after      # bytes, of the first connection
        self.taken = []                     # of each connection
        self.ended = threading.Event()      # the last one said its end
        super().__init__()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self.address = f"tcp://{self.address}"

    def connected(self, connection):
        self.taken.append(bytearray())
        with connection:
            self._take(connection, self.taken[-1])

    def _take(self, connection, taken):
        self.ended.clear()
        while part := connection.recv(SMALL):
            taken += part
            if self.leave_after is not None and len(self.taken) == 1 and len(taken) > self.leave_after:
                return
        self.ended.set()


def pictures(frames):
    return [frame for frame in frames if frame.kind == "video"]


def probed(data, scene, form):
    """Codec and pictures that ffprobe finds in a bare byte stream."""
    path = os.path.join(scene.folder, f"taken.{form}")
    with open(path, "wb") as file:
        file.write(data)
    run = subprocess.run(["ffprobe", "-v", "error", "-f", form, "-count_packets", "-show_entries",
                          "stream=codec_name,nb_read_packets", "-of", "json", path],
                         capture_output=True, text=True, timeout=60, check=True)
    assert not run.stderr, f"ffprobe says:\n{run.stderr}"
    stream, = json.loads(run.stdout)["streams"]
    return stream["codec_name"], int(stream["nb_read_packets"])


@test(quick=True, company="pushes")
def row_3_21_raw_h264_goes_whole_in_short_writes_and_a_lost_receiver_is_called_again(scene):
    clip = scene.clip()
    sent = pictures(ledger.of_clip(clip))
    with ByteReceiver() as slow, ByteReceiver(leave_after=100_000) as fickle, \
            pushing(scene, [slow.address, fickle.address]) as server:
        assert [state(server, number) for number in range(2)] == ["waiting", "waiting"]
        with peers.ffmpeg_publish(clip, server.rtmp("live/cam"), scene.folder) as publisher:
            node.until(lambda: len(fickle.taken) > 1, PATIENCE, "it is called again")
            publisher.succeed()
        for receiver in (slow, fickle):
            node.until(receiver.ended.is_set, PATIENCE, "the end of the stream ends the connection")
        left = rf"{fickle.address}.*(reset|closed|gone|broke).*it is tried again"
        assert re.search(left, server.said()), f"why it broke is logged:\n{server.said()[-2000:]}"
        node.until(lambda: state(server) == "waiting", PATIENCE, "it waits for the stream")
    ledger.match(sent, ledger.of_annex_b(bytes(slow.taken[0])), times=False, least=0.9)
    first = ledger.of_annex_b(bytes(fickle.taken[0]))[:-1]      # the last was cut by the receiver
    ledger.match(sent, first, times=False, least=0.01, to_the_end=False)
    rest = bytes(fickle.taken[-1])
    ledger.match(sent, ledger.of_annex_b(rest), times=False, least=0.1)
    assert probed(rest, scene, "h264") == ("h264", len(ledger.of_annex_b(rest)))


@test(company="pushes")
def row_3_21_h265_of_a_source_on_demand_goes_by_socket_and_keeps_the_source_awake(scene):
    source = ', source: "test:?size=320x180&fps=30&codec=h265&audio=none", on_demand: true, idle: 1s'
    with ByteReceiver() as receiver, pushing(scene, [receiver.address], source) as server:
        node.until(lambda: receiver.taken and len(receiver.taken[0]) > 300_000, PATIENCE, "bytes come")
        one, = forwards(server)
        assert (one["to"], one["state"]) == (receiver.address, "live"), one
        assert one["bytes"] > 0
        taken = bytes(receiver.taken[0])
    codec, pictures = probed(taken, scene, "hevc")
    assert codec == "hevc" and pictures >= 15, (codec, pictures)


@test(quick=True, company="pushes")
def ffmpeg_that_listens_gets_a_publication_frame_by_frame_and_its_end(scene):
    clip = scene.clip()
    port = free_port(socket.SOCK_STREAM)
    path = os.path.join(scene.folder, "listened.mp4")
    taker = ["ffmpeg", "-v", "warning", "-nostdin", "-y", "-listen", "1", "-i",
             f"rtmp://127.0.0.1:{port}/live2/s3cr3t", "-map", "0:v", "-map", "0:a", "-c", "copy", path]
    with peers.Program("ffmpeg-listen", taker, scene.folder) as listener, \
            pushing(scene, f"rtmp://127.0.0.1:{port}/live2/s3cr3t") as server:
        with peers.ffmpeg_publish(clip, server.rtmp("live/cam"), scene.folder) as publisher:
            node.until(lambda: state(server) == "live", PATIENCE, "it is live")
            shown = json.loads(server.get("/api/v1/streams/live/cam")[1])
            assert shown["forwards"][0]["to"] == f"rtmp://127.0.0.1:{port}/live2/***", shown["forwards"]
            assert shown["viewers"] == {"rtmp-push": 1}, shown["viewers"]
            publisher.succeed()
        listener.succeed()
        assert "s3cr3t" not in server.said()
    scene.exact(clip, outputs.frames_of(path, scene.folder), least=0.9)


@test(quick=True, company="pushes")
def another_node_gets_a_publication_frame_by_frame_and_says_its_end_there(scene):
    clip = scene.clip("bframes")
    sent = ledger.of_clip(clip)
    with pushing(scene, scene.rtmp(scene.own)) as server:
        with peers.ffmpeg_publish(clip, server.rtmp("live/cam"), scene.folder) as publisher:
            scene.server.wait_live(scene.own)
            with peers.FlvReader(scene.flv(scene.own)) as viewer:
                scene.exact(clip, viewer.receive_all(sent))
            publisher.succeed()

        def far():
            status, body = scene.server.get(f"/api/v1/streams/{scene.own}")
            return json.loads(body)["state"] if status == 200 else "gone"

        node.until(lambda: far() in ("offline", "gone"), PATIENCE, "the end is said there")
        lost = rf"{scene.own}: publisher .* was lost"
        assert not re.search(lost, scene.server.said()), "its end was said"


def pushed_by_hand(scene, clip, to, **how):
    """Each frame of the clip is seen at the node where it is pushed to."""
    with pushing(scene, to) as near:
        with peers.Publisher(near.listeners["rtmp"], clip) as publisher:
            publisher.open()
            publisher.send(clip.samples[:20], pace=0)
            scene.server.wait_live(scene.own)
            with peers.FlvReader(scene.flv(scene.own)) as viewer:
                publisher.send(clip.samples[20:], pace=1)
                scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)), least=0.5, **how)


@test(company="pushes")
def h265_is_pushed_to_another_node_by_rtmp(scene):
    pushed_by_hand(scene, scene.clip("h265"), scene.rtmp(scene.own))


@test(quick=True, company="pushes")
def rows_4_3_and_4_6_h265_is_pushed_to_another_node_by_rtsp_over_tcp(scene):
    pushed_by_hand(scene, scene.clip("h265"), scene.server.rtsp(scene.own))


@test(company="pushes")
def row_3_13_h264_is_pushed_to_another_node_by_rtsp(scene):
    pushed_by_hand(scene, scene.clip(), scene.server.rtsp(scene.own))


@test(quick=True, company="pushes")
def a_stream_is_pushed_to_nginx_by_rtmp_and_each_frame_is_played_there(scene):
    clip = scene.clip()
    far = node.Nginx(node.open_folder(os.path.join(scene.folder, "nginx")), "nginx")
    try:
        with pushing(scene, f"rtmp://{far.listeners['rtmp']}/live/far") as near:
            player = peers.RtmpReader(far.listeners["rtmp"], "live", "far")
            with peers.ffmpeg_publish(clip, near.rtmp("live/cam"), scene.folder) as publisher, player:
                scene.exact(clip, player.receive_all(ledger.of_clip(clip)), least=0.5)
                publisher.succeed()
    finally:
        far.stop()


@test(company="pushes")
def ffmpeg_that_reads_datagrams_gets_a_transport_stream_frame_by_frame(scene):
    clip = scene.clip()
    port = free_port(socket.SOCK_DGRAM)
    path = os.path.join(scene.folder, "datagrams.mp4")
    taker = ["ffmpeg", "-v", "warning", "-nostdin", "-y", "-i",
             f"udp://127.0.0.1:{port}?timeout=5000000&overrun_nonfatal=1", "-map", "0", "-c", "copy", path]
    with peers.Program("ffmpeg-udp", taker, scene.folder) as listener, \
            pushing(scene, f"udp://127.0.0.1:{port}") as server:
        node.until(lambda: listens_for_datagrams(port), PATIENCE, "ffmpeg listens")
        with peers.ffmpeg_publish(clip, server.rtmp("live/cam"), scene.folder) as publisher:
            node.until(lambda: state(server) == "live", PATIENCE, "it is live")
            publisher.succeed()
        listener.wait()      # no datagram came for 5 s
    scene.exact(clip, outputs.frames_of(path, scene.folder), least=0.9)
