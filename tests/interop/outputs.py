"""Every way out but FLV and RTMP: foreign programs take a whole stream, and each frame of it is compared."""

import os
import re
import subprocess

import clip as clips
import ledger
import node
import peers
from scenario import SHORT_GRACE, test

ENDED_SECONDS = 20
# ffmpeg 5.1 reads the EXT-X-MAP again after each reload of a live list, its own muxer's lists too.
FFMPEG_SAYS = re.compile(r"\[mov,.*Found duplicated MOOV Atom\. Skipped it\n")
FRAMES_SEEN = 50


class Saved(peers.Program):
    """curl, which saves an endless answer until its proper end."""

    def __init__(self, scene, path):
        self.path = os.path.join(scene.folder, os.path.basename(path))
        super().__init__("curl", ["curl", "-sS", "--no-buffer", "--fail", "-o", self.path,
                                  scene.server.http(path)], scene.folder)


class Copied(peers.Program):
    """ffmpeg, which copies what it plays into an MP4 file until the end of the list."""

    def __init__(self, scene, path):
        self.path = os.path.join(scene.folder, "copied.mp4")
        super().__init__("ffmpeg-copy", [
            "ffmpeg", "-v", "warning", "-nostdin", "-y", "-live_start_index", "0", "-i",
            scene.server.http(path), "-map", "0", "-c", "copy", self.path], scene.folder)


def frames_of(path, folder):
    """The frames of any file, as ffmpeg reads them; it must have nothing to complain of."""
    copy = os.path.join(folder, "frames.mp4")
    run = subprocess.run(["ffmpeg", "-v", "warning", "-y", "-i", path, "-map", "0", "-c", "copy", copy],
                         capture_output=True, text=True, timeout=60, check=True)
    assert not run.stderr, f"ffmpeg warns of {os.path.basename(path)}:\n{run.stderr}"
    return ledger.of_clip(clips.read(copy))


def taken(scene, path, taker=Saved, clip="plain"):
    """The file that a program made of the whole stream, published at its own pace."""
    with scene.publication(clip) as publisher:
        with taker(scene, path) as program:
            publisher.succeed()
            program.succeed(ENDED_SECONDS)
            said = FFMPEG_SAYS.sub("", program.said())
            assert not said, f"{program.name} says:\n{said}"
    return program.path


def exact(scene, path, taker=Saved, clip="plain"):
    sent = scene.clip(clip)
    scene.exact(sent, frames_of(taken(scene, path, taker, clip), scene.folder), least=0.9)


@test(options=SHORT_GRACE, company="savers")
def ts_carries_each_frame(scene):
    exact(scene, "/live/cam.ts")


@test(options=SHORT_GRACE, company="b-frames")
def ts_carries_b_frames(scene):
    exact(scene, "/live/cam.ts", clip="bframes")


@test(options=SHORT_GRACE, company="savers")
def mp4_carries_each_frame(scene):
    exact(scene, "/live/cam.mp4")


@test(options=SHORT_GRACE, company="b-frames")
def mp4_carries_b_frames(scene):
    exact(scene, "/live/cam.mp4", clip="bframes")


@test(quick=True, options=SHORT_GRACE, company="savers")
def rows_0_2_and_0_5_hls_carries_each_frame_to_ffmpeg(scene):
    exact(scene, "/live/cam/index.m3u8", Copied)


@test(options=SHORT_GRACE, company="b-frames")
def row_0_2_hls_carries_b_frames(scene):
    exact(scene, "/live/cam/index.m3u8", Copied, clip="bframes")


@test(options=SHORT_GRACE, company="savers")
def row_0_2_ts_hls_carries_each_frame(scene):
    exact(scene, "/live/cam/ts.m3u8", Copied)


@test(options=SHORT_GRACE, company="b-frames")
def row_0_2_ts_hls_carries_b_frames(scene):
    exact(scene, "/live/cam/ts.m3u8", Copied, clip="bframes")


@test(options=SHORT_GRACE)
def row_2_14_enhanced_h265_leaves_as_ts_and_mp4(scene):
    """Published by hand, since ffmpeg 5.1 does not speak it; the coded bits leave as they came."""
    clip = scene.clip("h265")
    with peers.Publisher(scene.rtmp_address, clip) as publisher:
        publisher.open()
        publisher.send(clip.samples[:20], pace=0)
        scene.server.wait_live("live/cam")
        with Saved(scene, "/live/cam.ts") as ts, Saved(scene, "/live/cam.mp4") as mp4:
            publisher.send(clip.samples[20:], pace=2)
            publisher.client.unpublish()
            ts.succeed(ENDED_SECONDS)
            mp4.succeed(ENDED_SECONDS)
    for saved in (ts, mp4):
        scene.exact(clip, frames_of(saved.path, scene.folder), least=0.9)


@test(options=SHORT_GRACE)
def row_3_10_mp3_leaves_as_ts_and_mp4(scene):
    """MP3 from ffmpeg, by RTMP: its frames are the same in each container."""
    source = os.path.join(scene.folder, "mp3.flv")
    subprocess.run(["ffmpeg", "-v", "error", "-i", scene.clip().path, "-c:v", "copy", "-c:a", "libmp3lame",
                    "-ar", "44100", source], check=True, timeout=60)
    sent = peers.ledger.of_flv(open(source, "rb").read())
    command = ["ffmpeg", "-v", "warning", "-nostdin", "-re", "-i", source, "-c", "copy", "-f", "flv",
               scene.rtmp()]
    with peers.Program("ffmpeg-publish", command, scene.folder) as publisher:
        scene.server.wait_live("live/cam")
        with Saved(scene, "/live/cam.ts") as ts, Saved(scene, "/live/cam.mp4") as mp4:
            publisher.succeed()
            ts.succeed(ENDED_SECONDS)
            mp4.succeed(ENDED_SECONDS)
    for saved in (ts, mp4):
        ledger.match(sent, frames_of(saved.path, scene.folder), least=0.9, times=False)


def gstreamer(scene, path, demux):
    """GStreamer's own demuxer finds the same pictures."""
    saved, raw = taken(scene, path, clip="bframes"), os.path.join(scene.folder, "gst.h264")
    run = subprocess.run(
        ["gst-launch-1.0", "-q", "filesrc", f"location={saved}", "!", demux, "name=d", "d.", "!", "queue",
         "!", "h264parse", "config-interval=-1", "!", "video/x-h264,stream-format=byte-stream,alignment=au",
         "!", "filesink", f"location={raw}", "d.", "!", "queue", "!", "fakesink"],
        capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0 and not run.stderr, f"gst-launch: {run.returncode}\n{run.stderr}"
    with open(raw, "rb") as file:
        got = ledger.of_annex_b(file.read())
    sent = [frame for frame in ledger.of_clip(scene.clip("bframes")) if frame.kind == "video"]
    ledger.match(sent, got, times=False, least=0.9)


@test(options=SHORT_GRACE, company="b-frames")
def gstreamer_reads_ts(scene):
    gstreamer(scene, "/live/cam.ts", "tsdemux")


@test(options=SHORT_GRACE, company="b-frames")
def gstreamer_reads_mp4(scene):
    gstreamer(scene, "/live/cam.mp4", "qtdemux")


def tshark(scene, path):
    """tshark finds nothing malformed and no packet out of place."""
    saved = taken(scene, path)
    run = subprocess.run(["tshark", "-r", saved, "-q", "-z", "expert"], capture_output=True, text=True,
                         timeout=60, check=True)
    bad = [line for line in run.stdout.splitlines() if re.search(r"Malformed|Sequence|Errors \(", line)]
    assert not bad, "\n".join(run.stdout.splitlines()[:20])


@test(options=SHORT_GRACE, company="savers")
def tshark_accepts_ts(scene):
    tshark(scene, "/live/cam.ts")


@test(options=SHORT_GRACE, company="savers")
def tshark_accepts_mp4(scene):
    tshark(scene, "/live/cam.mp4")


def decoded_without_a_word(scene, path):
    """mpv decodes, and has nothing to complain of."""
    with scene.publication():
        command = ["mpv", "--no-config", "--vo=null", "--ao=null", f"--frames={FRAMES_SEEN}",
                   "--msg-level=all=warn", scene.server.http(path)]
        with peers.Program("mpv", command, scene.folder) as player:
            player.succeed()
            said = player.said()
            assert "rror" not in said, f"mpv complains:\n{said}"


@test(options=SHORT_GRACE, company="decoders")
def mpv_plays_ts(scene):
    decoded_without_a_word(scene, "/live/cam.ts")


@test(options=SHORT_GRACE, company="decoders")
def mpv_plays_mp4(scene):
    decoded_without_a_word(scene, "/live/cam.mp4")


@test(options=SHORT_GRACE, company="decoders of lists")
def row_0_5_mpv_plays_hls(scene):
    decoded_without_a_word(scene, "/live/cam/index.m3u8")


@test(options=SHORT_GRACE, company="decoders of lists")
def row_0_5_mpv_plays_ts_hls(scene):
    decoded_without_a_word(scene, "/live/cam/ts.m3u8")


def vlc(scene, path):
    """VLC, as a user without rights, writes what it plays; the pictures are a run of those sent."""
    out = os.path.join(scene.folder, "vlc.ts")
    command = node.as_nobody(["cvlc", "-q", "-I", "dummy", "--no-media-library", scene.server.http(path),
                              "--sout", f"#std{{access=file,mux=ts,dst={out}}}"], scene.folder)
    sent = [frame for frame in ledger.of_clip(scene.clip()) if frame.kind == "video"]

    def frames():
        if not os.path.exists(out) or os.path.getsize(out) < 20000:
            return []
        try:
            return ledger.of_annex_b(ledger.annex_b_of_file(out))
        except subprocess.CalledProcessError:      # its tables are not there yet
            return []

    with scene.publication():
        with peers.Program("vlc", command, scene.folder) as player:
            node.until(lambda: len(frames()) > FRAMES_SEEN, peers.MEDIA_PATIENCE, "VLC writes its frames")
            player.stop()
    ledger.match(sent, frames()[:-1], times=False, least=0.3, to_the_end=False)


@test(options=SHORT_GRACE, company="decoders")
def vlc_plays_ts(scene):
    vlc(scene, "/live/cam.ts")


@test(options=SHORT_GRACE, company="decoders")
def vlc_plays_mp4(scene):
    vlc(scene, "/live/cam.mp4")


@test(options=SHORT_GRACE, company="decoders of lists")
def row_0_5_vlc_plays_hls(scene):
    vlc(scene, "/live/cam/index.m3u8")
