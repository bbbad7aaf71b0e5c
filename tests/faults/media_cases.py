"""Cases 8 to 10 and 86 to 88: media that is none inside a publisher's well-formed messages."""

import contextlib
import os
import struct

import canary
import flv
import ledger
import node
import peers
import rtmp
from world import CLOSED_SECONDS, test

AUDIO_VIDEO_APART_MAX = 100      # ms
FAR = 24 * 3600 * 1000           # ms


class Bits:
    """Writes bits, and Exp-Golomb codes (H.264 §9.1)."""

    def __init__(self):
        self.text = ""

    def u(self, value, count):
        self.text += format(value, f"0{count}b")
        return self

    def ue(self, *values):
        for value in values:
            code = format(value + 1, "b")
            self.text += "0" * (len(code) - 1) + code
        return self

    def se(self, value):
        return self.ue(2 * value - 1 if value > 0 else -2 * value)

    def data(self):
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8, "big")
        out = bytearray()      # emulation prevention, §7.4.1
        for byte in raw:
            if byte <= 3 and out[-2:] == b"\x00\x00":
                out.append(3)
            out.append(byte)
        return bytes(out)


def avcc(*sps, pps=(b"\x68\xce\x3c\x80",), length_byte=0xFF, sps_byte=None):
    """An AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1)."""
    first = sps[0] if sps else b"\x67\x42\x00\x1e"
    record = b"\x01" + first[1:4] + bytes([length_byte, 0xE0 | len(sps) if sps_byte is None else sps_byte])
    for unit in sps:
        record += struct.pack(">H", len(unit)) + unit
    record += bytes([len(pps)])
    for unit in pps:
        record += struct.pack(">H", len(unit)) + unit
    return record


def sps(width_mbs=20, height_mbs=12, refs=1, crop=None, timing=None, identity=0, poc_type=2, cycle=None,
        log2_frame_num=0, raw=b""):
    bits = Bits().u(66, 8).u(0xC0, 8).u(30, 8).ue(identity, log2_frame_num, poc_type)
    if poc_type == 1:
        bits.u(0, 1).se(-2**31 + 1).se(2**31 - 1).ue(cycle)
        for _ in range(min(cycle, 300)):
            bits.se(2**30)
    bits.ue(refs).u(0, 1).ue(width_mbs - 1, height_mbs - 1).u(1, 1).u(1, 1)
    bits.u(crop is not None, 1)
    if crop is not None:
        bits.ue(*crop)
    bits.u(timing is not None, 1)
    if timing is not None:
        bits.u(0, 4).u(1, 1).u(timing[0], 32).u(timing[1], 32).u(1, 1).u(0, 4)
    return b"\x67" + bits.data() + raw


def header(record):
    return b"\x17\x00\x00\x00\x00" + record


def picture(*units, key=True):
    return bytes([0x17 if key else 0x27, 1, 0, 0, 0]) + b"".join(
        struct.pack(">I", len(unit)) + unit for unit in units)


IDR = b"\x65\x88\x84\x00\x10" + bytes(range(1, 60))

CASE_8 = {
    "31 SPS announced, none there": header(b"\x01\x42\x00\x1e\xff\xff"),
    "SPS of 65,535 bytes announced": header(b"\x01\x42\x00\x1e\xff\xe1\xff\xff\x67\x42"),
    "lengthSizeMinusOne 2": header(avcc(sps(), length_byte=0xFE)),
    "31 SPS of nothing": header(b"\x01\x42\x00\x1e\xff\xff" + b"\x00\x00" * 31 + b"\x00"),
    "no SPS": header(avcc()),
    "no PPS": header(avcc(sps(), pps=())),
    "version 0": header(b"\x00" + avcc(sps())[1:]),
    "cut at each byte": b"",
    "an enhanced header without a FourCC": b"\x90hv",
    "an enhanced header of nobody": b"\x90xxxx" + os.urandom(40),
    "hvc1 with 255 arrays": b"\x90hvc1" + b"\x01" + bytes(21) + b"\xff" + b"\xa0\xff\xff\xff\xff",
    "hvc1 with nothing": b"\x90hvc1",
    "av01 with nothing": b"\x90av01",
    "av01 with rubbish": b"\x90av01\x81\xff\xff\xff" + b"\xff" * 64,
    "one byte": b"\x17",
    "no byte": b"",
}
CASE_8 |= {f"avcC cut at {at}": header(avcc(sps())[:at]) for at in range(len(avcc(sps())))}

CASE_9 = {
    "a NAL unit of 0 bytes": picture(b""),
    "only NAL units of 0 bytes": picture(*[b""] * 5000),
    "a NAL unit of 2^32-1 bytes": b"\x17\x01\x00\x00\x00\xff\xff\xff\xff" + IDR,
    "a NAL unit of 2^31 bytes": b"\x17\x01\x00\x00\x00\x80\x00\x00\x00" + IDR,
    "a length and nothing": b"\x17\x01\x00\x00\x00\x00\x00\x00\x01",
    "half a length": b"\x17\x01\x00\x00\x00\x00\x00",
    "no composition time": b"\x17\x01\x00",
    "a picture of nothing": b"\x17\x01\x00\x00\x00",
    "only a header byte a NAL unit": picture(b"\x65", b"\x41", b"\x06", b"\x67", b"\x68", b"\x00", b"\xff"),
    "only parameter sets": picture(sps(), b"\x68\xce\x3c\x80"),
    "5,000 parameter sets": picture(*[sps(identity=at % 32, width_mbs=at + 1) for at in range(5000)]),
    "a slice of noise": picture(b"\x65" + os.urandom(200)),
    "a slice of zeros": picture(b"\x65" + bytes(200)),
    "a slice of ones": picture(b"\x65" + b"\xff" * 200),
}

CASE_86 = {
    "width 2^31": sps(width_mbs=2**27), "height 2^31": sps(height_mbs=2**27),
    "width and height 2^32-1": sps(width_mbs=2**32 - 2, height_mbs=2**32 - 2),
    "cropped to nothing": sps(crop=(100, 100, 100, 100)), "cropped below nothing": sps(crop=(2**31,) * 4),
    "cropped 2^32-2": sps(crop=(2**32 - 2,) * 4), "255 reference frames": sps(refs=255),
    "2^31 reference frames": sps(refs=2**31), "VUI timing of 0 units": sps(timing=(0, 50)),
    "VUI timing of 0 ticks": sps(timing=(1, 0)), "VUI timing 2^32-1": sps(timing=(2**32 - 1, 2**32 - 1)),
    "SPS id 32": sps(identity=32), "SPS id 2^31": sps(identity=2**31),
    "log2_max_frame_num 2^31": sps(log2_frame_num=2**31),
    "a cycle of 255 with steps of 2^30": sps(poc_type=1, cycle=255),
    "a cycle of 2^31": sps(poc_type=1, cycle=2**31),
    "Exp-Golomb of 40 zeros": b"\x67\x42\xc0\x1e" + bytes(5) + b"\x80" * 20,
    "nothing but a header": b"\x67", "empty": b"", "only zeros": b"\x67" + bytes(400),
    "high profile with 12 scaling lists of noise": b"\x67\x64\x00\x28\xac\xff" + os.urandom(300),
    "only ones": b"\x67" + b"\xff" * 400,
}
CASE_86_PPS = {
    "PPS id 255": b"\x68" + Bits().ue(255, 0).u(0, 2).ue(0).data(),
    "PPS id 256": b"\x68" + Bits().ue(256, 0).u(0, 2).ue(0).data(),
    "PPS id 2^32-2": b"\x68" + Bits().ue(2**32 - 2, 0).u(0, 2).ue(0).data(),
    "a PPS of an SPS that is not there": b"\x68" + Bits().ue(0, 31).u(0, 2).ue(0).data(),
    "8 slice groups of 2^32-2 units": b"\x68" + Bits().ue(0, 0).u(0, 2).ue(7, 6, 2**32 - 2).data(),
    "an empty PPS": b"\x68",
}

CASE_87 = {
    "a type of 2^16 ones": b"\x06" + b"\xff" * 65536,
    "a size of 2^16 ones": b"\x06\x05" + b"\xff" * 65536,
    "a size beyond the unit": b"\x06\x05\x80" + bytes(16),
    "no size": b"\x06\x05",
    "a UUID cut short": b"\x06\x05\x10" + bytes(15),
    "no end": b"\x06\x05\x10" + bytes(16),
    "20,000 messages of nothing": b"\x06" + b"\x00\x00" * 20000 + b"\x80",
}

CASE_88 = {
    "no ASC": b"\xaf\x00", "half an ASC": b"\xaf\x00\x12",
    "channels 0, no PCE": b"\xaf\x00" + bytes([0x11, 0x80 & 0x87]),
    "channels 0 and a PCE of noise": b"\xaf\x00\x11\x80" + b"\xff" * 60,
    "sample rate index 13": b"\xaf\x00\x16\x90", "sample rate index 14": b"\xaf\x00\x17\x10",
    "an explicit sample rate of 0": b"\xaf\x00\x17\x80\x00\x00\x10",
    "an explicit sample rate of 2^24-1": b"\xaf\x00\x17\xff\xff\xff\x90",
    "object type 31 and escape": b"\xaf\x00\xff\xff\xff\xff", "object type 0": b"\xaf\x00\x02\x10",
    "HE-AAC v2 that ends": b"\xaf\x00\xeb\x09", "ADTS of length 0": b"\xaf\x01\xff\xf1\x50\x80\x00\x1f\xfc",
    "no frame": b"\xaf\x01", "no codec": b"\xaf", "a codec of nobody": b"\xc0" + bytes(20),
    "Opus without its head": b"\x90Opus", "Opus of 255 channels": b"\x90OpusOpusHead\x01\xff" + bytes(9),
    "Opus of 0 channels": b"\x90OpusOpusHead\x01\x00" + bytes(9),
    "Opus mapping of 255 streams": b"\x90OpusOpusHead\x01\x08" + bytes(8) + b"\x01\xff\xff" + b"\xff" * 8,
    "Opus of 63 frames a packet": b"\x91Opus\xff\x3f" + bytes(10), "MP3 that is none": b"\x2f" + bytes(40),
    "MP3 of free format": b"\x2f\xff\xfb\x00\x00" + bytes(40),
    "MP3 of the reserved rate": b"\x2f\xff\xfb\x9c\x00" + bytes(40),
}


def dropped(world, name):
    document = world.document(name)
    return document["frames_dropped"] if document else 0


def fed(world, name, bodies, kind=rtmp.VIDEO):
    """Publishes these bodies, then a real stream over the same connection: a viewer must get all of that."""
    client, source = world.publisher(name)
    for body in bodies:
        client.send(kind, body, stream=client.stream, channel=6 if kind == rtmp.VIDEO else 4)
    client.listen()
    source.begin()
    while len(source.ledger) < 40:
        source.step(shift=1000)
    world.wait_live(name)
    app, key = name.split("/")
    with contextlib.closing(client.socket), peers.FlvReader(world.server.http(f"/{name}.flv")) as viewer:
        while len(source.ledger) < 80:
            source.step(shift=1000)
        last = [frame.name for frame in source.ledger if frame.kind == "video"][-1]
        node.until(lambda: any(frame.name == last for frame in viewer.frames()), CLOSED_SECONDS,
                   f"the viewer of {name} gets the stream that follows")
        names = {frame.name for frame in source.ledger}
        wrong = [frame for frame in viewer.frames() if frame.name not in names]
        return wrong, dropped(world, name)


@test(quick=True)
def case_8_configurations_that_are_none(world):
    with world.fault():
        wrong, count = fed(world, "live/case8", CASE_8.values())
        assert not wrong, f"{len(wrong)} frames came out that are none"
        assert count >= 10, f"{count} dropped frames are counted"


@test()
def case_8_a_configuration_that_is_none_leaves_the_stream_waiting(world):
    with world.fault():
        client, _ = world.publisher("live/waits")
        client.send(rtmp.VIDEO, CASE_8["SPS of 65,535 bytes announced"], stream=client.stream, channel=6)
        client.send(rtmp.VIDEO, picture(IDR), stream=client.stream, channel=6)
        node.until(lambda: dropped(world, "live/waits") >= 2, CLOSED_SECONDS, "both are dropped and counted")
        assert world.document("live/waits")["state"] in ("waiting", "stale"), world.document("live/waits")
        client.socket.close()


@test(quick=True)
def case_9_pictures_that_are_none(world):
    with world.fault():
        _, before = fed(world, "live/unconfigured", [picture(IDR)] * 20)
        assert before >= 20, f"{before} pictures before their sequence header are counted as dropped"
        clip = world.clip()
        _, count = fed(world, "live/case9", [flv.video_config_body(clip), *CASE_9.values()])
        assert count >= 6, f"{count} dropped frames are counted"


@test()
def case_9_a_sequence_header_that_changes_each_frame(world):
    with world.fault():
        bodies = []
        for number in range(300):
            unit = sps(width_mbs=10 + number % 90, height_mbs=10 + number % 50)
            bodies += [header(avcc(unit)), picture(IDR)]
        fed(world, "live/restless", bodies)


@test(quick=True)
def case_10_times_that_jump(world):
    """Shifts of a publisher's clock: out comes monotonic time with audio and video together."""
    shifts = [0, 0, 10_000, 0, FAR, -5_000, 2**31, 2**32 - 3_000, 2**32 - 1_000, 500, 0, 2**32 - 20, 40]
    with world.fault():
        client, source = world.publisher("live/jumps")
        source.begin()
        for _ in range(30):
            source.step()
        world.wait_live("live/jumps")
        with peers.FlvReader(world.server.http("/live/jumps.flv")) as viewer:
            for shift in shifts:
                end = source.due() + 600
                while source.due() < end:
                    source.step(shift=shift)
                repeated = source.due()
                source.play(lambda: source.due() > repeated + 200)
            last = [frame.name for frame in source.ledger if frame.kind == "video"][-1]
            node.until(lambda: any(frame.name == last for frame in viewer.frames()), CLOSED_SECONDS,
                       "the last frame")
            frames = viewer.frames()
        ledger.monotonic(frames)
        missing = canary.lost(source.ledger, frames)
        assert missing is None, missing
        judge_together(source, frames)
        assert world.document("live/jumps")["timestamp_jumps"] > 0, "jumps are counted"
        client.socket.close()


def judge_together(source, frames):
    """Audio and video that were sent together, between two jumps, come out together."""
    sent, latest, compared = {frame.name: frame for frame in source.ledger}, {}, 0
    for frame in frames:
        origin = sent[frame.name]
        if any(other.shift != origin.shift for _, other in latest.values()):
            latest = {}
        latest[frame.kind] = (frame, origin)
        if len(latest) == 2:
            (one, one_sent), (two, two_sent) = latest.values()
            apart = abs((one.dts - two.dts) - (one_sent.when - two_sent.when))
            assert apart <= AUDIO_VIDEO_APART_MAX, \
                f"audio and video {apart} ms apart at {origin.when} ms of the source, moved by {origin.shift}"
            compared += 1
    assert compared > 100, f"{compared} pairs compared"


@test(quick=True)
def case_86_parameter_sets_that_are_none(world):
    with world.fault():
        bodies = []
        for unit in CASE_86.values():
            bodies += [header(avcc(unit)), picture(unit, b"\x68\xce\x3c\x80", IDR)]
        good = sps()
        for unit in CASE_86_PPS.values():
            bodies += [header(avcc(good, pps=(unit,))), picture(good, unit, IDR)]
        many = [b"\x68" + Bits().ue(at, 0).u(0, 2).ue(0).data() for at in range(255)]
        bodies += [header(avcc(good, pps=many))]
        fed(world, "live/case86", bodies)


@test(quick=True)
def case_87_sei_without_bounds(world):
    with world.fault():
        clip = world.clip()
        bodies = [flv.video_config_body(clip)]
        bodies += [picture(unit, IDR) for unit in CASE_87.values()]
        fed(world, "live/case87", bodies)


@test()
def case_87_sei_of_nearly_8_mib(world):
    """As large as a message may be; more ends the conversation. Memory comes back."""
    with world.fault():
        sei = b"\x06\x05" + b"\xff" * 31000 + b"\x00" + os.urandom(255 * 31000)
        client, source = world.publisher("live/large")
        client.set_chunk_size(65536)
        source.begin()
        for number in range(4):
            client.send(rtmp.VIDEO, picture(sei, IDR), stream=client.stream, channel=6, when=40 * number)
            client.listen()
        while len(source.ledger) < 80:
            source.step(shift=1000)
        node.until(lambda: (world.document("live/large") or {}).get("frames_in", 0) >= 60, CLOSED_SECONDS,
                   "what follows is taken")
        assert world.document("live/large")["memory_bytes"] < 40 << 20, world.document("live/large")
        client.socket.close()


@test(quick=True)
def case_88_audio_configurations_that_are_none(world):
    with world.fault():
        bodies = []
        for body in CASE_88.values():
            bodies += [body, b"\xaf\x01" + os.urandom(30)]
        fed(world, "live/case88", bodies, kind=rtmp.AUDIO)
