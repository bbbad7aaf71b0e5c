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
import rtp

PATIENCE = 20


class Refused(Exception):
    """The server said no."""

    def __init__(self, status, head):
        super().__init__(head)
        self.status = status


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
        self.answers, self.answered = [], threading.Condition()

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

    def ask_in_between(self, method):
        """The same while packets come; the reader finds the answer. Its headers."""
        assert self.thread is not None
        with self.answered:
            self.answers.clear()
            self.cseq += 1
            self.send(f"{method} {self.url} RTSP/1.0\r\nCSeq: {self.cseq}\r\nSession: {self.session}\r\n\r\n"
                      .encode())
            came = self.answered.wait_for(lambda: self.answers or self.ended, PATIENCE)
        assert came and self.answers, f"no answer to {method}"
        head = self.answers[0]
        if " 200 " not in head.split("\r\n")[0]:
            raise Refused(int(head.split(" ")[1]), head)
        return head

    def _take_answers(self):
        """Between packets: answers, which have no bodies here."""
        self._take_frames()
        while self.data and not self.data.startswith(b"$") and b"\r\n\r\n" in self.data:
            head, self.data = self.data.split(b"\r\n\r\n", 1)
            with self.answered:
                self.answers.append(head.decode())
                self.answered.notify_all()
            self._take_frames()

    def _take_frames(self):
        while self.data.startswith(b"$") and len(self.data) >= 4:
            size = int.from_bytes(self.data[2:4], "big")
            if len(self.data) < 4 + size:
                return
            track, control = self.channels[self.data[1]]
            self.packets.append(rtp.Packet(track, control, self.data[4:4 + size], time.monotonic()))
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
                self.packets.append(rtp.Packet(number, control, data, moment))

    def _read(self):
        with contextlib.suppress(OSError):
            while self._more():
                self._take_answers()
        with self.answered:
            self.ended = True
            self.answered.notify_all()

    def frames(self):
        """Video and AAC of the packets so far; the last frame may still be cut."""
        packets, found = list(self.packets), []
        for number, media in enumerate(self.media):
            own = [packet for packet in packets if packet.track == number and not packet.control]
            found += rtp.frames_of(media, own, self._zero(packets, number))
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


def shown(sent):
    """Frames with the only time that RTP carries."""
    return [dataclasses.replace(frame, dts=frame.pts) for frame in sent]


def basic(user, password):
    return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
