"""An edge and its server list the same segments: a player moves from one to the other in mid-stream."""

import contextlib
import hashlib
import json
import os
import re
import signal
import urllib.parse

import node
from driven import Browser
from embedded import Site
from pages import PATIENCE
from scenario import test

NAME = "live/cam"
SEGMENTS = 4          # that both must have in common
STALL_MS = 1000 + 3000      # row 0.11 says 1 s; 3 s of slack
PLAYED_SECONDS = 12   # behind the kill: more than what a player had loaded before
HLS_JS = os.path.join(node.ROOT, "web/node_modules/hls.js/dist/hls.min.js")
PAGE = b"""<!doctype html><video id="v" muted autoplay></video><script src="hls.js"></script><script>
const video = document.getElementById('v');
const hls = new Hls({ liveSyncDurationCount: 3 });
const fatal = [], from = new Set(), seen = [];
hls.on(Hls.Events.ERROR, (_, { fatal: ends, details }) => ends && fatal.push(details));
hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => from.add(new URL(frag.url).host));
hls.loadSource('all.m3u8');
hls.attachMedia(video);
setInterval(() => seen.push([performance.now(), video.currentTime]), 50);
/* How long each stand was, ms, from when it first played. */
const stalls = () => {
  const found = [];
  let [since, time] = seen.find(([, at]) => at > 0) ?? [0, 0];
  for (const [now, at] of seen.filter(([then]) => then >= since)) {
    if (at !== time) {
      if (now - since > 250) found.push(now - since);
      [since, time] = [now, at];
    }
  }
  return found;
};
</script>"""


@contextlib.contextmanager
def running(folder, program, *sets):
    os.mkdir(folder)
    one = node.Millrace(folder, program, ("--open", *(word for text in sets for word in ("--set", text))))
    try:
        yield one
    finally:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()


@contextlib.contextmanager
def edge_and_server(scene):
    program = scene.server.command[0]
    with running(os.path.join(scene.folder, "far"), program, "hls.always=true",
                 f"streams={{ {NAME}: {{ record: true }} }}") as server:
        rule = json.dumps({"source": "test:?size=256x144&fps=25&bitrate=200k&gop=1s&audio=none",
                           "record": True, "uplink": server.kcp(NAME)})
        with running(os.path.join(scene.folder, "near"), program, "hls.always=true",
                     "outgoing.allow=[ 127.0.0.1 ]", f"streams={{ {NAME}: {rule} }}") as edge:
            yield edge, server


def media_list(server):
    """(its path, its codec), out of the list of lists; None where there is none yet."""
    status, body = server.get(f"/{NAME}/index.m3u8")
    if status != 200:
        return None
    text = body.decode()
    uri = [line for line in text.splitlines() if line and not line.startswith("#")][0]
    return urllib.parse.urljoin(f"/{NAME}/index.m3u8", uri), re.search(r'CODECS="([^"]+)"', text).group(1)


def listed(server):
    """By number: duration, path, and SHA-256 of the bytes."""
    path = media_list(server)
    status, body = server.get(path[0]) if path else (404, b"")
    if status != 200:
        return {}
    text = body.decode()
    number = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text).group(1))
    found = {}
    for duration, uri in re.findall(r"#EXTINF:([0-9.]+),[^\n]*\n(?:#[^\n]*\n)*([^#\n]+)", text):
        uri = urllib.parse.urljoin(path[0], uri)
        got, segment = server.get(uri)
        if got == 200:
            found[number] = (duration, uri, hashlib.sha256(segment).hexdigest())
        number += 1
    return found


def both_have(edge, server):
    """The segments that are in both lists; whatever is, is the same."""
    near, far = listed(edge), listed(server)
    common = sorted(set(near) & set(far))
    assert all(near[number] == far[number] for number in common), [(near[one], far[one]) for one in common]
    return common


@test()
def rows_0_7_and_0_11_a_player_moves_from_the_killed_server_to_the_edge(scene):
    with edge_and_server(scene) as (edge, server):
        node.until(lambda: len(both_have(edge, server)) >= SEGMENTS, PATIENCE, "both list the same segments")
        (path, codec), there = media_list(edge), media_list(server)
        assert there == (path, codec), there
        lists = "#EXTM3U\n" + "".join(
            f'#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="{codec}",PATHWAY-ID="{way}"\n'
            f"{one.http(path)}\n" for way, one in (("server", server), ("edge", edge)))
        with open(HLS_JS, "rb") as file:
            pages = {"/": PAGE, "/hls.js": file.read(), "/all.m3u8": lists.encode()}
        with Site(pages) as site, Browser(scene.folder) as browser:
            browser.open(site("/"))
            node.until(lambda: browser.run("video.currentTime > 3"), PATIENCE, "it plays")
            assert browser.run("[...from]") == [server.listeners["http"]]
            server.process.send_signal(signal.SIGKILL)
            at = browser.run("video.currentTime")
            node.until(lambda: browser.run(f"video.currentTime > {at + PLAYED_SECONDS}"), PATIENCE,
                       "it goes on from the edge")
            assert browser.run("[...from]") == [server.listeners["http"], edge.listeners["http"]]
            stalls, fatal = browser.run("stalls()"), browser.run("fatal")
            assert len(stalls) <= 1 and sum(stalls) < STALL_MS and not fatal, (stalls, fatal)
