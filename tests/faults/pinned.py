"""Retention takes the oldest and leaves what is pinned, also after a kill and with an index made anew; the
disk's floor is not broken for it."""

import json
import os

import disks
import durable
import keys
import node
import peers
from keys import as_who, ask
from recordings import NAME, rtsp_answer
from world import CLOSED_SECONDS, test

FLOOR = 256 * disks.MEGABYTE      # of the disk that stays free
PIECES = 3
PATIENCE = 40                     # the disk is looked at every 5 s
PINS = f"/api/v1/pins/{NAME}"


def options(folder):
    return (keys.configuration(folder, more=f"streams: {{ {NAME}: {{ record: true }} }}\n"),)


def pieces(world):
    found = durable.seen(world, f"/api/v1/recordings/{NAME}")
    return [one["from"] for one in found["items"]], [one["cause"] for one in found["gaps"]]


def pins(world):
    return durable.seen(world, PINS)["items"]


def publishing(world, clip="plain-brisk", loops=0):
    return peers.ffmpeg_publish(world.clip(clip), world.server.rtmp(NAME) + "?token=token-kept",
                                world.folder, loops=loops)


def record_a_piece(world, count):
    with publishing(world) as publisher:
        publisher.succeed()
    node.until(lambda: len(pieces(world)[0]) == count, PATIENCE, f"piece {count} is recorded")


def size(world, number):
    return os.stat(world.around.real(f"archive/{number:010}.mp4")).st_size


def change(world, method, one, who="boss"):
    return ask(world, method, f"{PINS}?from={one['from']}&to={one['to']}", as_who(who)).status


def begin_with_pieces(world):
    """Three pieces, a file each, and the second one pinned; its range and their beginnings."""
    for count in range(1, PIECES + 1):
        record_a_piece(world, count)
    found = durable.seen(world, f"/api/v1/recordings/{NAME}")
    second = {"from": found["items"][1]["from"], "to": found["items"][1]["to"]}
    assert change(world, "PUT", second, "a") == 403, "who may not change the node pins nothing"
    assert change(world, "PUT", second, None) == 401
    assert ask(world, "GET", PINS, as_who("a")).status == 403, "who may not see recordings sees no pins"
    for token, status in (("token-kept", 403), ("token-of-boss", 200)):
        answer = rtsp_answer(world, "DESCRIBE", f"{NAME}/archive?token={token}")
        assert answer.startswith(f"RTSP/1.0 {status} "), (token, answer)
    assert change(world, "PUT", {"from": second["to"], "to": second["from"]}) == 400
    assert pins(world) == []
    assert change(world, "PUT", second) == 200
    assert change(world, "PUT", second) == 200, "once more is no more"
    return second, [one["from"] for one in found["items"]]


def lose_process_and_index(world):
    world.server.process.kill()
    world.server.process.wait()
    for name in os.listdir(world.around.real("archive")):
        if name.startswith("index"):
            os.remove(world.around.real(f"archive/{name}"))
    durable.restart(world)


@test(builds=("release",), canary=False, options=options, around=disks.small_disk(300))
def case_f5_retention_takes_the_oldest_and_leaves_what_is_pinned_and_the_floor_of_the_disk(world):
    second, begun = begin_with_pieces(world)
    lose_process_and_index(world)
    assert pins(world) == [second], "what was answered 200 is there after kill -9 and without an index"
    assert pieces(world)[0] == begun
    sizes = [size(world, number) for number in range(1, PIECES + 1)]
    # A little more is wanted than is free: the oldest goes, and no other.
    world.around.fill(FLOOR - sizes[0] // 2)
    node.until(lambda: pieces(world)[0] == begun[1:], PATIENCE, "the oldest goes")
    assert pieces(world)[1][0] == "retention", pieces(world)
    # Without what is pinned there is no way to the floor: nothing goes, and recording stops and says why.
    world.around.fill(FLOOR - sizes[2] - sizes[1] // 2)
    with publishing(world, loops=-1):
        def stopped():
            seen = durable.seen(world, f"/api/v1/streams/{NAME}")
            return seen and seen["state"] == "live" and seen["recording"]["trouble"] == "disk full"
        node.until(stopped, PATIENCE, "recording stops")
        node.until(lambda: "with recordings that are pinned" in world.server.said(), CLOSED_SECONDS,
                   "and says why")
        assert pieces(world)[0][:2] == begun[1:], "what would be of no help stays"
        assert change(world, "DELETE", second) == 204
        assert change(world, "DELETE", second) == 404
        assert pins(world) == []
        node.until(lambda: not set(begun[1:]) & set(pieces(world)[0]), PATIENCE, "both make room")
        node.until(lambda: len(pieces(world)[0]) == 1, PATIENCE, "it is recorded again")
    assert pieces(world)[1][0] == "retention", pieces(world)
    assert world.around.free() >= FLOOR - disks.MEGABYTE
