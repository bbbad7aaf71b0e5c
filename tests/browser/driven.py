"""A browser that a test drives over the pages of the server (drive.mjs)."""

import contextlib
import json
import os
import subprocess
import threading

import node

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = {"chrome": "chromium", "firefox": "firefox-esr"}
SHOTS = os.path.join(node.ROOT, "build/browser_shots")
LIFE_SECONDS = 150
usual = "chrome"      # whoever does not say which; ./run --browser
END_SECONDS = 20


class Browser:
    """One browser and the page it has open."""

    def __init__(self, folder, browser=None, proxy=None):
        browser = browser or usual
        node.need(PROGRAMS[browser])
        task = {"browser": browser, "program": f"/usr/bin/{PROGRAMS[browser]}",
                "profile": os.path.join(folder, "profile"), "proxy": proxy}
        self.log_path = os.path.join(folder, "drive.log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(["node", os.path.join(HERE, "drive.mjs"), json.dumps(task)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.timer = threading.Timer(LIFE_SECONDS, self.process.terminate)
        self.timer.start()

    def __enter__(self):
        try:
            self._answer("the browser starts")
        except AssertionError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.timer.cancel()
        with contextlib.suppress(OSError):
            self.process.stdin.close()      # node then ends its browser
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(END_SECONDS)
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()

    def _answer(self, what):
        line = self.process.stdout.readline()
        if not line:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"{what}: no answer\n{file.read()[-3000:]}")
        return json.loads(line)

    def _order(self, what, **words):
        self.process.stdin.write(json.dumps({"do": what, **words}).encode() + b"\n")
        self.process.stdin.flush()
        return self._answer(what)

    def open(self, url, **how):
        self._order("open", url=url, **how)

    def look(self):
        return self._order("look")

    def run(self, script):
        return self._order("run", script=script)

    def press(self, key):
        self._order("press", key=key)

    def tap(self, selector):
        self._order("tap", at=selector)

    def screen(self, width, height, scheme):
        self._order("screen", width=width, height=height, scheme=scheme)

    def shot(self, name):
        """Keeps a picture of the page: build/browser_shots/NAME.png."""
        os.makedirs(SHOTS, exist_ok=True)
        self._order("picture", path=os.path.join(SHOTS, f"{name}.png"), whole=False)

    def axe(self):
        """What axe-core finds wrong with the page, beyond trifles."""
        return self._order("axe")

    def stamps(self, count, patience=20):
        """What the stamps of the next pictures say, as many as come within `patience` s."""
        return self._order("stamps", count=count, patience=patience * 1000)

    def picture(self, path):
        self._order("picture", path=path)

    def said(self):
        """Warnings, errors and broken policies of all pages so far."""
        return self._order("said")

    def until(self, condition, seconds, what):
        """Looks until condition(report) is true; the report."""
        last = {}

        def holds():
            last.update(self.look())
            return condition(last)
        try:
            node.until(holds, seconds, what)
        except AssertionError as fault:
            short = {word: value for word, value in last.items() if word not in ("markup", "colours")}
            told = "\n".join([json.dumps(short, indent=1), *self.said()])
            raise AssertionError(f"{fault}\n{told}") from None
        return dict(last)
