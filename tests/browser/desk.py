"""A person at the page of a node that is closed: signs in, goes to a page, fills in its forms."""

import contextlib
import json
import os
import subprocess

import node
from driven import Browser
from pages import PATIENCE

BOSS, VIEWER = ("boss", "password of boss"), ("viewer", "password of viewer")
SOURCE = "test:?size=256x144&fps=10&bitrate=100k&audio=none"

# What a person does with a form, by the words that stand on it.
TOOLS = """
const open = () => document.querySelector('dialog[open]');
const button = (words, place = document) => [...place.querySelectorAll('button')]
  .find((one) => one.offsetParent !== null &&
                 [one.textContent, one.getAttribute('aria-label')].includes(words));
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
    run = subprocess.run([program, "password", name], input=password, capture_output=True, text=True,
                         check=True, timeout=20)
    hashed = run.stdout.split('password: "')[1].split('"')[0]
    return {"name": name, "password": hashed, "allow": allow}


@contextlib.contextmanager
def closed_node(scene, streams=None, **more):
    """A node with an administrator and a viewer, and streams that it makes itself: names, or rules.

    `more` is configuration.
    """
    folder = os.path.join(scene.folder, "closed")
    os.mkdir(folder)
    program = scene.server.command[0]
    users = [account(program, *BOSS, ["admin:*", "play:*", "publish:*", "archive:*"]),
             account(program, *VIEWER, ["play:*"])]
    rules = streams if isinstance(streams, dict) else {name: {"source": SOURCE} for name in streams or ()}
    told = {"auth": {"users": users}, "streams": rules, **more}
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
                f"fill(form.elements.user, {json.dumps(who[0])});"
                f"fill(form.elements.pass, {json.dumps(who[1])});"
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
        return self.do("return [...document.querySelectorAll('tr[data-key]')]"
                       f".find((one) => one.dataset.key === {json.dumps(key)})?.innerText ?? null;")

    def shows(self, key, *words):
        node.until(lambda: all(word in (self.row(key) or "") for word in words), PATIENCE,
                   f"{key} shows {words}")

    def lacks(self, key):
        node.until(lambda: self.row(key) is None, PATIENCE, f"{key} is gone")


@contextlib.contextmanager
def at_the_desk(scene, who=BOSS, streams=(), **more):
    with closed_node(scene, streams, **more) as server, Browser(scene.folder) as browser:
        desk = Desk(browser, server)
        desk.sign_in(who)
        # Asking before anybody signed in is answered 401, which a browser writes down.
        desk.refused_before = len(browser.said())
        yield desk
        if desk.refused_before is not None:
            said = browser.said()[desk.refused_before:]
            assert not said, "\n".join(said)
