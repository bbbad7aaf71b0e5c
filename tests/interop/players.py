"""Everybody who plays, while ffmpeg publishes."""

import os

import ledger
import node
import peers
from scenario import SHORT_GRACE, test


def played(scene, name, start_player, **how):
    clip = scene.clip(name)
    with scene.publication(name) as publisher:
        with start_player() as player:
            scene.exact(clip, player.receive_all(ledger.of_clip(clip)), **how)
        publisher.succeed()


@test(options=SHORT_GRACE, company="players")
def curl_plays_flv(scene):
    played(scene, "plain", lambda: peers.curl_play(scene.flv(), scene.folder))


@test(options=SHORT_GRACE, company="b-frames")
def ffmpeg_plays_flv_with_b_frames(scene):
    played(scene, "bframes", lambda: peers.ffmpeg_play(scene.flv(), scene.folder), least=0.6)


@test(quick=True, rtmp_only=True, options=SHORT_GRACE, company="players")
def ffmpeg_plays_rtmp(scene):
    played(scene, "plain", lambda: peers.ffmpeg_play(scene.rtmp(), scene.folder), least=0.5)


@test(rtmp_only=True, options=SHORT_GRACE, company="b-frames")
def ffmpeg_plays_rtmp_with_b_frames(scene):
    played(scene, "bframes", lambda: peers.ffmpeg_play(scene.rtmp(), scene.folder), least=0.5)


@test(rtmp_only=True, options=SHORT_GRACE, company="players")
def our_own_player_plays_rtmp(scene):
    played(scene, "plain", lambda: peers.RtmpReader(scene.rtmp_address, "live", "cam"), least=0.5)


@test(rtmp_only=True, options=SHORT_GRACE, company="players")
def librtmp_plays_rtmp(scene):
    played(scene, "plain", lambda: peers.rtmpdump_play(scene.rtmp(), scene.folder), least=0.5)


@test(rtmp_only=True, options=SHORT_GRACE, company="players")
def gstreamer_rtmpsrc_plays(scene):
    played(scene, "plain", lambda: peers.gst_play(scene.rtmp(), scene.folder, "rtmpsrc"), least=0.5)


@test(rtmp_only=True, options=SHORT_GRACE, company="players")
def gstreamer_rtmp2src_plays(scene):
    played(scene, "plain", lambda: peers.gst_play(scene.rtmp(), scene.folder, "rtmp2src"), least=0.5)


def mpv(scene, url):
    """mpv decodes 50 frames and complains of none."""
    with scene.publication():
        command = ["mpv", "--no-config", "--vo=null", "--ao=null", "--frames=50", "--msg-level=all=warn", url]
        with peers.Program("mpv", command, scene.folder) as player:
            player.succeed()
            said = player.said()
            assert "rror" not in said, f"mpv complains:\n{said}"


@test(options=SHORT_GRACE, company="decoders")
def mpv_plays_flv(scene):
    mpv(scene, scene.flv())


@test(rtmp_only=True, options=SHORT_GRACE, company="decoders")
def mpv_plays_rtmp(scene):
    mpv(scene, scene.rtmp())


def vlc(scene, url):
    """VLC, as a user without rights, writes what it plays as MPEG-TS: a run of the frames that were sent."""
    clip = scene.clip()
    path = os.path.join(scene.folder, "vlc.ts")
    command = node.as_nobody(["cvlc", "-q", "-I", "dummy", "--no-media-library", url, "--sout",
                              f"#std{{access=file,mux=ts,dst={path}}}"], scene.folder)
    sent = [frame for frame in ledger.of_clip(clip) if frame.kind == "video"]

    def frames():
        if not os.path.exists(path) or os.path.getsize(path) < 20000:
            return []
        return ledger.of_annex_b(ledger.annex_b_of_file(path))

    with scene.publication():
        with peers.Program("vlc", command, scene.folder) as player:
            try:
                node.until(lambda: len(frames()) > 60, peers.MEDIA_PATIENCE, "VLC writes 60 frames")
            except AssertionError as error:
                raise AssertionError(f"{error}: {len(frames())}\n{player.said()}") from None
            player.stop()
    got = frames()[:-1]      # the last may be cut
    ledger.match(sent, got, times=False, least=0.4, to_the_end=False)


@test(options=SHORT_GRACE, company="decoders")
def vlc_plays_flv(scene):
    vlc(scene, scene.flv())


@test(rtmp_only=True, options=SHORT_GRACE, company="decoders")
def vlc_plays_rtmp(scene):
    vlc(scene, scene.rtmp())
