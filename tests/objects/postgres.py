"""A PostgreSQL server for tests: Debian's own, as a user of no rights, with its data in the test's folder."""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

SECONDS = 60
USER, PASSWORD, DATABASE = "video", "pg-test-secret", "records"
PORT_TRIES = 5


def programs():
    """Where Debian puts them: not in PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    assert found, "PostgreSQL is not installed: tools/setup test"
    return found[-1]


class Postgres:
    """The server with an empty database, which may go away and come back with what it has."""

    def __init__(self, folder, certificate=None):
        """`certificate`: the files of a key and a certificate, for TLS; without them there is none."""
        self.folder, self.bin, self.process, self.tls = folder, programs(), None, []
        self.data = os.path.join(folder, "data")
        os.makedirs(self.data, mode=0o700)
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.data, nobody.pw_uid, nobody.pw_gid)
        secret = os.path.join(folder, "password")
        with open(secret, "w", encoding="utf-8") as file:
            file.write(PASSWORD + "\n")
        os.chmod(secret, 0o644)
        self._run("initdb", "-D", self.data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}",
                  "--no-sync", "-E", "UTF8", "--no-locale")
        if certificate:
            self.secure(*certificate)
        self.come_back()
        self.sql(f"CREATE DATABASE {DATABASE}", "postgres")

    def secure(self, key, certificate):
        """From its next start on."""
        for name, file in (("server.key", key), ("server.crt", certificate)):
            path = os.path.join(self.data, name)
            shutil.copyfile(file, path)
            os.chmod(path, 0o600)
            if os.getuid() == 0:
                os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
        self.tls = ["-c", "ssl=on"]

    def _as_nobody(self, command):
        if os.getuid() != 0:
            return command
        nobody = pwd.getpwnam("nobody")
        return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", *command]

    def _run(self, program, *arguments, environment=None):
        command = self._as_nobody([os.path.join(self.bin, program), *arguments])
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=SECONDS, check=False,
                              env={**os.environ, **(environment or {})})
        assert done.returncode == 0, f"{program}: {done.stderr}"
        return done.stdout

    def come_back(self):
        """On the port that it had; at first on one that was free a moment ago, or another one."""
        for _ in range(1 if self.process else PORT_TRIES):
            if self.process is None:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    self.port = probe.getsockname()[1]
            process = subprocess.Popen(
                self._as_nobody([os.path.join(self.bin, "postgres"), "-D", self.data, "-p", str(self.port),
                                 "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", *self.tls]),
                cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self._answers(process):
                self.process = process
                return
        raise AssertionError("PostgreSQL does not start")

    def _answers(self, process):
        deadline = time.monotonic() + SECONDS
        while process.poll() is None:
            ready = subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p",
                                    str(self.port), "-U", USER], check=False)
            if ready.returncode == 0:
                return True
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)
        return False

    def go_away(self):
        self.process.terminate()      # "fast" would be SIGINT; this waits for its clients
        """At once, as a crash does."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()

    def sql(self, text, database=DATABASE):
        """The rows of a statement, a line each, its columns parted by '|'."""
        out = self._run("psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-At", "-c", text,
                        database, environment={"PGPASSWORD": PASSWORD})
        return out.splitlines()

    def url(self, host="127.0.0.1"):
        return f"postgres://{USER}@{host}:{self.port}/{DATABASE}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.go_away()
        shutil.rmtree(self.data, ignore_errors=True)
