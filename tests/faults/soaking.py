"""Publishers and viewers come and go for hours, with F17 and F18 inside: what a node holds stays the same."""

import contextlib
import json
import math
import os
import random
import subprocess
import time
from collections import namedtuple

import flapping
import node
from world import test

STEADY = 4                        # streams of RTMP whose publishers stay
VIEWERS = 24                      # of each crowd, and as many in all that read nothing or too slowly
FORMS = ("flv", "ws", "rtmp", "rtsp", "rtsp-udp")
ROUND_SECONDS = 15                # of the short form; an hour's rounds are longer
QUIET_SECONDS = 40                # until those who read nothing were let go
WARM_SHARE = 0.25                 # of the time, which caches and the allocator take; half an hour of two
SLOPE_MB_AN_HOUR_MAX = 0.1
RESIDENT_SHORT_MAX_KB = 3 * 1024
STUDENT_95 = 1.7                  # one-sided, from 30 samples on

Sample = namedtuple("Sample", "hours resident_kb threads descriptors")


def unread_datagrams():
    """How many datagrams this machine's kernel dropped because nobody read them in time."""
    with open("/proc/net/snmp", encoding="utf-8") as file:
        names, counts = [line.split() for line in file if line.startswith("Udp:")]
    return int(counts[names.index("RcvbufErrors")])


class Crowd:
    """A swarm of loadgen that takes one stream in one form; some of it stall, some are slow."""

    def __init__(self, world, form, stream, seconds):
        http, rtmp, rtsp = (world.listeners[one] for one in ("http", "rtmp", "rtsp"))
        host = {"flv": f"http://{http}", "ws": f"ws://{http}", "rtmp": f"rtmp://{rtmp}",
                "rtsp": f"rtsp://{rtsp}", "rtsp-udp": f"rtsp-udp://{rtsp}"}[form]
        ending = {"flv": ".flv", "ws": ".mp4"}.get(form, "")
        lazy = (0, 0) if form == "rtsp-udp" else (VIEWERS // 4, VIEWERS // 4)
        self.form = form
        self.unread = unread_datagrams()
        self.process = loadgen("view", "--url", f"{host}/{stream}{ending}", "--viewers", VIEWERS,
                               "--stall", lazy[0], "--slow", lazy[1], "--slow-kbps", 50,
                               "--ramp", 50, "--rest", 1, "--seconds", seconds)

    def judge(self, patience):
        said, _ = self.process.communicate(timeout=patience)
        reports = [json.loads(line) for line in said.splitlines() if '"report"' in line]
        assert reports, f"viewers by {self.form} ended without a word: {said[-300:]!r}"
        probe = reports[0]["probe"]
        gone = probe["missing"] + probe["broken"]
        unread = self.form == "rtsp-udp" and unread_datagrams() > self.unread
        most = probe["pictures"] / 10 if unread else 0
        assert not probe["lost"] and gone <= most, f"a viewer by {self.form}: {json.dumps(probe)}"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def loadgen(verb, *words):
    program = os.path.join(node.ROOT, "build/release/bin/loadgen")
    return subprocess.Popen([program, verb, *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)


def slope(samples):
    """(MB an hour, the 95 % bound above it) of resident memory by least squares."""
    count = len(samples)
    hours, sizes = [one.hours for one in samples], [one.resident_kb / 1024 for one in samples]
    middle, mean = sum(hours) / count, sum(sizes) / count
    spread = sum((hour - middle) ** 2 for hour in hours)
    rise = sum((hour - middle) * (size - mean) for hour, size in zip(hours, sizes, strict=True)) / spread
    off = sum((size - mean - rise * (hour - middle)) ** 2 for hour, size in zip(hours, sizes, strict=True))
    return rise, rise + STUDENT_95 * math.sqrt(off / max(count - 2, 1) / spread)


class Soak:
    """A node under `world`, and everybody who comes to it."""

    def __init__(self, world, seconds, round_seconds):
        self.world, self.seconds, self.round_seconds = world, seconds, round_seconds
        self.chance = random.Random(seconds)
        self.samples, self.crowds, self.rounds = [], 0, 0
        self.steady = [f"soak/cam{number}" for number in range(STEADY)]

    def run(self):
        with contextlib.ExitStack() as scene:
            publishers = loadgen("publish", "--rtmp", self.world.listeners["rtmp"], "--name", "soak/cam",
                                 "--publishers", STEADY, "--kbps", 500, "--audio")
            scene.callback(publishers.wait)
            scene.callback(publishers.kill)
            for name in self.steady:
                self.world.wait_live(name)
            began = time.monotonic()
            while (spent := time.monotonic() - began) < self.seconds or len(self.samples) < 2:
                self.round(scene)
                if not self.samples:
                    self.world.measure()      # what is used for the first time is not given back
                self.samples.append(self.sample((time.monotonic() - began) / 3600))
                if self.round_seconds > ROUND_SECONDS:
                    print(f"     {spent / 60:5.1f} min {self.samples[-1]}", flush=True)

    def sample(self, hours):
        """What the node holds; the fewest descriptors of two seconds, as the API's connections have some."""
        descriptors = min(self.world.server.descriptors() for _ in range(20) if time.sleep(0.1) is None)
        return Sample(hours, self.world.server.resident_kilobytes(), self.world.threads(), descriptors)

    def round(self, scene):
        """Crowds by every form, publishers that flap and viewers that wander; then only what stays."""
        self.rounds += 1
        flappers = [flapping.Flapper(self.world, f"flap/{letter}", 1 << 30, self.rounds) for letter in "ab"]
        wanderers = [flapping.Wanderer(self.world, ["flap/a", "flap/b", *self.steady], seed)
                     for seed in range(4)]
        crowds = [Crowd(self.world, form, self.chance.choice(self.steady), self.round_seconds / 2)
                  for form in FORMS]
        for crowd in crowds:
            scene.callback(crowd.kill)
        for crowd in crowds:
            crowd.judge(self.round_seconds + 60)
        self.crowds += len(crowds)
        for one in (*flappers, *wanderers):
            one.cycles = 0
            getattr(one, "stop", None) and one.stop.set()
        for one in (*flappers, *wanderers):
            one.thread.join(30)
            assert one.complaint is None, one.complaint
        for flapper in flappers:
            flapper.close()
        node.until(self.alone, QUIET_SECONDS, "all viewers but the canary's are gone")

    def alone(self):
        _, body = self.world.server.get("/api/v1/streams?limit=100")
        streams = {one["name"]: one for one in json.loads(body)["items"]}
        return (set(streams) == {*self.steady, "canary/bird"}
                and not any(sum(streams[name]["viewers"].values()) for name in self.steady))

    def judge_counts(self):
        for what in ("threads", "descriptors"):
            seen = {getattr(one, what) for one in self.samples}
            assert len(seen) == 1, f"{what} of a quiet node, round by round: {seen}"


def soak(world, seconds, round_seconds):
    """Soaks a node; gives what it was like after each round."""
    with world.fault():
        one = Soak(world, seconds, round_seconds)
        one.run()
        one.judge_counts()
    return one


@test(quick=True, builds=("release",))
def f17_f18_a_minute_of_soak_leaves_nothing(world):
    one = soak(world, 30, ROUND_SECONDS)
    grown = one.samples[-1].resident_kb - one.samples[0].resident_kb
    print(f"     soak: {one.rounds} rounds, {one.crowds} crowds, {grown} KB more, {one.samples[-1]}",
          flush=True)
    assert grown <= RESIDENT_SHORT_MAX_KB, f"resident grew by {grown} KB: {one.samples}"


def long_soak(world, seconds):
    one = soak(world, seconds, 4 * ROUND_SECONDS)
    settled = [sample for sample in one.samples if sample.hours * 3600 >= WARM_SHARE * seconds]
    rise, bound = slope(settled)
    print(f"{one.rounds} rounds, {one.crowds} crowds; resident {settled[0].resident_kb} KB, at the end "
          f"{settled[-1].resident_kb} KB: {rise:.3f} MB an hour, at most {bound:.3f} (95 %)", flush=True)
    assert bound < SLOPE_MB_AN_HOUR_MAX, "memory grows"
