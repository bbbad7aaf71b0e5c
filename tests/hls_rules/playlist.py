"""Reads playlists by the letter of RFC 8216; what breaks a rule becomes a finding."""

import datetime
import fractions
import re


class Segment:
    """One media segment as a list shows it."""

    def __init__(self, number):
        self.number = number
        self.url = None
        self.duration = None            # a Fraction of seconds
        self.discontinuity = False
        self.discontinuity_number = 0   # absolute
        self.gap = False
        self.date = None                # aware datetime
        self.map = None


class Media:
    """A media list."""

    def __init__(self):
        self.target = None
        self.sequence = 0
        self.discontinuity_sequence = 0
        self.type = None
        self.independent = False
        self.ended = False
        self.segments = []

    @property
    def duration(self):
        return sum(segment.duration for segment in self.segments)

    @property
    def last(self):
        return self.sequence + len(self.segments) - 1


class Multivariant:
    """A list of lists: attribute dictionaries, each with its "URI"."""

    def __init__(self):
        self.independent = False
        self.renditions = []
        self.variants = []


ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(?:,|$)')
NEEDS = {"EXT-X-BYTERANGE": 4, "EXT-X-I-FRAMES-ONLY": 4, "EXT-X-MAP": 6, "EXT-X-GAP": 8, "EXT-X-DEFINE": 8,
         "EXT-X-SKIP": 9}
VARIANTS_ONLY = {"EXT-X-STREAM-INF", "EXT-X-MEDIA", "EXT-X-I-FRAME-STREAM-INF", "EXT-X-SESSION-DATA"}


def attributes(value):
    """{name: text} without quotes, or None if the value is no attribute list."""
    found, at = {}, 0
    for match in ATTRIBUTE.finditer(value):
        if match.start() != at or match[1] in found:
            return None
        found[match[1]] = match[2].strip('"')
        at = match.end()
    return found if at == len(value) and not value.endswith(",") else None


def decoded(body, say):
    """The text of a list, or None where it is none (RFC 8216 §4.1)."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return say("text", "the list is not UTF-8")
    if re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]", text):
        say("text", "a control character or a byte order mark stands in the list")
    lines = re.split("\r?\n", text)
    if lines[0] != "#EXTM3U":
        return say("text", f"the first line is {lines[0][:40]!r}")
    return lines[1:]


def read(body, say):
    """A Media or Multivariant; `say(rule, words)` takes what is wrong. None if it cannot be read at all."""
    lines = decoded(body, say)
    if lines is None:
        return None
    names = {line[1:].split(":", 1)[0] for line in lines if line.startswith("#EXT")}
    check_version(lines, names, say)
    if names & VARIANTS_ONLY:
        return read_multivariant(lines, names, say)
    return read_media(lines, say)


def check_version(lines, names, say):
    said = [line.split(":", 1)[1] for line in lines if line.startswith("#EXT-X-VERSION:")]
    needed = max([NEEDS[name] for name in names if name in NEEDS] + [1])
    if any(re.match(r"#EXTINF:\d+\.", line) for line in lines):
        needed = max(needed, 3)
    if len(said) > 1:
        say("version", "EXT-X-VERSION is there twice")
    elif (int(said[0]) if said and said[0].isdigit() else 1) != needed:
        say("version", f"EXT-X-VERSION is {said[0] if said else 'missing'}, the tags need {needed}")


def read_multivariant(lines, names, say):
    found, waiting = Multivariant(), None
    if "EXTINF" in names or "EXT-X-TARGETDURATION" in names:
        say("text", "tags of both kinds of lists in one")
    for line in lines:
        name, _, value = line[1:].partition(":")
        if line.startswith("#EXT-X-INDEPENDENT-SEGMENTS"):
            found.independent = True
        elif line.startswith("#") and name in ("EXT-X-MEDIA", "EXT-X-STREAM-INF"):
            read_attributes = attributes(value)
            if read_attributes is None:
                say("text", f"attributes of {name}: {value[:80]}")
            elif name == "EXT-X-MEDIA":
                found.renditions.append(read_attributes)
            else:
                waiting = read_attributes
        elif line and not line.startswith("#"):
            if waiting is None:
                say("text", f"an address without EXT-X-STREAM-INF: {line[:80]}")
            else:
                found.variants.append(waiting | {"URI": line})
            waiting = None
    return found


class MediaReader:
    """Takes a media list line by line."""

    def __init__(self, say):
        self.say = say
        self.list = Media()
        self.map = None
        self.next = Segment(0)

    def tag(self, name, value):
        if name == "EXTINF":
            match = re.fullmatch(r"(\d+(?:\.\d+)?),(.*)", value)
            if match is None:
                self.say("text", f"EXTINF:{value[:40]}")
            self.next.duration = fractions.Fraction(match[1]) if match else None
        elif name in ("EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-DISCONTINUITY-SEQUENCE"):
            self.number(name, value)
        elif name == "EXT-X-DISCONTINUITY":
            self.next.discontinuity = True
        elif name == "EXT-X-GAP":
            self.next.gap = True
        elif name == "EXT-X-MAP":
            self.map = (attributes(value) or {}).get("URI")
            if not self.map:
                self.say("map", f"EXT-X-MAP without address: {value[:80]}")
        elif name == "EXT-X-PROGRAM-DATE-TIME":
            self.date(value)
        elif name == "EXT-X-INDEPENDENT-SEGMENTS":
            self.list.independent = True
        elif name == "EXT-X-ENDLIST":
            self.list.ended = True
        elif name == "EXT-X-PLAYLIST-TYPE":
            self.list.type = value

    def number(self, name, value):
        if not re.fullmatch(r"\d{1,20}", value):
            self.say("text", f"{name}:{value[:40]}")
            return
        if name == "EXT-X-TARGETDURATION":
            self.list.target = int(value)
        elif self.list.segments:
            self.say("text", f"{name} behind the first segment")
        elif name == "EXT-X-MEDIA-SEQUENCE":
            self.list.sequence = int(value)
        else:
            self.list.discontinuity_sequence = int(value)

    def date(self, value):
        match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3,})(Z|[+-]\d\d:?\d\d)", value)
        if match is None:
            self.say("program_date_time", f"{value[:40]} has no milliseconds or no zone")
            return
        zone = match[3].replace("Z", "+0000").replace(":", "")
        self.next.date = datetime.datetime.strptime(f"{match[1]}.{match[2][:6]}{zone}",
                                                    "%Y-%m-%dT%H:%M:%S.%f%z")

    def address(self, line):
        segment, self.next = self.next, Segment(0)
        if segment.duration is None:
            self.say("text", f"an address without EXTINF: {line[:80]}")
            return
        if re.search(r"\s", line):
            self.say("text", f"white space in {line[:80]!r}")
        segment.url, segment.map = line, self.map
        segment.number = self.list.sequence + len(self.list.segments)
        before = self.list.segments[-1].discontinuity_number if self.list.segments else \
            self.list.discontinuity_sequence
        segment.discontinuity_number = before + segment.discontinuity
        self.list.segments.append(segment)


def read_media(lines, say):
    reader = MediaReader(say)
    for line in lines:
        if line.startswith("#EXT"):
            reader.tag(*line[1:].partition(":")[::2])
        elif line and not line.startswith("#"):
            reader.address(line)
    if reader.list.target is None:
        return say("target_duration", "EXT-X-TARGETDURATION is missing")
    return reader.list
