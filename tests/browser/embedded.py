"""The player in pages of other people, and their players with our streams."""

import functools
import gzip
import http.server
import os
import re
import threading
import urllib.request

import node
from driven import Browser
from formats import CAMERA, LISTED, advances, live, player, shows_the_camera
from pages import PATIENCE, silent
from scenario import test

ELEMENT_MAX = 30 * 1024
GUIDE = os.path.join(node.ROOT, "docs/guide/embedding.md")
MODULES = os.path.join(node.ROOT, "tests/browser/node_modules")


class Site:
    """A web server of another origin, with some pages."""

    def __init__(self, pages):
        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = pages.get(self.path.split("?")[0])
                kinds = {"js": "text/javascript", "css": "text/css"}
                self.send_response(200 if body is not None else 404)
                kind = kinds.get(self.path.rpartition(".")[2], "text/html; charset=utf-8")
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return functools.partial("http://127.0.0.1:{}{}".format, self.server.server_port)

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def of_guide(scene):
    """The page that docs/guide/embedding.md shows first, with this test's port."""
    with open(GUIDE, encoding="utf-8") as file:
        page = re.search(r"^```html\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL).group(1)
    assert "http://host:8080/" in page, page
    return page.replace("http://host:8080/", scene.server.http("/"))


@test(options=CAMERA)
def the_guides_page_of_another_origin_plays(scene):
    with Site({"/": of_guide(scene).encode(), "/favicon.ico": b""}) as url, Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(url("/"))
        live(page, "mse")
        advances(page)
        shows_the_camera(page)
        silent(page)


@test(options=CAMERA)
def firefox_plays_the_guides_page_of_another_origin(scene):
    with Site({"/": of_guide(scene).encode(), "/favicon.ico": b""}) as url, \
            Browser(scene.folder, "firefox") as page:
        scene.server.wait_live("live/cam")
        page.open(url("/"))
        live(page, "mse")
        advances(page, firefox=True)
        silent(page)


@test(options=CAMERA)
def an_element_is_told_what_it_is_by_its_attributes(scene):
    """Where it goes and what it plays changes with them; taken out, it lets the node be."""
    with Site({"/": of_guide(scene).encode(), "/favicon.ico": b""}) as url, Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(url("/"))
        live(page, "mse")
        page.run(player("setAttribute('format', 'hls')"))
        page.until(lambda look: look["state"] == "live" and page.run(player("way")) == "hls", PATIENCE,
                   "it plays by HLS")
        page.run(player("setAttribute('format', 'mse')"))
        page.until(lambda look: look["state"] == "live" and viewers(scene) >= 1, PATIENCE, "it plays by MSE")
        page.run(player("remove()"))
        node.until(lambda: viewers(scene) == 0, PATIENCE, "the viewer left")


def viewers(scene):
    """By WebSocket."""
    status, body = scene.server.get("/api/v1/streams/live/cam")
    assert status == 200, status
    return int((re.search(rb'"ws-mp4": *(\d+)', body) or [0, 0])[1])


@test()
def the_element_is_small(scene):
    """All that a page loads for it, packed: the script at the lasting address and what it imports at once."""
    seen, total, wanted = set(), 0, ["/assets/millrace-player.js"]
    while wanted:
        path = wanted.pop()
        if path in seen:
            continue
        seen.add(path)
        with urllib.request.urlopen(scene.server.http(path), timeout=10) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*", path
            script = answer.read()
        total += len(gzip.compress(script, 9))
        imports = re.findall(rb'(?<!["\'])\b(?:from|import)\s*["\']([^"\']+)["\']', script)
        wanted += [os.path.normpath(os.path.join(os.path.dirname(path), one.decode())) for one in imports]
    assert 1000 < total <= ELEMENT_MAX, f"{total} bytes: {sorted(seen)}"
    assert not any("hls" in one or "mpegts" in one for one in seen), seen


def video_js(scene, path):
    """A page with video.js and our stream in it, and nothing else."""
    url = scene.server.http(path)
    return f"""<!doctype html><meta charset="utf-8"><title>video.js</title><script src="/video.js"></script>
        <link rel="stylesheet" href="/video-js.css">
        <video id="v" class="video-js" muted autoplay playsinline crossorigin="anonymous" width="640"
        height="360"></video>
        <script>videojs('v', {{ sources: [{{ src: '{url}', type: 'application/vnd.apple.mpegurl' }}],
        html5: {{ vhs: {{ overrideNative: true }} }} }});</script>""".encode()


def module(path):
    with open(os.path.join(MODULES, path), "rb") as file:
        return file.read()


VIDEO = "document.querySelector('video')"


def plays_in_video_js(scene, path):
    pages = {"/": video_js(scene, path), "/favicon.ico": b"",
             "/video.js": module("video.js/dist/video.min.js"),
             "/video-js.css": module("video.js/dist/video-js.min.css")}
    with Site(pages) as url, Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(url("/"))
        page.until(lambda _: page.run(f"{VIDEO}.currentTime > 0 && {VIDEO}.readyState >= 3"), PATIENCE,
                   "it begins")
        by_vhs = page.run("videojs.getPlayer('v').tech(true).vhs !== undefined")
        assert by_vhs, "it is played by the browser, not by VHS"
        begun = page.run(f"{VIDEO}.currentTime")
        page.until(lambda _: page.run(f"{VIDEO}.currentTime") > begun + 5, PATIENCE, "5 s are played")
        assert page.run(f"{VIDEO}.error") is None
        shows_the_camera(page)


@test(options=LISTED)
def rows_0_5_and_2_29_video_js_plays_cmaf(scene):
    plays_in_video_js(scene, "/live/cam/index.m3u8")


@test(options=LISTED)
def row_2_29_video_js_plays_transport_streams(scene):
    plays_in_video_js(scene, "/live/cam/ts.m3u8")
