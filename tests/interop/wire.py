"""What an RTSP viewer of ours saw, as a capture that tshark reads: no rights on the network are needed."""

import re
import struct
import subprocess

SERVER, VIEWER = bytes([127, 0, 0, 1]), bytes([127, 0, 0, 2])
RTSP_PORT, VIEWER_PORT = 8554, 40000      # the dissector knows the former
SEGMENT_MAX = 1400
RAW_IP = 101


def _ip(protocol, from_server, body):
    ends = (SERVER, VIEWER) if from_server else (VIEWER, SERVER)
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + b"".join(ends) + body


def capture(path, wire):
    """Writes `Viewer.wire` as a pcap file."""
    numbers = {True: 1, False: 1}
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, RAW_IP))

        def write(moment, packet):
            whole = int(moment)
            file.write(struct.pack("<IIII", whole, int((moment - whole) * 1e6), len(packet), len(packet)))
            file.write(packet)

        for moment, from_server, where, data in sorted(wire, key=lambda one: one[0]):
            if where != "tcp":
                body = struct.pack(">HHHH", where[0], where[1], 8 + len(data), 0) + data
                write(moment, _ip(17, from_server, body))
                continue
            ports = (RTSP_PORT, VIEWER_PORT) if from_server else (VIEWER_PORT, RTSP_PORT)
            for at in range(0, len(data), SEGMENT_MAX):
                piece = data[at:at + SEGMENT_MAX]
                head = struct.pack(">HHIIBBHHH", *ports, numbers[from_server], numbers[not from_server],
                                   0x50, 0x18, 65535, 0, 0)
                numbers[from_server] += len(piece)
                write(moment, _ip(6, from_server, head + piece))


def check(path, packets):
    """tshark sees so many RTP packets and finds nothing wrong in what the server sent."""
    seen = subprocess.run(["tshark", "-r", path, "-Y", "rtp", "-T", "fields", "-e", "rtp.seq"],
                          capture_output=True, text=True, timeout=60, check=True).stdout
    count = len(re.findall(r"\d+", seen))
    assert count >= packets, f"tshark finds {count} RTP packets, not {packets}"
    said = subprocess.run(["tshark", "-r", path, "-q", "-z", "expert"], capture_output=True, text=True,
                          timeout=60, check=True).stdout
    bad = [line for line in said.splitlines() if re.search(r"Malformed|Errors? \(|Undecoded", line)]
    assert not bad, said[:2000]
