"""An RTSP player of the tests' own: it keeps what it was sent, byte for byte, and cuts frames out of it."""

import base64
import contextlib
import dataclasses
import re
import socket
import struct
import threading
import time

import ledger
import node

PATIENCE = 20
PACKET_AGE_MAX = 1 << 31


class Refused(Exception):
    """The server said no."""

    def __init__(self, status, head):
        super().__init__(head)
        self.status = status


@dataclasses.dataclass
class Packet:
    track: int
    control: bool
    data: bytes
    moment: float

    @property
    def sequence(self):
        return int.from_bytes(self.data[2:4], "big")

    @property
    def timestamp(self):
        return int.from_bytes(self.data[4:8], "big")

    @property
    def marker(self):
        return bool(self.data[1] & 0x80)

    def payload(self):
        """RFC 3550 §5.1, with padding, CSRC and extension left out."""
        at = 12 + 4 * (self.data[0] & 15)
        if self.data[0] & 0x10:
            at += 4 + 4 * int.from_bytes(self.data[at + 2:at + 4], "big")
        return self.data[at:-self.data[-1]] if self.data[0] & 0x20 else self.data[at:]


@dataclasses.dataclass
class Media:
    kind: str
    codec: str
    clock: int
    control: str


def media_of(sdp):
    found = []
    for part in re.split(r"^m=", sdp, flags=re.MULTILINE)[1:]:
        mapped = re.search(r"^a=rtpmap:\d+ ([^/\s]+)/(\d+)", part, re.MULTILINE)
        control = re.search(r"^a=control:(\S+)", part, re.MULTILINE)
        codec, clock = mapped.groups() if mapped else ("", "90000")
        found.append(Media(part.split(" ", 1)[0], codec.upper(), int(clock), control.group(1)))
    return found


class Viewer:
    """Plays an address; reads in a thread from PLAY on."""

    def __init__(self, address, path, transport="tcp", headers=()):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.url, self.transport, self.headers = f"rtsp://{address}{path}", transport, headers
        self.wire = []      # (moment, from the server, "tcp" or ports, bytes): for wire.py
        self.packets, self.data, self.cseq, self.session = [], b"", 0, ""
        self.udp, self.channels, self.ended, self.thread = [], {}, False, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        for one in self.udp:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        if self.thread is not None:
            self.thread.join()
        for one in [self.socket, *self.udp]:
            one.close()

    def send(self, data):
        self.wire.append((time.monotonic(), False, "tcp", data))
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        if data:
            self.wire.append((time.monotonic(), True, "tcp", data))
        self.data += data
        return bool(data)

    def ask(self, method, url=None, *headers):
        """(headers in lower case, body) of the answer; packets before it are kept."""
        self.cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self.cseq}", "User-Agent: tests",
                 *self.headers, *headers]
        if self.session:
            lines.append(f"Session: {self.session}")
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        return self.answer()

    def answer(self):
        while True:
            self._take_frames()
            if b"\r\n\r\n" in self.data and not self.data.startswith(b"$"):
                break
            if not self._more():
                raise Refused(0, "the server closed the connection")
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        said = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        size = int(said.get("content-length", 0))
        while len(self.data) < size and self._more():
            pass
        body, self.data = self.data[:size].decode(), self.data[size:]
        status = int(lines[0].split(" ")[1])
        if status != 200:
            raise Refused(status, head.decode())
        return said, body

    def _take_frames(self):
        while self.data.startswith(b"$") and len(self.data) >= 4:
            size = int.from_bytes(self.data[2:4], "big")
            if len(self.data) < 4 + size:
                return
            track, control = self.channels[self.data[1]]
            self.packets.append(Packet(track, control, self.data[4:4 + size], time.monotonic()))
            self.data = self.data[4 + size:]

    def play(self):
        """Everything up to PLAY, and what comes then; returns itself."""
        said, self.sdp = self.ask("DESCRIBE", None, "Accept: application/sdp")
        base = said.get("content-base", self.url + "/")
        self.media = media_of(self.sdp)
        for number, media in enumerate(self.media):
            control = media.control
            url = control if control.startswith("rtsp") else base.rstrip("/") + "/" + control
            said, _ = self.ask("SETUP", url, f"Transport: {self._transport(number)}")
            self.session = said["session"].split(";")[0]
            self._set_up(number, said["transport"])
        self.asked_at = time.monotonic()
        said, _ = self.ask("PLAY", None, "Range: npt=now-")
        self.starts = [dict(word.split("=", 1) for word in one.split(";"))
                       for one in said.get("rtp-info", "").split(",") if one]
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        return self

    def _transport(self, number):
        if self.transport == "tcp":
            return f"RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}"
        pair = udp_pair(self.socket.getsockname()[0])
        self.udp += pair
        first = pair[0].getsockname()[1]
        return f"RTP/AVP;unicast;client_port={first}-{first + 1}"

    def _set_up(self, number, said):
        if self.transport == "tcp":
            first, second = map(int, re.search(r"interleaved=(\d+)-(\d+)", said).groups())
            self.channels |= {first: (number, False), second: (number, True)}
            return
        for at, one in enumerate(self.udp[2 * number:]):
            threading.Thread(target=self._hear, args=(one, number, bool(at)), daemon=True).start()

    def _hear(self, one, number, control):
        with contextlib.suppress(OSError):
            while True:
                data, peer = one.recvfrom(65536)
                if not data:
                    return
                moment = time.monotonic()
                self.wire.append((moment, True, (peer[1], one.getsockname()[1]), data))
                self.packets.append(Packet(number, control, data, moment))

    def _read(self):
        with contextlib.suppress(OSError):
            while self._more():
                self._take_frames()
        self.ended = True

    def frames(self):
        """Video and AAC of the packets so far; the last frame may still be cut."""
        packets, found = list(self.packets), []
        for number, media in enumerate(self.media):
            own = [packet for packet in packets if packet.track == number and not packet.control]
            found += frames_of(media, own, self._zero(packets, number))
        return found

    def _zero(self, packets, number):
        """(timestamp, ms) from the first sender report of a track: what puts tracks on one clock."""
        for packet in packets:
            if packet.track == number and packet.control and packet.data[1] == 200:
                whole, part, timestamp = struct.unpack(">III", packet.data[8:20])
                return timestamp, whole * 1000 + part * 1000 / 2**32
        return None

    def receive_all(self, sent):
        node.until(lambda: self.ended or ledger.complete(sent, self.frames()), PATIENCE, "all frames come")
        return self.frames()

    def wait_pictures(self, count):
        def enough():
            return sum(frame.kind == "video" for frame in self.frames()) >= count
        node.until(enough, PATIENCE, f"{count} pictures come")
        return self.frames()

    def lost(self):
        """How many sequence numbers are missing, of all tracks."""
        missing = 0
        for number in range(len(self.media)):
            own = [one.sequence for one in self.packets if one.track == number and not one.control]
            missing += sum((after - before - 1) & 0xFFFF for before, after in zip(own, own[1:]))
        return missing


def udp_pair(host):
    while True:
        first, second = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        first.bind((host, 0))
        port = first.getsockname()[1]
        with contextlib.suppress(OSError):
            if port % 2 == 0:
                second.bind((host, port + 1))
                return [first, second]
        first.close()
        second.close()


def frames_of(media, packets, zero):
    """The frames of one track's packets, in the order of their coming; times in ms."""
    found, at = [], 0
    while at < len(packets):
        end = at + 1
        while end < len(packets) and packets[end].timestamp == packets[at].timestamp:
            end += 1
        if end == len(packets) and not packets[-1].marker and media.kind == "video":
            break
        moment = _moment(packets[at].timestamp, zero or (packets[0].timestamp, 0), media.clock)
        payloads = [packet.payload() for packet in packets[at:end]]
        if media.codec in ("H264", "H265"):
            found.append(_picture(media.codec, payloads, moment))
        elif media.codec == "MPEG4-GENERIC":
            found += [ledger.Frame("audio", round(moment + number * 1024000 / media.clock), 0, True,
                                   ledger.digest(unit))
                      for number, unit in enumerate(unit for one in payloads for unit in _access_units(one))]
        at = end
    for frame in found:
        frame.pts = frame.dts
    return found


def _moment(timestamp, zero, clock):
    apart = (timestamp - zero[0] + PACKET_AGE_MAX) % (1 << 32) - PACKET_AGE_MAX
    return zero[1] + apart * 1000 / clock


def _picture(codec, payloads, moment):
    h265 = codec == "H265"
    units = list(_units(payloads, h265))
    key = any((unit[0] >> 1 & 63) in (19, 20, 21) if h265 else unit[0] & 31 == 5 for unit in units)
    name = ledger.name_of(units, "hvc1" if h265 else "avc1")
    return ledger.Frame("video", round(moment), round(moment), key, name)


def _units(payloads, h265):
    """NAL units out of single packets, aggregates and fragments (RFC 6184 §5.6 to 5.8, RFC 7798 §4.4)."""
    head, whole = (2, bytearray()) if h265 else (1, bytearray())
    for one in payloads:
        kind = one[0] >> 1 & 63 if h265 else one[0] & 31
        if kind == (48 if h265 else 24):
            at = head
            while at + 2 <= len(one):
                size = int.from_bytes(one[at:at + 2], "big")
                yield one[at + 2:at + 2 + size]
                at += 2 + size
        elif kind == (49 if h265 else 28):
            bits = one[head]
            if bits & 0x80:
                whole = bytearray([one[0] & 0x81 | (bits & 63) << 1, one[1]] if h265
                                  else [one[0] & 0xE0 | bits & 31])
            whole += one[head + 1:]
            if bits & 0x40:
                yield bytes(whole)
        else:
            yield one


def _access_units(payload):
    """AAC-hbr with 13 and 3 bits a header (RFC 3640 §3.3.6)."""
    count = int.from_bytes(payload[:2], "big") // 16
    at = 2 + 2 * count
    for number in range(count):
        size = int.from_bytes(payload[2 + 2 * number:4 + 2 * number], "big") >> 3
        yield payload[at:at + size]
        at += size


def shown(sent):
    """Frames with the only time that RTP carries."""
    return [dataclasses.replace(frame, dts=frame.pts) for frame in sent]


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
