"""Each law of laws.py finds what breaks it, and nothing where all is well."""

import copy

import laws
from world import test

STEP = 40      # ms


def written(publication, count=10):
    return [laws.Written(publication, place, "video", place * STEP, place == 0, publication * 100 + place,
                         f"{publication}-{place}", place) for place in range(count)]


def recorded(*runs):
    """A run for each publication: fragments of five frames."""
    found = laws.Recorded({}, {"items": [], "gaps": []}, set(), [])
    for number, frames in enumerate(runs):
        for at in range(0, len(frames), 5):
            units = [(one, 1000.0 + one.when) for one in frames[at:at + 5]]
            found.fragments[f"run{number}", at] = laws.Fragment(f"run{number}", at, f"{number} {at}", units)
    return found


def stretch(begin, end):
    return {"from": f"2026-01-01T00:00:{begin:02d}Z", "to": f"2026-01-01T00:00:{end:02d}Z"}


def broken(law, *arguments):
    words = law(*arguments)
    return {word.split(":")[0] for word in words}


@test(quick=True, builds=("release",), canary=False)
def n1_to_n5_each_law_finds_what_breaks_it(_world):
    frames = [written(1), written(2)]
    ledger = {one.name: one for of_one in frames for one in of_one}
    edge = recorded(*frames)
    server = copy.deepcopy(edge)
    assert not laws.n1(edge, server, set()) and not laws.n2(ledger, edge, []) and not laws.n3("edge", edge)

    key = "run0", 5
    server.fragments[key].digest = "other"
    assert broken(laws.n1, edge, server, set()) == {"N1"} and not laws.n1(edge, server, {key})
    del server.fragments[key]
    assert broken(laws.n1, edge, server, set()) == {"N1"} == broken(laws.n1, server, edge, set())

    assert len(laws.n2(ledger, server, [])) == 5, "each frame that is not there"
    assert len(laws.n2(ledger, server, [(105, 107, "a fault")])) == 2, "but for what is excused"

    twice = copy.deepcopy(edge)
    twice.fragments["run0", 10] = twice.fragments[key]
    assert broken(laws.n3, "edge", twice) == {"N3"}
    moved = copy.deepcopy(edge)
    moved.fragments[key].units = [(one, when + 50) for one, when in moved.fragments[key].units]
    assert broken(laws.n3, "edge", moved) == {"N3"}

    hole = {"items": [stretch(0, 10), stretch(20, 30)], "gaps": []}
    named = hole | {"gaps": [stretch(10, 20) | {"cause": "crash"}]}
    nameless = hole | {"gaps": [stretch(10, 20) | {"cause": ""}]}
    part = hole | {"gaps": [stretch(10, 15) | {"cause": "crash"}]}
    beside = hole | {"gaps": [stretch(11, 20) | {"cause": "crash"}]}
    assert not laws.n4("edge", named) and not laws.n4("edge", beside)
    assert all(broken(laws.n4, "edge", one) == {"N4"} for one in (hole, nameless, part))

    assert not laws.viewed(frames[0] + frames[1], ledger)
    assert laws.viewed(frames[0][1:], ledger), "begins at no key picture"
    assert laws.viewed(frames[0][:3] + frames[0][4:], ledger), "goes on at none behind a hole"
    assert laws.viewed([frames[0][0], frames[0][0]], ledger), "twice"
    assert laws.viewed(written(3), ledger), "written by no camera"
