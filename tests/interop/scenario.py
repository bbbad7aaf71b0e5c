"""What a test is, and the scene it gets: a server, a folder, and the clips."""

import os
from dataclasses import dataclass
from typing import Callable

import clip
import ledger
import node

CLIPS = os.path.join(node.ROOT, "build/interop_clips")


@dataclass
class Test:
    name: str
    run: Callable
    quick: bool
    rtmp_only: bool
    options: tuple
    alone: bool


def test(quick=False, rtmp_only=False, options=(), alone=False):
    """Marks a function as a test: in --quick, whether a server that speaks only RTMP can pass it, what the
    server's command line has besides --open, and whether it wants the machine for itself."""
    def mark(function):
        function.interop = (quick, rtmp_only, options, alone)
        return function
    return mark


def tests_of(module):
    found = [value for value in vars(module).values() if hasattr(value, "interop")]
    return [Test(function.__name__, function, *function.interop) for function in found]


class Scene:
    def __init__(self, server, folder):
        self.server = server
        self.folder = folder

    def clip(self, name="plain"):
        return clip.make(CLIPS, name)

    @property
    def rtmp_address(self):
        return self.server.listeners["rtmp"]

    def rtmp(self, name="live/cam"):
        return self.server.rtmp(name)

    def flv(self, name="live/cam"):
        return self.server.http(f"/{name}.flv")

    def exact(self, clip, got, **how):
        """The ledger's verdict on what a viewer of this clip got."""
        ledger.match(ledger.of_clip(clip), got, **how)
        ledger.monotonic(got)
