"""Laws N1 to N8 of an edge and its server, from their files and answers and what the camera wrote; never from
the nodes' own counters, but where N7 holds these against the rest."""

import collections
import dataclasses
import datetime
import hashlib
import json
import re
import struct
import subprocess

import canary
import fmp4
import ledger
import node
import places

MOVED_MS_MAX = 40
HOLE_SECONDS = 1.0
FRAME_SECONDS = 0.04
WORDS_MAX = 3      # of each law
PATIENCE = 60
CODECS = "avc1", "hvc1"      # of pictures: a sample does not say which


@dataclasses.dataclass
class Written:
    """A frame that the camera wrote into its node's socket: ledger L0."""
    publication: int
    place: int
    kind: str
    when: int      # ms of its publication
    key: bool
    at: float      # monotonic
    name: object
    ordinal: int      # among its kind
    jumps: int = 0      # of the publication's clock so far

    def __str__(self):
        return f"{self.kind} {self.place} of publication {self.publication}"


@dataclasses.dataclass
class Fragment:
    run: str
    number: int
    digest: str
    units: list      # (Written, ms by the file)


@dataclasses.dataclass
class Recorded:
    """What a node has of a stream: L1 of the edge, L2 of the server."""
    fragments: dict      # by (run, number)
    listing: dict
    unread: set
    faults: list


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def tracks(init):
    """(timescale, whether it is video) by track."""
    found = {}
    for at, end in fmp4.find(init, [b"moov", b"trak"]):
        tkhd = next(fmp4.find(init, [b"tkhd"], at, end))[0]
        mdhd = next(fmp4.find(init, [b"mdia", b"mdhd"], at, end))[0]
        hdlr = next(fmp4.find(init, [b"mdia", b"hdlr"], at, end))[0]
        number = struct.unpack_from(">I", init, tkhd + (20 if init[tkhd] == 1 else 12))[0]
        scale = struct.unpack_from(">I", init, mdhd + (20 if init[mdhd] == 1 else 12))[0]
        found[number] = scale, init[hdlr + 8:hdlr + 12] == b"vide"
    return found


def samples(init, data):
    """(whether it is video, decode time in ms, bytes) of each sample of a segment."""
    known = tracks(init)
    head = 0
    for kind, inside, end in fmp4.boxes(data):
        for traf, traf_end in fmp4.find(data, [b"traf"], inside, end) if kind == b"moof" else ():
            parts = [(box, at) for box, at, _ in fmp4.boxes(data, traf, traf_end)]
            at = dict(parts)[b"tfdt"]
            track, *usual = fmp4.tfhd(data, dict(parts)[b"tfhd"], (0, 0, 0))
            ticks = struct.unpack_from(">Q" if data[at] == 1 else ">I", data, at + 4)[0]
            scale, video = known[track]
            for run in (at for box, at in parts if box == b"trun"):
                found, offset = fmp4.trun(data, run, usual)
                place = head + offset
                for duration, size, _ in found:
                    yield video, ticks * 1000 / scale, data[place:place + size]
                    ticks, place = ticks + duration, place + size
        head = end


def units_of(server, stream, fragment, written, faults):
    """The Fragment; None where the node does not hand it out."""
    folder = f"/{stream}/archive/{fragment['file']}"
    status, data = server.get(f"{folder}-{fragment['number']}.m4s", PATIENCE)
    if status != 200:
        return None
    units = []
    for video, when, sample in samples(server.get(f"{folder}.mp4", PATIENCE)[1], data):
        names = [canary.name_of("video", sample, codec) for codec in CODECS] if video else \
            [canary.name_of("audio", sample)]
        known = next((written[name] for name in names if name in written), None)
        if known is None:
            faults.append(f"N5: {len(sample)} bytes of fragment {fragment['number']} that no camera wrote")
        else:
            units.append((known, when))
    return Fragment(fragment["run"], fragment["number"], hashlib.sha256(data).hexdigest(), units)


def read(server, stream, written):
    status, body = server.get(f"/api/v1/recordings/{stream}?fragments=true", PATIENCE)
    assert status == 200, body
    found = Recorded({}, {}, set(), [])
    for fragment in json.loads(body)["fragments"]:
        key = fragment["run"], fragment["number"]
        if key in found.fragments:
            found.faults.append(f"N3: fragment {key} is listed twice")
        one = units_of(server, stream, fragment, written, found.faults)
        if one is None:
            found.unread.add(key)
        else:
            found.fragments[key] = one
    found.listing = json.loads(server.get(f"/api/v1/recordings/{stream}", PATIENCE)[1])      # as it is read
    return found


def n1(edge, server, harmed):
    """The server has each fragment of the edge, byte for byte, and nothing else."""
    faults = []
    for key in sorted((edge.fragments.keys() | server.fragments.keys()) - harmed):
        here, there = edge.fragments.get(key), server.fragments.get(key)
        if here is None or there is None:
            faults.append(f"N1: fragment {key} is on the {'edge' if here else 'server'} alone")
        elif here.digest != there.digest:
            faults.append(f"N1: fragment {key} is another on the server")
    for whose, found in (("edge", edge), ("server", server)):
        unread = sorted(found.unread - harmed)
        faults += [f"N6: the {whose} does not hand out fragment {key}" for key in unread]
    return faults


def n2(written, edge, excuses):
    """The edge has what was written, but for what a fault excuses: (from, to, why), and sound in front of the
    first picture of its publication."""
    there = {known.name for one in edge.fragments.values() for known, _ in one.units}
    pictures = {}
    for one in written.values():
        if one.kind == "video" and one.jumps == 0:
            pictures[one.publication] = min(one.when, pictures.get(one.publication, one.when))
    return [f"N2: the edge has not {one}, written at {one.at:.3f}" for one in
            sorted(written.values(), key=lambda one: one.at)
            if one.name not in there
            and (one.jumps > 0 or one.when >= pictures.get(one.publication, one.when + 1))
            and not any(begin <= one.at <= end for begin, end, _ in excuses)]


def n3(whose, recorded):
    """Nothing twice, all in the order of capture, times grow in a run and are those of the camera."""
    faults, runs = [], collections.defaultdict(list)
    for key in sorted(recorded.fragments):
        one = recorded.fragments[key]
        runs[one.run] += one.units
    order = sorted((units for units in runs.values() if units),
                   key=lambda units: min((one.publication, one.place) for one, _ in units))
    for kind in ("video", "audio"):
        last = None
        for units in order:
            before, moved, jumps = None, None, 0
            for one, when in ((one, when) for one, when in units if one.kind == kind):
                here = one.publication, one.place
                if last is not None and here <= last:
                    faults.append(f"N3: {whose}: {one} stands behind {last}")
                if before is not None and when <= before:
                    faults.append(f"N3: {whose}: {one} goes back in time")
                steady = before is not None and (here[0], one.jumps) == (last[0], jumps)
                if steady and abs(when - one.when - moved) > MOVED_MS_MAX:
                    faults.append(f"N3: {whose}: {one} is moved by {when - one.when - moved:.0f} ms")
                last, before, moved, jumps = here, when, when - one.when, one.jumps
    return faults


def n4(whose, listing):
    """Where nothing is for more than a second, a gap with a cause says so."""
    faults = []
    for before, after in zip(listing["items"], listing["items"][1:]):
        begin, end = moment(before["to"]) + FRAME_SECONDS, moment(after["from"]) - FRAME_SECONDS
        if end - begin <= HOLE_SECONDS:
            continue
        told = [(moment(gap["from"]), moment(gap["to"])) for gap in listing["gaps"] if gap["cause"]]
        at, untold = begin, 0.0      # a hole that short is none, beside a gap either
        for gap_begin, gap_end in sorted([*told, (end, end)]):
            untold = max(untold, min(gap_begin, end) - at)
            at = max(at, gap_end)
        if untold > HOLE_SECONDS:
            faults.append(f"N4: {whose}: nothing is there from {before['to']} to {after['from']}, and "
                          f"{untold:.1f} s of that are no gap of {listing['gaps']}")
    return faults


def check(place):
    """What `millrace check` says of a stopped node's archive."""
    done = subprocess.run([*place.before, places.PROGRAM, "check", place.disk.path, "--json"],
                          capture_output=True, timeout=PATIENCE, check=False)
    return done.returncode, json.loads(done.stdout or "{}")


def n6(whose, place, files, numbers):
    """The archive is sound, but for changed bytes of these (file, fragment), and FFmpeg reads each file."""
    code, said = check(place)
    blamed = [one for one in said.get("faults", ["it says nothing"]) if not any(
        one.startswith(f"{file:010d}.mp4:") and ("not as they were written" in one or str(number) in one)
        for file, number in numbers)]
    faults = [f"N6: {whose}: {one}" for one in blamed]
    if code != 0 and not numbers and not faults:
        faults.append(f"N6: {whose}: check ended with {code}")
    for name, pictures in files.items():
        run = subprocess.run(["ffprobe", "-v", "quiet", "-select_streams", "v", "-count_packets",
                              "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0",
                              place.disk.real(f"archive/{name:010d}.mp4")], capture_output=True, text=True,
                             timeout=PATIENCE, check=False)
        count = sum(int(word) for word in re.findall(r"\d+", run.stdout))
        if name not in {file for file, _ in numbers} and count != pictures:
            faults.append(f"N6: {whose}: FFmpeg reads {count} pictures of file {name}, {pictures} are listed")
    return faults


def pictures_of_files(server, stream, recorded):
    """How many pictures the fragments of each file have."""
    counts = collections.Counter()
    for fragment in json.loads(server.get(f"/api/v1/recordings/{stream}?fragments=true")[1])["fragments"]:
        one = recorded.fragments.get((fragment["run"], fragment["number"]))
        counts[fragment["file"]] += sum(known.kind == "video" for known, _ in one.units) if one else 0
    return counts


def n7(server, stream, written):
    """The node has counted what was written since its stream began, in each kind."""
    wanted = sorted(collections.Counter(one.kind for one in written).items())
    pattern = rf'millrace_stream_track_frames_total{{stream="{stream}",.*codec="(\w+)"}} (\d+)'

    def counted():
        found = re.findall(pattern, server.get("/metrics")[1].decode())
        return sorted(("audio" if codec == "aac" else "video", int(count)) for codec, count in found)

    try:
        node.until(lambda: counted() == wanted, PATIENCE, "it has counted them")
    except AssertionError:
        return [f"N7: the camera wrote {wanted}, the edge counted {counted()}"]
    return []


def viewed(frames, written):
    """N5 and N3 of what a viewer got: whole pictures, in order, each once, from key pictures on (L3)."""
    faults, last = [], {"video": None, "audio": None}
    for frame in frames:
        one, before = written.get(frame.name), last[frame.kind]
        if one is None:
            faults.append(f"N5: a viewer got {frame.kind} that no camera wrote")
            continue
        if before is not None and (one.publication, one.place) <= (before.publication, before.place):
            faults.append(f"N3: a viewer got {one} behind {before}")
        follows = before is not None and (before.publication, before.ordinal + 1) == (one.publication,
                                                                                      one.ordinal)
        if frame.kind == "video" and not one.key and not follows:
            faults.append(f"N5: a viewer got {one}, which is no key picture, behind {before}")
        last[frame.kind] = one
    return faults


def told(faults):
    """A few of each law."""
    words, by_law = [], collections.defaultdict(list)
    for fault in faults:
        by_law[" ".join(fault.split()[:2])].append(fault)
    for law in by_law.values():
        words += law[:WORDS_MAX]
        if len(law) > WORDS_MAX:
            words.append(f"    and {len(law) - WORDS_MAX} more of that")
    return words


def whole(written, frames):
    """N8: what a viewer got of the last publication is an unbroken run to its end."""
    last = max(one.publication for one in written)
    mine = [one for one in written if one.publication == last]
    names = {one.name for one in mine}
    lost = canary.lost(mine, [frame for frame in frames if frame.name in names])
    return [f"N8: the viewer of the quiet phase: {lost}"] if lost else []


def frames_of(reader):
    return ledger.of_flv(bytes(reader.data))
