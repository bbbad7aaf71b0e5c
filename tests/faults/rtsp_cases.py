"""Cases 13 to 20, 22 to 24, 26, 29 and 30 at the RTSP port: what no honest player or publisher sends."""

import base64
import contextlib
import os
import random
import socket
import struct
import time

import node
from keys import PASSWORDS, closed_node
from rtsp_talk import SDP, TCP, Talk, frame, packet
from world import CLOSED_SECONDS, closed, elsewhere, push, test

SESSION_SECONDS = 60 + 3
STRANGERS_MAX = 128      # of one address, see net/lobby.hpp
SETUPS = 1000
LENGTHS = ("-1", "2147483648", "9223372036854775808", "12abc", "5\r\nContent-Length: 6")


def answered(connection, *statuses):
    """The server says one of these and ends the conversation, or just ends it."""
    said = closed(connection)
    connection.close()
    assert not said or any(f"RTSP/1.0 {status}".encode() in said for status in statuses), said[:200]


@test(quick=True)
def case_13_a_request_without_end(world):
    with world.fault():
        for begins in (b"", b"DESCRIBE ", b"OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\nX: "):
            answered(world.raw("rtsp", begins + b"a" * (1 << 20)), 400, 413, 414)


@test(quick=True)
def case_14_lengths_that_are_none(world):
    with world.fault():
        for length in LENGTHS:
            connection = world.raw("rtsp", f"ANNOUNCE rtsp://a/live/x RTSP/1.0\r\nCSeq: 1\r\n"
                                           f"Content-Length: {length}\r\n\r\n".encode())
            answered(connection, 400, 413)


@test(quick=True)
def case_15_numbers_that_are_none(world):
    with world.fault():
        for field in ("", "CSeq: -1\r\n", "CSeq: x\r\n", "CSeq: " + "1" * (5 << 20) + "\r\n"):
            answered(world.raw("rtsp", f"OPTIONS * RTSP/1.0\r\n{field}\r\n".encode()), 400, 413)


@test(quick=True)
def case_16_the_session_of_another_connection(world):
    with world.fault():
        victim, thief = Talk(world).play(), Talk(world)
        assert thief.describe()[0] == 200
        for method in ("PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"):
            status, _, _ = thief.ask(method, headers=(f"Session: {victim.session}",))
            assert status == 454, f"{method}: {status}"
        for _ in range(20):
            victim.next_frame()
        assert victim.ask("TEARDOWN")[0] == 200
        victim.close()
        thief.close()


@test()
def case_17_sessions_that_are_never_played(world):
    with world.fault():
        waiting, refused = [], 0
        for _ in range(SETUPS):
            try:
                talk = Talk(world, source="127.0.0.2")
                assert talk.describe()[0] == 200 and talk.set_up()[0] == 200
                waiting.append((talk, time.monotonic()))
            except ConnectionError:
                refused += 1
        assert len(waiting) <= STRANGERS_MAX and refused == SETUPS - len(waiting), (len(waiting), refused)
        honest = Talk(world).play()
        honest.next_frame()
        honest.close()
        for talk, when in waiting:
            closed(talk.socket, max(1.0, when + SESSION_SECONDS - time.monotonic()))
            talk.close()


@test(quick=True)
def case_18_packets_for_a_third_host(world):
    with world.fault(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        while True:
            victim.bind(("127.0.0.9", 0))
            port = victim.getsockname()[1]
            if port % 2 == 0:
                break
            victim.close()
            victim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        talk = Talk(world)
        assert talk.describe()[0] == 200
        for where in ("destination=127.0.0.9", "destination=127.0.0.9;source=127.0.0.9"):
            status, headers = talk.set_up(transport=f"RTP/AVP;unicast;{where};client_port={port}-{port + 1}")
            assert status in (200, 461), status
            assert "127.0.0.9" not in headers.get("transport", "")
        if talk.session:
            assert talk.ask("PLAY")[0] == 200
        victim.settimeout(1)
        with contextlib.suppress(TimeoutError):
            raise AssertionError(f"a third host got {victim.recv(2000)[:40]!r}")
        talk.close()


@test(quick=True)
def case_19_channels_and_ports_that_are_none(world):
    with world.fault():
        talk = Talk(world)
        assert talk.describe()[0] == 200
        for transport in ("RTP/AVP/TCP;unicast;interleaved=255-256", "RTP/AVP/TCP;interleaved=1-0",
                          "RTP/AVP;unicast;client_port=65535-65536", "RTP/AVP;unicast;client_port=4001-4002",
                          "RTP/AVP;unicast;client_port=4000-4000", "RTP/SAVP;unicast;client_port=4000-4001",
                          "RTP/AVP;unicast", "x" * 5000, ";;;,,,"):
            status, _ = talk.set_up(transport=transport)
            assert status in (400, 461), f"{transport[:60]}: {status}"
        talk.close()


@test()
def case_20_frames_for_nobody_and_frames_that_stall(world):
    with world.fault():
        talk = Talk(world)
        push(talk.socket, frame(77, b"x" * 65535))
        assert talk.describe()[0] == 200
        push(talk.socket, frame(200, b"y" * 65535))
        assert talk.set_up()[0] == 200
        push(talk.socket, frame(0, b"z" * 100, length=65535))
        since = time.monotonic()
        closed(talk.socket, SESSION_SECONDS)
        assert time.monotonic() - since > 1, "it was not given its time"
        talk.close()


def hurt(world, name, packets):
    """A publisher sends these; it is still listened to, or told its end, and nothing breaks."""
    talk = Talk(world, name).record()
    for one in packets:
        push(talk.socket, frame(0, one))
    push(talk.socket, frame(1, os.urandom(200)))
    with contextlib.suppress(ConnectionError, TimeoutError):
        talk.ask("TEARDOWN")
    talk.close()


@test(quick=True)
def case_22_packets_that_lie_about_themselves(world):
    chance = random.Random(22)
    with world.fault():
        lies = [b"", b"\x80", packet(1, 0, b"x", first=0x00), packet(2, 0, b"x", first=0x8F),
                packet(3, 0, b"\xbe\xde\xff\xff", first=0x90), packet(4, 0, b"x\xff", first=0xA0),
                packet(5, 0, b"")]
        lies += [chance.randbytes(chance.randrange(1500)) for _ in range(500)]
        hurt(world, "live/offender", lies)


@test(quick=True)
def case_23_and_24_fragments_without_end_and_units_beyond_their_packet(world):
    with world.fault():
        begin, middle, end = b"\x7c\x85", b"\x7c\x05", b"\x7c\x45"
        odd = [middle + b"m" * 1000, end + b"e" * 1000, begin + b"b" * 1000, begin + b"b" * 1000]
        odd += [middle + b"m" * 1400] * 20_000
        odd += [b"\x78\xff\xff\x65", b"\x78\x00\x00", b"\x78\x00\x01", b"\x79\x00"]
        hurt(world, "live/offender", [packet(n, n // 50 * 3600, one) for n, one in enumerate(odd)])


@test(quick=True)
def case_26_farewells_of_strangers_and_a_thousand_reports_at_once(world):
    with world.fault():
        farewell = struct.pack(">BBHI", 0x81, 203, 1, 99)
        longer = struct.pack(">BBHI", 0x80, 200, 0xFFFF, 7)
        report = struct.pack(">BBHIIIIII", 0x80, 200, 6, 7, 4_000_000_000, 0, 0, 1, 2)
        talk = Talk(world, "live/offender").record()
        push(talk.socket, frame(0, packet(1, 0, b"\x65\x88", marker=True)))
        for one in (farewell, longer, farewell + longer, *[report] * 1000):
            push(talk.socket, frame(1, one))
        assert talk.ask("GET_PARAMETER")[0] == 200, "it goes on"
        assert talk.ask("TEARDOWN")[0] == 200
        talk.close()


@test(options=closed_node)
def case_29_ten_wrong_passwords_and_no_more(world):
    user, (password, _) = "guest", PASSWORDS["guest"]
    def proof(word):
        return "Authorization: Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()
    with world.fault():
        statuses = []
        for number in range(14):
            talk = Talk(world, "live/none", source="127.0.0.3")
            statuses.append(talk.ask("DESCRIBE", headers=(proof(f"wrong {number}"),))[0])
            talk.close()
        assert statuses[:10] == [401] * 10 and statuses[10:] == [503] * 4, statuses
        talk = Talk(world, "live/none", source="127.0.0.4")
        status, headers, _ = talk.ask("DESCRIBE")
        assert status == 401 and "Basic realm=" in headers["www-authenticate"], headers
        assert talk.ask("DESCRIBE", headers=(proof(password),))[0] == 404
        long_name = "Authorization: Digest username=\"" + "u" * 12_000 + "\""
        assert talk.ask("DESCRIBE", headers=(long_name,))[0] >= 400
        talk.close()
        assert password not in world.server.said()


def tunnel(method, cookie, path="/canary/bird"):
    length = "Content-Length: 32767\r\n" if method == "POST" else ""
    return (f"{method} {path} HTTP/1.0\r\nx-sessioncookie: {cookie}\r\n"
            f"Accept: application/x-rtsp-tunnelled\r\n{length}\r\n").encode()


@test(quick=True, waits=True)
def case_30_tunnels_that_are_dug_from_the_wrong_end(world):
    describe = base64.b64encode(b"DESCRIBE rtsp://a/canary/bird RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    with world.fault():
        assert b" 400 " in closed(world.raw("rtsp", tunnel("POST", "early")))
        assert b" 400 " in closed(world.raw("rtsp", b"GET / HTTP/1.0\r\n\r\n"))
        get = world.raw("rtsp", tunnel("GET", "one"))
        assert b" 200 " in get.recv(4096)
        assert b" 400 " in closed(world.raw("rtsp", tunnel("GET", "one"))), "a cookie twice"
        assert b" 400 " in closed(world.raw("rtsp", tunnel("POST", "one"), "127.0.0.5")), "another's cookie"
        post = world.raw("rtsp", tunnel("POST", "one"))
        push(post, describe)
        assert b"RTSP/1.0 200" in get.recv(65536)
        push(get, tunnel("POST", "one"))      # on the connection of the GET
        closed(get)
        closed(post)
