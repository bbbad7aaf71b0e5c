"""A WebSocket client of our own (RFC 6455), read in a thread, and a foreign one that writes what it gets."""

import base64
import contextlib
import hashlib
import os
import socket
import struct
import threading

import ledger
import node
import peers

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# Debian's own python3 has the package; another one in the path may not.
FOREIGN = ["/usr/bin/python3", os.path.join(node.ROOT, "tests/interop/foreign_websocket.py")]


class Refused(AssertionError):
    """The server answered the opening handshake with something else."""


class Client:
    """An open WebSocket; `frame` sends anything, right or wrong. `opened`: a socket that leads there."""

    def __init__(self, address, path, headers=(), opened=None):
        host, port = address.rsplit(":", 1)
        self.socket = opened or socket.create_connection((host, int(port)), timeout=peers.MEDIA_PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {address}", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            part = self.socket.recv(65536)
            if not part:
                raise Refused(f"no answer: {self.data!r}")
            self.data += part
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        self.head = head.decode("latin-1")
        self.status = int(self.head.split(" ")[1])
        if self.status != 101:
            raise Refused(self.head)
        expected = base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()
        assert f"Sec-WebSocket-Accept: {expected}" in self.head, self.head
        assert "extensions" not in self.head.lower(), self.head

    def frame(self, opcode, payload=b"", first=0x80, masked=True):
        size = len(payload)
        bit = 0x80 if masked else 0
        if size < 126:
            head = bytes([first | opcode, bit | size])
        elif size < 65536:
            head = bytes([first | opcode, bit | 126]) + struct.pack(">H", size)
        else:
            head = bytes([first | opcode, bit | 127]) + struct.pack(">Q", size)
        if masked:
            mask = os.urandom(4)
            payload = mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
        self.socket.sendall(head + payload)

    def _take(self, count):
        while len(self.data) < count:
            part = self.socket.recv(65536)
            if not part:
                raise EOFError("the server hung up")
            self.data += part
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def read_frame(self):
        """(opcode, payload) of the next frame; a server sends whole, unmasked ones."""
        first, second = self._take(2)
        assert first & 0xF0 == 0x80 and second & 0x80 == 0, f"a frame begins with {first:02x} {second:02x}"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self._take(8))[0]
        return first & 0x0F, self._take(size)

    def read_until(self, opcode):
        """The payload of the next frame of that kind; the others are dropped."""
        while True:
            kind, payload = self.read_frame()
            if kind == opcode:
                return payload

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Reader(Client):
    """A viewer: keeps the bytes of all binary messages, the texts, and the close."""

    def __init__(self, address, path, opened=None):
        super().__init__(address, path, opened=opened)
        self.media, self.texts, self.close = bytearray(), [], None
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with contextlib.suppress(OSError, EOFError):
            while True:
                kind, payload = self.read_frame()
                if kind == BINARY:
                    self.media += payload
                elif kind == TEXT:
                    self.texts.append(payload.decode("utf-8"))
                elif kind == CLOSE:
                    self.close = struct.unpack(">H", payload[:2])[0] if payload else 1005
                    self.frame(CLOSE, payload[:2])
                    return

    def frames(self):
        return ledger.of_flv(bytes(self.media))

    def receive_all(self, sent):
        node.until(lambda: ledger.complete(sent, self.frames()), peers.MEDIA_PATIENCE, "the viewer gets all")
        return self.frames()


class ForeignReader(peers.Player):
    """The python3-websockets client, in a process of its own."""

    def __init__(self, url, folder, ending):
        path = os.path.join(folder, f"foreign.{ending}")
        super().__init__("python3-websockets", [*FOREIGN, url, path], folder, path)
