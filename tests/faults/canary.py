"""A stream beside every fault: a publisher and two viewers in a process of their own, who must lose no frame.

Its frames begin like those of a real clip, so that their headers parse, and end with their own number: all
are different however long it runs, and small enough to weigh nothing.
"""

import multiprocessing
import struct
import threading
import time
from collections import namedtuple

import flv
import ledger
import peers
import rtmp

NAME = "canary/bird"
NAL_BYTES = 48            # of each slice kept: its header is in there
AUDIO_BYTES = 24
READY_SECONDS = 30
LAST_FRAME_SECONDS = 30
SHARE_SENT_MIN = 0.95     # of the frames its schedule wanted: a test without a canary proves nothing

Sent = namedtuple("Sent", "kind name when key shift")


def numbered(clip, sample, number):
    """A short copy of a clip's frame that no other frame equals."""
    mark = struct.pack(">Q", number).hex().encode()
    if sample.kind == "audio":
        return sample.data[:AUDIO_BYTES] + mark
    data, h265 = b"", clip.video_codec == "hvc1"
    for unit in ledger.nal_units(sample.data):
        kind = unit[0] >> 1 & 0x3F if h265 else unit[0] & 0x1F
        slices, sei = (kind < 32, kind in (39, 40)) if h265 else (kind in (1, 5), kind == 6)
        if slices:
            unit = unit[:NAL_BYTES] + mark + b"\x80"
        if slices or sei:
            data += struct.pack(">I", len(unit)) + unit
    return data


def name_of(kind, data, codec="avc1"):
    return ledger.name_of(ledger.nal_units(data), codec) if kind == "video" else ledger.digest(data)


class Source:
    """The clip again and again, each frame numbered, on an RTMP client that publishes."""

    def __init__(self, client, clip, first_number=0):
        self.client, self.clip, self.number, self.rounds, self.at = client, clip, first_number, 0, 0
        self.length = clip.samples[-1].dts + 40      # ms a round
        self.ledger = []

    def begin(self):
        self._send(rtmp.VIDEO, flv.video_config_body(self.clip), 0)
        self._send(rtmp.AUDIO, flv.audio_config_body(self.clip), 0)

    def _send(self, kind, body, when):
        self.client.send(kind, body, when=when & 0xFFFFFFFF, stream=self.client.stream,
                         channel=6 if kind == rtmp.VIDEO else 4)

    def due(self):
        """Milliseconds from the start to the next frame."""
        return self.rounds * self.length + self.clip.samples[self.at].dts

    def step(self, shift=0):
        """Sends the next frame, its time moved by `shift` ms."""
        sample, when = self.clip.samples[self.at], self.due()
        data = numbered(self.clip, sample, self.number)
        self.ledger.append(Sent(sample.kind, name_of(sample.kind, data), when, sample.key, shift))
        copy = type(sample)(sample.kind, sample.dts, sample.pts, sample.key, data)
        if sample.kind == "video":
            self._send(rtmp.VIDEO, flv.video_body(self.clip, copy), when + shift)
        else:
            self._send(rtmp.AUDIO, flv.audio_body(copy), when + shift)
        self._on()

    def _on(self):
        self.number += 1
        self.at += 1
        if self.at == len(self.clip.samples):
            self.at, self.rounds = 0, self.rounds + 1

    def play(self, until, pace=1.0):
        """At the clip's own pace until `until()` is true."""
        begun = time.monotonic() - self.due() / 1000 / pace
        while not until():
            while self.due() / 1000 / pace > time.monotonic() - begun:
                time.sleep(0.005)
                if until():
                    return
            self.client.listen()
            self.client.heard.clear()
            self.step()


def lost(sent, frames):
    """None if `frames` is an unbroken run of `sent` up to its end, in each kind; else what is wrong."""
    for kind in ("video", "audio"):
        want = [frame.name for frame in sent if frame.kind == kind]
        have = [frame.name for frame in frames if frame.kind == kind]
        if not have:
            return f"no {kind} arrived"
        if have[0] not in want:
            return f"the first {kind} frame was never sent"
        start = want.index(have[0])
        for number, name in enumerate(have):
            if start + number >= len(want) or name != want[start + number]:
                stands = want.index(name) if name in want else "one never sent"
                return (f"{kind} frame {start + number} of {len(want)} is not there, but {stands}; "
                        f"{len(have)} arrived")
        if kind == "video" and start + len(have) != len(want):
            return f"the last {len(want) - start - len(have)} video frames are missing"
    return None


def _sing(listeners, clip, pipe):
    app, key = NAME.split("/")
    stop = threading.Event()
    client = rtmp.Client(listeners["rtmp"], app, key)
    client.publish()
    source = Source(client, clip)
    source.begin()
    begun = time.monotonic()
    failure = []

    def publish():
        try:
            source.play(stop.is_set)
        except Exception as error:      # told to the test, whatever it was
            failure.append(f"the canary's publisher: {error!r}")

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    time.sleep(0.3)
    viewers = {"flv": peers.FlvReader(f"http://{listeners['http']}/{NAME}.flv"),
               "rtmp": peers.RtmpReader(listeners["rtmp"], app, key)}
    while not all(viewer.frames() for viewer in viewers.values()):
        time.sleep(0.05)
    pipe.send("ready")
    pipe.recv()
    stop.set()
    thread.join()
    wanted = (time.monotonic() - begun) * 25
    video = sum(1 for frame in source.ledger if frame.kind == "video")
    if video < SHARE_SENT_MIN * wanted - 25:
        failure.append(f"the canary sent {video} of {wanted:.0f} frames")
    last = [frame.name for frame in source.ledger if frame.kind == "video"][-1]
    deadline = time.monotonic() + LAST_FRAME_SECONDS
    for word, viewer in viewers.items():
        while time.monotonic() < deadline and not any(
                frame.name == last for frame in viewer.frames()[-60:]):
            time.sleep(0.1)
        missing = lost(source.ledger, viewer.frames())
        if missing:
            failure.append(f"the canary's {word} viewer: {missing}")
    pipe.send(failure)


def _process(listeners, clip, pipe):
    try:
        _sing(listeners, clip, pipe)
    except Exception as error:      # told to the test, whatever it was
        pipe.send([f"the canary: {error!r}"])


class Canary:
    """The process; `finish` gives what it lost."""

    def __init__(self, listeners, clip):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(
            target=_process, args=(listeners, clip, other), daemon=True)
        self.process.start()
        if not self.pipe.poll(READY_SECONDS):
            self.process.kill()
            raise AssertionError("the canary did not start to sing")
        said = self.pipe.recv()
        if said != "ready":
            raise AssertionError("; ".join(said))

    def finish(self):
        """A list of complaints; empty if it lost nothing."""
        try:
            self.pipe.send("finish")
            if not self.pipe.poll(LAST_FRAME_SECONDS * 3):
                return ["the canary does not answer"]
            return self.pipe.recv()
        except (EOFError, OSError) as error:
            return [f"the canary died: {error!r}"]
        finally:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.join()
