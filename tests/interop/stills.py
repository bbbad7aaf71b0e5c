"""Single pictures: `/NAME.jpg` as ffmpeg decodes it, and the sources that are pictures themselves."""

import os
import subprocess
import time
import urllib.error
import urllib.request

import camera
import node
import peers
import stamps
from scenario import test

WIDTH, HEIGHT = camera.SIZE
CAMERA = camera.source("test:?size=640x360&fps=30&gop=500ms&audio=none&preset=ultrafast")
COLOURS = {"1": "red", "2": "lime", "3": "blue"}


def asked(scene, path, headers=()):
    """(status, headers, body) of a request."""
    request = urllib.request.Request(scene.server.http(path), headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def picture(scene, path):
    status, headers, body = asked(scene, path)
    assert status == 200, (status, body)
    assert headers["Content-Type"] == "image/jpeg" and body[:2] == b"\xff\xd8" and body[-2:] == b"\xff\xd9"
    return headers, body


def decoded(data, pixels, form="mjpeg"):
    """(width, height, samples) of the first picture in `data`."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-f", form, "-i", "-", "-show_entries",
                            "stream=width,height", "-of", "csv=p=0"], input=data, capture_output=True,
                           check=True, timeout=60)
    width, height = (int(word) for word in probe.stdout.decode().split()[0].split(",")[:2])
    run = subprocess.run(["ffmpeg", "-v", "error", "-f", form, "-i", "-", "-frames:v", "1", "-f", "rawvideo",
                          "-pix_fmt", pixels, "-"], input=data, capture_output=True, check=True, timeout=60)
    return width, height, run.stdout


def stamp_of(jpeg):
    width, height, grey = decoded(jpeg, "gray")
    assert (width, height) == camera.SIZE, (width, height)
    stamp = stamps.read(grey, width)
    assert stamp, "the stamp of the picture cannot be read"
    return stamp


def pictures(player):
    return sum(frame.kind == "video" for frame in player.frames())


@test(quick=True, options=CAMERA)
def a_jpg_is_the_newest_key_frame_of_the_camera(scene):
    scene.server.wait_live("live/cam")
    headers, jpeg = picture(scene, "/live/cam.jpg")
    first = stamp_of(jpeg)
    assert first.frame % 15 == 0, f"picture {first.frame} is no key frame"
    assert abs(float(headers["X-Timestamp"]) * 1000 - first.utc) <= 2, (headers["X-Timestamp"], first.utc)
    assert headers["Cache-Control"] == "no-cache" and headers["ETag"].startswith('"')
    status, _, body = asked(scene, "/live/cam.jpg", {"If-None-Match": headers["ETag"]})
    assert status == 304 and body == b"", "within five seconds it is the same one"

    def newer():
        status, headers_, body = asked(scene, "/live/cam.jpg", {"If-None-Match": headers["ETag"]})
        return status == 200 and (headers_, body)

    _, later = node.until(newer, 15, "there is a newer one")
    assert stamp_of(later).frame > first.frame


@test(options=CAMERA)
def a_jpg_has_the_colours_of_its_source(scene):
    """The same frame, decoded by ffmpeg from the stream and from the still, differs by what JPEG costs."""
    scene.server.wait_live("live/cam")
    with peers.curl_play(scene.flv(), scene.folder) as player:
        node.until(lambda: pictures(player) >= 30, 15, "it plays")
        _, jpeg = picture(scene, "/live/cam.jpg")
        so_far = pictures(player)
        node.until(lambda: pictures(player) >= so_far + 15, 15, "it plays on")
        player.stop()
    numbers = [stamp.frame for stamp in stamps.of_file(player.path, *camera.SIZE)]
    wanted = stamp_of(jpeg).frame
    run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", player.path, "-vf",
                          f"select=eq(n\\,{numbers.index(wanted)})", "-vsync", "0", "-frames:v", "1", "-f",
                          "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True, timeout=60)
    _, _, ours = decoded(jpeg, "rgb24")
    assert len(run.stdout) == len(ours) == WIDTH * HEIGHT * 3
    for channel in range(3):
        theirs_mean = sum(run.stdout[channel::3]) / (WIDTH * HEIGHT)
        ours_mean = sum(ours[channel::3]) / (WIDTH * HEIGHT)
        assert abs(theirs_mean - ours_mean) < 2, f"channel {channel}: {theirs_mean:.1f} and {ours_mean:.1f}"
    apart = sum(abs(a - b) for a, b in zip(run.stdout, ours)) / len(ours)
    assert apart < 6, f"the pictures are {apart:.1f} levels apart"


@test(options=CAMERA, company="sleepers", apart=True)
def thumbnails_share_one_child_which_goes_when_nobody_asks(scene):
    scene.server.wait_live("live/cam")
    [source] = camera.children(scene.server.process.pid)
    for width, wanted in ((160, (160, 90)), (300, (320, 180)), (1920, (640, 360))):
        _, jpeg = picture(scene, f"/live/cam.jpg?width={width}")
        assert decoded(jpeg, "gray")[:2] == wanted, width
    assert len(camera.children(scene.server.process.pid)) == 2, "the camera's child and one more"
    status, _, body = asked(scene, "/live/cam.jpg?width=4000")
    assert status == 400 and b"160 to 1920" in body
    node.until(lambda: camera.children(scene.server.process.pid) == [source], 10 + 10, "the child is gone")
    assert asked(scene, "/live/none.jpg")[0] == 404
    assert asked(scene, "/live/none.jpg?cached")[0] == 404
    assert camera.children(scene.server.process.pid) == [source]


@test()
def stills_of_what_others_publish(scene):
    """H.265 and AV1 by enhanced RTMP, H.264 with B frames: each has its picture."""
    for name in ("plain", "bframes", "h265", "av1"):
        clip = scene.clip(name)
        with peers.Publisher(scene.rtmp_address, clip, name=f"live/{name}") as publisher:
            publisher.open()
            publisher.send(clip.samples[:60], pace=0)
            scene.server.wait_live(f"live/{name}")
            _, jpeg = picture(scene, f"/live/{name}.jpg")
            width, height, ours = decoded(jpeg, "rgb24")
            assert (width, height) == (320, 180), name
            run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", clip.path, "-frames:v", "1",
                                  "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True,
                                 check=True, timeout=60)
            apart = sum(abs(a - b) for a, b in zip(run.stdout, ours)) / len(ours)
            assert apart < 10, f"{name}: the pictures are {apart:.1f} levels apart"


def coloured(folder):
    """1.jpg, 2.jpg and 3.jpg, each of one colour."""
    os.makedirs(folder, exist_ok=True)
    for name, colour in COLOURS.items():
        path = os.path.join(folder, f"{name}.jpg")
        if not os.path.exists(path):
            part = f"{path}.{os.getpid()}.jpg"
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                            f"color={colour}:size=320x240", "-frames:v", "1", part], check=True, timeout=60)
            os.replace(part, path)
    return folder


def name_of(jpeg):
    """Which of the coloured pictures it is, by its middle."""
    width, height, rgb = decoded(jpeg, "rgb24")
    middle = rgb[(height // 2 * width + width // 2) * 3:][:3]
    return str(1 + middle.index(max(middle)))


IMAGES = coloured(os.path.join(node.ROOT, "build/interop_clips/images"))


SHOW = (*camera.source("images:" + ",".join(f"{IMAGES}/{name}.jpg" for name in COLOURS) + "?fps=1"), "--set",
        "http.default_stream=live/cam")


def part(answer):
    """(header fields, body) of the next part of a multipart/x-mixed-replace."""
    line, fields = answer.readline().strip(), {}
    while line in (b"", b"--frame"):
        line = answer.readline().strip()
    while line:
        name, value = line.decode().split(":", 1)
        fields[name.lower()] = value.strip()
        line = answer.readline().strip()
    return fields, answer.read(int(fields["content-length"]))


@test(options=SHOW, company="one a second", apart=True)
def row_2_4_video_feed_shows_three_pictures_one_a_second(scene):
    scene.server.wait_live("live/cam")
    files = {}
    for name in COLOURS:
        with open(f"{IMAGES}/{name}.jpg", "rb") as file:
            files[file.read()] = name
    with urllib.request.urlopen(scene.server.http("/video_feed"), timeout=20) as answer:
        assert answer.headers["Content-Type"] == "multipart/x-mixed-replace; boundary=frame"
        parts = [part(answer) for _ in range(8)]
    names = "".join(files[body] for _, body in parts)
    assert names in "123" * 4, names
    times = [float(fields["x-timestamp"]) for fields, _ in parts]
    steps = [after - before for before, after in zip(times, times[1:])]
    assert abs(sum(steps) / len(steps) - 1) < 0.2, steps


@test(options=SHOW, company="one a second", apart=True)
def row_2_4_three_pictures_one_a_second_repeat_in_order(scene):
    scene.server.wait_live("live/cam")
    files = {}
    for name in COLOURS:
        with open(f"{IMAGES}/{name}.jpg", "rb") as file:
            files[file.read()] = name
    seen, began = [], time.monotonic()

    def seven():
        headers, jpeg = picture(scene, "/live/cam.jpg")
        one = (float(headers["X-Timestamp"]), files[jpeg])      # byte for byte as the file has it
        if not seen or seen[-1] != one:
            seen.append(one)
        return len(seen) >= 7

    node.until(seven, 7 + 10, "seven pictures")
    assert time.monotonic() - began > 5, "they come faster than one a second"
    names = "".join(name for _, name in seen)
    assert names in "123" * 4, names
    steps = [after - before for (before, _), (after, _) in zip(seen, seen[1:])]
    assert abs(sum(steps) / len(steps) - 1) < 0.2, steps
    _, small = picture(scene, "/live/cam.jpg?width=160")
    assert decoded(small, "gray")[:2] == (160, 120) and name_of(small) in COLOURS


@test(options=camera.source(f"images:{IMAGES}/1.jpg,{IMAGES}/none.jpg"))
def a_source_of_images_that_are_not_there_says_why(scene):
    node.until(lambda: "none.jpg: No such file" in scene.server.said(), 10, "the reason stands in the log")
