"""How a node lives without faults: small when idle, closed by default, gone when it is told to."""

import time

import node
import peers
import rtmp
from http_cases import asked
from world import closed, push, test

IDLE_KILOBYTES_MAX = 15 * 1024
STOP_SECONDS = 10 + 3


@test(quick=True, builds=("release",), canary=False)
def an_idle_node_is_small(world):
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
                assert "closed the connection" not in str(refused), f"{word} was not refused in words: {refused}"
            client.socket.close()
        status, answer = asked(world, b"GET /live/cam.flv HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status == 403 and b"problem+json" in answer, answer
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
