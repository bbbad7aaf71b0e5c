"""Polls a live address as a player would, and hands what comes to the rules."""

import hashlib
import http.client
import subprocess
import tempfile
import threading
import time
import urllib.parse

from . import fmp4, mpegts, playlist, rules

LIST_TYPES = {"application/vnd.apple.mpegurl", "application/x-mpegurl"}
POLL_SECONDS_MAX = 1.0
GRACE_MARGIN = 0.5
AGAIN_SECONDS = 10.0            # how often an init segment and the multivariant list are asked for again
REQUEST_SECONDS = 15.0          # a first list may be held until its first segment is done


class Client:
    """One connection a host, kept alive. An answer is (status, headers, body); None when nobody answers."""

    def __init__(self):
        self.connections = {}

    def get(self, url):
        parts = urllib.parse.urlsplit(url)
        key = (parts.scheme, parts.netloc)
        for _ in range(2):      # a kept connection may have been closed meanwhile
            fresh = key not in self.connections
            if fresh:
                kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
                self.connections[key] = kind(parts.netloc, timeout=REQUEST_SECONDS)
            connection = self.connections[key]
            try:
                connection.request("GET", parts.path + (f"?{parts.query}" if parts.query else ""),
                                   headers={"User-Agent": "hls_rules"})
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                del self.connections[key]
                if fresh:
                    return None
        return None


class Watched:
    """One media list under watch."""

    def __init__(self, url, list_rules):
        self.url, self.rules = url, list_rules
        self.due = 0.0
        self.maps = {}          # address -> (fmp4.Init, when it was last asked for)
        self.init = None        # the newest
        self.held = {}          # segment number -> when it must still be there
        self.sample = None      # one segment with its init, for ffprobe
        self.outages = 0        # seen before its last list: another process has not the old media


class Watch:
    """Watches one address, multivariant or media, until told to stop. `url` may carry a query."""

    def __init__(self, url, wants_dates=None, poll_seconds=POLL_SECONDS_MAX, clock=time.monotonic):
        self.url, self.poll_seconds = url, poll_seconds
        self.wants_dates = wants_dates
        self.findings = rules.Findings()
        self.client, self.clock = Client(), clock
        self.lists = {}         # by address as it stands in the multivariant list
        self.multivariant = None
        self.asked_at = -AGAIN_SECONDS
        self.hashes = {}        # every address -> hash of its bytes
        self.outages = self.polls = self.segments = self.bytes = 0
        self.down = False
        self.thread = None
        self.ending = threading.Event()

    def say(self, rule, words):
        self.findings.say(rule, self.url, words)

    # Whole runs.

    def start(self):
        self.thread = threading.Thread(target=self.run, args=(float("inf"),), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        """Ends the watch and gives the lines of its findings."""
        self.ending.set()
        self.thread.join()
        return self.findings.lines()

    def run(self, seconds):
        end = self.clock() + seconds
        while self.clock() < end and not self.ending.is_set():
            self.step(self.clock())
            self.ending.wait(0.05)
        self.finish()
        return self.findings.lines()

    def finish(self):
        self.ask_top(self.clock())
        for watched in self.lists.values():
            watched.rules.finish()
            self.ask_ffprobe(watched)
        if self.multivariant is not None:
            inits = {address: watched.init for address, watched in self.lists.items() if watched.init}
            by_address = {address: watched.rules for address, watched in self.lists.items()}
            rules.check_multivariant(self.multivariant, by_address, inits, self.say)
        if not self.segments:
            self.say("fetch", "not one segment came")

    def step(self, now):
        if now - self.asked_at >= (1.0 if not self.lists else AGAIN_SECONDS):
            self.ask_top(now)
        for watched in list(self.lists.values()):
            if now >= watched.due:
                self.poll(watched)
            self.ask_removed(watched, self.clock())

    # Answers.

    def get(self, url):
        """An answer, or None while nobody answers; an outage is noticed."""
        answer = self.client.get(url)
        if answer is None:
            self.outages += not self.down
            self.down = True
            for watched in self.lists.values():
                watched.held.clear()    # another process does not have them
                watched.rules.outage = True
            return None
        self.down = False
        return answer

    def get_list(self, url):
        """The body of a list, or None."""
        answer = self.get(url)
        if answer is None:
            return None
        status, headers, body = answer
        if status != 200:
            if status == 503 and "Retry-After" not in headers:
                self.say("fetch", "503 without Retry-After")
            return None
        self.polls += 1
        if headers.get_content_type() not in LIST_TYPES:
            self.findings.say("headers", url, f"a list of type {headers['Content-Type']}")
        if "no-cache" not in headers.get("Cache-Control", ""):
            self.findings.say("headers", url, f"a list with Cache-Control {headers['Cache-Control']}")
        return body

    def get_media(self, url, types):
        """The bytes under an address that never changes, or None if they do not come."""
        answer = self.get(url)
        if answer is None:
            return None
        status, headers, body = answer
        if status != 200:
            self.findings.say("fetch", urllib.parse.urlsplit(url).path, f"{status}")
            return None
        path = urllib.parse.urlsplit(url).path
        if headers.get_content_type() not in types:
            self.findings.say("headers", path, f"type {headers['Content-Type']}")
        if "immutable" not in headers.get("Cache-Control", ""):
            self.findings.say("headers", path, f"Cache-Control {headers['Cache-Control']}")
        if not headers.get("ETag", "").startswith('"'):
            self.findings.say("headers", path, f"no strong ETag: {headers['ETag']}")
        digest = (hashlib.sha256(body).hexdigest(), headers.get("ETag"))
        if self.hashes.setdefault(path, digest) != digest:
            self.findings.say("same_bytes", path, "the address gave other bytes than before")
        self.bytes += len(body)
        return body

    # Lists.

    def ask_top(self, now):
        self.asked_at = now
        body = self.get_list(self.url)
        if body is None:
            return
        top = playlist.read(body, self.say)
        if isinstance(top, playlist.Multivariant):
            self.multivariant = top
            for entry in top.variants + top.renditions:
                if "URI" in entry and entry["URI"] not in self.lists:
                    self.add(entry["URI"], urllib.parse.urljoin(self.url, entry["URI"]), self.wants_dates)
        elif top is not None and not self.lists:
            self.add(self.url, self.url, bool(self.wants_dates))

    def add(self, address, url, wants_dates):
        where = urllib.parse.urlsplit(url).path
        list_rules = rules.ListRules(where, self.findings, wants_dates is not False)
        self.lists[address] = Watched(url, list_rules)

    def poll(self, watched):
        body = self.get_list(watched.url)
        now, outages = self.clock(), self.outages
        watched.due = now + self.poll_seconds
        if body is None:
            return
        fresh = watched.rules.poll(now, body)
        if watched.rules.target:
            watched.due = now + min(self.poll_seconds, watched.rules.target / 2)
        for segment in fresh or ():
            if not segment.gap:
                self.download(watched, segment)
        for number, removed in list(watched.rules.removed.items()):
            # §6.2.2: its own duration and that of the longest list it stood in.
            kept = float(watched.rules.segments[number].duration + watched.rules.longest[number])
            if watched.outages == self.outages:     # also during the downloads just now
                watched.held[number] = removed + kept - GRACE_MARGIN
            del watched.rules.removed[number]
        watched.outages = outages

    def download(self, watched, segment):
        url = urllib.parse.urljoin(watched.url, segment.url)
        fragments = segment.map is not None
        if fragments and not self.prepare(watched, segment.map):
            return
        data = self.get_media(url, {"video/mp4", "audio/mp4"} if fragments else {"video/mp2t"})
        if data is None:
            return
        self.segments += 1
        try:
            init = watched.maps[segment.map][0] if fragments else None
            measured = fmp4.measure(init, data) if fragments else mpegts.measure(data)
        except (ValueError, IndexError, KeyError, StopIteration) as fault:
            self.findings.say("media", segment.url, f"{type(fault).__name__} {fault}")
            return
        watched.rules.media(segment.number, len(data), measured)
        watched.sample = (url, segment.map, data, measured)

    def prepare(self, watched, address):
        """Downloads the init segment, again now and then: it never changes."""
        known = watched.maps.get(address)
        if known is None or self.clock() - known[1] > AGAIN_SECONDS:
            data = self.get_media(urllib.parse.urljoin(watched.url, address), {"video/mp4", "audio/mp4"})
            if data is None:
                return known is not None
            try:
                watched.init = fmp4.Init(data)
            except (ValueError, IndexError, KeyError, StopIteration) as fault:
                self.findings.say("media", address, f"{type(fault).__name__} {fault}")
                return False
            watched.maps[address] = (watched.init, self.clock())
        return True

    def ask_removed(self, watched, now):
        """What left the list must still be there until its grace is over."""
        for number, until in list(watched.held.items()):
            if now >= until:
                del watched.held[number]
                segment = watched.rules.segments[number]
                url = urllib.parse.urljoin(watched.url, segment.url)
                answer = self.get(url)
                if answer is not None and answer[0] != 200:
                    self.findings.say("grace", segment.url, f"{answer[0]}, though its grace is not over")
                elif answer is not None:
                    self.get_media(url, {"video/mp4", "audio/mp4", "video/mp2t"})

    # A second opinion.

    def ask_ffprobe(self, watched):
        """Lets ffprobe count the samples of one segment."""
        if watched.sample is None or not watched.sample[3].random_access:
            return          # no decoder can make sense of it alone
        url, address, data, measured = watched.sample
        init = b""
        if address is not None:
            answer = self.get(urllib.parse.urljoin(watched.url, address))
            if answer is None or answer[0] != 200:
                return
            init = answer[2]
        with tempfile.NamedTemporaryFile() as file:
            file.write(init + data)
            file.flush()
            command = ["ffprobe", "-v", "error", "-select_streams", "v" if measured.video else "a",
                       "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0",
                       file.name]
            try:
                said = subprocess.run(command, capture_output=True, text=True, timeout=20)
            except (OSError, subprocess.TimeoutExpired):
                return          # not here: our own reader has spoken
        counted = said.stdout.strip().strip(",").split("\n")[0]
        if said.stderr.strip():
            self.findings.say("ffprobe", url, said.stderr.strip().split("\n")[0])
        # One PES packet may hold several audio frames.
        if measured.video and counted != str(measured.samples):
            self.findings.say("ffprobe", url, f"{counted} packets, measured {measured.samples}")
