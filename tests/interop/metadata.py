"""SEI and KLV of a source pass untouched to every way out, and are recorded."""

import base64
import contextlib
import json
import os
import re
import socket
import struct
import subprocess

import node
import peers
from pulls import ALLOW, free_port
from results import Messages
from scenario import test
from sources import second_node

PATIENCE = 30
SECONDS = 60    # at most: the film ends once every way out has had enough of it
FPS = 25
PACKET = 188
KLV_PID = 0x1F0
SEI = 6
ENOUGH = 60      # units of SEI, and of KLV, in each way out
KLV_BYTES = 50 * ENOUGH


def crc32(data):
    """ISO/IEC 13818-1, annex A."""
    value = 0xFFFFFFFF
    for byte in data:
        for bit in range(7, -1, -1):
            top = value >> 31 ^ byte >> bit & 1
            value = (value << 1 ^ (0x04C11DB7 if top else 0)) & 0xFFFFFFFF
    return struct.pack(">I", value)


def with_klv_in_map(packet):
    """The packet of a PMT with one more stream: KLV, registered as such (MISB ST 1402)."""
    at = 5 + packet[4]
    size = (packet[at + 1] & 0x0F) << 8 | packet[at + 2]
    section = bytearray(packet[at:at + 3 + size - 4])
    section += bytes([0x06, 0xE0 | KLV_PID >> 8, KLV_PID & 0xFF, 0xF0, 6, 5, 4]) + b"KLVA"
    length = len(section) - 3 + 4
    section[1], section[2] = section[1] & 0xF0 | length >> 8, length & 0xFF
    whole = packet[:5] + bytes(section) + crc32(section)
    return whole + b"\xFF" * (PACKET - len(whole))


def klv_of(number):
    """A local set of MISB ST 0601 with one long item, different for each."""
    value = number.to_bytes(4, "big") + bytes((number + at) % 256 for at in range(40 + number % 60))
    return bytes.fromhex("060e2b34020b01010e01030101000000") + bytes([len(value) + 2, 2, len(value)]) + value


def packets_of(pes, counter):
    """A short PES packet as packets of KLV_PID."""
    out = b""
    for at in range(0, len(pes), PACKET - 4):
        part = pes[at:at + PACKET - 4]
        stuffing = PACKET - 4 - len(part)
        field = b"" if stuffing == 0 else bytes([stuffing - 1]) + (b"" if stuffing == 1 else b"\0" +
                                                                   b"\xFF" * (stuffing - 2))
        head = bytes([0x47, (0x40 if at == 0 else 0) | KLV_PID >> 8, KLV_PID & 0xFF,
                      (0x30 if stuffing else 0x10) | counter % 16])
        out, counter = out + head + field + part, counter + 1
    return out, counter


def film(folder):
    """A transport stream whose pictures have SEI of their own, and KLV beside each; the KLV that is in it."""
    plain, path = os.path.join(folder, "plain.ts"), os.path.join(folder, "klv.ts")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size=320x180:rate={FPS}:duration={SECONDS}",
         "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(FPS), "-b:v", "400k",
         "-maxrate", "500k", "-bufsize", "500k", "-x264-params", "nal-hrd=vbr", "-pix_fmt", "yuv420p",
         "-f", "mpegts", "-mpegts_start_pid", "0x100", "-mpegts_pmt_start_pid", "0x1000", plain],
        check=True, timeout=120)
    with open(plain, "rb") as file:
        data = file.read()
    out, said, counter = [], [], 0
    for at in range(0, len(data), PACKET):
        packet = data[at:at + PACKET]
        pid, begins = (packet[1] & 0x1F) << 8 | packet[2], packet[1] & 0x40
        out.append(with_klv_in_map(packet) if pid == 0x1000 and begins else packet)
        if pid == 0x100 and begins:
            body = packet[4 + (1 + packet[4] if packet[3] & 0x20 else 0):]
            said.append(klv_of(len(said)))
            stamp = bytes([0x21 | body[9] & 0x0E]) + body[10:14]
            size = 3 + len(stamp) + len(said[-1])
            head = b"\0\0\1\xBD" + struct.pack(">H", size) + b"\x84\x80\x05" + stamp
            more, counter = packets_of(head + said[-1], counter)
            out.append(more)
    with open(path, "wb") as file:
        file.write(b"".join(out))
    return path, said


def copied(*arguments):
    return subprocess.run(["ffmpeg", "-v", "error", *arguments, "-"], capture_output=True, check=True,
                          timeout=60).stdout


def annex_b(path, *before):
    return copied(*before, "-i", path, "-map", "0:v", "-c", "copy", "-bsf:v", "h264_mp4toannexb",
                  "-f", "h264")


def sei_of(data):
    """The SEI of a stream, NAL unit by NAL unit."""
    units = re.split(rb"\x00\x00\x00?\x01", data)
    return [unit.rstrip(b"\0") for unit in units if unit and unit[0] & 0x1F == SEI]


def sei_in(path):
    """Of a file that may still be written."""
    if not os.path.exists(path) or os.path.getsize(path) < 100_000:
        return []
    try:
        return sei_of(annex_b(path, *(("-f", "h264") if path.endswith("h264") else ())))
    except subprocess.CalledProcessError:    # too little of it
        return []


def klv_in(path):
    return copied("-i", path, "-map", "0:d:0", "-c", "copy", "-f", "data")


def codecs_in(path):
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "json", path]
    probed = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    return [one.get("codec_name") for one in json.loads(probed)["streams"]]


def is_part(some, whole, what):
    """What came is a piece of what was sent, without a hole."""
    assert len(some) >= ENOUGH, (what, len(some))
    begins = [at for at, one in enumerate(whole) if one == some[0]]
    assert any(whole[at:at + len(some)] == some for at in begins), f"{what}: not as it was sent"


def is_whole_klv(some, said, what):
    """Bytes of many units, as they were sent."""
    assert len(some) > KLV_BYTES, (what, len(some))
    assert some in b"".join(said), f"{what}: its KLV is not as it was sent"


def klv_heard(events):
    return [base64.b64decode(one["klv"]) for kind, one in list(events.came)
            if kind == "text" and one.get("kind") == "klv"]


def save(scene, name, data):
    path = os.path.join(scene.folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def hls_segments(near, rest):
    """The addresses of the segments of a list; none where there is no list yet."""
    base = rest.rsplit("/", 1)[0]
    status, body = near.get(rest)
    names = [line for line in body.decode().splitlines() if line and not line.startswith("#")] \
        if status == 200 else []
    if names and names[0].split("?")[0].endswith(".m3u8"):
        return hls_segments(near, f"{base}/{names[0]}")
    return [f"{base}/{name}" for name in names]


def klv_by_rtsp(scene, address, protocols, name):
    """A stranger that knows KLV over RTP, and writes it into a file; the pictures it drops."""
    path = os.path.join(scene.folder, f"{name}.klv")
    return peers.Player(name, [
        "gst-launch-1.0", "-q", "-e", "rtspsrc", f"location={address}", f"protocols={protocols}",
        "latency=200", "name=source", "source.", "!", "application/x-rtp,media=video", "!", "fakesink",
        "source.", "!", "application/x-rtp,media=application,encoding-name=SMPTE336M", "!", "rtpklvdepay",
        "!", "filesink", "buffer-mode=unbuffered", f"location={path}"], scene.folder, path)


@test()
def sei_and_klv_of_a_source_pass_untouched_to_every_form_and_are_recorded(scene):
    path, said = film(scene.folder)
    sei = sei_of(annex_b(path))
    assert len(sei) >= SECONDS * FPS and len(set(sei)) > FPS // 2, "each picture has SEI of its own"
    assert "klv" in codecs_in(path), codecs_in(path)
    port = free_port(socket.SOCK_DGRAM)
    streams = f"streams={{ live/cam: {{ source: \"udp://@127.0.0.1:{port}\", record: true }} }}"
    show = ["ffmpeg", "-v", "error", "-nostdin", "-re", "-i", path, "-map", "0", "-c", "copy", "-f", "mpegts",
            f"udp://127.0.0.1:{port}?pkt_size=1316"]
    with contextlib.ExitStack() as stack:
        near = stack.enter_context(second_node(scene, "--set", streams, *ALLOW))
        events = Messages(near, "/live/cam/events")
        with peers.Program("shows", show, scene.folder) as shows:
            near.wait_live("live/cam")
            place = lambda name: os.path.join(scene.folder, name)      # noqa: E731
            loads = [peers.Player(name, ["curl", "-sN", "-o", place(name),
                                         near.http(f"/live/cam.{name[5:]}")],
                                  scene.folder, place(name)) for name in ("live.ts", "live.mp4")]
            loads.append(peers.Player("rtsp", ["ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i",
                                               near.rtsp("live/cam"), "-map", "0:v", "-c", "copy", "-f",
                                               "h264", "-y", place("rtsp.h264")], scene.folder,
                                      place("rtsp.h264")))
            klv = [klv_by_rtsp(scene, near.rtsp("live/cam"), by, f"klv-{by}") for by in ("tcp", "udp")]
            pulled = f"streams={{ live/cam: {{ source: \"{near.rtsp('live/cam')}\" }} }}"
            far = stack.enter_context(second_node(scene, "--set", pulled, *ALLOW, folder="far"))
            far_events = Messages(far, "/live/cam/events")
            for one in klv:
                node.until(lambda one=one: len(one.bytes()) > KLV_BYTES, SECONDS,
                           f"{one.name} has enough KLV")
            for one in (events, far_events):
                node.until(lambda one=one: len(klv_heard(one)) >= ENOUGH, SECONDS, "events tell enough KLV")
            for one in loads:
                node.until(lambda one=one: len(sei_in(one.path)) >= ENOUGH, SECONDS,
                           f"{one.name} has enough pictures")
            listed = node.until(lambda: more_than(2, hls_segments(near, "/live/cam/ts.m3u8")), SECONDS,
                                "there is a list")
            segments = save(scene, "hls.ts", b"".join(near.get(one)[1] for one in listed))
            shows.stop()
            for one in loads + klv:
                one.stop()
        heard = klv_heard(events)
        is_part(heard, said, "events")
        is_part(klv_heard(far_events), said, "events of a node that pulls by RTSP")
        for one in klv:
            is_whole_klv(one.bytes(), said, one.name)
        for one in loads:
            is_part(sei_in(one.path), sei, one.name)
        for found in (os.path.join(scene.folder, "live.ts"), segments):
            assert "klv" in codecs_in(found), (found, codecs_in(found))
            is_whole_klv(klv_in(found), said, found)
        recorded = node.until(lambda: whole_recording(near, len(heard)), PATIENCE, "the recording is whole")
        is_part([base64.b64decode(one["klv"]) for one in recorded], said, "recorded")
        for form in ("archive.ts", "archive.mp4"):
            status, body = near.get(f"/live/cam/{form}")
            assert status == 200
            is_part(sei_of(annex_b(save(scene, form, body))), sei, form)
        is_whole_klv(klv_in(os.path.join(scene.folder, "archive.ts")), said, "archive.ts")
        with klv_by_rtsp(scene, f"{near.rtsp('live/cam')}/archive", "tcp", "klv-archive") as archived:
            node.until(lambda: len(archived.bytes()) > KLV_BYTES, PATIENCE, "recorded KLV comes by RTSP")
            archived.stop()
            is_whole_klv(archived.bytes(), said, "archive by RTSP")


def more_than(count, some):
    return some if len(some) > count else None


def whole_recording(near, least):
    """Of each picture that was recorded its KLV; None while it is less than that many."""
    status, body = near.get("/api/v1/recordings/live/cam/results?kind=klv&limit=1000")
    items = json.loads(body)["items"] if status == 200 else []
    return items if len(items) >= least else None
