"""Bytes no honest client sends, while a canary stream must not lose a frame; cases by number, short forms."""

import contextlib
import os
import socket
import struct
import time

import amf0
import flv
import ledger
import node
import peers
import rtmp
from scenario import test

CLOSED_SECONDS = 10 + 3      # an offender is told or closed within 10 s


def client(scene, app="live", key="hostile"):
    return rtmp.Client(scene.rtmp_address, app, key)


def raw(scene, data, source=""):
    host, port = scene.rtmp_address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), CLOSED_SECONDS, (source, 0))
    connection.sendall(data)
    return connection


def closes(connection):
    """The server ends the conversation."""
    connection.settimeout(CLOSED_SECONDS)
    try:
        while connection.recv(65536):
            pass
    except (ConnectionError, BrokenPipeError):
        pass
    except TimeoutError:
        raise AssertionError(f"still open after {CLOSED_SECONDS} s") from None
    connection.close()


@contextlib.contextmanager
def canary(scene):
    """Another stream, published and watched meanwhile; it must lose nothing."""
    clip = scene.clip()
    with scene.publication() as publisher:
        with peers.FlvReader(scene.flv()) as viewer:
            yield
            scene.exact(clip, viewer.receive_all(ledger.of_clip(clip)))
        publisher.succeed()


def after_handshake(scene, data):
    connection = client(scene)
    connection.handshake()
    with contextlib.suppress(ConnectionError, BrokenPipeError):
        connection.socket.sendall(data)
    return connection.socket


def chunk(kind, payload, channel=3, length=None, stream=0):
    size = len(payload) if length is None else length
    return (bytes([channel]) + bytes(3) + size.to_bytes(3, "big") + bytes([kind]) + struct.pack("<I", stream)
            + payload)


ENDINGS = {
    "case_2_version_0": lambda scene: raw(scene, b"\x00" + os.urandom(1536)),
    "case_3_chunk_size_zero": lambda scene: after_handshake(scene, chunk(1, bytes(4), channel=2)),
    "case_3_chunk_size_negative": lambda scene: after_handshake(scene, chunk(1, b"\x80\0\0\0", channel=2)),
    "case_5_type_3_first": lambda scene: after_handshake(scene, b"\xc5" + bytes(64)),
    "case_6_amf_nested_deep": lambda scene: after_handshake(scene, chunk(1, b"\0\1\0\0", channel=2) + chunk(
        20, amf0.encode_all("connect", 1) + b"\x03\x00\x01a" * 15000)),
    "case_6_amf_string_beyond_message": lambda scene: after_handshake(scene, chunk(20, b"\x02\xff\xffco")),
}


@test(company="hostile")
def hostile_openings_are_closed_and_the_canary_sings(scene):
    with canary(scene):
        for name, opening in ENDINGS.items():
            try:
                closes(opening(scene))
            except AssertionError as error:
                raise AssertionError(f"{name}: {error}") from None


@test(company="hostile")
def case_1_half_handshakes_are_closed_and_a_publisher_still_gets_in(scene):
    halves = [raw(scene, b"\x03" + bytes(7 * number), f"127.0.0.{2 + number % 4}") for number in range(200)]
    with canary(scene):
        for connection in halves:
            closes(connection)


@test()
def case_4_memory_goes_by_what_came_not_by_what_was_announced(scene):
    before = scene.server.resident_kilobytes()
    flood = b"".join(chunk(9, b"x", channel, length=0xFFFFFF, stream=1) for channel in range(4, 64))
    connections = [after_handshake(scene, flood) for _ in range(8)]
    with canary(scene):
        pass
    grown = scene.server.resident_kilobytes() - before
    for connection in connections:
        connection.close()
    assert grown < 20 * 1024, f"{grown} KB more"


@test(company="hostile")
def case_7_commands_in_the_wrong_order(scene):
    with canary(scene):
        for name, arguments in (("publish", ("x", "live")), ("play", ("x",)), ("deleteStream", (9,))):
            with client(scene) as offender:
                offender.handshake()
                with contextlib.suppress(ConnectionError, rtmp.Refused, TimeoutError):
                    offender.command(name, None, *arguments)
                    for _ in offender.commands(time.monotonic() + 1):
                        pass


@test(company="hostile")
def case_8_and_9_video_that_is_none_is_dropped(scene):
    clip = scene.clip()
    rubbish = [b"", b"\x17", b"\x17\x00\x00\x00\x00" + b"\x01\x64\x00\x1f\xff\xff" + b"\xff" * 64,
               b"\x17\x01\x00\x00\x00" + b"\xff\xff\xff\xff" + bytes(16), b"\x17\x01\x00\x00\x00" + bytes(4),
               b"\x90hvc1", b"\x9fxxxx" + bytes(9), b"\xf7\x01", os.urandom(500)]
    with canary(scene), peers.Publisher(scene.rtmp_address, clip, "live/hostile") as offender:
        offender.client.publish()
        with contextlib.suppress(ConnectionError, rtmp.Refused):
            for body in rubbish * 5:
                offender.client.send(flv.VIDEO, body, stream=offender.client.stream, channel=6)
                offender.client.send(flv.AUDIO, body, stream=offender.client.stream, channel=4)


@test(company="hostile")
def case_12_names_that_are_none(scene):
    names = ["", "..", "a/../../etc", "%2e%2e", "a\0b", "a\r\nb", "\u202egpj", "<img onerror>", ";rm",
             "$(id)", "x" * 65, "x" * 65536, "/".join("abcdefghi")]
    with canary(scene):
        for key in names:
            with client(scene, "live" if key else "..", key) as offender:
                try:
                    offender.publish()
                except (rtmp.Refused, ConnectionError):
                    continue
                raise AssertionError(f"{key[:40]!r} was let in")
    total = scene.server.get("/api/v1/streams")[1]
    assert b"img" not in total and b"etc" not in total, total


@test()
def f17_a_viewer_that_stops_reading_harms_nobody(scene):
    """Short form: 50 viewers that never read, on each protocol, while a canary is watched."""
    before = scene.server.resident_kilobytes()
    host, port = scene.server.listeners["http"].rsplit(":", 1)
    stalled = []
    with canary(scene):
        for number in range(100):
            if number % 2:
                player = rtmp.Client(scene.rtmp_address, "live", "cam")
                player.play()
                stalled.append(player.socket)
            else:
                connection = socket.create_connection((host, int(port)))
                connection.sendall(b"GET /live/cam.flv HTTP/1.1\r\nHost: a\r\n\r\n")
                stalled.append(connection)
    grown = scene.server.resident_kilobytes() - before
    for connection in stalled:
        connection.close()
    assert grown < 60 * 1024, f"{grown} KB more for 100 stalled viewers"
    node.until(lambda: scene.server.descriptors() < 60, 20, "descriptors are given back")
