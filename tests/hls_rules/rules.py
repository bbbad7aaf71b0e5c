"""The rules over time: what one media list may do from poll to poll, and what a multivariant list must say.

Nothing here touches a network or a clock. Times are seconds.
"""

import fractions
import itertools

from . import playlist

EXTINF_TOLERANCE = fractions.Fraction(1, 1000)
DATE_TOLERANCE = 0.040          # one frame of 25 a second: dates follow the capture clock
LATE_FACTOR = 1.5               # a new list is due so many target durations after the last
LATE_SLACK = 0.5
MISSED_AFTER = 0.5              # a jump is believed when this part of a list's time went by unseen


class Findings:
    """What broke a rule, each once, with how often."""

    def __init__(self):
        self.counts = {}

    def say(self, rule, where, words):
        key = (rule, where, words)
        self.counts[key] = self.counts.get(key, 0) + 1

    def rules(self):
        return {rule for rule, _, _ in self.counts}

    def lines(self):
        return [f"{rule}: {where}: {words}" + (f" ({count} times)" if count > 1 else "")
                for (rule, where, words), count in self.counts.items()]


class ListRules:
    """One media list over all its polls."""

    def __init__(self, where, findings, wants_dates=True):
        self.where, self.findings, self.wants_dates = where, findings, wants_dates
        self.segments = {}      # by number, as first listed
        self.numbers = {}       # by address
        self.measured = {}      # by number
        self.sizes = {}         # by number
        self.longest = {}       # by number: of the lists it stood in, in seconds
        self.removed = {}       # by number: when it was last listed
        self.run_start = 0      # first number of the newest run that was seen
        self.list = None
        self.target = None
        self.polled_at = None
        self.grown_at = None
        self.outage = False     # nobody answered since the last list: another process begins further on
        self.late = None        # words about the newest segment

    def say(self, rule, words):
        self.findings.say(rule, self.where, words)

    def poll(self, now, body):
        """Takes one answer. Gives the segments that are new in it, or None if it is no media list."""
        new = playlist.read(body, self.say)
        if not isinstance(new, playlist.Media):
            return None
        if not new.segments:
            self.say("empty", "a list without segments helps no player")
            return []
        self.check_target(new)
        fresh = [self.check_segment(segment, new) for segment in new.segments]
        if self.list is not None:
            self.check_step(new, now)
        self.check_dates(new)
        for segment in new.segments:
            longest = self.longest.get(segment.number, 0)
            self.longest[segment.number] = max(longest, new.duration)
        self.list, self.polled_at, self.outage = new, now, False
        return [segment for segment in fresh if segment is not None]

    def check_target(self, new):
        if self.target is None:
            self.target = new.target
        elif self.target != new.target:
            self.say("target_duration", f"it was {self.target} and is {new.target}")
        for segment in new.segments:
            if int(segment.duration + fractions.Fraction(1, 2)) > new.target:
                self.say("target_duration", f"{segment.url} is {float(segment.duration)} s of {new.target}")

    def check_segment(self, segment, new):
        """Holds one line against what was said of it before; gives it if it is new."""
        known = self.segments.get(segment.number)
        if known is not None:
            for name in ("url", "duration", "map", "date", "discontinuity"):
                before, after = getattr(known, name), getattr(segment, name)
                if before != after:
                    rule = "media_sequence" if name == "url" else name
                    self.say(rule, f"{name} of segment {segment.number} was {before} and is {after}")
            if known.discontinuity_number != segment.discontinuity_number:
                self.say("discontinuity_sequence", f"segment {segment.number} had discontinuity number "
                         f"{known.discontinuity_number} and has {segment.discontinuity_number}")
            return None
        if segment.url in self.numbers:
            self.say("media_sequence", f"{segment.url} was number {self.numbers[segment.url]} "
                     f"and is {segment.number}")
        if "://" in segment.url or segment.url.startswith("/"):
            self.say("relative", f"{segment.url} is not relative")
        if segment.map is None and not segment.url.split("?")[0].endswith(".ts"):
            self.say("map", f"{segment.url} has no EXT-X-MAP before it")
        before = self.segments.get(segment.number - 1)
        if before is not None:
            if before.map != segment.map and not segment.discontinuity:
                self.say("map", f"EXT-X-MAP changes before {segment.url} without a discontinuity")
            if segment.discontinuity_number < before.discontinuity_number:
                self.say("discontinuity_sequence", f"it falls back at {segment.url}")
        self.segments[segment.number] = segment
        self.numbers[segment.url] = segment.number
        return segment

    def check_step(self, new, now):
        """From the last list to this one."""
        old = self.list
        first, last = new.segments[0], old.segments[-1]
        new_run = new.sequence > old.last and first.discontinuity_number > last.discontinuity_number
        if new.sequence < old.sequence:
            self.say("media_sequence", f"it falls back from {old.sequence} to {new.sequence}")
        elif new.sequence > old.last + 1:
            missed = now - self.polled_at > MISSED_AFTER * float(old.duration)
            if not new_run and not missed and not self.outage:
                self.say("media_sequence", f"it jumps from {old.sequence}..{old.last} to {new.sequence}")
        elif new.last < old.last:
            self.say("media_sequence", f"segment {old.last} left though older ones stay")
        if new_run:
            self.run_start = new.sequence
        if first.discontinuity_number < last.discontinuity_number and new.sequence > old.last:
            self.say("discontinuity_sequence", f"it falls back at {first.url}")
        if old.ended and not new_run and (not new.ended or new.last != old.last):
            self.say("endlist", "the list goes on after EXT-X-ENDLIST")
        if "VOD" in (old.type, new.type) and (new.last, new.sequence) != (old.last, old.sequence):
            self.say("playlist_type", "a VOD list changes")
        if "EVENT" in (old.type, new.type) and new.sequence != old.sequence:
            self.say("playlist_type", "segments left an EVENT list")
        for number in range(old.sequence, min(new.sequence, old.last + 1)):
            self.removed.setdefault(number, self.polled_at)
        self.check_pace(new, now)

    def check_pace(self, new, now):
        """RFC 8216 §6.2.2: a new list in time. A segment that an interruption or the end closed came when it
        could, so it is judged only when its successor stands there without a discontinuity."""
        if new.last == self.list.last:
            return
        waited = now - self.grown_at if self.grown_at is not None else 0
        limit = LATE_FACTOR * new.target + LATE_SLACK + (now - self.polled_at)
        late, self.late = self.late, None
        follows = new.sequence <= self.list.last
        if late and follows and not self.segments[self.list.last + 1].discontinuity:
            self.say("late", late)
        if waited > limit and follows and not self.segments[new.last].discontinuity:
            self.late = f"{self.segments[new.last].url} came {waited:.1f} s after the one before"
        self.grown_at = now

    def check_dates(self, new):
        for before, after in zip([None, *new.segments], new.segments):
            if after.date is None:
                if self.wants_dates:
                    self.say("program_date_time", f"{after.url} has none")
            elif before is not None and before.date is not None:
                step = (after.date - before.date).total_seconds()
                if step <= 0:
                    self.say("program_date_time", f"it does not advance at {after.url}")
                elif not after.discontinuity and abs(step - float(before.duration)) > DATE_TOLERANCE:
                    self.say("program_date_time", f"{step:.3f} s pass before {after.url}, "
                             f"the media has {float(before.duration)}")

    def media(self, number, size, measured):
        """Takes what a downloaded segment holds."""
        segment = self.segments[number]
        self.sizes[number], self.measured[number] = size, measured
        if self.list.independent and not measured.random_access:
            self.say("independent", f"{segment.url} does not begin with a key frame")
        if not measured.starts_well:
            self.say("tables", f"{segment.url} does not begin with PAT and PMT")
        if measured.duration is not None:
            self.check_duration(segment, measured.duration)
        for earlier in (number - 1, number):
            if earlier in self.measured and earlier + 1 in self.measured:
                self.check_neighbours(earlier)

    def check_duration(self, segment, true):
        if abs(segment.duration - true) > EXTINF_TOLERANCE:
            self.say("extinf", f"{segment.url} is {float(true):.6f} s long, "
                     f"EXTINF says {float(segment.duration)}")

    def check_neighbours(self, number):
        """What must hold from one segment to the next where no discontinuity is between them."""
        one, two = self.measured[number], self.measured[number + 1]
        segment, after = self.segments[number], self.segments[number + 1]
        if after.discontinuity:
            return
        if one.layout != two.layout:
            self.say("discontinuity", f"none before {after.url}, though {one.layout} becomes {two.layout}")
            return
        step = self.step(one, two)
        if one.duration is None:
            self.check_duration(segment, step)
        elif step != one.duration:
            self.say("continuity", f"{after.url} begins {float(step - one.duration):.6f} s off the end of "
                     f"the one before")
        for pid in one.counters.keys() & two.counters.keys():
            last, first = one.counters[pid][1], two.counters[pid][0]
            if first != (last + 1) % 16:
                self.say("continuity", f"pid {pid}: counter {first} in {after.url} after {last}")

    @staticmethod
    def step(one, two):
        between = two.begin - one.begin
        return between % one.wrap if one.wrap else between

    def finish(self):
        """Holds the sum of EXTINF against the media's own clock in each stretch without discontinuity."""
        said = true = 0
        for number in sorted(self.measured):
            before = self.measured.get(number - 1)
            if before is None or self.segments[number].discontinuity:
                said = true = 0
                continue
            said += self.segments[number - 1].duration
            true += self.step(before, self.measured[number])
            if abs(said - true) > EXTINF_TOLERANCE:
                self.say("drift", f"at {self.segments[number].url} the sum of EXTINF is "
                         f"{float(said - true):+.6f} s off")
                said = true = 0

    def rates(self):
        """(peak, average) in bits a second of the newest run, and its frames a second; zeros if unknown."""
        numbers = [number for number in self.sizes if number >= self.run_start]
        if not numbers:
            return 0, 0, 0
        seconds = {number: float(self.segments[number].duration) for number in numbers}
        total = sum(seconds.values())
        peak = self.peak(numbers, seconds) or sum(self.sizes[number] for number in numbers) * 8 / total
        samples = sum(self.measured[number].samples for number in numbers)
        return peak, sum(self.sizes[number] for number in numbers) * 8 / total, samples / total

    def peak(self, numbers, seconds):
        """RFC 8216 §4.1: of any run of segments that lasts 0.5 to 1.5 target durations; 0 if none does.

        A publisher's last segment may be a key frame and little more: alone it is no peak.
        """
        target = self.target
        best = 0
        for first in numbers:
            bits = lasts = 0
            for number in itertools.takewhile(seconds.__contains__, itertools.count(first)):
                bits += self.sizes[number] * 8
                lasts += seconds[number]
                if lasts > target * 1.5:
                    break
                if lasts >= target * 0.5:
                    best = max(best, bits / lasts)
        return best


AVERAGE_TOLERANCE = 0.25
FRAME_RATE_TOLERANCE = 0.02


def check_multivariant(found, lists, inits, say):
    """`lists`: ListRules by address, `inits`: the newest fmp4.Init by address of the list."""
    groups = {}
    for rendition in found.renditions:
        if not {"TYPE", "GROUP-ID", "NAME"} <= rendition.keys():
            say("multivariant", f"EXT-X-MEDIA without TYPE, GROUP-ID or NAME: {rendition}")
        groups.setdefault(rendition.get("GROUP-ID"), []).append(rendition)
        init = inits.get(rendition.get("URI"))
        if init and rendition.get("CHANNELS") not in (None, str(init.channels)):
            say("multivariant", f"CHANNELS {rendition['CHANNELS']}, the media has {init.channels}")
    if not found.variants:
        say("multivariant", "no EXT-X-STREAM-INF")
    for variant in found.variants:
        members = groups.get(variant.get("AUDIO"), []) if "AUDIO" in variant else []
        if "AUDIO" in variant and not members:
            say("multivariant", f"no group {variant['AUDIO']}")
        addresses = [member["URI"] for member in members if "URI" in member]
        check_variant(variant, [variant["URI"], *addresses], lists, (inits, say))
    if found.independent and any(rules.list and not rules.list.independent for rules in lists.values()):
        say("independent", "the multivariant list claims it for a list that does not")


def check_variant(variant, addresses, lists, rest):
    inits, say = rest
    rates = {address: lists[address].rates() for address in addresses if address in lists}
    own = rates.get(variant["URI"], (0, 0, 0))
    others = [rate for address, rate in rates.items() if address != variant["URI"]]
    peak = own[0] + max((rate[0] for rate in others), default=0)
    average = own[1] + max((rate[1] for rate in others), default=0)
    check_bandwidth(variant, peak, average, say)
    codecs = {inits[address].codec.lower() for address in addresses if address in inits}
    said = {codec.strip().lower() for codec in variant.get("CODECS", "").split(",")}
    if codecs and codecs != said:
        say("codecs", f"CODECS {sorted(said)}, the media has {sorted(codecs)}")
    init = inits.get(variant["URI"])
    if init is None:
        return
    size = f"{init.width}x{init.height}" if init.video else None
    if variant.get("RESOLUTION") != size:
        say("resolution", f"RESOLUTION {variant.get('RESOLUTION')}, the media has {size}")
    rate = float(variant.get("FRAME-RATE", 0))
    if init.video and own[2] and abs(rate / own[2] - 1) > FRAME_RATE_TOLERANCE:
        say("frame_rate", f"FRAME-RATE {rate}, the media has {own[2]:.3f}")


def check_bandwidth(variant, peak, average, say):
    bandwidth = variant.get("BANDWIDTH", "")
    said_average = variant.get("AVERAGE-BANDWIDTH", "")
    if not bandwidth.isdigit() or not said_average.isdigit():
        say("bandwidth", f"BANDWIDTH {bandwidth or 'missing'}, AVERAGE-BANDWIDTH {said_average or 'missing'}")
        return
    if int(bandwidth) < peak:
        say("bandwidth", f"BANDWIDTH {bandwidth}, the measured peak is {peak:.0f}")
    if int(said_average) > int(bandwidth):
        say("bandwidth", f"AVERAGE-BANDWIDTH {said_average} is above BANDWIDTH {bandwidth}")
    if average and abs(int(said_average) / average - 1) > AVERAGE_TOLERANCE:
        say("bandwidth", f"AVERAGE-BANDWIDTH {said_average}, measured {average:.0f}")
