"""An edge's archive goes to its server whatever happens to the link, the server and the edge between them."""

import collections
import contextlib
import datetime
import hashlib
import json
import os
import select
import signal
import socket
import threading
import time
import urllib.parse
import urllib.request

import clocks
import disks
import durable
import exports
import ledger
import node
from world import test

NAME = "live/cam"
MUTE_CAMERA = "test:?size=320x240&fps=25&bitrate=600k&gop=1s"
CAMERA = MUTE_CAMERA + "&results"
PATIENCE = 60
OUTAGE_SECONDS = 9
AWAY_SECONDS = 5
STOP_SECONDS = 10 + 3     # of a server that is told to stop; 3 s of slack
FLAPS = 3
HOUR, TEN_YEARS = 3600, 10 * 365 * 86400
NEWEST = datetime.timedelta(seconds=2)
MOST = 0.8      # of the pictures have their results: all but the newest, and those of a kill
KEPT_SECONDS = 2      # what is kept of events comes at once
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
        self.bytes = collections.Counter()      # of datagrams to the server, by caller
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
                            self.bytes[caller] += len(data)
                    else:
                        data = ready.recv(2048)
                        if not self.cut:
                            self.door.sendto(data, callers[ready])


def records(_folder):
    return ("--open", "--set", f"streams={{ {NAME}: {{ record: true }} }}")


def home_of_edge(world):
    return node.open_folder(os.path.join(world.folder, "edge"))


@contextlib.contextmanager
def edge_of(world, path, *options, source=CAMERA, before=()):
    """A camera's node whose archive is to be the server's, too; `before`: see disks.py, clocks.py."""
    rule = json.dumps({"source": source, "record": True, "uplink":
                       f"kcp://{path.address()}/{NAME}?fingerprint={world.server.fingerprint}"})
    folder = home_of_edge(world)
    program = os.path.join(node.ROOT, f"build/{world.build}/bin/millrace")
    edge = node.Millrace(folder, program, ("--open", "--set", f"streams={{ {NAME}: {rule} }}", "--set",
                                           "outgoing.allow=[ 127.0.0.1 ]", *options), before)
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


def results(server, until):
    """What was recorded of the pictures up to that moment, in the order of the lists."""
    found, page = [], ""
    while True:
        status, body = server.get(f"/api/v1/recordings/{NAME}/results?limit=1000&to={until}{page}", 30)
        assert status == 200, body
        answer = json.loads(body)
        found += answer["items"]
        if "next" not in answer:
            return found
        page = f"&page={answer['next']}"


def the_results_are_equal(world, edge, until, least):
    """0 missing, 0 twice, 0 altered, in order. Those of the newest may lie in a fragment behind them."""
    moment = datetime.datetime.fromisoformat(until.replace("Z", "+00:00")) - NEWEST
    until = moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    near, far = (results(one, until) for one in (edge, world.server))
    assert far == near, f"{len(near)} results on the edge, {len(far)} on the server"
    places = {(one["run"], one["pts"]) for one in far}
    assert len(places) == len(far), f"{len(far) - len(places)} results are there twice"
    assert len(far) >= least, f"{len(far)} results where {least} are expected"


def the_archives_are_equal(world, edge, most=MOST):
    """0 missing, 0 twice, 0 altered, in order, and the same gaps, up to the newest that both have; their
    results as well, which that share of the pictures have at least."""
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
    the_results_are_equal(world, edge, until, most * len(far))
    return far


def events(server, name):
    """What happened to the stream up to now."""
    host, port = server.listeners["http"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(f"GET /{name}/events?after=0 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        said, end = b"", time.monotonic() + KEPT_SECONDS
        with contextlib.suppress(socket.timeout):
            while time.monotonic() < end:
                more = wire.recv(65536)
                said += more
                wire.settimeout(1)
                if not more:
                    break
    whole = said[:said.rfind(b"\n") + 1].decode()      # the camera's results go on coming
    return [json.loads(line[5:]) for line in whole.splitlines() if line.startswith("data:")]


def list_of(server, revision):
    """The addresses of the segments in the archive's list of that revision."""
    status, body = server.get(f"/{NAME}/archive.m3u8?rev={revision}")
    assert status == 200, body
    return [line for line in body.decode().splitlines() if not line.startswith("#")]


def newest_revision(server):
    with urllib.request.urlopen(server.http(f"/{NAME}/archive.m3u8"), timeout=10) as answer:
        return urllib.parse.parse_qs(urllib.parse.urlsplit(answer.url).query)["rev"][0]


def fragments(server):
    """By run and number: the same on the edge and on its server."""
    return {(one["run"], one["number"]): one for one in recorded(server, "?fragments=true")["fragments"]}


def everything_is_sent(edge, patience=PATIENCE):
    """Everything that was recorded until now is acknowledged; what comes meanwhile may be on its way."""
    now = max(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), recorded(edge)["items"][-1]["to"])
    node.until(lambda: uplink(edge).get("state") == "live"
               and uplink(edge).get("unsent_since", "9") >= now, patience, "nothing older waits")


def the_list_that_was_given_out_stays(server, revision, listed):
    """It goes on behind what it had; what filled a gap is in later lists alone."""
    now, newest = list_of(server, revision), list_of(server, newest_revision(server))
    assert now[:len(listed)] == listed and len(listed) > 0, (listed, now)
    assert len(newest) > len(now) and set(newest) > set(now), (now, newest)


@test(quick=True, builds=("release",), canary=False, options=records)
def row_0_7_row_0_12_row_1_2_f13_media_goes_once_and_each_fragment_is_the_same_with_its_times(world):
    far = world.server
    path = Path(far.listeners["kcp"])
    with edge_of(world, path, source=MUTE_CAMERA) as edge:
        node.until(lambda: far.is_live(NAME), PATIENCE, "the stream is live")
        brings(edge, 3)
        before, counted = uplink(edge)["acknowledged_fragments"], path.bytes.copy()
        brings(edge, 4)
        went = path.bytes - counted
        media = sum(one["bytes"] for one in list(fragments(edge).values())[before:before + 4])
        assert len(went) == 2, went
        assert min(went.values()) <= 0.1 * media, (went, media)
        assert max(went.values()) >= 0.8 * media, "live media is what is compared"

        here, there = fragments(edge), fragments(far)
        both = [key for key in here if key in there][:4]
        assert len(both) == 4, (here, there)
        for key in both:
            one, other = here[key], there[key]
            addresses = [(server, f"/{NAME}/archive/{its['file']}-{its['number']}.m4s")
                         for server, its in ((edge, one), (far, other))]
            hashes = {hashlib.sha256(server.get(address)[1]).hexdigest() for server, address in addresses}
            assert len(hashes) == 1, key
            steps = [one["captured"], one["stored"], other["received"], other["stored"], one["acknowledged"]]
            assert steps == sorted(steps) and one["captured"] == other["captured"], (one, other)
            assert one["sent"] and one["stored"] < one["sent"] < one["acknowledged"], one
        there = fragments(far)
        assert all(there[key]["served"] > there[key]["stored"] for key in both), there
        assert all(one["served"] is None for key, one in there.items() if key not in both), there

        # Up for 2 s, down for 3 s: something comes in each turn, and in the end everything.
        for _ in range(FLAPS):
            before = uplink(edge)["acknowledged_fragments"]
            path.cut = True
            time.sleep(3)
            path.cut = False
            time.sleep(2)
        node.until(lambda: uplink(edge)["acknowledged_fragments"] > before, PATIENCE, "something comes")
        everything_is_sent(edge)
        the_archives_are_equal(world, edge, most=0)
        assert uplink(edge)["reconnects"] <= 5 * FLAPS + 3, "one try a second at most"


@test(quick=True, builds=("release",), canary=False, options=records)
def f2_f11_f12_n1_row_0_10_a_cut_link_and_a_killed_edge_leave_two_equal_archives(world):
    far = world.server
    # So slow that what comes first is listed before the rest is there.
    with edge_of(world, Path(far.listeners["kcp"]), "--set", "uplink.order=newest",
                 "--set", "uplink.rate_kbits=1000") as edge:
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
        runs = {run for run, _ in fragments(edge)}
        kill(edge)
        edge.start_again(durable.ANYWHERE | {"kcp": "127.0.0.1:0"})
        given_out = newest_revision(far), list_of(far, newest_revision(far))
        node.until(lambda: sum(run not in runs for run, _ in fragments(edge)) >= 2, PATIENCE,
                   "it records again")
        path.cut = False
        brings(edge, 1)
        everything_is_sent(edge)
        frames = the_archives_are_equal(world, edge)
        # What is newest came first, so that what was missed filled a gap.
        the_list_that_was_given_out_stays(far, *given_out)
        node.until(lambda: any(one["kind"] == "gap" and one["what"] == "filled" and one["from"] < one["to"]
                               for one in events(far, NAME)), PATIENCE, "the gap is told to be filled")
        assert len(frames) > 25 * OUTAGE_SECONDS, len(frames)
        assert uplink(edge)["refused_fragments"] == 0, uplink(edge)


def document(server):
    status, body = server.get(f"/api/v1/streams/{NAME}")
    assert status == 200, body
    return json.loads(body)


@test(quick=True, builds=("release",), canary=False, options=records)
def f1_f3_f22_n1_row_1_22_a_server_that_was_away_has_everything_once_and_in_order(world):
    far = world.server
    with edge_of(world, Path(far.listeners["kcp"]), "--set", "uplink.rate_kbits=1000") as edge:
        node.until(lambda: far.is_live(NAME), PATIENCE, "the stream is live")
        brings(edge, 1)
        kill(far)
        time.sleep(AWAY_SECONDS)
        far.start_again(far.listeners)
        # Killed again while it is sent what it missed, and the edge at once.
        before = uplink(edge)["acknowledged_fragments"]
        waiting = node.until(lambda: uplink(edge)["acknowledged_fragments"] > before and uplink(edge),
                             PATIENCE, "something comes")
        assert waiting["unsent_fragments"] > 0, waiting
        kill(far)
        kill(edge)
        far.start_again(far.listeners)
        edge.start_again(durable.ANYWHERE | {"kcp": "127.0.0.1:0"})
        node.until(lambda: far.is_live(NAME), PATIENCE, "live comes to the new server")
        brings(edge, 2)
        # Stopped in good order.
        far.process.send_signal(signal.SIGTERM)
        assert far.process.wait(STOP_SECONDS) == 0, far.said()
        far.process.stdout.close()
        far.start_again(far.listeners)
        node.until(lambda: far.is_live(NAME), PATIENCE, "live comes to the next server")
        brings(edge, 2)
        everything_is_sent(edge)
        frames = the_archives_are_equal(world, edge)
        assert len(frames) > 25 * AWAY_SECONDS, len(frames)
        assert [gap["cause"] for gap in recorded(far)["gaps"]] == ["crash"], "the edge's own, and no other"
        assert uplink(edge)["refused_fragments"] == 0, uplink(edge)


@test(quick=True, builds=("release",), canary=False, options=records, around=disks.small_disk(400))
def f5_f6_n1_a_full_disk_of_the_server_and_then_of_the_edge_harms_neither_live_nor_what_is_kept(world):
    far, disk = world.server, disks.SmallDisk(home_of_edge(world), 400)
    with contextlib.closing(disk), edge_of(world, Path(far.listeners["kcp"]), before=disk.before) as edge:
        node.until(lambda: far.is_live(NAME), PATIENCE, "the stream is live")
        brings(edge, 2)
        begun = uplink(edge)["reconnects"]

        world.around.fill_up()
        node.until(lambda: uplink(edge)["unsent_fragments"] >= 4, PATIENCE, "the edge keeps it")
        assert [gap["cause"] for gap in recorded(edge)["gaps"]] == []
        world.around.empty()
        everything_is_sent(edge)
        assert recorded(far)["gaps"] == [], recorded(far)["gaps"]

        disk.fill_up()
        node.until(lambda: document(edge)["recording"]["trouble"] == "disk full", PATIENCE, "it says so")
        shown = document(far)["frames_in"]
        node.until(lambda: document(far)["frames_in"] > shown + 50, PATIENCE, "live goes on")
        disk.empty()
        node.until(lambda: document(edge)["recording"]["trouble"] == "", PATIENCE, "it is kept again")
        brings(edge, 2)
        everything_is_sent(edge)
        the_archives_are_equal(world, edge)
        assert [gap["cause"] for gap in recorded(far)["gaps"]] == ["disk full"], "the edge's own"
        assert document(far)["frames_lost"] == 0 and uplink(edge)["reconnects"] == begun, uplink(edge)


def by_a_clock_of_years_ahead(server):
    newest = list(fragments(server).values())[-1]
    return int(newest["stored"][:4]) > int(newest["captured"][:4]) + 8


@test(quick=True, builds=("release",), canary=False, options=records, around=clocks.fake_clock)
def f10_n1_clocks_that_jump_at_the_edge_at_the_server_and_at_both_end_no_link_and_make_no_gap(world):
    far, clock = world.server, clocks.FakeClock(home_of_edge(world))
    path = Path(far.listeners["kcp"])
    with edge_of(world, path, before=clock.before) as edge:
        node.until(lambda: far.is_live(NAME), PATIENCE, "the stream is live")
        brings(edge, 1)
        begun = uplink(edge)["reconnects"]
        for of_edge, of_server in ((HOUR, 0), (0, -HOUR), (TEN_YEARS, TEN_YEARS)):
            clock.set(of_edge)
            world.around.set(of_server)
            brings(edge, 2)
        assert uplink(edge)["reconnects"] == begun, "no link ended"
        node.until(lambda: all(map(by_a_clock_of_years_ahead, (edge, far))), PATIENCE, "both clocks jump")
        # A link is begun anew while both are far from each other.
        clock.set(0)
        path.cut = True
        node.until(lambda: uplink(edge)["state"] != "live", PATIENCE, "the edge sees that the link is cut")
        path.cut = False
        brings(edge, 2)
        world.around.set(0)
        brings(edge, 1)
        everything_is_sent(edge)
        the_archives_are_equal(world, edge, most=0)      # a camera by such a clock hurries, results do not
        there = recorded(far)
        assert len(there["items"]) == 1 and there["gaps"] == [], there
        assert uplink(edge)["refused_fragments"] == 0, uplink(edge)
