"""Other servers under the same measurement: those of Debian, and any other that runs, by its address."""

import os
import socket
import sys
import tempfile
import time

import running

RTMP_MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"
GST_SERVER = os.path.join(running.ROOT, "tests/interop/gst_camera.py")

# One worker, as the figure is CPU of one process; buffers and logs as small as they go.
NGINX = """
load_module {module};
worker_processes 1; worker_rlimit_nofile 65536;
daemon off; pid {folder}/nginx.pid; error_log stderr error; user root;
events {{ worker_connections 20000; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; chunk_size 4096; access_log off;
    application plain {{ live on; }}
    application live {{ live on; hls on; hls_path {folder}/files/hls; hls_fragment 2s;
        hls_playlist_length 12s; hls_cleanup on; }} }} }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp4 mp4; video/mp2t ts; }}
    server {{ listen 127.0.0.1:{http} backlog=4096; root {folder}/files; }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + running.START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"nothing listens at port {port}") from None
            time.sleep(0.05)


def only_child(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return int(file.read().split()[0])


class Nginx(running.Program):
    """nginx with its RTMP module; `files` is the folder that it serves by HTTP."""

    name = "nginx"

    def __init__(self, _options=None):
        self.folder = tempfile.TemporaryDirectory(prefix="millrace-bench-")
        self.files = os.path.join(self.folder.name, "files")
        os.mkdir(self.files)
        os.chmod(self.folder.name, 0o755)
        self.listeners = {"rtmp": f"127.0.0.1:{free_port()}", "http": f"127.0.0.1:{free_port()}"}
        ports = {key: int(address.rpartition(":")[2]) for key, address in self.listeners.items()}
        configuration = os.path.join(self.folder.name, "nginx.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(NGINX.format(module=RTMP_MODULE, folder=self.folder.name, **ports))
        super().__init__("nginx", "-c", configuration, "-p", self.folder.name)
        wait_for(ports["http"])
        wait_for(ports["rtmp"])
        self.pid = only_child(self.process.pid)     # the worker, which does it all

    def __exit__(self, *how):
        super().__exit__(*how)
        self.folder.cleanup()

    def url(self, protocol, name="live/cam"):
        return f"{protocol}://{self.listeners[protocol]}/{name}"


class Gst(running.Program):
    """gst-rtsp-server, which pulls the stream from a node of ours once and shares it."""

    name = "gst-rtsp-server"

    def __init__(self, options):
        self.origin = running.Node(options.programs)
        self.listeners = self.origin.listeners
        launch = (f"( rtspsrc location={self.origin.url('rtsp')} latency=0 protocols=tcp ! rtph264depay ! "
                  "h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )")
        super().__init__("/usr/bin/python3", GST_SERVER, launch)
        self.address = f"127.0.0.1:{self.line()}"

    def __exit__(self, *how):
        super().__exit__(*how)
        self.origin.__exit__(*how)

    def url(self, protocol, _name=None):
        return f"{protocol}://{self.address}/0"


class Named:
    """A server that somebody else started: --peer NAME=RTMP_URL,URL[,PID]."""

    def __init__(self, text):
        self.name, _, rest = text.partition("=")
        words = rest.split(",")
        if not self.name or len(words) < 2 or not words[0].startswith("rtmp://"):
            raise SystemExit(f"--peer {text}: wanted is NAME=rtmp://HOST:PORT/APP/KEY,URL-TO-WATCH[,PID]")
        self.address, _, self.stream = words[0].removeprefix("rtmp://").partition("/")
        self.listeners = {"rtmp": self.address}
        self.watched = words[1]
        self.pid = int(words[2]) if len(words) > 2 else None

    def __call__(self, _options):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def speaks(self, protocol):
        scheme = self.watched.partition("://")[0]
        return protocol == ("flv" if scheme == "http" else scheme)

    def url(self, _protocol, _name=None):
        return self.watched


def publisher(programs, peer, audio=True, kbps=2000):
    """A stream that the peer has been given by RTMP."""
    sound = ["--audio"] if audio else []
    program = running.loadgen(programs, "publish", "--rtmp", peer.listeners["rtmp"], "--name",
                              getattr(peer, "stream", "live/cam"), "--kbps", kbps, *sound)
    program.line()
    return program


def of(protocol, named):
    """Those that speak it: makers that take the options."""
    debian = {"rtmp": [Nginx], "rtsp": [Gst]}.get(protocol, [])
    return debian + [one for one in map(Named, named) if one.speaks(protocol)]
