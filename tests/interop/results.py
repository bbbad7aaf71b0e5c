"""Results: what an application says of a picture, from the edge over a link to every way out of a server."""

import json
import os
import re
import struct
import subprocess
import threading
import urllib.error
import urllib.request

import camera
import node
import peers
import sends
import websocket
from scenario import test
from sources import second_node

PATIENCE = 20
RESULTS = 50      # two seconds of them
BATCH_MAX = 75      # frames that a busy machine reads at once; results stand behind all of them
CAMERA = "test:?size=320x180&fps=25&bitrate=500k&audio=none&results"


def post(server, body, kind="application/json", what="results"):
    """(status, what the answer says) of results for live/cam, or of a message to its publisher."""
    request = urllib.request.Request(server.http(f"/api/v1/streams/live/cam/{what}"), data=body.encode(),
                                     headers={"Content-Type": kind}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())["detail"]


class Messages:
    """All that a WebSocket says, in its order: ("text", document) and ("media", bytes)."""

    def __init__(self, server, path):
        self.client = websocket.Client(server.listeners["http"], path)
        self.came, self.thread = [], threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            while True:
                kind, payload = self.client.read_frame()
                if kind == websocket.TEXT:
                    self.came.append(("text", json.loads(payload)))
                elif kind == websocket.BINARY:
                    self.came.append(("media", payload))
        except (OSError, EOFError):
            pass

    def results(self):
        return [said for kind, said in list(self.came)
                if kind == "text" and "result" in (said.get("t"), said.get("kind"))]


def download(scene, server, ending):
    path = os.path.join(scene.folder, "capture" + ending)
    url = server.http("/live/cam" + ending)
    return peers.Player(f"curl{ending}", ["curl", "-sN", "-o", path, url], scene.folder, path)


def boxes(data, at=0):
    """(type, body) of the boxes of an MP4."""
    while at + 8 <= len(data):
        size = struct.unpack(">I", data[at:at + 4])[0]
        if at + size > len(data):
            return      # a download ends anywhere
        yield data[at + 4:at + 8], data[at + 8:at + size]
        at += size


def decode_time(fragment):
    """tfdt of the one track in a fragment's moof; None where there is none."""
    moof = dict(boxes(fragment)).get(b"moof")
    if moof is None:
        return None
    tfdt = dict(boxes(dict(boxes(moof))[b"traf"]))[b"tfdt"]
    return struct.unpack(">Q", tfdt[4:12])[0] if tfdt[0] else struct.unpack(">I", tfdt[4:8])[0]


def follow_their_frames(came):
    """Each result of the camera stands behind the frame of its time and capture time, and soon."""
    pictures, behind = {}, []
    for kind, said in came:
        if kind == "media" and (time_of := decode_time(said)) is not None:
            pictures[time_of] = (len(pictures), said)
        elif kind == "text" and said["t"] == "result" and "frame" in said["result"]:
            time_of = round(said["pts"] * 90_000)
            if not pictures or time_of < min(pictures):
                continue      # it began before we did
            assert time_of in pictures, (said, sorted(pictures)[-3:])
            number, fragment = pictures[time_of]
            capture = said["result"]["capture"]
            # The camera's note in the picture's SEI has the same microseconds (media/capture_sei.hpp).
            assert struct.pack(">Q", capture) in fragment.replace(b"\0\0\3", b"\0\0"), said
            behind.append(len(pictures) - 1 - number)
    assert len(behind) >= RESULTS and max(behind) <= BATCH_MAX, behind
    return pictures


def id3_of(path):
    """Times and texts of the ID3 tags of a transport stream."""
    probed = json.loads(subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-show_packets", "-of", "json", path],
        capture_output=True, check=True, timeout=60).stdout)
    tagged = [one["index"] for one in probed["streams"] if one.get("codec_name") == "timed_id3"]
    assert len(tagged) == 1, [one.get("codec_name") for one in probed["streams"]]
    times = [round(float(one["pts_time"]), 3) for one in probed["packets"]
             if one["stream_index"] == tagged[0]]
    pictures = {round(float(one["pts_time"]), 3) for one in probed["packets"]
                if one["codec_type"] == "video"}
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-map", "0:d", "-c", "copy", "-f", "data",
                          "-"], capture_output=True, check=True, timeout=60).stdout
    return times, pictures, re.findall(rb"result\0(\{[^{}]*\}|\{.*?\]\})", raw)


@test(quick=True)
def row_0_28_results_come_with_their_own_frames_by_link_and_in_every_form(scene):
    far = scene.server
    pipe = os.path.join(scene.folder, "results")
    os.mkfifo(pipe)
    with sends.Sender(scene, CAMERA, far.kcp("live/cam"), "--results", pipe):
        far.wait_live("live/cam")
        sockets = Messages(far, "/live/cam.mp4?tracks=video")
        events = Messages(far, "/live/cam/events")
        stream, film = (download(scene, far, ending) for ending in (".ts", ".mp4"))
        node.until(lambda: len(sockets.results()) >= 5, PATIENCE, "the camera's results come")
        with open(pipe, "w", encoding="utf-8") as lines:
            lines.write('no result\n{"of":"the pipe"}\n')
        assert post(far, '{"of":"the API"}') == (204, ""), "a result is taken"
        assert post(far, '{"n":1}\n{"n":2}\n', "application/x-ndjson")[0] == 204
        node.until(lambda: all(sum("frame" in one["result"] for one in way.results()) > RESULTS
                               for way in (sockets, events)), PATIENCE, "two seconds of results come")
        node.until(lambda: any(one["result"].get("of") == "the pipe" for one in sockets.results()), PATIENCE,
                   "the line of the pipe comes")
        for wrong, status, words in (("[]", 400, "JSON object"), ('{"capture":1}', 404, "capture time"),
                                     ('{"a":"' + "x" * 17_000 + '"}', 400, "16 KiB")):
            answered = post(far, wrong)
            assert answered[0] == status and words in answered[1], answered
        for way in (stream, film):
            way.stop()
    pictures = follow_their_frames(list(sockets.came))
    # The events say the same of the same pictures, each once and in order.
    frames = [one["result"]["frame"] for one in events.results() if "frame" in one["result"]]
    assert frames == list(range(frames[0], frames[0] + len(frames))), frames
    by_frame = {one["result"]["frame"]: one for one in sockets.results() if "frame" in one["result"]}
    for one in events.results():
        if "frame" in one["result"] and one["result"]["frame"] in by_frame:
            other = by_frame[one["result"]["frame"]]
            assert (one["pts"], one["capture"]) == (other["pts"], other["capture"]), (one, other)
    assert {"of": "the API"} in [one["result"] for one in events.results()]
    assert pictures, "there are pictures"
    # ID3 and emsg carry the very texts.
    times, shown, texts = id3_of(stream.path)
    assert len(times) >= 20 and abs(len(texts) - len(times)) <= 1, (len(texts), len(times))
    assert sum(one in shown for one in times) >= len(times) - 2, "each tag has the time of a picture"
    with open(film.path, "rb") as file:
        messages = [body for kind, body in boxes(file.read()) if kind == b"emsg"]
    assert len(messages) >= 20, len(messages)
    for text in texts + [body[body.index(b"\0{") + 1:] for body in messages]:
        said = json.loads(text)
        if said.get("frame") in by_frame:
            assert said == by_frame[said["frame"]]["result"], said


def recorded(server, query=""):
    """All results in the recording, page by page."""
    items, page = [], ""
    while page is not None:
        status, body = server.get(f"/api/v1/recordings/live/cam/results?limit=40{query}{page}")
        assert status == 200, body
        answer = json.loads(body)
        items += answer["items"]
        page = f"&page={answer['next']}" if "next" in answer else None
    return items


@test(quick=True)
def row_0_28_results_are_recorded_with_their_pictures_and_messages_go_back_to_the_edge(scene):
    inbox = os.path.join(scene.folder, "messages")
    with second_node(scene, "--set", "streams={ live/cam: { record: true } }") as far:
        with sends.Sender(scene, CAMERA, far.kcp("live/cam"), "--messages", inbox):
            far.wait_live("live/cam")
            sockets, events = (Messages(far, f"/live/cam{rest}") for rest in (".mp4?tracks=video", "/events"))
            assert post(far, '{"light":\n"on"}', what="messages") == (204, ""), "a message is passed on"
            assert post(far, "[]", what="messages")[0] == 400
            assert post(far, '{"alarm":true,"class":"alarm"}') == (204, "")
            node.until(lambda: len(events.results()) > 6 * RESULTS, PATIENCE, "some seconds of results come")
            with open(inbox, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            assert [one["message"] for one in lines] == [{"light": "on"}], lines
        heard = [{key: one[key] for key in ("capture", "pts", "result")} for one in events.results()]
        node.until(lambda: len(recorded(far)) >= len(heard) - 2 * RESULTS, PATIENCE, "they are recorded")
        kept = [{key: one[key] for key in ("capture", "pts", "result")} for one in recorded(far)]
        begins = kept.index(heard[0]) if heard[0] in kept else 0
        assert heard[:len(kept) - begins] == kept[begins:], "each once, in order, as the events have them"
        assert [one["result"]["class"] for one in recorded(far, "&class=alarm")] == ["alarm"]
        balls = recorded(far, f"&class=ball&from={heard[10]['capture']}&to={heard[20]['capture']}")
        between = [one for one in heard[10:20] if "frame" in one["result"]]
        assert [one["result"] for one in balls] == [one["result"] for one in between], balls
        # Whoever plays the archive has them, too.
        status, body = far.get("/live/cam/archive.ts")
        assert status == 200
        path = os.path.join(scene.folder, "archive.ts")
        with open(path, "wb") as file:
            file.write(body)
        times, pictures, texts = id3_of(path)
        assert len(texts) >= len(kept) - 1, (len(texts), len(kept))
        assert sum(one in pictures for one in times) >= len(times) - 3, "each tag has the time of a picture"
        assert sockets.results(), "and live ones still come"


@test(quick=True)
def row_0_28_only_who_may_publish_may_say_results(scene):
    closed = node.Millrace(node.open_folder(os.path.join(scene.folder, "closed")), camera.program(scene), ())
    try:
        status, words = post(closed, '{"n":1}')
        assert status == 401, (status, words)
    finally:
        closed.stop()
