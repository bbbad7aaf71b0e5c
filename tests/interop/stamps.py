"""Reads the stamp that the synthetic camera draws into each picture, and the note that it lays beside it
(docs/guide/capture-time.md)."""

import struct
import subprocess
from dataclasses import dataclass

import ledger

COLUMNS, ROWS = 32, 3
NOTE = bytes.fromhex("4c8e4a67e4944040a215240f89eb7d7b")


@dataclass
class Stamp:
    frame: int
    utc: int      # ms


def _crc8(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def read(grey, width):
    """The stamp of one picture in 8-bit grey, or None."""
    side = 16 if width >= 512 else 8
    bits = 0
    for row in range(ROWS):
        line = (row * side + side // 2) * width
        for column in range(COLUMNS):
            middle = line + column * side + side // 2
            bright = grey[middle - 1] + grey[middle] + grey[middle - width] + grey[middle - width - 1]
            bits = bits << 1 | (bright >= 4 * 128)
    data = bits.to_bytes(COLUMNS * ROWS // 8, "big")
    if _crc8(data[:-1]) != data[-1]:
        return None
    return Stamp(int.from_bytes(data[:4], "big"), int.from_bytes(data[8:11] + data[4:8], "big"))


def note_of(picture):
    """(number, capture time in seconds) of the note in a coded picture of H.264 or H.265, with 4-byte
    lengths."""
    for unit in ledger.nal_units(picture):
        raw = unit.replace(b"\0\0\3", b"\0\0")
        at = raw.find(NOTE)
        if at >= 0 and (unit[0] & 0x1F == 6 or unit[0] >> 1 == 39):
            number, microseconds = struct.unpack(">IQ", raw[at + 20:at + 32])
            return number, microseconds / 1e6
    raise AssertionError("a picture without its note")


def of_file(path, width, height):
    """The stamps of all pictures that ffmpeg decodes, in order; AssertionError where one cannot be read."""
    command = ["ffmpeg", "-v", "error", "-nostdin", "-i", path, "-map", "0:v", "-vsync", "passthrough",
               "-enc_time_base", "-1", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    run = subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert not run.stderr, f"ffmpeg complains: {run.stderr.decode()[-500:]}"
    size, stamps = width * height, []
    for at in range(0, len(run.stdout) - size + 1, size):
        stamp = read(run.stdout[at:at + size], width)
        assert stamp, f"the stamp of picture {at // size} cannot be read"
        stamps.append(stamp)
    return stamps
