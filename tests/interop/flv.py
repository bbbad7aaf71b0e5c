"""Reads FLV as the specifications draw it: FLV 10.1 annex E, and enhanced RTMP for other video codecs.

    FLV header:  'F' 'L' 'V' version flags(1) header size(4), then PreviousTagSize(4) before each tag
    tag:         type(1) size(3) timestamp low(3) timestamp high(1) stream id(3) body PreviousTagSize(4)
"""

import struct
from dataclasses import dataclass

AUDIO, VIDEO, SCRIPT = 8, 9, 18


@dataclass
class Tag:
    """One tag; `config` bodies configure the decoder, the others are a frame."""
    kind: str            # 'video', 'audio' or 'script'
    dts: int             # ms
    pts: int             # ms
    codec: str
    config: bool
    key: bool
    body: bytes


def tags(data):
    """All whole tags of FLV bytes, in order; a tag cut at the end is left out."""
    if len(data) < 13:
        return
    if data[:3] != b"FLV":
        raise ValueError(f"not FLV: {data[:16]!r}")
    at = struct.unpack(">I", data[5:9])[0] + 4
    while at + 11 <= len(data):
        kind, size = data[at], int.from_bytes(data[at + 1:at + 4], "big")
        time = int.from_bytes(data[at + 4:at + 7], "big") | data[at + 7] << 24
        if at + 11 + size + 4 > len(data):
            return
        previous = struct.unpack(">I", data[at + 11 + size:at + 15 + size])[0]
        if previous != 11 + size:
            raise ValueError(f"PreviousTagSize {previous} after a tag of {11 + size} bytes at {at}")
        yield tag(kind, time, data[at + 11:at + 11 + size])
        at += 15 + size


def tag(kind, time, body):
    """One message of RTMP, or tag of FLV, as a Tag."""
    if kind == VIDEO:
        return _video(time, body)
    if kind == AUDIO:
        codec = {10: "aac", 2: "mp3"}.get(body[0] >> 4, "other") if body else "other"
        if codec == "aac":
            return Tag("audio", time, time, codec, body[1] == 0, False, body[2:])
        return Tag("audio", time, time, codec, False, False, body[1:])
    return Tag("script", time, time, "amf0", False, False, body)


def _signed24(raw):
    value = int.from_bytes(raw, "big")
    return value - (1 << 24) if value & 0x800000 else value


def _video(time, body):
    if body and body[0] & 0x80:      # enhanced: frame type(3 bits), packet type(4 bits), FourCC
        packet, codec = body[0] & 0x0F, body[1:5].decode("latin-1")
        key = (body[0] >> 4) & 7 == 1
        if packet == 0:
            return Tag("video", time, time, codec, True, key, body[5:])
        if packet == 1 and codec != "av01":
            return Tag("video", time, time + _signed24(body[5:8]), codec, False, key, body[8:])
        if packet in (1, 3):
            return Tag("video", time, time, codec, False, key, body[5:])
        return Tag("script", time, time, codec, False, False, body)
    codec = {7: "avc1", 12: "hvc1"}.get(body[0] & 0x0F, "other") if body else "other"
    if codec == "other" or body[1] == 2:
        return Tag("script", time, time, codec, False, False, body)
    return Tag("video", time, time + _signed24(body[2:5]), codec, body[1] == 0, body[0] >> 4 == 1, body[5:])


def video_body(clip, sample):
    """The FLV body of one sample of a clip: classic for H.264, enhanced for anything else."""
    if clip.video_codec == "avc1":
        start = bytes([(1 if sample.key else 2) << 4 | 7, 1])
        return start + (sample.pts - sample.dts).to_bytes(3, "big", signed=True) + sample.data
    start = bytes([0x80 | (1 if sample.key else 2) << 4 | 1]) + clip.video_codec.encode()
    if clip.video_codec == "av01":      # enhanced RTMP: AV1 is sent as decoded, its frames carry no offset
        return start + sample.data
    return start + (sample.pts - sample.dts).to_bytes(3, "big", signed=True) + sample.data


def video_config_body(clip):
    if clip.video_codec == "avc1":
        return bytes([0x17, 0, 0, 0, 0]) + clip.video_config
    return bytes([0x90]) + clip.video_codec.encode() + clip.video_config


def audio_body(sample):
    return b"\xaf\x01" + sample.data


def audio_config_body(clip):
    return b"\xaf\x00" + clip.audio_config
