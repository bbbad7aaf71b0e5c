"""Streams that are decoded: pictures in shared memory, each once, at its moment."""

import contextlib
import fcntl
import mmap
import os
import struct
import time

from link import (FAULT, PAYLOAD, PICTURE, PLAYED, RELEASE, SMALL, TRACK, UNIT, Child, faulty, shortened,
                  stopped)
from pictures import pts_of, recorded

import stamps

SLOT = 4096 * 4096 * 3 // 2
SLOTS = 4


class Player:
    """A child with a ring of pictures, and what came of it."""

    def __init__(self, program, folder, start):
        os.mkdir(folder)
        self.ring = os.memfd_create("pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.ring, SLOTS * SLOT)
        fcntl.fcntl(self.ring, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self.memory = mmap.mmap(self.ring, SLOTS * SLOT, prot=mmap.PROT_READ)
        self.child = Child(program, folder, self.ring)
        self.child.start(start)
        self.came = self.child.messages()

    def pictures(self, count, release=True):
        """So many pictures: (pts, number, width, height, luma)."""
        found = []
        for kind, body in self.came:
            assert kind != FAULT, body
            if kind == PICTURE:
                slot, width, height = body[0], *struct.unpack(">HH", body[4:8])
                number, pts = struct.unpack(">Qq", body[8:24])
                luma = self.memory[slot * SLOT:slot * SLOT + width * height]
                found.append((pts, number, width, height, luma))
                if release:
                    self.child.say(RELEASE, bytes([slot]))
                if len(found) == count:
                    return found
        raise AssertionError(f"the child ended after {len(found)} of {count} pictures")

    def counters(self):
        """(units, pictures, broken, skipped, waiting, late) of the next report."""
        for kind, body in self.came:
            if kind == PLAYED:
                return struct.unpack(">6Q", body[:48])
        raise AssertionError("the child ended")

    def end(self):
        stopped(self.child)
        said = self.child.gone()
        assert self.child.code == 0, (self.child.code, said)
        os.close(self.ring)


@contextlib.contextmanager
def playing(child, folder, start="decode:"):
    player = Player(child.program, os.path.join(folder, "player"), start)
    yield player
    player.end()
    child.start(SMALL)      # every test ends with the child that it was given
    stopped(child)


def feed(player, track, units):
    player.child.say(TRACK, track)
    for unit in units:
        player.child.say(UNIT, unit)


def every_picture_is_decoded_once_and_is_the_one_that_was_sent(child, folder):
    for codec in ("h264", "h265"):
        below = os.path.join(folder, codec)
        os.mkdir(below)
        track, units = recorded(child, below, SMALL + f"&audio=none&codec={codec}", 30)
        player = Player(child.program, os.path.join(below, "player"), "decode:")
        feed(player, track, units)
        made = player.pictures(30)
        assert [one[0] for one in made] == [pts_of(unit) for unit in units]
        assert [one[1] for one in made] == list(range(30))
        for _, number, width, height, luma in made:
            assert (width, height) == (320, 180)
            assert stamps.read(luma, width).frame == number
        counted = player.counters()
        assert counted[:5] == (30, 30, 0, 0, 0), counted
        player.end()
    child.start(SMALL)
    stopped(child)


def reordered_pictures_come_in_order_of_showing_and_at_an_even_pace(child, folder):
    track, units = recorded(child, folder, f"file:{shortened(folder, 'bframes')}", 25)
    shown = sorted(pts_of(unit) for unit in units)
    with playing(child, folder) as player:
        player.child.say(TRACK, track)
        began = time.monotonic()
        for number, unit in enumerate(units):
            player.child.say(UNIT, unit)
            time.sleep(max(0, began + (number + 1) / 25 - time.monotonic()))
        player.child.say(TRACK, track[:2] + b"\xff")      # nothing follows: what waits inside comes out
        made = player.pictures(25)
        assert [one[0] for one in made] == shown


def a_reader_that_holds_all_slots_stops_the_decoder_and_nothing_is_lost(child, folder):
    track, units = recorded(child, folder, SMALL + "&audio=none", 30)
    with playing(child, folder, "decode:?buffer=0") as player:
        feed(player, track, units)
        held = player.pictures(SLOTS, release=False)
        counted = player.counters()
        assert counted[1] == SLOTS and counted[0] == 30 and counted[4] == 30 - SLOTS, counted
        assert [stamps.read(one[4], 320).frame for one in held] == [0, 1, 2, 3]
        for slot in range(SLOTS):
            player.child.say(RELEASE, bytes([slot]))
        rest = player.pictures(30 - SLOTS)
        assert [stamps.read(one[4], 320).frame for one in rest] == list(range(SLOTS, 30))


def broken_units_cost_pictures_and_the_sums_agree(child, folder):
    track, units = recorded(child, folder, SMALL + "&audio=none&gop=200ms", 60)
    with playing(child, folder) as player:
        player.child.say(TRACK, track)
        for index, unit in enumerate(units):
            if 10 <= index < 20:
                noise = bytes(byte ^ (0xA5 if at % 7 == 6 else 0)
                              for at, byte in enumerate(unit[PAYLOAD + 4:]))
                unit = unit[:PAYLOAD] + struct.pack(">I", len(noise)) + noise      # as one NAL unit
            player.child.say(UNIT, unit)
        found = []
        while not found or found[-1][0] != pts_of(units[-1]):
            found += player.pictures(1)
        assert stamps.read(found[-1][4], 320).frame == 59
        counted = player.counters()
        assert counted[0] == 60 == sum(counted[1:5]) and counted[2] > 0, counted


def a_slot_released_twice_breaks_the_link(child, folder):
    player = Player(child.program, os.path.join(folder, "player"), "decode:")
    player.child.say(RELEASE, b"\0")
    player.child.rest()
    assert "the link broke" in player.child.gone()
    child.start(SMALL)
    stopped(child)


def a_player_without_memory_says_so(child, folder):
    faulty(child, "decode:", "no memory for pictures")


def a_buffer_beyond_all_bounds(child, folder):
    faulty(child, "decode:?buffer=99999", "0 to 10000 milliseconds")


TESTS = [every_picture_is_decoded_once_and_is_the_one_that_was_sent,
         reordered_pictures_come_in_order_of_showing_and_at_an_even_pace,
         a_reader_that_holds_all_slots_stops_the_decoder_and_nothing_is_lost,
         broken_units_cost_pictures_and_the_sums_agree, a_slot_released_twice_breaks_the_link,
         a_player_without_memory_says_so, a_buffer_beyond_all_bounds]
