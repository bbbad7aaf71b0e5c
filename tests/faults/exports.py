"""An export over changes of coding and of run: every frame once, in order, each at its time, in any part."""

import datetime
import hashlib
import os
import subprocess
import time
import urllib.request

import flv
import ledger
import node
import peers
import rtmp
from recordings import NAME, what_there_is
from world import test

VIDEO_TOLERANCE = 1      # ms
FRAME = 1024 / 48        # ms of AAC
RATE = 48_000
SOUNDS_BEFORE = 5        # packets of Opus, 20 ms each
REORDERED = 0.2          # s: mpv counts a picture that others are coded by, though it is not shown
GONE = 15                # s, until a stream is over and its last file is closed


def recording(_folder):
    return ("--open", "--set", f"streams={{ {NAME}: {{ record: true }} }}", "--set", "grace=1s")


def ffmpeg(*arguments):
    run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *arguments], capture_output=True, text=True,
                         timeout=120, check=False)
    assert run.returncode == 0 and not run.stderr, run.stderr
    return run.stdout


def hashes(path, stream):
    """The hash of each picture of a stream, decoded."""
    said = ffmpeg("-i", path, "-map", f"0:{stream}", "-autoscale", "0", "-fps_mode", "passthrough",
                  "-f", "framehash", "-")
    return [line.rsplit(",", 1)[1].strip() for line in said.splitlines() if not line.startswith("#")]


def packets(path, stream):
    """The hash of each packet as it stands in the file."""
    run = subprocess.run(["ffprobe", "-v", "error", "-select_streams", stream, "-show_data_hash", "sha256",
                          "-show_entries", "packet=data_hash", "-of", "csv=p=0", path], capture_output=True,
                         text=True, timeout=60, check=True)
    return [line.strip(",").removeprefix("SHA256:") for line in run.stdout.split()]


def times(path, stream):
    """The times of a stream's packets in ms, as they are shown."""
    run = subprocess.run(["ffprobe", "-v", "error", "-select_streams", stream, "-show_entries",
                          "packet=pts_time", "-of", "csv=p=0", path], capture_output=True, text=True,
                         timeout=60, check=True)
    return sorted(float(line.strip(",")) * 1000 for line in run.stdout.split())


def exported(world):
    """The export in a file: whole, and the same where it is asked for in parts."""
    url = world.server.http(f"/{NAME}/archive.mp4")
    with urllib.request.urlopen(url, timeout=30) as answer:
        whole = answer.read()
        assert len(whole) == int(answer.headers["Content-Length"])
        tag = answer.headers["ETag"]
    for begin, end in ((0, 10), (len(whole) // 3, len(whole) // 2), (len(whole) - 5, len(whole))):
        part = urllib.request.Request(url, headers={"Range": f"bytes={begin}-{end - 1}", "If-Range": tag})
        with urllib.request.urlopen(part, timeout=30) as answer:
            assert answer.status == 206 and answer.read() == whole[begin:end], f"{begin}-{end}"
    path = os.path.join(world.folder, "export.mp4")
    with open(path, "wb") as file:
        file.write(whole)
    return path


def publish(world, *clips):
    """Publishes one clip behind the other on one connection; when each began, in ms of the publication."""
    begins, at = [], 0
    with peers.Publisher(world.listeners["rtmp"], clips[0], NAME) as camera:
        camera.open()
        for clip in clips:
            if at:
                camera.clip = clip
                camera.start = at
                camera._media(rtmp.VIDEO, flv.video_config_body(clip), 0)
            begins.append(at)
            camera.send(clip.samples)
            at += round(clip.of("audio")[-1].dts + FRAME)      # sound goes on without a hole
        camera.client.unpublish()
    return begins


def over(world):
    node.until(lambda: not what_there_is(world)["recording"], GONE, "the recording ends")
    node.until(lambda: world.server.get(f"/api/v1/streams/{NAME}")[0] == 404, GONE, "the stream ends")


def same_times(got, want, tolerance, what):
    assert len(got) == len(want), f"{what}: {len(got)} of {len(want)}"
    offset = got[0] - want[0]
    apart = [abs(have - wanted - offset) for have, wanted in zip(got, want)]
    assert max(apart) <= tolerance, f"{what}: {max(apart)} ms at {apart.index(max(apart))}"


def sounds(clip, begins_run):
    """Sound in front of the first picture of a run belongs to no segment."""
    first = clip.of("video")[0].dts if begins_run else 0
    return [sample for sample in clip.of("audio") if sample.dts >= first]


def judge(path, parts, tracks, runs=(0,)):
    """`parts` are (clip, when it begins in ms); `tracks` the parts that are of each video track, `runs` those
    that begin a run."""
    for number, of_track in enumerate(tracks):
        mine = [parts[part] for part in of_track]
        stream = f"v:{number}"
        want = [name for clip, _ in mine for name in hashes(clip.path, "v")]
        assert hashes(path, stream) == want, f"{stream}: not the frames that were sent, each once, in order"
        same_times(times(path, stream), sorted(sample.pts + begin for clip, begin in mine
                                               for sample in clip.of("video")), VIDEO_TOLERANCE, stream)
    sent = [(hashlib.sha256(sample.data).hexdigest(), sample.pts + begin)
            for number, (clip, begin) in enumerate(parts) for sample in sounds(clip, number in runs)]
    got = packets(path, "a")
    assert got == [name for name, _ in sent], f"sound: {len(got)} of {len(sent)}"
    same_times(times(path, "a"), [when for _, when in sent], ledger.AUDIO_TOLERANCE, "sound")
    first = parts[tracks[0][0]][0]
    beside = times(path, "a")[0] - times(path, "v:0")[0]
    in_step = beside - (sent[0][1] - parts[0][1] - first.of("video")[0].pts)
    assert abs(in_step) <= ledger.AUDIO_TOLERANCE, f"sound is {in_step} ms beside the picture"


@test(builds=("release",), canary=False, options=recording)
def f20_an_export_goes_on_over_another_size(world):
    clips = [world.clip("plain"), world.clip("larger"), world.clip("bframes")]
    begins = publish(world, *clips)
    over(world)
    judge(exported(world), list(zip(clips, begins)), [[0, 1, 2]])


@test(quick=True, builds=("release",), canary=False, options=recording)
def f20_an_export_goes_on_over_another_codec(world):
    clips = [world.clip("plain"), world.clip("h265")]
    begins = publish(world, *clips)
    over(world)
    judge(exported(world), list(zip(clips, begins)), [[0], [1]])


@test(builds=("release",), canary=False, options=recording)
def f20_an_export_goes_on_over_another_run_as_the_clock_did(world):
    clips, began = [world.clip("plain"), world.clip("larger")], []
    for clip in clips:
        began.append(time.monotonic())
        publish(world, clip)
        over(world)
    assert [gap["cause"] for gap in what_there_is(world)["gaps"]] == ["publisher gone"]
    path = exported(world)
    got = times(path, "v:0")
    second = got[len(clips[0].of("video"))] - got[0]
    passed = (began[1] - began[0]) * 1000
    assert abs(second - passed) < 3000, f"the second run begins {second} ms behind the first: {passed}"
    begin = second - clips[1].of("video")[0].pts + clips[0].of("video")[0].pts
    judge(path, [(clips[0], 0), (clips[1], begin)], [[0, 1]], runs=(0, 1))



@test(builds=("release",), canary=False, options=recording)
def opus_by_rtsp_is_recorded_and_exported_packet_by_packet(world):
    source = os.path.join(world.folder, "opus.mkv")
    ffmpeg("-i", world.clip("plain").path, "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.2",
           "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "libopus", "-b:a", "64k", "-shortest",
           source)
    ffmpeg("-re", "-i", source, "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp",
           world.server.rtsp(NAME))
    over(world)
    path = exported(world)
    assert hashes(path, "v:0") == hashes(source, "v"), "not the pictures that were sent, each once, in order"
    want, got = packets(source, "a"), packets(path, "a")
    first = want.index(got[0])      # in front of the first picture it belongs to no segment
    assert first <= SOUNDS_BEFORE and got == want[first:], f"sound: {len(got)} of {len(want)} from {first} on"
    same_times(times(path, "v:0"), times(source, "v"), VIDEO_TOLERANCE, "pictures")
    same_times(times(path, "a"), times(source, "a")[first:], VIDEO_TOLERANCE, "sound")


def span(world, begin, end):
    """The export of a part of the recording, in ms from its first picture."""
    first = datetime.datetime.fromisoformat(what_there_is(world)["items"][0]["from"].replace("Z", "+00:00"))
    moments = [(first + datetime.timedelta(milliseconds=at)).isoformat(timespec="milliseconds")
               .replace("+00:00", "Z") for at in (begin, end)]
    path = os.path.join(world.folder, f"part{begin}.mp4")
    url = world.server.http(f"/{NAME}/archive.mp4?from={moments[0]}&to={moments[1]}")
    with urllib.request.urlopen(url, timeout=30) as answer, open(path, "wb") as file:
        file.write(answer.read())
    return path


def said_of(path, *command):
    return subprocess.run([*command, path], capture_output=True, text=True, timeout=60, check=True).stdout


def seconds_shown(path):
    """How long it is, as three programs say."""
    probed = said_of(path, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0")
    info = said_of(path, "mediainfo", "--Output=General;%Duration%")
    played = said_of(path, "mpv", "--no-config", "--vo=null", "--ao=null", "--frames=1",
                     "--term-playing-msg=length=${=duration}")
    mpv = next(line for line in played.splitlines() if "length=" in line).rsplit("length=", 1)[1]
    return [float(probed), float(info) / 1000, float(mpv)]


def exact(world, clip, begin, end):
    """What is shown are the pictures of [begin, end), and the sound of that time with them."""
    path = span(world, begin, end)
    first = min(sample.pts for sample in clip.of("video"))
    shown = sorted(sample.pts - first for sample in clip.of("video"))
    inside = [at for at, time_ms in enumerate(shown) if begin <= time_ms < end]
    want = hashes(clip.path, "v")[inside[0]:inside[-1] + 1]
    got = hashes(path, "v")
    assert got == want, f"{begin} to {end}: {len(got)} pictures, not {len(want)}, or others"
    length = (end - shown[inside[0]]) / 1000
    for said, slack in zip(seconds_shown(path), (0.05, 0.05, REORDERED)):
        assert abs(said - length) < slack, f"{said} s, not {length}"
    # Each packet of sound is as far behind the first picture shown as in the whole.
    whole = dict(zip(packets(world.whole, "a"), times(world.whole, "a")))
    at = times(world.whole, "v:0")[inside[0]]
    for name, when in zip(packets(path, "a"), times(path, "a")):
        assert abs(whole[name] - at - when) <= 1, f"sound of {whole[name]} ms at {when}, not {at} less"
    decoded = len(samples(path)) / 2 / RATE
    assert abs(decoded - length) <= 2 * FRAME / 1000, f"{decoded} s of sound, not {length}"


def samples(path):
    """Decoded sound, one channel of 16 bits."""
    return subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "a:0", "-ac", "1",
                           "-ar", str(RATE), "-f", "s16le", "-"],
                          capture_output=True, timeout=60, check=True).stdout


@test(builds=("release",), canary=False, options=recording)
def row_2_25_an_export_begins_and_ends_with_the_moments_that_are_asked_for(world):
    clip = world.clip("bframes")
    publish(world, clip)
    over(world)
    world.whole = exported(world)
    for begin, end in ((1500, 4020), (1010, 1990), (2990, 4010)):
        exact(world, clip, begin, end)
