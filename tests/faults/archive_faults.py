"""The archive of one node under faults of process, disk and clock: what is recorded is what was sent (N3,
N5), each gap has its cause (N4), and `millrace check` finds it sound (N6)."""

import contextlib
import datetime
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import clocks
import disks
import durable
import ledger
import node
import peers
from recordings import NAME, check, recording, what_there_is
import world as world_module
from world import test

FPS = 25
KILLS = 4
RPO = 0.5
SLACK = 3
PATIENCE = 30
HOUR, TEN_YEARS = 3600, 10 * 365 * 86400
FLIPS = 24
MICROSECONDS = 1_000_000
SLOW, STALL = 0.05, 8      # s a call takes
SILENCE_MAX = STALL - SLACK


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def publishing(world, clip="plain-brisk"):
    return peers.ffmpeg_publish(world.clip(clip), world.server.rtmp(NAME), world.folder, loops=-1)


def names_of(world):
    return [frame.name for frame in ledger.of_clip(world.clip("plain-brisk")) if frame.kind == "video"]


def frames(world, item):
    url = world.server.http(f"/{NAME}/archive.m3u8?from={item['from']}&to={item['to']}")
    return [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(url))]


def judge(world, got, names):
    """N3, N5: a stretch of what was sent, from a key frame on, each frame once and in order."""
    first = names.index(got[0])
    assert first % FPS == 0, "does not begin with a key frame"
    assert got == (names * (len(got) // len(names) + 2))[first:first + len(got)], "not as it was sent"


def judge_all(world):
    """Each stretch is as it was sent, no two overlap, and what lies between them has a cause; the listing."""
    there, names = what_there_is(world), names_of(world)
    before = None
    for item in there["items"]:
        assert seconds(item["from"]) < seconds(item["to"]), item
        judge(world, frames(world, item), names)
        if before is not None:
            hole = (seconds(before["to"]), seconds(item["from"]))
            assert hole[0] <= hole[1] + 0.001, f"overlap: {before} {item}"
            told = any(seconds(gap["from"]) <= hole[0] + 1 and seconds(gap["to"]) >= hole[1] - 1
                       and gap["cause"] for gap in there["gaps"])
            assert told or hole[1] - hole[0] <= 1, f"N4: a gap without a cause: {hole} of {there['gaps']}"
        before = item
    return there


def sound(world):
    world.server.stop()
    code, found = check(world.folder)
    assert code == 0 and found["sound"], found


def recorded_beyond(world, moment):
    items = what_there_is(world)["items"]
    return items and seconds(items[-1]["to"]) > moment


def trouble(world):
    return ((world.document(NAME) or {}).get("recording") or {}).get("trouble")


def kill_again_and_again(world, count):
    """Each start finds all but the last half second (N2), under its cause (N4), with no file too many."""
    dice = random.Random(8)
    for _ in range(count):
        before = len(what_there_is(world)["items"])
        with publishing(world):
            world.server.wait_live(NAME)
            node.until(lambda count=before: len(what_there_is(world)["items"]) > count, PATIENCE, "recorded")
            until = time.monotonic() + dice.uniform(0.5, 3)
            node.until(lambda end=until: time.monotonic() > end, PATIENCE, "a moment passes")
            killed = time.time()
            world.server.process.kill()
            world.server.process.wait()
        durable.restart(world)
        last = what_there_is(world)["items"][-1]
        assert seconds(last["to"]) > killed - RPO - SLACK, "N2: more is lost than the last half second"
    there = judge_all(world)
    assert len(there["items"]) == count, there
    assert [gap["cause"] for gap in there["gaps"]] == ["crash"] * (count - 1), there["gaps"]
    assert len(os.listdir(os.path.join(world.folder, "millrace-data/archive"))) <= count + 4, "orphans"
    sound(world)


@test(builds=("release",), canary=False, options=recording)
def case_f3_n2_to_n6_hold_over_kills_at_random_moments(world):
    kill_again_and_again(world, KILLS)


@test(quick=True, builds=("release",), canary=False, options=recording)
def case_f22_a_restart_under_a_publisher_keeps_all_up_to_the_stop(world):
    with publishing(world):
        node.until(lambda: what_there_is(world)["items"], PATIENCE, "recorded")
        stopped = time.time()
        world.server.process.send_signal(signal.SIGTERM)
        assert world.server.process.wait(10 + SLACK) == 0
    durable.restart(world)
    there = what_there_is(world)
    assert len(there["items"]) == 1 and not there["gaps"], there
    assert seconds(there["items"][0]["to"]) > stopped - SLACK, "the last part is missing"
    assert "not closed in good order" not in world.server.said(), "an orderly stop leaves nothing behind"
    with publishing(world):
        node.until(lambda: len(what_there_is(world)["items"]) == 2, PATIENCE, "recorded again")
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")
    there = judge_all(world)
    assert [gap["cause"] for gap in there["gaps"]] == ["node stopped"], there["gaps"]
    sound(world)


EIGHT = [f"live/kept{number}" for number in range(8)]
VIEWERS = 200


@contextlib.contextmanager
def eight_publishers(world):
    with contextlib.ExitStack() as stack:
        for name in EIGHT:
            stack.enter_context(peers.ffmpeg_publish(world.clip("plain-brisk"), world.server.rtmp(name),
                                                     world.folder, f"publish-{name[-1]}", loops=-1))
        yield


def two_hundred_viewers(world):
    """Each hears the head of a stream."""
    there = [world_module.elsewhere(number) for number in range(VIEWERS)]
    watching = [world.raw("http", f"GET /{EIGHT[at % 8]}.flv HTTP/1.1\r\nHost: x\r\n\r\n".encode(), source)
                for at, source in enumerate(there)]
    for one in watching:
        one.settimeout(PATIENCE)
        assert one.recv(12) == b"HTTP/1.1 200", "a viewer is let in"
    return watching


def recorded_by_name(world, more_than=None):
    """What there is of each of the eight, once each has more items than there were."""
    def found():
        there = {name: what_there_is(world, name) for name in EIGHT}
        counts = {name: len(there[name]["items"]) for name in EIGHT}
        return there if all(counts[name] > (more_than or {}).get(name, 0) for name in EIGHT) else None
    return node.until(found, PATIENCE, "all are recorded")


def keep_all(_folder):
    return ("--open", "--set", 'streams={ "live/*": { record: true } }', "--set", "hls.segment=1s")


@test(builds=("release",), canary=False, options=keep_all)
def f1_f22_eight_cameras_and_two_hundred_viewers_over_a_kill_and_a_restart(world):
    with eight_publishers(world):
        before = recorded_by_name(world)
        world.server.process.kill()
        world.server.process.wait()
    durable.restart(world)
    for name, was in before.items():
        there = what_there_is(world, name)
        assert len(there["items"]) == 1 and there["items"][0]["to"] >= was["items"][0]["to"], (was, there)
        assert there["items"][0]["from"] == was["items"][0]["from"], (was, there)
    with eight_publishers(world):
        recorded_by_name(world, dict.fromkeys(EIGHT, 1))
        watching = two_hundred_viewers(world)
        stopped = time.time()
        world.server.process.send_signal(signal.SIGTERM)
        for one in watching:
            world_module.closed(one)
            one.close()
        assert world.server.process.wait(10 + SLACK) == 0, "no orderly stop"
    durable.restart(world)
    for name in EIGHT:
        there = what_there_is(world, name)
        assert [gap["cause"] for gap in there["gaps"]] == ["crash"], there
        assert len(there["items"]) == 2 and seconds(there["items"][1]["to"]) > stopped - SLACK, there
    status, all_of_them = world.server.get("/api/v1/recordings")
    listed = json.loads(all_of_them)
    assert status == 200 and [one["name"] for one in listed["items"]] == EIGHT, listed
    for one in listed["items"]:
        assert one["gaps"] == 1 and not one["recording"] and one["bytes"] > 0, listed
    sound(world)


def play_list(world, query):
    status, text = world.server.get(f"/{NAME}/archive.m3u8{query}")
    assert status == 200, text
    return text.decode().splitlines()


class FarAway:
    """A machine whose local time is far from UTC, and jumps twice a year."""

    def __init__(self, _folder):
        self.before = ["env", "TZ=America/St_Johns"]

    def close(self):
        pass


@test(quick=True, builds=("release",), canary=False, around=FarAway,
      options=lambda folder: (*recording(folder), "--set", "storage.path='a path with spaces'"))
def case_97_row_1_6_row_1_16_one_stream_is_live_and_an_event_from_its_start_and_vod_of_a_range(world):
    begun = time.time()
    with publishing(world):
        node.until(lambda: what_there_is(world)["items"], PATIENCE, "recorded")
        status, live = world.server.get(f"/{NAME}/ts.m3u8", PATIENCE)
        assert status == 200 and b"#EXTM3U" in live
        assert b"EXT-X-PLAYLIST-TYPE" not in live and b"EXT-X-ENDLIST" not in live, "live slides"
        event = play_list(world, "")
        assert "#EXT-X-PLAYLIST-TYPE:EVENT" in event and "#EXT-X-ENDLIST" not in event, event
        node.until(lambda: len(play_list(world, "")) > len(event), PATIENCE, "it grows")
        media, grown = ([line for line in lines if line and "TARGETDURATION" not in line]
                        for lines in (event, play_list(world, "")))
        assert grown[:len(media)] == media, "an event never changes what it has listed"
        item = what_there_is(world)["items"][0]
        assert begun - SLACK < seconds(item["from"]) < time.time() + SLACK, "the listing is in UTC"
        assert os.listdir(os.path.join(world.folder, "a path with spaces/archive"))
        range_of_it = play_list(world, f"?from={item['from']}&to={item['to']}")
        assert "#EXT-X-PLAYLIST-TYPE:VOD" in range_of_it and range_of_it[-1] == "#EXT-X-ENDLIST", range_of_it
        judge(world, frames(world, item), names_of(world))


@test(builds=("release",), options=recording, around=disks.small_disk(400))
def case_92_f5_a_full_disk_stops_recording_with_words_and_it_goes_on_by_itself(world):
    with publishing(world):
        node.until(lambda: what_there_is(world)["items"], PATIENCE, "recorded")
        world.around.fill_up()
        full = time.time()
        node.until(lambda: trouble(world) == "disk full", 5 + SLACK, "it stops, and says so")
        assert "nothing is recorded: the disk is full" in world.server.said()
        node.until(lambda: time.time() > full + 8, PATIENCE, "it stays full for a while")
        world.around.empty()
        free = time.time()
        node.until(lambda: recorded_beyond(world, free), 5 + SLACK + 2, "it goes on")
        node.until(lambda: trouble(world) == "", PATIENCE, "no more trouble")
    world.sing()      # the canary lost nothing
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")
    there = judge_all(world)
    causes = [gap["cause"] for gap in there["gaps"]]
    assert causes == ["disk full"], there["gaps"]
    gap = there["gaps"][0]
    assert seconds(gap["from"]) <= full + SLACK and seconds(gap["to"]) >= free, (gap, full, free)
    world.server.stop()
    program = os.path.join(node.ROOT, "build/release/bin/millrace")
    inside = subprocess.run([*world.around.before, program, "check", world.around.path, "--json"],
                            capture_output=True, timeout=30, check=False)
    assert inside.returncode == 0, inside.stdout


def lives_through(error):
    """A disk whose calls fail for a while: live goes on, an alarm, and it goes on by itself."""
    def run(world):
        with publishing(world):
            node.until(lambda: what_there_is(world)["items"], PATIENCE, "recorded")
            with disks.calls_fail(world, *error):
                node.until(lambda: trouble(world) == "disk failed", 5 + SLACK, "it stops, and says so")
                assert "nothing is recorded" in world.server.said()
            mended = time.time()
            node.until(lambda: recorded_beyond(world, mended), PATIENCE, "it goes on without a restart")
        world.sing()
        node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")
        there = judge_all(world)
        assert {gap["cause"] for gap in there["gaps"]} == {"disk failed"}, there["gaps"]
        sound(world)
    return run


@test(builds=("release",), options=recording)
def case_92_f7_eio_on_every_fsync_is_a_gap_and_no_more(world):
    lives_through(("fdatasync:error=EIO",))(world)


@test(builds=("release",), options=recording)
def case_92_f7_eio_on_each_third_write_is_a_gap_and_no_more(world):
    lives_through(("pwrite64:error=EIO:when=2+3",))(world)


@test(builds=("release",), canary=False, around=clocks.fake_clock,
      options=lambda folder: (*recording(folder), "--set", "storage.keep={ days: 1 }"))
def case_96_f10_clocks_that_jump_leave_order_and_recordings_alone_also_over_a_restart(world):
    def count():
        return sum(item["fragments"] for item in what_there_is(world)["items"])

    with publishing(world):
        for jump in (0, HOUR, -HOUR, TEN_YEARS):
            world.around.set(jump)
            node.until(lambda more=count() + 3: count() >= more, PATIENCE, f"recorded at {jump:+d} s")
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")
    there = judge_all(world)
    assert len(there["items"]) == 1, f"the media's own clock goes on: {there}"
    length = seconds(there["items"][0]["to"]) - seconds(there["items"][0]["from"])
    assert length < 120, f"{length} s"
    for jump in (TEN_YEARS, 0):
        world.server.process.kill()
        world.server.process.wait()
        world.around.set(jump)
        durable.restart(world)
        assert what_there_is(world)["items"][0] == there["items"][0], "something is gone, or elsewhere"
        with publishing(world):
            node.until(lambda more=count() + 2: count() >= more, PATIENCE, f"recorded at {jump:+d} s")
            begun = time.monotonic()
            node.until(lambda at=begun: time.monotonic() > at + 7, PATIENCE, "retention had its look")
        assert there["items"][0] in what_there_is(world)["items"], "a clock that jumped deletes nothing"
        node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")
    for item in what_there_is(world)["items"]:
        assert seconds(item["from"]) < seconds(item["to"]), item
        judge(world, frames(world, item), names_of(world))
    sound(world)


class Silence(threading.Thread):
    """How long nothing came to a viewer, at most, while this watches."""

    def __init__(self, viewer):
        super().__init__(daemon=True)
        self.viewer, self.most, self.ended = viewer, 0, threading.Event()
        self.start()

    def run(self):
        size, since = 0, time.monotonic()
        while not self.ended.wait(0.02):
            self.most = max(self.most, time.monotonic() - since)
            if len(self.viewer.data) > size:
                size, since = len(self.viewer.data), time.monotonic()


@test(builds=("release",), options=recording)
def case_f9_a_slow_disk_and_one_that_stalls_are_no_gap_and_disturb_nobody(world):
    with publishing(world):
        node.until(lambda: what_there_is(world)["items"], PATIENCE, "recorded")
        viewer = peers.FlvReader(world.server.http(f"/{NAME}.flv"))
        silence = Silence(viewer)
        for slow in (f"pwrite64:delay_enter={SLOW * MICROSECONDS:.0f}",
                     f"fdatasync:delay_enter={STALL * MICROSECONDS}:when=1"):
            with disks.calls_fail(world, slow):
                beyond = time.time() + STALL
                node.until(lambda end=beyond: recorded_beyond(world, end), PATIENCE, f"recorded with {slow}")
        silence.ended.set()
        assert silence.most < SILENCE_MAX, f"live waited {silence.most} s"
        live = [frame.name for frame in viewer.frames() if frame.kind == "video"]
        assert len(live) >= 2 * STALL * FPS, len(live)
        judge(world, live, names_of(world))
    world.sing()
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")
    there = judge_all(world)
    assert len(there["items"]) == 1 and not there["gaps"], there
    sound(world)


def undetected(world, dice, count):
    """Which of so many changes of one byte of the media, and of the index, `millrace check` does not find."""
    missed = []
    for name in ("0000000001.mp4", "index"):
        path = os.path.join(world.folder, "millrace-data/archive", name)
        with open(path, "rb") as file:
            whole = file.read()
        for _ in range(count):
            at = dice.randrange(len(whole))
            with open(path, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ (1 << dice.randrange(8))]) + whole[at + 1:])
            code, found = check(world.folder)
            missed += [(name, at)] if code == 0 or found["sound"] else []
        with open(path, "wb") as file:
            file.write(whole)
    return missed


def record_four_fragments(world):
    with publishing(world):
        node.until(lambda: sum(item["fragments"] for item in what_there_is(world)["items"]) >= 4, PATIENCE,
                   "recorded")
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")


@test(quick=True, builds=("release",), canary=False, options=recording)
def case_93_f25_one_changed_byte_anywhere_is_found_and_harms_one_fragment_at_most(world):
    record_four_fragments(world)
    before = what_there_is(world)
    fragments = sum(item["fragments"] for item in before["items"])
    world.server.process.send_signal(signal.SIGTERM)
    world.server.process.wait()
    folder = os.path.join(world.folder, "millrace-data")
    kept = os.path.join(world.folder, "kept")
    shutil.copytree(folder, kept)
    missed = undetected(world, random.Random(25), FLIPS)
    assert not missed, f"changed and not found: {missed}"
    # A byte of the second fragment's picture: it is a gap, and all others play.
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)
    path = os.path.join(folder, "archive/0000000001.mp4")
    with open(path, "r+b") as file:
        middle = os.path.getsize(path) // 2
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 1]))
    durable.restart(world)
    with contextlib.suppress(AssertionError):
        frames(world, before["items"][0])      # whoever reads it finds it
    after = what_there_is(world)
    assert sum(item["fragments"] for item in after["items"]) >= fragments - 1, after
    for item in after["items"]:
        judge(world, frames(world, item), names_of(world))


def copy_of_the_index(world, folder):
    """As a backup of a running node has it: all of its files at one moment."""
    archive = os.path.join(world.folder, "millrace-data/archive")
    os.makedirs(folder)
    world.server.process.send_signal(signal.SIGSTOP)
    try:
        for name in os.listdir(archive):
            if name.startswith("index"):
                shutil.copy(os.path.join(archive, name), folder)
    finally:
        world.server.process.send_signal(signal.SIGCONT)


def put_index(world, folder=None):
    """Takes the index away, and puts a copy in its place."""
    archive = os.path.join(world.folder, "millrace-data/archive")
    for name in os.listdir(archive):
        if name.startswith("index"):
            os.remove(os.path.join(archive, name))
    if folder:
        shutil.copytree(folder, archive, dirs_exist_ok=True)


def record_some(world, count, meanwhile=None):
    """Another file of at least so many fragments."""
    def recorded():
        items = what_there_is(world)["items"]
        return len(items) > before and items[-1]["fragments"] >= count

    before = len(what_there_is(world)["items"])
    with publishing(world):
        node.until(recorded, PATIENCE, "recorded")
        if meanwhile:
            meanwhile()
            count = what_there_is(world)["items"][-1]["fragments"] + 1
            node.until(recorded, PATIENCE, "it goes on")
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")


def exported(world):
    """The bytes of the whole as one file, and the names of its pictures."""
    path = os.path.join(world.folder, "whole.mp4")
    status, body = world.server.get(f"/{NAME}/archive.mp4", PATIENCE)
    assert status == 200, body[:200]
    with open(path, "wb") as file:
        file.write(body)
    return body, [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(path))]


@test(quick=True, builds=("release",), canary=False,
      options=lambda folder: (*recording(folder), "--set", "hls.segment=1s"))
def case_94_an_index_that_is_lost_or_older_than_the_files_is_made_again_from_them_alone(world):
    older = os.path.join(world.folder, "older")
    record_some(world, 1)
    record_some(world, 1, lambda: copy_of_the_index(world, older))
    record_some(world, 1)
    before, (whole, names) = what_there_is(world), exported(world)
    assert len(before["items"]) == 3 and [gap["cause"] for gap in before["gaps"]] == ["publisher gone"] * 2
    assert len(names) >= 4 * FPS, "the frames of four fragments"
    for copy in (None, older):
        world.server.process.send_signal(signal.SIGTERM)
        assert world.server.process.wait(10 + SLACK) == 0
        put_index(world, copy)
        durable.restart(world)
        again = what_there_is(world)
        assert again == before, (copy, again, before)
        assert exported(world) == (whole, names), copy
    sound(world)
