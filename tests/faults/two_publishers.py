"""Case 91 and F19: two publishers on one name, live and dead, one after the other and at once."""

import signal
import subprocess
import sys
import threading
import time

import canary
import ledger
import node
import peers
import rtmp
from world import CLOSED_SECONDS, test

DEAD_SECONDS = 5 + 3      # a dead publisher is replaced within 5 s
AT_ONCE = 50
NUMBERS = 1 << 26         # numbers of frames a source: their hashes never meet


def source_of(world, client, number):
    source = canary.Source(client, world.clip(), first_number=(1 << 32) + number * NUMBERS)
    source.begin()
    return source


def knock(world, name, seconds):
    """Asks to publish again and again; the client that was let in."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        client = world.client(name)
        try:
            client.publish()
            return client
        except (rtmp.Refused, ConnectionError, TimeoutError):
            client.socket.close()
    raise AssertionError(f"nobody was let in within {seconds} s")


class Playing:
    """A source that plays in a thread until the block ends."""

    def __init__(self, source):
        self.source, self.stop = source, threading.Event()
        self.thread = threading.Thread(target=self._play, daemon=True)

    def _play(self):
        try:
            self.source.play(self.stop.is_set)
        except (OSError, rtmp.Refused):
            pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def arrives(viewer, source):
    last = [frame.name for frame in source.ledger if frame.kind == "video"][-1]
    node.until(lambda: any(frame.name == last for frame in viewer.frames()), CLOSED_SECONDS,
               "the last frame arrives")


def switches(frames, sources):
    """Which source each video frame is from, without repeats; raises if a frame is nobody's."""
    order = []
    for frame in frames:
        owners = [at for at, source in enumerate(sources)
                  if any(sent.name == frame.name for sent in source.ledger)]
        assert len(owners) == 1, f"a {frame.kind} frame of {len(owners)} sources"
        if not order or order[-1] != owners[0]:
            order.append(owners[0])
    return order


@test(quick=True)
def case_91_and_f19_a_second_live_publisher_is_refused(world):
    with world.fault():
        client, source = world.publisher("live/held")
        source.begin()
        with Playing(source):
            world.wait_live("live/held")
            with peers.FlvReader(world.server.http("/live/held.flv")) as viewer:
                for _ in range(10):
                    second = world.client("live/held")
                    try:
                        second.publish()
                        raise AssertionError("a second publisher was let in")
                    except (rtmp.Refused, ConnectionError) as refused:
                        assert "Publish" in str(refused) or "Name" in str(refused), f"refused with {refused}"
                    finally:
                        second.socket.close()
                time.sleep(1)
                arrives(viewer, source)
                assert switches(viewer.frames(), [source]) == [0]
        client.socket.close()


STOPPED = """
import sys, time
sys.path[:0] = {paths!r}
import canary, clip, rtmp, world
client = rtmp.Client({address!r}, "live", "dead")
client.publish()
source = canary.Source(client, clip.make(world.CLIPS, "plain"), first_number=1)
source.begin()
print("live", flush=True)
source.play(lambda: False)
"""


@test(quick=True, waits=True)
def case_91_and_f19_a_dead_publisher_is_replaced(world):
    """SIGSTOP of a publisher: its kernel acknowledges, nothing comes. Its viewers go on with the next."""
    with world.fault():
        code = STOPPED.format(paths=sys.path[:3], address=world.listeners["rtmp"])
        dead = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL)
        try:
            assert dead.stdout.readline() == b"live\n"
            world.wait_live("live/dead")
            with peers.FlvReader(world.server.http("/live/dead.flv")) as flv, \
                    peers.RtmpReader(world.listeners["rtmp"], "live", "dead") as player:
                node.until(lambda: flv.frames() and player.frames(), 10, "frames of the first")
                dead.send_signal(signal.SIGSTOP)
                client = knock(world, "live/dead", DEAD_SECONDS)
                source = source_of(world, client, 1)
                source.play(lambda: source.due() > 2000)
                dead.send_signal(signal.SIGCONT)      # back from the dead: it is not let in beside the other
                source.play(lambda: source.due() > 4000)
                for viewer in (flv, player):
                    arrives(viewer, source)
                    judge_replaced(viewer.frames(), source)
            client.socket.close()
        finally:
            dead.kill()
            dead.wait()
            dead.stdout.close()


def judge_replaced(frames, source):
    names = {frame.name for frame in source.ledger}
    ours = [frame.name in names for frame in frames]
    first = ours.index(True)
    assert first > 0 and all(ours[first:]), "frames of both publishers are mixed"
    video = [frame for frame in frames[first:] if frame.kind == "video"]
    assert video[0].key, "the newcomer does not start at a key frame"
    ledger.monotonic(frames)


@test(quick=True)
def f19_fifty_publishers_at_once(world):
    """Fifty knock at the same instant on a name that is free: one is let in, and only its frames come out."""
    with world.fault():
        let_in, barrier = [], threading.Barrier(AT_ONCE)

        def attempt():
            client = world.client("live/rush")
            client.connect()
            client.stream = client.create_stream()
            barrier.wait(CLOSED_SECONDS)
            try:
                client.command("publish", None, "rush", "live", stream=client.stream)
                client.status("NetStream.Publish.Start")
                let_in.append(client)
                source = source_of(world, client, len(let_in))
                source.play(lambda: source.due() > 6000)
                sources.append(source)
            except (rtmp.Refused, ConnectionError):
                client.socket.close()

        sources = []
        threads = [threading.Thread(target=attempt, daemon=True) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        world.wait_live("live/rush")
        with peers.FlvReader(world.server.http("/live/rush.flv")) as viewer:
            for thread in threads:
                thread.join(60)
            assert len(let_in) == 1, f"{len(let_in)} of {AT_ONCE} were let in"
            arrives(viewer, sources[0])
            assert switches(viewer.frames(), sources) == [0]
        let_in[0].socket.close()


@test()
def f19_two_at_once_fifty_times(world):
    with world.fault():
        for round_ in range(50):
            name, let_in, barrier = f"live/pair{round_}", [], threading.Barrier(2)

            def attempt():
                client = world.client(name)
                barrier.wait(CLOSED_SECONDS)
                try:
                    client.publish()
                    source = source_of(world, client, round_)
                    let_in.append(client)
                    source.play(lambda: source.due() > 60)
                except (rtmp.Refused, ConnectionError):
                    client.socket.close()

            # The loser is told once the winner's media came, or is let in when the winner had none for 3 s.
            threads = [threading.Thread(target=attempt, daemon=True) for _ in range(2)]
            for thread in threads:
                thread.start()
            node.until(lambda: let_in, CLOSED_SECONDS, f"round {round_}: one is let in")
            winner = canary.Source(let_in[0], world.clip(), first_number=1)
            begun = time.monotonic()
            while any(thread.is_alive() for thread in threads) and time.monotonic() - begun < CLOSED_SECONDS:
                winner.step(shift=200)
                time.sleep(0.02)
            assert len(let_in) == 1, f"round {round_}: {len(let_in)} were let in"
            let_in[0].unpublish()
            let_in[0].socket.close()
