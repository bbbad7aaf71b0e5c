"""F26: faults drawn by a seed upon an edge and its server, as real processes, for a stated time; then quiet,
and the laws N1 to N8. Nodes and the lines between them: places.py; what must hold: laws.py."""

import contextlib
import itertools
import json
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import types

import canary
import clip
import disks
import edges
import laws
import node
import places
import rtmp
import world

HOUR = 3600
PATIENCE = 60
CAUGHT_UP, CALM = 300, 8
# What an edge may lose, with the slack that a busy machine needs.
LOST_BY_KILL, LOST_BY_DISK, SLACK = 0.5, 6.0, 3.0
CLIPS = "plain-brisk", "larger-brisk", "slower-brisk", "h265-brisk"
EVERY = 5.0      # seconds between faults, on average

# name: (where it happens, shortest and longest in seconds)
KINDS = {
    "a cut line": ("line", 0.5, 15), "a flapping line": ("line", 6, 15), "bursts of loss": ("line", 3, 10),
    "loss": ("line", 3, 15), "changed datagrams": ("line", 3, 12), "a narrow line": ("line", 4, 15),
    "mixed datagrams": ("line", 3, 15),
    "kill -9": ("node", 0, 5), "SIGTERM": ("node", 0, 3), "SIGSTOP": ("node", 0.3, 4),
    "a full disk": ("node", 2, 8), "a failing sync": ("node", 2, 6), "a read-only disk": ("node", 2, 6),
    "a slow disk": ("node", 2, 6), "a clock that jumps": ("node", 0, 0),
    "no more descriptors": ("node", 2, 6), "no more memory": ("node", 2, 6),
    "a changed byte": ("node", 0, 0),
    "slow viewers": ("server", 4, 15), "flapping publishers": ("node", 3, 8),
    "a second publisher": ("edge", 0, 0),
}


class Fault:
    def __init__(self, dice, span, edges):
        self.kind = dice.choice(list(KINDS))
        where, shortest, longest = KINDS[self.kind]
        self.at, self.length = round(dice.uniform(0, span), 1), round(dice.uniform(shortest, longest), 1)
        self.edge = dice.randrange(edges)
        self.of_server = where == "server" or (where == "node" and dice.random() < 0.5)
        self.place = "line of edge" if where == "line" else "server" if self.of_server else "edge"
        self.dice = dice.randrange(1 << 32)

    def __str__(self):
        number = "" if self.of_server else f" {self.edge}"
        return f"{self.at:7.1f} s  {self.kind} ({self.place}{number}), {self.length} s"


def draw(seed, seconds, edges):
    """The schedule: the same for the same seed."""
    dice = random.Random(seed)
    count = max(3, round(seconds / EVERY))
    return sorted((Fault(dice, seconds, edges) for _ in range(count)), key=lambda fault: fault.at)


class Chaos:
    """One edge or several, their server, and what is done to them."""

    def __init__(self, folder, count, seed):
        self.folder, self.begun, self.stack = folder, 0.0, contextlib.ExitStack()
        self.clips = [clip.make(world.CLIPS, name) for name in CLIPS]
        self.server = places.Node(places.Place(os.path.join(folder, "server")), "--set",
                                  'streams={ "live/*": { record: true } }', "--set", "grace=2s")
        self.edges = [edges.Edge(number, folder, self.server, self.clips, f"{seed} {number}")
                      for number in range(count)]
        self.bird, self.faults, self.harmed = None, [], {id(one): set() for one in self.nodes()}
        self.held, self.dead, self.stopped, self.acts = {}, set(), set(), 0
        self.limits, self.birds = set(), 0

    def nodes(self):
        return [self.server, *(edge.node for edge in self.edges)]

    def say(self, words):
        print(f"{time.monotonic() - self.begun:7.1f} s  {words}", flush=True)

    # The canary: a stream of the server's own, which ends only where its node does.

    def sing(self):
        away = {*self.dead, *self.stopped, *(target for target, _ in self.limits)}
        if self.bird is None and self.server not in away and id(self.server) not in self.held:
            with self.server.place.inside():
                try:
                    self.bird = canary.Canary(self.server.listeners, self.clips[0])
                except AssertionError as error:
                    self.faults.append(f"N8: the canary: {error}")

    def hush(self):
        if self.bird is not None:
            bird, self.bird = self.bird, None
            self.birds += 1
            self.faults += [f"N8: {one}" for one in bird.finish()]

    # What is done, by the names of KINDS. Each gives what ends it, or None where it could not be done now.

    def act(self, fault):
        dice, edge = random.Random(fault.dice), self.edges[fault.edge]
        target = self.server if fault.of_server else edge.node
        method = getattr(self, "_" + re.sub(r"\W+", "_", fault.kind))
        if "line" not in fault.place and (target in self.dead or target in self.stopped):
            self.say(f"not done, the node is away: {fault.kind}")
            return None
        self.say(str(fault).split("s  ", 1)[1])
        self.acts += 1
        return method(dice, edge, target, fault)

    def disk_excuse(self, edge, target, fault):
        if target is edge.node:
            now = time.monotonic()
            edge.excuse(now - 1 - SLACK, now + fault.length + LOST_BY_DISK + SLACK, fault.kind)

    def cuts(self, edge, fault, spans):
        """Cuts the line again and again; in a thread, for others go on."""
        over = threading.Event()

        def run():
            for down, up in spans:
                edge.cut(1)
                over.wait(down)
                edge.cut(-1)
                if over.wait(up):
                    return

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def end():
            over.set()
            thread.join()
        return end

    def _a_cut_line(self, dice, edge, target, fault):
        edge.cut(1)
        return lambda: edge.cut(-1)

    def _a_flapping_line(self, dice, edge, target, fault):
        return self.cuts(edge, fault, itertools.repeat((3, 2)))

    def _bursts_of_loss(self, dice, edge, target, fault):
        return self.cuts(edge, fault, ((dice.uniform(0.05, 0.8), dice.uniform(0.2, 2)) for _ in range(1000)))

    def _loss(self, dice, edge, target, fault):
        edge.line.lose(dice.choice((0.05, 0.1, 0.2, 0.3)))
        return lambda: edge.line.lose(0)

    def _changed_datagrams(self, dice, edge, target, fault):
        edge.line.garble(dice.choice((0.001, 0.01, 0.05)))
        return lambda: edge.line.lose(0)

    def _a_narrow_line(self, dice, edge, target, fault):
        edge.line.narrow(dice.randrange(100_000, 700_000))
        return edge.line.narrow

    def _mixed_datagrams(self, dice, edge, target, fault):
        """F16: out of order, twice, and changed."""
        edge.line.mix(10)
        edge.line.garble(0.001)
        return lambda: [edge.line.mix(), edge.line.lose(0)]

    def away(self, target):
        if target is self.server:
            self.hush()

    def ended(self, edge, target, fault):
        """Until it is started again nothing of it is there."""
        self.dead.add(target)
        if target is edge.node:
            now = time.monotonic()
            edge.excuse(now - LOST_BY_KILL - SLACK, now + SLACK, fault.kind)

        def end():
            target.process.stdout.close()
            target.start_again()
            self.dead.discard(target)
        return end

    def _kill_9(self, dice, edge, target, fault):
        self.away(target)
        target.process.send_signal(signal.SIGKILL)
        target.process.wait()
        return self.ended(edge, target, fault)

    def _SIGTERM(self, dice, edge, target, fault):
        self.away(target)
        target.process.send_signal(signal.SIGTERM)
        if target.process.wait(node.STOP_SECONDS) != 0:
            self.faults.append(f"F22: {fault.place} ended badly:\n{target.said()[-2000:]}")
        return self.ended(edge, target, fault)

    def _SIGSTOP(self, dice, edge, target, fault):
        self.away(target)
        self.stopped.add(target)
        target.process.send_signal(signal.SIGSTOP)

        def end():
            target.process.send_signal(signal.SIGCONT)
            self.stopped.discard(target)
        return end

    def _a_full_disk(self, dice, edge, target, fault):
        if os.path.exists(target.place.disk.real("filler")):
            return None
        self.disk_excuse(edge, target, fault)
        target.place.disk.fill_up()
        return target.place.disk.empty

    def calls(self, edge, target, fault, *rules):
        """Only one program may look into another at a time."""
        if id(target) in self.held:
            return None
        self.disk_excuse(edge, target, fault)
        self.away(target)      # each call of the server takes its time now
        scene = types.SimpleNamespace(folder=target.place.folder, server=target)
        held = disks.calls_fail(scene, *rules)
        held.__enter__()
        self.held[id(target)] = held

        def end():
            del self.held[id(target)]
            held.__exit__(None, None, None)
        return end

    def _a_failing_sync(self, dice, edge, target, fault):
        return self.calls(edge, target, fault, "fdatasync:error=EIO")

    def _a_read_only_disk(self, dice, edge, target, fault):
        return self.calls(edge, target, fault, "pwrite64:error=EROFS", "ftruncate:error=EROFS",
                          "unlinkat:error=EROFS")

    def _a_slow_disk(self, dice, edge, target, fault):
        return self.calls(edge, target, fault, f"pwrite64:delay_enter={dice.randrange(5, 60) * 1000}")

    def _a_clock_that_jumps(self, dice, edge, target, fault):
        target.place.clock.set(dice.choice((-HOUR, -60, 60, HOUR)))
        edge.clock_jumped = edge.clock_jumped or target is edge.node

    def limited(self, edge, target, fault, what, limit):
        """Until then the process has no more of it, and lets nobody new in."""
        if (target, what) in self.limits:
            return None
        self.limits.add((target, what))
        self.disk_excuse(edge, target, fault)
        self.away(target)
        pid = target.process.pid
        soft, hard = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (limit, hard))

        def end():
            self.limits.discard((target, what))
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, what, (soft, hard))
        return end

    def _no_more_descriptors(self, dice, edge, target, fault):
        return self.limited(edge, target, fault, resource.RLIMIT_NOFILE,
                            target.descriptors() + dice.randrange(4))

    def _no_more_memory(self, dice, edge, target, fault):
        with open(f"/proc/{target.process.pid}/statm", encoding="utf-8") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        return self.limited(edge, target, fault, resource.RLIMIT_AS, size + (dice.randrange(16, 96) << 20))

    def _a_changed_byte(self, dice, edge, target, fault):
        """Of a file that is closed; nobody else's fragment may miss."""
        stream = edge.name
        status, said = target.get(f"/api/v1/recordings/{stream}?fragments=true")
        known = json.loads(said)["fragments"] if status == 200 else []
        newest = max((one["file"] for one in known), default=0)
        closed = [one for one in known if one["file"] < newest]
        if not closed:
            return
        one = dice.choice(closed)
        status, data = target.get(f"/{stream}/archive/{one['file']}-{one['number']}.m4s")
        path = target.place.disk.real(f"archive/{one['file']:010d}.mp4")
        end = data[-len(edges.PICTURE) - 100:] if data[-200:] in edges.PICTURE else data[-200:]      # its own
        with open(path, "r+b") as file:
            at = file.read().find(end) if status == 200 else -1
            if at < 0:
                return
            file.seek(at + len(end) - 100)
            file.write(bytes([data[-100] ^ 1 << dice.randrange(8)]))
        self.harmed[id(target)].add((stream, one["file"], one["run"], one["number"]))
        if target is edge.node:
            frames = laws.units_of(target, stream, one, edge.camera.written(), [])
            edge.harmed_at_once = frames

    def _slow_viewers(self, dice, edge, target, fault):
        """They ask, and read nothing."""
        crowd = []
        with self.server.place.inside():
            host, port = self.server.listeners["http"].rsplit(":", 1)
            for _ in range(20):
                with contextlib.suppress(OSError):
                    viewer = socket.socket()
                    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
                    viewer.settimeout(2)
                    viewer.connect((host, int(port)))
                    viewer.sendall(f"GET /{edge.name}.flv HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                    crowd.append(viewer)
        return lambda: [viewer.close() for viewer in crowd]

    def _flapping_publishers(self, dice, edge, target, fault):
        over = threading.Event()

        def run():
            with target.place.inside():
                while not over.is_set():
                    with contextlib.suppress(OSError, rtmp.Refused):
                        client = rtmp.Client(target.listeners["rtmp"], "flap", "ping")
                        client.publish()
                        source = canary.Source(client, self.clips[0])
                        source.begin()
                        end = time.monotonic() + dice.uniform(0.1, 1.5)
                        source.play(lambda end=end: over.is_set() or time.monotonic() > end)
                        if dice.random() < 0.5:      # by RST
                            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                     struct.pack("ii", 1, 0))
                        client.socket.close()
                    over.wait(0.05)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()

        def end():
            over.set()
            thread.join()
        return end

    def _a_second_publisher(self, dice, edge, target, fault):
        if not edge.camera.publishes:
            return
        with target.place.inside(), contextlib.suppress(OSError, rtmp.Refused):
            with rtmp.Client(target.listeners["rtmp"], *edge.name.split("/")) as client:
                client.publish()
                if edge.camera.publishes:
                    self.faults.append("F19: a second publisher was let in beside the first")

    # The course of it.

    def run(self, schedule, seconds):
        self.begun = time.monotonic()
        steps = [(fault.at, number, fault) for number, fault in enumerate(schedule)]
        steps.append((seconds, len(steps), None))
        ends = []
        while steps or ends:
            self.sing()
            coming = min([*steps, *ends], key=lambda step: step[:2])
            wait = coming[0] - (time.monotonic() - self.begun)
            if wait > 0:
                time.sleep(min(wait, 0.5))
                continue
            if coming in steps:
                steps.remove(coming)
                end = self.act(coming[2]) if coming[2] else None
                if end:
                    ends.append((time.monotonic() - self.begun + coming[2].length, -coming[1], end))
            else:
                ends.remove(coming)
                coming[2]()
            self.living()

    def living(self):
        for one in self.nodes():
            if one not in self.dead and not one.alive():
                raise AssertionError(f"a node died:\n{one.said()[-4000:]}")

    def quieten(self):
        """Quiet: the cameras begin anew, live comes back and is whole, the canary too, and all is sent."""
        self.say("quiet")
        for edge in self.edges:
            edge.camera.paused = True
        for edge in self.edges:
            node.until(lambda edge=edge: not edge.camera.publishes and edge.node.get(
                f"/api/v1/streams/{edge.name}")[0] == 404, PATIENCE, f"{edge.name} ends")
            edge.excuses = [(begin, min(end, time.monotonic()), why) for begin, end, why in edge.excuses]
            edge.camera.forever, edge.camera.paused, edge.quiet = True, False, len(edge.camera.sources)
        for edge in self.edges:
            node.until(lambda edge=edge: self.is_seen(edge), PATIENCE, f"{edge.name} is seen again")
        self.sing()
        time.sleep(CALM)
        self.hush()
        for edge in self.edges:
            edge.camera.over = True
            edge.camera.join()
        self.say("the cameras have ended")
        for edge in self.edges:
            node.until(lambda edge=edge: edge.uplink().get("unsent_fragments") == 0 and not any(
                json.loads(one.get(f"/api/v1/recordings/{edge.name}")[1])["recording"]
                for one in (edge.node, self.server)), CAUGHT_UP, f"{edge.name} has caught up")
        self.say("caught up")

    def is_seen(self, edge):
        written = {one.name for source in edge.camera.sources[edge.quiet:] for one in list(source.ledger)}
        return any(frame.name in written for reader in edge.viewer.readers[-1:]
                   for frame in laws.frames_of(reader)[-200:])

    def judge(self):
        for edge in self.edges:
            self.judge_edge(edge)
        for one in self.nodes():
            one.stop()
        for edge, found in [(edge, edge.found) for edge in self.edges]:
            self.faults += laws.n6(f"edge {edge.number}", edge.node.place, found[0], self.changed(edge.node))
        files = {}
        for edge in self.edges:
            files.update(edge.found[1])
        self.faults += laws.n6("server", self.server.place, files, self.changed(self.server))

    def changed(self, server):
        return {(file, number) for _, file, _, number in self.harmed[id(server)]}

    def judge_edge(self, edge):
        written = edge.camera.written()
        edge.viewer.over = True
        edge.viewer.join()
        here, there = (laws.read(one, edge.name, written) for one in (edge.node, self.server))
        harmed = {(run, number) for one in (edge.node, self.server)
                  for stream, _, run, number in self.harmed[id(one)] if stream == edge.name}
        self.faults += here.faults + there.faults + laws.n1(here, there, harmed)
        # What a changed byte took from the edge may be on the server alone.
        kept = laws.Recorded({**{key: one for key, one in there.fragments.items() if key in harmed},
                              **here.fragments}, {}, set(), [])
        self.faults += laws.n2(written, kept, edge.excuses)
        self.faults += laws.n3("edge", here) + laws.n3("server", there)
        if not edge.clock_jumped:
            self.faults += laws.n4("edge", here.listing) + laws.n4("server", there.listing)
        quiet = [one for source in edge.camera.sources[edge.quiet:] for one in source.ledger]
        for reader in edge.viewer.readers:
            self.faults += laws.viewed(laws.frames_of(reader), written)
        self.faults += laws.whole(quiet, laws.frames_of(edge.viewer.readers[-1]))
        edge.found = [laws.pictures_of_files(one, edge.name, found)
                      for one, found in ((edge.node, here), (self.server, there))]
        stored = {known.name for one in here.fragments.values() for known, _ in one.units}
        self.say(f"edge {edge.number}: {len(written)} frames written in {len(edge.camera.sources)} "
                 f"publications, {len(stored)} recorded in {len(here.fragments)} fragments, the server has "
                 f"{len(there.fragments)}; {len(edge.viewer.readers)} viewers, {self.birds} canaries")
        if len(stored) * 4 < len(written) or len(written) < 500:
            self.faults.append("nothing is proven: too little was recorded")

    def close(self):
        """Ends what is left of a run that failed."""
        for edge in self.edges:
            edge.camera.over = edge.viewer.over = True
        if self.bird:
            self.bird.kill()
        for one in self.nodes():
            with contextlib.suppress(ProcessLookupError):
                one.process.send_signal(signal.SIGCONT)
                one.process.kill()
                one.process.wait()
            one.place.close()


def run(seed, minutes, nodes, keep=False):
    """True if all laws held."""
    schedule = draw(seed, minutes * 60, nodes - 1)
    print(f"chaos: seed {seed}, {minutes:g} minutes, {nodes} nodes", *schedule, sep="\n", flush=True)
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="millrace-chaos-") if keep else stack.enter_context(
            tempfile.TemporaryDirectory(prefix="millrace-chaos-"))
        chaos = Chaos(folder, nodes - 1, seed)
        stack.callback(chaos.close)
        try:
            chaos.run(schedule, minutes * 60)
            chaos.quieten()
            chaos.judge()
        except Exception as error:      # told with the rest
            chaos.faults.append(f"{type(error).__name__}: {error}")
        if chaos.faults:
            print(*(f"--- {one.place.folder}\n{one.said()[-6000:]}" for one in chaos.nodes()), sep="\n")
        print(*laws.told(chaos.faults), sep="\n")
        print("BROKEN:" if chaos.faults else "all laws held:",
              f"tools/chaos --seed {seed} --minutes {minutes:g} --nodes {nodes}", flush=True)
        return not chaos.faults


@world.test(quick=True, builds=("release",), canary=False)
def f26_one_minute_of_chaos_ends_with_the_laws_n1_to_n8(_world):
    """In a process of its own, which goes from one network to another."""
    done = subprocess.run([os.path.join(node.ROOT, "tools/chaos"), "--seed", "2978", "--minutes", "1"],
                          capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-12000:] + done.stderr[-3000:]
