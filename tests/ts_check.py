#!/usr/bin/env python3
"""Holds an MPEG-TS file or live bytes against what ETSI TR 101 290 asks for, as far as it can be seen without
the rate of a multiplex: sync, PAT and PMT, continuity, CRC, clock values, presentation times.

    tests/ts_check.py FILE…          findings, one a line; exit status 1 if there are any
    checker = Checker(); checker.feed(bytes, at=seconds); checker.finish(); checker.findings
"""

import argparse
import collections
import sys

PACKET = 188
WRAP = 1 << 33
RATE = 90_000
PAT, SDT, NULL = 0x0000, 0x0011, 0x1FFF
VIDEO_TYPES = {0x1B: "h264", 0x24: "h265"}
AUDIO_TYPES = {0x03: "mp3", 0x04: "mp3", 0x0F: "aac", 0x06: "private"}

Finding = collections.namedtuple("Finding", "rule packet words")
Limits = collections.namedtuple("Limits", "tables clock pts lead jitter",
                                defaults=(0.5, 0.040, 0.7, 1.0, 0.5))


def _crc_table():
    table = []
    for i in range(256):
        crc = i << 24
        for _ in range(8):
            crc = (crc << 1) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
        table.append(crc & 0xFFFFFFFF)
    return table


_CRC = _crc_table()


def crc32(data):
    """CRC_32 of ISO/IEC 13818-1 annex A; 0 over a whole sound section."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC[(crc >> 24) ^ byte]
    return crc


def _time(five):
    return ((five[0] >> 1 & 7) << 30) | (five[1] << 22) | (five[2] >> 1) << 15 | five[3] << 7 | five[4] >> 1


def _ahead(later, earlier):
    """Seconds from one 33-bit time to another, by the shorter way around."""
    step = (later - earlier) % WRAP
    return (step - WRAP if step >= WRAP // 2 else step) / RATE


class Stream:
    """What is known of one elementary stream."""

    def __init__(self, kind):
        self.kind = kind
        self.units = 0
        self.last_pts = None
        self.last_dts = None


class Checker:
    """Takes a transport stream in any cut. With `at` (seconds of arrival) it also measures the clock's jitter
    against arrival; without, only how evenly the clock leads the decoding times."""

    def __init__(self, limits=Limits()):
        self.limits = limits
        self.findings = []
        self.packets = 0
        self.service = None          # (provider, name) of the SDT
        self.streams = {}            # by PID
        self.clock_pid = None
        self.versions = []           # of the PMT, as they came
        self.clock_gaps = []         # seconds between clock values
        self.leads = []              # seconds from clock value to decoding time
        self.jitter = 0.0            # against arrival, seconds
        self._map_pid = None
        self._rest = b""
        self._counters = {}
        self._sections = {}
        self._clock = None           # the last value, 90 kHz
        self._seen = {}              # table -> clock when it came
        self._arrival = None

    def _find(self, rule, words):
        self.findings.append(Finding(rule, self.packets, words))

    def feed(self, data, at=None):
        data = self._rest + data
        offset = 0
        while len(data) - offset >= PACKET:
            if data[offset] != 0x47:
                self._find("sync", f"byte {data[offset]:#04x} where a packet begins")
                offset = data.find(b"\x47", offset + 1)
                if offset < 0:
                    offset = len(data)
                continue
            self._packet(data[offset:offset + PACKET], at)
            self.packets += 1
            offset += PACKET
        self._rest = data[offset:]

    def finish(self):
        if self._rest:
            self._find("sync", f"{len(self._rest)} bytes are left at the end")
        if not self.packets:
            self._find("sync", "no packets")
        for table in ("PAT", "PMT"):
            if self.packets and table not in self._seen:
                self._find("tables", f"no {table}")
        if self.streams and self._clock is None:
            self._find("clock", "no clock values")
        if self.leads and max(self.leads) - min(self.leads) > self.limits.jitter:
            self._find("jitter", f"the clock leads by {min(self.leads):.3f} to {max(self.leads):.3f} s")
        return self.findings

    def _packet(self, packet, at):
        pid = (packet[1] & 0x1F) << 8 | packet[2]
        control = packet[3] >> 4 & 3
        if packet[1] & 0x80:
            self._find("transport", f"error indicator on PID {pid:#x}")
        payload = packet[4:] if control & 1 else b""
        jumps = False
        if control & 2:
            length = packet[4]
            if length > (182 if control & 1 else 183):
                self._find("adaptation", f"field of {length} bytes")
                return
            payload = packet[5 + length:] if control & 1 else b""
            flags = packet[5] if length else 0
            jumps = bool(flags & 0x80)
            if flags & 0x10:
                base = int.from_bytes(packet[6:11], "big") >> 7
                self._take_clock(pid, base, jumps, at)
        if pid == NULL:
            return
        self._continuity(pid, packet[3] & 0x0F, bool(payload), jumps)
        if not payload:
            return
        starts = bool(packet[1] & 0x40)
        if pid in (PAT, SDT) or pid == self._map_pid:
            self._table_bytes(pid, payload, starts)
        elif pid in self.streams and starts:
            self._unit(pid, payload, jumps)

    def _continuity(self, pid, counter, has_payload, jumps):
        last = self._counters.get(pid)
        if last is not None and not jumps:
            wanted = (last + 1) & 15 if has_payload else last
            if counter != wanted:
                self._find("continuity", f"PID {pid:#x}: {counter} after {last}")
        self._counters[pid] = counter

    def _take_clock(self, pid, base, jumps, at):
        if pid != self.clock_pid:
            return
        if self._clock is not None and not jumps:
            gap = _ahead(base, self._clock)
            self.clock_gaps.append(gap)
            if gap <= 0:
                self._find("clock", f"a step of {gap * 1000:.2f} ms")
            if gap > self.limits.clock + 1 / RATE:
                self._find("clock", f"{gap * 1000:.2f} ms between two values")
            if at is not None and self._arrival is not None:
                self.jitter = max(self.jitter, abs(gap - (at - self._arrival)))
        if jumps:
            self._seen = {table: base for table in self._seen}
        self._clock, self._arrival = base, at

    def _table_bytes(self, pid, payload, starts):
        if starts:
            before, payload = payload[1:1 + payload[0]], payload[1 + payload[0]:]
            if pid in self._sections:
                self._sections[pid] += before
                self._close_section(pid)
            self._sections[pid] = b""
        if pid in self._sections:
            self._sections[pid] += payload
            self._close_section(pid)

    def _close_section(self, pid):
        held = self._sections[pid]
        if len(held) < 3 or held[0] == 0xFF:
            return
        length = 3 + ((held[1] & 0x0F) << 8 | held[2])
        if len(held) < length:
            return
        del self._sections[pid]
        if crc32(held[:length]):
            self._find("crc", f"a section of PID {pid:#x}")
            return
        self._section(pid, held[:length])

    def _section(self, pid, section):
        body = section[8:-4]
        if pid == PAT and section[0] == 0:
            self._repetition("PAT")
            for i in range(0, len(body) - 3, 4):
                if body[i:i + 2] != b"\0\0":
                    self._map_pid = (body[i + 2] & 0x1F) << 8 | body[i + 3]
                    break
        elif pid == self._map_pid and section[0] == 2:
            self._repetition("PMT")
            self._map(section, body)
        elif pid == SDT and section[0] == 0x42 and len(body) > 10:
            text = body[3 + 5 + 2 + 1:]
            provider = text[1:1 + text[0]]
            name = text[2 + text[0]:2 + text[0] + text[1 + text[0]]]
            self.service = (provider.decode("utf-8", "replace"), name.decode("utf-8", "replace"))

    def _repetition(self, table):
        last = self._seen.get(table)
        if self._clock is not None and last is not None and _ahead(self._clock, last) > self.limits.tables:
            self._find("tables", f"{_ahead(self._clock, last):.3f} s between two of {table}")
        if self._clock is not None or last is None:
            self._seen[table] = self._clock if self._clock is not None else None

    def _map(self, section, body):
        version = section[5] >> 1 & 0x1F
        if self.versions and self.versions[-1] == version:
            return
        self.versions.append(version)
        clock_pid = (body[0] & 0x1F) << 8 | body[1]
        if clock_pid != self.clock_pid:
            self.clock_pid, self._clock = clock_pid, None
        at = 4 + ((body[2] & 0x0F) << 8 | body[3])
        streams = {}
        while at + 5 <= len(body):
            pid = (body[at + 1] & 0x1F) << 8 | body[at + 2]
            kind = {**VIDEO_TYPES, **AUDIO_TYPES}.get(body[at], f"type {body[at]:#x}")
            known = self.streams.get(pid)
            streams[pid] = known if known and known.kind == kind else Stream(kind)
            at += 5 + ((body[at + 3] & 0x0F) << 8 | body[at + 4])
        self.streams = streams

    def _unit(self, pid, payload, jumps):
        stream = self.streams[pid]
        if payload[:3] != b"\0\0\1" or len(payload) < 9:
            self._find("pes", f"PID {pid:#x}: a unit without a PES header")
            return
        stream.units += 1
        flags = payload[7]
        if not flags & 0x80:
            return
        pts = _time(payload[9:14])
        dts = _time(payload[14:19]) if flags & 0x40 else pts
        if _ahead(pts, dts) < 0:
            self._find("times", f"PID {pid:#x}: PTS before DTS")
        if stream.last_dts is not None and not jumps:
            if _ahead(dts, stream.last_dts) <= 0:
                self._find("times", f"PID {pid:#x}: DTS steps by {_ahead(dts, stream.last_dts):.3f} s")
            # Pictures are shown in another order than they come in: the decoding times are what repeats.
            if _ahead(dts, stream.last_dts) > self.limits.pts:
                self._find("pts", f"PID {pid:#x}: {_ahead(dts, stream.last_dts):.3f} s without one")
        stream.last_pts, stream.last_dts = pts, dts
        if self._clock is None:
            return
        lead = _ahead(dts, self._clock)
        if pid == self.clock_pid:
            self.leads.append(lead)
        if lead < 0 or lead > self.limits.lead:
            self._find("lead", f"PID {pid:#x}: DTS is {lead:.3f} s after the clock")


def check(data, limits=Limits()):
    """All findings in the bytes of a file."""
    checker = Checker(limits)
    checker.feed(data)
    checker.finish()
    return checker


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--clock-ms", type=float, default=40, help="between two clock values")
    parser.add_argument("--pts", type=float, default=0.7, help="seconds between two presentation times")
    parser.add_argument("-q", action="store_true", help="findings only")
    asked = parser.parse_args()
    found = False
    for name in asked.files:
        with open(name, "rb") as file:
            checker = check(file.read(), Limits(clock=asked.clock_ms / 1000, pts=asked.pts))
        for finding in checker.findings[:50]:
            print(f"{name}: packet {finding.packet}: {finding.rule}: {finding.words}")
        found = found or bool(checker.findings)
        if not asked.q:
            kinds = ", ".join(f"{pid:#x} {s.kind} × {s.units}" for pid, s in checker.streams.items())
            gap = max(checker.clock_gaps, default=0) * 1000
            print(f"{name}: {checker.packets} packets, {len(checker.findings)} findings, {kinds}; service "
                  f"{checker.service}; PMT versions {checker.versions}; clock gap ≤ {gap:.1f} ms, lead "
                  f"{min(checker.leads, default=0):.3f} to {max(checker.leads, default=0):.3f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
