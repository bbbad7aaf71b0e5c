"""A small RTMP client written from the specification (Adobe RTMP 1.0), for bytes no program here would send.

    chunk:  basic header(1-3) message header(11, 7, 3 or 0 by fmt) extended timestamp(0 or 4) payload
    fmt 0:  timestamp(3) length(3) type(1) stream id(4, little-endian)
"""

import select
import socket
import struct
import time

import amf0

SET_CHUNK_SIZE, ABORT, ACKNOWLEDGE, USER_CONTROL, WINDOW, BANDWIDTH = 1, 2, 3, 4, 5, 6
AUDIO, VIDEO, COMMAND_AMF3, SCRIPT, COMMAND = 8, 9, 17, 18, 20
PATIENCE = 10.0      # seconds for an answer
CHUNK_SIZE_SENT = 4096


class Refused(Exception):
    """The server answered with an error or closed."""


def readable(connection, seconds):
    """Whether there are bytes, or an end; select() knows no descriptor above 1023."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class Client:
    """One connection; blocking, with a deadline on every wait."""

    def __init__(self, address, app, key="", amf3=False):
        host, port = address.rsplit(":", 1)
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE)
        self.adopt(connection, address, app, key)
        self.amf3 = amf3

    def adopt(self, connection, address, app, key):
        """Speaks on a connection that somebody else made."""
        self.socket = connection
        self.address, self.app, self.key = address, app, key
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.streams = {}        # by chunk stream id: what its headers said last, and the parts so far
        self.chunk_size_in = self.chunk_size_out = 128
        self.transaction = 0
        self.amf3 = False
        self.heard = []          # messages read while waiting for something else

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # What goes out.

    def handshake(self):
        self.socket.sendall(b"\x03" + bytes(8) + bytes(range(256)) * 5 + bytes(248))
        answer = self._exactly(1 + 1536 + 1536)
        if answer[0] != 3:
            raise Refused(f"S0 is {answer[0]}")
        self.socket.sendall(answer[1:1537])

    def send(self, kind, payload, when=0, stream=0, channel=3):
        """One message: the first chunk with a full header, the rest with fmt 3."""
        early = min(when, 0xFFFFFF)
        extended = struct.pack(">I", when & 0xFFFFFFFF) if when >= 0xFFFFFF else b""
        out = bytearray([channel])
        out += early.to_bytes(3, "big") + len(payload).to_bytes(3, "big") + bytes([kind])
        out += struct.pack("<I", stream) + extended + payload[:self.chunk_size_out]
        for at in range(self.chunk_size_out, len(payload), self.chunk_size_out):
            out += bytes([0xC0 | channel]) + extended + payload[at:at + self.chunk_size_out]
        self.socket.sendall(out)

    def set_chunk_size(self, size):
        self.send(SET_CHUNK_SIZE, struct.pack(">I", size), channel=2)
        self.chunk_size_out = size

    def command(self, name, *arguments, stream=0):
        self.transaction += 1
        payload = amf0.encode_all(name, self.transaction, *arguments)
        if self.amf3:
            self.send(COMMAND_AMF3, b"\x00" + payload, stream=stream)
        else:
            self.send(COMMAND, payload, stream=stream)
        return self.transaction

    def connect(self):
        self.handshake()
        self.set_chunk_size(CHUNK_SIZE_SENT)
        about = {"app": self.app, "type": "nonprivate", "flashVer": "FMLE/3.0 (compatible; tests)",
                 "tcUrl": f"rtmp://{self.address}/{self.app}", "fourCcList": "hvc1,av01"}
        self.answer_to(self.command("connect", about))

    def create_stream(self):
        return int(self.answer_to(self.command("createStream", None))[3])

    def publish(self):
        self.connect()
        self.command("releaseStream", None, self.key)
        self.command("FCPublish", None, self.key)
        self.stream = self.create_stream()
        self.command("publish", None, self.key, "live", stream=self.stream)
        return self.status("NetStream.Publish.Start")

    def play(self):
        self.connect()
        self.stream = self.create_stream()
        self.command("play", None, self.key, -2000, stream=self.stream)
        return self.status("NetStream.Play.Start")

    def unpublish(self):
        self.command("FCUnpublish", None, self.key)
        self.command("deleteStream", None, self.stream)

    # What comes in.

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or not readable(self.socket, left):
            raise TimeoutError("the server said nothing more")
        read = self.socket.recv(65536)
        if not read:
            raise Refused("the server closed the connection")
        self.buffer += read

    def _exactly(self, size, deadline=None):
        deadline = deadline or time.monotonic() + PATIENCE
        while len(self.buffer) < size:
            self._more(deadline)
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def _header(self, fmt, state, deadline):
        if fmt < 3:
            head = self._exactly((11, 7, 3)[fmt], deadline)
            moment = int.from_bytes(head[:3], "big")
            if fmt < 2:
                state["length"], state["type"] = int.from_bytes(head[3:6], "big"), head[6]
            if fmt == 0:
                state["stream"] = struct.unpack("<I", head[7:11])[0]
            state["extended"] = moment == 0xFFFFFF
        if state["extended"]:
            long_moment = struct.unpack(">I", self._exactly(4, deadline))[0]
            moment = long_moment if fmt < 3 else 0
        if fmt == 0:
            state["time"], state["delta"] = moment, 0
        elif fmt < 3:
            state["delta"] = moment
        if not state["parts"] and fmt != 0:
            state["time"] = state["time"] + state["delta"] & 0xFFFFFFFF

    def _chunk(self, deadline):
        """Reads one chunk: (type, time, payload) if it completes a message not about the connection."""
        first = self._exactly(1, deadline)[0]
        channel = first & 0x3F
        if channel < 2:
            more = self._exactly(channel + 1, deadline)
            channel = 64 + more[0] + (256 * more[1] if channel else 0)
        state = self.streams.setdefault(channel, {"parts": b"", "extended": False, "delta": 0})
        if first >> 6 == 3 and "length" not in state:
            raise AssertionError(f"chunk stream {channel} starts with fmt 3")
        self._header(first >> 6, state, deadline)
        left = state["length"] - len(state["parts"])
        state["parts"] += self._exactly(min(left, self.chunk_size_in), deadline)
        if len(state["parts"]) < state["length"]:
            return None
        payload, state["parts"] = state["parts"], b""
        if self._about_connection(state["type"], payload):
            return None
        return state["type"], state["time"], payload

    def message(self, deadline=None):
        """(type, time, payload) of the next message that is not about the connection itself."""
        deadline = deadline or time.monotonic() + PATIENCE
        while True:
            found = self._chunk(deadline)
            if found:
                return found

    def _about_connection(self, kind, payload):
        if kind == SET_CHUNK_SIZE:
            self.chunk_size_in = struct.unpack(">I", payload)[0]
        elif kind == USER_CONTROL and payload[:2] == b"\x00\x06":      # ping
            self.send(USER_CONTROL, b"\x00\x07" + payload[2:6], channel=2)
        return kind in (SET_CHUNK_SIZE, ABORT, ACKNOWLEDGE, USER_CONTROL, WINDOW, BANDWIDTH)

    def commands(self, deadline=None):
        """Commands as lists; media that passes meanwhile is kept in `heard`."""
        while True:
            kind, when, payload = self.message(deadline)
            if kind in (COMMAND, COMMAND_AMF3):
                yield amf0.decode_all(payload[1:] if kind == COMMAND_AMF3 else payload)
            else:
                self.heard.append((kind, when, payload))

    def answer_to(self, transaction):
        for command in self.commands(time.monotonic() + PATIENCE):
            if len(command) > 1 and command[1] == transaction and command[0] in ("_result", "_error"):
                if command[0] == "_error":
                    raise Refused(str(command))
                return command
        raise Refused("no answer")

    def status(self, wanted, patience=PATIENCE):
        for command in self.commands(time.monotonic() + patience):
            if command[0] == "_error":
                raise Refused(str(command))
            if command[0] == "onStatus":
                about = command[3]
                if about.get("code") == wanted:
                    return about
                if about.get("level") == "error":
                    raise Refused(about.get("code", "error"))
        raise Refused("no status")

    def listen(self):
        """Reads what waits, so that pings are answered; a publisher calls it between frames."""
        while self.buffer or readable(self.socket, 0):
            found = self._chunk(time.monotonic() + PATIENCE)
            if found:
                self.heard.append(found)
