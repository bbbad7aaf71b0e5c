"""Strangers publish and play by RTSP: each frame of what went in is found in all that comes out."""

import contextlib
import itertools
import os
import re
import subprocess
import time

import camera
import clip as clips
import containers
import ledger
import node
import peers
import rtsp
import rtsp_peers
import stamps
import wire
from outputs import ENDED_SECONDS, Copied, Saved, frames_of
from scenario import SHORT_GRACE, test

LEAST = 0.9      # of the frames: the rest passed before a viewer was there
SETTLE_SECONDS = 20


def address(scene):
    return scene.server.listeners["rtsp"]


class Listed(Copied):
    """ffmpeg copies an HLS list; several of these have a file each."""

    def __init__(self, scene, path):
        folder = node.open_folder(os.path.join(scene.folder, os.path.basename(path)))
        self.path = os.path.join(folder, "copied.mp4")
        peers.Program.__init__(self, "ffmpeg-hls", [
            "ffmpeg", "-v", "error", "-nostdin", "-y", "-live_start_index", "0", "-i",
            scene.server.http(path), "-map", "0", "-c", "copy", self.path], folder)


def own(scene):
    """The address of a stream of this test's own."""
    return rtsp_peers.url(scene, scene.own)


def pictures(frames):
    return [frame for frame in frames if frame.kind == "video"]


def everywhere(scene, clip, publisher, times=True, leave=peers.Program.succeed):
    """Everybody takes what this program publishes, at once; each gets each frame, by content and time."""
    sent = ledger.of_clip(clip)
    with publisher as program, contextlib.ExitStack() as stack:
        scene.server.wait_live(scene.own)
        direct = [stack.enter_context(rtsp.Viewer(address(scene), f"/{scene.own}", way).play())
                  for way in ("tcp", "udp")]
        saved = [stack.enter_context(Saved(scene, f"/{scene.own}.{ending}"))
                 for ending in ("flv", "ts", "mp4")]
        listed = [stack.enter_context(Listed(scene, f"/{scene.own}/{name}"))
                  for name in ("index.m3u8", "ts.m3u8")]
        got = [viewer.receive_all(sent) for viewer in direct]
        leave(program)
        for taker in (*saved, *listed):
            taker.succeed(ENDED_SECONDS)
    for frames in got:
        ledger.match(rtsp.shown(sent), frames, least=LEAST, times=times)
    for taker in saved:
        if taker.path.endswith(".flv"):
            with open(taker.path, "rb") as file:
                frames = ledger.of_flv(file.read())
        elif taker.path.endswith(".ts") and clip.video_codec != "avc1":
            with open(taker.path, "rb") as file:
                frames = containers.of_ts(file.read())
        else:
            frames = frames_of(taker.path, scene.folder)
        ledger.match(rtsp.shown(sent), rtsp.shown(frames), least=LEAST, times=times)
    for taker in listed:
        frames = ledger.of_clip(clips.read(taker.path))
        ledger.match(rtsp.shown(sent), rtsp.shown(frames), least=LEAST, times=times)


@test(quick=True, options=SHORT_GRACE, company="by RTSP")
def row_3_13_ffmpeg_publishes_by_tcp_and_each_frame_leaves_by_every_way(scene):
    clip = scene.clip()
    everywhere(scene, clip, rtsp_peers.ffmpeg_publish(clip.path, own(scene), scene.folder))


@test(options=SHORT_GRACE, company="by RTSP")
def row_3_13_ffmpeg_publishes_by_udp_and_each_frame_leaves_by_every_way(scene):
    clip = scene.clip()
    everywhere(scene, clip, rtsp_peers.ffmpeg_publish(clip.path, own(scene), scene.folder, "udp"))


@test(options=SHORT_GRACE, company="by RTSP, others")
def row_3_13_b_frames_by_rtsp_leave_by_every_way(scene):
    clip = scene.clip("bframes")
    everywhere(scene, clip, rtsp_peers.ffmpeg_publish(clip.path, own(scene), scene.folder))


@test(options=SHORT_GRACE, company="by RTSP, others")
def row_4_6_h265_by_rtsp_over_tcp_leaves_by_every_way(scene):
    clip = scene.clip("h265")
    everywhere(scene, clip, rtsp_peers.ffmpeg_publish(clip.path, own(scene), scene.folder))


@test(options=SHORT_GRACE, company="by RTSP, more")
def gstreamer_rtspclientsink_publishes_and_each_frame_leaves_by_every_way(scene):
    """Times are GStreamer's own here: it counts from its clock. It leaves when its BYE is due."""
    clip = scene.clip()
    everywhere(scene, clip, rtsp_peers.gst_publish(clip, own(scene), scene.folder), times=False,
               leave=peers.Program.stop)


@test(quick=True, options=SHORT_GRACE)
def row_3_15_what_comes_by_rtmp_is_played_by_everybody_who_speaks_rtsp(scene):
    """ffmpeg by TCP, UDP and the tunnel through HTTP, GStreamer by TCP and UDP, and our own player."""
    clip = scene.clip()
    sent, to = ledger.of_clip(clip), rtsp_peers.url(scene)
    with peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder) as publisher, contextlib.ExitStack() as stack:
        scene.server.wait_live("live/cam")
        copies = [stack.enter_context(rtsp_peers.FfmpegCopy(to, scene.folder, way))
                  for way in ("tcp", "udp", "http")]
        plays = [stack.enter_context(rtsp_peers.GstPlay(to, scene.folder, way)) for way in ("tcp", "udp")]
        own = [stack.enter_context(rtsp.Viewer(address(scene), "/live/cam", way).play())
               for way in ("tcp", "udp")]
        got = [viewer.receive_all(sent) for viewer in own]
        publisher.succeed()
        for program in (*copies, *plays):
            with contextlib.suppress(AssertionError):
                program.wait(ENDED_SECONDS)      # some wait for ever after the end of UDP
            program.stop()
    for frames in got:
        ledger.match(rtsp.shown(sent), frames, least=LEAST)
    for program in copies:
        assert not program.complaints(), f"{program.name}: {program.complaints()}"
        ledger.match(sent, program.frames(), times=False, least=0.6)
    for program in plays:
        ledger.match(pictures(sent), program.frames(), times=False, least=0.6, to_the_end=False)


def decoded_sound(path):
    run = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "framehash",
                          "-hash", "md5", "-"], capture_output=True, text=True, timeout=60, check=True)
    return [line.split(",")[5].strip() for line in run.stdout.splitlines() if not line.startswith("#")]


SOUNDS = {      # name: (ffmpeg's words, container of the source)
    "opus": (("-c:a", "libopus", "-ar", "48000"), "mkv"),
    "pcmu": (("-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"), "mkv"),
    "pcma": (("-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"), "mkv"),
    "g722": (("-c:a", "g722", "-ar", "16000", "-ac", "1"), "mkv"),
    "mp3": (("-c:a", "libmp3lame", "-ar", "44100"), "mkv"),
}


@test(options=SHORT_GRACE, company="by RTSP, more")
def sound_of_each_codec_comes_back_byte_for_byte(scene):
    """Published and played by ffmpeg with pictures beside it, all at once."""
    with contextlib.ExitStack() as stack:
        players, publishers = {}, []
        for name, (words, ending) in SOUNDS.items():
            source = os.path.join(scene.folder, f"{name}.{ending}")
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", scene.clip().path, "-c:v", "copy", *words,
                            source], check=True, timeout=60)
            stream = f"live/{name}"
            publishers.append(stack.enter_context(rtsp_peers.ffmpeg_publish(
                source, rtsp_peers.url(scene, stream), node.open_folder(os.path.join(scene.folder, name)))))
            players[name] = source
        for name, source in players.items():
            scene.server.wait_live(f"live/{name}")
            players[name] = (source, stack.enter_context(rtsp_peers.FfmpegCopy(
                rtsp_peers.url(scene, f"live/{name}"), os.path.join(scene.folder, name))))
        for publisher in publishers:
            publisher.succeed()
        for _, player in players.values():
            with contextlib.suppress(AssertionError):
                player.wait(ENDED_SECONDS)
            player.stop()
    for name, (source, player) in players.items():
        sent, got = decoded_sound(source), decoded_sound(player.path)
        assert b"".join(bytes.fromhex(one) for one in got) in b"".join(bytes.fromhex(one) for one in sent) \
            and len(got) > 0.4 * len(sent), f"{name}: {len(got)} of {len(sent)} packets, or others"


@test(options=SHORT_GRACE, company="by RTSP, more")
def mjpeg_by_rtsp_is_shown_as_pictures(scene):
    """RFC 2435 leaves the tables' headers out: the pixels are the same."""
    source = os.path.join(scene.folder, "pictures.mkv")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-t", "5",
                    "-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-q:v", "5", source],
                   check=True, timeout=60)
    with rtsp_peers.ffmpeg_publish(source, own(scene), scene.folder) as publisher:
        scene.server.wait_live(scene.own)
        with rtsp_peers.FfmpegCopy(own(scene), scene.folder) as player, \
                Saved(scene, f"/{scene.own}.mjpeg") as saved:
            publisher.succeed()
            saved.succeed(ENDED_SECONDS)
            with contextlib.suppress(AssertionError):
                player.wait(ENDED_SECONDS)
            player.stop()
    sent = picture_hashes(source)
    for path, words in ((player.path, ()), (saved.path, ("-f", "mpjpeg"))):
        got = picture_hashes(path, words)
        assert len(got) > 60, f"{path}: {len(got)} pictures"
        at = sent.index(got[0])
        assert got == sent[at:at + len(got)], f"{path} has other pictures"


def picture_hashes(path, words=()):
    run = subprocess.run(["ffmpeg", "-v", "error", *words, "-i", path, "-map", "0:v", "-vsync", "passthrough",
                          "-f", "framehash", "-hash", "md5", "-"], capture_output=True, text=True, timeout=60,
                         check=True)
    return [line.split(",")[5].strip() for line in run.stdout.splitlines() if not line.startswith("#")]


CAMERA = camera.source("test:?size=640x360&fps=30&preset=ultrafast")


def mpv(scene, way):
    command = ["mpv", "--no-config", "--vo=null", "--ao=null", "--frames=50", "--msg-level=all=warn",
               f"--rtsp-transport={way}", rtsp_peers.url(scene)]
    return peers.Program(f"mpv-{way}", command, scene.folder)


@test(options=CAMERA)
def opencv_and_mpv_play_the_camera_by_rtsp(scene):
    scene.server.wait_live("live/cam")
    size = camera.SIZE[0] * camera.SIZE[1]
    with mpv(scene, "tcp") as first, mpv(scene, "udp") as second:
        for transport in ("tcp", "udp"):
            grey = rtsp_peers.opencv(rtsp_peers.url(scene), 40, transport)
            seen = [stamps.read(grey[at:at + size], camera.SIZE[0]) for at in range(0, len(grey), size)]
            assert len(seen) == 40 and all(seen), f"OpenCV saw other pictures over {transport}"
            numbers = [one.frame for one in seen]
            assert numbers == list(range(numbers[0], numbers[0] + 40)) or camera.skipped(scene), numbers
        for player in (first, second):
            player.succeed()
            assert "rror" not in player.said(), player.said()


@test(options=SHORT_GRACE)
def tshark_finds_nothing_malformed_in_what_players_are_sent(scene):
    """The description, the answers, RTP and RTCP of both transports, for H.264 and H.265, all at once."""
    viewers, seen = {}, {}
    with contextlib.ExitStack() as stack:
        for name in ("plain", "h265"):
            folder = node.open_folder(os.path.join(scene.folder, name))
            to = rtsp_peers.url(scene, f"live/{name}")
            stack.enter_context(rtsp_peers.ffmpeg_publish(scene.clip(name).path, to, folder))
        for name, way in itertools.product(("plain", "h265"), ("tcp", "udp")):
            scene.server.wait_live(f"live/{name}")
            viewers[name, way] = stack.enter_context(rtsp.Viewer(address(scene), f"/live/{name}", way).play())
        for (name, way), viewer in viewers.items():
            viewer.wait_pictures(60)
            node.until(lambda one=viewer: any(packet.control for packet in one.packets), SETTLE_SECONDS,
                       "a sender report comes")
            media = sum(not packet.control for packet in viewer.packets)
            viewer.ask_in_between("OPTIONS")
            seen[f"{name}-{way}.pcap"] = (media, list(viewer.wire))
    for name, (media, packets) in seen.items():
        path = os.path.join(scene.folder, name)
        wire.capture(path, packets)
        wire.check(path, media)


@test(quick=True, options=CAMERA)
def row_3_15_pause_stops_the_packets_and_play_goes_on_at_the_live_edge(scene):
    scene.server.wait_live("live/cam")
    for way in ("tcp", "udp"):
        with rtsp.Viewer(address(scene), "/live/cam", way).play() as viewer:
            viewer.wait_pictures(30)
            viewer.ask_in_between("PAUSE")
            time.sleep(0.5)      # what was under way
            before = len(viewer.packets)
            time.sleep(1.5)
            assert len(viewer.packets) == before, f"{len(viewer.packets) - before} packets while it paused"
            goes_on_at = int(re.search(r";seq=(\d+)", viewer.ask_in_between("PLAY")).group(1))
            paused = viewer.packets[before - 1]
            node.until(lambda one=viewer, at=before: len(one.packets) > at + 60, SETTLE_SECONDS, "it goes on")
            after = next(one for one in viewer.packets[before:] if one.track == paused.track and
                         not one.control)
            assert (after.sequence - paused.sequence & 0xFFFF) < 0x8000, "numbers go on"
            first = next(one for one in viewer.packets[before:] if one.track == 0 and not one.control)
            assert first.sequence == goes_on_at, (first.sequence, goes_on_at)
            viewer.ask_in_between("TEARDOWN")


@test(options=CAMERA)
def rtp_info_names_the_first_packet_and_the_first_picture_is_a_key_frame(scene):
    scene.server.wait_live("live/cam")
    for way in ("tcp", "udp"):
        with rtsp.Viewer(address(scene), "/live/cam", way).play() as viewer:
            frames = viewer.wait_pictures(40)
            assert pictures(frames)[0].key
            for number, start in enumerate(viewer.starts):
                first = next(one for one in viewer.packets if one.track == number and not one.control)
                assert (int(start["seq"]), int(start["rtptime"])) == (first.sequence, first.timestamp), start
            assert viewer.lost() == 0
