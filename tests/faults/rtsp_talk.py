"""RTSP by hand, for players and publishers that know better than the specification."""

import struct

from world import CLOSED_SECONDS, push

SDP = ("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
       "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=0\r\n")
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


def frame(channel, payload, length=None):
    """An interleaved frame; it may be announced longer than it is."""
    return b"$" + struct.pack(">BH", channel, len(payload) if length is None else length) + payload


def packet(sequence, timestamp, payload, kind=96, ssrc=7, marker=False, first=0x80):
    return struct.pack(">BBHII", first, kind | (0x80 if marker else 0), sequence & 0xFFFF,
                       timestamp & 0xFFFFFFFF, ssrc) + payload


class Talk:
    """One connection. `ask` gives (status, headers, body) and keeps the frames that come before it."""

    def __init__(self, world, name="canary/bird", source="127.0.0.1", listener="rtsp"):
        self.address = world.listeners[listener]
        self.url = f"rtsp://{self.address}/{name}"
        self.socket = world.raw(listener, source=source)
        self.socket.settimeout(CLOSED_SECONDS)
        self.data, self.frames, self.cseq, self.session = b"", [], 0, None

    def close(self):
        self.socket.close()

    def send(self, method, url=None, headers=(), body=""):
        self.cseq += 1
        lines = [f"{method} {url or self.url} RTSP/1.0", f"CSeq: {self.cseq}", *headers]
        if self.session and not any(line.startswith("Session") for line in headers):
            lines.append(f"Session: {self.session}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        push(self.socket, ("\r\n".join(lines) + "\r\n\r\n" + body).encode())

    def ask(self, method, url=None, headers=(), body=""):
        self.send(method, url, headers, body)
        return self.answer()

    def more(self):
        part = self.socket.recv(65536)
        if not part:
            raise ConnectionError("the server closed the connection")
        self.data += part

    def next_frame(self):
        """The next interleaved frame: (channel, payload)."""
        while not self.frames:
            if not self.take_frame():
                self.more()
        return self.frames.pop(0)

    def take_frame(self):
        if not self.data.startswith(b"$") or len(self.data) < 4:
            return False
        channel, length = struct.unpack(">BH", self.data[1:4])
        if len(self.data) < 4 + length:
            return False
        self.frames.append((channel, self.data[4:4 + length]))
        self.data = self.data[4 + length:]
        return True

    def answer(self):
        while True:
            if self.data.startswith(b"$"):
                if not self.take_frame():
                    self.more()
                continue
            head, found, rest = self.data.partition(b"\r\n\r\n")
            if not found:
                self.more()
                continue
            lines = head.decode("latin-1").split("\r\n")
            headers = {key.strip().lower(): value.strip()
                       for key, _, value in (line.partition(":") for line in lines[1:])}
            size = int(headers.get("content-length", 0))
            while len(rest) < size:
                self.more()
                rest = self.data.partition(b"\r\n\r\n")[2]
            self.data = rest[size:]
            return int(lines[0].split()[1]), headers, rest[:size].decode("latin-1")

    # The usual ways.

    def describe(self):
        status, _, body = self.ask("DESCRIBE", headers=("Accept: application/sdp",))
        return status, body

    def set_up(self, track=0, transport=TCP):
        status, headers, _ = self.ask("SETUP", f"{self.url}/trackID={track}", (f"Transport: {transport}",))
        if status == 200:
            self.session = headers["session"].split(";")[0]
        return status, headers

    def play(self):
        assert self.describe()[0] == 200
        assert self.set_up()[0] == 200
        assert self.ask("PLAY")[0] == 200
        return self

    def record(self, description=SDP):
        assert self.ask("ANNOUNCE", headers=("Content-Type: application/sdp",), body=description)[0] == 200
        assert self.set_up(transport=TCP + ";mode=record")[0] == 200
        assert self.ask("RECORD")[0] == 200
        return self
