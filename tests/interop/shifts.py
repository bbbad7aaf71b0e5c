"""F20: a camera that changes its mind in the middle of a stream, seen through each way out.

Published by hand on one connection: what was said first, then other configurations and other frames. Each
output must carry all of it, frame by frame, or end properly where its format has no words for the change.
"""

import json
import os
import threading
import urllib.error
import urllib.parse
import urllib.request

import clip as clips
import containers
import flv
import ledger
import node
import peers
import rtmp
import websocket
from outputs import ENDED_SECONDS, Saved
from scenario import SHORT_GRACE, test

AUDIO_BEFORE_PICTURE = 4      # frames of audio that may have come before the first key frame
LISTS = ("index.m3u8", "ts.m3u8")


class Camera(peers.Publisher):
    """A publisher that goes on with another clip, its times behind those of the first."""

    def __init__(self, scene, clip):
        super().__init__(scene.rtmp_address, clip, scene.own)
        self.sent = []

    def play(self, clip, samples, later, pace):
        self.clip, self.start = clip, later
        self.send(samples, pace=pace)
        for frame in ledger.of_clip(clips.Clip(clip.path, clip.video_codec, samples=samples)):
            frame.dts, frame.pts = frame.dts + later, frame.pts + later
            self.sent.append(frame)

    def change_to(self, clip, later, video=True, audio=True):
        self.clip = clip
        if video:
            self._media(rtmp.VIDEO, flv.video_config_body(clip), later)
        if audio:
            self._media(rtmp.AUDIO, flv.audio_config_body(clip), later)


def first_group(clip):
    """The clip up to its second key frame, and when that is."""
    end = [sample.dts for sample in clip.of("video") if sample.key][1]
    return [sample for sample in clip.samples if sample.dts < end], end


def shifted(scene, second, watch):
    """Publishes the first group of the plain clip, then the first group of `second`; `watch` takes it."""
    plain = scene.clip()
    before, end = first_group(plain)
    after, _ = first_group(second)
    with Camera(scene, plain) as camera:
        camera.open()
        camera.play(plain, before[:10], 0, 0)
        scene.server.wait_live(scene.own)
        with watch() as viewer:
            camera.play(plain, before[10:], 0, 1)
            camera.change_to(second, end)
            camera.play(second, after, end, 1)
            camera.client.unpublish()
            viewer.succeed(ENDED_SECONDS)
    return camera.sent


def in_order(sent, got, kinds=("video", "audio")):
    """Each frame once, in order, by content."""
    for kind in kinds:
        want = [frame.name for frame in sent if frame.kind == kind]
        have = [frame.name for frame in got if frame.kind == kind]
        if kind == "audio" and have and have[0] in want[:AUDIO_BEFORE_PICTURE]:
            want = want[want.index(have[0]):]
        if have != want:
            same = [one == other for one, other in zip(want, have)] + [False]
            raise AssertionError(f"{kind}: {len(have)} of {len(want)}, as sent up to {same.index(False)}")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def saved(scene, second, ending):
    """What was sent, and all bytes of the endless answer."""
    path = f"/{scene.own}.{ending}"
    sent = shifted(scene, second, lambda: Saved(scene, path))
    return sent, read(os.path.join(scene.folder, os.path.basename(path)))


def through_ts(scene, second):
    sent, data = saved(scene, second, "ts")
    in_order(sent, containers.of_ts(data))


def through_mp4(scene, second):
    sent, data = saved(scene, second, "mp4")
    in_order(sent, containers.of_mp4(data))


def through_flv(scene, second):
    sent, data = saved(scene, second, "flv")
    in_order(sent, ledger.of_flv(data))


class Socketed(websocket.Reader):
    """A WebSocket viewer that waits for the proper end."""

    def __init__(self, scene, path):
        super().__init__(scene.server.listeners["http"], path)

    def succeed(self, seconds):
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the WebSocket did not end"


class Listed:
    """Every segment of both HLS forms, downloaded while they last, each form by a thread of its own."""

    def __init__(self, scene):
        self.scene, self.lists, self.files, self.order = scene, {}, {}, {}
        self.done, self.fault = set(), None
        self.leaving = threading.Event()
        self.paths = [f"/{scene.own}/{name}" for name in LISTS]
        self.threads = [threading.Thread(target=self._poll, args=(path,), daemon=True) for path in self.paths]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.leaving.set()
        for thread in self.threads:
            thread.join()

    def _poll(self, path):
        try:
            while not self.leaving.wait(0.3):
                if self.ended(path):
                    self.done.add(path)
                    return
        except Exception as fault:      # told to the test, whatever it was
            self.fault = fault

    def get(self, url):
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{url}: {error.code} {error.read()!r}") from None

    def media_lists(self, path):
        top = self.scene.server.http(path)
        text = self.get(top).decode()
        if "#EXT-X-STREAM-INF" not in text:
            return {top}
        names = [line for line in text.splitlines() if line and not line.startswith("#")]
        names += [part.split('"')[1] for part in text.split(",") if part.strip().startswith('URI="')]
        return {urllib.parse.urljoin(top, name) for name in names}

    def ended(self, path):
        """Polls each media list of one form once; whether all of them have ended."""
        done = True
        for url in self.media_lists(path):
            text = self.get(url).decode()
            self.lists[url] = text
            done = done and "#EXT-X-ENDLIST" in text
            gap = False
            for line in text.splitlines():
                gap = gap or line == "#EXT-X-GAP"
                if gap and line and line[0] != "#":
                    gap = False
                    continue      # nothing is there
                part = line.split('"')[1] if line.startswith("#EXT-X-MAP") else line
                if part and not part.startswith("#"):
                    address = urllib.parse.urljoin(url, part)
                    order = self.order.setdefault(url, [])
                    if address not in self.files:
                        self.files[address] = self.get(address)
                    if not order or address not in order or line.startswith("#EXT-X-MAP"):
                        order.append(address)
        return done

    def succeed(self, seconds):
        node.until(lambda: len(self.done) == len(LISTS) or self.fault, seconds + 20, "each list ends")
        if self.fault:
            raise AssertionError(f"a list or segment did not come: {self.fault!r}")

    def bytes_of(self, url):
        return b"".join(self.files[address] for address in self.order[url])

    def ts_frames(self):
        return containers.of_ts(self.bytes_of(self.scene.server.http(self.paths[1])))

    def mp4_frames(self):
        ts = self.scene.server.http(self.paths[1])
        return [frame for url in self.order if url != ts for frame in containers.of_mp4(self.bytes_of(url))]


def through_hls(scene, second, discontinuities=1):
    listed = Listed(scene)
    sent = shifted(scene, second, lambda: listed)
    in_order(sent, listed.ts_frames())
    in_order(sent, listed.mp4_frames())
    for url, text in listed.lists.items():
        marks = text.count("#EXT-X-DISCONTINUITY\n")
        assert marks == discontinuities, f"{url} marks {marks} discontinuities:\n{text}"


@test(options=SHORT_GRACE, company="shifts")
def f20_a_new_resolution_through_ts(scene):
    through_ts(scene, scene.clip("larger"))


@test(options=SHORT_GRACE, company="shifts")
def f20_a_new_resolution_through_mp4(scene):
    through_mp4(scene, scene.clip("larger"))


@test(options=SHORT_GRACE, company="lists that shift")
def f20_a_new_resolution_through_hls(scene):
    through_hls(scene, scene.clip("larger"))


@test(options=SHORT_GRACE, company="shifts")
def f20_a_new_resolution_through_flv(scene):
    through_flv(scene, scene.clip("larger"))


@test(options=SHORT_GRACE, company="shifts")
def f20_h265_after_h264_through_flv(scene):
    through_flv(scene, scene.clip("h265"))


@test(options=SHORT_GRACE, company="shifts")
def f20_h265_after_h264_through_mp4_by_websocket(scene):
    """Each period is a text message and a new moov, then goes on."""
    viewers = []

    def watch():
        viewers.append(Socketed(scene, f"/{scene.own}.mp4"))
        return viewers[0]

    sent = shifted(scene, scene.clip("h265"), watch)
    in_order(sent, containers.of_mp4(bytes(viewers[0].media)))
    kinds = [json.loads(text)["t"] for text in viewers[0].texts]
    assert kinds.count("tracks") >= 2 and kinds[-1] == "end", kinds


@test(options=SHORT_GRACE, company="lists that shift")
def f20_another_profile_with_b_frames_through_hls(scene):
    through_hls(scene, scene.clip("bframes"))


@test(options=SHORT_GRACE, company="lists that shift")
def f20_sound_stops_and_comes_back_through_hls(scene):
    """Two seconds without sound in the middle; the pictures go on, and the sound after it."""
    plain = scene.clip()
    group, length = first_group(plain)
    silent = [sample for sample in group if sample.kind == "video"]
    with Camera(scene, plain) as camera:
        camera.open()
        camera.play(plain, group[:10], 0, 0)
        scene.server.wait_live(scene.own)
        with Listed(scene) as listed:
            camera.play(plain, group[10:], 0, 1)
            camera.play(plain, silent, length, 1)
            camera.play(plain, group, 2 * length, 1)
            camera.client.unpublish()
            listed.succeed(ENDED_SECONDS)
    for form in (listed.ts_frames(), listed.mp4_frames()):
        in_order(camera.sent, form)


@test(options=SHORT_GRACE, company="shifts")
def f20_h265_after_h264_through_ts(scene):
    through_ts(scene, scene.clip("h265"))


@test(options=SHORT_GRACE, company="lists that shift")
def f20_h265_after_h264_through_hls(scene):
    through_hls(scene, scene.clip("h265"))


@test(options=SHORT_GRACE, company="shifts")
def f20_h265_after_h264_ends_mp4_properly_and_a_newcomer_goes_on(scene):
    """MP4 has no words for another codec: the answer ends with the last whole H.264 frame."""
    sent, data = saved(scene, scene.clip("h265"), "mp4")
    got = containers.of_mp4(data)
    _, end = first_group(scene.clip())
    before = [frame for frame in sent if frame.dts < end]
    in_order(before, got, kinds=("video",))


@test(options=SHORT_GRACE, company="lists that shift")
def f20_the_frame_rate_changes_through_hls(scene):
    through_hls(scene, scene.clip("slower"), discontinuities=1)


@test(options=SHORT_GRACE, company="lists that shift")
def f20_parameter_sets_said_again_every_group_are_no_change(scene):
    """MediaMTX #4262: a camera that repeats its SPS must not be cut into crumbs."""
    through_hls(scene, scene.clip(), discontinuities=0)
