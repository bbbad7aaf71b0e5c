"""The programs the tests set upon the server: publishers and players, foreign ones and our own."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

import flv
import ledger
import node
import rtmp

MEDIA_PATIENCE = 25.0      # seconds for a clip of 5 to pass, on a busy machine

# Whoever starts the tests in the background of a script leaves them without Ctrl-C, and so all they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Program:
    """A child process whose output goes to a file; ended with the test."""

    def __init__(self, name, command, folder):
        node.need(command[0])
        self.name = name
        self.log_path = os.path.join(folder, f"{name}.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()

    def said(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")[-3000:]

    def wait(self, seconds=MEDIA_PATIENCE):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {seconds} s:\n{self.said()}") from None

    def succeed(self, seconds=MEDIA_PATIENCE):
        code = self.wait(seconds)
        if code != 0:
            raise AssertionError(f"{self.name} ended with {code}:\n{self.said()}")

    def stop(self):
        """Asks it to end, as Ctrl-C would, and waits; ffmpeg that waits for bytes wants to be asked twice."""
        for _ in range(3):
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(2)
        self.wait(10)


class Player(Program):
    """A program that writes what it plays into a file."""

    def __init__(self, name, command, folder, path):
        super().__init__(name, command, folder)
        self.path = path

    def bytes(self):
        if not os.path.exists(self.path):
            return b""
        with open(self.path, "rb") as file:
            return file.read()

    def frames(self):
        return ledger.of_flv(self.bytes())

    def receive_all(self, sent):
        """The frames it got, once the last one of `sent` is among them."""
        def enough():
            return ledger.complete(sent, self.frames()) or self.process.poll() is not None

        try:
            node.until(enough, MEDIA_PATIENCE, f"{self.name} gets the last frame")
        except AssertionError as error:
            raise AssertionError(f"{error}; it has {len(self.frames())} frames\n{self.said()}") from None
        if not ledger.complete(sent, self.frames()):
            raise AssertionError(f"{self.name} ended early with {len(self.frames())} frames\n{self.said()}")
        self.stop()
        return self.frames()


def ffmpeg_publish(clip, url, folder, name="ffmpeg-publish", loops=0):
    return Program(name, ["ffmpeg", "-v", "warning", "-nostdin", "-re", "-stream_loop", str(loops), "-i",
                          clip.path, "-c", "copy", "-f", "flv", url], folder)


def gst_publish(clip, url, folder, sink):
    return Program(f"gst-{sink}", [
        "gst-launch-1.0", "-q", "filesrc", f"location={clip.path}", "!", "qtdemux", "name=demux",
        "flvmux", "name=mux", "streamable=true", "!", sink, f"location={url}", "sync=true",
        "demux.video_0", "!", "queue", "!", "h264parse", "!",
        "video/x-h264,stream-format=avc,alignment=au", "!", "mux.",
        "demux.audio_0", "!", "queue", "!", "aacparse", "!", "mux."], folder)


def _player(name, folder, command):
    path = os.path.join(folder, f"{name}.flv")
    return Player(name, [word.replace("OUT", path) for word in command], folder, path)


def ffmpeg_play(url, folder, name="ffmpeg-play"):
    return _player(name, folder, ["ffmpeg", "-v", "warning", "-nostdin", "-y", "-i", url, "-map", "0", "-c",
                                  "copy", "-flush_packets", "1", "-f", "flv", "OUT"])


def curl_play(url, folder):
    return _player("curl", folder, ["curl", "-sS", "--no-buffer", "--fail", "-o", "OUT", url])


def rtmpdump_play(url, folder):
    return _player("rtmpdump", folder, ["rtmpdump", "-q", "--live", "-r", url, "-o", "OUT"])


def gst_play(url, folder, source):
    return _player(f"gst-{source}", folder, ["gst-launch-1.0", "-q", source, f"location={url}", "!",
                                             "filesink", "buffer-mode=unbuffered", "location=OUT"])


class FlvReader:
    """An HTTP-FLV viewer of our own: reads in a thread, keeps all of it, says whether it was told the end."""

    def __init__(self, url):
        address, path = url.removeprefix("http://").split("/", 1)
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=MEDIA_PATIENCE)
        self.socket.sendall(f"GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        self.data = bytearray()
        self.ended = False
        self._read_head()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read_head(self):
        read = b""
        while b"\r\n\r\n" not in read:
            part = self.socket.recv(65536)
            if not part:
                raise AssertionError(f"no answer to the viewer: {read!r}")
            read += part
        head, body = read.split(b"\r\n\r\n", 1)
        self.head = head.decode("latin-1").lower()
        if " 200 " not in self.head.split("\r\n")[0]:
            raise AssertionError(f"the viewer was answered {self.head}")
        if "transfer-encoding" in self.head or "content-length" in self.head:
            raise AssertionError(f"an endless answer has neither length nor chunks: {self.head}")
        self.data += body

    def _read(self):
        try:
            while part := self.socket.recv(65536):
                self.data += part
            self.ended = True
        except OSError:
            pass

    def frames(self):
        return ledger.of_flv(bytes(self.data))

    def receive_all(self, sent):
        node.until(lambda: ledger.complete(sent, self.frames()), MEDIA_PATIENCE, "the viewer gets all")
        return self.frames()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()


class RtmpReader:
    """An RTMP player of our own, read in a thread."""

    def __init__(self, address, app, key):
        self.client = rtmp.Client(address, app, key)
        self.client.play()
        self.messages = list(self.client.heard)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            while True:
                self.messages.append(self.client.message(time.monotonic() + MEDIA_PATIENCE))
        except (OSError, TimeoutError, rtmp.Refused, ValueError):
            pass

    def tags(self):
        return [flv.tag(kind, when, payload) for kind, when, payload in list(self.messages)
                if kind in (flv.AUDIO, flv.VIDEO) and payload]

    def frames(self):
        return ledger.of_tags(self.tags())

    def receive_all(self, sent):
        node.until(lambda: ledger.complete(sent, self.frames()), MEDIA_PATIENCE, "the player gets all")
        return self.frames()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.close()


class Publisher:
    """Publishes a clip frame by frame through the RTMP client of these tests, at the clip's own pace."""

    def __init__(self, address, clip, name="live/cam", start=0, amf3=False):
        app, key = name.rsplit("/", 1)
        self.client = rtmp.Client(address, app, key, amf3=amf3)
        self.clip, self.start = clip, start

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.close()

    def open(self):
        self.client.publish()
        self._media(rtmp.VIDEO, flv.video_config_body(self.clip), 0)
        self._media(rtmp.AUDIO, flv.audio_config_body(self.clip), 0)

    def _media(self, kind, body, moment):
        self.client.send(kind, body, when=self.start + moment & 0xFFFFFFFF, stream=self.client.stream,
                         channel=6 if kind == rtmp.VIDEO else 4)

    def send(self, samples, pace=1.0):
        """Sends samples, `pace` times as fast as they were made; 0 is at once."""
        begun, first = time.monotonic(), samples[0].dts
        for sample in samples:
            due = begun + (sample.dts - first) / 1000 / pace if pace else 0
            time.sleep(max(0.0, due - time.monotonic()))
            self.send_one(sample)

    def send_one(self, sample, later=0):
        """One sample, `later` ms after its own time."""
        self.client.listen()
        if sample.kind == "video":
            self._media(rtmp.VIDEO, flv.video_body(self.clip, sample), sample.dts + later)
        else:
            self._media(rtmp.AUDIO, flv.audio_body(sample), sample.dts + later)

    def close_abruptly(self):
        """Leaves without a word, with a reset."""
        self.client.socket.setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")      # SO_LINGER, 0 s
        self.client.socket.close()
