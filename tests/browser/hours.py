"""An hour of a stream in a minute or two: what the page keeps must not grow with it."""

import node
import peers
from driven import Browser
from formats import live, player
from scenario import test

SPEED, HOUR = 90, 3600
#: Seconds of media that the page may hold at any time: it clears up every few seconds, in each of which so
#: much comes. Bytes its heap may grow by.
HELD_MAX, GROWTH_MAX = 600, 40 << 20
HELD = """(() => {
  const { buffered } = document.querySelector('millrace-player').shown;
  let held = 0;
  for (let at = 0; at < buffered.length; ++at) held += buffered.end(at) - buffered.start(at);
  return [held, buffered.length ? buffered.end(buffered.length - 1) : 0, performance.memory.usedJSHeapSize];
})()"""


def hastening(scene):
    """An hour of small pictures and sound, much faster than they would be shown."""
    return peers.Program("ffmpeg-fast", [
        "ffmpeg", "-v", "error", "-nostdin", "-readrate", str(SPEED), "-f", "lavfi", "-i",
        "testsrc2=size=160x90:rate=10", "-readrate", str(SPEED), "-f", "lavfi", "-i",
        "sine=frequency=440:sample_rate=16000", "-t", str(HOUR), "-c:v", "libx264", "-preset", "ultrafast",
        "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "20", "-c:a", "aac", "-b:a", "32k", "-ac", "1",
        "-f", "flv", scene.rtmp()], scene.folder)


@test()
def row_3_1_an_hour_in_a_minute_leaves_the_pages_buffers_and_memory_flat(scene):
    with Browser(scene.folder) as browser, hastening(scene) as publisher:
        scene.server.wait_live("live/cam")
        browser.open(scene.server.http("/live/cam?play=mse"))
        live(browser, "mse")
        seen = []

        def over():
            seen.append(browser.run(HELD))
            return publisher.process.poll() is not None

        node.until(over, 3 * HOUR / SPEED, "the hour passes")
        publisher.succeed()
    ends = [end for _, end, _ in seen]
    assert max(ends) - min(ends) > HOUR / 2, f"the page was shown {max(ends) - min(ends)} s of it"
    held = [seconds for seconds, _, _ in seen]
    assert max(held) < HELD_MAX, f"the page holds {max(held)} s"
    third = len(seen) // 3
    early, late = min(heap for _, _, heap in seen[:third]), min(heap for _, _, heap in seen[-third:])
    assert late - early < GROWTH_MAX, f"its heap grew from {early} to {late} bytes"
