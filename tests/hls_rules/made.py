"""Small lists and media of our own making, sound unless a test plants a fault."""

import datetime
import struct

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)


def listing(first=100, count=3, **said):
    """A media list of two-second segments as bytes. `said` changes or adds: target, duration and date (by
    number), breaks (numbers after a discontinuity), disc, name, map, maps, version, tags, ended."""
    target, breaks = said.get("target", 2), said.get("breaks", ())
    name, init = said.get("name", "r/v0-{}.m4s"), said.get("map", "r/i.mp4")
    version = said.get("version", 6 if init else 3)
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{version}", f"#EXT-X-TARGETDURATION:{target}",
             f"#EXT-X-MEDIA-SEQUENCE:{first}", f"#EXT-X-DISCONTINUITY-SEQUENCE:{said.get('disc', 50)}",
             *said.get("tags", ())]
    for number in range(first, first + count):
        if number in breaks:
            lines.append("#EXT-X-DISCONTINUITY")
        if init and (number == first or number in said.get("maps", ())):
            lines.append(f'#EXT-X-MAP:URI="{init if number == first else "r/other.mp4"}"')
        moment = START + datetime.timedelta(seconds=said.get("date", lambda n: 2 * n)(number))
        lines.append("#EXT-X-PROGRAM-DATE-TIME:" + moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")
        lines.append(f"#EXTINF:{said.get('duration', lambda n: '2.000000')(number)},")
        lines.append(name.format(number))
    if said.get("ended"):
        lines.append("#EXT-X-ENDLIST")
    return ("\n".join(lines) + "\n").encode()


def box(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def u32(*values):
    return struct.pack(f">{len(values)}I", *values)


def init(timescale=1000, track=1, size=(320, 240)):
    """A CMAF header of an H.264 track."""
    entry = box(b"avc1", bytes(24), struct.pack(">HH", *size), bytes(50), box(b"avcC", b"\1\x64\0\x1f"))
    tables = box(b"stbl", box(b"stsd", u32(0, 1), entry))
    media = box(b"mdia", box(b"mdhd", u32(0, 0, 0, timescale)), box(b"hdlr", u32(0, 0), b"vide"),
                box(b"minf", tables))
    return box(b"moov", box(b"trak", box(b"tkhd", u32(0, 0, 0, track)), media),
               box(b"mvex", box(b"trex", u32(0, track, 1, 0, 0, 0))))


def segment(time, durations=(1000, 1000), track=1, kind=5, flags=0):
    """One fragment; `kind` is the NAL unit type of the first sample, `flags` its sample flags."""
    samples = [u32(2) + bytes([nal]) + b"\0" for nal in [kind] + [1] * (len(durations) - 1)]
    table = b"".join(u32(duration, len(sample)) for duration, sample in zip(durations, samples))

    def moof(offset):
        run = box(b"trun", u32(0x305, len(durations), offset, flags), table)
        return box(b"moof", box(b"traf", box(b"tfhd", u32(0x020000, track)), box(b"tfdt", u32(0, time)), run))
    return moof(len(moof(0)) + 8) + box(b"mdat", *samples)


def packet(pid, counter, payload, start=True):
    """One TS packet, filled up by its adaptation field."""
    room = 184 - len(payload)
    field = b"" if room == 0 else bytes([room - 1]) + (b"\0" + b"\xff" * (room - 2) if room > 1 else b"")
    head = bytes([0x47, (0x40 if start else 0) | pid >> 8, pid & 0xff, (0x30 if field else 0x10) | counter])
    return head + field + payload


def section(body):
    return b"\0" + body[:1] + struct.pack(">H", 0xb000 | len(body) - 1 + 4) + body[1:] + bytes(4)


def transport(times, counter=0, kind=5, tables_first=True):
    """A segment of H.264 pictures at these times of 90 kHz; the first is of NAL unit type `kind`."""
    pat = section(b"\0" + b"\0\1\xc1\0\0" + b"\0\1\xe1\0")
    pmt = section(b"\2" + b"\0\1\xc1\0\0" + b"\xe1\1\xf0\0" + b"\x1b\xe1\1\xf0\0")
    tables = packet(0, counter, pat) + packet(0x100, counter, pmt)
    pictures = b""
    for i, time in enumerate(times):
        stamp = bytes([0x21 | time >> 29 & 0x0e, time >> 22 & 0xff, time >> 14 & 0xfe | 1, time >> 7 & 0xff,
                       time << 1 & 0xfe | 1])
        picture = b"\0\0\1" + bytes([kind if i == 0 else 1]) + b"\x88"
        pictures += packet(0x101, (counter + i) % 16, b"\0\0\1\xe0\0\0\x80\x80\5" + stamp + picture)
    return tables + pictures if tables_first else pictures + tables
