"""The media of one session: frames at their pace, as RTP packets to where SETUP said."""

import socket
import struct
import threading
import time

from fake_camera import tracks as cutting

NTP_OFFSET = 2208988800
REPORT_SECONDS = 1.0


class Udp:
    """A track's pair of ports: RTP on the even one, RTCP on the next."""

    def __init__(self, host, peer, ways):
        self.ways, self.peer = ways, peer      # (host, rtp port, rtcp port)
        self.sockets = self._pair(host)
        self.count, self.kept = 0, None
        self.heard = []      # (is it RTCP, bytes) that came
        self.over = threading.Event()
        for control, one in enumerate(self.sockets):
            threading.Thread(target=self._hear, args=(bool(control), one), daemon=True).start()

    @staticmethod
    def _pair(host):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        while True:
            first, second = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
            first.bind((host, 0))
            port = first.getsockname()[1]
            try:
                if port % 2 == 0:
                    second.bind((host, port + 1))
                    return first, second
            except OSError:
                pass
            first.close()
            second.close()

    @property
    def ports(self):
        return tuple(one.getsockname()[1] for one in self.sockets)

    def _hear(self, control, one):
        try:
            while not self.over.is_set():
                self.heard.append((control, one.recv(65536)))
        except OSError:
            pass

    def _out(self, control, packet):
        self.sockets[control].sendto(packet, (self.peer[0], self.peer[2 if control else 1]))

    def send(self, control, packet):
        if self.ways.udp_silent:
            return
        if control:
            self._out(True, packet)
            return
        self.count += 1
        if self.ways.udp_stranger and self.count % 10 == 0:
            with socket.socket(self.sockets[0].family, socket.SOCK_DGRAM) as stranger:
                stranger.bind(("127.0.0.2", 0))
                bad = packet[:12] + bytes(reversed(packet[12:]))
                stranger.sendto(bad, (self.peer[0], self.peer[1]))
        if self.ways.lose and self.count % self.ways.lose == 0:
            return
        if self.ways.swap and self.count % self.ways.swap == 0:
            self.kept = packet
            return
        self._out(False, packet)
        if self.kept is not None:
            self._out(False, self.kept)
            self.kept = None

    def close(self):
        self.over.set()
        for one in self.sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)      # wakes who reads, though it says ENOTCONN
            except OSError:
                pass
            one.close()


class Tcp:
    """A track's pair of channels on the RTSP connection (RFC 2326 §10.12)."""

    def __init__(self, talk, channels):
        self.talk, self.channels = talk, channels
        self.heard = []

    def send(self, control, packet):
        channel = self.channels[1 if control else 0]
        self.talk.write(b"$" + struct.pack(">BH", channel, len(packet)) + packet)

    def close(self):
        pass


class Line:
    """What one track has said so far."""

    def __init__(self, link, number, ways):
        self.link, self.ssrc = link, 0x10203040 + number
        self.sequence = ways.start_sequence
        self.offset = ways.start_timestamp
        self.packets = self.octets = 0
        self.clock = 90000

    def packet(self, payload_type, marker, timestamp, payload):
        head = struct.pack(">BBHII", 0x80, marker << 7 | payload_type, self.sequence & 0xFFFF,
                           timestamp + self.offset & 0xFFFFFFFF, self.ssrc)
        self.sequence += 1
        self.packets, self.octets = self.packets + 1, self.octets + len(payload)
        return head + payload

    def report(self, timestamp, taken):
        """SR and SDES (RFC 3550 §6.4.1, §6.5); `taken` is the time of day of this timestamp."""
        whole = int(taken)
        sender = struct.pack(">BBHIIIIII", 0x80, 200, 6, self.ssrc, whole + NTP_OFFSET & 0xFFFFFFFF,
                             int((taken - whole) * 2**32), timestamp + self.offset & 0xFFFFFFFF,
                             self.packets & 0xFFFFFFFF, self.octets & 0xFFFFFFFF)
        return sender + struct.pack(">BBHIBB", 0x81, 202, 3, self.ssrc, 1, 4) + b"fake\x00\x00"

    def farewell(self):
        return struct.pack(">BBHI", 0x81, 203, 1, self.ssrc)


class Rolling:
    """Sends until told to stop, in a thread of its own."""

    def __init__(self, tracks, links, ways, on_end):
        self.tracks, self.ways, self.on_end = tracks, ways, on_end
        self.lines = {number: Line(link, number, ways) for number, link in links.items()}
        self.over = threading.Event()
        self.sent = 0      # frames
        self.sent_early = 0
        self.begun, self.begun_utc = 0.0, time.time()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self.thread.start()

    def starts(self):
        """(track, sequence number, timestamp) of the packet that each track sends next, for RTP-Info."""
        for number, line in self.lines.items():
            frames = self.tracks[number].frames if number < len(self.tracks) else []
            if frames:
                yield number, line.sequence & 0xFFFF, frames[0].shown + line.offset & 0xFFFFFFFF

    def early(self, count):
        """The first frames, of at least so many packets, before anybody was told that they come."""
        for moment, number, frame, base in self._schedule(self.tracks, 0):
            if count <= 0:
                return
            self.sent_early += 1
            if number in self.lines:
                self._one(self.tracks[number], self.lines[number], frame, (moment, base))
                count -= len(frame.payloads)

    @staticmethod
    def _schedule(tracks, base):
        """(ms, track, frame, ms its round began) of one round, by decode time."""
        found = [(base + frame.decoded * 1000 / track.clock, number, frame, base)
                 for number, track in enumerate(tracks) for frame in track.frames]
        return sorted(found, key=lambda one: one[0])

    def _rounds(self):
        """All frames to come; another clip after the change."""
        base, tracks = 0.0, self.tracks
        while True:
            for one in self._schedule(tracks, base):
                if self.ways.change and tracks is self.tracks and one[0] >= self.ways.change[0] * 1000:
                    tracks, base = self.ways.change[1], one[0]
                    break
                yield tracks[one[1]], one
            else:
                if not self.ways.loop:
                    return
                base += cutting.period_ms(tracks)

    def _wait(self, moment):
        left = self.begun + moment / 1000 / self.ways.speed - time.monotonic()
        return self.over.wait(left) if left > 0 else self.over.is_set()

    def _run(self):
        self.begun = time.monotonic()
        try:
            for place, (track, (moment, number, frame, base)) in enumerate(self._rounds()):
                if self._wait(moment):
                    return
                if place < self.sent_early:
                    continue
                if number in self.lines and not self._is_held_back(track, moment, frame):
                    if not self._one(track, self.lines[number], frame, (moment, base)):
                        return
        except OSError:
            return
        finally:
            self.on_end()

    def _is_held_back(self, track, moment, frame):
        at, length = self.ways.pause or (0, 0)
        if at * 1000 <= moment < (at + length) * 1000:
            return True
        return not self.ways.key_frames and track.kind == "video" and frame.key

    def _misplace(self, track, line, moment):
        """Steps in time and in numbers, once each."""
        for name, step in (("back", self.ways.back), ("jump", self.ways.jump)):
            done = f"{name}ed"
            if step and moment >= step[0] * 1000 and not getattr(line, done, False):
                setattr(line, done, True)
                if name == "back":
                    line.offset -= round(step[1] * track.clock / 1000)
                else:
                    line.sequence += step[1]

    def _one(self, track, line, frame, when):
        """One frame's packets; false where the camera closes in the middle of it."""
        moment, base = when
        self._misplace(track, line, moment)
        timestamp = frame.shown + round(base * track.clock / 1000)
        if self.ways.sender_reports and moment >= getattr(line, "report_due", 0):
            line.report_due = moment + REPORT_SECONDS * 1000
            taken = self.begun_utc + timestamp / track.clock
            line.link.send(True, line.report(timestamp, taken))
        closes = self.ways.close_after and moment >= self.ways.close_after * 1000
        for number, (marker, payload) in enumerate(frame.payloads):
            if closes and number * 2 >= len(frame.payloads):
                if isinstance(line.link, Tcp):
                    line.link.talk.write(b"$\x00" + struct.pack(">H", len(payload)) + payload[:10])
                return False
            line.link.send(False, line.packet(track.payload_type, marker, timestamp, payload))
        self.sent += 1
        return True

    def stop(self):
        self.over.set()
