"""Programs at one end of the wire, ours and other people's, and an eye on the pictures that come."""

import json
import os
import signal
import subprocess
import threading
import time

import flv
import node
import peers

BUILT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release/bin")
# `run --server` puts another into its place.
PROGRAM = os.path.join(BUILT, "millrace")
PATIENCE = 60
LISTENERS = ("http.listen", "rtmp.listen", "rtsp.listen", "rtsp.udp", "kcp.listen")


class Program(peers.Program):
    """A child at one end of the wire."""

    def __init__(self, end, name, command, folder):
        self.name, self.log_path = name, os.path.join(folder, f"{name}.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, cwd=folder,
                                            stderr=subprocess.STDOUT, preexec_fn=end.enter)


class Piped(Program):
    """A program at one end of the wire, whose output is read as it comes; nameless ones are not ours."""

    def __init__(self, end, name, command, folder):
        ours, self.name = name is not None, name or command[0]
        self.log_path = os.path.join(folder, f"{self.name}.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([PROGRAM] * ours + command, stdin=subprocess.DEVNULL, cwd=folder,
                                            stdout=subprocess.PIPE, stderr=log, preexec_fn=end.enter)


class Server(Program):
    """A node at one end of the wire."""

    def __init__(self, end, name, folder, *options):
        self.end, home = end, node.open_folder(os.path.join(folder, name))
        sets = [word for key in LISTENERS for word in ("--set", f"{key}=0.0.0.0:0")]
        super().__init__(end, name, [PROGRAM, "serve", "--open", "--set", "grace=2s", *sets, *options], home)
        node.until(lambda: b'"listeners"' in self.log(), node.START_SECONDS, f"{name} listens")
        line = next(line for line in self.log().splitlines() if line.startswith(b'{"listeners"'))
        said = json.loads(line)
        self.ports = {key: where.rpartition(":")[2] for key, where in said["listeners"].items()}
        self.fingerprint = said.get("kcp_fingerprint")
        node.until(lambda: self.ask("/healthz") is not None, node.START_SECONDS, f"{name} answers")

    def log(self):
        with open(self.log_path, "rb") as file:
            return file.read()

    def ask(self, path):
        run = subprocess.run(["curl", "-sf", "-m", "10", f"http://127.0.0.1:{self.ports['http']}{path}"],
                             capture_output=True, preexec_fn=self.end.enter, check=False)
        return run.stdout if run.returncode == 0 else None

    def wait_live(self, name="live/cam"):
        def live():
            said = self.ask(f"/api/v1/streams/{name}")
            return said is not None and json.loads(said).get("state") == "live"
        node.until(live, PATIENCE, f"{self.name} has {name}")

    def watch(self, folder):
        """A viewer beside it, on no wire."""
        path = os.path.join(folder, "watched.flv")
        viewer = Program(self.end, "curl", ["curl", "-sN", "-o", path,
                                            f"http://127.0.0.1:{self.ports['http']}/live/cam.flv"], folder)
        viewer.path = path
        return viewer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.wait(node.STOP_SECONDS)
        assert code == 0, f"{self.name} ended with {code}:\n{self.said()}"


class Watch(threading.Thread):
    """Reads a stream's FLV as a node hands it out: each picture with its number, how late it is, when it
    came, and whether it is a key frame. `note_of` tells number and time of capture, by `clock` in seconds, of
    a coded picture."""

    def __init__(self, server, name, note_of, clock=time.time):
        super().__init__(daemon=True)
        self.note_of, self.clock, self.data, self.seen, self.fault = note_of, clock, b"", [], None
        url = f"http://127.0.0.1:{server.ports['http']}/{name}.flv"
        self.process = subprocess.Popen(["curl", "-sN", url], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, preexec_fn=server.end.enter)
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.join()
        self.process.stdout.close()

    def run(self):
        try:
            while more := self.process.stdout.read1(65536):
                self.data += more
                self.take(self.clock())
        except AssertionError as fault:
            self.fault = fault

    def take(self, now):
        used = 13
        for tag in flv.tags(self.data):
            used += 15 + int.from_bytes(self.data[used + 1:used + 4], "big")
            if tag.kind == "video" and not tag.config and tag.body:
                number, taken = self.note_of(tag.body)
                self.seen.append((number, now - taken, now, tag.key))
        self.data = self.data[:13] + self.data[used:]

    def late(self, begin, end):
        assert self.fault is None, self.fault
        return [late for _, late, came, _ in self.seen if begin <= came < end]
