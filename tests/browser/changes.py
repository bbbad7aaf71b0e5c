"""The node's player while the publisher changes its mind, has no picture, or goes and comes back."""

import contextlib
import threading
import time
from dataclasses import replace

import clip as clips
import flv
import peers
import rtmp
from driven import Browser
from pages import FRAMES_MIN, PAINTED_MIN, PATIENCE, PLAY_SECONDS, plays, silent
from plays import HEIGHT, WIDTH
from scenario import test

PLAIN, LARGER = (WIDTH, HEIGHT), (480, 270)
LISTED = ("--set", "hls.segment=1s")      # with clips of short groups: a change is soon in the list
SOURCE = "document.querySelector('millrace-player').shown.currentSrc"


class Camera:
    """Publishes a clip over and over, at its own pace, until the test leaves; takes another at a word."""

    def __init__(self, scene, clip):
        self.publisher = peers.Publisher(scene.rtmp_address, clip)
        self.wanted, self.fault = clip, None
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.publisher.client.publish()
        self._configure(0)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        with contextlib.suppress(OSError):
            self.publisher.client.unpublish()
        self.publisher.client.socket.close()
        if self.fault:
            raise AssertionError(f"the publisher was stopped: {self.fault!r}")

    def change_to(self, clip):
        """From the next key frame on."""
        self.wanted = clip

    def drop(self):
        """Leaves without a word, as a pulled cable does."""
        self.stopped.set()
        self.thread.join()
        self.publisher.close_abruptly()

    def _configure(self, when):
        publisher = self.publisher
        publisher.clip = self.wanted
        if publisher.clip.of("video"):
            publisher._media(rtmp.VIDEO, flv.video_config_body(publisher.clip), when)
        if publisher.clip.of("audio"):
            publisher._media(rtmp.AUDIO, flv.audio_config_body(publisher.clip), when)

    def _samples(self):
        """Each sample and how much later than its own time it is sent, ms."""
        later = 0
        while True:
            playing = self.publisher.clip
            entrance = "video" if playing.of("video") else "audio"
            for sample in playing.samples:
                if self.wanted is not playing and sample.kind == entrance and sample.key:
                    later += sample.dts
                    self._configure(later)
                    break
                yield sample, later
            else:
                later += clips.SECONDS * 1000

    def _run(self):
        begun = time.monotonic()
        try:
            for sample, later in self._samples():
                due = begun + (sample.dts + later) / 1000
                if self.stopped.wait(max(0.0, due - time.monotonic())):
                    return
                self.publisher.send_one(sample, later)
        except Exception as fault:      # told to the test when it leaves
            self.fault = fault


def only(clip, kind):
    """The clip without its pictures, or without its sound."""
    return replace(clip, samples=clip.of(kind))


@contextlib.contextmanager
def watched(scene, clip, path="/live/cam", browser="chrome"):
    """A publisher of the clip, and a browser that has opened the page."""
    with Camera(scene, clip) as camera, Browser(scene.folder, browser) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http(path))
        yield camera, page


def goes_on(browser, size, frames=FRAMES_MIN):
    """The new pictures are shown, by the same player and never less of it, and go on."""
    browser.until(lambda look: (look["width"], look["height"]) == size, PATIENCE, f"pictures of {size} come")
    return plays(browser, frames, size)


def changes(scene, *turns, **how):
    """The page plays the plain clip and then the others, in the same element and the same source."""
    frames = PAINTED_MIN if how.get("browser") == "firefox" else FRAMES_MIN
    with watched(scene, scene.clip("plain-brisk"), **how) as (camera, browser):
        before, source = plays(browser, frames), browser.run(SOURCE)
        for name, size in turns:
            camera.change_to(scene.clip(f"{name}-brisk"))
            after = goes_on(browser, size, frames)
            assert browser.run(SOURCE) == source, f"the player began anew with {name}"
            assert after["time"] > before["time"], (before["time"], after["time"])
            before = after
        silent(browser)


@test(options=LISTED)
def the_low_latency_player_goes_on_with_another_size_and_profile(scene):
    changes(scene, ("larger", LARGER), ("bframes", PLAIN))


@test(options=LISTED)
def firefox_goes_on_at_low_latency_with_another_size_and_with_h265(scene):
    changes(scene, ("larger", LARGER), ("h265", PLAIN), ("larger", LARGER), browser="firefox")


@test(options=LISTED)
def hls_by_the_page_goes_on_with_another_size_and_profile(scene):
    changes(scene, ("larger", LARGER), ("bframes", PLAIN), path="/live/cam?play=hls")


@test(options=LISTED)
def a_codec_that_the_browser_does_not_play_is_named_and_the_next_one_plays(scene):
    """Chromium without a decoder for H.265."""
    with watched(scene, scene.clip("plain-brisk")) as (camera, browser):
        plays(browser)
        camera.change_to(scene.clip("h265-brisk"))
        browser.until(lambda look: look["state"] == "unsupported" and "H.265" in look["text"], PATIENCE,
                      "the page says what it cannot play")
        camera.change_to(scene.clip("plain-brisk"))
        plays(browser)
        silent(browser)


def hears(browser):
    """The player says live, time goes on, and the page says why there is no picture."""
    begun = browser.until(lambda look: look["state"] == "live", PATIENCE, "the player says live")
    enough = begun["played"] + PLAY_SECONDS
    later = browser.until(lambda look: look["played"] >= enough and look["state"] == "live", PATIENCE,
                          f"{PLAY_SECONDS} s are heard")
    assert not later["refusal"], later["refusal"]
    assert later["time"] > begun["time"] + PLAY_SECONDS / 2, (begun["time"], later["time"])
    assert later["kind"] == "AUDIO" and "There is only sound" in later["text"], later["text"]
    return later


def plays_sound(scene, **how):
    with watched(scene, only(scene.clip("plain-brisk"), "audio"), **how) as (_, browser):
        hears(browser)
        if how.get("browser") != "firefox":      # which wants a sound device to play into
            browser.press("m")
            browser.until(lambda look: not look["muted"], PATIENCE, "the sound is on")
            hears(browser)
        silent(browser)


@test(options=LISTED)
def row_2_28_sound_alone_plays_at_low_latency(scene):
    plays_sound(scene)


@test(options=LISTED)
def firefox_plays_sound_alone_at_low_latency(scene):
    plays_sound(scene, browser="firefox")


@test(options=LISTED)
def sound_alone_plays_by_hls(scene):
    plays_sound(scene, path="/live/cam?play=hls")


@test(options=LISTED)
def pictures_without_sound_play_both_ways(scene):
    with watched(scene, only(scene.clip("plain-brisk"), "video")) as (_, browser):
        plays(browser)
        browser.open(scene.server.http("/live/cam?play=hls"))
        plays(browser)
        silent(browser)


@test(options=LISTED)
def pictures_that_join_the_sound_are_shown(scene):
    with watched(scene, only(scene.clip("plain-brisk"), "audio")) as (camera, browser):
        hears(browser)
        camera.change_to(scene.clip("plain-brisk"))
        browser.until(lambda look: look["kind"] == "VIDEO", PATIENCE, "there is room for a picture")
        plays(browser)
        silent(browser)


def comes_back(scene, second, size, **how):
    """The publisher is lost, another comes within grace: the page says so and goes on by itself."""
    frames = PAINTED_MIN if how.get("browser") == "firefox" else FRAMES_MIN
    with watched(scene, scene.clip("plain-brisk"), **how) as (camera, browser):
        plays(browser, frames)
        before = browser.look()
        camera.drop()
        browser.until(lambda look: look["state"] in ("stale", "waiting", "connecting"), PATIENCE,
                      "the loss is told")
        with Camera(scene, second):
            after = goes_on(browser, size, frames)
            assert after["time"] > before["time"], (before["time"], after["time"])
            silent(browser)


@test(options=LISTED)
def the_low_latency_player_goes_on_with_a_publisher_that_is_back_with_another_size(scene):
    comes_back(scene, scene.clip("larger-brisk"), LARGER)


@test(options=LISTED)
def firefox_goes_on_at_low_latency_with_a_publisher_that_is_back(scene):
    comes_back(scene, scene.clip("plain-brisk"), PLAIN, browser="firefox")


@test(options=LISTED)
def hls_by_the_page_goes_on_with_a_publisher_that_is_back(scene):
    comes_back(scene, scene.clip("plain-brisk"), PLAIN, path="/live/cam?play=hls")
