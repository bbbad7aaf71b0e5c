"""A frame that kills the child which makes single pictures costs that stream its pictures, nothing else."""

import json
import os
import stat
import urllib.error
import urllib.request

import camera
import node
from world import test

# In the child's place: while the file `deadly` is there, it dies by SIGKILL over the first access unit.
DEADLY = """#!/usr/bin/env python3
import os, socket, struct, sys
if not os.path.exists({mark!r}):
    os.execv({real!r}, ["millrace-media"] + sys.argv[1:])
link = socket.socket(fileno=3)
link.sendall(struct.pack(">IBH", 3, 1, 1))
with link.makefile("rb") as stream:
    while True:
        size, kind = struct.unpack(">IB", stream.read(5))
        stream.read(size - 1)
        if kind == 4:
            with open({mark!r}, "a") as file:
                file.write("x")
            os.kill(os.getpid(), 9)
"""
SOURCES = ("--open", "--set", "streams={ live/bad: { source: \"test:?size=320x180&audio=none&gop=200ms\" }, "
                              "live/good: { source: \"test:?size=320x180&audio=none&gop=200ms\" } }")


def asked(server, path):
    """(status, body, what the answer says of itself)."""
    try:
        with urllib.request.urlopen(server.http(path), timeout=30) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


@test(builds=("release",))
def a_frame_that_kills_the_child_twice_leaves_its_stream_out(world):
    folder = os.path.join(world.folder, "deadly")
    node.open_folder(folder)
    built = os.path.join(node.ROOT, f"build/{world.build}/bin")
    program, mark = os.path.join(folder, "millrace"), os.path.join(folder, "mark")
    os.link(os.path.join(built, "millrace"), program)
    child = os.path.join(folder, "millrace-media")
    with open(child, "w", encoding="utf-8") as file:
        file.write(DEADLY.format(mark=mark, real=os.path.join(built, "millrace-media")))
    os.chmod(child, os.stat(child).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    server = node.Millrace(folder, program, SOURCES)
    try:
        server.wait_live("live/bad")
        server.wait_live("live/good")
        with world.fault():
            open(mark, "w", encoding="utf-8").close()
            status, body, headers = asked(server, "/live/bad.jpg")
            assert status == 503 and b"left out for ten minutes" in body, (status, body)
            assert headers["Retry-After"]
            with open(mark, encoding="utf-8") as file:
                assert file.read() == "xx", "it had two tries"
            os.remove(mark)
            status, body, _ = asked(server, "/live/good.jpg")
            assert status == 200 and body[:2] == b"\xff\xd8", "another stream has its pictures"
            assert asked(server, "/live/bad.jpg?width=320")[0] == 503, "it stays left out"
            assert server.is_live("live/bad") and server.is_live("live/good")
            assert len(camera.children(server.process.pid)) == 3, "two cameras and the one for stills"
            assert len(json.loads(server.get("/api/v1/streams")[1])) >= 1
        said = server.said()
        assert "live/bad: its pictures are left out for ten minutes" in said, said[-2000:]
    finally:
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
        server.log.close()
