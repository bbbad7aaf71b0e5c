"""Nodes that pull from RTSP cameras: what every test of these needs."""

import contextlib
import json

import fake_camera
import ledger
import node
import peers
from sources import second_node

PATIENCE = 30


def rule(source, more=""):
    return f'{{ source: "{source}"{more} }}'


TCP = ", transport: tcp"


def rules_of(found, more=TCP):
    """A rule for each of {name: camera}."""
    return {name: rule(one.url(), more) for name, one in found.items()}


@contextlib.contextmanager
def pulling(scene, rules, *options):
    """A node with these streams: {name: rule(…)}."""
    streams = ", ".join(f"{name}: {words}" for name, words in rules.items())
    with second_node(scene, "--set", "outgoing.allow=[ 127.0.0.1 ]", "--set", f"streams={{ {streams} }}",
                     *options) as server:
        yield server


@contextlib.contextmanager
def cameras(ways, tracks):
    """A fake camera for each name of {name: Ways}."""
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(fake_camera.Camera(tracks, one)) for name, one in ways.items()}


def report(server, name):
    status, body = server.get(f"/api/v1/streams/{name}")
    return json.loads(body) if status == 200 else {}


def pictures(frames):
    return [frame for frame in frames if frame.kind == "video"]


def in_the_loop(sent, got, least=1):
    """Each picture is the clip's next one, the first one after the last; the first is a key frame."""
    want, have = [frame.name[0] for frame in pictures(sent)], pictures(got)
    assert len(have) >= least, f"{len(have)} pictures of {least}"
    assert have[0].key, "the first picture is no key frame"
    first = want.index(have[0].name[0])
    for number, frame in enumerate(have):
        place = (first + number) % len(want)
        if frame.name[0] != want[place]:
            stands = want.index(frame.name[0]) if frame.name[0] in want else "none that was sent"
            raise ledger.Mismatch(f"picture {number} is not number {place} of the clip but {stands}")


def watched(server, name, count):
    """The frames of a viewer of the stream's FLV, with so many pictures among them."""
    return all_watched(server, [name], count)[name]


def all_watched(server, names, count):
    """The same of several streams, watched at once: {name: frames}."""
    with contextlib.ExitStack() as stack:
        viewers = {name: stack.enter_context(viewer_of(server, name)) for name in names}
        for name, viewer in viewers.items():
            node.until(lambda one=viewer: len(pictures(one.frames())) >= count or one.ended, PATIENCE,
                       f"{count} pictures of {name} come")
        found = {name: viewer.frames() for name, viewer in viewers.items()}
    for frames in found.values():
        ledger.monotonic(frames)
    return found


def each_is_watched(server, names, sent, count=40):
    """All of these are live, and play as they should. Says of all what is wrong, not of the first one."""
    wrong = []
    for name in names:
        try:
            server.wait_live(name)
        except (AssertionError, OSError) as fault:
            wrong.append(f"{name}: {fault} {report(server, name)}")
    assert not wrong, "\n".join(wrong)
    for name, frames in all_watched(server, names, count).items():
        try:
            in_the_loop(sent, frames, count)
        except AssertionError as fault:
            wrong.append(f"{name}: {fault} {report(server, name)}")
    assert not wrong, "\n".join(wrong)


def only_the_clips(clip, viewer):
    """The viewer was never sent away, and each picture is whole."""
    assert not viewer.ended, "the viewer was sent away"
    frames = viewer.frames()
    names = {frame.name[0] for frame in pictures(ledger.of_clip(clip))}
    broken = [number for number, frame in enumerate(pictures(frames)) if frame.name[0] not in names]
    assert not broken, f"pictures {broken} are not the camera's"
    ledger.monotonic(frames)


def viewer_of(server, name):
    return peers.FlvReader(server.http(f"/{name}.flv"))
