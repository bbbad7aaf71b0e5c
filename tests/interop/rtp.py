"""RTP packets as a player sees them, and the frames in them; apart from the server's own code."""

import dataclasses

import ledger

TIME_WRAP = 1 << 32


@dataclasses.dataclass
class Packet:
    track: int
    control: bool
    data: bytes
    moment: float

    @property
    def sequence(self):
        return int.from_bytes(self.data[2:4], "big")

    @property
    def timestamp(self):
        return int.from_bytes(self.data[4:8], "big")

    @property
    def marker(self):
        return bool(self.data[1] & 0x80)

    def payload(self):
        """RFC 3550 §5.1, with padding, CSRC and extension left out."""
        at = 12 + 4 * (self.data[0] & 15)
        if self.data[0] & 0x10:
            at += 4 + 4 * int.from_bytes(self.data[at + 2:at + 4], "big")
        return self.data[at:-self.data[-1]] if self.data[0] & 0x20 else self.data[at:]


def frames_of(media, packets, zero):
    """The frames of one track's packets, in the order of their coming; times in ms."""
    found, at = [], 0
    while at < len(packets):
        end = at + 1
        while end < len(packets) and packets[end].timestamp == packets[at].timestamp:
            end += 1
        if end == len(packets) and not packets[-1].marker and media.kind == "video":
            break
        moment = _moment(packets[at].timestamp, zero or (packets[0].timestamp, 0), media.clock)
        payloads = [packet.payload() for packet in packets[at:end]]
        if media.codec in ("H264", "H265"):
            found.append(_picture(media.codec, payloads, moment))
        elif media.codec == "MPEG4-GENERIC":
            found += [ledger.Frame("audio", round(moment + number * 1024000 / media.clock), 0, True,
                                   ledger.digest(unit))
                      for number, unit in enumerate(unit for one in payloads for unit in _access_units(one))]
        at = end
    for frame in found:
        frame.pts = frame.dts
    return found


def _moment(timestamp, zero, clock):
    apart = (timestamp - zero[0] + TIME_WRAP // 2) % TIME_WRAP - TIME_WRAP // 2
    return zero[1] + apart * 1000 / clock


def _picture(codec, payloads, moment):
    h265 = codec == "H265"
    units = list(_units(payloads, h265))
    key = any((unit[0] >> 1 & 63) in (19, 20, 21) if h265 else unit[0] & 31 == 5 for unit in units)
    name = ledger.name_of(units, "hvc1" if h265 else "avc1")
    return ledger.Frame("video", round(moment), round(moment), key, name)


def _units(payloads, h265):
    """NAL units out of single packets, aggregates and fragments (RFC 6184 §5.6 to 5.8, RFC 7798 §4.4)."""
    head, whole = (2, bytearray()) if h265 else (1, bytearray())
    for one in payloads:
        kind = one[0] >> 1 & 63 if h265 else one[0] & 31
        if kind == (48 if h265 else 24):
            at = head
            while at + 2 <= len(one):
                size = int.from_bytes(one[at:at + 2], "big")
                yield one[at + 2:at + 2 + size]
                at += 2 + size
        elif kind == (49 if h265 else 28):
            bits = one[head]
            if bits & 0x80:
                whole = bytearray([one[0] & 0x81 | (bits & 63) << 1, one[1]] if h265
                                  else [one[0] & 0xE0 | bits & 31])
            whole += one[head + 1:]
            if bits & 0x40:
                yield bytes(whole)
        else:
            yield one


def _access_units(payload):
    """AAC-hbr with 13 and 3 bits a header (RFC 3640 §3.3.6)."""
    count = int.from_bytes(payload[:2], "big") // 16
    at = 2 + 2 * count
    for number in range(count):
        size = int.from_bytes(payload[2 + 2 * number:4 + 2 * number], "big") >> 3
        yield payload[at:at + size]
        at += size
