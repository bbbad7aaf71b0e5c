"""Nodes that pull from each other: no stream goes round in circles."""

import contextlib
import socket

import api
import node
from pulls import ALLOW, pulls_of
from scenario import test
from sources import PATIENCE, second_node, state

WORDS = "it would go round in circles"


def addresses(server):
    return {"rtmp": server.rtmp("live/rtmp"), "rtsp": server.rtsp("live/rtsp"),
            "http": server.http("/live/http.flv")}


def viewer(server, name):
    """Somebody who asks for a stream, and waits."""
    host, port = server.listeners["http"].rsplit(":", 1)
    asking = socket.create_connection((host, int(port)), timeout=PATIENCE)
    asking.sendall(f"GET /{name}.flv HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return asking


@test(quick=True, options=(*api.BOSS, *ALLOW))
def case_85_nodes_that_pull_from_each_other_refuse_the_circle_in_words(scene):
    """A viewer of the one wakes its source at the other, whose source is at the first."""
    near, ways = scene.server, addresses(scene.server)
    with contextlib.ExitStack() as stack:
        far = stack.enter_context(second_node(scene, *pulls_of(ways, ", on_demand: true")))
        for way, source in addresses(far).items():
            rule = {"source": source, "on_demand": True}
            status, _, answer = api.call(scene, "PUT", f"/api/v1/streams/live/{way}", rule)
            assert status in (200, 201, 204), (status, answer)
        for way in ways:
            stack.enter_context(viewer(near, f"live/{way}"))
        for way in ways:
            node.until(lambda one=f"live/{way}: ": any(one in line and WORDS in line
                                                       for line in far.said().splitlines()),
                       PATIENCE, f"the far node says why it pulls no {way}: {far.said()[-3000:]}")
            assert near.said().count(WORDS) >= 1, near.said()
        for server in (near, far):
            for way in ways:
                assert not state(server, f"live/{way}").get("tracks"), state(server, f"live/{way}")
            assert server.said().count(WORDS) < 60, server.said()
