"""Measures fragmented MP4 (ISO/IEC 14496-12): what an init segment says, and the samples of a segment."""

import fractions
import struct

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"}
IDR = {"avc": {5}, "hvc": set(range(16, 22))}


def boxes(data, at=0, end=None):
    """(type, first byte of the payload, end) of each box."""
    end = len(data) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        if size < head or at + size > end:
            raise ValueError(f"box {kind} of {size} bytes at {at} of {end}")
        yield kind, at + head, at + size
        at += size


def find(data, path, at=0, end=None):
    """(first byte, end) of the payload of each box under a path."""
    for kind, inside, after in boxes(data, at, end):
        if kind == path[0]:
            if len(path) == 1:
                yield inside, after
            else:
                yield from find(data, path[1:], inside, after)


class Init:
    """The one track of a CMAF header."""

    def __init__(self, data):
        tracks = list(find(data, [b"moov", b"trak"]))
        if len(tracks) != 1:
            raise ValueError(f"{len(tracks)} tracks in an init segment")
        at, end = tracks[0]
        tkhd = next(find(data, [b"tkhd"], at, end))[0]
        wide = data[tkhd] == 1
        self.track = struct.unpack_from(">I", data, tkhd + (20 if wide else 12))[0]
        mdhd = next(find(data, [b"mdia", b"mdhd"], at, end))[0]
        self.timescale = struct.unpack_from(">I", data, mdhd + (20 if data[mdhd] == 1 else 12))[0]
        self.video = data[next(find(data, [b"mdia", b"hdlr"], at, end))[0]:][8:12] == b"vide"
        self.width = self.height = self.channels = 0
        stsd, after = next(find(data, [b"mdia", b"minf", b"stbl", b"stsd"], at, end))
        self.entry, inside, entry_end = next(boxes(data, stsd + 8, after))
        if self.video:
            self.width, self.height = struct.unpack_from(">HH", data, inside + 24)
            config = inside + 78
        else:
            self.channels = struct.unpack_from(">H", data, inside + 16)[0]
            config = inside + 28
        self.config = {kind: data[a:b] for kind, a, b in boxes(data, config, entry_end)}
        defaults = {}
        for trex, _ in find(data, [b"moov", b"mvex", b"trex"]):
            values = struct.unpack_from(">5I", data, trex + 4)
            defaults[values[0]] = values[2:]
        self.defaults = defaults.get(self.track, (0, 0, 0))

    @property
    def codec(self):
        """The string of RFC 6381."""
        if b"avcC" in self.config:
            return self.entry.decode() + "." + self.config[b"avcC"][1:4].hex()
        if b"hvcC" in self.config:
            return hevc_codec(self.entry.decode(), self.config[b"hvcC"])
        if b"esds" in self.config:
            return aac_codec(self.config[b"esds"])
        return self.entry.decode().lower()


def hevc_codec(entry, config):
    """ISO/IEC 14496-15 Annex E.3."""
    space = ["", "A", "B", "C"][config[1] >> 6]
    compatible = int(f"{struct.unpack_from('>I', config, 2)[0]:032b}"[::-1], 2)
    constraints = config[6:12].rstrip(b"\0")
    level = ("H" if config[1] & 0x20 else "L") + str(config[12])
    parts = [entry, f"{space}{config[1] & 0x1f}", f"{compatible:X}", level]
    return ".".join(parts + [f"{byte:X}" for byte in constraints])


def aac_codec(esds):
    """The object type and, of MPEG-4 audio, the audio object type (ISO/IEC 14496-1 §7.2.6)."""
    def descriptor(at):
        tag, size = esds[at], 0
        while True:
            at += 1
            size = size << 7 | esds[at] & 0x7f
            if not esds[at] & 0x80:
                return tag, at + 1, size
    _, at, _ = descriptor(4)            # ES_Descriptor
    _, at, _ = descriptor(at + 3)       # DecoderConfigDescriptor
    kind = esds[at]
    if kind != 0x40:
        return f"mp4a.{kind:02x}"
    _, at, _ = descriptor(at + 13)      # DecoderSpecificInfo
    object_type = esds[at] >> 3
    if object_type == 31:
        object_type = 32 + ((esds[at] & 7) << 3 | esds[at + 1] >> 5)
    return f"mp4a.40.{object_type}"


class Measured:
    """One downloaded segment: times in seconds, as fractions."""

    def __init__(self):
        self.begin = None       # decode time of the first sample; of TS: the first presentation time
        self.duration = None    # what its samples say; None: only the next segment tells
        self.samples = 0
        self.random_access = True
        self.video = False
        self.layout = None      # what must not change in a run
        self.wrap = None        # after so many seconds the time begins anew
        self.counters = {}      # TS: pid -> (first continuity counter, last)
        self.starts_well = True     # TS: PAT and PMT first


def measure(init, data):
    """Reads the fragments of a segment of one track."""
    found = Measured()
    found.video, found.layout = init.video, ("mp4", init.track, init.timescale)
    total, moof_at = 0, 0
    at = 0
    for kind, inside, end in boxes(data):
        if kind == b"moof":
            moof_at = at
            total += fragment(init, data, (moof_at, inside, end), found, total)
        at = end
    if found.begin is None:
        raise ValueError("a segment without samples")
    found.duration = fractions.Fraction(total, init.timescale)
    return found


def fragment(init, data, moof, found, before):
    """The ticks of one movie fragment; holds its time against what came before it."""
    moof_at, inside, end = moof
    ticks = 0
    for traf, traf_end in find(data, [b"traf"], inside, end):
        parts = {kind: (a, b) for kind, a, b in boxes(data, traf, traf_end)}
        track, duration, size, flags = tfhd(data, parts[b"tfhd"][0], init.defaults)
        if track != init.track:
            raise ValueError(f"a fragment of track {track}, the init segment has {init.track}")
        at = parts[b"tfdt"][0]
        time = struct.unpack_from(">Q" if data[at] == 1 else ">I", data, at + 4)[0]
        first = found.begin is None
        if first:
            found.begin = fractions.Fraction(time, init.timescale)
        elif fractions.Fraction(time - before, init.timescale) != found.begin:
            raise ValueError(f"tfdt {time} does not go on where the last fragment ended")
        for run, run_end in find(data, [b"trun"], traf, traf_end):
            samples, offset = trun(data, run, (duration, size, flags))
            ticks += sum(sample[0] for sample in samples)
            found.samples += len(samples)
            if first and samples:
                found.random_access = not samples[0][2] & 0x10000 and \
                    (not init.video or begins_with_idr(init, data, moof_at + offset, samples[0][1]))
                first = False
    return ticks


def tfhd(data, at, defaults):
    """(track, default duration, size, flags)."""
    flags, track = struct.unpack_from(">I", data, at)[0] & 0xffffff, struct.unpack_from(">I", data, at + 4)[0]
    at += 8 + (8 if flags & 1 else 0) + (4 if flags & 2 else 0)
    values = list(defaults)
    for i, bit in enumerate((0x08, 0x10, 0x20)):
        if flags & bit:
            values[i] = struct.unpack_from(">I", data, at)[0]
            at += 4
    return (track, *values)


def trun(data, at, defaults):
    """([(duration, size, flags)], data offset)."""
    flags = struct.unpack_from(">I", data, at)[0] & 0xffffff
    count = struct.unpack_from(">I", data, at + 4)[0]
    at += 8
    offset = first_flags = None
    if flags & 1:
        offset = struct.unpack_from(">i", data, at)[0]
        at += 4
    if flags & 4:
        first_flags = struct.unpack_from(">I", data, at)[0]
        at += 4
    samples = []
    for i in range(count):
        values = list(defaults)
        for field, bit in enumerate((0x100, 0x200, 0x400)):
            if flags & bit:
                values[field] = struct.unpack_from(">I", data, at)[0]
                at += 4
        at += 4 if flags & 0x800 else 0
        if i == 0 and first_flags is not None:
            values[2] = first_flags
        samples.append(tuple(values))
    return samples, offset or 0


def begins_with_idr(init, data, at, size):
    """Whether the sample's first slice is of a picture that needs no other."""
    h264 = b"avcC" in init.config
    end = at + size
    while at + 5 <= end:
        length = struct.unpack_from(">I", data, at)[0]
        kind = data[at + 4] & 0x1f if h264 else data[at + 4] >> 1 & 0x3f
        if (1 <= kind <= 5) if h264 else kind < 32:
            return kind in IDR["avc" if h264 else "hvc"]
        at += 4 + length
    return b"avcC" not in init.config and b"hvcC" not in init.config
