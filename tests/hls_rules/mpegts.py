"""Measures a segment of MPEG-TS (ISO/IEC 13818-1): its tables, counters and presentation times."""

import fractions

from .fmp4 import IDR, Measured

VIDEO = {0x1b: "avc", 0x24: "hvc"}
SERVICES = 0x11         # pid of the SDT
WRAP = fractions.Fraction(1 << 33, 90_000)


class Stream:
    """One elementary stream of a segment."""

    def __init__(self, kind):
        self.kind = kind
        self.times = []         # PTS of each PES packet
        self.first = b""        # the first packet's payload


def stamp(data, at):
    return ((data[at] >> 1 & 7) << 30 | data[at + 1] << 22 | data[at + 2] >> 1 << 15 | data[at + 3] << 7 |
            data[at + 4] >> 1)


class Reader:
    """Takes packet by packet."""

    def __init__(self):
        self.found = Measured()
        self.found.wrap = WRAP
        self.order = []         # pids of packets with payload
        self.map_pid = None
        self.streams = {}

    def packet(self, data):
        pid = (data[1] & 0x1f) << 8 | data[2]
        start, control, counter = data[1] & 0x40, data[3] >> 4 & 3, data[3] & 0x0f
        at = 4 + (1 + data[4] if control & 2 else 0)
        if pid == 0x1fff or not control & 1 or at >= 188:
            return
        if pid in self.found.counters:
            first, last = self.found.counters[pid]
            if counter != (last + 1) % 16:
                raise ValueError(f"pid {pid}: counter {counter} after {last}")
            self.found.counters[pid] = (first, counter)
        else:
            self.found.counters[pid] = (counter, counter)
        if pid != SERVICES:
            self.order.append(pid)
        if pid == 0 and start:
            self.association(data[at + 1 + data[at]:])
        elif pid == self.map_pid and start:
            self.map(data[at + 1 + data[at]:])
        elif pid in self.streams:
            self.elementary(self.streams[pid], data[at:], start)

    def association(self, section):
        end = 3 + ((section[1] & 0x0f) << 8 | section[2]) - 4
        for at in range(8, end, 4):
            if section[at] << 8 | section[at + 1]:
                self.map_pid = (section[at + 2] & 0x1f) << 8 | section[at + 3]

    def map(self, section):
        end = 3 + ((section[1] & 0x0f) << 8 | section[2]) - 4
        at = 12 + ((section[10] & 0x0f) << 8 | section[11])
        while at < end:
            pid = (section[at + 1] & 0x1f) << 8 | section[at + 2]
            self.streams.setdefault(pid, Stream(section[at]))
            at += 5 + ((section[at + 3] & 0x0f) << 8 | section[at + 4])

    @staticmethod
    def elementary(stream, payload, start):
        if start:
            if payload[:3] != b"\0\0\1":
                raise ValueError("a PES packet without start code")
            if payload[7] & 0x80:
                stream.times.append(stamp(payload, 9))
            payload = payload[9 + payload[8]:]
        if len(stream.times) == 1:
            stream.first += payload

    def end(self):
        found = self.found
        video = [stream for stream in self.streams.values() if stream.kind in VIDEO and stream.times]
        shown = (video or [stream for stream in self.streams.values() if stream.times])
        if not shown:
            raise ValueError("a segment without a PES packet")
        times = shown[0].times
        # Beyond half of the 33 bits, the later stamp has wrapped.
        earliest = min(times, key=lambda time: (time - times[0] + (1 << 32)) % (1 << 33))
        found.begin, found.samples = fractions.Fraction(earliest, 90_000), len(times)
        found.video = bool(video)
        found.layout = ("ts", *sorted((pid, stream.kind) for pid, stream in self.streams.items()))
        found.starts_well = self.map_pid is not None and self.order[:2] == [0, self.map_pid]
        if video:
            found.random_access = begins_with_idr(VIDEO[video[0].kind], video[0].first)
        return found


def begins_with_idr(codec, data):
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        kind = data[at + 3] & 0x1f if codec == "avc" else data[at + 3] >> 1 & 0x3f
        if (1 <= kind <= 5) if codec == "avc" else kind < 32:
            return kind in IDR[codec]
        at = data.find(b"\0\0\1", at + 3)
    return False


def measure(data):
    if len(data) % 188 or not data:
        raise ValueError(f"{len(data)} bytes are not whole packets")
    reader = Reader()
    for at in range(0, len(data), 188):
        if data[at] != 0x47:
            raise ValueError(f"no sync byte at {at}")
        reader.packet(data[at:at + 188])
    return reader.end()
