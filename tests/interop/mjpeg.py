"""`.mjpeg` and `/video_feed`: any stream as JPEG pictures, judged by what is drawn into them."""

import hashlib
import os
import subprocess
import urllib.request

import camera
import node
import parts
import peers
import stamps
import stills
import websocket
from scenario import test

SIZE = camera.SIZE
CAMERA = camera.source("test:?size=640x360&fps=30&gop=500ms&audio=none&preset=ultrafast")
FEED = (*CAMERA, "--set", "http.default_stream=live/cam")


def in_order(seen):
    """No picture twice, none out of order."""
    for before, after in zip(seen, seen[1:]):
        assert after.frame > before.frame, f"picture {after.frame} comes after {before.frame}"


def gaps(seen):
    return sum(after.frame - before.frame - 1 for before, after in zip(seen, seen[1:]))


@test(quick=True, options=FEED)
def row_2_6_3_26_video_feed_has_the_classic_head_and_every_picture_of_the_stream(scene):
    scene.server.wait_live("live/cam")
    with parts.Viewer(scene, "/video_feed") as viewer:
        got = viewer.wait(80)
        head = viewer.head()
    for line in ("HTTP/1.1 200 OK", "Content-Type: multipart/x-mixed-replace; boundary=frame",
                 "Cache-Control: no-cache, no-store, must-revalidate", "Pragma: no-cache", "Expires: 0"):
        assert line in head.split("\r\n"), head
    assert "ontent-Length" not in head and "ransfer-Encoding" not in head, head
    seen = parts.stamps_of(scene, got, SIZE)
    in_order(seen)
    for part, stamp in zip(got, seen):
        assert abs(part.taken * 1000 - stamp.utc) <= 1.5, f"{part.taken} is not when {stamp} was taken"
    # The first is the key frame that was there; from the second on nothing is missing.
    assert gaps(seen[1:]) <= camera.skipped(scene), "pictures are missing"


@test(options=FEED)
def row_2_10_2_11_2_12_3_27_every_viewer_gets_every_picture_of_one_encode(scene):
    scene.server.wait_live("live/cam")
    viewers = [parts.Viewer(scene, "/live/cam.mjpeg") for _ in range(12)]
    try:
        for viewer in viewers:
            viewer.wait(60)
        assert len(parts.children_of(scene)) == 2, "the camera, and one that makes pictures"
        all_parts = [viewer.parts() for viewer in viewers]
        from_where = max(got[0].taken for got in all_parts)
        to_where = min(got[-1].taken for got in all_parts)
        common = [[part for part in got if from_where <= part.taken <= to_where] for got in all_parts]
        assert len(common[0]) >= 30, len(common[0])
        assert all(one == common[0] for one in common), "two viewers got different pictures"
    finally:
        for viewer in viewers:
            viewer.socket.close()


@test(quick=True, options=FEED)
def row_2_10_viewers_by_http_and_by_websocket_share_the_child_of_their_wish(scene):
    scene.server.wait_live("live/cam")
    before, path = parts.children_of(scene), "/live/cam.mjpeg?size=320x180&fps=10"
    with parts.Viewer(scene, path) as viewer:
        viewer.wait(1)
        with websocket.Client(scene.server.listeners["http"], path) as client:
            messages = [client.read_until(websocket.BINARY) for _ in range(20)]
            assert len(parts.children_of(scene) - before) == 1, "one child for both"
        node.until(lambda: messages[-1] in viewer.data, peers.MEDIA_PATIENCE, "the last picture by HTTP")
        got = [hashlib.sha256(part.jpeg).hexdigest() for part in viewer.parts()]
    hashes = [hashlib.sha256(message).hexdigest() for message in messages]
    assert len(set(hashes)) == 20, "a picture came twice"
    at = got.index(hashes[0])
    assert got[at:at + 20] == hashes, "the pictures are not the same"


@test(quick=True, options=FEED)
def row_2_6_ffmpeg_plays_mpjpeg(scene):
    scene.server.wait_live("live/cam")
    path = os.path.join(scene.folder, "played.mkv")
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "mpjpeg", "-i", scene.server.http("/video_feed"),
               "-frames:v", "60", "-c", "copy", path]
    subprocess.run(command, check=True, timeout=60)
    seen = stamps.of_file(path, *SIZE)
    assert len(seen) == 60, len(seen)
    in_order(seen)


OPENCV = """
import cv2, sys
capture = cv2.VideoCapture(sys.argv[1])
for _ in range(40):
    taken, picture = capture.read()
    if not taken:
        sys.exit("the capture ended")
    sys.stdout.buffer.write(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).tobytes())
"""


@test(options=FEED)
def row_2_6_opencv_captures(scene):
    scene.server.wait_live("live/cam")
    # Debian's own python3 has the package; another one in the path may not.
    run = subprocess.run(["/usr/bin/python3", "-c", OPENCV, scene.server.http("/video_feed")],
                         capture_output=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr.decode()[-1000:]
    size = SIZE[0] * SIZE[1]
    seen = [stamps.read(run.stdout[at:at + size], SIZE[0]) for at in range(0, len(run.stdout), size)]
    assert len(seen) == 40 and all(seen), "OpenCV saw other pictures"
    in_order(seen)


@test(options=FEED, company="sleepers", apart=True)
def row_2_9_the_child_comes_with_the_first_viewer_and_goes_after_the_last(scene):
    scene.server.wait_live("live/cam")
    before = parts.children_of(scene)
    with parts.Viewer(scene, "/live/cam.mjpeg") as viewer:
        viewer.wait(1)
        made = parts.children_of(scene) - before
        assert len(made) == 1, made
    with parts.Viewer(scene, "/live/cam.mjpeg") as viewer:
        viewer.wait(5)
        assert parts.children_of(scene) - before == made, "the same child, still warm"
    node.until(lambda: parts.children_of(scene) == before, 10 + 10, "the child is gone")
    assert scene.server.is_live("live/cam")


@test(quick=True, options=FEED)
def a_decoder_that_is_killed_costs_the_stream_its_pictures_for_a_moment_and_nothing_else(scene):
    scene.server.wait_live("live/cam")
    before = parts.children_of(scene)
    with peers.FlvReader(scene.flv()) as bystander, parts.Viewer(scene, "/live/cam.mjpeg") as viewer:
        viewer.wait(30)
        victim = (parts.children_of(scene) - before).pop()
        parts.kill(victim)
        known = len(viewer.parts())
        got = viewer.wait(known + 60)
        seen = parts.stamps_of(scene, got, SIZE)
        in_order(seen)
        frames = [frame.dts for frame in bystander.frames() if frame.kind == "video"]
        assert not bystander.ended and len(frames) > 60
        assert max(b - a for a, b in zip(frames, frames[1:])) < 200, "another viewer lost pictures"
        assert victim not in parts.children_of(scene)


@test(options=FEED)
def case_71_a_viewer_that_stops_reading_loses_pictures_and_nobody_else_does(scene):
    scene.server.wait_live("live/cam")
    with parts.Viewer(scene, "/live/cam.mjpeg?quality=95", 8192) as slow, \
            parts.Viewer(scene, "/live/cam.mjpeg?quality=95") as fast:
        slow.wait(1)
        slow.reads.clear()
        stopped = len(fast.wait(10))
        fast.wait(stopped + 200)
        slow.reads.set()
        newest = fast.parts()[-1].taken
        node.until(lambda: slow.parts()[-1].taken > newest, peers.MEDIA_PATIENCE, "the slow one sees now")
        got, whole = slow.parts(), fast.parts()
        seen = parts.stamps_of(scene, got, SIZE)
        in_order(seen)
        assert gaps(seen) > 50, "it was shown what was old"
        others = gaps(parts.stamps_of(scene, whole, SIZE)[1:])
        # On a busy machine this program may be slow itself.
        assert others <= camera.skipped(scene) + len(whole) // 10, f"the other one lost {others} pictures"


@test(options=FEED)
def size_rate_and_quality_are_as_asked_and_refused_in_words(scene):
    scene.server.wait_live("live/cam")
    with parts.Viewer(scene, "/live/cam.mjpeg?size=320x180&fps=5&quality=50") as viewer:
        got = viewer.wait(8)
    times = [part.taken for part in got[1:]]
    rate = (len(times) - 1) / (times[-1] - times[0])
    assert abs(rate / 5 - 1) < 0.1, f"{rate:.2f} pictures a second"
    width, height, _ = stills.decoded(got[-1].jpeg, "gray")
    assert (width, height) == (320, 180), (width, height)
    assert len(got[-1].jpeg) < 20_000
    for query, words in (("size=640", "size is WIDTHxHEIGHT"), ("size=1280x720", "above the stream's"),
                         ("fps=0", "fps is a whole number"), ("quality=101", "quality is a whole number")):
        status, _, body = stills.asked(scene, f"/live/cam.mjpeg?{query}")
        assert status == 400 and words in body.decode(), (query, status, body)
    head = urllib.request.Request(scene.server.http("/live/cam.mjpeg"), method="HEAD")
    with urllib.request.urlopen(head, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        assert answer.headers["Cache-Control"] == "no-store"


@test(options=FEED)
def five_ways_of_pictures_are_one_too_many(scene):
    scene.server.wait_live("live/cam")
    viewers = [parts.Viewer(scene, f"/live/cam.mjpeg?fps={fps}") for fps in (1, 2, 3, 4)]
    try:
        for viewer in viewers:
            viewer.wait(1)
        status, headers, body = stills.asked(scene, "/live/cam.mjpeg?fps=6")
        assert status == 503 and b"sizes and rates" in body, (status, headers, body)
    finally:
        for viewer in viewers:
            viewer.socket.close()


@test(options=FEED)
def a_websocket_message_is_one_picture(scene):
    scene.server.wait_live("live/cam")
    with websocket.Client(scene.server.listeners["http"], "/live/cam.mjpeg") as client:
        jpegs = [client.read_until(websocket.BINARY) for _ in range(20)]
    assert all(jpeg.startswith(b"\xff\xd8\xff") and jpeg.endswith(b"\xff\xd9") for jpeg in jpegs)
    in_order(parts.stamps_of(scene, [parts.Part(0, jpeg) for jpeg in jpegs], SIZE))


@test(options=(*camera.source("images:" + ",".join(f"{stills.IMAGES}/{name}.jpg" for name in stills.COLOURS)
                              + "?fps=1"), "--set", "http.default_stream=live/cam"))
def row_2_4_2_6_three_pictures_pass_through_as_the_files_have_them(scene):
    scene.server.wait_live("live/cam")
    files = {}
    for name in stills.COLOURS:
        with open(f"{stills.IMAGES}/{name}.jpg", "rb") as file:
            files[file.read()] = name
    with parts.Viewer(scene, "/video_feed") as viewer:
        got = viewer.wait(5)
    names = "".join(files[part.jpeg] for part in got)
    assert names in "123" * 4, names
    steps = [after.taken - before.taken for before, after in zip(got, got[1:])]
    assert abs(sum(steps) / len(steps) - 1) < 0.2, steps
    assert len(parts.children_of(scene)) == 1, "nothing is encoded"
