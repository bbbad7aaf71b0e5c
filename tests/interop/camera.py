"""The node's own sources: the synthetic camera and files, each in a child process."""

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import clip
import ledger
import node
import peers
import stamps
from scenario import CLIPS, test

SIZE = (640, 360)


def source(text):
    return ("--set", f"streams={{ live/cam: {{ source: \"{text}\" }} }}")


def program(scene):
    """The server's own, which the child's lies beside."""
    return scene.server.command[0]


def children(pid):
    """The processes whose parent is pid."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                words = file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(words[1]) == pid and words[0] != "Z":
            found.append(int(name))
    return found


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def watch(player, frames):
    """Lets it play until it has so many pictures; all frames it got."""
    def enough():
        return sum(frame.kind == "video" for frame in player.frames()) >= frames

    node.until(enough, peers.MEDIA_PATIENCE, f"{player.name} gets {frames} pictures")
    player.stop()
    return player.frames()


def skipped(scene):
    """How many moments the server said it had no picture for: where the machine stood still for a while."""
    return sum(int(count) for count in re.findall(r"(\d+) pictures were skipped", scene.server.said()))


def check_pictures(scene, path, fps, least):
    """Each frame number once, in order, at the right times, by what is drawn into the decoded pictures."""
    seen = stamps.of_file(path, *SIZE)
    assert len(seen) >= least, f"only {len(seen)} pictures were decoded"
    missing = 0
    for before, after in zip(seen, seen[1:]):
        assert after.frame > before.frame, f"frame {after.frame} comes after {before.frame}"
        missing += after.frame - before.frame - 1
    assert missing <= skipped(scene), f"{missing} frames are missing, and the server said nothing of it"
    rate = (seen[-1].frame - seen[0].frame) / (seen[-1].utc - seen[0].utc) * 1000
    assert abs(rate / fps - 1) < 0.001, f"{rate:.3f} frames a second by the pictures' own clock"
    return seen


def check_times(frames, seen, fps, whole):
    """What the container says is when the pictures were taken; sound goes with them, without a hole."""
    video = [frame for frame in frames if frame.kind == "video"][:len(seen)]
    for number, (frame, stamp) in enumerate(zip(video, seen)):
        wanted = video[0].pts + (stamp.frame - seen[0].frame) * 1000 / fps
        assert abs(ledger.apart(frame.pts, round(wanted))) <= 2, f"picture {number} is at {frame.pts} ms"
        taken = stamp.utc - seen[0].utc
        shown = ledger.apart(frame.pts, video[0].pts)
        assert abs(taken - shown) <= 3, f"picture {number}: taken {taken} ms on, shown {shown} ms on"
    audio = [frame for frame in frames if frame.kind == "audio"]
    assert audio, "no sound"
    gaps = [after.dts for before, after in zip(audio, audio[1:])
            if not 20 <= ledger.apart(after.dts, before.dts) <= 23]
    assert not whole or not gaps, f"sound has gaps before {gaps} ms"
    assert abs(ledger.apart(audio[-1].pts, video[-1].pts)) < 150, "sound and picture end apart"


@test(quick=True, options=source("test:?size=640x360&fps=30"))
def row_1_27_the_camera_gives_every_frame_once_over_rtmp_and_flv(scene):
    scene.server.wait_live("live/cam")
    with peers.curl_play(scene.flv(), scene.folder) as flv, \
            peers.ffmpeg_play(scene.rtmp(), scene.folder) as rtmp:
        flv_frames, rtmp_frames = watch(flv, 150), watch(rtmp, 150)
    for player, frames in ((flv, flv_frames), (rtmp, rtmp_frames)):
        seen = check_pictures(scene, player.path, 30, 140)
        check_times(frames, seen, 30, not skipped(scene))
    behind = time.time() * 1000 - seen[-1].utc
    assert -50 < behind < 20_000, f"the pictures' clock is off by {behind:.0f} ms"


@test(options=source("test:?size=640x360&fps=30"))
def the_camera_reaches_every_way_out(scene):
    """Five seconds of each address, taken by ffmpeg: no frame number is missing, none comes twice."""
    scene.server.wait_live("live/cam")
    paths = ("/live/cam.ts", "/live/cam.mp4", "/live/cam/index.m3u8", "/live/cam/ts.m3u8")
    takers = []
    for number, path in enumerate(paths):
        saved = os.path.join(scene.folder, f"{number}.mkv")
        command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", scene.server.http(path), "-map", "0:v",
                   "-map", "0:a", "-t", "5", "-c", "copy", saved]
        takers.append((peers.Program(f"ffmpeg-{number}", command, scene.folder), saved))
    for program, saved in takers:
        with program:
            program.succeed(40)
        check_pictures(scene, saved, 30, 140)


@test(options=source("test:?size=640x360&fps=25&codec=h265&gop=2s"))
def the_camera_speaks_h265(scene):
    scene.server.wait_live("live/cam")
    with peers.curl_play(scene.flv(), scene.folder) as flv:
        watch(flv, 100)
        tags = list(peers.flv.tags(flv.bytes()))
    codecs = {tag.codec for tag in tags if tag.kind == "video"}
    assert codecs == {"hvc1"}, codecs
    keys = [tag.dts for tag in tags if tag.kind == "video" and tag.key and not tag.config]
    if not skipped(scene):
        assert all(after - before == 2000 for before, after in zip(keys, keys[1:])), f"key frames at {keys}"
    path = os.path.join(scene.folder, "copy.h265")      # the ffmpeg here reads no H.265 in FLV
    write_h265(tags, path)
    check_pictures(scene, path, 25, 95)


def write_h265(tags, path):
    """The video of enhanced FLV as a byte stream: parameter sets of hvcC, then the frames."""
    out = bytearray()
    for tag in tags:
        if tag.kind != "video":
            continue
        if tag.config:
            for unit in sets_of_hvcc(tag.body):
                out += b"\x00\x00\x00\x01" + unit
        else:
            for unit in ledger.nal_units(tag.body):
                out += b"\x00\x00\x00\x01" + unit
    with open(path, "wb") as file:
        file.write(out)


def sets_of_hvcc(record):
    at, arrays = 23, record[22]
    for _ in range(arrays):
        count, at = int.from_bytes(record[at + 1:at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(record[at:at + 2], "big")
            yield record[at + 2:at + 2 + size]
            at += 2 + size


def tone(path):
    """Root mean square of the decoded sound, in pieces of 20 ms, 48 kHz mono."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:a", "-f", "s16le", "-ar", "48000",
               "-ac", "1", "-"]
    data = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
    samples = memoryview(data[:len(data) // 2 * 2]).cast("h")
    piece = 960
    return [(sum(sample * sample for sample in samples[at:at + piece]) / piece) ** 0.5
            for at in range(0, len(samples) - piece, piece)]


@test(options=source("test:?size=640x360&fps=25"))
def row_1_35_the_beep_comes_with_the_full_second(scene):
    scene.server.wait_live("live/cam")
    with peers.curl_play(scene.flv(), scene.folder) as player:
        frames = watch(player, 120)
    loud = [level > 3000 for level in tone(player.path)]
    begins = [at * 20 for at in range(1, len(loud)) if loud[at] and not loud[at - 1]]
    assert len(begins) >= 3, f"beeps at {begins} ms"
    assert all(abs(after - before - 1000) <= 20 for before, after in zip(begins, begins[1:])), begins
    seen = check_pictures(scene, player.path, 25, 100)
    video = next(frame for frame in frames if frame.kind == "video")
    audio = next(frame for frame in frames if frame.kind == "audio")
    # The picture's clock at the moment of the beep is a full second.
    at_beep = seen[0].utc + ledger.apart(audio.pts, video.pts) + begins[1]
    off = (at_beep + 500) % 1000 - 500
    assert abs(off) <= 40, f"the beep is {off} ms beside the full second"


@test(options=source(f"file:{CLIPS}/plain.mp4?loop"), company="files", apart=True)
def a_looped_file_goes_on_without_a_step_back(scene):
    period = clip.SECONDS * clip.FPS
    sent = [frame for frame in ledger.of_clip(scene.clip()) if frame.kind == "video"]
    names = [frame.name[0] for frame in sent]
    scene.server.wait_live("live/cam")
    with peers.curl_play(scene.flv(), scene.folder) as player:
        frames = watch(player, 2 * period + 20)
    ledger.monotonic(frames)
    video = [frame for frame in frames if frame.kind == "video"]
    first = names.index(video[0].name[0])
    for number, frame in enumerate(video):
        assert frame.name[0] == names[(first + number) % period], f"picture {number} is not the file's"
    for before, after in zip(video, video[1:]):
        step = ledger.apart(after.dts, before.dts)
        assert 39 <= step <= 41, f"pictures step by {step} ms at {after.dts}"
    assert any(frame.kind == "audio" for frame in frames), "no sound"


def child_of(scene):
    return node.until(lambda: children(scene.server.process.pid), 10, "the child runs")[0]


@test(quick=True, options=source("test:?size=640x360&fps=30&preset=ultrafast"))
def a_killed_child_is_replaced_and_viewers_stay(scene):
    scene.server.wait_live("live/cam")
    with peers.FlvReader(scene.flv()) as viewer:
        first = child_of(scene)
        os.kill(first, signal.SIGKILL)
        node.until(lambda: [pid for pid in children(scene.server.process.pid) if pid != first], 10,
                   "another child runs")

        def goes_on():
            times = [frame.dts for frame in ledger.of_flv(bytes(viewer.data)) if frame.kind == "video"]
            gaps = [at for at in range(1, len(times)) if times[at] - times[at - 1] > 500]
            return gaps and len(times) - gaps[0] > 60

        node.until(goes_on, 20, "the same viewer sees two more seconds")
        ledger.monotonic(ledger.of_flv(bytes(viewer.data)))
        assert not viewer.ended, "the viewer was sent away"
    assert len(children(scene.server.process.pid)) == 1


@test(quick=True)
def row_4_22_a_killed_server_leaves_no_child(scene):
    folder = node.open_folder(os.path.join(scene.folder, "second"))
    server = node.Millrace(folder, program(scene), ("--open", *source("test:?size=640x360")))
    try:
        server.wait_live("live/cam")
        left = children(server.process.pid)
        assert len(left) == 1, left
        server.process.kill()
        server.process.wait()
        node.until(lambda: not any(is_running(pid) for pid in left), 2, "the child is gone")
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
        server.log.close()


@test(options=source("test:?size=640x360&fps=30&preset=ultrafast"))
def case_102_a_child_has_the_link_and_the_log_and_nothing_else(scene):
    """Its program lies beside ours; no listener, file or socket of the server is open in it.

    An eventfd is its own: its threads ring with it."""
    scene.server.wait_live("live/cam")
    child = child_of(scene)
    beside = os.path.join(os.path.dirname(program(scene)), "millrace-media")
    assert os.readlink(f"/proc/{child}/exe") == beside
    places = [os.readlink(f"/proc/{child}/fd/{number}") for number in os.listdir(f"/proc/{child}/fd")]
    sockets = [place for place in places if place.startswith("socket:")]
    pipes = [place for place in places if place.startswith("pipe:")]
    others = [place for place in places
              if place not in sockets + pipes and place not in ("/dev/null", "anon_inode:[eventfd]")]
    assert len(sockets) == 1 and len(pipes) <= 2 and not others, places


@test(quick=True, options=source("test:?colour=red"))
def row_4_21_a_source_that_cannot_be_says_why(scene):
    node.until(lambda: "no option 'colour'" in scene.server.said(), 5, "the reason stands in the log")
    time_of_fault = scene.server.said().count("colour")
    node.until(lambda: not children(scene.server.process.pid), 5, "no child is left")
    assert scene.server.said().count("colour") == time_of_fault, "it is not tried again and again"


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except urllib.error.HTTPError:
        return False


@test()
def two_demos_find_a_port_each(scene):
    demos = [subprocess.Popen([program(scene), "demo"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        addresses = [demo.stdout.readline().strip() for demo in demos]
        assert len(set(addresses)) == 2, addresses
        for address in addresses:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/demo", address), address
        camera = addresses[1] + "/cam.flv"
        node.until(lambda: answers(camera), 10, "the demo's camera is live")
        with peers.curl_play(camera, scene.folder) as player:
            watch(player, 30)
    finally:
        for demo in demos:
            demo.send_signal(signal.SIGTERM)
        codes = [demo.wait(node.STOP_SECONDS) for demo in demos]
        for demo in demos:
            demo.stdout.close()
            demo.stderr.close()
    assert codes == [0, 0], codes
