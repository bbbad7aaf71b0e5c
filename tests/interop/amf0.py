"""AMF0 (the 2007 specification, §2): what RTMP commands are written in."""

import struct

UNDEFINED = object()


def encode(value):
    if value is None:
        return b"\x05"
    if isinstance(value, bool):
        return bytes([1, value])
    if isinstance(value, (int, float)):
        return b"\x00" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode()
        if len(raw) > 0xFFFF:
            return b"\x0c" + struct.pack(">I", len(raw)) + raw
        return b"\x02" + struct.pack(">H", len(raw)) + raw
    if isinstance(value, dict):
        pairs = b"".join(struct.pack(">H", len(key.encode())) + key.encode() + encode(item)
                         for key, item in value.items())
        return b"\x03" + pairs + b"\x00\x00\x09"
    raise TypeError(f"no AMF0 for {value!r}")


def encode_all(*values):
    return b"".join(encode(value) for value in values)


class Decoder:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError("AMF0 ends inside a value")
        self.at += size
        return self.data[self.at - size:self.at]

    def _text(self, form):
        return self.take(struct.unpack(form, self.take(struct.calcsize(form)))[0]).decode("utf-8", "replace")

    def _pairs(self):
        found = {}
        while True:
            key = self._text(">H")
            if key == "" and self.data[self.at:self.at + 1] == b"\x09":
                self.at += 1
                return found
            found[key] = self.value()

    def value(self):
        marker = self.take(1)[0]
        if marker == 0:
            return struct.unpack(">d", self.take(8))[0]
        if marker == 1:
            return self.take(1) != b"\x00"
        if marker in (2, 12):
            return self._text(">H" if marker == 2 else ">I")
        if marker == 3:
            return self._pairs()
        if marker in (5, 6):
            return None
        if marker == 8:
            self.take(4)
            return self._pairs()
        if marker == 10:
            return [self.value() for _ in range(struct.unpack(">I", self.take(4))[0])]
        raise ValueError(f"AMF0 marker {marker}")


def decode_all(data):
    decoder, values = Decoder(data), []
    while decoder.at < len(data):
        values.append(decoder.value())
    return values
