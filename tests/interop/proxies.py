"""What stands between a node and its viewers: nginx under a path, nginx as a cache, and forward proxies."""

import os
import re
import socket
import subprocess
import time
import urllib.parse

import ledger
import node
import outputs
import parts
import peers
import websocket
from scenario import test

SHORT = ("--set", "grace=1s", "--set", "hls.segment=1s")
PREFIX = "/cameras/north"
CACHED_VIEWERS, CACHED_SEGMENTS, PATIENCE_SECONDS = 30, 8, 60
HITS_MIN = 0.95
# What docs/guide/proxies.md says, on ports of the test's own.
NGINX = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}/passing; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    proxy_cache_path {folder}/cache keys_zone=segments:1m max_size=100m;
    proxy_http_version 1.1;
    proxy_read_timeout 1h;
    server {{
        listen 127.0.0.1:{port};
        location {prefix}/ {{
            proxy_pass http://{node}/;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $http_connection;
        }}
        location /cached/ {{
            proxy_pass http://{node}/;
            proxy_cache segments;
            proxy_cache_lock on;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
    server {{
        listen 127.0.0.1:{forward_port};
        location / {{
            proxy_pass http://$http_host$request_uri;
            proxy_buffering off;
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy(peers.Program):
    """nginx before a node."""

    def __init__(self, scene):
        self.port, self.forward_port = free_port(), free_port()
        configuration = os.path.join(scene.folder, "proxy.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(NGINX.format(folder=scene.folder, port=self.port, forward_port=self.forward_port,
                                    node=scene.server.listeners["http"], prefix=PREFIX))
        super().__init__("nginx", ["nginx", "-c", configuration, "-p", scene.folder], scene.folder)
        node.until(lambda: accepts(self.port), node.START_SECONDS, "nginx accepts")
        self.address = f"127.0.0.1:{self.port}"

    def http(self, path):
        return f"http://{self.address}{PREFIX}{path}"


FORWARD = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 600
"""


class ForwardProxy(peers.Program):
    """tinyproxy: absolute addresses, and CONNECT, which WebSockets ask for."""

    def __init__(self, folder):
        self.port = free_port()
        configuration = os.path.join(folder, "forward.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(FORWARD.format(port=self.port))
        super().__init__("tinyproxy", ["tinyproxy", "-d", "-c", configuration], folder)
        node.until(lambda: accepts(self.port), node.START_SECONDS, "tinyproxy accepts")
        self.address = f"127.0.0.1:{self.port}"

    def connect(self, address):
        """A socket to that address, through the proxy."""
        through = socket.create_connection(("127.0.0.1", self.port), timeout=peers.MEDIA_PATIENCE)
        through.sendall(f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = through.recv(1)
            assert part, f"the proxy hung up: {head!r}"
            head += part
        assert b" 200 " in head.split(b"\r\n")[0], head
        return through


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Server:
    """The node as it is seen through a proxy."""

    def __init__(self, server, proxy):
        self.server, self.proxy = server, proxy

    def http(self, path):
        return self.proxy.http(path)

    def __getattr__(self, name):
        return getattr(self.server, name)


class Forwarded(outputs.Saved):
    """curl, which asks a forward proxy for the whole address."""

    def __init__(self, scene, path):
        self.path = os.path.join(scene.folder, os.path.basename(path))
        peers.Program.__init__(self, "curl", [
            "curl", "-sS", "--no-buffer", "--fail", "-x", f"http://127.0.0.1:{scene.proxy.forward_port}",
            "-o", self.path, scene.server.http(path)], scene.folder)


def behind(scene, path, taker=outputs.Saved):
    with Proxy(scene) as proxy:
        scene.proxy, scene.server = proxy, Server(scene.server, proxy)
        outputs.exact(scene, path, taker)


@test(options=SHORT, company="proxies")
def row_x_5_flv_behind_nginx_under_a_path(scene):
    behind(scene, "/live/cam.flv")


@test(options=SHORT, company="proxies")
def row_x_5_ts_behind_nginx_under_a_path(scene):
    behind(scene, "/live/cam.ts")


@test(options=SHORT, company="proxies")
def row_x_5_mp4_behind_nginx_under_a_path(scene):
    behind(scene, "/live/cam.mp4")


@test(quick=True, options=SHORT, company="proxies")
def rows_1_8_and_x_5_hls_behind_nginx_under_a_path(scene):
    behind(scene, "/live/cam/index.m3u8", outputs.Copied)


@test(options=SHORT, company="proxies")
def row_x_5_ts_hls_behind_nginx_under_a_path(scene):
    behind(scene, "/live/cam/ts.m3u8", outputs.Copied)


@test(options=SHORT, company="proxies")
def row_0_3_an_endless_answer_through_a_forward_proxy(scene):
    with Proxy(scene) as proxy:
        scene.proxy = proxy
        outputs.exact(scene, "/live/cam.flv", Forwarded)


def curl(url, *arguments):
    """(status, headers in lower case, body)."""
    run = subprocess.run(["curl", "-sS", "-i", "--max-time", "20", *arguments, url], capture_output=True,
                         timeout=30, check=True)
    head, body = run.stdout.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split(" ")[1]), headers, body.decode("utf-8", "replace")


def segments_of(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


@test(options=SHORT, company="proxies")
def row_0_3_a_list_and_its_segments_through_a_forward_proxy(scene):
    with Proxy(scene) as proxy, scene.publication():
        by = ("-x", f"http://127.0.0.1:{proxy.forward_port}")
        address = scene.server.http("/live/cam/ts.m3u8")
        status, _, text = curl(address, *by)
        assert status == 200 and segments_of(text), text
        segment = urllib.parse.urljoin(address, segments_of(text)[-1])
        assert curl(segment, *by, "-o", os.path.join(scene.folder, "s.ts"), "-D", "-")[0] == 200
        assert curl(scene.server.http("/live/cam"), *by)[0] == 200


@test(options=SHORT, company="proxies")
def rows_1_8_and_x_5_page_websocket_and_events_behind_nginx_under_a_path(scene):
    with Proxy(scene) as proxy, scene.publication():
        status, headers, page = curl(proxy.http("/live/cam"))
        assert status == 200 and headers["content-type"].startswith("text/html"), headers
        rooted = re.findall(r'(?:src|href)="(/[^"]*)"', page)
        assert not rooted, f"the page asks for {rooted}, beside the path it stands under"
        for path in ("/live/cam.mp4", "/live/cam.h264"):
            with websocket.Client(proxy.address, PREFIX + path) as viewer:
                assert b'"t":"tracks"' in viewer.read_until(websocket.TEXT), path
                assert viewer.read_until(websocket.BINARY), path
        with websocket.Client(proxy.address, PREFIX + "/live/cam/events") as reader:
            reader.frame(websocket.TEXT, b'{"t":"clock","c":1}')
            assert b'"t":"clock","c":1' in reader.read_until(websocket.TEXT)
        status, headers, _ = curl(proxy.http("/live/cam/events"), "-I")
        assert status == 200 and headers["content-type"] == "text/event-stream", headers


def sequence_of(text):
    """The number of the newest segment of a list."""
    first = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text).group(1))
    return first + len(segments_of(text)) - 1


def taken_often(url):
    """The heads of as many answers as there are viewers, who each ask for this segment."""
    run = subprocess.run(["curl", "-sS", "--fail", "-D", "-"] + ["-o", "/dev/null", url] * CACHED_VIEWERS,
                         capture_output=True, timeout=60, check=True)
    heads = run.stdout.decode("latin-1").split("\r\n\r\n")[:-1]
    assert len(heads) == CACHED_VIEWERS, heads
    return heads


@test(options=SHORT)
def row_0_4_a_cache_answers_for_segments_and_never_with_an_old_list(scene):
    hits, misses, seen = 0, 0, set()
    with scene.publication("plain-brisk", forever=True), Proxy(scene) as proxy:
        direct = scene.server.http("/live/cam/ts.m3u8")
        cached = f"http://{proxy.address}/cached/live/cam/ts.m3u8"
        begun = time.monotonic()
        while len(seen) < CACHED_SEGMENTS:
            assert time.monotonic() < begun + PATIENCE_SECONDS, f"{len(seen)} segments"
            newest = sequence_of(curl(direct)[2])
            status, headers, text = curl(cached)
            assert status == 200 and headers["x-cache"] != "HIT", headers
            assert sequence_of(text) >= newest, "the cache gave an old list"
            for segment in [one for one in segments_of(text) if one not in seen]:
                seen.add(segment)
                heads = taken_often(urllib.parse.urljoin(cached, segment))
                known = f"If-None-Match: {re.search('ETag: (.*)', heads[0])[1].strip()}"
                assert curl(urllib.parse.urljoin(direct, segment), "-H", known)[0] == 304, known
                for head in heads:
                    hits, misses = hits + ("X-Cache: HIT" in head), misses + ("X-Cache: MISS" in head)
                    assert "immutable" in head and 'ETag: "' in head, head
    assert hits / (hits + misses) > HITS_MIN, f"{hits} from the cache, {misses} not"
    assert misses == len(seen), f"{misses} times the node was asked for {len(seen)} segments"


CAMERA = ("--set", "streams={ live/cam: { source: 'test:?size=320x240&fps=25' } }")


@test(options=CAMERA)
def row_0_3_mjpeg_and_a_picture_through_a_forward_proxy(scene):
    """What a browser's <img> asks for: absolute addresses, answers that never end."""
    scene.server.wait_live("live/cam")
    address = scene.server.listeners["http"]
    with ForwardProxy(scene.folder) as proxy:
        by = ("-x", f"http://{proxy.address}")
        status, headers, _ = curl(scene.server.http("/live/cam.jpg"), *by, "-o", os.devnull, "-D", "-")
        assert status == 200 and headers["content-type"] == "image/jpeg", headers
        with parts.Viewer(scene, f"http://{address}/live/cam.mjpeg", through=proxy.port) as viewer:
            seen = parts.stamps_of(scene, viewer.wait(40)[:40], (320, 240))
            frames = [one.frame for one in seen]
            assert frames == sorted(set(frames)), frames


@test(options=SHORT, company="proxies")
def row_0_3_websockets_through_connect_have_the_sources_pictures(scene):
    sent = scene.clip()
    pictures = [frame for frame in ledger.of_clip(sent) if frame.kind == "video"]
    address = scene.server.listeners["http"]
    with ForwardProxy(scene.folder) as proxy, scene.publication():
        with websocket.Reader(address, "/live/cam.h264", proxy.connect(address)) as raw, \
                websocket.Reader(address, "/live/cam.flv", proxy.connect(address)) as viewer:
            scene.exact(sent, viewer.receive_all(ledger.of_clip(sent)), least=0.5)
            node.until(lambda: raw.close is not None, PATIENCE_SECONDS, "the end is told")
            ledger.match(pictures, ledger.of_annex_b(bytes(raw.media)), times=False, least=0.5)
        with websocket.Client(address, "/live/cam/events", opened=proxy.connect(address)) as reader:
            reader.frame(websocket.TEXT, b'{"t":"clock","c":1}')
            assert b'"t":"clock","c":1' in reader.read_until(websocket.TEXT)


@test(quick=True, options=CAMERA)
def row_0_3_the_page_and_all_it_is_made_of_through_a_forward_proxy(scene):
    scene.server.wait_live("live/cam")
    with ForwardProxy(scene.folder) as proxy:
        by = ("-x", f"http://{proxy.address}")
        page = scene.server.http("/live/cam")
        status, headers, text = curl(page, *by)
        assert status == 200 and headers["content-type"].startswith("text/html"), headers
        made_of = re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', text)
        assert made_of, text
        for one in made_of:
            assert curl(urllib.parse.urljoin(page, one), *by)[0] == 200, one
