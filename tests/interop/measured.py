"""The numbers of a stream against what ffprobe and the encoders themselves say of the same pictures."""

import csv
import json
import os
import re
import statistics
import subprocess

import node
import peers
from scenario import test

FPS = 30
SECONDS = 12.5      # the long window, what a stream needs to begin, and one to spare
WIDTH, HEIGHT = 320, 192
PICTURES = f"testsrc2=size={WIDTH}x{HEIGHT}:rate={FPS},noise=alls=12:allf=t"
# What changes the QP inside a picture is off: then the slices' headers say what the encoder logs.
X264 = "aq-mode=0:mbtree=0:bframes=2:b-adapt=0:keyint=30:min-keyint=30:scenecut=0:threads=1"
X265 = "aq-mode=0:cutree=0:bframes=2:b-adapt=0:keyint=30:min-keyint=30:scenecut=0:pools=1:frame-threads=1"


class Coded:
    """A file of pictures: what ffprobe says of each, and the QP that its encoder logged, in coding order."""

    def __init__(self, path, qps):
        self.path, self.qps = path, qps
        said = json.loads(subprocess.run(
            ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v", "-show_entries",
             "packet=dts_time,size", path], check=True, capture_output=True, timeout=60).stdout)
        self.sizes = [int(one["size"]) for one in said["packets"]]
        self.times = [float(one["dts_time"]) for one in said["packets"]]
        assert len(self.qps) == len(self.sizes), f"{len(self.qps)} QP of {len(self.sizes)} pictures"

    def rates(self, frames):
        """Of the ten seconds up to so many frames: frames a second, bits a second, compression ratio."""
        last = slice(frames - 10 * FPS, frames)
        sizes, times = self.sizes[last], self.times[last]
        fps = (len(times) - 1) / (times[-1] - times[0])
        raw = WIDTH * HEIGHT * 1.5
        return fps, statistics.mean(sizes) * 8 * fps, raw / statistics.mean(sizes)


def encode(folder, name, *how):
    path = os.path.join(folder, name)
    said = subprocess.run(["ffmpeg", "-hide_banner", "-nostdin", "-y", "-f", "lavfi", "-i", PICTURES,
                           "-t", str(SECONDS), "-pix_fmt", "yuv420p", *how, path],
                          cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    return path, said.stderr


def of_x264(folder):
    path, said = encode(folder, "h264.mp4", "-loglevel", "debug", "-c:v", "libx264", "-preset", "ultrafast",
                        "-crf", "24", "-x264-params", X264)
    return Coded(path, [float(qp) for qp in re.findall(r"\] frame= *\d+ QP=([\d.]+) NAL=", said)])


def of_x265(folder):
    path, _ = encode(folder, "h265.mp4", "-c:v", "libx265", "-preset", "ultrafast", "-crf", "26",
                     "-tag:v", "hvc1", "-x265-params", X265 + ":csv=h265.csv:csv-log-level=1:log-level=none")
    with open(os.path.join(folder, "h265.csv"), encoding="utf-8") as file:
        rows = [{key.strip(): value for key, value in row.items() if key} for row in csv.DictReader(file)]
    rows = sorted((row for row in rows if (row["Encode Order"] or "").strip().isdigit()),
                  key=lambda row: int(row["Encode Order"]))
    # Its rate control reckons in fractions, and the header has the nearest whole number.
    return Coded(path, [round(float(row["QP"])) for row in rows])


def document(scene, name):
    return json.loads(scene.server.get(f"/api/v1/streams/{name}")[1])


def pictures(document_):
    return next(one for one in document_["tracks"] if one["kind"] == "video")


def near(what, seen, wanted, off):
    assert abs(seen - wanted) <= off, f"{what}: {seen} instead of {wanted} ± {off}"


def qp_is_the_encoders(scene, name, coded):
    """The metrics' histogram against the log, both of the same pictures."""
    text = scene.server.get("/metrics")[1].decode()
    mine = dict(re.findall(rf'^millrace_stream_track_slice_qp_(\S+)}} (\S+)$', text.replace(
        f'stream="{name}",track="0"', ""), re.MULTILINE))
    count, total = int(mine["count{"]), float(mine["sum{"])
    logged = coded.qps[:count]
    assert count >= 10 * FPS, f"the QP of {count} pictures is known"
    near(f"{name}: sum of slice QP", total, sum(logged), 0.01)
    for bound in (15, 18, 20, 22, 24, 26, 28, 30, 32, 35):
        seen = int(mine[f'bucket{{,le="{bound}"'])
        assert seen == sum(qp <= bound for qp in logged), f"{name}: {seen} pictures of QP up to {bound}"


def agrees(name, said, coded, exact):
    track = pictures(said)
    fps, bits, ratio = coded.rates(track["frames"])
    near(f"{name}: encoded fps", track["fps"]["encoded"], fps, 0.1)
    near(f"{name}: received fps", track["fps"]["received"]["10s"], FPS, 0.3)
    near(f"{name}: bits a second", track["payload_bps"]["10s"], bits, bits / 100 * (1 if exact else 2))
    near(f"{name}: compression ratio", said["compression_ratio"], ratio, ratio / 100)
    if exact:
        assert track["bytes"] == sum(coded.sizes[:track["frames"]]), f"{name}: {track['bytes']} bytes"
    recent = coded.qps[track["frames"] - 2 * FPS:track["frames"]]
    assert min(recent) <= track["slice_qp"]["average"] <= max(recent), f"{track['slice_qp']} of {recent}"
    assert "coded_qp" not in track, "nobody here said it"
    assert said["wire_bps"]["10s"] > said["payload_bps"]["10s"], f"{name}: {said['wire_bps']}"
    assert said["frames_received"] == said["frames_in"] + said["frames_dropped"], said
    assert said["frames_in"] == sum(one["frames"] for one in said["tracks"]), said


@test(alone=True)
def rows_4_8_4_24_x_4_numbers_agree_with_ffprobe_and_the_encoders(scene):
    h264, h265 = of_x264(scene.folder), of_x265(scene.folder)
    send = ["ffmpeg", "-v", "warning", "-nostdin", "-re"]
    with peers.Program("rtmp", [*send, "-i", h264.path, "-c", "copy", "-f", "flv",
                                scene.server.rtmp("live/a")], scene.folder), \
         peers.Program("rtsp", [*send, "-i", h265.path, "-c", "copy", "-f", "rtsp", "-rtsp_transport", "tcp",
                                scene.server.rtsp("live/b")], scene.folder):
        for name in ("live/a", "live/b"):
            scene.server.wait_live(name)
        for name, coded, exact in (("live/a", h264, True), ("live/b", h265, False)):
            node.until(lambda: pictures(document(scene, name))["frames"] >= 10 * FPS + FPS // 2, 20,
                       f"{name} sends for over ten seconds")
            agrees(name, document(scene, name), coded, exact)
            qp_is_the_encoders(scene, name, coded)


CAMERA = ('streams={ live/cam: { source: "test:?size=320x180&preset=ultrafast&bitrate=150k", '
          'qp_band: [18, 40] } }')


@test(options=("--set", CAMERA))
def rows_1_34_4_24_a_camera_tells_its_coded_qp_and_counts_its_pictures(scene):
    scene.server.wait_live("live/cam")
    node.until(lambda: pictures(document(scene, "live/cam"))["frames"] >= 60, 15, "two seconds of pictures")
    said = document(scene, "live/cam")
    track = pictures(said)
    assert track["frames_captured"] == track["frames"] + track["frames_missing"], track
    assert 0 < track["coded_qp"] <= 51, track
    mine = node.until(lambda: document(scene, "live/cam").get("camera"), 10, "the camera says what it did")
    on_the_way = mine["captured"] - mine["encoded"] - sum(mine["dropped"].values())
    assert 0 <= on_the_way <= mine["queue"]["pictures"] + 4, mine
    assert said["latency"]["origin"] == "capture", said["latency"]
