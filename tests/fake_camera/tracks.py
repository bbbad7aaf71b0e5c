"""The tracks a fake camera has: coded frames cut into RTP payloads, as real cameras cut them.

Written from the RFCs and apart from the server's own packetisers, so that one judges the other.
"""

import base64
import struct
import subprocess
from dataclasses import dataclass, field

PAYLOAD_MAX = 1400
CLOCKS = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000)      # ISO/IEC 14496-3 table 1.18


@dataclass
class Frame:
    """One coded frame in decode order. Times are ticks of its track's clock from the start of the clip."""
    decoded: int
    shown: int
    key: bool
    payloads: list      # (marker, bytes)


@dataclass
class Track:
    kind: str           # video, audio
    codec: str          # as a=rtpmap says it
    clock: int
    payload_type: int
    frames: list = field(default_factory=list)
    channels: int = 0   # of sound
    parameters: str = ""    # a=fmtp
    sets: tuple = ()        # parameter sets of a video codec


def bits64(data):
    return base64.b64encode(data).decode()


def units_of(sample):
    """NAL units with 4-byte lengths."""
    at, data = 0, sample.data
    while at + 4 <= len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        yield data[at + 4:at + 4 + size]
        at += 4 + size


def sets_of_avcc(record):
    """SPS and PPS (ISO/IEC 14496-15 §5.3.3.1)."""
    found, at = [], 5
    for mask in (0x1F, 0xFF):
        count, at = record[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(record[at:at + 2], "big")
            found.append(record[at + 2:at + 2 + size])
            at += 2 + size
    return tuple(found)


def sets_of_hvcc(record):
    """VPS, SPS, PPS (ISO/IEC 14496-15 §8.3.3.1)."""
    found, at = [], 23
    for _ in range(record[22]):
        count, at = int.from_bytes(record[at + 1:at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(record[at:at + 2], "big")
            if record[at + 2] >> 1 & 0x3F in (32, 33, 34):
                found.append(record[at + 2:at + 2 + size])
            at += 2 + size
    return tuple(found)


def h264_payloads(units, together):
    """Single units, FU-A of what is too long, and one STAP-A of the parameter sets (RFC 6184 §5.6 to 5.8)."""
    found = []
    if together:
        body = b"".join(struct.pack(">H", len(unit)) + unit for unit in together)
        found.append(bytes([24 | 0x60]) + body)
    for unit in units:
        if len(unit) <= PAYLOAD_MAX:
            found.append(unit)
            continue
        head, body = unit[0], unit[1:]
        for at in range(0, len(body), PAYLOAD_MAX - 2):
            piece = body[at:at + PAYLOAD_MAX - 2]
            bits = 0x80 if at == 0 else 0x40 if at + len(piece) == len(body) else 0
            found.append(bytes([head & 0xE0 | 28, bits | head & 0x1F]) + piece)
    return found


def h265_payloads(units, together):
    """The same of RFC 7798 §4.4: AP and FU."""
    found = []
    if together:
        body = b"".join(struct.pack(">H", len(unit)) + unit for unit in together)
        found.append(bytes([48 << 1, 1]) + body)
    for unit in units:
        if len(unit) <= PAYLOAD_MAX:
            found.append(unit)
            continue
        kind, body = unit[0] >> 1 & 0x3F, unit[2:]
        for at in range(0, len(body), PAYLOAD_MAX - 3):
            piece = body[at:at + PAYLOAD_MAX - 3]
            bits = 0x80 if at == 0 else 0x40 if at + len(piece) == len(body) else 0
            found.append(bytes([unit[0] & 0x81 | 49 << 1, unit[1], bits | kind]) + piece)
    return found


def video_of(clip):
    """The video track of a clip of tests/interop/clip.py."""
    h265 = clip.video_codec == "hvc1"
    sets = (sets_of_hvcc if h265 else sets_of_avcc)(clip.video_config)
    cut = h265_payloads if h265 else h264_payloads
    track = Track("video", "H265" if h265 else "H264", 90000, 96, sets=sets)
    names = ("sprop-vps", "sprop-sps", "sprop-pps") if h265 else ()
    if h265:
        track.parameters = ";".join(f"{name}={bits64(one)}" for name, one in zip(names, sets))
    else:
        track.parameters = (f"packetization-mode=1;profile-level-id={sets[0][1:4].hex()};"
                            f"sprop-parameter-sets={','.join(map(bits64, sets))}")
    for sample in clip.of("video"):
        payloads = cut(list(units_of(sample)), sets if sample.key else ())
        marked = [(at == len(payloads) - 1, payload) for at, payload in enumerate(payloads)]
        track.frames.append(Frame(sample.dts * 90, sample.pts * 90, sample.key, marked))
    return track


def aac_of(clip):
    """The AAC track of a clip: RFC 3640, AAC-hbr, one access unit a packet."""
    config = clip.audio_config
    clock = CLOCKS[(config[0] & 7) << 1 | config[1] >> 7]
    track = Track("audio", "mpeg4-generic", clock, 97, channels=config[1] >> 3 & 15)
    track.parameters = (f"streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
                        f"indexdeltalength=3;config={config[:2].hex()}")
    samples = clip.of("audio")
    first = samples[0].dts * clock // 1000
    for number, sample in enumerate(samples):
        time = first + number * 1024
        payload = struct.pack(">HH", 16, len(sample.data) << 3) + sample.data
        track.frames.append(Frame(time, time, True, [(True, payload)]))
    return track


def g711_of(seconds, law="mulaw"):
    """A tone in G.711, 20 ms a packet, under its static payload type (RFC 3551 §6)."""
    tone = f"sine=frequency=440:duration={seconds}"
    data = subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, "-ar", "8000", "-ac", "1",
                           "-f", law, "-"], check=True, capture_output=True, timeout=30).stdout
    name, payload_type = ("PCMU", 0) if law == "mulaw" else ("PCMA", 8)
    track = Track("audio", name, 8000, payload_type, channels=1)
    for at in range(0, len(data) - 159, 160):
        track.frames.append(Frame(at, at, True, [(False, data[at:at + 160])]))
    return track


def opus_of(clip):
    """The Opus track of a clip, one packet of 20 ms in each of RTP (RFC 7587 §4.2)."""
    track = Track("audio", "opus", 48000, 98, channels=2)
    for number, sample in enumerate(clip.of("audio")):
        track.frames.append(Frame(number * 960, number * 960, True, [(False, sample.data)]))
    return track


def _jpeg_parts(jpeg):
    """(sampling factors of the first component, width, height, quantisation tables, scan data)."""
    at, tables, shape = 2, b"", None
    while True:
        marker, size = jpeg[at + 1], int.from_bytes(jpeg[at + 2:at + 4], "big")
        body = jpeg[at + 4:at + 2 + size]
        if marker == 0xDB:
            while body:
                tables, body = tables + body[1:65], body[65:]
        elif marker == 0xC0:
            height, width = struct.unpack(">HH", body[1:5])
            shape = body[7], width, height
        elif marker == 0xDA:
            return *shape, tables, jpeg[at + 2 + size:jpeg.rindex(b"\xff\xd9")]
        at += 2 + size


def jpeg_of(jpegs, rate):
    """Pictures cut as RFC 2435 §3.1 says, their quantisation tables in each first packet (§3.1.8)."""
    track = Track("video", "JPEG", 90000, 26)
    for number, jpeg in enumerate(jpegs):
        sampling, width, height, tables, scan = _jpeg_parts(jpeg)
        kind = 1 if sampling == 0x22 else 0
        quantised = struct.pack(">BBH", 0, 0, len(tables)) + tables
        payloads, at = [], 0
        while at < len(scan):
            head = struct.pack(">BBHBBBB", 0, at >> 16, at & 0xFFFF, kind, 255, width // 8, height // 8)
            head += quantised if at == 0 else b""
            piece = scan[at:at + PAYLOAD_MAX - len(head)]
            at += len(piece)
            payloads.append((at == len(scan), head + piece))
        time = number * track.clock // rate
        track.frames.append(Frame(time, time, True, payloads))
    return track


def ts_of(clip):
    """The whole clip as MPEG-TS, seven packets of it in one of RTP (RFC 2250 §2); not to be looped."""
    data = subprocess.run(["ffmpeg", "-v", "error", "-i", clip.path, "-c", "copy", "-f", "mpegts", "-"],
                          check=True, capture_output=True, timeout=30).stdout
    track, step = Track("video", "MP2T", 90000, 33), 7 * 188
    length = clip.samples[-1].dts * 90
    for at in range(0, len(data), step):
        time = length * at // len(data)
        track.frames.append(Frame(time, time, True, [(False, data[at:at + step])]))
    return track


def period_ms(tracks):
    """How long one round of a looped clip lasts: no track may meet itself."""
    longest = 0
    for track in tracks:
        if len(track.frames) > 1:
            last, before = track.frames[-1].decoded, track.frames[-2].decoded
            longest = max(longest, (last + (last - before)) * 1000 / track.clock)
    return round(longest)
