"""Pulls: streams of other servers as sources, of another node and of strangers, frame for frame."""

import contextlib
import functools
import http.server
import os
import socket
import subprocess
import threading
import time

import camera
import ledger
import node
import peers
from scenario import CLIPS, test
from sources import IDLE_SECONDS, PATIENCE, Camera, second_node, state

FAR_FILE = camera.source(f"file:{CLIPS}/plain.mp4?loop")
PICTURES = 60
ALLOW = ("--set", "outgoing.allow=[ 127.0.0.1 ]")


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pulls_of(sources, more=""):
    """Streams live/NAME, each with a source."""
    rules = ", ".join(f'live/{name}: {{ source: "{source}"{more} }}' for name, source in sources.items())
    return (*ALLOW, "--set", f"streams={{ {rules} }}")


def watched(server, names, pictures=PICTURES, patience=40):
    """What a viewer of each stream got, watched all at once until each has so many pictures."""
    with contextlib.ExitStack() as stack:
        viewers = {name: stack.enter_context(peers.FlvReader(server.http(f"/live/{name}.flv")))
                   for name in names}

        def video(name):
            return [frame for frame in viewers[name].frames() if frame.kind == "video"]

        for name in names:
            node.until(lambda one=name: len(video(one)) >= pictures or viewers[one].ended, patience,
                       f"{pictures} pictures of live/{name}")
            assert not viewers[name].ended, f"live/{name} ended: {server.said()[-3000:]}"
        return {name: viewers[name].frames() for name in names}


def is_the_film(sent, got, name, clocks=True):
    """Each picture follows the one before as in the clip that is shown again and again; sound does too."""
    for kind in ("video", "audio"):
        places = {frame.name: at for at, frame in enumerate(frame for frame in sent if frame.kind == kind)}
        have = [frame for frame in got if frame.kind == kind]
        assert have, f"{name}: no {kind}"
        assert kind == "audio" or have[0].key, f"{name}: it does not begin with a key frame"
        at = [places.get(frame.name) for frame in have]
        assert None not in at, f"{name}: {kind} {at.index(None)} was never sent"
        # Where the clip begins again a sound more or less is cut off, since sound is not as long as pictures.
        seam = 1 if kind == "video" else 4
        for before, after in zip(at, at[1:]):
            begins_again = before >= len(places) - seam and after < seam
            assert after == before + 1 or begins_again, f"{name}: {kind} {after} of the clip follows {before}"
    ledger.monotonic(got)
    if clocks:
        times = [frame.dts for frame in got if frame.kind == "video"]
        steps = [after - before for before, after in zip(times, times[1:])]
        assert max(steps) < 200, f"{name}: a step of {max(steps)} ms"


@test(quick=True, options=FAR_FILE)
def a_node_pulls_every_form_of_another_frame_for_frame(scene):
    sent = ledger.of_clip(scene.clip())
    scene.server.wait_live("live/cam")
    far = scene.server.listeners["http"]
    sources = {"flv": f"http://{far}/live/cam.flv", "ts": f"http://{far}/live/cam.ts",
               "mp4": f"http://{far}/live/cam.mp4", "hls": f"http://{far}/live/cam/index.m3u8",
               "hlsts": f"http://{far}/live/cam/ts.m3u8",
               "rtmp": f"rtmp://{scene.server.listeners['rtmp']}/live/cam"}
    with second_node(scene, *pulls_of(sources, f", on_demand: true, idle: {IDLE_SECONDS}s")) as near:
        got = watched(near, sources)
        for name in sources:
            is_the_film(sent, got[name], name)
        protocols = {name: state(near, f"live/{name}").get("source", {}).get("protocol") for name in sources}
        node.until(lambda: all(state(near, f"live/{name}")["state"] == "offline" for name in sources),
                   PATIENCE, "all rest")
    assert protocols == {"flv": "http", "ts": "http", "mp4": "http", "hls": "hls", "hlsts": "hls",
                         "rtmp": "rtmp"}, protocols


def tls(folder):
    """What a node's command line has to speak TLS, with a certificate that nobody vouches for."""
    certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "30", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True, timeout=60)
    return ("--set", "https.listen=127.0.0.1:0", "--set", "rtmps.listen=127.0.0.1:0",
            "--set", "rtsps.listen=127.0.0.1:0", "--set", f"tls.certificate={certificate}",
            "--set", f"tls.key={key}")


@test()
def by_tls_too_where_the_certificate_is_believed(scene):
    sent = ledger.of_clip(scene.clip())
    with second_node(scene, *FAR_FILE, *tls(scene.folder)) as far:
        far.wait_live("live/cam")
        sources = {"flv": f"https://{far.listeners['https']}/live/cam.flv",
                   "hls": f"https://{far.listeners['https']}/live/cam/index.m3u8",
                   "rtmp": f"rtmps://{far.listeners['rtmps']}/live/cam",
                   "rtsp": f"rtsps://{far.listeners['rtsps']}/live/cam"}
        folder = node.open_folder(os.path.join(scene.folder, "near"))
        near = node.Millrace(folder, camera.program(scene),
                             ("--open", "--set", "tls.verify=false", *pulls_of(sources)))
        try:
            for name in sources:
                near.wait_live(f"live/{name}")
            for name, got in watched(near, sources).items():
                is_the_film(sent, got, name)
        finally:
            near.stop()
        near = node.Millrace(node.open_folder(os.path.join(scene.folder, "strict")), camera.program(scene),
                             ("--open", *pulls_of(sources)))
        try:
            node.until(lambda: all(f"live/{name}: the source" in near.said() for name in sources), PATIENCE,
                       "each is refused")
            assert not any(near.is_live(f"live/{name}") for name in sources), near.said()
            assert "certificate" in near.said(), near.said()
        finally:
            near.stop()


class Files(http.server.ThreadingHTTPServer):
    """Python's own HTTP server on a folder."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), functools.partial(self.Quiet, directory=folder))
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


def ffmpeg_shows(clip, scene, name, *output):
    """ffmpeg shows the clip again and again, at its own pace."""
    return peers.Program(name, ["ffmpeg", "-v", "warning", "-nostdin", "-re", "-stream_loop", "-1", "-i",
                                clip.path, "-c", "copy", *output], scene.folder)


@test(quick=True)
def row_0_32_strangers_are_pulled_nginx_ffmpeg_and_plain_files(scene):
    clip = scene.clip()
    sent = ledger.of_clip(clip)
    folder = node.open_folder(os.path.join(scene.folder, "files"))
    flv, udp, rtp = free_port(), free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
    nginx = node.Nginx(node.open_folder(os.path.join(scene.folder, "nginx")), "nginx")
    with contextlib.ExitStack() as stack:
        stack.callback(nginx.stop)
        files = stack.enter_context(Files(folder))
        segments = ("-hls_time", "2", "-hls_list_size", "5", "-hls_flags", "delete_segments")
        for name, *output in (
                ("to-nginx", "-f", "flv", nginx.rtmp("live/cam")),
                ("hls-ts", "-f", "hls", *segments, f"{folder}/ts.m3u8"),
                ("hls-mp4", "-f", "hls", *segments, "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename",
                 "init.mp4", f"{folder}/mp4.m3u8"),
                ("http-flv", "-f", "flv", "-listen", "1", f"http://127.0.0.1:{flv}/cam.flv"),
                ("udp-ts", "-f", "mpegts", f"udp://127.0.0.1:{udp}?pkt_size=1316"),
                ("rtp-ts", "-f", "rtp_mpegts", f"rtp://127.0.0.1:{rtp}")):
            stack.enter_context(ffmpeg_shows(clip, scene, name, *output))
        lists = [os.path.join(folder, name) for name in ("ts.m3u8", "mp4.m3u8")]
        node.until(lambda: all(map(os.path.exists, lists)), PATIENCE, "ffmpeg has written its lists")
        sources = {"nginx": nginx.rtmp("live/cam"), "hlsts": f"http://{files.address}/ts.m3u8",
                   "hlsmp4": f"http://{files.address}/mp4.m3u8", "flv": f"http://127.0.0.1:{flv}/cam.flv",
                   "udp": f"udp://@127.0.0.1:{udp}", "rtp": f"udp://@:{rtp}"}
        with second_node(scene, *pulls_of(sources)) as near:
            for name in sources:
                node.until(lambda one=name: near.is_live(f"live/{one}"), PATIENCE, f"live/{name} is live")
            got = watched(near, sources)
            for name in sources:
                # ffmpeg's own times have a step where the clip begins again.
                is_the_film(sent, got[name], name, clocks=False)


@test(company="sleepers", apart=True)
def case_83_a_hostile_list_leads_nowhere(scene):
    lists = {"/file.m3u8": "#EXTINF:2,\nfile:///etc/passwd\n",
             "/host.m3u8": "#EXTINF:2,\nhttp://OTHER/1.ts\n",
             "/self.m3u8": "#EXT-X-STREAM-INF:BANDWIDTH=1\nself.m3u8\n",
             "/lines.m3u8": "#\n" * 1_000_000,
             "/huge.m3u8": "#EXTINF:2,\nhuge.ts\n",
             "/map.m3u8": "#EXT-X-MAP:URI=\"file:///etc/passwd\"\n#EXTINF:2,\na.m4s\n"}
    asked = []

    def play(connection, request):
        path = request.split(b" ")[1].decode()
        if path == "/huge.ts":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n"
                               b"Content-Length: 1000000000\r\n\r\n")
            asked.append(path)
            for _ in range(10_000):
                connection.sendall(b"\x47" + bytes(99_999))
            return
        timing = "" if path == "/self.m3u8" else "#EXT-X-TARGETDURATION:2\n"
        body = f"#EXTM3U\n{timing}{lists[path]}".replace("OTHER", other.address).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.apple.mpegurl\r\n"
                           b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    with Camera(play) as bad, Camera(play, "127.0.0.2") as other:
        sources = {path[1:-5]: f"http://{bad.address}{path}" for path in lists}
        with second_node(scene, *pulls_of(sources)) as near:
            node.until(lambda: asked, PATIENCE, "the large segment is asked for")
            began = time.monotonic()
            node.until(lambda: time.monotonic() - began > 6, 20, "some tries have passed")
            assert near.get("/healthz")[0] == 200
            assert not other.requests, other.requests
            assert near.resident_kilobytes() < 400_000, near.resident_kilobytes()
            for name in sources:
                assert state(near, f"live/{name}").get("state", "offline") != "live", name
            assert len(bad.requests) < 100, f"{len(bad.requests)} requests"
            assert "root:" not in near.said()
