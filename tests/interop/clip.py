"""The pictures and sounds the tests send: made by ffmpeg, every frame different, read back by ffprobe."""

import json
import os
import re
import subprocess
import threading
from dataclasses import dataclass, field

SECONDS = 5
FPS = 25
GOP = 50         # frames: a viewer that joins in the first two seconds gets all of it
SIZES = {"larger": "480x270"}      # of those that are not 320x180
RATES = {"slower": 20}             # of those that have not FPS frames a second
BRISK = "-brisk"      # behind a recipe's name: with a key frame each second, for lists of short segments
RECIPES = {      # name: encoder arguments; GROUP is the frames of a group of pictures
    "plain": ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
    "larger": ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
    "slower": ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"],
    "bframes": ["-c:v", "libx264", "-preset", "veryfast", "-bf", "3", "-x264-params", "b-adapt=0:bframes=3"],
    "h265": ["-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1",
             "-x265-params", "log-level=none:keyint=GROUP:min-keyint=GROUP:scenecut=0:pools=2"],
    # Without order hints: mpegts.js 1.8.2 reads them in every key frame, where AV1 §5.9.2 has none.
    "av1": ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0",
            "-aom-params", "enable-order-hint=0"],
}


@dataclass
class Sample:
    """One coded frame as it stands in the file: NAL units with 4-byte lengths, OBUs, or a raw AAC frame."""
    kind: str
    dts: int        # ms
    pts: int        # ms
    key: bool
    data: bytes


@dataclass
class Clip:
    path: str
    video_codec: str = ""
    video_config: bytes = b""
    audio_config: bytes = b""
    samples: list = field(default_factory=list)      # both kinds, by dts

    def of(self, kind):
        return [sample for sample in self.samples if sample.kind == kind]


def _extradata(dump):
    """The bytes of ffprobe's hex dump."""
    rows = re.findall(r"^[0-9a-f]{8}: ((?:[0-9a-f]{2,4} ?)+)", dump, re.MULTILINE)
    return bytes.fromhex("".join(rows).replace(" ", ""))


def make(folder, name):
    """The clip `name`, made in folder if it is not there yet."""
    path = os.path.join(folder, f"{name}.mp4")
    if not os.path.exists(path):
        part = f"{path}.{os.getpid()}-{threading.get_ident()}.mp4"      # two may want it at the same time
        os.makedirs(folder, exist_ok=True)
        recipe = name.removesuffix(BRISK)
        group = str(FPS if name.endswith(BRISK) else GOP)
        picture = f"testsrc2=size={SIZES.get(recipe, '320x180')}:rate={RATES.get(recipe, FPS)}"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", f"{picture},noise=alls=12:allf=t",
             "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.2:seed=7", "-t", str(SECONDS),
             *(word.replace("GROUP", group) for word in RECIPES[recipe]), "-pix_fmt", "yuv420p", "-g", group,
             "-keyint_min", group, "-c:a", "aac", "-b:a", "64k", "-ac", "1", part], check=True, timeout=120)
        os.replace(part, path)
    return read(path)


def read(path):
    probe = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-print_format", "json", "-show_data", "-show_streams", "-show_packets",
         "-show_entries", "packet=stream_index,pts_time,dts_time,flags,pos,size:"
         "stream=index,codec_type,codec_tag_string,extradata", path],
        check=True, capture_output=True, text=True, timeout=60).stdout)
    clip, kinds = Clip(path), {}
    for stream in probe["streams"]:
        kinds[stream["index"]] = stream["codec_type"]
        if stream["codec_type"] == "video":
            tag = stream["codec_tag_string"]
            clip.video_codec = {"avc3": "avc1", "hev1": "hvc1"}.get(tag, tag)
            clip.video_config = _extradata(stream["extradata"])
        else:
            clip.audio_config = _extradata(stream["extradata"])
    with open(path, "rb") as file:
        for packet in probe["packets"]:
            file.seek(int(packet["pos"]))
            clip.samples.append(Sample(
                kinds[packet["stream_index"]], round(float(packet["dts_time"]) * 1000),
                round(float(packet["pts_time"]) * 1000), "K" in packet["flags"],
                file.read(int(packet["size"]))))
    earliest = min(sample.dts for sample in clip.samples)
    for sample in clip.samples:
        sample.dts -= earliest
        sample.pts -= earliest
    clip.samples.sort(key=lambda sample: sample.dts)
    return clip
