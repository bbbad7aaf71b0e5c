"""A sender at one end, a receiver at the other, our node between them: nothing is missing, and every number
is true. For minutes and to the millisecond: tests/soak/ends."""

import contextlib
import fcntl
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import termios
import threading
import time

import camera
import figures
import node
import outputs
import receives
import sends
import sources
from scenario import SHORT_GRACE, test

PATIENCE = 30
SIZE = (640, 360)
PICTURES = 75
SMALL = "test:?size=320x180&fps=30&preset=ultrafast&audio=none"
SOURCE = "test:?size=640x360&fps=30&bitrate=1M&preset=ultrafast"


def sums_agree(report):
    """Of a sender's own counters: what was captured was encoded, is counted as dropped, or is under way."""
    mine = report["camera"]
    under_way = mine["captured"] - mine["encoded"] - sum(mine["dropped"].values())
    assert 0 <= under_way <= mine["queue"]["pictures"] + 4, mine
    return mine


@contextlib.contextmanager
def standing_still(sender):
    """Program and child do nothing meanwhile."""
    both = [sender.process.pid, *camera.children(sender.process.pid)]
    for pid in both:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(both):
            os.kill(pid, signal.SIGCONT)


@test(quick=True, options=SHORT_GRACE)
def rows_1_27_4_3_4_8_4_12_x_4_every_captured_frame_arrives_and_the_numbers_are_the_files(scene):
    saved = os.path.join(scene.folder, "received.mp4")
    with figures.CountedWay(scene.server.listeners["rtsp"]) as way, \
            sends.Sender(scene, SOURCE, scene.server.rtsp(scene.own), "--codec", "h265") as sender:
        scene.server.wait_live(scene.own)
        with figures.Receiver(scene, f"rtsp://{way.address}/{scene.own}", SIZE, "--save", saved) as receiver:
            node.until(lambda: len(receiver.pictures) >= PICTURES, PATIENCE, "pictures come")
            with standing_still(sender):
                node.until(receiver.is_settled, PATIENCE, "all that was sent is received")
                receiver.process.send_signal(signal.SIGINT)
                receiver.ends(PATIENCE)
                came = way.count
        sent = [report for report in sender.stop() if "camera" in report][-1]
    missed = sums_agree(sent)["moments_missed"]
    seen = receiver.stamps()
    assert figures.gaps([stamp.frame for stamp in seen]) <= missed, seen
    said = [report for report in receiver.reports if report["tracks"]][-1]
    track, playback = figures.video_of(said), said["playback"]
    assert track["codec"] == "h265", track
    assert track["frames_captured"] == track["frames"] + track["frames_missing"], track
    assert track["frames_missing"] <= missed and playback["frames_broken"] == 0, (track, playback)
    assert playback["frames_decoded"] == playback["frames_shown"] == len(seen), (playback, len(seen))
    assert playback["latency"]["origin"] == "capture" == said["latency"]["origin"], playback
    # What came over the wire is what was counted, but for the conversation before it.
    assert 0 <= came - said["bytes_in"] <= came / 100 + 4096, (came, said["bytes_in"])
    # The file has what was received: its bytes are those that were counted.
    kept = figures.coded(saved)
    assert track["bytes"] == sum(one.size for one in kept[:track["frames"]]), (track, len(kept))
    # What latency is counted from is the time that is drawn into the picture.
    drawn = {stamp.frame: stamp.utc for stamp in seen}
    both = [(one.taken * 1000, drawn[one.number]) for one in kept if one.number in drawn]
    assert len(both) >= PICTURES, f"only {len(both)} pictures stand in both"
    for taken, utc in both:
        assert abs(taken - utc) <= 1, f"noted {taken} ms, drawn {utc} ms"


@test(company="two ends")
def row_1_23_a_sender_makes_what_the_first_publisher_made(scene):
    """H.264 of 1 Mbit/s, yuv420p, 640x480, 20 fps, a key frame each two seconds: as MPEG-TS."""
    path = os.path.join(scene.folder, "made.ts")
    words = "--codec h264 --bitrate 1M --size 640x480 --fps 20 --gop 2s".split()
    with sends.Sender(scene, "test:?audio=none", f"file:{path}", *words) as sender:
        node.until(lambda: any(figures.video_of(report) and figures.video_of(report)["frames"] > 60
                               for report in sender.reports()), PATIENCE, "three seconds of pictures")
        sender.stop()
    said = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
                           "stream=codec_name,pix_fmt,width,height,r_frame_rate", "-of", "csv=p=0", path],
                          capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    assert said.split()[0].rstrip(",") == "h264,640,480,yuv420p,20/1", said
    frames = outputs.frames_of(path, scene.folder)
    keys = [frame.pts for frame in frames if frame.key and frame.kind == "video"]
    assert len(keys) >= 2, keys
    assert all(abs(after - before - 2000) <= 1 for before, after in zip(keys, keys[1:])), keys


def written(into, rates, size):
    """Grey pictures, brighter and brighter, so many a second after each other; then the end."""
    for fps, count in rates:
        for number in range(count):
            into.write(bytes([16 + number % 200]) * (size[0] * size[1] * 3))
            into.flush()
            time.sleep(1 / fps)
    into.close()


@test(company="two ends")
def rows_1_28_0_27_a_camera_that_falls_to_7_fps_and_returns_is_played_as_it_was_taken(scene):
    path, size, rates = os.path.join(scene.folder, "made.mp4"), (64, 64), ((30, 20), (7, 7), (30, 20))
    program = subprocess.Popen([camera.program(scene), "send", "raw:-?size=64x64&fps=30&format=bgr24",
                                f"file:{path}"], cwd=scene.folder, stdin=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    writer = threading.Thread(target=written, args=(program.stdin, rates, size))
    writer.start()
    try:
        assert program.wait(PATIENCE) == 0
    finally:
        program.kill()
        writer.join()
    made = figures.coded(path)
    assert [one.number for one in made] == list(range(sum(count for _, count in rates))), made
    # The first ones wait together until there is an encoder, and step by a millisecond each.
    for one in made[10:]:
        off = (one.pts - made[10].pts) - (one.taken - made[10].taken)
        assert abs(off) <= 0.004, f"picture {one.number} is {off * 1000:.1f} ms off the clock"
    slow = [after.taken - before.taken for before, after in zip(made[20:27], made[21:27])]
    assert min(slow) > 0.1, f"the slow pictures came after {slow} s"


STEPS = 100      # of brightness, two each


def brighter_and_brighter(into, stopped, size):
    """Grey pictures, 30 a second, each a little brighter than the one before, from dark again and again."""
    with contextlib.suppress(BrokenPipeError), into:
        for number in itertools.count():
            if stopped.wait(1 / 30):
                return
            into.write(bytes([16 + 2 * (number % STEPS)]) * (size[0] * size[1] * 3))
            into.flush()


def boxes(data):
    """Names of the boxes that stand one after the other."""
    names, place = [], 0
    while place < len(data):
        names.append(data[place + 4:place + 8].decode())
        place += int.from_bytes(data[place:place + 4], "big")
    return names


def listed(server, name):
    """(init segment, the newest segment) of a stream's list, as a player finds them."""
    def text(path):
        status, body = server.get(path)
        assert status == 200, (path, status, body)
        return body.decode().splitlines()

    folder = f"/{name}/"
    media = next(line for line in text(folder + "index.m3u8") if line and not line.startswith("#"))
    folder, lines = folder + media.rpartition("/")[0], text(folder + media)
    folder += "" if folder.endswith("/") else "/"
    init = next(re.search('URI="([^"]+)"', line).group(1) for line in lines if line.startswith("#EXT-X-MAP"))
    newest = [line for line in lines if line and not line.startswith("#")][-1]
    return [server.get(folder + path)[1] for path in (init, newest)]


@test(company="two ends")
def rows_0_33_0_29_what_a_program_draws_comes_out_of_a_list_of_fragmented_mp4(scene):
    size, stopped = (64, 64), threading.Event()
    sender = subprocess.Popen([camera.program(scene), "send", "raw:-?size=64x64&fps=30&format=bgr24",
                               scene.server.rtsp(scene.own), "--gop", "500ms"], cwd=scene.folder,
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    writer = threading.Thread(target=brighter_and_brighter, args=(sender.stdin, stopped, size))
    writer.start()
    try:
        scene.server.wait_live(scene.own)
        run = subprocess.run([camera.program(scene), "receive", scene.server.http(f"/{scene.own}/index.m3u8"),
                              "--raw", "bgr24", "--frames", "20"], cwd=scene.folder, capture_output=True,
                             timeout=PATIENCE, check=False)
        init, segment = listed(scene.server, scene.own)
    finally:
        stopped.set()
        writer.join()
        sender.wait(PATIENCE)
    assert run.returncode == 0, run.stderr.decode()
    frame = size[0] * size[1] * 3
    greys = [run.stdout[place + frame // 2] for place in range(0, len(run.stdout), frame)]
    assert len(greys) == 20, len(greys)
    for before, after in zip(greys, greys[1:]):
        step = (after - before) % (2 * STEPS)
        assert 1 <= step <= 3, greys
    assert boxes(init)[0] == "ftyp" and boxes(init)[-1] == "moov" and b"mvex" in init, boxes(init)
    found = boxes(segment)
    assert found.count("moof") == found.count("mdat") > 0 and found[-1] == "mdat", found


@test(company="two ends")
def row_4_26_what_was_received_is_held_against_its_source_by_ssim_and_psnr(scene):
    """30 raw pictures are sent into a file, and what is received from there is compared with them."""
    size, source, received = "320x180", *(os.path.join(scene.folder, name) for name in ("in.yuv", "out.yuv"))
    coded = os.path.join(scene.folder, "coded.ts")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=30",
                    "-frames:v", "30", "-pix_fmt", "yuv420p", "-f", "rawvideo", source], check=True,
                   timeout=PATIENCE)
    with open(source, "rb") as pictures, subprocess.Popen(
            [camera.program(scene), "send", f"raw:-?size={size}&fps=30&format=yuv420p", f"file:{coded}",
             "--bitrate", "2M"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as sender:
        while picture := pictures.read(320 * 180 * 3 // 2):
            sender.stdin.write(picture)
            time.sleep(1 / 30)
        sender.stdin.close()
        assert sender.wait(PATIENCE) == 0
    with open(received, "wb") as pictures:
        subprocess.run([camera.program(scene), "receive", coded, "--raw", "yuv420p"], stdout=pictures,
                       stderr=subprocess.DEVNULL, check=True, timeout=PATIENCE)
    assert os.path.getsize(received) == os.path.getsize(source), os.path.getsize(received)
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", size, "-r", "30", "-i"]
    said = subprocess.run(["ffmpeg", "-hide_banner", *raw, received, *raw, source, "-lavfi",
                           "split[a][b];[1:v]split[c][d];[a][c]ssim;[b][d]psnr", "-f", "null", "-"],
                          capture_output=True, text=True, check=True, timeout=PATIENCE).stderr
    ssim, psnr = (float(re.search(words, said).group(1)) for words in (r"All:([\d.]+)", r"average:([\d.]+)"))
    assert ssim > 0.9 and psnr > 25, (ssim, psnr)


def unread(pipe):
    """Bytes in a pipe that nobody has read yet."""
    count = bytearray(4)
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return int.from_bytes(count, sys.byteorder)


@test(company="two ends")
def row_0_27_pictures_on_stdin_stay_whole_when_the_child_that_reads_them_is_replaced(scene):
    """Dark and bright pictures by turns: one that is shifted is both. The child dies in the midst of one."""
    pictures = [bytes([shade]) * (64 * 64 * 3) for shade in (40, 200)]
    sender = subprocess.Popen([camera.program(scene), "send", "raw:-?size=64x64&fps=30&format=bgr24",
                               scene.server.rtsp(scene.own)], cwd=scene.folder, stdin=subprocess.PIPE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, bufsize=0)
    stopped = threading.Event()

    def write(count):
        for number in range(count):
            if not stopped.wait(1 / 30):
                sender.stdin.write(pictures[number % 2])

    writer = threading.Thread(target=write, args=(3000,))
    try:
        write(10)
        scene.server.wait_live(scene.own)
        first, = camera.children(sender.pid)
        sender.stdin.write(pictures[0][:5000])
        node.until(lambda: unread(sender.stdin) == 0, PATIENCE, "half a picture is read")
        os.kill(first, signal.SIGKILL)
        sender.stdin.write(pictures[0][5000:])
        node.until(lambda: camera.children(sender.pid) not in ([], [first]), PATIENCE, "another child comes")
        writer.start()
        run = subprocess.run([camera.program(scene), "receive", scene.server.rtsp(scene.own), "--raw",
                              "bgr24", "--frames", "20"], cwd=scene.folder, capture_output=True,
                             timeout=PATIENCE, check=False)
    finally:
        stopped.set()
        if writer.is_alive():
            writer.join()
        sender.stdin.close()
        sender.wait(PATIENCE)
    assert run.returncode == 0, run.stderr.decode()
    size = len(pictures[0])
    for number in range(20):
        grey = run.stdout[number * size + 1:(number + 1) * size:3]
        assert max(grey) - min(grey) < 80, f"picture {number} is {min(grey)} to {max(grey)}"


def held(server):
    """(threads, descriptors) of a server."""
    return len(os.listdir(f"/proc/{server.process.pid}/task")), server.descriptors()


def cycles(scene, rounds, together):
    """Starts and stops so many senders at a time, round by round; what the server holds after each, once it
    has forgotten their streams."""
    found = []
    for turn in range(rounds):
        names = [f"{scene.own}-{turn}-{number}" for number in range(together)]
        with contextlib.ExitStack() as stack:
            senders = [stack.enter_context(sends.Sender(scene, SMALL, scene.server.rtsp(name)))
                       for name in names]
            for name in names:
                scene.server.wait_live(name)
            for sender in senders:
                sender.process.send_signal(signal.SIGINT)
            for sender in senders:
                sender.ends(0)
        for name in names:
            node.until(lambda at=name: sends.state_at(scene.server, at) == "gone", PATIENCE,
                       "the server forgets the stream")
        found.append(held(scene.server))
    assert "was lost" not in scene.server.said(), "every end was said"
    return found


@test(company="two ends")
def row_1_34_pictures_captured_encoded_sent_received_decoded_and_shown_are_as_many(scene):
    """They come by a pipe, all in one group of pictures; then nothing comes, and nothing is under way."""
    count, size = 60, 64 * 64 * 3
    sender = subprocess.Popen([camera.program(scene), "send", "raw:-?size=64x64&fps=30&format=bgr24",
                               scene.server.rtsp(scene.own), "--gop", "10s", "--json"], cwd=scene.folder,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    reports = []
    reader = threading.Thread(target=lambda: reports.extend(json.loads(line) for line in sender.stdout))
    reader.start()
    try:
        for number in range(count):
            sender.stdin.write(bytes([16 + number]) * size)
            sender.stdin.flush()
            time.sleep(1 / 30)
        with receives.Viewer(scene, scene.server.rtsp(scene.own)) as viewer:
            seen = viewer.until(lambda now: now["frames_shown"] + now["frames_unseen"] == count,
                                "all is seen")
            node.until(lambda: reports[-1].get("forwards", [{}])[0].get("frames_sent") == count and
                       reports[-1]["camera"]["encoded"] == count, PATIENCE, "all is sent")
            mine = reports[-1]
            sender.send_signal(signal.SIGINT)
            sender.wait(PATIENCE)
            reader.join()
    finally:
        sender.kill()
        sender.wait()
        reader.join()
    out, = mine["forwards"]
    assert mine["camera"]["captured"] == mine["camera"]["encoded"] == count, mine["camera"]
    assert figures.video_of(mine)["frames"] == count, mine
    assert (out["frames_sent"], out["frames_skipped"], out["queue"]["frames"]) == (count, 0, 0), out
    assert max(report["forwards"][0].get("sent_fps", 0) for report in reports if "forwards" in report) > 5
    assert seen["frames_received"] == seen["frames_decoded"] == count, seen
    assert seen["frames_broken"] == seen["frames_skipped"] == 0, seen


@test(options=SHORT_GRACE)
def row_4_9_senders_that_start_and_stop_leave_no_thread_descriptor_or_stream(scene):
    threads, descriptors = cycles(scene, 2, 5)[0]
    node.until(lambda: held(scene.server)[0] <= threads and held(scene.server)[1] <= descriptors, PATIENCE,
               f"it holds {threads} threads and {descriptors} descriptors again")
    assert json.loads(scene.server.get("/api/v1/streams")[1])["items"] == []


@test(company="two ends")
def row_4_22_a_server_that_dies_is_called_again_and_a_killed_sender_leaves_no_child(scene):
    with sources.second_node(scene, *SHORT_GRACE) as server, \
            sends.Sender(scene, SMALL, server.rtsp(scene.own)) as sender:
        server.wait_live(scene.own)
        server.process.kill()
        server.process.wait()
        node.until(lambda: "it is tried again" in sender.said(), PATIENCE, "the sender says what happened")
        reason = re.search(r"WARN.*it is tried again", sender.said()).group()
        assert "rtsp://" in reason and re.search("closed|broke|reset|gone|lost|nobody", reason), reason
        server.start_again(server.listeners)
        server.wait_live(scene.own)
        child, = camera.children(sender.process.pid)
        sender.process.kill()
        sender.process.wait()
        node.until(lambda: not camera.is_running(child), PATIENCE, "its child ends with it")
        node.until(lambda: sends.state_at(server, scene.own) == "gone", PATIENCE, "the server forgets it")
