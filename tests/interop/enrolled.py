"""Boxes that are let in with `millrace enroll`: a token that counts once, a key of their own from then on."""

import json
import os
import subprocess

import api
import camera
import node
import sends
from scenario import test

PATIENCE = 30


def enroll(scene, folder, *arguments):
    """(exit code, what it printed, what it said)"""
    done = subprocess.run([camera.program(scene), "enroll", *arguments], cwd=folder, capture_output=True,
                          text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


@test(quick=True, options=api.BOSS)
def a_box_is_enrolled_once_and_publishes_by_its_own_key(scene):
    far = scene.server
    boss = "http://:" + api.TOKEN.replace(" ", "%20") + "@" + far.listeners["http"]
    code, _, said = enroll(scene, scene.folder, "live/gate", "--node", f"http://{far.listeners['http']}")
    assert code == 1 and "admin" in said, (code, said)
    code, token, said = enroll(scene, scene.folder, "live/gate", "--node", boss)
    token = token.strip()
    assert code == 0 and token.startswith("kcp://gate:"), (code, token, said)
    boxes = [node.open_folder(os.path.join(scene.folder, name)) for name in ("box", "thief")]
    code, printed, said = enroll(scene, boxes[0], token)
    assert code == 0, said
    keys = os.path.join(boxes[0], "millrace-keys.psk")
    assert os.stat(keys).st_mode & 0o777 == 0o600 and "identity=gate" in printed, printed
    code, _, said = enroll(scene, boxes[1], token)
    assert code == 1 and "used already, at " in said and "127.0.0.1" in said, (code, said)
    assert os.path.getsize(os.path.join(boxes[1], "millrace-keys.psk")) == 0, "what is not known is not kept"
    assert "ALARM: the token of box gate" in far.said(), far.said()
    to = f"kcp://{far.listeners['kcp']}/live/gate?identity=gate"
    os.environ["MILLRACE_KCP_PSK_FILE"] = keys
    try:
        with sends.Sender(scene, sends.PICTURE, to) as sender:
            far.wait_live("live/gate")
            sender.stop()
    finally:
        del os.environ["MILLRACE_KCP_PSK_FILE"]
    listed = json.loads(api.call(scene, "GET", "/api/v1/enrolments")[2])["items"]
    assert [one["name"] for one in listed] == ["gate"] and "127.0.0.1" in listed[0]["from"], listed
    assert api.call(scene, "DELETE", "/api/v1/users/gate")[0] == 204
    assert "token" not in listed[0] and "key" not in listed[0], listed
