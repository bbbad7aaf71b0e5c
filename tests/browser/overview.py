"""The list and the grid, and what holds for every page: screens, axe-core, who sees what, hostile words."""

import json

import node
from desk import SOURCE, VIEWER, Desk, at_the_desk
from driven import Browser
from pages import HOSTILE, PATIENCE, PHONE, harmless, silent
from scenario import test

SECTIONS = ("streams", "sessions", "users", "tokens", "configuration", "events")
SCREENS = ((PHONE, 640, "light"), (768, 1024, "dark"), (1920, 1080, "dark"), (1920, 1080, "light"))
LONG_NAME = "live/a-name-of-sixty-letters-that-has-no-place-to-break-anywhere"
GRID = 16


@test()
def a_viewer_never_sees_the_administrators_side(scene):
    with at_the_desk(scene, VIEWER, ["live/cam"]) as desk:
        ways = desk.do("return [...document.querySelectorAll('#nav a')].map((one) => one.textContent);")
        assert ways == ["Streams", "Grid"], ways
        for section in SECTIONS:
            desk.do(f"location.hash = 'manage/{section}';")
            assert not desk.do("return document.querySelector('.manage, .menu, .section') !== null;"), section
        loaded = desk.do("return performance.getEntriesByType('resource').map((one) => one.name);")
        assert not any("manage" in one for one in loaded), loaded
        for path in ("config", "users", "tokens", "sessions", "events"):
            asked = desk.browser.run(f"fetch('api/v1/{path}').then((one) => one.status)")
            assert asked == 403, (path, asked)
        desk.refused_before = None      # each of these answers is written down, too


@test()
def a_search_finds_by_name_codec_and_state(scene):
    with at_the_desk(scene, streams=["live/porch", "live/garden"]) as desk:
        desk.until("document.querySelectorAll('.card').length === 2", "both streams are listed")
        for words, left in (("gard", ["live/garden"]), ("H.264 porch", ["live/porch"]), ("nothing", [])):
            desk.do(f"fill(document.querySelector('.search'), '{words}');")
            names = desk.do("return [...document.querySelectorAll('.card-name')]"
                            ".map((one) => one.textContent);")
            assert names == left, (words, names)
        assert "No stream has these words" in desk.browser.look()["text"]
        desk.do("document.querySelector('.search').blur();")
        desk.browser.press("/")
        assert desk.do("return document.activeElement.matches('.search');"), "the key / goes to the search"


def fits(desk, what):
    report = desk.browser.look()
    assert report["wide"] <= report["inner"], (what, report["wide"], report["inner"])


def every_page(desk):
    """Opens each page with something on it, and names it."""
    desk.do("location.hash = '';")
    desk.until("document.querySelector('.card')", "the list is filled")
    yield "list"
    desk.do("location.hash = 'grid';")
    desk.until("document.querySelector('.tile[data-state=live]')", "the grid plays")
    yield "grid"
    for section in SECTIONS:
        desk.go(section)
        desk.until("document.querySelector('tr[data-key], .event, .empty:not([hidden])')",
                   f"{section} is filled")
        yield f"manage_{section}"
    for section, words in (("streams", "Add a stream"), ("users", "Add a user"), ("tokens", "Add a token")):
        desk.go(section)
        desk.press(words)
        yield f"form_{section}"
        desk.press("Cancel", "open()")


@test()
def every_page_fits_its_screen_and_is_sound_to_axe(scene):
    with at_the_desk(scene, streams=["live/cam", LONG_NAME]) as desk:
        found = []
        for width, height, scheme in SCREENS:
            desk.browser.screen(width, height, scheme)
            for name in every_page(desk):
                fits(desk, (name, width))
                desk.browser.shot(f"{name}_{width}_{scheme}")
                if width in (PHONE, 1920):
                    found += [(name, width, scheme, line) for line in desk.browser.axe()]
        assert not found, json.dumps(found, indent=1)


@test()
def sixteen_players_in_a_grid_leave_the_api_its_answers(scene):
    with at_the_desk(scene, streams=[f"wall/{at:02}" for at in range(GRID)]) as desk:
        desk.browser.screen(1280, 900, "dark")
        desk.do("location.hash = 'grid';")
        desk.until(f"document.querySelectorAll('.tile[data-state=live]').length === {GRID}",
                   "all of them play")
        for _ in range(5):
            assert desk.browser.run("fetch('api/v1/streams').then((one) => one.status)") == 200
        endless = desk.do("return performance.getEntriesByType('resource')"
                          ".filter((one) => one.responseEnd === 0).length;")
        assert endless == 0, "a player holds an endless HTTP answer"
        desk.do("fill(document.querySelector('#view select'), '1');")
        desk.until(f"document.querySelectorAll('.tile millrace-player').length < {GRID // 2}",
                   "players that left the screen end")
        assert desk.do("return document.querySelector('.tile').dataset.state") == "live"


FAKE_SOCKET = """
window.WebSocket = class extends EventTarget {
  constructor() {
    super();
    setTimeout(() => {
      this.onopen?.();
      WORDS.forEach((word, at) => this.onmessage?.({ data: JSON.stringify(
        { id: at + 1, at: word, kind: word, stream: word, text: word, level: word }) }));
    }, 100);
  }
  close() {}
};
"""


@test()
def case_64_hostile_words_are_text_on_the_administrators_side(scene):
    """Stream names, sources, users, addresses, configuration, log lines: whatever the API says."""
    rules = {word: {"source": word, "grace": word} for word in HOSTILE}
    entries = [{"name": word, "allow": [word], "origin": word, "expires": word} for word in HOSTILE]
    words = ("kind", "protocol", "stream", "peer", "user", "since", "verdict")
    sessions = [{"id": str(at), **{key: word for key in words}} for at, word in enumerate(HOSTILE)]
    keys = [{"name": word, "type": word, "default": word, "help": word} for word in HOSTILE]
    config = {"file": HOSTILE[1], "keys": keys, "values": {"streams": rules}, "overlay": {"streams": rules},
              "origins": {word: word for word in HOSTILE}}
    listed = {"streams": [{"name": word, "state": "live", "tracks": []} for word in HOSTILE],
              "users": entries, "tokens": entries, "sessions": sessions}
    answers = {f"/api/v1/{name}": json.dumps({"items": items, "total": len(items)})
               for name, items in listed.items()}
    session = {"kind": "user", "user": HOSTILE[0], "actions": ["admin"], "admin": True, "csrf": "x"}
    answers |= {"/api/v1/config": json.dumps(config), "/api/v1/session": json.dumps(session)}
    with Browser(scene.folder) as browser:
        browser.open(scene.server.http("/#manage/streams"), answers=answers,
                     before=FAKE_SOCKET.replace("WORDS", json.dumps(HOSTILE)))
        desk = Desk(browser, scene.server)
        for section in SECTIONS:
            desk.go(section)
            shown = desk.sees(HOSTILE[1], f"{section} shows the words")
            harmless(shown, HOSTILE[1:2] if section == "configuration" else HOSTILE[:7])
        desk.go("streams")
        desk.until("document.querySelector('tr[data-key] .row-buttons button')", "the rules can be changed")
        desk.do("document.querySelector('tr[data-key] .row-buttons button').click();")
        harmless(browser.look(), [])
        silent(browser)


def shots(desk):
    """For each stream with a picture in the list, how many colours there are in it."""
    return desk.do("""return Object.fromEntries([...document.querySelectorAll('.card')].flatMap((card) => {
      const canvas = card.querySelector('[data-shown] canvas');
      if (canvas === null) { return []; }
      const copy = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, 200, 100);
      const colours = new Set();
      for (let at = 0; at < data.length; at += 4) {
        colours.add([data[at] >> 5, data[at + 1] >> 5, data[at + 2] >> 5].join());
      }
      return [[card.querySelector('.card-name').textContent, colours.size]];
    }));""")


@test()
def the_list_has_a_picture_of_every_stream_and_asks_for_few(scene):
    """At most one each five seconds, and only of what is on the screen."""
    names = [f"live/{at:02}" for at in range(10)]
    with at_the_desk(scene, streams=names) as desk:
        desk.browser.screen(PHONE, 640, "dark")
        node.until(lambda: sum(count > 8 for count in shots(desk).values()) >= 2, PATIENCE,
                   "two pictures are there")
        asked = "performance.getEntriesByType('resource').filter((one) => one.name.includes('.jpg'))"
        desk.until(f"{asked}.filter((one) => one.name.includes('/00.jpg')).length >= 3",
                   "the first one is asked for again and again")
        times = desk.do(f"return {asked}.map((one) => [one.name, one.startTime]);")
        for name in {name for name, _ in times}:
            own = [time for one, time in times if one == name]
            assert all(later - sooner > 4900 for sooner, later in zip(own, own[1:])), (name, own)
        assert not any("/09.jpg" in name for name, _ in times), "the last one is not on the screen"
        desk.do("document.querySelector('li:last-child .card').scrollIntoView();")
        node.until(lambda: shots(desk).get("live/09", 0) > 8, PATIENCE,
                   "the last one has a picture once it is seen")


@test()
def a_stream_on_demand_rests_in_the_list_and_starts_for_whoever_opens_it(scene):
    with at_the_desk(scene) as desk:
        desk.go("streams")
        desk.press("Add a stream")
        desk.form("Add", Name="live/cam", Source=SOURCE, Only_while_watched="yes")
        desk.shows("live/cam", "On demand")
        desk.do("location.hash = '';")
        desk.sees("starts when somebody watches", "the list says that it rests")
        desk.browser.open(desk.server.http("/live/cam"))
        desk.browser.until(lambda look: look["state"] == "live", PATIENCE, "it plays for whoever opens it")
