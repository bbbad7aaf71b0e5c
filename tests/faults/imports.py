"""What was exported is imported again: into another stream, or in vain, and never at a cost of memory."""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import urllib.request

import exports
import keys
import node
from recordings import NAME, check, what_there_is
from world import test

COPY = "live/copy"
GROWTH_MAX = 16 * 1024      # KB
FILM_BYTES = 60 << 20


def kept(folder):
    """A node where anyone may do anything but administer."""
    digest = hashlib.sha256(keys.TOKENS["boss"][0].encode()).hexdigest()
    path = os.path.join(folder, "millrace.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""
grace: 1s
streams: {{ {NAME}: {{ record: true }} }}
auth:
  users:
    - {{ name: anyone, allow: [ "play:live/*", "publish:live/*", "archive:live/*" ] }}
  tokens:
    - {{ name: boss, sha256: "{digest}", allow: [ "admin:*" ] }}
""")
    return (path,)


def put(world, path, name=COPY, query="", who="boss"):
    """PUTs a file; status and document."""
    host, port = world.listeners["http"].rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=300)
    with open(path, "rb") as file:
        connection.request("PUT", f"/api/v1/recordings/{name}{query}", body=file,
                           headers=keys.as_who(who) | {"Content-Length": str(os.path.getsize(path))})
        answer = connection.getresponse()
        body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


@contextlib.contextmanager
def slow_client(world, name=COPY):
    """Somebody who asks for the export and takes nothing of it: what waits for him waits on the disk."""
    host, port = world.listeners["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(f"GET /{name}/archive.mp4 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert line.recv(12) == b"HTTP/1.1 200"
        yield


def copied(world, name=COPY):
    """The export of a stream as a file."""
    path = os.path.join(world.folder, "copy.mp4")
    with urllib.request.urlopen(world.server.http(f"/{name}/archive.mp4"), timeout=300) as answer:
        with open(path, "wb") as file:
            shutil.copyfileobj(answer, file)
    return path


@test(builds=("release",), canary=False, options=kept)
def an_export_comes_back_frame_by_frame_by_an_import(world):
    clips = [world.clip("plain"), world.clip("larger")]
    exports.publish(world, *clips)
    exports.over(world)
    path = exports.exported(world)
    status, said = put(world, path)
    assert status == 201 and said["left_out"] == 0 and said["fragments"] > 1, said
    copy = copied(world)
    assert exports.hashes(copy, "v:0") == exports.hashes(path, "v:0")
    exports.same_times(exports.times(copy, "v:0"), exports.times(path, "v:0"), 1, "pictures")
    assert exports.packets(copy, "a") == exports.packets(path, "a")
    before = what_there_is(world)
    status, said = put(world, path, NAME)
    assert status == 201 and said["fragments"] == 0, said
    assert what_there_is(world) == before, "the same again changes nothing"


def film(folder):
    """A fragmented MP4 that does not say when it was: one clip, again and again."""
    path = os.path.join(folder, "film.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25", "-t", "20",
                    "-vf", "noise=alls=60:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "25M",
                    "-g", "25", "-pix_fmt", "yuv420p", "-movflags",
                    "empty_moov+default_base_moof+frag_keyframe", path], check=True, timeout=120)
    return path


def resident_max(world):
    """The most memory that the node ever had, in KB."""
    with open(f"/proc/{world.server.process.pid}/status", encoding="utf-8") as file:
        return int(next(line for line in file if line.startswith("VmHWM")).split()[1])


def large_file(world, size):
    """Imports a film again and again, and exports all of it: (KB that the node's memory grew, bytes)."""
    path = film(world.folder)
    small = os.path.getsize(path)
    status, said = put(world, path, query="?from=2026-01-01T00:00:00Z")
    assert status == 201, said
    before = resident_max(world)
    rounds = max(2, size // small + 1)
    for number in range(1, rounds):
        status, said = put(world, path, query=f"?from=2026-01-01T{number // 60:02}:{number % 60:02}:00Z")
        assert status == 201 and said["fragments"] > 0, said
    with slow_client(world):
        copy = copied(world)
    assert os.path.getsize(copy) >= rounds * small * 0.99
    os.remove(copy)
    return resident_max(world) - before, rounds * small


@test(quick=True, builds=("release",), canary=False, options=kept)
def row_2_24_row_2_25_importing_and_exporting_a_large_file_adds_little_memory(world):
    grown, size = large_file(world, FILM_BYTES)
    assert grown <= GROWTH_MAX, f"{grown} KB more by {size >> 20} MB in and out"


@test(quick=True, builds=("release",), canary=False, options=kept)
def row_2_24_a_file_that_cannot_be_imported_is_refused_in_words(world):
    path = os.path.join(world.folder, "none.mp4")
    with open(path, "wb") as file:
        file.write(b"hello, world: this is no film" * 1000)
    assert put(world, path, who=None)[0] == 401
    for name in ("..", "live/../state", "live/%2e%2e", "live/a.mp4"):
        status, said = put(world, path, name)
        assert status in (400, 404, 405), (name, status, said)
    for year in ("1969", "99999"):
        status, said = put(world, path, query=f"?from={year}-01-01T00:00:00Z")
        assert status == 400 and "2026-11-20T14:09:32Z" in said["detail"], (year, status, said)
    status, said = put(world, path)
    assert status == 400 and said["detail"], said
    plain = world.clip("plain")
    status, said = put(world, plain.path)
    assert status == 415 and "progressive" in said["detail"], (status, said)
    assert world.server.get(f"/{COPY}/archive.mp4")[0] == 404
    node.until(world.server.healthy, 5, "healthy")


@test(quick=True, builds=("release",), canary=False, options=kept)
def the_verb_imports_while_the_node_is_stopped(world):
    exports.publish(world, world.clip("plain"))
    exports.over(world)
    path = exports.exported(world)
    program = os.path.join(node.ROOT, "build/release/bin/millrace")
    command = [program, "import", path, COPY, "--storage", os.path.join(world.folder, "millrace-data")]
    busy = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert busy.returncode == 1 and "PUT" in busy.stderr, busy
    world.server.stop()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0 and "are kept, 0 of" in done.stdout, done
    code, found = check(world.folder)
    assert code == 0 and found["sound"], found
