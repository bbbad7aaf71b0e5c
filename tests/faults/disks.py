"""A small real disk that a server has alone: a tmpfs in a mount namespace of its own; and calls that fail.
Root."""

import contextlib
import os
import signal
import subprocess

import node

MEGABYTE = 1 << 20
ATTACHED = 20      # s


class SmallDisk:
    """`millrace-data` of the test's folder lies on it; it lasts over starts of the server, until `close`."""

    def __init__(self, folder, megabytes):
        self.path = os.path.join(folder, "millrace-data")
        os.makedirs(self.path, exist_ok=True)
        # cat ends when we close its input, or end ourselves; the disk is gone with it.
        script = 'mount -t tmpfs -o "size=$1" small "$2" && echo there && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", f"{megabytes}m",
             self.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"there\n":
            raise AssertionError("no small disk could be mounted: this test needs root")
        self.inside = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt"]
        self.before = [*self.inside, "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", folder]

    def close(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()

    def real(self, name=""):
        """The path of a file on it, for us outside."""
        return os.path.join(f"/proc/{self.holder.pid}/root{self.path}", name)

    def free(self):
        facts = os.statvfs(self.real())
        return facts.f_bavail * facts.f_frsize

    def fill(self, leave):
        """Somebody else's file takes all but `leave` bytes."""
        with open(self.real("filler"), "ab") as file:
            more = self.free() - leave
            os.posix_fallocate(file.fileno(), file.tell(), more)

    def fill_up(self):
        """The same, to the last page, while others write, too."""
        self.fill(MEGABYTE)
        with contextlib.suppress(OSError), open(self.real("filler"), "ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def empty(self):
        os.remove(self.real("filler"))

def small_disk(megabytes):
    return lambda folder: SmallDisk(folder, megabytes)


def traced(pid):
    """Whether every thread of a process is."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as file:
            if "TracerPid:\t0\n" in file.read():
                return False
    return True


@contextlib.contextmanager
def calls_fail(world, *rules):
    """System calls of the server fail as strace's rules say."""
    command = ["strace", "-f", "-q", "-o", os.path.join(world.folder, "strace"),
               "-p", str(world.server.process.pid)]
    command += [word for rule in rules for word in ("-e", f"inject={rule}")]
    command += ["-e", "trace=" + ",".join(sorted({rule.split(":")[0] for rule in rules}))]
    tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        node.until(lambda: traced(world.server.process.pid), ATTACHED, "strace is attached")
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait()
