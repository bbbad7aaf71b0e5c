"""A bucket for tests: s3rver, another S3 server, behind a door that holds every request against its signature
by another implementation of it."""

import fcntl
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
MODULES = os.path.join(ROOT, "build/objects")
NPM_SECONDS = 300
KEY, SECRET, REGION = "S3RVER", "s3-test-secret", "eu-test-1"


def installed():
    """`npm ci`, unless what is there is what package-lock.json says: then no call is made."""
    os.makedirs(MODULES, exist_ok=True)
    with open(os.path.join(MODULES, ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(os.path.join(HERE, "package-lock.json"), encoding="utf-8") as file:
            wanted = file.read()
        stamp = os.path.join(MODULES, "node_modules/.made-of")
        if os.path.exists(stamp):
            with open(stamp, encoding="utf-8") as file:
                if file.read() == wanted:
                    return MODULES
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, name), MODULES)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--loglevel=error"], cwd=MODULES, check=True,
                       timeout=NPM_SECONDS, stdout=subprocess.DEVNULL)
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
    return MODULES


class Bucket:
    """The server with the bucket `archive`, which may go away and come back with what it has."""

    def __init__(self, folder, pair=()):
        """`pair`: the files of a key and a certificate, for TLS."""
        self.folder, self.port, self.process, self.pair = folder, 0, None, pair
        self.modules = installed()
        self.come_back()

    def come_back(self):
        command = ["node", os.path.join(HERE, "server.mjs"), self.folder, str(self.port), *self.pair]
        self.process = subprocess.Popen(command, cwd=self.modules, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "the S3 server ended at its start"
        self.port = int(line)

    def go_away(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def objects(self):
        """The names of what is in it."""
        root = os.path.join(self.folder, "archive")
        ending = "._S3rver_object"
        return sorted(os.path.relpath(os.path.join(place, name), root).removesuffix(ending)
                      for place, _, names in os.walk(root) for name in names
                      if name.endswith(ending) and ".S3rver_uploads" not in place)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.go_away()
