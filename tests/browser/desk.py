"""The list, the grid and the administrator's side of the page, in Chromium."""

import contextlib
import json
import os
import subprocess

import node
from driven import Browser
from pages import HOSTILE, PATIENCE, PHONE, harmless, silent
from scenario import test

BOSS, VIEWER = ("boss", "password of boss"), ("viewer", "password of viewer")
SECTIONS = ("streams", "sessions", "users", "tokens", "configuration", "events")
SOURCE = "test:?size=256x144&fps=10&bitrate=100k&audio=none"
SCREENS = ((PHONE, 640, "light"), (768, 1024, "dark"), (1920, 1080, "dark"), (1920, 1080, "light"))
GRID = 16

# What a person does with a form, by the words that stand on it.
TOOLS = """
const open = () => document.querySelector('dialog[open]');
const button = (words, place = document) => [...place.querySelectorAll('button')]
  .find((one) => one.offsetParent !== null && [one.textContent, one.getAttribute('aria-label')].includes(words));
const field = (label) => {
  const found = [...open().querySelectorAll('label')].find((one) => one.textContent === label);
  return found === undefined ? null : document.getElementById(found.htmlFor);
};
const fill = (control, value) => {
  control.value = value;
  control.dispatchEvent(new Event('input', { bubbles: true }));
  control.dispatchEvent(new Event('change', { bubbles: true }));
};
"""


def account(program, name, password, allow):
    """An entry of auth.users."""
    run = subprocess.run([program, "password", name], input=password, capture_output=True, text=True, check=True,
                         timeout=20)
    hashed = run.stdout.split('password: "')[1].split('"')[0]
    return {"name": name, "password": hashed, "allow": allow}


@contextlib.contextmanager
def closed_node(scene, streams=None):
    """A node with an administrator and a viewer, and streams that it makes itself."""
    folder = os.path.join(scene.folder, "closed")
    os.mkdir(folder)
    program = scene.server.command[0]
    users = [account(program, *BOSS, ["admin:*", "play:*", "publish:*"]), account(program, *VIEWER, ["play:*"])]
    told = {"auth": {"users": users}, "streams": {name: {"source": SOURCE} for name in streams or ()}}
    with open(os.path.join(folder, "node.yaml"), "w", encoding="utf-8") as file:
        json.dump(told, file)
    server = node.Millrace(folder, program, ("node.yaml",))
    try:
        yield server
        server.stop()
    finally:
        if server.alive():
            server.process.kill()
            server.process.wait()


class Desk:
    """A person at the page."""

    def __init__(self, browser, server):
        self.browser, self.server = browser, server

    def do(self, script):
        return self.browser.run(f"(() => {{ {TOOLS} {script} }})()")

    def until(self, script, what):
        node.until(lambda: self.do(f"return Boolean({script})"), PATIENCE, what)

    def sees(self, words, what):
        return self.browser.until(lambda look: words in look["text"], PATIENCE, what)

    def sign_in(self, who):
        self.browser.open(self.server.http("/"))
        self.until("document.querySelector('.sign-in')", "the form is there")
        self.do("const form = document.querySelector('.sign-in');"
                f"fill(form.elements.user, {json.dumps(who[0])}); fill(form.elements.pass, {json.dumps(who[1])});"
                "form.requestSubmit();")
        self.until("document.getElementById('who').textContent.includes('Sign out')", "somebody is signed in")

    def go(self, section):
        self.do(f"location.hash = 'manage/{section}';")
        self.until(f"document.querySelector('.menu [aria-current]')?.hash === '#manage/{section}'",
                   f"the page of the {section} is open")

    def press(self, words, place="document"):
        self.until(f"button({json.dumps(words)}, {place})", f"there is a button: {words}")
        self.do(f"button({json.dumps(words)}, {place}).click();")

    def form(self, submit, **values):
        """Fills the form in front in, sends it, and waits until it is gone."""
        for label, value in values.items():
            self.do(f"fill(field({json.dumps(label.replace('_', ' '))}), {json.dumps(value)});")
        self.send(submit)
        self.until("open() === null", f"the form is done: {submit}")

    def send(self, submit):
        self.press(submit, "open()")

    def row(self, key):
        """The words of a row of the table, or None."""
        return self.do(f"return [...document.querySelectorAll('tr[data-key]')].find((one) => one.dataset.key === "
                       f"{json.dumps(key)})?.innerText ?? null;")

    def shows(self, key, *words):
        node.until(lambda: all(word in (self.row(key) or "") for word in words), PATIENCE, f"{key} shows {words}")

    def lacks(self, key):
        node.until(lambda: self.row(key) is None, PATIENCE, f"{key} is gone")


@contextlib.contextmanager
def at_the_desk(scene, who=BOSS, streams=()):
    with closed_node(scene, streams) as server, Browser(scene.folder) as browser:
        desk = Desk(browser, server)
        desk.sign_in(who)
        # Asking before anybody signed in is answered 401, which a browser writes down.
        desk.asked_as_stranger = len(browser.said())
        yield desk
        said = browser.said()[desk.asked_as_stranger:]
        assert not said, "\n".join(said)


def state_of(desk, name):
    """What the page of streams says of one."""
    return f"[...document.querySelectorAll('tr[data-key]')].some((one) => one.dataset.key === '{name}')"


@test()
def an_administrator_adds_changes_and_removes_a_stream(scene):
    with at_the_desk(scene) as desk:
        desk.go("streams")
        desk.press("Add a stream")
        desk.form("Add", Name="live/made", Source=SOURCE, Grace="7s")
        desk.shows("live/made", "Live", SOURCE, "grace 7s", "here")
        desk.press("Edit live/made")
        desk.form("Save", Source=SOURCE.replace("fps=10", "fps=5"), Grace="")
        desk.shows("live/made", "fps=5")
        assert "grace" not in desk.row("live/made"), desk.row("live/made")
        desk.press("Remove live/made")
        desk.form("Remove")
        desk.lacks("live/made")


@test()
def what_the_node_refuses_is_said_beside_its_field(scene):
    with at_the_desk(scene) as desk:
        desk.go("streams")
        desk.press("Add a stream")
        desk.do(f"fill(field('Name'), 'live/made'); fill(field('Source'), '{SOURCE}'); fill(field('Grace'), 'soon');")
        desk.send("Add")
        desk.until("field('Grace').closest('.field').querySelector('.wrong').textContent.includes(\"'soon'\")",
                   "the grace is complained about")
        assert desk.do("return field('Grace').getAttribute('aria-invalid') === 'true' && "
                       "document.activeElement === field('Grace');"), "the field is marked and has the focus"
        desk.form("Add", Grace="5s")
        desk.shows("live/made", "grace 5s")
        # A refusal is an answer of 4xx, which a browser writes down.
        desk.asked_as_stranger += 1


@test()
def an_administrator_adds_changes_and_removes_a_user(scene):
    with at_the_desk(scene) as desk:
        desk.go("users")
        desk.press("Add a user")
        desk.form("Add", Name="guest", Password="password of guest")
        desk.shows("guest", "Watch: everything", "changed here")
        assert may_play(desk, "?user=guest&pass=password%20of%20guest") == 404, "guest may watch what is not there"
        desk.press("Edit guest")
        desk.do("fill(open().querySelector('.grant input'), 'public/*');")
        desk.form("Save")
        desk.shows("guest", "Watch: public/*")
        assert may_play(desk, "?user=guest&pass=password%20of%20guest") == 403, "the password is kept, the grant is not"
        desk.press("Remove guest")
        desk.form("Remove")
        desk.lacks("guest")
        assert may_play(desk, "?user=guest&pass=password%20of%20guest") == 401


def may_play(desk, query):
    return desk.server.get(f"/live/none.flv{query}")[0]


@test()
def an_administrator_makes_a_token_that_is_shown_once_and_takes_it_back(scene):
    with at_the_desk(scene) as desk:
        desk.go("tokens")
        desk.press("Add a token")
        desk.do("fill(field('Name'), 'door'); fill(field('Expires'), '2099-01-31T12:00');")
        desk.send("Add")
        desk.until("open()?.textContent.includes('The secret of door')", "the secret is shown")
        secret = desk.do("return open().querySelector('code').textContent;")
        desk.form("Done")
        desk.shows("door", "Watch: everything")
        assert secret not in desk.browser.look()["markup"], "the secret is still on the page"
        assert may_play(desk, f"?token={secret}") == 404, "the token lets in"
        desk.press("Remove door")
        desk.form("Remove")
        desk.lacks("door")
        assert may_play(desk, f"?token={secret}") == 401, "the token is taken back"


@test()
def an_administrator_changes_a_key_takes_it_back_and_reads_the_file_again(scene):
    with at_the_desk(scene) as desk:
        desk.go("configuration")
        desk.shows("grace", "10s", "default")
        desk.press("Change grace")
        desk.form("Save", grace="3s")
        desk.shows("grace", "3s", "changed here")
        desk.until("document.querySelector('pre').textContent.includes('\"grace\": \"3s\"')", "the overlay shows it")
        desk.press("Change takeover")
        desk.form("Save", takeover="true")
        desk.shows("takeover", "yes", "changed here")
        desk.press("Change http.hosts")
        desk.do("fill(field('http.hosts'), 'one.example\\ntwo.example');")
        desk.form("Save")
        desk.shows("http.hosts", "one.example, two.example")
        desk.press("Take back grace")
        desk.shows("grace", "10s", "default")
        assert "Change" not in desk.row("storage.path"), "nobody may change where changes are kept"
        desk.press("Read the file again")
        desk.sees("The file was read.", "the file was read")


@test()
def an_administrator_sees_who_is_there_and_sends_them_away(scene):
    with at_the_desk(scene, streams=["live/cam"]) as desk:
        desk.go("streams")
        desk.shows("live/cam", "Live")
        token = "/live/cam.flv?user=viewer&pass=password%20of%20viewer"
        with node.urllib.request.urlopen(desk.server.http(token), timeout=60) as answer:
            desk.go("sessions")
            desk.until("[...document.querySelectorAll('tr[data-key]')].some((one) => one.innerText.includes('viewer') "
                       "&& one.innerText.includes('flv'))", "the viewer is listed")
            desk.do("[...document.querySelectorAll('tr[data-key]')].find((one) => one.innerText.includes('flv'))"
                    ".querySelector('button').click();")
            desk.form("End")
            while answer.read(1 << 16):      # until the node closes it
                pass
        desk.until("![...document.querySelectorAll('tr[data-key]')].some((one) => one.innerText.includes('flv'))",
                   "the viewer is gone from the list")


@test()
def events_and_the_log_come_while_they_happen(scene):
    with at_the_desk(scene) as desk:
        desk.go("events")
        desk.until("document.querySelector('[role=status].hint')?.textContent === 'Live'", "the events are connected")
        assert desk.server.get("/live/none.flv?user=nobody&pass=wrong%20password")[0] == 401
        desk.until("document.querySelector('.event[data-kind=refused]')", "the refusal is told")
        desk.until("document.querySelector('.event[data-kind=log]')", "the log is told")
        desk.do("fill(document.querySelector('.filters select'), 'log');")
        desk.until("document.querySelectorAll('.event').length > 0 && "
                   "!document.querySelector('.event:not([data-kind=log])')", "only the log is shown")


@test()
def a_viewer_never_sees_the_administrators_side(scene):
    with at_the_desk(scene, VIEWER, ["live/cam"]) as desk:
        assert desk.do("return [...document.querySelectorAll('#nav a')].map((one) => one.textContent).join();") \
            == "Streams,Grid"
        for section in SECTIONS:
            desk.do(f"location.hash = 'manage/{section}';")
            assert not desk.do("return document.querySelector('.manage, .menu, .section') !== null;"), section
        loaded = desk.do("return performance.getEntriesByType('resource').map((one) => one.name);")
        assert not any("manage" in one for one in loaded), loaded
        for path in ("config", "users", "tokens", "sessions", "events"):
            asked = desk.browser.run(f"fetch('api/v1/{path}').then((one) => one.status)")
            assert asked == 403, (path, asked)
        desk.asked_as_stranger = len(desk.browser.said())


@test()
def a_search_finds_by_name_codec_and_state(scene):
    with at_the_desk(scene, streams=["live/porch", "live/garden"]) as desk:
        desk.until("document.querySelectorAll('.card').length === 2", "both streams are listed")
        for words, left in (("gard", ["live/garden"]), ("H.264 porch", ["live/porch"]), ("nothing", [])):
            desk.do(f"fill(document.querySelector('.search'), '{words}');")
            names = desk.do("return [...document.querySelectorAll('.card-name')].map((one) => one.textContent);")
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
        desk.until("document.querySelector('tr[data-key], .event, .empty:not([hidden])')", f"{section} is filled")
        yield f"manage_{section}"
    for section, words in (("streams", "Add a stream"), ("users", "Add a user"), ("tokens", "Add a token")):
        desk.go(section)
        desk.press(words)
        yield f"form_{section}"
        desk.press("Cancel", "open()")


@test()
def every_page_fits_its_screen_and_is_sound_to_axe(scene):
    with at_the_desk(scene, streams=["live/cam", "live/a-name-of-sixty-letters-that-has-no-place-to-break-anywhere"]) as desk:
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
        desk.until(f"document.querySelectorAll('.tile[data-state=live]').length === {GRID}", "all of them play")
        for _ in range(5):
            assert desk.browser.run("fetch('api/v1/streams').then((one) => one.status)") == 200
        endless = desk.do("return performance.getEntriesByType('resource')"
                          ".filter((one) => one.responseEnd === 0).length;")
        assert endless == 0, "a player holds an endless HTTP answer"
        desk.do("document.querySelector('#view select').value = '1';"
                "document.querySelector('#view select').dispatchEvent(new Event('change'));")
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
    sessions = [{"id": str(at), "kind": word, "protocol": word, "stream": word, "peer": word, "user": word, "since": word,
                 "verdict": word} for at, word in enumerate(HOSTILE)]
    keys = [{"name": word, "type": word, "default": word, "help": word} for word in HOSTILE]
    config = {"file": HOSTILE[1], "keys": keys, "values": {"streams": rules}, "overlay": {"streams": rules},
              "origins": {word: word for word in HOSTILE}}
    listed = {"streams": [{"name": word, "state": "live", "tracks": []} for word in HOSTILE], "users": entries,
              "tokens": entries, "sessions": sessions}
    answers = {f"/api/v1/{name}": json.dumps({"items": items, "total": len(items)}) for name, items in listed.items()}
    answers["/api/v1/config"] = json.dumps(config)
    answers["/api/v1/session"] = json.dumps({"kind": "user", "user": HOSTILE[0], "actions": ["admin"], "csrf": "x"})
    with Browser(scene.folder) as browser:
        browser.open(scene.server.http("/#manage/streams"), answers=answers,
                     before=FAKE_SOCKET.replace("WORDS", json.dumps(HOSTILE)))
        desk = Desk(browser, scene.server)
        for section in SECTIONS:
            desk.go(section)
            shown = desk.sees(HOSTILE[1], f"{section} shows the words")
            harmless(shown, [word for word in HOSTILE[:7] if section != "configuration" or word == HOSTILE[1]])
        desk.go("streams")
        desk.until("document.querySelector('tr[data-key] .row-buttons button')", "the rules can be changed")
        desk.do("document.querySelector('tr[data-key] .row-buttons button').click();")
        harmless(browser.look(), [])
        silent(browser)
