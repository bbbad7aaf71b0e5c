"""An edge's archive goes to its server whatever happens to the link, the server and the edge between them."""

import collections
import contextlib
import json
import os
import select
import signal
import socket
import threading
import time

import durable
import exports
import ledger
import node
from world import test

NAME = "live/cam"
PATIENCE = 60
OUTAGE_SECONDS = 9
BACK_SECONDS = 3 + 3      # live is back within 3 s of the link; 3 s of slack


class Path(threading.Thread):
    """Carries datagrams between callers and the server's link, or nothing while it is cut."""

    def __init__(self, server):
        super().__init__(daemon=True)
        host, port = server.rsplit(":", 1)
        self.server, self.cut, self.over = (host, int(port)), False, False
        self.door = self.socket()
        self.door.bind(("127.0.0.1", 0))
        self.lines = {}      # socket to the server by caller
        self.start()

    @staticmethod
    def socket():
        """One that never waits: what select() found may be an error that a send took away meanwhile."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        return made

    def address(self):
        return "127.0.0.1:%d" % self.door.getsockname()[1]

    def line(self, caller):
        if caller not in self.lines:
            self.lines[caller] = self.socket()
            self.lines[caller].connect(self.server)
        return self.lines[caller]

    def run(self):
        while not self.over:
            callers = {line: caller for caller, line in self.lines.items()}
            for ready in select.select([self.door, *callers], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):      # the server is away
                    if ready is self.door:
                        data, caller = self.door.recvfrom(2048)
                        if not self.cut:
                            self.line(caller).send(data)
                    else:
                        data = ready.recv(2048)
                        if not self.cut:
                            self.door.sendto(data, callers[ready])


def records(_folder):
    return ("--open", "--set", f"streams={{ {NAME}: {{ record: true }} }}")


@contextlib.contextmanager
def edge_of(world, path, *options):
    """A camera's node whose archive is to be the server's, too."""
    rule = json.dumps({"source": "test:?size=320x240&fps=25&bitrate=600k&gop=1s", "record": True, "uplink":
                       f"kcp://{path.address()}/{NAME}?fingerprint={world.server.fingerprint}"})
    folder = node.open_folder(os.path.join(world.folder, "edge"))
    program = os.path.join(node.ROOT, f"build/{world.build}/bin/millrace")
    edge = node.Millrace(folder, program, ("--open", "--set", f"streams={{ {NAME}: {rule} }}", "--set",
                                           "outgoing.allow=[ 127.0.0.1 ]", *options))
    try:
        yield edge
    except BaseException:
        print(edge.said()[-3000:], "\n--- the server\n", world.server.said()[-3000:])
        edge.process.kill()
        edge.process.wait()
        raise
    else:
        edge.stop()
    finally:
        path.over = True


def uplink(edge):
    items = json.loads(edge.get("/api/v1/forwards")[1])["items"]
    return items[0].get("uplink", {}) if items else {}


def recorded(server, query=""):
    status, body = server.get(f"/api/v1/recordings/{NAME}{query}")
    assert status == 200, body
    return json.loads(body)


def brings(edge, count):
    """Waits until the server has so many fragments more."""
    before = uplink(edge).get("acknowledged_fragments", 0)
    node.until(lambda: uplink(edge).get("acknowledged_fragments", 0) >= before + count, PATIENCE,
               f"{count} fragments are acknowledged")


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.process.stdout.close()


def export(server, folder, name, until):
    """Hashes of the pictures, and of the packets of sound, up to that moment."""
    status, movie = server.get(f"/{NAME}/archive.mp4?to={until}", 60)
    assert status == 200, movie[:200]
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(movie)
    return [one.name for one in ledger.of_annex_b(ledger.annex_b_of_file(path))], exports.hashes(path, "a")


def the_archives_are_equal(world, edge):
    """0 missing, 0 twice, 0 altered, in order, and the same gaps, up to the newest that both have."""
    until = recorded(world.server)["items"][-1]["to"]
    near, near_sound = export(edge, world.folder, "edge.mp4", until)
    far, far_sound = export(world.server, world.folder, "server.mp4", until)
    missing = collections.Counter(near) - collections.Counter(far)
    strange = collections.Counter(far) - collections.Counter(near)
    assert far == near, f"{len(missing)} of {len(near)} missing, {len(strange)} altered or twice"
    assert len(set(far)) == len(far), "a picture is there twice"
    assert far_sound == near_sound and len(far_sound) > len(far), (len(near_sound), len(far_sound))
    query = f"?to={until}"
    there, here = (recorded(one, query)["gaps"] for one in (world.server, edge))
    assert there == here, f"on the server {there}, on the edge {here}"
    return far


def everything_is_sent(edge):
    """Everything that was recorded until now is acknowledged; what comes meanwhile may be on its way."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    node.until(lambda: uplink(edge).get("state") == "live"
               and uplink(edge).get("unsent_since", "9") > now, PATIENCE, "nothing older waits")


@test(quick=True, builds=("release",), canary=False, options=records)
def f11_f2_n1_a_cut_link_and_a_killed_edge_leave_two_equal_archives(world):
    far = world.server
    with edge_of(world, Path(far.listeners["kcp"])) as edge:
        path = next(one for one in threading.enumerate() if isinstance(one, Path) and not one.over)
        node.until(lambda: far.is_live(NAME), PATIENCE, "the stream is live")
        brings(edge, 2)

        path.cut = True
        node.until(lambda: uplink(edge)["state"] != "live", PATIENCE, "the edge sees that the link is cut")
        time.sleep(OUTAGE_SECONDS)
        waiting = uplink(edge)
        assert waiting["unsent_fragments"] >= 3 and waiting["unsent_since"], waiting
        path.cut = False
        began = time.monotonic()
        node.until(lambda: far.is_live(NAME), PATIENCE, "live is back")
        took = time.monotonic() - began
        assert took < BACK_SECONDS, f"live came back after {took:.1f} s"
        brings(edge, 2)
        the_page = recorded(far)
        everything_is_sent(edge)
        assert recorded(far)["gaps"] == [], (the_page["gaps"], recorded(far)["gaps"])
        the_archives_are_equal(world, edge)

        # The edge dies while the link is cut, and comes back to what it had not sent.
        path.cut = True
        node.until(lambda: uplink(edge)["state"] != "live", PATIENCE, "the edge sees that the link is cut")
        node.until(lambda: uplink(edge)["unsent_fragments"] >= 2, PATIENCE, "something waits")
        kill(edge)
        edge.start_again(durable.ANYWHERE | {"kcp": "127.0.0.1:0"})
        path.cut = False
        brings(edge, 1)
        everything_is_sent(edge)
        frames = the_archives_are_equal(world, edge)
        assert len(frames) > 25 * OUTAGE_SECONDS, len(frames)
        assert uplink(edge)["refused_fragments"] == 0, uplink(edge)


@test(quick=True, builds=("release",), canary=False, options=records)
def f1_n1_a_killed_server_is_sent_what_it_missed_and_what_it_had_not_acknowledged(world):
    far = world.server
    with edge_of(world, Path(far.listeners["kcp"])) as edge:
        node.until(lambda: far.is_live(NAME), PATIENCE, "the stream is live")
        brings(edge, 1)
        kill(far)
        far.start_again(far.listeners)
        node.until(lambda: far.is_live(NAME), PATIENCE, "live comes to the new server")
        brings(edge, 2)
        everything_is_sent(edge)
        the_archives_are_equal(world, edge)
