"""`kcp://` between real nodes, senders and receivers: frame by frame, refused in words, called again."""

import json
import os
import signal

import api
import node
import peers
import receives
import sends
from scenario import SHORT_GRACE, test
from sources import second_node

PATIENCE = 30
PROOF = "&token=" + api.TOKEN.replace(" ", "%20")


def item(server, kind):
    """Our end of the one link of this kind, as the API shows it."""
    status, body = server.get(f"/api/v1/{kind}")
    assert status == 200, (status, body)
    return next((one for one in json.loads(body)["items"] if "link" in one), None)


def document(server, name):
    return json.loads(server.get(f"/api/v1/streams/{name}")[1])


def pushing(scene, to):
    rule = f"live/cam: {{ forward: {json.dumps(to)} }}"
    return second_node(scene, "--set", f"streams={{ {rule} }}", "--set", "outgoing.allow=[ 127.0.0.1 ]",
                       "--set", "grace=1s")


@test(quick=True, options=SHORT_GRACE)
def row_0_31_a_link_brings_every_frame_and_proves_every_chunk(scene):
    far = scene.server
    identity = os.path.join(far.folder, "millrace-data", "kcp-identity.pem")
    assert os.stat(identity).st_mode & 0o777 == 0o600, oct(os.stat(identity).st_mode)
    with pushing(scene, far.kcp("live/far")) as near:
        with peers.ffmpeg_publish(scene.clip(), near.rtmp("live/cam"), scene.folder) as publisher:
            far.wait_live("live/far")
            with peers.FlvReader(far.http("/live/far.flv")) as viewer:
                shown = node.until(lambda: item(near, "forwards"), PATIENCE, "its link is shown")
                publisher.succeed()
                node.until(lambda: viewer.ended, PATIENCE, "the end is told")
        assert shown["state"] == "live" and shown["link"]["segments"] > 0, shown
        scene.exact(scene.clip(), viewer.frames(), least=0.5)
        assert "was lost" not in far.said(), far.said()[-2000:]


@test(quick=True, options=SHORT_GRACE)
def a_sender_and_a_receiver_meet_by_links_and_survive_the_server(scene):
    """Latency, statistics and hashes; then the server is killed, and comes back as the same one."""
    far = scene.server
    with sends.Sender(scene, sends.PICTURE, far.kcp("live/cam")) as sender:
        far.wait_live("live/cam")
        receiver = receives.begun(scene, "receive", far.kcp("live/cam"), "--json", "--frames", "60")
        node.until(lambda: item(far, "sessions?kind=viewer"), PATIENCE, "the player's link is shown")
        report, playback = receives.last_report(receives.ended(receiver, 0)[0])
        assert playback["frames_decoded"] >= 60 and playback["frames_broken"] == 0, playback
        assert playback["latency"]["origin"] == "capture", playback
        assert playback["latency"]["shown_seconds"]["p50"] > 0, playback
        assert report["chunks"]["proven"] >= 5 and report["chunks"]["different"] == 0, report["chunks"]
        probed = receives.ended(receives.begun(scene, "probe", far.kcp("live/cam")), 0)[0].decode()
        for words in ("picture   h264 (avc1.", "  latency ", "plays     everywhere"):
            assert words in probed, (words, probed)
        port = far.listeners["kcp"].rpartition(":")[2]
        page = far.get("/live/cam")[1].decode()
        assert f'<meta name="kcp" content="{port} {far.fingerprint}">' in page
        publisher = item(far, "sessions?kind=publisher")
        assert publisher["protocol"] == "kcp" and publisher["link"]["datagrams_received"] > 0, publisher
        chunks = document(far, "live/cam")["chunks"]
        assert chunks["proven"] >= 10 and chunks["different"] == chunks["incomplete"] == 0, chunks
        assert f'millrace_stream_chunks_total{{stream="live/cam",result="proven"}}' in \
            far.get("/metrics")[1].decode()
        config = json.loads(far.get("/api/v1/config")[1])
        assert config["kcp_fingerprint"] == far.fingerprint, config["kcp_fingerprint"]
        known_by = far.fingerprint
        far.process.send_signal(signal.SIGKILL)
        far.process.wait()
        far.start_again(far.listeners)
        assert far.fingerprint == known_by, "the certificate is kept"
        far.wait_live("live/cam")
        node.until(lambda: [one for one in sender.reports() if "forwards" in one][-1]["forwards"][0]
                   ["reconnects"] == 1, PATIENCE, "it says that it was called again")
        sender.stop()
        node.until(lambda: sends.state_at(far, "live/cam") in ("offline", "gone"), 5, "it is told the end")


@test(options=(*SHORT_GRACE, "--set", "streams={ live/box: { record: true } }"))
def row_0_30_send_receive_forward_source_and_uplink_go_by_tls_as_well(scene):
    """Each by a process of its own; what is forwarded comes frame by frame, the rest by its proven hashes."""
    far, by_tls = scene.server, "&transport=tls"

    def streams():
        return {"live/cam": {"forward": far.kcp("live/far", by_tls)},
                "live/back": {"source": far.kcp("live/sent", by_tls)},
                "live/box": {"source": "test:?size=320x180&fps=25&bitrate=400k&gop=1s", "record": True,
                             "uplink": far.kcp("live/box", by_tls)}}

    def by_name(server, kind):
        return {one["stream"]: one for one in json.loads(server.get(f"/api/v1/{kind}")[1])["items"]}

    with second_node(scene, "--set", f"streams={json.dumps(streams())}", "--set",
                     "outgoing.allow=[ 127.0.0.1 ]", "--set", "grace=1s") as near:
        with sends.Sender(scene, sends.PICTURE, far.kcp("live/sent", by_tls)) as sender, \
                peers.ffmpeg_publish(scene.clip(), near.rtmp("live/cam"), scene.folder) as publisher:
            far.wait_live("live/far")
            with peers.FlvReader(far.http("/live/far.flv")) as viewer:
                forwards = by_name(near, "forwards")
                assert forwards["live/cam"]["transport"] == "tls", forwards
                publisher.succeed()
                node.until(lambda: viewer.ended, PATIENCE, "the end is told")
            scene.exact(scene.clip(), viewer.frames(), least=0.5)
            far.wait_live("live/sent")
            node.until(lambda: near.is_live("live/back"), PATIENCE, "the source comes by TLS")
            receiver = receives.begun(scene, "receive", far.kcp("live/sent", by_tls), "--json",
                                      "--frames", "40")
            node.until(lambda: by_name(far, "sessions?kind=viewer").get("live/sent", {})
                       .get("transport") == "tls", PATIENCE, "the player comes by TLS")
            report, playback = receives.last_report(receives.ended(receiver, 0)[0])
            assert playback["frames_decoded"] >= 40 and playback["frames_broken"] == 0, playback
            assert report["chunks"]["proven"] >= 3 and report["chunks"]["different"] == 0, report["chunks"]
            node.until(lambda: by_name(near, "forwards")["live/box"].get("uplink", {})
                       .get("acknowledged_fragments", 0) >= 2, PATIENCE, "fragments are acknowledged")
            publishers = by_name(far, "sessions?kind=publisher")
            assert publishers["live/sent"]["transport"] == "tls", publishers
            assert publishers["live/box"]["transport"] == "tls", publishers
            for server, name in ((far, "live/sent"), (far, "live/box"), (near, "live/back")):
                chunks = document(server, name)["chunks"]
                assert chunks["proven"] > 0 and not chunks["different"], (name, chunks)
            sender.stop()


@test(quick=True, options=api.BOSS)
def who_is_not_believed_gets_no_link_and_a_sentence_that_says_why(scene):
    far = scene.server
    another = "ab" * 32
    refused = {
        f"kcp://{far.listeners['kcp']}/live/cam": f"add fingerprint={far.fingerprint} to the address",
        f"kcp://{far.listeners['kcp']}/live/cam?fingerprint={another}": f"SHA-256 is {far.fingerprint}",
        far.kcp("live/cam", "&token=wrong"): "the server refuses: ",
        far.kcp("live/cam", "&user=nobody&pass=wrong"): "the server refuses: ",
        far.kcp("live/../cam", PROOF): "the server refuses: ",
    }
    for to, words in refused.items():
        with sends.Sender(scene, sends.PICTURE, to, "--once") as sender:
            sender.ends(1)
            assert words in sender.said(), (to, sender.said())
            assert "wrong" not in sender.said().replace("wrong user", "").replace("wrong pass", ""), \
                sender.said()
    with sends.Sender(scene, sends.PICTURE, far.kcp("live/cam", "&identity=nobody"), "--once") as sender:
        sender.ends(2)
        assert "kcp.psk_file" in sender.said(), sender.said()
    assert json.loads(far.get("/api/v1/streams")[1])["total"] == 0
    with sends.Sender(scene, sends.PICTURE, far.kcp("live/cam", PROOF)) as sender:
        far.wait_live("live/cam")
        sender.stop()
