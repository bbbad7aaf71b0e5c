"""The two ends of a stream, and two publishers on one name."""

import signal
import time

import ledger
import node
import peers
import rtmp
from scenario import test

DEAD_SECONDS = 5.0       # a dead publisher is replaced within it
SLACK_SECONDS = 3.0


def halves(clip):
    """The clip cut at a key frame: (before, from it on)."""
    cut = [sample.dts for sample in clip.of("video") if sample.key][1]
    return ([sample for sample in clip.samples if sample.dts < cut],
            [sample for sample in clip.samples if sample.dts >= cut])


@test(company="ends", apart=True)
def a_publisher_that_returns_within_grace_goes_on_before_the_same_viewers(scene):
    clip = scene.clip()
    before, after = halves(clip)
    with peers.Publisher(scene.rtmp_address, clip) as first:
        first.open()
        first.send(before[:40], pace=0)
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as viewer:
            first.send(before[40:], pace=8)
            last = [sample for sample in ledger.of_clip(clip) if sample.kind == "video"][len(
                [sample for sample in before if sample.kind == "video"]) - 1]
            node.until(lambda: any(frame.name == last.name for frame in viewer.frames()), 10,
                       "the first half arrives")
            first.close_abruptly()
            with peers.Publisher(scene.rtmp_address, clip) as second:
                second.open()
                second.send(after, pace=8)
                got = viewer.receive_all(ledger.of_clip(clip))
                second.client.unpublish()
            video = [frame.name for frame in got if frame.kind == "video"]
            wanted = [frame.name for frame in ledger.of_clip(clip) if frame.kind == "video"]
            assert video == wanted, f"{len(video)} of {len(wanted)} video frames, or not in order"
            ledger.monotonic(got)


@test(options=("--set", "grace=3s"), company="ends", apart=True)
def a_viewer_gets_a_proper_end_after_grace(scene):
    clip = scene.clip()
    with peers.Publisher(scene.rtmp_address, clip) as publisher:
        publisher.open()
        publisher.send(clip.samples[:60], pace=0)
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as viewer:
            node.until(viewer.frames, 10, "the viewer gets frames")
            publisher.client.unpublish()
            node.until(lambda: not scene.server.is_live("live/cam"), 5, "the stream is offline")
            node.until(lambda: viewer.ended, 3 + 2 * SLACK_SECONDS, "the viewer is told the end")


@test(company="ends", apart=True)
def case_91_a_second_live_publisher_is_refused_and_the_first_unharmed(scene):
    clip = scene.clip()
    with peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder) as first:
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as viewer:
            other, tries, refused = scene.clip("bframes"), 0, 0
            while not ledger.complete(ledger.of_clip(clip), viewer.frames()) and tries < 10:
                tries += 1
                with peers.Publisher(scene.rtmp_address, other) as second:
                    try:
                        second.open()
                    except (rtmp.Refused, ConnectionError):
                        refused += 1
                    else:
                        break
            still_on = first.process.poll() is None
            assert refused == tries or not still_on, f"{refused} of {tries} were refused"
            assert refused > 0, "nobody was refused"
            scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)))
        first.succeed()


def knock(scene, clip, seconds):
    """Tries to publish until it is let in; gives the publisher."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        publisher = peers.Publisher(scene.rtmp_address, clip)
        try:
            publisher.open()
            return publisher
        except (rtmp.Refused, ConnectionError, TimeoutError):
            publisher.client.socket.close()
            time.sleep(0.2)
    raise AssertionError(f"the newcomer was not let in within {seconds} s")


@test(company="ends", apart=True)
def case_91_a_dead_publisher_is_replaced_within_5_s(scene):
    clip, other = scene.clip(), scene.clip("bframes")
    with peers.ffmpeg_publish(clip, scene.rtmp(), scene.folder) as dead:
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as viewer:
            node.until(viewer.frames, 10, "the viewer gets frames")
            dead.process.send_signal(signal.SIGSTOP)
            with knock(scene, other, DEAD_SECONDS + SLACK_SECONDS) as newcomer:
                newcomer.send(other.samples, pace=8)
                sent = ledger.of_clip(other)
                node.until(lambda: ledger.complete(sent, viewer.frames()), 10, "the newcomer is seen")
                names = {frame.name for frame in sent}
                got = viewer.frames()
                switch = next(at for at, frame in enumerate(got)
                              if frame.kind == "video" and frame.name in names)
                after = [frame.name for frame in got[switch:] if frame.kind == "video"]
                assert all(name in names for name in after), "frames of both publishers are mixed"
                assert got[switch].key, "the newcomer does not start at a key frame"
                ledger.monotonic(got)


@test()
def a_publisher_that_flaps_leaves_nothing_behind(scene):
    """A short form of F18: 60 connects with media and every kind of leaving, viewers coming and going."""
    clip = scene.clip()
    for cycle in range(60):
        with peers.Publisher(scene.rtmp_address, clip) as publisher:
            try:
                publisher.open()
            except rtmp.Refused:
                continue      # the last one is still being found dead
            publisher.send(clip.samples[:5 + cycle], pace=0)
            with peers.FlvReader(scene.flv()) as viewer:
                node.until(lambda: viewer.frames() or viewer.ended, 10, "frames or an end")
                if cycle % 3 == 0:
                    publisher.client.unpublish()
                elif cycle % 3 == 1:
                    publisher.close_abruptly()
        if cycle == 20:
            descriptors = scene.server.descriptors()
    node.until(lambda: scene.server.descriptors() <= descriptors + 4, 20, "descriptors are given back")
    assert scene.server.get("/healthz")[0] == 200
