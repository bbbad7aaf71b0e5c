"""What the API answered with 2xx survives kill -9 the next moment: streams, users, tokens, configuration."""

import json
import os
import threading

import disks
import keys
import node
from keys import as_who, ask, closed_node
from world import test

# A free port may be another's by then.
ANYWHERE = dict.fromkeys(("http", "rtmp", "rtsp", "rtp", "kcp"), "127.0.0.1:0")
ROUNDS = 200
ROUNDS_QUICK = 10
CHANGES_A_ROUND = 3


def change(world, method, path, document=None):
    """A change by the API; its status."""
    headers = as_who("boss") | ({"Content-Type": "application/json"} if document is not None else {})
    body = b"" if document is None else json.dumps(document).encode()
    return ask(world, method, path, headers, body).status


def seen(world, path):
    """A document of the API; None where there is none."""
    answer = ask(world, "GET", path, as_who("boss"))
    assert answer.status in (200, 404), answer
    return json.loads(answer.body) if answer.status == 200 else None


def restart(world):
    world.server.process.stdout.close()
    world.server.start_again(ANYWHERE)
    world.listeners = world.server.listeners


class Book:
    """What was answered with 2xx, and how to find it again."""

    def __init__(self):
        self.known = {}      # path to what must be there; None: gone

    def write(self, world, number):
        kind, name = number % 5, f"n{number % 13}"
        if kind == 0:
            grace = f"{1 + number % 50}s"
            self.note(change(world, "PATCH", "/api/v1/config", {"grace": grace}), "grace", grace)
        elif kind == 1:
            pattern = f"made/{number}"
            path = f"/api/v1/users/{name}"
            user = {"allow": [f"play:{pattern}"], "password": keys.HASHES["cam"]}
            self.note(change(world, "PUT", path, user), path, user["allow"])
        elif kind == 2:
            pattern = f"made/{number}"
            path = f"/api/v1/tokens/{name}"
            self.note(change(world, "PUT", path, {"allow": [f"play:{pattern}"]}), path, [f"play:{pattern}"])
        elif kind == 3:
            source = f"file:/nowhere/{number}.mp4"
            self.note(change(world, "PUT", f"/api/v1/streams/rule/{name}", {"source": source}),
                      f"rule/{name}", source)
        else:
            path = f"/api/v1/users/{name}"
            status = change(world, "DELETE", path)
            assert status in (204, 404), status
            self.known[path] = None

    def note(self, status, what, value):
        assert 200 <= status < 300, f"{what}: {status}"
        self.known[what] = value

    def judge(self, world):
        values = seen(world, "/api/v1/config")["values"]
        for what, value in self.known.items():
            if what == "grace":
                have = values["grace"]
            elif what.startswith("rule/"):
                have = values["streams"].get(what, {}).get("source")
            else:
                have = (seen(world, what) or {}).get("allow")
            assert have == value, f"{what} was answered to be {value} and is {have}"


def rounds(world, count):
    book, number = Book(), 0
    state = os.path.join(world.folder, "millrace-data/state.json")
    for _ in range(count):
        stop, others = threading.Event(), []

        def hurry(at=number, stop=stop):
            """Changes under way when it dies: the file stays whole, whichever half of them it has."""
            try:
                while not stop.is_set():
                    change(world, "PATCH", "/api/v1/config", {"hls": {"window": 3 + at % 90}})
                    at += 1
            except OSError:
                pass
        if number % 2:
            others = [threading.Thread(target=hurry) for _ in range(2)]
        for other in others:
            other.start()
        for _ in range(CHANGES_A_ROUND):
            book.write(world, number)
            number += 1
        world.server.process.kill()
        world.server.process.wait()
        stop.set()
        for other in others:
            other.join()
        with open(state, encoding="utf-8") as file:
            json.load(file)
        assert os.stat(state).st_mode & 0o777 == 0o600, "others may read it"
        restart(world)
        book.judge(world)


@test(quick=True, canary=False, options=closed_node)
def a_change_survives_kill_9(world):
    rounds(world, ROUNDS_QUICK)


@test(builds=("release",), canary=False, options=closed_node)
def two_hundred_rounds_of_changes_and_kill_9(world):
    rounds(world, ROUNDS)


@test(builds=("release",), canary=False, options=closed_node)
def f7_an_error_at_any_call_of_a_write_changes_nothing_also_not_after_kill_9(world):
    book = Book()
    book.note(change(world, "PATCH", "/api/v1/config", {"grace": "3s"}), "grace", "3s")
    for error in ("/^unlink:error=EIO", "fsync:error=EIO:when=1", "/^rename:error=EIO",
                  "fsync:error=EIO:when=2"):
        with disks.calls_fail(world, error):
            status = change(world, "PATCH", "/api/v1/config", {"grace": "20s"})
            assert status == 503, f"{error}: {status}"
        book.judge(world)
        world.server.process.kill()
        world.server.process.wait()
        restart(world)
        book.judge(world)
    book.note(change(world, "PATCH", "/api/v1/config", {"grace": "5s"}), "grace", "5s")
    world.server.process.kill()
    world.server.process.wait()
    restart(world)
    book.judge(world)


@test(quick=True, canary=False, options=())
def the_first_administrator_is_shown_once_and_lasts(world):
    said = world.server.said()
    password = said.split("password  ")[1].split()[0]
    text = json.dumps({"user": "admin", "pass": password}).encode()
    for again in (False, True):
        answer = ask(world, "POST", "/login", {"Content-Type": "application/json"}, text)
        assert answer.status == 200, answer
        if again:
            break
        cookie = answer.cookies[0].split(";")[0]
        world.server.process.kill()
        world.server.process.wait()
        restart(world)
        assert ask(world, "GET", "/api/v1/session", {"Cookie": cookie}).status == 200, "signed out"
    assert world.server.said().count("shown this once") == 1
    assert password not in world.server.said().split("page      http")[1], "said again"


@test(quick=True, canary=False, options=closed_node)
def a_damaged_state_stops_the_start_in_words(world):
    path = os.path.join(world.folder, "millrace-data/state.json")
    world.server.stop()
    with open(path, "r+", encoding="utf-8") as file:
        whole = file.read()
        file.truncate(len(whole) // 2)
    world.server.log = open(world.server.log_path, "a", encoding="utf-8")
    try:
        restart(world)
        raise AssertionError("it started with half a state")
    except AssertionError as error:
        assert "ended at its start" in str(error) and "state.json: it is damaged" in str(error), error
    assert world.server.process.wait() == 1
    with open(path, "w", encoding="utf-8") as file:
        file.write(whole)
    restart(world)
    assert ask(world, "GET", "/api/v1/config", as_who("boss")).status == 200
    node.until(world.server.healthy, 5, "healthy")
    assert keys.TOKENS["boss"][0] not in world.server.said()
