"""What an operator does, and what the machine does: cases 98 to 101, 91's option, F23, certificates."""

import contextlib
import hashlib
import os
import re
import resource
import signal
import socket
import ssl
import subprocess
import threading
import time

import keys
import node
import peers
import rtmp
from keys import client, configuration
from living import with_tls
from two_publishers import Playing, source_of, switches
from world import CLOSED_SECONDS, closed, elsewhere, push, test

REFUSES_SECONDS = 10
STOP_SECONDS = 10 + 3
LINES_A_SECOND_MAX = 100
NOBODY = 65534


def millrace(world, *words, before=(), seconds=REFUSES_SECONDS, folder=None):
    """Runs another node to its end: (exit code, what it said)."""
    program = os.path.join(node.ROOT, f"build/{world.build}/bin/millrace")
    ports = ("--set", "http.listen=127.0.0.1:0", "--set", "rtmp.listen=127.0.0.1:0",
             "--set", "rtsp.listen=off", "--set", "rtsp.udp=off", "--set", "kcp.listen=off")
    run = subprocess.run([*before, program, "serve", *ports, *words], cwd=folder or world.folder,
                         stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    return run.returncode, run.stdout.decode() + run.stderr.decode()


BAD_FILES = {
    "an unknown key": ("http:\n  listne: off\n", r"bad\.yaml:2:\d+: http\.listne"),
    "a wrong type": ("grace: soon\n", r"bad\.yaml:1:\d+: grace"),
    "a list for a map": ("streams: [a]\n", r"bad\.yaml:1:\d+: streams"),
    "no YAML": ("http: [\n", r"bad\.yaml:\d+"),
    "a password in the clear": ("auth:\n  users:\n    - { name: x, password: secret-word }\n",
                                r"bad\.yaml:3"),
    "a token without hash": ("auth: { tokens: [ { name: x } ] }\n", r"bad\.yaml:1"),
    "a proxy that is none": (
        "http: { trusted_proxies: [ here ] }\n", r"bad\.yaml:1:\d+: http\.trusted_proxies"),
    "an anchor bomb": (
        "a: &a [x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a]\n" for n in range(50)), r"bad\.yaml"),
    "10 MB": ("# " + "x" * (10 << 20) + "\n", r"bad\.yaml"),
}


@test(quick=True)
def case_98_a_bad_configuration_stops_the_start(world):
    """In one line that names file, line and key; nothing of a secret in it."""
    with world.fault():
        path = os.path.join(world.folder, "bad.yaml")
        for title, (text, words) in BAD_FILES.items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            code, said = millrace(world, "bad.yaml")
            assert code in (1, 2) and re.search(words, said), f"{title}: {code}, {said[:500]}"
            assert "secret-word" not in said and len(said) < 1000, f"{title}: {said[:1000]}"
        code, said = millrace(world, "nowhere.yaml")
        assert code in (1, 2) and "nowhere.yaml" in said, said
        code, said = millrace(world, "--set", "http.listne=off")
        assert code in (1, 2) and "http.listne" in said, said


@test(quick=True)
def case_99_what_keeps_a_node_from_starting(world):
    """Exit code other than 0, words with the way out, nothing half open."""
    with world.fault():
        taken = world.listeners["http"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        readable = os.path.join(world.folder, "key.pem")
        with_tls(world.folder)
        os.chmod(readable, 0o644)
        tls = ("--set", f"tls.certificate={world.folder}/certificate.pem", "--set", f"tls.key={readable}")
        locked = os.path.join(world.folder, "locked")
        os.mkdir(locked, 0o755)
        nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        tries = {
            "a port that is taken": ((), ("--open", "--set", f"http.listen={taken}"), "another program uses"),
            "a later port that is taken": ((), ("--open", "--set", f"http.listen=127.0.0.1:{port}",
                                                "--set", f"rtmp.listen={taken}"), "another program uses"),
            "an address that is not here": ((), ("--open", "--set", "http.listen=192.0.2.1:0"),
                                            "no interface"),
            "few descriptors": (("prlimit", "--nofile=12"), ("--open",), "descriptors"),
            "a key that all may read": ((), ("--open", *tls), "chmod 600"),
            "no certificate": ((), ("--open", "--set", "https.listen=127.0.0.1:0"), "tls.certificate"),
        }
        if os.getuid() == 0:
            os.chmod(world.folder, 0o755)
            tries["a folder that may not be written"] = (
                nobody, ("--set", f"storage.path={locked}/data"), "locked")
            tries["no threads"] = ((*nobody, "prlimit", "--nproc=1"),
                                   ("--open", "--set", f"storage.path={world.folder}/of_nobody"), "thread")
        for title, (before, words, wanted) in tries.items():
            code, said = millrace(world, *words, before=before)
            assert code in (1, 2) and wanted in said, f"{title}: {code}, {said[:600]}"
            assert "terminate" not in said and '"listeners"' not in said, f"{title}: {said[:600]}"
        with socket.socket() as again:
            again.bind(("127.0.0.1", port))


@test(quick=True)
def case_100_sigterm_ends_lists_and_streams_properly(world):
    """Under load: FLV viewers get their end, a list says ENDLIST while it still is served, exit code 0."""
    client_, source = world.publisher("live/loud")
    source.begin()
    with Playing(source):
        viewers = [peers.FlvReader(world.server.http("/live/loud.flv")) for _ in range(10)]
        node.until(lambda: b"#EXTINF" in world.server.get("/live/loud/ts.m3u8")[1], CLOSED_SECONDS, "a list")
        world.sing()
        began = time.monotonic()
        world.server.process.send_signal(signal.SIGTERM)

        def ended():
            with contextlib.suppress(OSError):
                return b"#EXT-X-ENDLIST" in world.server.get("/live/loud/ts.m3u8", 2)[1]
        node.until(ended, STOP_SECONDS, "the list ends")
        assert world.server.process.wait(STOP_SECONDS) == 0, "not 0"
        assert time.monotonic() - began < STOP_SECONDS
    for viewer in viewers:
        node.until(lambda viewer=viewer: viewer.ended, 3, "a viewer sees the end")
    client_.socket.close()
    world.server.process.stdout.close()


@test(quick=True)
def case_100_a_second_sigint_ends_at_once(world):
    client_, source = world.publisher("live/loud")
    source.begin()
    with Playing(source):
        viewers = [peers.FlvReader(world.server.http("/live/loud.flv")) for _ in range(10)]
        node.until(lambda: b"#EXTINF" in world.server.get("/live/loud/ts.m3u8")[1], CLOSED_SECONDS, "a list")
        world.sing()
        world.server.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        began = time.monotonic()
        world.server.process.send_signal(signal.SIGINT)
        world.server.process.wait(STOP_SECONDS)
        assert time.monotonic() - began < 1, f"it took {time.monotonic() - began:.1f} s"
    for viewer in viewers:
        viewer.socket.close()
    client_.socket.close()
    world.server.process.stdout.close()


@test()
def case_101_a_flood_of_bad_packets_floods_no_log(world):
    """From a hundred addresses: at most 100 lines a second, the rest is counted."""
    seconds = 4
    with world.fault():
        size = os.path.getsize(world.server.log_path)
        stop = time.monotonic() + seconds
        sent = [0] * 4

        def flood(at):
            bad = {"http": b"\r\0nonsense" * 3 + b"\r\n\r\n", "rtmp": b"\x09" * 100}
            number = at
            while time.monotonic() < stop:
                listener = ("http", "rtmp")[number % 2]
                with contextlib.suppress(OSError), contextlib.closing(
                        world.raw(listener, bad[listener], f"127.0.1.{1 + number % 100}")):
                    sent[at] += 1
                number += 4
        threads = [threading.Thread(target=flood, args=(at,)) for at in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(sent) > 100 * seconds, f"only {sum(sent)} bad conversations: no flood"
        assert world.server.get("/healthz")[0] == 200
        by_second = {}
        for line in world.lines():
            by_second[line[:19]] = by_second.get(line[:19], 0) + 1
        worst = max(by_second.values())
        assert worst <= LINES_A_SECOND_MAX + 5, f"{worst} lines in one second"
        grown = os.path.getsize(world.server.log_path) - size
        assert grown < 512 * LINES_A_SECOND_MAX * (seconds + 2), f"{grown} bytes of log"
        if sum(sent) > 2 * LINES_A_SECOND_MAX * seconds:
            node.until(lambda: "suppressed" in world.server.said(), CLOSED_SECONDS, "the rest is counted")


def take_over(folder):
    return (configuration(folder, more="takeover: true\n"),)


@test(quick=True, options=take_over)
def case_91_an_equal_credential_takes_over(world):
    """With takeover: the same token replaces its own publisher at once, another one is refused."""
    with world.fault():
        first = client(world, "live/a", "?token=token-of-a")
        first.publish()
        source = source_of(world, first, 1)
        with Playing(source), peers.FlvReader(world.server.http("/live/a.flv?token=token-of-a")) as viewer:
            node.until(viewer.frames, CLOSED_SECONDS, "it plays")
            assert not keys.may(world, "publish", "live/a", "?token=token-kept"), "another took over"
            second = client(world, "live/a", "?token=token-of-a")
            second.publish()
            closed(first.socket)
            other = source_of(world, second, 2)
            with Playing(other):
                node.until(lambda: len(switches(viewer.frames(), [source, other])) == 2, CLOSED_SECONDS,
                           "the viewer goes on")
        first.socket.close()
        second.socket.close()


def fingerprint(world, listener="https"):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.closing(context.wrap_socket(world.raw(listener))) as connection:
        return hashlib.sha256(connection.getpeercert(True)).hexdigest()


@test(quick=True, options=with_tls)
def a_new_certificate_is_taken_without_losing_a_session(world):
    """SIGHUP after certbot wrote new files: new connections see them, old ones go on; bad ones are not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with world.fault():
        old = fingerprint(world)
        viewer = context.wrap_socket(world.raw("https"))
        viewer.sendall(b"GET /canary/bird.flv HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 200 " in viewer.recv(1000)
        with_tls(world.folder)
        world.server.process.send_signal(signal.SIGHUP)
        for listener in ("https", "rtmps"):
            node.until(lambda listener=listener: fingerprint(world, listener) != old, CLOSED_SECONDS,
                       "a new one")
        new = fingerprint(world)
        with open(os.path.join(world.folder, "certificate.pem"), "w", encoding="utf-8") as file:
            file.write("no certificate\n")
        world.server.process.send_signal(signal.SIGHUP)
        node.until(lambda: "certificate.pem" in "\n".join(world.lines()), CLOSED_SECONDS, "it says why")
        assert fingerprint(world) == new
        heard = 0
        while heard < 20_000:
            heard += len(viewer.recv(65536))
        viewer.close()


# UBSan's look at a vtable opens a pipe, and cries wolf without descriptors.
@test(builds=("release",))
def f23_with_256_descriptors(world):
    """As many viewers as it can take, and more: those it has go on, the rest waits, then all is well."""
    with world.fault():
        resource.prlimit(world.server.process.pid, resource.RLIMIT_NOFILE, (256, 4096))
        crowd = [world.raw("http", b"GET /canary/bird.flv HTTP/1.1\r\nHost: a\r\n\r\n", elsewhere(number))
                 for number in range(300)]
        time.sleep(1)
        spent = world.cpu_seconds()
        time.sleep(1)
        assert world.cpu_seconds() - spent < 0.5, "it spins when descriptors run out"
        for connection in crowd:
            connection.close()
        resource.prlimit(world.server.process.pid, resource.RLIMIT_NOFILE, (4096, 4096))
        assert world.server.get("/healthz", CLOSED_SECONDS)[0] == 200


def half_a_picture(one, size=3 << 20):
    """A message of 3 MB that stops short of its end: what came of it must be kept."""
    one.set_chunk_size(size)
    head = b"\x06\0\x10\0" + size.to_bytes(3, "big") + bytes([rtmp.VIDEO]) + one.stream.to_bytes(4, "little")
    one.socket.sendall(head + b"\x27\x01\0\0\0" + bytes(size - 100))


# A sanitizer's own memory is beyond any such limit.
@test(builds=("release",))
def f23_memory_runs_out(world):
    """96 MB of addresses are left, publishers of large pictures come: some are refused, the canary sings."""
    with world.fault():
        with open(f"/proc/{world.server.process.pid}/statm", encoding="utf-8") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        resource.prlimit(world.server.process.pid, resource.RLIMIT_AS, (size + (96 << 20), -1))
        crowd, refused = [], 0
        for number in range(60):
            try:
                one = client(world, f"live/big{number}", "", elsewhere(number))
                crowd.append(one)
                one.publish()
                source = source_of(world, one, number)
                for _ in range(30):
                    source.step()
                half_a_picture(one)
            except (rtmp.Refused, OSError):
                refused += 1
        assert refused, "nobody was refused: no fault"
        assert world.server.alive()
        for one in crowd:
            one.socket.close()
        resource.prlimit(world.server.process.pid, resource.RLIMIT_AS, (-1, -1))
        node.until(lambda: world.server.get("/healthz")[0] == 200, CLOSED_SECONDS, "it answers")
