"""A wall of cameras: many sources on demand in the grid, and sources that fail over."""

import time

import fake_camera
import node
from desk import BOSS, Desk, at_the_desk
from fake_camera import Camera
from pages import PATIENCE
from scenario import test

CAMERA = "test:?size=256x144&fps=5&gop=1s&bitrate=50k&audio=none"
CAMERAS = 50
NAMES = [f"wall/{at:02}" for at in range(CAMERAS)]
ON_SCREEN = """
const onScreen = (one) => {
  const { top, bottom } = one.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
};
const tiles = [...document.querySelectorAll('.tile')];
const name = (one) => one.querySelector('.tile-name').textContent;
"""


def resident(desk):
    with open(f"/proc/{desk.server.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def on_screen(desk):
    return desk.do(ON_SCREEN + "return tiles.filter(onScreen).map(name);")


def all_on_screen_play(desk, what):
    """Those on the screen play, the others have no player; how long that took."""
    began = time.monotonic()
    desk.until(f"(() => {{ {ON_SCREEN} const seen = tiles.filter(onScreen);"
               "return seen.length > 0 && seen.every((one) => one.dataset.state === 'live'); })()", what)
    took = time.monotonic() - began
    desk.until(f"(() => {{ {ON_SCREEN} return tiles.every((one) => onScreen(one) ||"
               "one.querySelector('millrace-player') === null); })()", f"{what}: nobody else does")
    return took


def awake(desk):
    """The sources that run."""
    return desk.browser.run("fetch('api/v1/streams?limit=100').then((one) => one.json())"
                            ".then(({ items }) => items.filter((one) => one.source).map((one) => one.name))")


@test()
def row_x_2_of_fifty_rtsp_cameras_on_demand_those_on_the_screen_play_and_memory_stays_flat(scene):
    with Camera([fake_camera.video_of(scene.clip("plain-brisk"))]) as cameras:
        how = {"transport": "tcp", "on_demand": True, "idle": "1s"}
        rules = {name: {"source": cameras.url(f"/{name}"), **how} for name in NAMES}
        with at_the_desk(scene, streams=rules, outgoing={"allow": ["127.0.0.1"]}) as desk:
            look_around(desk, cameras)


def playing(cameras):
    """The names of the cameras that send."""
    return {"wall/" + talk.base.rpartition("/wall/")[2] for talk in cameras.playing()}


def look_around(desk, cameras):
    """Scrolls through the grid twice."""
    desk.browser.screen(800, 500, "dark")
    desk.do("localStorage.setItem('millrace.columns', '2'); location.hash = 'grid';")
    desk.until(f"document.querySelectorAll('.tile').length === {CAMERAS}", "each camera has its place")
    assert len(on_screen(desk)) < 10, on_screen(desk)
    took = [all_on_screen_play(desk, "the first ones play")]
    sizes, heaps = [], []
    for round_ in range(2):
        for at in (CAMERAS // 2, CAMERAS - 1, 0):
            desk.do(f"document.querySelectorAll('.tile')[{at}].scrollIntoView();")
            took.append(all_on_screen_play(desk, f"round {round_}: camera {at} plays"))
            names = on_screen(desk)
            assert NAMES[at] in names, (at, names)
            node.until(lambda: set(awake(desk)) <= set(names), PATIENCE, "the others rest again")
            node.until(lambda: playing(cameras) == set(names), PATIENCE, "those cameras alone are asked")
        sizes.append(resident(desk))
        heaps.append(desk.do("return performance.memory.usedJSHeapSize;"))
    print(f"    played after {max(took):.1f} s at most; server {[size >> 20 for size in sizes]} MiB,"
          f" page {[heap >> 20 for heap in heaps]} MiB")
    assert sizes[-1] < sizes[0] + (24 << 20), sizes
    assert heaps[-1] < heaps[0] + (24 << 20), heaps


@test()
def row_3_28_the_page_says_why_a_source_does_not_deliver_and_what_stands_in(scene):
    rules = {"live/alone": {"source": "file:not_there.mp4"},
             "live/cam": {"source": ["file:not_there.mp4", CAMERA]}}
    with at_the_desk(scene, BOSS, rules) as desk:
        desk.sees("The source: ", "the list says what is wrong with the one")
        desk.sees("Source 1: ", "the list says what is wrong with the other, too")
        desk.go("streams")
        desk.shows("live/alone", "not_there.mp4", "The source: ")
        desk.shows("live/cam", "Live", CAMERA, "Source 2 of 2 stands in.")
        person = Desk(desk.browser, desk.server)
        person.browser.open(desk.server.http("/live/cam"))
        person.browser.until(lambda look: look["state"] == "live", PATIENCE, "the other one plays")
        person.sees("Source 1: ", "the player says why the first one does not")
