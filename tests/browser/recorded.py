"""The recordings of a stream on its page: the button, the timeline, any moment, live again, a part saved."""

import json
import re
import signal

import node
from desk import SOURCE, VIEWER, at_the_desk
from pages import PATIENCE, PHONE
from scenario import test

NAME = "live/cam"
SCREENS = ((PHONE, 1400, "light"), (1280, 1300, "dark"), (1280, 1300, "light"))
PLAYER = "document.querySelector('millrace-player')"
STAMPS = 5
PART_FROM, PART_MS = 1230, 2000
PICTURE_MS = 100    # of SOURCE
ROUNDED_MS = 5      # what the clocks of a picture and of the list may differ by
CLOSE_MS = 150      # a picture of 10 a second, and the list's milliseconds


def recordings(desk):
    status, body = desk.browser.run(f"fetch('/api/v1/recordings/{NAME}')"
                                    ".then(async (one) => [one.status, await one.text()])")
    assert status == 200, body
    return json.loads(body)


def pins(desk):
    return desk.browser.run(f"fetch('/api/v1/pins/{NAME}').then((one) => one.json())"
                            ".then(({ items }) => items)")


def seconds(desk):
    """How much is recorded."""
    return desk.browser.run(f"fetch('/api/v1/recordings/{NAME}').then((one) => one.json())"
                            ".then(({ items }) => items.reduce((sum, one) => "
                            "sum + (Date.parse(one.to) - Date.parse(one.from)) / 1000, 0))")


def plays(desk, state):
    desk.until(f"{PLAYER}.state === '{state}'", f"the player says {state}")


def shows_the_moment_it_says(desk):
    """The clock in the picture is the moment that the player tells."""
    stamps = [one for one in desk.browser.stamps(STAMPS) if "utc" in one]
    assert len(stamps) >= STAMPS - 1, stamps
    ahead = desk.do(f"const player = {PLAYER}; return player.moment - player.shown.currentTime * 1000;")
    wrong = [one["utc"] - one["time"] - ahead for one in stamps]
    assert all(abs(one) < CLOSE_MS for one in wrong), wrong
    return stamps[0]["utc"]


def at_the_stream(desk):
    desk.browser.open(desk.server.http(f"/{NAME}"))
    plays(desk, "live")


@test()
def row_0_1_a_stream_is_recorded_by_a_button_and_any_moment_of_it_is_played(scene):
    with at_the_desk(scene, streams=[NAME], hls={"segment": "1s"}) as desk:
        desk.browser.screen(1280, 1300, "dark")
        at_the_stream(desk)
        assert desk.do("return document.getElementById('timeline').hidden;"), "nothing was recorded yet"
        desk.press("Record")
        desk.until("document.getElementById('record').getAttribute('aria-pressed') === 'true'",
                   "it is recorded")
        node.until(lambda: seconds(desk) > 8, PATIENCE, "8 s are recorded")
        desk.until("!document.getElementById('timeline').hidden && document.querySelector('.recorded')",
                   "the timeline shows it")
        # Keys: back in steps of 5 s, then live.
        desk.do("document.getElementById('rail').focus();")
        desk.browser.press("ArrowLeft")
        plays(desk, "recorded")
        then = shows_the_moment_it_says(desk)
        now = desk.do("return Date.now();")
        assert now - then > 3000, f"{now - then} ms ago is not five seconds back"
        said = desk.do("return document.getElementById('rail').getAttribute('aria-valuetext');")
        assert said.endswith("recorded"), said
        desk.press("Live")
        plays(desk, "live")
        # A finger, or a mouse: to the left end of what there is.
        first = desk.do(f"return Date.parse('{recordings(desk)['items'][0]['from']}');")
        desk.do("""const rail = document.getElementById('rail').getBoundingClientRect();
                   const at = document.querySelector('.recorded').getBoundingClientRect().left + 1;
                   for (const kind of ['pointerdown', 'pointermove', 'pointerup']) {
                     document.getElementById('rail').dispatchEvent(new PointerEvent(kind,
                       { bubbles: true, pointerId: 1, clientX: at, clientY: rail.top + 5 }));
                   }""")
        plays(desk, "recorded")
        begun = shows_the_moment_it_says(desk)
        assert -CLOSE_MS < begun - first < now - first, (begun, first)
        desk.browser.press("End")
        plays(desk, "live")


@test()
def what_is_missing_stands_on_the_timeline_with_its_cause_and_a_part_is_saved_and_kept(scene):
    rules = {NAME: {"source": SOURCE, "record": True}}
    with at_the_desk(scene, streams=rules, hls={"segment": "1s"}) as desk:
        at_the_stream(desk)
        node.until(lambda: seconds(desk) > 4, PATIENCE, "4 s are recorded")
        desk.press("End recording")
        node.until(lambda: not recordings(desk)["recording"], PATIENCE, "it is no longer recorded")
        rule = desk.browser.run("fetch('/api/v1/config').then((one) => one.json())"
                                f".then(({{ values }}) => values.streams['{NAME}'])")
        assert rule == {"source": SOURCE, "record": False}, f"the rest of the rule is lost: {rule}"
        desk.press("Record")
        node.until(lambda: len(recordings(desk)["items"]) == 2 and seconds(desk) > 8, PATIENCE,
                   "another piece")
        desk.until("[...document.querySelectorAll('.gaps li')].some((one) => "
                   "one.textContent.includes('recording switched off'))", "the gap is told with its cause")
        desk.until("document.querySelector('.missing')?.title.includes('recording switched off')",
                   "and drawn")
        there = recordings(desk)
        piece = there["items"][0]
        desk.do(f"""document.querySelector('.export').open = true;
                    const local = (at) => {{ const one = new Date(at);
                      return new Date(at - one.getTimezoneOffset() * 60000).toISOString().slice(0, 19); }};
                    fill(document.getElementById('export-from'), local(Date.parse('{piece["from"]}')));
                    fill(document.getElementById('export-to'), local(Date.parse('{piece["to"]}')));""")
        desk.until("document.getElementById('save').href.includes('archive.mp4?from=')", "there is a link")
        status, kind, size = desk.browser.run(
            "fetch(document.getElementById('save').href).then(async (one) => "
            "[one.status, one.headers.get('Content-Type'), (await one.arrayBuffer()).byteLength])")
        assert (status, kind) == (200, "video/mp4") and size > 1000, (status, kind, size)
        desk.press("Keep for good")
        desk.until("document.querySelector('.pins li')", "the part is kept for good")
        assert [one["from"][:19] for one in pins(desk)] == [piece["from"][:19]], (pins(desk), piece)
        desk.until("document.querySelector('.pinned')", "and drawn")
        desk.press("10 min")
        desk.until("document.querySelector('.length[aria-pressed=true]').textContent === '10 min'", "closer")
        desk.do("""const rail = document.getElementById('rail').getBoundingClientRect();
                   const box = document.querySelector('.recorded').getBoundingClientRect();
                   document.getElementById('rail').dispatchEvent(new PointerEvent('pointermove',
                     { bubbles: true, clientX: box.left + box.width / 2, clientY: rail.top + 5 }));""")
        desk.until("document.querySelector('.scrub img').naturalWidth > 0", "the moment has a picture")
        found = []
        for width, height, scheme in SCREENS:
            desk.browser.screen(width, height, scheme)
            report = desk.browser.look()
            assert report["wide"] <= report["inner"], (width, report["wide"])
            desk.browser.shot(f"timeline_{width}_{scheme}")
            found += [(width, scheme, line) for line in desk.browser.axe()]
        assert not found, json.dumps(found, indent=1)
        desk.do("document.querySelector('.pins li button').click();")
        desk.until("!document.querySelector('.pins li') && !document.querySelector('.pinned')", "no longer")
        assert pins(desk) == [], pins(desk)
        plays_a_part_exactly(desk, piece)


@test()
def whoever_may_not_see_recordings_has_neither_timeline_nor_button(scene):
    with at_the_desk(scene, VIEWER, {NAME: {"source": SOURCE, "record": True}}) as desk:
        at_the_stream(desk)
        assert desk.do("return document.getElementById('timeline').hidden && "
                       "document.getElementById('record').hidden;")
        asked = desk.do("return performance.getEntriesByType('resource').map((one) => one.name);")
        assert not any("recordings" in one for one in asked), "nothing is asked that would be refused"

def plays_a_part_exactly(desk, piece):
    """A browser shows a part that is saved from the moment on that was asked for, and as long."""
    desk.browser.open(desk.server.http("/"))   # where nothing else plays
    desk.do(f"""const begin = Date.parse('{piece["from"]}') + {PART_FROM};
                const film = document.createElement('video');
                const at = (time) => new Date(time).toISOString();
                film.src = `/{NAME}/archive.mp4?from=${{at(begin)}}&to=${{at(begin + {PART_MS})}}`;
                film.requestVideoFrameCallback = undefined;   // its first picture stands still
                film.muted = true;
                film.preload = 'auto';
                document.body.prepend(film);""")
    desk.until("document.querySelector('video').readyState >= 2", "it shows its first picture")
    length = desk.do("return document.querySelector('video').duration;") * 1000
    assert PART_MS - PICTURE_MS < length < PART_MS + CLOSE_MS, length
    begin = desk.do(f"return Date.parse('{piece['from']}') + {PART_FROM};")
    first = desk.browser.stamps(1)[0]["utc"]
    assert 0 <= first - begin + ROUNDED_MS < PICTURE_MS + 2 * ROUNDED_MS, (first, begin)


@test(options=("--set", f"streams={{ {NAME}: {{ record: true }} }}"))
def row_0_34_a_camera_box_shows_its_disk_its_link_and_what_its_server_lacks(scene):
    rule = {"source": SOURCE, "record": True, "uplink": scene.server.kcp(NAME)}
    words = "return document.getElementById('archive')?.innerText ?? '';"
    shows = "document.getElementById('archive')?.hidden === false"
    with at_the_desk(scene, streams={NAME: rule}, outgoing={"allow": ["127.0.0.1"]},
                     storage={"keep": {"days": 7, "gigabytes": 50}}) as desk:
        desk.browser.open(desk.server.http("/"))
        desk.until(shows, "the overview shows the archive")
        node.until(lambda: "server" in desk.do(words), PATIENCE, "and what of it is at the server")
        node.until(lambda: "are free; kept for 7 days, up to 50 GB." in desk.do(words), PATIENCE,
                   "and the disk")
        assert desk.browser.look()["wide"] <= desk.browser.look()["inner"]
        desk.browser.shot("archive_overview")
        at_the_stream(desk)
        node.until(lambda: "link is up" in desk.do(words), PATIENCE, "the stream's page shows it, too")
        scene.server.process.send_signal(signal.SIGSTOP)
        try:
            node.until(lambda: "not at the server yet, recorded since" in desk.do(words), PATIENCE,
                       "what is unsent")
            node.until(lambda: "link is not up" in desk.do(words), PATIENCE, "and that the link is gone")
            desk.browser.shot("archive_stream")
            assert not desk.browser.axe()
        finally:
            scene.server.process.send_signal(signal.SIGCONT)
        node.until(lambda: re.search("has all (of it|but the last seconds); the archive’s link is up",
                                     desk.do(words)), PATIENCE, "until it is back")
        status, body = desk.server.get("/api/v1/archive")
        assert status == 401, (status, body)
