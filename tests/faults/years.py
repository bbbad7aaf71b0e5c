"""Three years of an archive: 10,000 files with a million fragments, opened, listed and sought in."""

import json
import os
import sqlite3
import time

import durable
import exports
import imports
import node
from recordings import NAME
from world import test

FILES = 10_000
FRAGMENTS = 100              # of each
SPAN = 3 * 365 * 86_400      # s
SERVING_MAX = 2              # s, after which a node with all that serves
ANSWER_MAX = 0.2             # s, in which it lists a day
SLACK = 3                    # s: the machine may have other work
BEGIN = 1_672_531_200        # 2023-01-01T00:00:00Z
PAGE = 4096                  # bytes of the index


def fill(folder):
    """Makes three years of the one file that is there: rows, and a name in the folder for each."""
    archive = os.path.join(folder, "millrace-data/archive")
    index = sqlite3.connect(os.path.join(archive, "index"))
    one = index.execute("SELECT * FROM files LIMIT 1").fetchone()
    names = [column[1] for column in index.execute("PRAGMA table_info(files)")]
    like = dict(zip(names, one))
    part = index.execute("SELECT size, media, flags FROM fragments LIMIT 1").fetchone()
    step, length = SPAN * 1_000_000 // FILES, 20_000_000
    for number in range(FILES):
        begin = BEGIN * 1_000_000 + number * step
        row = like | {"id": 100 + number, "begin": begin, "end": begin + FRAGMENTS * length}
        index.execute(f"INSERT INTO files VALUES({','.join('?' * len(names))})",
                      [row[name] for name in names])
        index.executemany("INSERT INTO fragments VALUES(?,?,?,?,?,?,?,?)", [
            (100 + number, at * part[0], at + 1, part[0], begin + at * length, part[1], length, part[2])
            for at in range(FRAGMENTS)])
        os.link(os.path.join(archive, f"{like['id']:010}.mp4"),
                os.path.join(archive, f"{100 + number:010}.mp4"))
    index.commit()
    index.close()
    seal_pages(os.path.join(archive, "index"))


def seal_pages(path):
    """Ends each page of a database with the checksum that a node asks for: CRC-32C of offset and bytes.

    Of all pages at once, a column of bytes after the other: `state` has the four bytes of every page's sum.
    """
    with open(path, "rb") as file:
        pages = bytearray(file.read())
    count = len(pages) // PAGE
    table = list(range(256))
    for _ in range(8):
        table = [value >> 1 ^ (0x82F63B78 if value & 1 else 0) for value in table]
    planes = [bytes(value >> shift & 0xFF for value in table) for shift in (0, 8, 16, 24)]

    def both(one, other):
        return (int.from_bytes(one, "little") ^ int.from_bytes(other, "little")).to_bytes(count, "little")

    offsets = b"".join((number * PAGE).to_bytes(8, "big") for number in range(count))
    columns = [offsets[at::8] for at in range(8)] + [pages[at::PAGE] for at in range(PAGE - 4)]
    ones = b"\xff" * count
    state = [ones] * 4
    for column in columns:
        index = both(state[0], column)
        state = [both(index.translate(plane), rest)
                 for plane, rest in zip(planes, [*state[1:], bytes(count)], strict=True)]
    for at, plane in enumerate(reversed(state)):
        pages[PAGE - 4 + at::PAGE] = both(plane, ones)
    with open(path, "wb") as file:
        file.write(pages)


def moment(second):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def asked(world, path):
    """How long an answer takes, and its body."""
    begun = time.monotonic()
    status, body = world.server.get(path, 60)
    assert status == 200, (path, status, body[:200])
    return time.monotonic() - begun, body


def measured(world):
    """Seconds until it serves, and of the slowest answer about a day."""
    exports.publish(world, world.clip("plain"))
    exports.over(world)
    world.server.stop()
    fill(world.folder)
    world.server.log = open(world.server.log_path, "a", encoding="utf-8")
    begun = time.monotonic()
    durable.restart(world)
    node.until(world.server.healthy, 60, "healthy")
    world.server.get(f"/api/v1/recordings/{NAME}?from={moment(BEGIN)}&to={moment(BEGIN + 60)}", 60)
    serving = time.monotonic() - begun
    slowest = 0.0
    for year in range(3):
        day = BEGIN + year * 365 * 86_400 + 40 * 86_400
        query = f"from={moment(day)}&to={moment(day + 86_400)}"
        seconds, body = asked(world, f"/api/v1/recordings/{NAME}?{query}")
        found = json.loads(body)
        assert sum(item["fragments"] for item in found["items"]) >= 8 * FRAGMENTS and found["complete"], found
        assert all(item["to"] >= moment(day)[:19] for item in found["items"])
        listing, text = asked(world, f"/{NAME}/archive.m3u8?{query}")
        assert text.count(b"#EXTINF") >= 8 * FRAGMENTS
        slowest = max(slowest, seconds, listing)
    return serving, slowest


@test(quick=True, builds=("release",), canary=False, options=imports.kept)
def case_97_three_years_are_there_at_once(world):
    serving, slowest = measured(world)
    assert serving <= SERVING_MAX + SLACK, f"it serves after {serving:.1f} s"
    assert slowest <= ANSWER_MAX + SLACK, f"a day takes {slowest:.2f} s"
