"""Reads MPEG-TS (ISO/IEC 13818-1) and fragmented MP4 (ISO/IEC 14496-12) frame by frame, changes and all.

ffmpeg copies a stream whose codec changes only up to the change; the ledger wants what comes after it too.
"""

import os
import struct
import sys

import ledger

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from hls_rules import fmp4      # noqa: E402

PACKET = 188
TS_VIDEO = {0x1B: "avc1", 0x24: "hvc1"}
TS_ADTS = 0x0F
VIDEO_ENTRIES = {b"avc1": "avc1", b"avc3": "avc1", b"hvc1": "hvc1", b"hev1": "hvc1"}


def _video(found, codec, dts, pts):
    units = [unit for unit in found if unit]
    kinds = [unit[0] & 0x1F if codec == "avc1" else unit[0] >> 1 & 0x3F for unit in units]
    key = any(kind == 5 if codec == "avc1" else 16 <= kind <= 21 for kind in kinds)
    return ledger.Frame("video", dts, pts, key, ledger.name_of(units, codec))


def _stamp(data, at):
    value = ((data[at] >> 1 & 7) << 30 | data[at + 1] << 22 | data[at + 2] >> 1 << 15 |
             data[at + 3] << 7 | data[at + 4] >> 1)
    return round(value / 90)


class Transport:
    """All frames of a transport stream, in the order their PES packets began."""

    def __init__(self, data):
        self.streams, self.map_pid, self.frames, self.open = {}, None, [], {}
        for at in range(0, len(data) - PACKET + 1, PACKET):
            self._packet(data[at:at + PACKET])
        for pid in list(self.open):
            self._close(pid)

    def _packet(self, data):
        if data[0] != 0x47:
            raise ValueError("a packet without sync byte")
        pid, start = (data[1] & 0x1F) << 8 | data[2], data[1] & 0x40
        at = 4 + (1 + data[4] if data[3] & 0x20 else 0)
        if not data[3] & 0x10 or at >= PACKET:
            return
        if pid == 0 and start:
            section = data[at + 1 + data[at]:]
            self.map_pid = (section[10] & 0x1F) << 8 | section[11]
        elif pid == self.map_pid and start:
            self._map(data[at + 1 + data[at]:])
        elif pid in self.streams:
            if start:
                self._close(pid)
                self.open[pid] = (self.streams[pid], bytearray())
            if pid in self.open:
                self.open[pid][1].extend(data[at:])

    def _map(self, section):
        end = 3 + ((section[1] & 0x0F) << 8 | section[2]) - 4
        at = 12 + ((section[10] & 0x0F) << 8 | section[11])
        self.streams = {}
        while at < end:
            self.streams[(section[at + 1] & 0x1F) << 8 | section[at + 2]] = section[at]
            at += 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])

    def _close(self, pid):
        kind, pes = self.open.pop(pid, (None, None))
        if kind is None:
            return
        pts = _stamp(pes, 9)
        dts = _stamp(pes, 14) if pes[7] & 0x40 else pts
        payload = bytes(pes[9 + pes[8]:])
        if kind in TS_VIDEO:
            self.frames.append(_video(ledger.annex_b_units(payload), TS_VIDEO[kind], dts, pts))
        elif kind == TS_ADTS:
            self.frames += list(_adts(payload, dts))


def _adts(data, dts):
    at = 0
    while at + 7 <= len(data):
        size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        head = 7 if data[at + 1] & 1 else 9
        yield ledger.Frame("audio", dts, dts, True, ledger.digest(data[at + head:at + size]))
        at += size


def of_ts(data):
    return Transport(data).frames


def _tracks(data, at, end):
    """{track id: (codec, timescale, defaults)} of a moov."""
    found, defaults = {}, {}
    for trex, _ in fmp4.find(data, [b"mvex", b"trex"], at, end):
        values = struct.unpack_from(">5I", data, trex + 4)
        defaults[values[0]] = values[2:]
    for trak, trak_end in fmp4.find(data, [b"trak"], at, end):
        tkhd = next(fmp4.find(data, [b"tkhd"], trak, trak_end))[0]
        mdhd = next(fmp4.find(data, [b"mdia", b"mdhd"], trak, trak_end))[0]
        stsd = next(fmp4.find(data, [b"mdia", b"minf", b"stbl", b"stsd"], trak, trak_end))[0]
        track = struct.unpack_from(">I", data, tkhd + (20 if data[tkhd] == 1 else 12))[0]
        scale = struct.unpack_from(">I", data, mdhd + (20 if data[mdhd] == 1 else 12))[0]
        found[track] = (VIDEO_ENTRIES.get(data[stsd + 12:stsd + 16], "audio"), scale,
                        defaults.get(track, (0, 0, 0)))
    return found


def _run_offsets(data, run):
    """Composition offsets of a trun, zeros where it has none."""
    flags, count = struct.unpack_from(">I", data, run)[0], struct.unpack_from(">I", data, run + 4)[0]
    at = run + 8 + (4 if flags & 1 else 0) + (4 if flags & 4 else 0)
    width = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400))
    for _ in range(count):
        at += width
        if flags & 0x800:
            yield struct.unpack_from(">i", data, at)[0]
            at += 4
        else:
            yield 0


def _fragment(data, moof, tracks):
    moof_at, inside, end = moof
    for traf, traf_end in fmp4.find(data, [b"traf"], inside, end):
        parts = {kind: a for kind, a, _ in fmp4.boxes(data, traf, traf_end)}
        track = struct.unpack_from(">I", data, parts[b"tfhd"] + 4)[0]
        codec, scale, defaults = tracks[track]
        _, *values = fmp4.tfhd(data, parts[b"tfhd"], defaults)
        wide = data[parts[b"tfdt"]] == 1
        time = struct.unpack_from(">Q" if wide else ">I", data, parts[b"tfdt"] + 4)[0]
        for run, _ in fmp4.find(data, [b"trun"], traf, traf_end):
            samples, offset = fmp4.trun(data, run, tuple(values))
            at = moof_at + offset
            for (duration, size, _), shown in zip(samples, _run_offsets(data, run)):
                dts, pts = round(time * 1000 / scale), round((time + shown) * 1000 / scale)
                sample = data[at:at + size]
                if codec == "audio":
                    yield ledger.Frame("audio", dts, pts, True, ledger.digest(sample))
                else:
                    yield _video(ledger.nal_units(sample), codec, dts, pts)
                time, at = time + duration, at + size


def of_mp4(data):
    """All frames of initialisation segments and fragments in a row; a box cut at the end is left out."""
    frames, tracks, at = [], {}, 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + size > len(data):
            break
        if kind == b"moov":
            tracks = _tracks(data, at + 8, at + size)
        elif kind == b"moof":
            after = at + size
            whole = after + 8 <= len(data) and \
                after + struct.unpack_from(">I", data, after)[0] <= len(data)
            if whole:
                frames += list(_fragment(data, (at, at + 8, at + size), tracks))
        at += size
    return frames
