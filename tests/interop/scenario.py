"""What a test is, and the scene it gets: a server, a folder, the clips, and who publishes them."""

import contextlib
import os
import threading
from dataclasses import dataclass
from typing import Callable

import clip
import ledger
import node
import peers

CLIPS = os.path.join(node.ROOT, "build/interop_clips")
ASSEMBLE_SECONDS = 60      # until every test of a company has what it watches with
SHORT_GRACE = ("--set", "grace=1s")      # an endless answer then ends soon after its publisher


@dataclass
class Test:
    name: str
    run: Callable
    quick: bool
    rtmp_only: bool
    options: tuple
    alone: bool
    company: str
    apart: bool


def test(quick=False, rtmp_only=False, options=(), alone=False, company="", apart=False):
    """Marks a function as a test: in --quick, whether a server that speaks only RTMP can pass it, what the
    server's command line has besides --open, and whether it wants the machine for itself.

    Tests of one company run at the same time, in a thread each. Those of the same options share a server:
    they watch one publication, or each publishes under a name of its own. `apart`: it keeps a server for
    itself; for tests that let time pass and leave the machine idle.
    """
    def mark(function):
        function.interop = (quick, rtmp_only, options, alone, company, apart)
        return function
    return mark


def tests_of(module):
    found = [value for value in vars(module).values() if hasattr(value, "interop")]
    return [Test(function.__name__, function, *function.interop) for function in found]


def grouped(tests, key):
    """Lists of tests with the same key, in their order."""
    found = {}
    for one in tests:
        found.setdefault(key(one), []).append(one)
    return list(found.values())


def companies_of(tests):
    return grouped(tests, lambda one: one.company or one.name)


def sharing(company):
    """Lists of tests that share a server."""
    return grouped(company, lambda one: one.name if one.apart else one.options)


reading = threading.Lock()
read = {}      # clips by name: nobody changes one


def clip_named(name):
    with reading:
        if name not in read:
            read[name] = clip.make(CLIPS, name)
        return read[name]


class Stage:
    """Where a company meets: its publication begins when each test wants it, and ends with the last one."""

    def __init__(self, server, folder, count):
        self.server, self.folder = server, folder
        self.coming, self.wanted = count, set()      # tests that have not asked yet; clips asked for
        self.changed = threading.Condition()
        self.publisher, self.watching, self.fault = None, 0, None

    def over(self, asked):
        """A test is over; it may never have asked."""
        with self.changed:
            self.coming -= not asked
            self.changed.notify_all()

    def publication(self, name, forever):
        with self.changed:
            self.coming, self.watching = self.coming - 1, self.watching + 1
            self.wanted.add((name, forever))
            self.changed.notify_all()
            assembled = self.changed.wait_for(lambda: self.coming <= 0, ASSEMBLE_SECONDS)
            assert assembled, "the others of the company do not come"
            if self.publisher is None and self.fault is None:
                self._begin()
            if self.fault is not None:
                raise AssertionError(f"nobody publishes: {self.fault}")
            return self.publisher

    def _begin(self):
        try:
            (name, forever), = self.wanted      # a company watches one clip
            self.publisher = peers.ffmpeg_publish(clip_named(name), self.server.rtmp("live/cam"), self.folder,
                                                  loops=-1 if forever else 0)
            self.server.wait_live("live/cam")
        except (AssertionError, OSError, ValueError) as fault:
            self.fault = fault

    def leave(self):
        """A test has seen enough; with the last one the publisher goes."""
        with self.changed:
            self.watching -= 1
            if self.watching == 0 and self.publisher is not None:
                self.publisher.__exit__()


class Scene:
    """What one test sees; `stage` is what it shares with its company."""

    def __init__(self, server, folder, stage=None, number=0):
        self.server = server
        self.own = f"live/cam{number}"      # a stream of this test's own
        self.folder = folder
        self.stage = stage or Stage(server, folder, 1)
        self.asked = False

    def clip(self, name="plain"):
        return clip_named(name)

    @property
    def rtmp_address(self):
        return self.server.listeners["rtmp"]

    def rtmp(self, name="live/cam"):
        return self.server.rtmp(name)

    def flv(self, name="live/cam"):
        return self.server.http(f"/{name}.flv")

    @contextlib.contextmanager
    def publication(self, name="plain", forever=False):
        """The clip as live/cam, published by ffmpeg at its own pace; gives the program, once it is live.

        `forever`: again and again, its times going on. It goes on when this test leaves, if others of its
        company still watch.
        """
        self.asked = True
        try:
            yield self.stage.publication(name, forever)
        finally:
            self.stage.leave()

    def exact(self, clip, got, **how):
        """The ledger's verdict on what a viewer of this clip got."""
        ledger.match(ledger.of_clip(clip), got, **how)
        ledger.monotonic(got)
