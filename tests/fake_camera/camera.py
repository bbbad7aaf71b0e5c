"""The fake camera's conversations: a listener, and a thread for each connection."""

import contextlib
import re
import socket
import threading
import time

from fake_camera import description
from fake_camera.access import Access
from fake_camera.rolling import Rolling, Tcp, Udp
from fake_camera.ways import Ways

PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
REASONS = {200: "OK", 302: "Moved Temporarily", 401: "Unauthorized", 404: "Not Found",
           454: "Session Not Found", 455: "Method Not Valid in This State", 461: "Unsupported Transport"}


class Asked:
    """One request, with what stood in it."""

    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.url, _ = lines[0].split(" ", 2)
        self.headers = {name.strip().lower(): value.strip() for name, _, value in
                        (line.partition(":") for line in lines[1:])}
        self.moment = time.monotonic()

    def __getitem__(self, name):
        return self.headers.get(name.lower(), "")


class Camera:
    """Serves `tracks` on every path, in the given ways. What it was asked stands in `requests`."""

    def __init__(self, tracks, ways=None, host="127.0.0.1"):
        self.tracks, self.ways, self.host = tracks, ways or Ways(), host
        self.requests, self.talks = [], []
        self.access = Access(self.ways)
        self.redirects = list(self.ways.redirects)
        self.port = 0
        self.listener = None
        self.power_on()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.power_off()

    @property
    def address(self):
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def url(self, path="/cam", who=""):
        return f"rtsp://{who}{self.address}{path}"

    def power_on(self):
        """Listens, at the same port as before."""
        self.listener = socket.create_server((self.host, self.port),
                                             family=socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def power_off(self):
        """Nobody listens, and every connection is cut."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for talk in list(self.talks):
            talk.close()

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                connection, peer = listener.accept()
                talk = Talk(self, connection, peer)
                self.talks.append(talk)
                threading.Thread(target=talk.run, daemon=True).start()

    def methods(self):
        return [one.method for one in list(self.requests)]

    def playing(self):
        """The conversations that send media."""
        return [talk for talk in list(self.talks) if talk.rolling is not None and not talk.over]

    def heard(self):
        """(is it RTCP, bytes) that came from viewers, on any transport."""
        return [one for talk in list(self.talks) for link in list(talk.links.values()) for one in link.heard]


class Talk:
    """One connection."""

    def __init__(self, camera, connection, peer):
        self.camera, self.ways = camera, camera.ways
        self.connection, self.peer = connection, peer
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.writing = threading.Lock()
        self.links, self.urls, self.rolling, self.over = {}, {}, None, False
        self.data, self.base, self.cseq_before = b"", "", ""

    def run(self):
        with contextlib.suppress(OSError, ValueError):
            while (asked := self._request()) is not None:
                self.camera.requests.append(asked)
                self._answer(asked)
        self.close()

    def close(self):
        self.over = True
        if self.rolling is not None:
            self.rolling.stop()
        for link in list(self.links.values()):
            link.close()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            self.connection.close()
        with contextlib.suppress(ValueError):
            self.camera.talks.remove(self)

    def write(self, data):
        with self.writing:
            self.connection.sendall(data)

    def _more(self):
        self.connection.settimeout(self.ways.timeout if self.rolling is not None else 60)
        data = self.connection.recv(65536)
        self.connection.settimeout(None)
        self.data += data
        return bool(data)

    def _request(self):
        """The next request; frames of the viewer's are kept beside it."""
        while True:
            if self.data[:1] == b"$":
                size = int.from_bytes(self.data[2:4], "big")
                if len(self.data) >= 4 + size and len(self.data) >= 4:
                    self._frame(self.data[1], self.data[4:4 + size])
                    self.data = self.data[4 + size:]
                    continue
            elif b"\r\n\r\n" in self.data:
                head, self.data = self.data.lstrip(b"\r\n").split(b"\r\n\r\n", 1)
                asked = Asked(head)
                size = int(asked["Content-Length"] or 0)
                while len(self.data) < size and self._more():
                    pass
                self.data = self.data[size:]
                return asked
            if not self._more():
                return None

    def _frame(self, channel, packet):
        for link in self.links.values():
            if isinstance(link, Tcp) and channel in link.channels:
                link.heard.append((channel == link.channels[1], packet))

    def _say(self, asked, status, headers=(), body=""):
        number = asked["CSeq"]
        if self.ways.cseq == "late":
            number, self.cseq_before = self.cseq_before or number, number
        lines = [f"RTSP/1.0 {status} {REASONS[status]}"]
        lines += [f"CSeq: {number}"] if self.ways.cseq != "none" else []
        lines += [*headers, *([f"Content-Length: {len(body.encode())}"] if body else [])]
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        if self.ways.junk:
            text = "\r\n\r\n" + text + "\r\n"
        self.write(text.encode())

    def _answer(self, asked):
        if asked.method in self.ways.silent:
            return
        if asked.method in self.ways.answers:
            said = self.ways.answers[asked.method]
            self.write(said.replace(b"{cseq}", asked["CSeq"].encode()).replace(b"{base}", asked.url.encode()))
            return
        refused = None if asked.method == "OPTIONS" else \
            self.camera.access.refusal(asked.method, asked["Authorization"])
        if refused is not None:
            self._say(asked, 401, [f"WWW-Authenticate: {one}" for one in refused])
            return
        answer = {"OPTIONS": self._options, "DESCRIBE": self._describe, "SETUP": self._setup,
                  "PLAY": self._play, "TEARDOWN": self._teardown}.get(asked.method, self._parameter)
        answer(asked)

    def _options(self, asked):
        self._say(asked, 200, [f"Public: {PUBLIC}"])

    def _parameter(self, asked):
        self._say(asked, 200, self._session())

    def _session(self):
        return [f"Session: {self.ways.session}timeout={self.ways.timeout}"] if self.ways.session else []

    def _describe(self, asked):
        if self.camera.redirects:
            where = self.camera.redirects.pop(0).replace("{here}", self.camera.url())
            self._say(asked, 302, [f"Location: {where}"])
            return
        self.base = asked.url
        body = description.of(self.camera.tracks, asked.url.rstrip("/"), self.ways)
        base = [] if "no_base" in self.ways.sdp else [f"Content-Base: {asked.url.rstrip('/')}/"]
        self._say(asked, 200, [*base, "Content-Type: application/sdp"], body)

    def _track(self, asked):
        found = re.search(r"(?:trackID=|track|stream=)(\d+)(?:\?.*)?$", asked.url)
        return int(found.group(1)) if found else len(self.links)

    def _setup(self, asked):
        number, wanted = self._track(asked), asked["Transport"].split(",")[0]
        udp = "TCP" not in wanted.upper()
        if ("udp" if udp else "tcp") not in self.ways.transports:
            self._say(asked, 461)
            return
        if udp:
            ports = re.search(r"client_port=(\d+)-(\d+)", wanted)
            link = Udp(self.camera.host, (self.peer[0], int(ports.group(1)), int(ports.group(2))), self.ways)
            more = f"{ports.group(0)};server_port={link.ports[0]}-{link.ports[1]};ssrc=10203040"
            said = f"RTP/AVP;unicast;{more}"
        else:
            found = re.search(r"interleaved=(\d+)-(\d+)", wanted)
            channels = tuple(map(int, found.groups())) if found else (2 * number, 2 * number + 1)
            link = Tcp(self, channels)
            said = f"RTP/AVP/TCP;unicast;interleaved={channels[0]}-{channels[1]}"
        if number in self.links:
            self.links[number].close()
        self.links[number], self.urls[number] = link, asked.url
        self._say(asked, 200, [f"Transport: {said}", *self._session()])

    def _play(self, asked):
        if not self.links:
            self._say(asked, 455)
            return
        if self.rolling is not None:
            self._say(asked, 200, self._session())
            return
        rolling = Rolling(self.camera.tracks, self.links, self.ways, self._ended)
        starts = ",".join(f"url={self.urls[number]};seq={sequence};rtptime={timestamp}"
                          for number, sequence, timestamp in rolling.starts())
        if self.ways.packets_before_play:
            rolling.early(self.ways.packets_before_play)
        said = [f"RTP-Info: {starts}"] if self.ways.rtp_info else []
        self._say(asked, 200, [*self._session(), "Range: npt=now-", *said])
        self.rolling = rolling
        rolling.start()

    def _teardown(self, asked):
        if self.rolling is not None:
            self.rolling.stop()
        self._say(asked, 200)

    def _ended(self):
        """The media are over: by a TEARDOWN, by the end of the clip, or where the ways say so."""
        if self.rolling is not None and not self.rolling.over.is_set():
            with contextlib.suppress(OSError):
                for line in self.rolling.lines.values():
                    line.link.send(True, line.farewell())
            self.close()
