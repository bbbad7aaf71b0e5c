"""`millrace demo`: the page cuts the link and kills the server, and what was missed follows by itself."""

import contextlib
import datetime
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request

import node
from driven import Browser
from pages import BOXES, PATIENCE, PHONE, STILL_BOX
from scenario import test

NAME = "demo/cam"
STILLS = 3
OUTAGE_MS = 8000      # more than what is always on its way
SCREENS = ((PHONE, 1400, "light"), (1400, 1250, "dark"))
HAS_GAP = f"Number(document.getElementById('lacking').dataset.ms) >= {OUTAGE_MS}"
HAS_NONE = "document.getElementById('lacking').dataset.ms === '0'"


@contextlib.contextmanager
def demo(scene, *options):
    """The demo, and the address that it prints."""
    environment = {**os.environ, "TMPDIR": scene.folder}
    with open(os.path.join(scene.folder, "demo.log"), "wb") as log:
        process = subprocess.Popen([scene.server.command[0], "demo", *options], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    try:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(2 * node.STOP_SECONDS) == 0      # two nodes
        left = [name for name in os.listdir(scene.folder) if name.startswith("millrace-demo-")]
        assert not left, left
    finally:
        process.stdout.close()
        process.kill()
        process.wait()


def says(address, path):
    """The node's JSON, with the proof that the page's address has."""
    base, _, proof = address.partition("/demo")
    with urllib.request.urlopen(base + path + proof, timeout=10) as answer:
        return json.load(answer)




class Page:
    def __init__(self, browser):
        self.browser = browser

    def until(self, script, what):
        node.until(lambda: self.browser.run(f"Boolean({script})"), PATIENCE, what)

    def press(self, words):
        self.until(f"[...document.querySelectorAll('button')].some((one) => one.textContent === '{words}')",
                   f"there is a button: {words}")
        self.browser.run("[...document.querySelectorAll('button')]"
                         f".find((one) => one.textContent === '{words}').click()")

    def plays(self, player, state="live"):
        self.until(f"document.getElementById('{player}').state === '{state}'", f"the {player} is {state}")

    def tells(self, words):
        self.until(f"document.getElementById('story').textContent.includes('{words}')", f"it tells: {words}")

    def breaks_and_heals(self, switch, back):
        """The box plays on, the server's gap is seen, and once it is all back it closes."""
        self.browser.run("document.getElementById('story').replaceChildren()")
        self.press(switch)
        self.until(HAS_GAP, "the gap is on the timeline")
        self.until("document.querySelector('.lanes .missing') !== null", "and drawn")
        self.plays("box")
        self.until("document.getElementById('server').state !== 'live'", "the server has no live pictures")
        self.browser.shot("demo_" + switch.split()[0].lower())
        self.press(back)
        self.plays("server")
        self.tells("Live pictures are at the server again")
        self.until(HAS_NONE, "the gap is filled")
        self.tells("is filled")
        self.until("document.querySelector('.lanes .missing') === null", "and gone from the timeline")


@test()
def demo_a_cut_link_and_a_killed_server_leave_no_gap(scene):
    with demo(scene) as address, Browser(scene.folder) as browser:
        browser.open(address)
        page = Page(browser)
        page.plays("box")
        page.plays("server")
        fact = "document.getElementById('demo-{}').textContent"
        page.until(fact.format("round-trip") + ".endsWith('ms')", "the link is measured")
        page.until(f"Number({fact.format('results')}) > 20", "results come along")
        for player in ("box", "server"):
            page.until(f"document.getElementById('{player}').shadowRoot.querySelector('.boxes rect')",
                       f"the {player}'s picture has its box")
        page.breaks_and_heals("Cut the link", "Mend the link")
        page.breaks_and_heals("Kill the server", "Start the server")
        there = says(address, "/api/v1/demo")["server_recordings"]["gaps"]
        here = says(address, f"/api/v1/recordings/{NAME}")["gaps"]      # a camera may miss moments itself
        assert all(gap in here for gap in there), (there, here)
        for width, height, scheme in SCREENS:
            browser.screen(width, height, scheme)
            page.until("document.getAnimations().every((one) => !(one instanceof CSSTransition))",
                       "the colours of the other scheme are there")
            report = browser.look()
            assert report["wide"] <= report["inner"], (width, report["wide"])
            wrong = browser.axe()
        assert not wrong, wrong


def seconds(address):
    """How much of the box's recording there is."""
    spans = [(datetime.datetime.fromisoformat(one[key].replace("Z", "+00:00")) for key in ("from", "to"))
             for one in says(address, f"/api/v1/recordings/{NAME}")["items"]]
    return sum((to - begin).total_seconds() for begin, to in spans)


@test()
def row_0_28_the_page_draws_recorded_boxes_on_their_own_pictures(scene):
    """Back in the demo's recording, whose sound begins before its picture, each box goes round the ball: by
    the page's own pixels."""
    with demo(scene) as address, Browser(scene.folder) as browser:
        base, _, proof = address.partition("/demo")
        node.until(lambda: seconds(address) > 8, PATIENCE, "8 s are recorded")
        browser.open(f"{base}/{NAME}{proof}")
        page = Page(browser)
        page.until("document.querySelector('millrace-player').state === 'live'", "it is live")
        page.until("!document.getElementById('timeline').hidden && document.querySelector('.recorded')",
                   "the timeline shows what is recorded")
        browser.run("document.getElementById('rail').focus()")
        browser.press("ArrowLeft")
        page.until("document.querySelector('millrace-player').state === 'recorded'", "it plays what was")
        node.until(lambda: browser.run(BOXES) is not None, PATIENCE, "a box is drawn")
        seen = [found for found in (browser.run(BOXES) for _ in range(10)) if found]
        assert len({one["x"] for one in seen}) >= 3, "the box moves with the ball"
        stills = []
        for _ in range(STILLS):
            stills.append(browser.run(STILL_BOX))
            browser.run("document.querySelector('millrace-player').shadowRoot.querySelector('video').play()")
            node.until(lambda: browser.run(BOXES), PATIENCE, "it goes on")
        assert all(one and one["bright"] >= 0.6 for one in stills), stills


def status(url, method="GET"):
    """(status, headers) of a short answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=10) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers


@test()
def demo_elsewhere_is_for_whoever_has_the_address_with_its_token(scene):
    with demo(scene, "--listen", "127.0.0.2") as address:
        base, _, token = address.partition("/demo?")
        assert base.startswith("http://127.0.0.2:") and len(token) > 20, address
        ways = [("GET", "/api/v1/demo"), ("POST", "/api/v1/demo/cut"), ("GET", f"/{NAME}.flv")]
        assert [status(base + way, method)[0] for method, way in ways] == [401] * len(ways)
        found, headers = status(address)
        port = says(address, "/api/v1/demo")["server_port"]
        assert found == 200 and f"http://*:{port} " in headers["Content-Security-Policy"], headers
        node.until(lambda: (says(address, "/api/v1/demo")["server_stream"] or {}).get("state") == "live",
                   PATIENCE, "the server has the stream")
        there = f"http://127.0.0.2:{port}/{NAME}.flv"
        assert (status(there)[0], status(f"{there}?{token}")[0]) == (401, 200)
        assert status(f"{base}/api/v1/demo/cut?{token}", "POST")[0] == 204
        assert says(address, "/api/v1/demo")["link"] == "cut"
        assert status(f"{base}/api/v1/demo/sink?{token}", "POST")[0] == 404
