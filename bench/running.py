"""Programs under measurement: a node, the load generator's verbs, and what the kernel says they cost."""

import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 30
MANY_SECONDS = 60    # until many streams are live
ANSWER_SECONDS = 60   # an overloaded node on a busy machine answers late


def cpu_seconds(pid):
    """User and system time of a process, all its threads."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_seconds():
    """(busy, idle) of all cores together; time stolen by the host counts as busy."""
    with open("/proc/stat", encoding="utf-8") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / TICKS, idle / TICKS


def resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def before_all_others():
    """This process and its children run before everything else on a busy machine. They need a third of it."""
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))   # by way of every `with` block


class Program:
    """A child that says JSON lines. It is ended with the `with` block."""

    def __init__(self, *command):
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            pipe.close()

    def line(self, seconds=START_SECONDS):
        """Its next line."""
        watchdog = threading.Timer(seconds, self.process.kill)
        watchdog.start()
        text = self.process.stdout.readline()
        watchdog.cancel()
        if not text:
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{' '.join(self.process.args)}\nended or was silent for {seconds} s\n{said}")
        return json.loads(text)

    def event(self, name, seconds=START_SECONDS):
        said = self.line(seconds)
        assert said["event"] == name, said
        return said

    def release(self):
        """Ends its standard input: what a patient viewer waits for."""
        self.process.stdin.close()


def certificate(folder):
    """Settings of a node that listens inside TLS, too, with a certificate made for it."""
    key, chain = (os.path.join(folder, name) for name in ("key.pem", "certificate.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", key, "-out", chain, "-subj", "/CN=127.0.0.1", "-days", "2"],
                   check=True, capture_output=True)
    return [f"tls.certificate={chain}", f"tls.key={key}",
            *(f"{listener}.listen=127.0.0.1:0" for listener in ("https", "rtmps", "rtsps"))]


class Node(Program):
    """`millrace serve` on ports of the kernel's choice; `secure`: inside TLS, too."""

    def __init__(self, programs, settings=(), secure=False):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-bench-")
        settings = [*settings, *(certificate(self.folder.name) if secure else ())]
        words = [word for setting in settings for word in ("--set", setting)]
        super().__init__(os.path.join(programs, "millrace"), "serve", "--open",
                         "--set", "http.listen=127.0.0.1:0", "--set", "rtmp.listen=127.0.0.1:0",
                         "--set", "rtsp.listen=127.0.0.1:0", "--set", "rtsp.udp=127.0.0.1:0",
                         "--set", "kcp.listen=off",
                         "--set", "log.level=warning", *words)
        self.listeners = self.line()["listeners"]

    def __exit__(self, *how):
        super().__exit__(*how)
        self.folder.cleanup()

    def metric(self, name):
        """The one sample of a family without labels."""
        address = f"http://{self.listeners['http']}/metrics"
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
            text = answer.read().decode()
        return float(re.search(rf"^millrace_{name} (\S+)$", text, re.MULTILINE).group(1))

    def stream(self, name="live/cam"):
        """The API's document of a stream."""
        address = f"http://{self.listeners['http']}/api/v1/streams/{name}"
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)

    def streams(self, count, state="live"):
        """{name: the API's document} of those in this state."""
        address = f"http://{self.listeners['http']}/api/v1/streams?limit={count}"
        with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
            return {one["name"]: one for one in json.load(answer)["items"] if one["state"] == state}

    def wait_live(self, count):
        """Until so many streams show pictures."""
        deadline = time.monotonic() + MANY_SECONDS
        while True:
            found = self.streams(count).values()
            ready = [one for one in found if any(track["kind"] == "video" for track in one["tracks"])]
            if len(ready) == count:
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(ready)} of {count} are live")
            time.sleep(0.2)

    def package(self, names):
        """Asks once for the HLS of each; with hls.always it goes on. Returns when each has a list."""
        def ask(name):
            address = f"http://{self.listeners['http']}/{name}/segments/v0.m3u8"
            with urllib.request.urlopen(address, timeout=ANSWER_SECONDS) as answer:
                assert answer.read().startswith(b"#EXTM3U"), name
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            list(pool.map(ask, names))

    def url(self, protocol, name="live/cam"):
        if protocol == "flv":
            return f"http://{self.listeners['http']}/{name}.flv"
        if protocol == "https":
            return f"https://{self.listeners['https']}/{name}.flv"
        if protocol in ("ws", "wss"):
            return f"{protocol}://{self.listeners['http' if protocol == 'ws' else 'https']}/{name}.mp4"
        if protocol in ("rtsp", "rtsp-udp"):
            return f"{protocol}://{self.listeners['rtsp']}/{name}"
        return f"{protocol}://{self.listeners[protocol]}/{name}"


def pictures(document):
    """How many a stream has brought, by the API's document of it."""
    return next(track["frames"] for track in document["tracks"] if track["kind"] == "video")


def loadgen(programs, verb, *options):
    return Program(os.path.join(programs, "loadgen"), verb, *options)


def publisher(programs, node, audio=True, kbps=2000, name="live/cam"):
    """A stream that is live."""
    sound = ["--audio"] if audio else []
    program = loadgen(programs, "publish", "--rtmp", node.listeners["rtmp"], "--name", name, "--kbps", kbps,
                      *sound)
    program.line()
    deadline = time.monotonic() + START_SECONDS
    while node.stream(name)["state"] != "live":
        if time.monotonic() > deadline:
            raise SystemExit("the stream did not become live")
        time.sleep(0.05)
    return program


class Window:
    """What happens between two moments: CPU of some processes, and of the machine."""

    def __init__(self, *programs):
        self.programs = programs
        self.began = time.monotonic()
        self.machine = machine_seconds()
        self.before = [cpu_seconds(program.pid) for program in programs]

    def close(self):
        self.cpu = [cpu_seconds(program.pid) - before
                    for program, before in zip(self.programs, self.before, strict=True)]
        busy, idle = (after - before for after, before in zip(machine_seconds(), self.machine, strict=True))
        self.seconds = time.monotonic() - self.began
        self.idle_percent = 100 * idle / (busy + idle)
        self.others_percent = 100 * (busy - sum(self.cpu)) / self.seconds
        return self
