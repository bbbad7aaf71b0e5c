"""Recording by a command: it begins with what came before the command, frame for frame."""

import datetime
import json
import time

import durable
import keys
import ledger
import node
import peers
from keys import as_who, ask
from recordings import NAME
from world import test

BEFORE = 6            # seconds, as the rule says
LATE = 1              # a command is heeded within a second
SEGMENT = 2           # and a recording begins with a segment
SLACK = 3
MEMORY_MAX = 65 << 20
COMMAND = f"/api/v1/recordings/{NAME}"


def options(folder):
    rule = f'{{ "live/*": {{ record: {{ on_demand: true, before: {BEFORE}s }} }} }}'
    return (keys.configuration(folder, more=f"streams: {rule}\n"),)


def command(world, on, who="boss"):
    headers = as_who(who) | {"Content-Type": "application/json"}
    return ask(world, "POST", COMMAND, headers, json.dumps({"record": on}).encode()).status


def recording(world):
    seen = durable.seen(world, f"/api/v1/streams/{NAME}")
    return (seen or {}).get("recording", {})


def items(world):
    return durable.seen(world, COMMAND)["items"]


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def frames(world):
    url = world.server.http(f"/{NAME}/archive.m3u8?to=2100-01-01T00:00:00Z&token=token-of-boss")
    return [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(url))]


@test(quick=True, builds=("release",), canary=False, options=options)
def row_0_1_a_recording_on_demand_begins_before_its_command_and_has_every_frame_from_there(world):
    source = world.clip("plain-brisk")
    names = [frame.name for frame in ledger.of_clip(source) if frame.kind == "video"]
    with peers.ffmpeg_publish(source, world.server.rtmp(NAME) + "?token=token-kept", world.folder, loops=-1):
        node.until(lambda: recording(world).get("before", {}).get("held_seconds", 0) > BEFORE, 30,
                   "the past is in memory")
        waits = recording(world)
        assert not waits["wanted"] and not waits["under_way"] and items(world) == [], waits
        assert waits["before"]["seconds"] == BEFORE and 0 < waits["before"]["held_bytes"] < MEMORY_MAX, waits
        assert command(world, True, "a") == 403 and command(world, True, None) == 401
        assert command(world, "yes") == 422
        told = time.time()
        assert command(world, True) == 204
        node.until(lambda: recording(world).get("under_way"), 10, "it is recorded")
        node.until(lambda: items(world) and seconds(items(world)[-1]["to"]) > told + SEGMENT, 20,
                   "what comes behind the command, too")
        assert recording(world)["before"]["held_bytes"] == 0
        assert command(world, False) == 204
        node.until(lambda: not durable.seen(world, COMMAND)["recording"], 10, "it is no longer recorded")
        node.until(lambda: recording(world).get("before", {}).get("held_bytes", 0) > 0, 10, "it waits again")
        got = frames(world)
    begun = seconds(items(world)[0]["from"])
    assert told - BEFORE - LATE - 2 * SEGMENT - SLACK <= begun <= told - BEFORE + SLACK, told - begun
    first = names.index(got[0])
    assert first % 25 == 0, "not a key frame"
    sent = (names * (len(got) // len(names) + 2))[first:first + len(got)]
    assert got == sent, "not the frames that were sent, each once and in order"
    assert len(got) > (BEFORE - SLACK) * 25, len(got)
