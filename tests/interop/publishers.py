"""Everybody who publishes, watched by one viewer whose bytes are compared frame by frame."""

import functools

import flv
import ledger
import peers
from scenario import test


def watched(scene, clip, publish, **how):
    """Publishes the clip with a foreign program; a viewer must get it exactly."""
    sent = ledger.of_clip(clip)
    with publish(clip, scene.rtmp(scene.own), scene.folder) as program:
        scene.server.wait_live(scene.own)
        with peers.FlvReader(scene.flv(scene.own)) as viewer:
            got = viewer.receive_all(sent)
            scene.exact(clip, got, **how)
        program.succeed()


@test(quick=True, company="publishers")
def ffmpeg_publishes_h264_and_aac(scene):
    watched(scene, scene.clip(), peers.ffmpeg_publish)


@test(company="publishers")
def ffmpeg_publishes_b_frames(scene):
    watched(scene, scene.clip("bframes"), peers.ffmpeg_publish)


@test(company="publishers")
def gstreamer_rtmpsink_publishes(scene):
    watched(scene, scene.clip(), functools.partial(peers.gst_publish, sink="rtmpsink"), times=False)


@test(company="publishers")
def gstreamer_rtmp2sink_publishes(scene):
    watched(scene, scene.clip("bframes"), functools.partial(peers.gst_publish, sink="rtmp2sink"), times=False)


def by_hand(scene, clip, start=0, amf3=False):
    """Publishes with the client of these tests: half, then a viewer, then the rest."""
    with peers.Publisher(scene.rtmp_address, clip, start=start, amf3=amf3) as publisher:
        publisher.open()
        first = [sample for sample in clip.samples if sample.dts < 1000]
        publisher.send(first, pace=0)
        scene.server.wait_live("live/cam")
        with peers.FlvReader(scene.flv()) as viewer:
            publisher.send(clip.samples[len(first):], pace=4)
            publisher.client.unpublish()
            got = viewer.receive_all(ledger.of_clip(clip))
            scene.exact(clip, got)
            return list(flv.tags(bytes(viewer.data)))


@test()
def enhanced_h265_by_hand(scene):
    clip = scene.clip("h265")
    tags = by_hand(scene, clip)
    codecs = {tag.codec for tag in tags if tag.kind == "video"}
    assert codecs == {"hvc1"}, f"H.265 left as {codecs}"
    config = next(tag.body for tag in tags if tag.kind == "video" and tag.config)
    for unit in parameter_sets(clip.video_config):
        assert unit in config, f"the decoder configuration lost a parameter set: {config.hex()}"


def parameter_sets(record):
    """The VPS, SPS and PPS of an HEVCDecoderConfigurationRecord (ISO 14496-15 §8.3.3.1)."""
    at, found = 23, []
    for _ in range(record[22]):
        kind, count = record[at] & 0x3F, int.from_bytes(record[at + 1:at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(record[at:at + 2], "big")
            if kind in (32, 33, 34):
                found.append(record[at + 2:at + 2 + size])
            at += 2 + size
    return found


@test()
def commands_in_the_amf3_wrapper(scene):
    by_hand(scene, scene.clip(), amf3=True)


@test()
def time_starts_at_five_hours(scene):
    by_hand(scene, scene.clip(), start=5 * 3600 * 1000)


@test()
def time_starts_at_25_days_and_crosses_2_31(scene):
    by_hand(scene, scene.clip("bframes"), start=2**31 - 2500)


@test()
def time_crosses_2_24_where_timestamps_grow(scene):
    by_hand(scene, scene.clip(), start=2**24 - 2500)


@test()
def time_crosses_2_32(scene):
    by_hand(scene, scene.clip(), start=2**32 - 2500)
