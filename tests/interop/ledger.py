"""Which frames went in and which came out: identity by content, never by a counter of the server.

A video frame is known by the SHA-256 of its VCL NAL units' payload, with the SEI beside it; parameter sets,
access unit delimiters, filler and trailing zeros do not count. An audio frame is known by its bytes.
"""

import hashlib
import struct
import subprocess
from dataclasses import dataclass

import flv

AUDIO_TOLERANCE = 3      # ms: milliseconds in, samples inside, milliseconds out
TIME_WRAP = 1 << 32      # ms: RTMP and FLV count in 32 bits


class Mismatch(AssertionError):
    """What a viewer got is not what the publisher sent."""


@dataclass
class Frame:
    kind: str
    dts: int
    pts: int
    key: bool
    name: tuple      # hashes of the VCL NAL units, then those of the SEI


def nal_units(data):
    """NAL units with 4-byte lengths."""
    at = 0
    while at + 4 <= len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        if size == 0 or at + 4 + size > len(data):
            raise Mismatch(f"a NAL unit of {size} bytes at {at} in a frame of {len(data)}")
        yield data[at + 4:at + 4 + size]
        at += 4 + size


def annex_b_units(data):
    """NAL units of a byte stream (H.264 annex B)."""
    for part in data.split(b"\x00\x00\x01")[1:]:
        yield part.rstrip(b"\x00")


def digest(raw):
    return hashlib.sha256(raw.rstrip(b"\x00")).hexdigest()[:16]


def name_of(units, codec):
    vcl, sei = [], []
    for unit in units:
        if codec == "avc1":
            kind = unit[0] & 0x1F
            (vcl if 1 <= kind <= 5 else sei if kind == 6 else []).append(digest(unit))
        else:
            kind = unit[0] >> 1 & 0x3F
            (vcl if kind < 32 else sei if kind in (39, 40) else []).append(digest(unit))
    return tuple(vcl), tuple(sei)


def of_clip(clip):
    return [Frame(sample.kind, sample.dts, sample.pts, sample.key,
                  name_of(nal_units(sample.data), clip.video_codec) if sample.kind == "video"
                  else digest(sample.data)) for sample in clip.samples]


def of_tags(tags):
    return [Frame(tag.kind, tag.dts, tag.pts, tag.key,
                  name_of(nal_units(tag.body), tag.codec) if tag.kind == "video" else digest(tag.body))
            for tag in tags if tag.kind != "script" and not tag.config and tag.body]


def of_flv(data):
    return of_tags(flv.tags(data))


def of_annex_b(data):
    """Video frames of an H.264 byte stream, one slice a frame or several; without times."""
    frames, units = [], []

    def close():
        vcl, sei = name_of(units, "avc1")
        if vcl:
            frames.append(Frame("video", 0, 0, any(unit[0] & 0x1F == 5 for unit in units), (vcl, sei)))
        units.clear()

    for unit in annex_b_units(data):
        kind = unit[0] & 0x1F
        starts = kind in (6, 7, 8, 9) or (1 <= kind <= 5 and unit[1] & 0x80)     # first_mb_in_slice = 0
        if starts and any(1 <= before[0] & 0x1F <= 5 for before in units):
            close()
        units.append(unit)
    close()
    return frames


def annex_b_of_file(path):
    """The H.264 of any file, split by ffmpeg."""
    run = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:v", "-c", "copy", "-bsf:v",
                          "h264_mp4toannexb", "-f", "h264", "-"], capture_output=True, timeout=60, check=True)
    return run.stdout


def complete(sent, got):
    """Whether the last video frame that was sent has arrived: the moment to stop a viewer."""
    last = [frame for frame in sent if frame.kind == "video"][-1].name
    return any(frame.name == last for frame in got)


def _of_kind(frames, kind):
    return [frame for frame in frames if frame.kind == kind]


def _place(sent, got, kind):
    """Where in `sent` the first frame of `got` stands."""
    if not got:
        raise Mismatch(f"no {kind} arrived")
    places = [at for at, frame in enumerate(sent) if frame.name == got[0].name]
    if len(places) != 1:
        raise Mismatch(f"the first {kind} frame that arrived was sent {len(places)} times")
    return places[0]


def match(sent, got, times=True, least=0.8, to_the_end=True):
    """Raises Mismatch unless got is a run of sent: each frame once, in order, hash for hash, times kept.

    Video starts at a key frame. `least` is the share of the video that must have arrived at all.
    """
    offset = None
    for kind in ("video", "audio"):
        want, have = _of_kind(sent, kind), _of_kind(got, kind)
        if not want and not have:
            continue
        start = _place(want, have, kind)
        if kind == "video" and not want[start].key:
            raise Mismatch(f"the first video frame that arrived (number {start}) is no key frame")
        for number, frame in enumerate(have):
            if start + number >= len(want):
                raise Mismatch(f"{len(have) - number} {kind} frames too many")
            _same(kind, want[start + number], frame, start + number, want)
            if times:
                offset = frame.dts - want[start].dts if offset is None else offset
                _on_time(kind, want[start + number], frame, offset)
        if to_the_end and kind == "video" and start + len(have) < len(want):
            raise Mismatch(f"the last {len(want) - start - len(have)} video frames are missing")
        if len(have) < least * len(want):
            raise Mismatch(f"only {len(have)} of {len(want)} {kind} frames arrived")


def _same(kind, want, frame, number, sent):
    if frame.name == want.name:
        return
    places = [at for at, other in enumerate(sent) if other.name == frame.name]
    if kind == "video" and frame.name[0] == want.name[0]:
        raise Mismatch(f"video frame {number} lost or changed its SEI: {want.name[1]} became {frame.name[1]}")
    where = f"frame {places[0]} stands in its place" if places else "what stands in its place was never sent"
    raise Mismatch(f"{kind} frame {number} is missing or altered: {where}")


def apart(later, earlier):
    """Milliseconds between two times on a clock that wraps."""
    return (later - earlier + TIME_WRAP // 2) % TIME_WRAP - TIME_WRAP // 2


def _on_time(kind, want, frame, offset):
    slack = AUDIO_TOLERANCE if kind == "audio" else 0
    for word in ("dts", "pts"):
        off = apart(getattr(frame, word), getattr(want, word) + offset)
        if abs(off) > slack:
            raise Mismatch(f"the {word} of a {kind} frame at {want.dts} ms is off by {off} ms")


def monotonic(frames):
    """Raises Mismatch if the decode times of a track go backwards."""
    for kind in ("video", "audio"):
        of_kind = _of_kind(frames, kind)
        for before, after in zip(of_kind, of_kind[1:]):
            if apart(after.dts, before.dts) < 0:
                raise Mismatch(f"{kind} time goes back from {before.dts} to {after.dts} ms")
