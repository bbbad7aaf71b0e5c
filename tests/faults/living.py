"""How a node lives without faults: small when idle, closed by default, gone when it is told to."""

import contextlib
import os
import resource
import ssl
import subprocess
import time

import node
import peers
import rtmp
from http_cases import asked
from world import CLOSED_SECONDS, closed, elsewhere, push, test

IDLE_KILOBYTES_MAX = 15 * 1024
FIRST_START_KILOBYTES_MAX = 16 * 1024
STOP_SECONDS = 10 + 3


@test(quick=True, builds=("release",), canary=False)
def an_idle_node_is_small(world):
    """The first start has a certificate to make, too, which leaves OpenSSL larger."""
    first = world.server.resident_kilobytes()
    assert first <= FIRST_START_KILOBYTES_MAX, f"{first} KB resident"
    world.server.process.terminate()
    world.server.process.wait()
    world.server.start_again(world.server.listeners)
    resident = world.server.resident_kilobytes()
    assert resident <= IDLE_KILOBYTES_MAX, f"{resident} KB resident"


@test(quick=True, canary=False, options=())
def a_node_is_closed_by_default(world):
    with world.fault():
        for word in ("publish", "play"):
            client = world.client("live/cam")
            try:
                getattr(client, word)()
                raise AssertionError(f"{word} was let in")
            except rtmp.Refused as refused:
                assert "closed the connection" not in str(refused), f"{word}: not refused in words: {refused}"
            client.socket.close()
        status, answer = asked(world, b"GET /live/cam.flv HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status == 401 and b"problem+json" in answer, answer
        assert world.server.get("/healthz")[0] == 200
        assert world.server.get("/api/v1/streams")[0] in (401, 403), "the API tells strangers"


@test(quick=True)
def sigterm_under_load_ends_with_0(world):
    client, source = world.publisher("live/loud")
    source.begin()
    for _ in range(60):
        source.step()
    viewers = [peers.FlvReader(world.server.http("/live/loud.flv")) for _ in range(20)]
    players = [peers.RtmpReader(world.listeners["rtmp"], "live", "loud") for _ in range(20)]
    idle = [world.raw("http") for _ in range(20)] + [world.raw("rtmp", b"\x03half") for _ in range(20)]
    stalled = [world.raw("http", b"GET /live/loud.flv HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(20)]
    waiting = [world.raw("http", b"GET /live/nobody.flv HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(20)]
    for _ in range(60):
        source.step()
    world.sing()
    began = time.monotonic()
    world.server.stop()
    assert time.monotonic() - began < STOP_SECONDS, f"it took {time.monotonic() - began:.1f} s to end"
    node.until(lambda: all(viewer.ended for viewer in viewers), 5, "viewers see the end")
    for connection in idle + stalled + waiting:
        push(connection, b"x")
        closed(connection)
        connection.close()
    for viewer in players:
        viewer.client.socket.close()
    client.socket.close()


def with_tls(folder):
    """Options of a node with TLS, and a certificate for it."""
    certificate, key = os.path.join(folder, "certificate.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return ("--open", "--set", "https.listen=127.0.0.1:0", "--set", "rtmps.listen=127.0.0.1:0",
            "--set", "rtsps.listen=127.0.0.1:0",
            "--set", f"tls.certificate={certificate}", "--set", f"tls.key={key}")


def healthy_by_tls(world, context):
    with contextlib.closing(context.wrap_socket(world.raw("https"))) as honest:
        honest.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return honest.recv(1000)


@test(options=with_tls)
def case_1_unfinished_handshakes_of_tls(world):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing).do_handshake()
    hello = outgoing.read()
    healthy_by_tls(world, context)      # the library's own pages are in now
    node.until(lambda: world.server.descriptors() <= world.before[1], CLOSED_SECONDS, "it is gone")
    world.measure()
    with world.fault():
        waiting = []
        for listener in ("https", "rtmps"):
            for number in range(100):
                openings = (b"", hello[:len(hello) // 2], hello, os.urandom(300),
                            hello + b"\x17\x03\x03\xff\xff")
                waiting.append(world.raw(listener, openings[number % len(openings)],
                                         elsewhere(len(waiting))))
        assert b" 200 " in healthy_by_tls(world, context), "TLS does not answer beside them"
        deadline = time.monotonic() + CLOSED_SECONDS
        for connection in waiting:
            closed(connection, max(1.0, deadline - time.monotonic()))
            connection.close()


@test(quick=True, waits=True)
def viewers_of_a_stream_without_media_are_told(world):
    """The name is taken and nothing is sent: those who wait are told within 10 s, one by one or at once."""
    with world.fault():
        client = world.client("live/mute")
        client.publish()
        waiting = [world.raw("http", b"GET /live/mute.flv HTTP/1.1\r\nHost: a\r\n\r\n", elsewhere(number))
                   for number in range(200)]
        players = [world.client("live/mute") for _ in range(20)]
        for player in players:
            player.connect()
            player.stream = player.create_stream()
            player.command("play", None, "mute", -2000, stream=player.stream)
        deadline = time.monotonic() + CLOSED_SECONDS
        for connection in waiting:
            connection.settimeout(max(1.0, deadline - time.monotonic()))
            assert b" 503 " in connection.recv(1000), "not told in words"
            connection.close()
        for player in players:
            try:
                player.status("NetStream.Play.Start", max(1.0, deadline - time.monotonic()))
                raise AssertionError("a player was let in to nothing")
            except rtmp.Refused as refused:
                assert "closed the connection" not in str(refused), f"not refused in words: {refused}"
            player.socket.close()
        client.socket.close()


# UBSan's look at a vtable opens a pipe, and cries wolf without descriptors.
@test(builds=("release", "tsan"))
def f23_descriptors_run_out(world):
    """With 40 descriptors to spare and 300 connections, the streams it has go on; then all is as before."""
    with world.fault():
        limit = max(int(number) for number in os.listdir(f"/proc/{world.server.process.pid}/fd")) + 40
        soft, hard = resource.prlimit(world.server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(world.server.process.pid, resource.RLIMIT_NOFILE, (limit, hard))
        crowd = [world.raw(("http", "rtmp")[number % 2], b"", elsewhere(number)) for number in range(300)]
        time.sleep(2)
        spent = world.cpu_seconds()
        time.sleep(2)
        assert world.cpu_seconds() - spent < 1, "it spins when descriptors run out"
        for connection in crowd:
            connection.close()
        resource.prlimit(world.server.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
        assert world.server.get("/healthz", CLOSED_SECONDS)[0] == 200
