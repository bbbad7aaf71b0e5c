"""A small real disk that a server has alone: a tmpfs in a mount namespace of its own; and calls that fail.
Root."""

import contextlib
import os
import pwd
import signal
import subprocess

import node

MEGABYTE = 1 << 20
ATTACHED = 20      # s
FEW_DESCRIPTORS = 8      # fewer than any server has open


class SmallDisk:
    """`millrace-data` of the test's folder lies on it; it lasts over starts of the server, until `close`."""

    def __init__(self, folder, megabytes, inodes=0, user=None):
        """`inodes`: so many files at most; `user`: whose it is, and who the server runs as."""
        self.path = os.path.join(folder, "millrace-data")
        os.makedirs(self.path, exist_ok=True)
        options, self.runs_as = f"size={megabytes}m,nr_inodes={inodes}", []
        if user:
            who = pwd.getpwnam(user)
            options += f",uid={who.pw_uid},gid={who.pw_gid},mode=700"
            self.runs_as = ["setpriv", f"--reuid={who.pw_uid}", f"--regid={who.pw_gid}", "--clear-groups"]
        # cat ends when we close its input, or end ourselves; the disk is gone with it.
        script = 'mount -t tmpfs -o "$1" small "$2" && echo there && exec cat'
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", options, self.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"there\n":
            raise AssertionError("no small disk could be mounted: this test needs root")
        self.inside = ["nsenter", f"--mount=/proc/{self.holder.pid}/ns/mnt"]
        self.before = [*self.inside, "sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", folder,
                       *self.runs_as]

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

    @contextlib.contextmanager
    def without_inodes(self):
        """Somebody else's empty files take all that are left."""
        names = []
        try:
            with contextlib.suppress(OSError):
                while True:
                    name = self.real(f"filler{len(names)}")
                    os.close(os.open(name, os.O_CREAT | os.O_EXCL))
                    names.append(name)
            yield
        finally:
            for name in names:
                os.remove(name)

    @contextlib.contextmanager
    def without_rights(self, name):
        """No file can be made in its folder of that name."""
        os.chmod(self.real(name), 0o500)
        try:
            yield
        finally:
            os.chmod(self.real(name), 0o700)

    @contextlib.contextmanager
    def without_descriptors(self, server):
        """The server can open nothing more; what it has open it keeps."""
        pid = server.process.pid
        with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
            before = next(line.split()[3] for line in file if line.startswith("Max open files"))
        try:
            self._limit(pid, FEW_DESCRIPTORS)
            yield
        finally:
            self._limit(pid, before)

    def _limit(self, pid, descriptors):
        # As the server's own user: root without its rights may not.
        subprocess.run([*self.runs_as, "prlimit", f"--pid={pid}", f"--nofile={descriptors}:"], check=True,
                       capture_output=True, timeout=ATTACHED)


def small_disk(megabytes, **more):
    return lambda folder: SmallDisk(folder, megabytes, **more)


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
