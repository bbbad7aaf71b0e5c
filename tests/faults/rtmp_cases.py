"""Cases 1 to 7 and 11: openings, chunks, commands and rates that no honest RTMP client sends."""

import contextlib
import os
import random
import select
import struct
import time

import amf0
import node
import rtmp
from world import CLOSED_SECONDS, closed, elsewhere, peer_of, push, test

HALF_HANDSHAKES = 1000
MESSAGE_BYTES_MAX = 8 << 20      # of one message of video


def chunk(kind, payload, channel=3, length=None, stream=0):
    """One chunk with a full header; its message may be announced longer than it is."""
    size = len(payload) if length is None else length
    if channel < 64:
        basic = bytes([channel])
    elif channel < 320:
        basic = bytes([0, channel - 64])
    else:
        basic = b"\x01" + struct.pack("<H", channel - 64)
    return basic + bytes(3) + size.to_bytes(3, "big") + bytes([kind]) + struct.pack("<I", stream) + payload


def opened(world):
    """A connection behind its handshake."""
    client = world.client()
    client.handshake()
    return client


def ended_with(world, data, *words):
    """After a handshake these bytes end the conversation, and the log says why."""
    client = opened(world)
    peer = peer_of(client.socket)
    push(client.socket, data)
    closed(client.socket)
    client.socket.close()
    world.wait_said(peer, "rtmp", *words)


def command_error(client, patience=CLOSED_SECONDS):
    """Waits for an _error, an onStatus of level error, or the end; gives which."""
    try:
        for command in client.commands(time.monotonic() + patience):
            if command[0] == "_error":
                return "error"
            if command[0] == "onStatus" and command[3].get("level") == "error":
                return "error"
    except (rtmp.Refused, ConnectionError):
        return "closed"
    except TimeoutError:
        return "silence"


@test(quick=True, waits=True)
def case_1_a_thousand_unfinished_handshakes(world):
    chance = random.Random(1)
    with world.fault():
        waiting = {}
        for _ in range(HALF_HANDSHAKES):
            data = (b"\x03" + chance.randbytes(1536))[:chance.randrange(1537)]
            connection = world.raw("rtmp", data, elsewhere(len(waiting)))
            waiting[connection.fileno()] = (connection, time.monotonic())
        client, source = world.publisher("live/honest")
        source.begin()
        source.step()
        node.until(lambda: world.document("live/honest"), CLOSED_SECONDS, "a real publisher gets in")
        poll = select.poll()
        for number in waiting:
            poll.register(number, select.POLLIN)
        deadline = max(when for _, when in waiting.values()) + CLOSED_SECONDS
        while waiting and time.monotonic() < deadline:
            for number, _ in poll.poll(200):
                connection, _ = waiting[number]
                with contextlib.suppress(ConnectionError):
                    if connection.recv(65536):
                        continue
                poll.unregister(number)
                waiting.pop(number)
                connection.close()
        assert not waiting, f"{len(waiting)} unfinished handshakes are still open"
        client.unpublish()
        client.socket.close()


@test()
def case_2_versions_and_digests_that_are_none(world):
    with world.fault():
        for version in (0, 1, 2, 4, 6, 8, 255):
            connection = world.raw("rtmp", bytes([version]) + os.urandom(1536))
            peer = peer_of(connection)
            closed(connection)
            connection.close()
            world.wait_said(peer, "rtmp")
        for c1 in (os.urandom(1536), b"\x00" * 4 + b"\x80\x00\x07\x02" + os.urandom(1528),
                   b"\xff" * 1536, bytes(4) + b"\x0a\x00\x2d\x02" + b"\xff" * 1528):
            client = world.client("live/random")
            client.socket.sendall(b"\x03" + c1)
            answer = client._exactly(1 + 1536 + 1536)
            assert answer[0] == 3, f"S0 is {answer[0]}"
            client.socket.sendall(os.urandom(1536))      # what C2 says decides nothing
            client.handshake = lambda: None
            client.publish()
            client.unpublish()
            client.socket.close()


@test(quick=True)
def case_3_chunk_sizes_zero_and_negative_end_the_conversation(world):
    with world.fault():
        for size in (0, 0x80000000, 0xFFFFFFFF):
            ended_with(world, chunk(1, struct.pack(">I", size), channel=2), "chunk size")
        ended_with(world, chunk(1, b"\x00\x01", channel=2), "left")


@test()
def case_3_the_largest_chunk_size_is_taken(world):
    with world.fault():
        client = world.client()
        client.connect()
        client.send(rtmp.SET_CHUNK_SIZE, struct.pack(">I", 0x7FFFFFFF), channel=2)
        client.chunk_size_out = 0xFFFFFF
        client.connect = lambda: None
        client.publish()
        client.unpublish()
        client.socket.close()


@test(builds=("release",))
def case_3_chunks_of_one_byte_cost_little(world):
    """1 Mbit/s in chunks of one byte, for 5 s of media: under 20 % of a core, whatever the clock says."""
    seconds, frame = 5, 5000
    with world.fault():
        client, source = world.publisher()
        source.begin()
        source.step()
        client.set_chunk_size(1)
        body = b"\x27\x01\x00\x00\x00" + struct.pack(">I", frame - 9) + b"\x41\x9a" + os.urandom(frame - 11)
        before, begun = world.cpu_seconds(), time.monotonic()
        for number in range(seconds * 25):
            head = chunk(9, body[:1], channel=6, length=frame, stream=client.stream)
            head = head[:1] + (40 * number).to_bytes(3, "big") + head[4:]
            rest = bytearray(2 * (frame - 1))
            rest[0::2] = b"\xc6" * (frame - 1)
            rest[1::2] = body[1:]
            client.socket.sendall(head + rest)
            time.sleep(max(0.0, begun + number / 25 - time.monotonic()))
        node.until(lambda: (world.document("live/offender") or {}).get("bytes_in", 0) >= 25 * frame * seconds,
                   CLOSED_SECONDS, "all of it is read")
        spent = world.cpu_seconds() - before
        assert spent < 0.2 * seconds, f"{spent:.2f} s of CPU for {seconds} s at 1 Mbit/s"
        client.socket.close()


@test(quick=True)
def case_4_announced_lengths_cost_no_memory(world):
    flood = b"".join(chunk(9, b"x", channel, length=0xFFFFFF, stream=1) for channel in range(3, 67))
    with world.fault():
        resident = world.server.resident_kilobytes()
        clients = [opened(world) for _ in range(40)]
        for client in clients:
            push(client.socket, flood)
        grown = world.server.resident_kilobytes() - resident
        assert world.sanitized or grown < 10 * 1024, f"{grown} KB more for 40 connections"
        for client in clients:
            closed(client.socket)
            client.socket.close()


@test()
def case_4_a_publisher_cannot_hold_more_than_the_budget(world):
    """60 messages as long as they may be, begun and fed: the conversation ends long before they are there."""
    with world.fault():
        client = world.client()
        client.publish()
        peer = peer_of(client.socket)
        client.set_chunk_size(65536)
        resident, sent = world.server.resident_kilobytes(), 0
        with contextlib.suppress(ConnectionError, rtmp.Refused):
            for round_ in range(16):
                for channel in range(3, 63):
                    part = (chunk(9, bytes(65536), channel, length=MESSAGE_BYTES_MAX, stream=1) if round_ == 0
                            else bytes([0xC0 | channel]) + bytes(65536))
                    client.socket.sendall(part)
                    sent += len(part)
                    client.listen()
        closed(client.socket)
        grown = world.server.resident_kilobytes() - resident
        assert sent < 60 << 20, f"{sent} bytes of unfinished messages were taken"
        assert world.sanitized or grown < 40 * 1024, f"{grown} KB more"
        client.socket.close()
        world.wait_said(peer, "rtmp")


@test(quick=True, waits=True)
def case_5_chunks_without_a_beginning(world):
    many = b"".join(chunk(9, b"x", channel, length=1000, stream=1) for channel in range(3, 65600))
    with world.fault():
        ended_with(world, b"\xc5" + bytes(64), "left")
        ended_with(world, b"\x85" + bytes(64), "left")
        ended_with(world, b"\x45" + bytes(64), "left")
        ended_with(world, b"\xc0\x20" + bytes(64), "left")
        ended_with(world, b"\xc1\xff\xff" + bytes(64), "left")
        ended_with(world, many, "left")
        # Interrupted by a full header on the same chunk stream, again and again.
        ended_with(world, chunk(9, b"x" * 128, 6, length=1000) * 5000 + b"\xc5" + bytes(64), "left")


ROTTEN_AMF = {
    "nested objects": b"\x03" + b"\x00\x01a\x03" * 70000,
    "nested arrays": b"\x0a\x00\x00\x00\x01" * 70000,
    "a strict array of 2^32-1": b"\x0a\xff\xff\xff\xff" + b"\x05" * 100,
    "a strict array of 2^31": b"\x0a\x80\x00\x00\x00",
    "an ECMA array of 2^32-1 without an end": b"\x08\xff\xff\xff\xff\x00\x01a\x05",
    "a string longer than its message": b"\x02\xff\xffabc",
    "a long string longer than its message": b"\x0c\xff\xff\xff\xffabc",
    "an object without an end": b"\x03\x00\x01a\x05",
    "a reference to itself": b"\x03\x00\x01a\x07\x00\x00\x00\x00\x09",
    "a reference to nothing": b"\x07\xff\xff",
    "a marker that is none": b"\xee",
    "a number cut short": b"\x00\x40",
}


@test(quick=True)
def case_6_amf_that_is_none_in_connect(world):
    with world.fault():
        for name, value in ROTTEN_AMF.items():
            client = opened(world)
            peer = peer_of(client.socket)
            client.set_chunk_size(0x100000)
            with contextlib.suppress(ConnectionError):
                client.send(rtmp.COMMAND, amf0.encode_all("connect", 1) + value)
            verdict = command_error(client)
            assert verdict != "silence", f"{name}: neither an error nor an end"
            client.socket.close()
            world.wait_said(peer, "rtmp")


@test()
def case_6_amf_that_is_none_in_metadata(world):
    """Metadata is a publisher's own: it is dropped, or the publisher is; the stream's frames are right."""
    with world.fault():
        for number, (name, value) in enumerate(ROTTEN_AMF.items()):
            client, source = world.publisher(f"live/rotten{number}")
            client.set_chunk_size(0x100000)
            with contextlib.suppress(ConnectionError, rtmp.Refused):
                client.send(rtmp.SCRIPT, amf0.encode_all("@setDataFrame", "onMetaData") + value,
                            stream=client.stream)
                client.send(rtmp.SCRIPT, amf0.encode_all("onMetaData") + value, stream=client.stream)
                source.begin()
                for _ in range(10):
                    source.step()
                client.listen()
                peer = peer_of(client.socket)
                node.until(lambda: world.document(f"live/rotten{number}")["frames_in"] >= 10
                           or any(f"publisher {peer}" in line for line in world.lines()), 5, name)
            client.socket.close()


@test(quick=True)
def case_7_commands_out_of_their_order(world):
    def before_connect(name, *arguments):
        client = opened(world)
        client.command(name, None, *arguments)
        return client

    def before_create_stream(name, *arguments):
        client = world.client()
        client.connect()
        client.command(name, None, *arguments, stream=1)
        return client

    with world.fault():
        for opening in (before_connect, before_create_stream):
            for name, arguments in (("publish", ("x", "live")), ("play", ("x",))):
                client = opening(name, *arguments)
                peer = peer_of(client.socket)
                assert command_error(client) != "silence", f"{name} {opening.__name__}"
                client.socket.close()
                world.wait_said(peer, "rtmp")


@test()
def case_7_what_comes_twice_or_is_not_ours(world):
    with world.fault():
        publisher, source = world.publisher("live/one")
        source.begin()
        for _ in range(20):
            source.step()
        player = world.client("live/one")
        player.play()
        # `play` and `publish` again, and the end of streams that are not ours.
        for client in (player, publisher):
            for name, arguments in (("play", ("one",)), ("publish", ("two", "live")), ("deleteStream", (9,)),
                                    ("deleteStream", (0,)), ("deleteStream", ()), ("deleteStream", (-1,)),
                                    ("deleteStream", (1e300,)), ("createStream", ())):
                with contextlib.suppress(ConnectionError):
                    client.command(name, None, *arguments, stream=1)
        stranger = world.client("live/one")
        stranger.connect()
        stranger.command("deleteStream", None, 1)
        stranger.command("FCUnpublish", None, "one")
        stranger.command("closeStream", None, stream=1)
        for _ in range(20):
            source.step()
        document = world.document("live/one")
        assert document and document["state"] == "live", f"the stream is {document and document['state']}"
        node.until(lambda: world.document("live/one")["frames_in"] >= 40, 5, "its publisher goes on")
        for client in (publisher, player, stranger):
            client.socket.close()


def flooded(world, client, message):
    """Sends a message at full speed until the conversation ends; gives how often."""
    peer, sent, deadline = peer_of(client.socket), 0, time.monotonic() + CLOSED_SECONDS
    bulk = message * 100
    try:
        while time.monotonic() < deadline:
            client.socket.sendall(bulk)
            sent += 100
            time.sleep(0.01)      # 10,000 a second
            while select.select([client.socket], [], [], 0)[0]:
                if not client.socket.recv(65536):
                    raise ConnectionError
    except ConnectionError:
        client.socket.close()
        world.wait_said(peer, "rtmp")
        return sent
    raise AssertionError(f"{sent} messages were taken in {CLOSED_SECONDS} s")


@test(quick=True)
def case_11_floods_are_closed(world):
    ping = chunk(4, b"\x00\x06\x00\x00\x00\x01", channel=2)
    metadata = chunk(18, amf0.encode_all("onMetaData", {"width": 1}), channel=5, stream=1)
    command = chunk(20, amf0.encode_all("x", 9, None), channel=3)
    with world.fault():
        for message in (ping, metadata, command):
            client, source = world.publisher("live/flood")
            source.begin()
            source.step()
            flooded(world, client, message)
            flooded(world, opened(world), message)


@test()
def case_11_a_player_that_floods_is_closed(world):
    ping = chunk(4, b"\x00\x06\x00\x00\x00\x01", channel=2)
    with world.fault():
        client, source = world.publisher("live/flood")
        source.begin()
        for _ in range(20):
            source.step()
        player = world.client("live/flood")
        player.play()
        flooded(world, player, ping)
        client.socket.close()


@test()
def case_11_an_acknowledgement_window_of_nothing(world):
    """The publisher wants an acknowledgement each byte, and gives none of those that it owes."""
    with world.fault():
        client, source = world.publisher()
        client.send(rtmp.WINDOW, struct.pack(">I", 1), channel=2)
        client.send(rtmp.BANDWIDTH, struct.pack(">IB", 1, 0), channel=2)
        source.begin()
        for _ in range(500):
            source.step()
            client.listen()
        node.until(lambda: world.document("live/offender")["frames_in"] >= 490, CLOSED_SECONDS,
                   "all is taken")
        client.socket.close()
