"""An edge with its camera and its viewer, for chaos.py: what the camera writes is ledger L0 of laws.py."""

import contextlib
import itertools
import json
import os
import random
import socket
import threading
import time

import canary
import flv
import laws
import ledger
import peers
import places
import rtmp

PICTURE = b"\x55" * 2400      # added to each: 500 kbit/s
WRAP = (1 << 32) - 5_000      # ms: some publications begin just before RTMP's clock wraps


JUMPS = (-60_000, -3_000, 700, 20_000)      # ms by which a camera's clock jumps


class Source(canary.Source):
    """Pictures that weigh something, each noted once it is written. In mid-publication their size, their rate
    and their coding change, sound stops and goes on (F20), and their clock jumps (F21)."""

    def __init__(self, camera, client, publication):
        self.dice, self.clips = camera.dice, camera.clips
        super().__init__(client, self.dice.choice(self.clips), first_number=publication << 32)
        self.publication, self.counts = publication, {"video": 0, "audio": 0}
        self.offset, self.played, self.jumps = self.dice.choice((0, 0, 0, WRAP)), 0, 0
        self.camera, self.silent = camera, False

    def due(self):
        return self.played + self.clip.samples[self.at].dts

    def _on(self):
        super()._on()
        if self.at == 0:
            self.played += self.length
            self.turn()

    def turn(self):
        """Behind a clip comes another, perhaps, or an odd time."""
        if self.dice.random() < 0.3:
            self.clip = self.dice.choice(self.clips)
            self.length = self.clip.samples[-1].dts + 40
            self.begin()
        if self.dice.random() < 0.2:
            self.offset += self.dice.choice(JUMPS)
            self.jumps += 1
        if self.dice.random() < 0.2:
            self.silent = not self.silent and not self.camera.forever

    def begin(self):
        self._send(rtmp.VIDEO, flv.video_config_body(self.clip), self.due() + self.offset)
        self._send(rtmp.AUDIO, flv.audio_config_body(self.clip), self.due() + self.offset)

    def step(self, shift=0):
        sample, when = self.clip.samples[self.at], self.due() + self.offset
        if self.silent and sample.kind == "audio":
            self._on()
            return
        data = canary.numbered(self.clip, sample, self.number)
        if sample.kind == "video":
            units = list(ledger.nal_units(data))
            units[-1] += PICTURE
            data = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
        copy = type(sample)(sample.kind, sample.dts, sample.pts, sample.key, data)
        kind, body = ((rtmp.VIDEO, flv.video_body(self.clip, copy)) if sample.kind == "video"
                      else (rtmp.AUDIO, flv.audio_body(copy)))
        ordinal, self.counts[sample.kind] = self.counts[sample.kind], self.counts[sample.kind] + 1
        place = self.number & 0xFFFFFFFF
        self._send(kind, body, when)
        name = canary.name_of(sample.kind, data, self.clip.video_codec)
        self.ledger.append(laws.Written(self.publication, place, sample.kind, when, sample.key,
                                        time.monotonic(), name, ordinal, self.jumps))
        self._on()


class Camera(threading.Thread):
    """Publishes to its edge, one publication behind the other, until `over`."""

    numbers = itertools.count(1)

    def __init__(self, edge, name, clips, seed):
        super().__init__(daemon=True)
        self.edge, self.name, self.clips, self.dice = edge, name, clips, random.Random(seed)
        self.sources, self.paused, self.over, self.forever = [], False, False, False
        self.publishes = False
        self.start()

    def run(self):
        with self.edge.place.inside():
            while not self.over:
                if not self.paused:
                    with contextlib.suppress(OSError, rtmp.Refused, AssertionError):
                        self.publish()
                self.publishes = False
                time.sleep(0.2)

    def publish(self):
        app, key = self.name.split("/")
        with rtmp.Client(self.edge.listeners["rtmp"], app, key) as client:
            client.publish()
            source = Source(self, client, next(self.numbers))
            self.sources.append(source)
            source.begin()
            self.publishes = True
            end = time.monotonic() + self.dice.uniform(3, 40)
            source.play(lambda: self.over or self.paused or (not self.forever and time.monotonic() > end))
            if self.dice.random() < 0.5:
                client.unpublish()
            client.socket.shutdown(socket.SHUT_WR)      # what it wrote is read to its end
            client.socket.settimeout(5)
            while client.socket.recv(65536):
                pass

    def written(self):
        return {one.name: one for source in list(self.sources) for one in list(source.ledger)}


class Viewer(threading.Thread):
    """Watches a stream of the server, again and again; keeps all that it got."""

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self.server, self.name, self.readers, self.over = server, name, [], False
        self.start()

    def run(self):
        with self.server.place.inside():
            while not self.over:
                with contextlib.suppress(OSError, AssertionError):
                    reader = peers.FlvReader(self.server.http(f"/{self.name}.flv"))
                    self.readers.append(reader)
                    while reader.thread.is_alive() and not self.over:
                        time.sleep(0.05)
                    reader.socket.close()
                time.sleep(0.3)


class Edge:
    """An edge with its camera, its line to the server, and who watches it there."""

    def __init__(self, number, folder, server, clips, seed):
        self.number, self.name = number, f"live/cam{number}"
        place = places.Place(os.path.join(folder, f"edge{number}"))
        self.line = places.Line(number, server.place, place)
        port = server.listeners["kcp"].rsplit(":", 1)[1]
        rule = {"record": True, "uplink": f"kcp://{self.line.near}:{port}/{self.name}"
                                          f"?fingerprint={server.fingerprint}"}
        self.node = places.Node(place, "--set", f"streams={{ {self.name}: {json.dumps(rule)} }}", "--set",
                                f"outgoing.allow=[ {self.line.near} ]", "--set", "grace=2s")
        self.camera = Camera(self.node, self.name, clips, seed)
        self.viewer = Viewer(server, self.name)
        self.excuses, self.clock_jumped, self.cuts = [], False, 0

    def uplink(self):
        items = json.loads(self.node.get("/api/v1/forwards")[1])["items"]
        return items[0].get("uplink", {}) if items else {}

    def excuse(self, begin, end, why):
        self.excuses.append((begin, end, why))

    def cut(self, more):
        self.cuts += more
        self.line.cut(self.cuts > 0)
