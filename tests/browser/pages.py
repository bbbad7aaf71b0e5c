"""The node's own pages, in browsers: the list of streams and the player."""

import json

import node
from driven import Browser
from plays import HEIGHT, WIDTH, encoding
from scenario import test

PATIENCE = 40
PLAY_SECONDS = 3
FRAMES_MIN = 30
PAINTED_MIN = 10      # Firefox counts what it painted, which is little on a busy machine
PHONE = 320
HOSTILE = [
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\"><svg onload=document.title='owned'>", "javascript:document.title='owned'",
    "' onfocus='x' autofocus='",
    "{{7*7}}", "</title><b>bold</b>", "\u202eevil\u0000", "//evil.example/x", "&lt;b&gt;", "a" * 600,
]

# The box over the picture: the stream's time that it is of, and how much of its middle is as bright as the
# camera's ball; null: there is none.
BOX = """const inside = document.querySelector('millrace-player')?.shadowRoot;
  const video = inside?.querySelector('video');
  const box = () => {
    const [boxes, rect] = [inside.querySelector('.boxes'), inside.querySelector('.boxes rect')];
    if (rect === null) {
      return null;
    }
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const [x, y, w, h] = ['x', 'y', 'width', 'height'].map((name) => Number(rect.getAttribute(name)));
    const { data } = context.getImageData(x + w * 0.35, y + h * 0.35, w * 0.3, h * 0.3);
    const bright = data.filter((shade, at) => at % 4 === 1 && shade > 200).length / (data.length / 4);
    const label = inside.querySelector('.boxes text')?.textContent ?? '';
    return { x, pts: Number(boxes.dataset.pts), bright, label };
  };"""

# When the next picture is shown: the box, and whether it is of this very one by the element's time.
BOXES = f"""new Promise((answer) => {{
  {BOX}
  const look = (_, {{ mediaTime }}) => {{
    const found = box();
    answer(found === null ? null : {{ ...found, own: Math.abs(found.pts - mediaTime) < 0.011 }});
  }};
  video ? video.requestVideoFrameCallback(look) : answer(null);
}})"""

# The box of a picture that stands still, near the middle, where the ball is fast: a busy page may get the
# next picture to draw while it is told of one.
STILL_BOX = f"""new Promise((answer) => {{
  {BOX}
  let [last, halted] = [0, false];
  const shown = () => {{
    last = performance.now();
    const x = Number(inside.querySelector('.boxes rect')?.getAttribute('x') ?? 0) / video.videoWidth;
    if (!halted && x > 0.35 && x < 0.6) {{
      halted = true;
      video.pause();
      still();
    }}
    video.requestVideoFrameCallback(shown);
  }};
  const still = () => performance.now() > last + 500 ? answer(box()) : setTimeout(still, 50);
  video.requestVideoFrameCallback(shown);
}})"""


def silent(browser):
    """No error, no warning, no broken policy on any page of this browser."""
    said = browser.said()
    assert not said, "\n".join(said)


def test_picture(report):
    """Six bars of testsrc2, from left to right, in most of what moves over them and the controls cover."""
    bars = [(1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1)]
    pixels = [(report["colours"][row * 32 + column], bar) for row in range(2, 13)
              for column, bar in zip((2, 7, 12, 18, 23, 28), bars)]
    fitting = sum(all((shade > 128) == bool(wanted) for shade, wanted in zip(pixel, bar))
                  for pixel, bar in pixels)
    assert fitting >= len(pixels) * 0.6, f"{fitting} of {len(pixels)} are the test picture: {pixels}"


def plays(browser, frames=FRAMES_MIN, size=(WIDTH, HEIGHT)):
    """The player says live, time and decoded frames grow, and the picture is what was published."""
    begun = browser.until(lambda look: look["state"] == "live", PATIENCE, "the player says live")
    enough = begun["played"] + PLAY_SECONDS
    later = browser.until(lambda look: look["played"] >= enough and look["state"] == "live", PATIENCE,
                          f"{PLAY_SECONDS} s are played")
    assert not later["refusal"], later["refusal"]
    assert later["time"] > begun["time"] + PLAY_SECONDS / 2, (begun["time"], later["time"])
    assert later["frames"] >= begun["frames"] + frames, (begun["frames"], later["frames"])
    assert (later["width"], later["height"]) == size, (later["width"], later["height"])
    test_picture(later)
    return later


@test()
def the_list_shows_a_stream_and_leads_to_its_player(scene):
    with Browser(scene.folder) as browser:
        browser.open(scene.server.http("/"))
        empty = browser.until(lambda look: "No stream yet" in look["text"], PATIENCE, "the list is empty")
        assert scene.rtmp() in empty["text"], "the list says how to publish"
        with encoding(scene):
            scene.server.wait_live("live/cam")
            browser.until(lambda look: "live/cam" in look["text"] and "H.264 · 320 × 180" in look["text"]
                          and "Live" in look["text"], PATIENCE, "the list shows the stream")
            assert browser.run("document.querySelector('a.card').getAttribute('href')") == "/live/cam"
        silent(browser)


@test()
def the_low_latency_player_plays(scene):
    with encoding(scene), Browser(scene.folder) as browser:
        scene.server.wait_live("live/cam")
        browser.open(scene.server.http("/live/cam"))
        report = plays(browser)
        assert 1.0 <= report["rate"] <= 1.05 and report["muted"], report["rate"]
        silent(browser)


@test()
def firefox_plays_at_low_latency_under_the_same_policy(scene):
    with encoding(scene), Browser(scene.folder, "firefox") as browser:
        scene.server.wait_live("live/cam")
        browser.open(scene.server.http("/live/cam"))
        plays(browser, PAINTED_MIN)
        silent(browser)


@test(options=("--set", "hls.segment=1s"))
def hls_by_the_page_plays(scene):
    with encoding(scene), Browser(scene.folder) as browser:
        scene.server.wait_live("live/cam")
        browser.open(scene.server.http("/live/cam?play=hls"))
        plays(browser)
        silent(browser)


@test()
def sound_is_asked_for_only_when_it_is_heard(scene):
    with encoding(scene), Browser(scene.folder) as browser:
        scene.server.wait_live("live/cam")
        browser.open(scene.server.http("/live/cam"))
        assert not plays(browser)["sound"], "muted, sound was decoded"
        browser.press("m")
        browser.until(lambda look: not look["muted"] and look["state"] == "live" and look["sound"],
                      PATIENCE, "with sound on, sound is decoded")
        plays(browser)
        browser.press(" ")
        browser.until(lambda look: look["paused"] and look["state"] == "paused", PATIENCE, "space pauses")
        browser.press(" ")
        plays(browser)
        silent(browser)


@test()
def row_3_28_the_player_says_what_became_of_the_publisher_and_goes_on_with_the_next(scene):
    """A state in words instead of an empty area."""
    with Browser(scene.folder) as browser:
        browser.open(scene.server.http("/live/cam"))
        browser.until(lambda look: look["state"] == "offline" and "Nobody publishes" in look["text"],
                      PATIENCE, "the page of a stream that is not there says so")
        with encoding(scene):
            plays(browser)
        browser.until(lambda look: look["state"] in ("offline", "stale"), PATIENCE, "the end is told")
        with encoding(scene):
            plays(browser)


@test()
def case_64_hostile_words_are_shown_as_text(scene):
    streams = [{"name": word, "state": "live", "source": {"protocol": word, "peer": word},
                "verdicts": [{"text": word}],
                "viewers": {word: 1},
                "tracks": [{"kind": "video", "codec": word, "codec_string": word, "width": 7, "height": 5}]}
               for word in HOSTILE]
    answers = {"/api/v1/streams": json.dumps({"items": streams, "total": len(streams)}),
               "/api/v1/streams/live/cam": json.dumps({**streams[1], "state": "offline"})}
    with Browser(scene.folder) as browser:
        browser.open(scene.server.http("/"), answers=answers)
        shown = browser.until(lambda look: "<script>" in look["text"], PATIENCE, "the list shows the words")
        harmless(shown, [word for word in HOSTILE if "\0" not in word])
        links = browser.run("[...document.querySelectorAll('a')].map((one) => one.host + one.protocol)")
        assert set(links) == {scene.server.listeners["http"] + "http:"}, links
        browser.open(scene.server.http("/live/cam"), answers=answers)
        shown = browser.until(lambda look: "onerror" in look["text"], PATIENCE, "the player shows the words")
        harmless(shown, [HOSTILE[1]])
        silent(browser)
    for path in ("/%3Cimg%20src=x%20onerror=alert(1)%3E", "/live/%22%3E%3Cscript%3E"):
        status, body = scene.server.get(path)
        assert status == 404 and b"<" not in body, (path, status, body)


def harmless(report, words):
    assert "owned" not in report["title"], report["title"]
    assert report["elements"].count("SCRIPT") == 0 and "B" not in report["elements"], report["elements"]
    assert all(name in ("IMG", "svg") for name in report["elements"]), report["elements"]
    assert report["elements"].count("IMG") == 1, "only the page's own mark is an image"
    for word in words:
        assert word in report["text"], f"not shown as it is: {word}"


@test()
def row_2_13_the_pages_fit_a_phone_and_play_muted_in_their_place(scene):
    """And by touch."""
    with encoding(scene), Browser(scene.folder) as browser:
        scene.server.wait_live("live/cam")
        for path in ("/", "/live/cam"):
            browser.open(scene.server.http(path), width=PHONE)
            report = browser.until(lambda look: "H.264" in look["text"], PATIENCE, f"{path} is filled")
            fits = report["wide"] <= PHONE and report["inner"] == PHONE
            assert fits, (path, report["wide"], report["inner"])
        for word in ("autoplay", "muted", "playsInline"):
            assert browser.run(f"document.querySelector('millrace-player').shown.{word}"), word
        assert plays(browser)["muted"]
        browser.tap("#play")
        browser.until(lambda look: look["state"] == "paused", PATIENCE, "a finger pauses")
        browser.tap("#play")
        browser.until(lambda look: look["state"] == "live", PATIENCE, "and goes on")
        silent(browser)


@test()
def row_1_32_every_page_has_a_strict_policy_and_its_files_are_found(scene):
    with node.urllib.request.urlopen(scene.server.http("/live/cam"), timeout=10) as answer:
        policy, page = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';"), policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy, policy
    assert "<style" not in page and " style=" not in page and "onload" not in page
    for path in ("/favicon.ico", "/robots.txt", "/"):
        assert scene.server.get(path)[0] == 200, path

@test(options=("--set", 'streams={ cam: { source: "test:?size=640x360&fps=25&audio=none&results" } }'))
def row_0_28_the_page_draws_the_boxes_of_results_on_their_own_pictures(scene):
    """The box goes round the white ball of the picture that is shown: by the page's own pixels."""
    with Browser(scene.folder) as browser:
        scene.server.wait_live("cam")
        browser.open(scene.server.http("/cam"))
        browser.until(lambda look: look["state"] == "live", PATIENCE, "the player says live")
        browser.until(lambda _: browser.run(BOXES) is not None, PATIENCE, "a box is drawn")
        seen = [found for found in (browser.run(BOXES) for _ in range(40)) if found]
        own = [one for one in seen if one["own"]]
        assert len(seen) >= 20 and len(own) >= len(seen) * 0.5, seen
        assert sum(one["bright"] >= 0.6 for one in own) >= len(own) * 0.8, own
        assert len({one["x"] for one in seen}) >= 5, "the box moves with the ball"
        assert all(one["label"] == "ball 100 %" for one in seen), seen[0]
        silent(browser)
