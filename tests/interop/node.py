"""The server under test: millrace, or nginx with its RTMP module, which judges the tests themselves."""

import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 20
STOP_SECONDS = 15
NGINX_RTMP = "/usr/lib/nginx/modules/ngx_rtmp_module.so"


def until(condition, seconds, what):
    """Waits until condition() is true; nothing in a test waits in another way."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


class Millrace:
    """A node of its own for one test, on ports the kernel chose."""

    def __init__(self, folder, program, options=("--open",), before=()):
        self.log_path = os.path.join(folder, "server.log")
        self.log = open(self.log_path, "w", encoding="utf-8")
        self.folder, self.command = folder, [*before, program, "serve", *options]      # before: its scene
        self.start_again(dict.fromkeys(("http", "rtmp", "rtsp", "rtp", "kcp"), "127.0.0.1:0"))

    def start_again(self, addresses):
        """Starts the process, at these addresses, and waits until it answers."""
        keys = {"rtp": "rtsp.udp", "rtcp": None}      # rtcp is the port behind rtp
        sets = [word for name, address in addresses.items() if keys.get(name, name)
                for word in ("--set", f"{keys.get(name, name + '.listen')}={address}")]
        self.process = subprocess.Popen(self.command + sets, cwd=self.folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log)
        try:
            self.listeners = self._read_listeners()
            until(self.healthy, START_SECONDS, "GET /healthz answers 200")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _read_listeners(self):
        deadline, line = time.monotonic() + START_SECONDS, b""
        while not line.endswith(b"\n"):
            left = max(0, deadline - time.monotonic())
            if not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError("the server printed no line with its listeners")
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                raise AssertionError(f"the server ended at its start:\n{self.said()}")
            line += byte
        said = json.loads(line)
        self.fingerprint = said.get("kcp_fingerprint")
        return said["listeners"]

    def said(self):
        if not self.log.closed:
            self.log.flush()
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def healthy(self):
        try:
            return self.get("/healthz")[0] == 200
        except (OSError, urllib.error.URLError):
            return False

    def rtmp(self, name):
        return f"rtmp://{self.listeners['rtmp']}/{name}"

    def rtsp(self, name):
        return f"rtsp://{self.listeners['rtsp']}/{name}"

    def kcp(self, name, query=""):
        """By a link, believed by the fingerprint that the node printed."""
        return f"kcp://{self.listeners['kcp']}/{name}?fingerprint={self.fingerprint}{query}"

    def http(self, path):
        return f"http://{self.listeners['http']}{path}"

    def get(self, path, seconds=10):
        """(status, body) of a short answer."""
        try:
            with urllib.request.urlopen(self.http(path), timeout=seconds) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def is_live(self, name):
        status, body = self.get(f"/api/v1/streams/{name}")
        return status == 200 and json.loads(body).get("state") == "live"

    def wait_live(self, name):
        until(lambda: self.is_live(name), 10, f"{name} is live")

    def alive(self):
        return self.process.poll() is None

    def resident_kilobytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        """Ends it as an operator would; raises if it had died, ends badly, or a sanitizer spoke."""
        died = not self.alive()
        if not died:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"SIGTERM did not end the server within {STOP_SECONDS} s") from None
        finally:
            self.process.stdout.close()
            said = self.said()
            self.log.close()
        if died:
            raise AssertionError(f"the server died during the test:\n{said[-4000:]}")
        if code != 0:
            raise AssertionError(f"the server ended with {code} after SIGTERM:\n{said[-4000:]}")
        if re.search(r"Sanitizer|runtime error:", said):
            raise AssertionError(f"a sanitizer spoke:\n{said[-4000:]}")


NGINX_CONFIGURATION = """
load_module {module};
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;
events {{ worker_connections 256; }}
rtmp {{ access_log off; server {{ listen 127.0.0.1:{port}; chunk_size 4096; wait_key on; wait_video on;
  application live {{ live on; }} }} }}
"""


class Nginx(Millrace):
    """Another server behind the same words, for the tests that need only RTMP."""

    def __init__(self, folder, program, _options=()):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        configuration = os.path.join(folder, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(NGINX_CONFIGURATION.format(module=NGINX_RTMP, folder=folder, port=port))
        self.log_path = os.path.join(folder, "server.log")
        self.log = open(self.log_path, "w", encoding="utf-8")
        self.process = subprocess.Popen([program, "-c", configuration, "-p", folder], stdout=subprocess.PIPE,
                                        stderr=self.log)
        self.listeners = {"rtmp": f"127.0.0.1:{port}"}
        until(self._accepts, START_SECONDS, "nginx accepts")

    def _accepts(self):
        host, port = self.listeners["rtmp"].split(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return True
        except OSError:
            return False

    def wait_live(self, name):
        until(self._accepts, 10, "nginx still accepts")


def open_folder(path):
    """Makes a folder that other users may write into: players that refuse to run as root."""
    os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o777)
    return path


def as_nobody(command, home):
    """The command as an unprivileged user; VLC refuses root."""
    if os.getuid() != 0:
        return command
    nobody = pwd.getpwnam("nobody")
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups",
            "env", f"HOME={home}", *command]


def need(program):
    if shutil.which(program) is None:
        raise AssertionError(f"{program} is not installed: run tools/setup test")
