"""RTSP by multicast, on the loopback interface: one copy of a stream for all its players."""

import contextlib
import os
import socket

import ledger
import node
import peers
import rtsp_peers
from outputs import ENDED_SECONDS
from rtsp_pulls import PATIENCE, pictures, report
from scenario import test
from sources import second_node


def free_even_port():
    """The port of a group has no owner that could be asked; one that nobody listens to now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            if port % 2 == 0:
                return port


@test()
def players_by_multicast_share_one_copy_and_get_each_picture(scene):
    clip = scene.clip()
    sent = ledger.of_clip(clip)
    with second_node(scene, "--set", f"rtsp.multicast=239.255.42.1:{free_even_port()}", "--set",
                     "rtsp.multicast_interface=lo", "--set", "grace=1s") as server, \
            contextlib.ExitStack() as stack:
        publisher = stack.enter_context(peers.ffmpeg_publish(clip, server.rtmp("live/cam"), scene.folder))
        server.wait_live("live/cam")
        address = f"rtsp://{server.listeners['rtsp']}/live/cam"
        # ffmpeg 5.1 cannot be told by which interface to join.
        plays = [stack.enter_context(rtsp_peers.GstPlay(
            address, node.open_folder(os.path.join(scene.folder, name)), "udp-mcast",
            more=("multicast-iface=lo",))) for name in ("one", "other")]
        node.until(lambda: all(play.frames() for play in plays), PATIENCE, "both play")
        assert report(server, "live/cam")["viewers"] == {"rtsp": 1}, report(server, "live/cam")["viewers"]
        publisher.succeed()
        for play in plays:
            with contextlib.suppress(AssertionError):
                play.wait(ENDED_SECONDS)
            play.stop()
    for play in plays:
        frames = play.frames()      # who comes later hears what the group hears then
        first = next(number for number, frame in enumerate(frames) if frame.key)
        ledger.match(pictures(sent), frames[first:], times=False, least=0.3, to_the_end=False)
