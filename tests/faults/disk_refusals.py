"""A disk that takes nothing for a while, for a reason of its own each time: live goes on, the log and the API
say why, what was not recorded is a gap with its cause, and recording goes on by itself."""

import http.client
import json
import os
import subprocess
import threading
import time

import canary
import disks
import ledger
import node
from recordings import NAME, what_there_is
from archive_faults import recorded_beyond, trouble
from world import test

SLACK = 3
TOLD = 5 + SLACK      # s: within five
PATIENCE = 30
INODES = 60


class Sender:
    """A publisher of frames that are all different, on a connection that was made before."""

    def __init__(self, world, first):
        self.client, self.stop = world.client(NAME), threading.Event()
        self.source = canary.Source(self.client, world.clip("plain-brisk"), first)
        self.thread = threading.Thread(target=self.source.play, args=(self.stop.is_set,), daemon=True)

    def begin(self):
        self.client.publish()
        self.source.begin()
        self.thread.start()

    def end(self):
        self.stop.set()
        self.thread.join()
        self.client.unpublish()
        self.client.socket.close()

    def pictures(self):
        return [(frame.name, frame.key) for frame in self.source.ledger if frame.kind == "video"]


class Scene:
    """Who publishes, one after the other, and an API connection that needs no new descriptor."""

    def __init__(self, world):
        self.world, self.senders = world, [Sender(world, 0)]
        self.senders[0].begin()
        node.until(lambda: what_there_is(world)["items"], PATIENCE, "recorded")

    def refused(self, harm, trouble_word, words, anew):
        """While `harm` lasts. `anew`: another publisher comes then, for whom another file is needed."""
        host, port = self.world.listeners["http"].rsplit(":", 1)
        line = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        line.connect()
        following = Sender(self.world, len(self.senders) << 24) if anew else None

        def said():
            line.request("GET", f"/api/v1/streams/{NAME}")
            return json.loads(line.getresponse().read()).get("recording", {}).get("trouble")

        with harm:
            if following:
                self.senders[-1].end()
                following.begin()
                self.senders.append(following)
            node.until(lambda: said() == trouble_word, TOLD, f"it stops, and says so: {words}")
            node.until(lambda: f"nothing is recorded: {words}" in self.world.server.said(), TOLD, words)
        line.close()
        self.goes_on()

    def goes_on(self):
        mended = time.time()
        node.until(lambda: recorded_beyond(self.world, mended), PATIENCE, "it goes on without a restart")
        node.until(lambda: trouble(self.world) == "", PATIENCE, "no more trouble")

    def judge(self, causes):
        """Every stretch is as it was sent, from a key frame on, in order; what lies between has its cause."""
        there = what_there_is(self.world)
        assert [gap["cause"] for gap in there["gaps"]] == causes, there["gaps"]
        assert len(there["items"]) == len(causes) + 1, there
        sent = [one for sender in self.senders for one in sender.pictures()]
        names, place = [name for name, _ in sent], 0
        for item in there["items"]:
            url = self.world.server.http(f"/{NAME}/archive.m3u8?from={item['from']}&to={item['to']}")
            got = [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(url))]
            first = names.index(got[0], place)
            assert sent[first][1], "does not begin with a key frame"
            assert got == names[first:first + len(got)], "not as it was sent"
            place = first + len(got)


def rules(_folder):
    return ("--open", "--set", f"streams={{ {NAME}: {{ record: true }} }}", "--set", "hls.segment=1s")


@test(builds=("release",), options=rules, around=disks.small_disk(400, inodes=INODES, user="nobody"))
def case_92_f8_rights_inodes_quota_descriptors_and_a_read_only_disk_are_told_and_got_over(world):
    scene = Scene(world)
    with world.around.without_rights("archive"):
        node.until(lambda: "nothing new is recorded: no more files can be made" in world.server.said(), TOLD,
                   "it is told before anything is lost")
        told = time.time()
        node.until(lambda: recorded_beyond(world, told), PATIENCE, "what is open goes on")
    scene.refused(world.around.without_rights("archive"), "disk failed",
                  "the archive's folder, or a file in it, does not let this node in", anew=True)
    scene.refused(world.around.without_inodes(), "disk full",
                  "the disk has no room for another file: its inodes are used up", anew=True)
    scene.refused(world.around.without_descriptors(world.server), "disk failed", "no descriptor is free",
                  anew=True)
    scene.refused(disks.calls_fail(world, "pwrite64:error=EDQUOT"), "disk full",
                  "the disk's quota for this node's user is used up", anew=False)
    scene.refused(disks.calls_fail(world, "pwrite64:error=EROFS", "ftruncate:error=EROFS",
                                   "unlinkat:error=EROFS"),
                  "disk failed", "the disk is mounted read-only", anew=False)
    world.sing()      # the canary lost nothing
    scene.senders[-1].end()
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")
    scene.judge(["disk failed", "disk full", "disk failed", "disk full", "disk failed"])
    world.server.stop()
    program = os.path.join(node.ROOT, "build/release/bin/millrace")
    inside = subprocess.run([*world.around.before, program, "check", world.around.path, "--json"],
                            capture_output=True, timeout=PATIENCE, check=False)
    assert inside.returncode == 0, inside.stdout
