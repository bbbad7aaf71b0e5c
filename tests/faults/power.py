"""F4: the power goes, and with it what nobody had synced. Root, a loop device, ext4."""

import contextlib
import datetime
import json
import os
import signal
import subprocess

import durable
import node
import uplinks
from world import test

MEGABYTES = 400      # above the floor that a node leaves free
LOST_SECONDS = 1 + 3      # of what was recorded when the power goes; 3 s of slack
EDGE_CUTS = 2


class PoweredDisk:
    """`millrace-data` of a folder lies on a file system of its own, on an image of a disk. What was written
    and not synced is not in the image: so long does the system wait by itself."""

    options = "loop,commit=300,data=writeback"

    def __init__(self, folder):
        self.image, self.path = os.path.join(folder, "disk"), os.path.join(folder, "millrace-data")
        os.makedirs(self.path, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(MEGABYTES << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True, capture_output=True, timeout=60)
        # cat ends when we close its input, or end ourselves; the mount is gone with it.
        script = 'mount -o "$1" "$2" "$3" && echo there && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", self.options,
             self.image, self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"there\n":
            raise AssertionError("no image could be mounted: this test needs root and loop devices")
        self.inside = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt"]
        self.before = [*self.inside, "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", folder]

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()

    def cut(self, server):
        """The machine of that server loses its power; it is to be started again. When that was."""
        server.process.send_signal(signal.SIGSTOP)
        when = datetime.datetime.now(datetime.timezone.utc)
        subprocess.run(["cp", "--sparse=always", self.image, f"{self.image}.cut"], check=True, timeout=60)
        server.process.kill()
        server.process.wait()
        server.process.stdout.close()
        # Whatever the unmounting writes goes into an image that nobody reads any more.
        for command in (["umount", self.path], ["mv", f"{self.image}.cut", self.image],
                        ["mount", "-o", self.options, self.image, self.path]):
            subprocess.run([*self.inside, *command], check=True, timeout=60)
        return when

    def is_sound(self, program):
        """What `millrace check` says of it, down to its bytes; no node has it open."""
        said = subprocess.run([*self.before, program, "check", self.path, "--depth", "bodies", "--json"],
                              capture_output=True, text=True, timeout=60, check=False)
        found = json.loads(said.stdout)
        assert found["sound"] and found["fragments"] > 0, found


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def acknowledged(edge):
    return {key for key, one in uplinks.fragments(edge).items() if one["acknowledged"]}


@test(quick=True, builds=("release",), canary=False, options=uplinks.records, around=PoweredDisk)
def f4_n1_power_cuts_of_the_edge_and_of_its_server_cost_a_second_and_nothing_acknowledged(world):
    far, disk = world.server, PoweredDisk(uplinks.home_of_edge(world))
    program = os.path.join(node.ROOT, f"build/{world.build}/bin/millrace")
    with contextlib.closing(disk):
        with uplinks.edge_of(world, uplinks.Path(far.listeners["kcp"]), before=disk.before) as edge:
            for _ in range(EDGE_CUTS):
                node.until(lambda: far.is_live(uplinks.NAME), uplinks.PATIENCE, "the stream is live")
                uplinks.brings(edge, 2)
                kept, runs = acknowledged(edge), {run for run, _ in uplinks.fragments(edge)}
                cut = disk.cut(edge)
                edge.start_again(durable.ANYWHERE | {"kcp": "127.0.0.1:0"})
                assert kept <= set(uplinks.fragments(edge)), "the server has it, and the edge does not"
                node.until(lambda known=runs: any(run not in known for run, _ in uplinks.fragments(edge)),
                           uplinks.PATIENCE, "it records again")
                gap = uplinks.recorded(edge)["gaps"][-1]
                lost = (cut - moment(gap["from"])).total_seconds()
                assert gap["cause"] == "crash" and lost <= LOST_SECONDS, (gap, cut)
            uplinks.brings(edge, 2)

            kept = acknowledged(edge)
            world.around.cut(far)
            far.start_again(far.listeners)
            here, there = uplinks.fragments(edge), uplinks.fragments(far)
            assert kept <= set(there), f"{kept - set(there)} had been acknowledged"
            assert all(there[key]["bytes"] == here[key]["bytes"] for key in kept)
            node.until(lambda: far.is_live(uplinks.NAME), uplinks.PATIENCE, "live comes to the new server")
            uplinks.brings(edge, 2)
            uplinks.everything_is_sent(edge)
            uplinks.the_archives_are_equal(world, edge)
            assert [gap["cause"] for gap in uplinks.recorded(far)["gaps"]] == ["crash"] * EDGE_CUTS
            assert uplinks.uplink(edge)["refused_fragments"] == 0, uplinks.uplink(edge)
            far.process.send_signal(signal.SIGTERM)
            assert far.process.wait(uplinks.STOP_SECONDS) == 0, far.said()
            far.process.stdout.close()
            world.around.is_sound(program)
            far.start_again(far.listeners)
        disk.is_sound(program)
