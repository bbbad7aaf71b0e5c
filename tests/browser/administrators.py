"""The administrator's side of the page, in Chromium: everything that the API changes is changed by it."""

import re
import socket

import node
from desk import SOURCE, at_the_desk
from pages import PATIENCE
from scenario import test

KCP_LINE = (r"Pushed to kcp://\S+: round trip \d+ ms, \d+\.\d % lost, \d+ resends, \d+ made up by parity "
            r"\(\d+ % sent\), (not paced|paced at [\d.,]+ \w+/s), \d+ kB wait\.")
TLS_LINE = r"Pushed to kcp://\S+: by TLS over TCP, round trip \d+ ms\."
GUEST = "?user=guest&pass=password%20of%20guest"
ROWS = "[...document.querySelectorAll('tr[data-key]')]"


@test()
def an_administrator_adds_changes_and_removes_a_stream(scene):
    with at_the_desk(scene, grace="2s") as desk:
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
def row_3_21_an_administrator_pushes_a_stream_elsewhere_and_ends_it(scene):
    with socket.create_server(("127.0.0.1", 0)) as taker, \
            at_the_desk(scene, streams=["live/cam"], outgoing={"allow": ["127.0.0.1"]}) as desk:
        taker.settimeout(PATIENCE)
        to = f"tcp://127.0.0.1:{taker.getsockname()[1]}"
        desk.go("streams")
        desk.press("Edit live/cam")
        desk.form("Save", Pushed_to=to)
        connection, _ = taker.accept()
        with connection:
            connection.settimeout(PATIENCE)
            assert connection.recv(4, socket.MSG_WAITALL) == bytes([0, 0, 0, 1]), "no start code comes"
            assert forwards(desk) == [[to, "live"]], forwards(desk)
            desk.press("Edit live/cam")
            desk.form("Save", Pushed_to="")
            while connection.recv(65536):
                pass
        node.until(lambda: forwards(desk) == [], PATIENCE, "nothing is pushed any more")
        row_0_30_how_a_link_is_stands_beside_the_stream(desk, scene.server)


def row_0_30_how_a_link_is_stands_beside_the_stream(desk, server):
    """Both ways that a link goes: what the page says of it to an administrator."""
    for query, words in (("", KCP_LINE), ("&transport=tls", TLS_LINE)):
        desk.go("streams")
        desk.press("Edit live/cam")
        desk.form("Save", Pushed_to=server.kcp("live/away", query))
        server.wait_live("live/away")
        desk.browser.open(desk.server.http("/live/cam"))
        desk.browser.until(lambda look, words=words: re.search(words, look["text"]), PATIENCE,
                           f"the page says {words}")
        desk.browser.open(desk.server.http("/"))


def forwards(desk):
    return desk.browser.run("fetch('api/v1/forwards').then((one) => one.json())"
                            ".then(({ items }) => items.map(({ to, state }) => [to, state]))")


@test()
def what_the_node_refuses_is_said_beside_its_field(scene):
    with at_the_desk(scene) as desk:
        desk.go("streams")
        desk.press("Add a stream")
        desk.do(f"fill(field('Name'), 'live/made'); fill(field('Source'), '{SOURCE}');"
                "fill(field('Grace'), 'soon');")
        desk.send("Add")
        desk.until("field('Grace').closest('.field').querySelector('.wrong').textContent"
                   ".includes(\"'soon'\")", "the grace is complained about")
        assert desk.do("return field('Grace').getAttribute('aria-invalid') === 'true' && "
                       "document.activeElement === field('Grace');"), "the field is marked and has the focus"
        desk.form("Add", Grace="5s")
        desk.shows("live/made", "grace 5s")
        # A refusal is an answer of 4xx, which a browser writes down.
        desk.refused_before += 1


@test()
def an_administrator_adds_changes_and_removes_a_user(scene):
    with at_the_desk(scene) as desk:
        desk.go("users")
        desk.press("Add a user")
        desk.form("Add", Name="guest", Password="password of guest")
        desk.shows("guest", "Watch: everything", "changed here")
        assert may_play(desk, GUEST) == 404, "guest may watch what is not there"
        desk.press("Edit guest")
        desk.do("fill(open().querySelector('.grant input'), 'public/*');")
        desk.form("Save")
        desk.shows("guest", "Watch: public/*")
        assert may_play(desk, GUEST) == 403, "the password is kept, the grant is not"
        desk.press("Remove guest")
        desk.form("Remove")
        desk.lacks("guest")
        assert may_play(desk, GUEST) == 401


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
        desk.until("document.querySelector('pre').textContent.includes('\"grace\": \"3s\"')",
                   "the overlay shows it")
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
            desk.until(f"{ROWS}.some((one) => one.innerText.includes('flv'))", "the viewer is listed")
            own = f"{ROWS}.find((one) => one.innerText.includes('flv'))"
            assert "viewer" in desk.do(f"return {own}.innerText;")
            desk.do(f"{own}.querySelector('button').click();")
            desk.form("End")
            while answer.read(1 << 16):      # until the node closes it
                pass
        desk.until(f"!{ROWS}.some((one) => one.innerText.includes('flv'))", "the viewer is gone")


@test()
def row_2_27_events_and_the_log_come_while_they_happen(scene):
    with at_the_desk(scene) as desk:
        desk.go("events")
        desk.until("document.querySelector('[role=status].hint')?.textContent === 'Live'",
                   "the events are connected")
        assert desk.server.get("/live/none.flv?user=nobody&pass=wrong%20password")[0] == 401
        desk.until("document.querySelector('.event[data-kind=refused]')", "the refusal is told")
        desk.until("document.querySelector('.event[data-kind=log]')", "the log is told")
        desk.do("fill(document.querySelector('.filters select'), 'log');")
        desk.until("document.querySelectorAll('.event').length > 0 && "
                   "!document.querySelector('.event:not([data-kind=log])')", "only the log is shown")
