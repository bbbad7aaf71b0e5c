"""Each way of the stream's page to play: time, frames, pixels; what the buttons do."""

import time

import node
from driven import Browser
from pages import PAINTED_MIN, PATIENCE, silent
from scenario import test

FPS = 25
SIZE = (640, 360)
#: A camera of the node itself, whose pictures say which they are.
CAMERA = ("--set", f"streams={{ live/cam: {{ source: 'test:?size={SIZE[0]}x{SIZE[1]}&fps={FPS}&gop=1s' }} }}")
LISTED = (*CAMERA, "--set", "hls.segment=1s")
PLAYED_SECONDS = 5
SEGMENTS = 4
SLACK_SECONDS = 3
DECODED = 0.99
STAMPS = 10


def player(words):
    return f"document.querySelector('millrace-player').{words}"


def live(browser, way=None):
    """The player says live, by that way."""
    report = browser.until(lambda look: look["state"] == "live", PATIENCE, "the player says live")
    if way:
        assert browser.run(player("way")) == way
    return report


def advances(browser, firefox=False):
    """Time goes on at real speed, without a stall, and the frames of that time were decoded."""
    begun, clock = browser.look(), time.monotonic()
    enough = begun["played"] + PLAYED_SECONDS
    later = browser.until(lambda look: look["played"] >= enough, PATIENCE, f"{PLAYED_SECONDS} s are played")
    took, played = time.monotonic() - clock, later["played"] - begun["played"]
    assert took <= played + SLACK_SECONDS, f"{played} s of media took {took} s"
    assert later["state"] == "live" and not later["refusal"], later["state"]
    frames = later["frames"] - begun["frames"]
    if firefox:
        assert frames >= PAINTED_MIN, frames      # it counts what it painted, on a machine without a screen
    else:
        assert frames >= DECODED * played * FPS - 1, f"{frames} frames in {played} s"
    assert (later["width"], later["height"]) == SIZE, (later["width"], later["height"])


def shows_the_camera(browser):
    """The stamps in the pixels are the camera's: readable, in order, of now."""
    stamps = browser.stamps(STAMPS)
    assert len(stamps) == STAMPS, f"{len(stamps)} pictures came"
    assert not any("unreadable" in one for one in stamps), stamps
    frames = [one["frame"] for one in stamps]
    assert frames == sorted(frames) and frames[-1] > frames[0], frames
    for first, last in zip(stamps, stamps[1:]):
        apart = (last["frame"] - first["frame"]) * 1000 / FPS
        assert abs(last["utc"] - first["utc"] - apart) <= 2, (first, last)
    age = stamps[-1]["shown"] - stamps[-1]["utc"]
    assert -SLACK_SECONDS * 1000 < age < PATIENCE * 1000, f"the picture is {age} ms old"


def plays_as(scene, way, asked=None, browser="chrome", pixels=True):
    """`pixels`: not of players that a canvas may not read."""
    with Browser(scene.folder, browser) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http(f"/live/cam?play={asked or way}"))
        live(page, way)
        advances(page, browser == "firefox")
        if pixels:
            shows_the_camera(page)
        silent(page)


@test(options=CAMERA)
def row_2_3_automatic_plays_by_media_source_over_a_websocket(scene):
    plays_as(scene, "mse", "auto")


@test(options=CAMERA)
def row_1_4_firefox_plays_by_media_source_at_real_speed(scene):
    plays_as(scene, "mse", browser="firefox")


WATCH = """(() => {
  const { shown } = document.querySelector('millrace-player');
  window.seen = { stalls: 0, pictures: [] };
  shown.addEventListener('waiting', () => ++window.seen.stalls);
  const next = (_, { expectedDisplayTime, mediaTime }) => {
    window.seen.pictures.push([expectedDisplayTime, mediaTime * 1000]);
    shown.requestVideoFrameCallback(next);
  };
  shown.requestVideoFrameCallback(next);
})()"""


@test(options=LISTED)
def rows_0_5_1_4_and_1_29_hls_plays_at_real_speed_without_a_stall(scene):
    """Pictures are whole frames apart, none waits for the next one; the long run is bench/page --play hls."""
    with Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http("/live/cam?play=hls"))
        live(page, "hls")
        page.run(WATCH)
        advances(page)
        seen = page.run("window.seen")
        assert seen["stalls"] == 0, f"{seen['stalls']} stalls"
        frame, pictures = 1000 / FPS, seen["pictures"]
        assert len(pictures) >= PAINTED_MIN, pictures
        unsteady = 0
        for (shown, before), (next_shown, after) in zip(pictures, pictures[1:]):
            steps = (after - before) / frame
            assert steps > 0.5 and abs(steps - round(steps)) < 0.1, (before, after)
            unsteady += abs(next_shown - shown - (after - before)) >= frame
        assert unsteady <= len(pictures) / 2, f"{unsteady} of {len(pictures)} come a frame early or late"
        shows_the_camera(page)
        silent(page)


@test(options=LISTED)
def rows_0_5_and_1_4_firefox_plays_hls_at_real_speed(scene):
    plays_as(scene, "hls", browser="firefox")


@test(options=CAMERA)
def flv_plays_at_real_speed(scene):
    plays_as(scene, "flv")


@test(options=CAMERA)
def firefox_plays_flv_at_real_speed(scene):
    plays_as(scene, "flv", browser="firefox")


@test(options=LISTED)
def the_browsers_own_player_plays(scene):
    """Chromium's own player of HLS cannot parse the list of a stream that has two segments."""
    def segments():
        return scene.server.get("/live/cam/segments/v0.m3u8", seconds=20)[1].count(b"#EXTINF")

    scene.server.wait_live("live/cam")
    node.until(lambda: segments() >= SEGMENTS, PATIENCE, f"{SEGMENTS} segments")
    plays_as(scene, "native")


@test(options=LISTED)
def firefoxs_own_player_plays(scene):
    plays_as(scene, "native", browser="firefox")


@test(options=LISTED)
def formats_switch_while_it_plays(scene):
    with Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http("/live/cam"))
        live(page, "mse")
        for way in ("flv", "hls", "mse"):
            page.run(f"document.getElementById('{way}').click()")
            page.until(lambda look, way=way: look["state"] == "live" and page.run(player("way")) == way,
                       PATIENCE, f"{way} plays")
            shows_the_camera(page)
            pressed = page.run("[...document.querySelectorAll('#formats [aria-pressed=true]')]"
                               ".map((one) => one.id)")
            assert pressed == [way], pressed
        silent(page)


SNAPSHOT = """(async () => {
  const picture = await document.querySelector('millrace-player').snapshot();
  const bitmap = await createImageBitmap(picture);
  return [picture.type, bitmap.width, bitmap.height];
})()"""


@test(options=CAMERA)
def row_4_18_pause_mute_snapshot_and_the_keys(scene):
    with Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http("/live/cam"))
        live(page)
        assert page.run(SNAPSHOT) == ["image/png", *SIZE]
        page.press("s")
        page.until(lambda look: "Saved as live-cam-" in look["text"], PATIENCE, "s saves the picture")
        page.press("m")
        page.until(lambda look: not look["muted"], PATIENCE, "m gives sound")
        live(page)
        page.run("document.getElementById('play').click()")
        page.until(lambda look: look["state"] == "paused", PATIENCE, "the button pauses")
        page.run("document.getElementById('play').click()")
        live(page)
        shows_the_camera(page)
        page.press("f")
        page.until(lambda _: page.run("document.fullscreenElement?.id") == "player", PATIENCE,
                   "f fills the screen")
        silent(page)


@test(options=CAMERA)
def row_2_28_the_browsers_own_controls_are_there(scene):
    with Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http("/live/cam"))
        live(page)
        assert page.run(player("shown.tagName") + " + " + player("shown.controls")) == "VIDEOtrue"
        for word in ("muted", "autoplay", "playsInline"):
            assert page.run(player(f"shown.{word}")) is True, word


@test(options=CAMERA)
def the_numbers_say_how_late_the_picture_is_and_how_that_is_known(scene):
    """Against the stamp in the pixels, by the clock of the same machine."""
    with Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http("/live/cam"))
        live(page)
        page.until(lambda look: "since the camera took it" in look["text"] and " ms ± " in look["text"],
                   PATIENCE, "the page says the latency, its bounds, and whose word it is")
        page.until(lambda _: page.run(player("figures().fps")), PATIENCE, "frames a second are known")
        told = page.run(player("figures().latency"))
        assert told["origin"] == "capture" and told["byFrame"] and 0 < told["uncertainty"] < 1000, told
        assert told["samples"] > 0, told
        ages = sorted(one["shown"] - one["utc"] for one in page.stamps(STAMPS))
        apart = abs(ages[len(ages) // 2] - told["milliseconds"])
        assert apart < SLACK_SECONDS * 1000, (ages, told)
        for row in ("latency", "fps", "bitrate", "buffer", "dropped", "qp", "ratio"):
            tile = f"document.getElementById('fact-{row}')"
            page.until(lambda _, tile=tile: page.run(f"{tile}.textContent") != "–", PATIENCE,
                       f"{row} is known")
            curve = page.run(f"{tile}.parentNode.querySelector('path').getAttribute('d')")
            assert curve, row
        silent(page)


@test()
def automatic_falls_back_in_words_where_websockets_do_not_get_through(scene):
    """A browser none of whose WebSockets opens, as behind some proxies."""
    from plays import encoding
    with encoding(scene), Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http("/live/cam"), before="""
            class Deaf extends EventTarget {
              static OPEN = 1;
              constructor() { super(); this.readyState = 3; setTimeout(() => this.onclose?.({}), 10); }
              close() {} send() {}
            }
            window.WebSocket = Deaf;""")
        live(page)
        assert page.run(player("way")) == "hls"
        text = page.look()["text"]
        assert "WebSockets do not get through" in text and "HLS instead" in text, text


@test(options=CAMERA)
def mjpeg_shows_the_camera_pauses_and_goes_on(scene):
    with Browser(scene.folder) as page:
        scene.server.wait_live("live/cam")
        page.open(scene.server.http("/live/cam?play=mjpeg"))
        live(page, "mjpeg")
        assert page.look()["kind"] == "CANVAS"
        shows_the_camera(page)
        page.press(" ")
        page.until(lambda look: look["state"] == "paused", PATIENCE, "space pauses")
        assert page.run(SNAPSHOT) == ["image/png", *SIZE]
        page.press(" ")
        live(page, "mjpeg")
        shows_the_camera(page)
        page.run("document.getElementById('mse').click()")
        page.until(lambda look: look["state"] == "live" and look["kind"] == "VIDEO", PATIENCE,
                   "another way plays")
        silent(page)
