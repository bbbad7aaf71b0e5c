"""A bucket as the archive's second home: recordings leave the disk once it has them, and are played from
there, frame for frame; while it is away nothing is lost, and words say so."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request

import durable
import keys
import ledger
import node
import peers
from recordings import (NAME, WHOLE, a_moment_has_a_picture, check, recording, the_export_is_the_same,
                        the_transport_stream_is_the_same, what_there_is)
from world import test

sys.path.append(os.path.join(node.ROOT, "tests/objects"))

import bucket as buckets      # noqa: E402

PATIENCE = 60
FRAMES_MIN = 25
PART = 8 << 20


def figure(world, name, of="bucket"):
    found = re.search(rf"^millrace_archive_{of}_{name} (\S+)$", world.server.get("/metrics")[1].decode(),
                      re.MULTILINE)
    assert found, f"no figure {name}"
    return float(found.group(1))


def with_bucket(world, bucket, scheme="http", more="", prefix="site-7"):
    """The node again, with that bucket; what this disk keeps is nothing. Its options show no secret."""
    objects = (f"{{ endpoint: '{scheme}://127.0.0.1:{bucket.port}', bucket: archive, "
               f"region: {buckets.REGION}, prefix: {prefix}, access_key: {buckets.KEY}, "
               f"secret_key_file: secret{more} }}")
    world.server.command += ["--set", f"storage.objects={objects}", "--set", "storage.keep={ gigabytes: 0 }",
                             "--set", "outgoing.allow=[ 127.0.0.1 ]"]


def write_secret(world, secret):
    with open(os.path.join(world.folder, "secret"), "w", encoding="utf-8") as file:
        file.write(secret + "\n")


def killed(world):
    world.server.process.kill()
    world.server.process.wait()


def record(world, clip):
    """Publishes the beginning of the clip."""
    count = len(what_there_is(world)["items"])
    with peers.ffmpeg_publish(clip, world.server.rtmp(NAME), world.folder):
        node.until(lambda: len(what_there_is(world)["items"]) > count, PATIENCE, "recorded")
    node.until(lambda: not what_there_is(world)["recording"], PATIENCE, "the file is closed")


def import_large(world):
    """A film of years ago that needs parts; its pictures' names."""
    film = os.path.join(world.folder, "film.mp4")
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i",
                    "testsrc2=size=1280x720:rate=25,noise=alls=100:allf=t", "-t", "3", "-c:v", "libx264",
                    "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-b:v", "60M", "-pix_fmt",
                    "yuv420p", "-movflags", "empty_moov+default_base_moof+frag_keyframe", film], check=True,
                   timeout=PATIENCE)
    assert os.path.getsize(film) > 2 * PART, os.path.getsize(film)
    with open(film, "rb") as file:
        url = world.server.http(f"/api/v1/recordings/{NAME}?from=2020-01-01T00:00:00Z")
        request = urllib.request.Request(url, data=file.read(), method="PUT",
                                         headers=keys.as_who("boss"))
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 201, answer.status
    return [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(film))]


def pin(world, item):
    url = world.server.http(f"/api/v1/pins/{NAME}?from={item['from']}&to={item['to']}")
    request = urllib.request.Request(url, method="PUT", headers=keys.as_who("boss"))
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status in (200, 201, 204), answer.status


def pins(world):
    status, body = world.server.get(f"/api/v1/pins/{NAME}")
    assert status == 200, body
    return [(one["from"], one["to"]) for one in json.loads(body)["items"]]


def files_here(world):
    folder = os.path.join(world.folder, "millrace-data/archive")
    return sorted(name for name in os.listdir(folder) if name.endswith(".mp4"))


def in_bucket_alone(world, items):
    there = what_there_is(world)["items"]
    return (len(there) == items and all(item["bucket_bytes"] == item["bytes"] > 0 for item in there)
            and not files_here(world))


def frames(world, begin="2021-01-01T00:00:00Z", end="2100-01-01T00:00:00Z"):
    """What is played of that time; by itself, of all but the film."""
    url = world.server.http(f"/{NAME}/archive.m3u8?from={begin}&to={end}")
    return [frame.name for frame in ledger.of_annex_b(ledger.annex_b_of_file(url))]


def an_address(world):
    """Of the first segment of the list."""
    text = world.server.get(WHOLE)[1].decode()
    return f"/{NAME}/" + next(line for line in text.splitlines() if line.endswith(".m4s"))


def brief(folder):
    digest = hashlib.sha256(keys.TOKENS["boss"][0].encode()).hexdigest()
    return (*recording(folder), "--set", "grace=1s",
            "--set", f"auth.tokens=[ {{ name: boss, sha256: {digest}, allow: [ 'admin:*' ] }} ]")


@test(quick=True, builds=("release",), canary=False, options=brief)
def f7_n2_a_bucket_is_the_archives_second_home(world):
    names = [frame.name for frame in ledger.of_clip(world.clip()) if frame.kind == "video"]
    record(world, world.clip())
    with buckets.Bucket(os.path.join(world.folder, "objects")) as bucket:
        # Another secret: the bucket refuses, everything stays here, and the log says what to do.
        with_bucket(world, bucket)
        write_secret(world, "not-the-secret")
        killed(world)
        durable.restart(world)
        node.until(lambda: "storage.objects.secret_key is not that of the access key" in world.server.said(),
                   PATIENCE, "the log says which key is wrong")
        assert files_here(world) == ["0000000001.mp4"] and not bucket.objects()
        # With the right one what was recorded before moves, and is played from there in every form.
        write_secret(world, buckets.SECRET)
        killed(world)
        durable.restart(world)
        node.until(lambda: in_bucket_alone(world, 1), PATIENCE, "everything is in the bucket alone")
        objects = bucket.objects()
        assert [name.startswith(f"site-7/{NAME}/") and name.endswith("/0000000001.mp4") for name in objects] \
            == [True], objects
        got = frames(world)
        assert len(got) >= FRAMES_MIN and got == names[:len(got)], f"{len(got)} frames, or others"
        the_export_is_the_same(world, got)
        the_transport_stream_is_the_same(world, got)
        a_moment_has_a_picture(world)
        assert figure(world, "reads_total") > 0 and figure(world, "waiting_files") == 0
        segment = an_address(world)
        # Away: a 503 in words for what is there alone; what is recorded meanwhile stays here and plays.
        bucket.go_away()
        killed(world)
        durable.restart(world)
        status, words = world.server.get(segment)
        assert status == 503 and b"the bucket that has this recording cannot be reached now" in words, words
        record(world, world.clip())
        node.until(lambda: figure(world, "away") == 1 and figure(world, "waiting_files") == 1, PATIENCE,
                   "figures say that it is away")
        assert "takes nothing: the bucket's server cannot be reached" in world.server.said()
        assert files_here(world) == ["0000000002.mp4"] and len(bucket.objects()) == 1
        bucket.come_back()
        node.until(lambda: in_bucket_alone(world, 2), PATIENCE, "it goes on by itself")
        assert figure(world, "away") == 0 and len(bucket.objects()) == 2
        both = frames(world)
        more = both[len(got):]
        assert both[:len(got)] == got and len(more) >= FRAMES_MIN and more == names[:len(more)], len(more)
        # In parts, and read back over parts.
        film = import_large(world)
        node.until(lambda: in_bucket_alone(world, 3), PATIENCE, "the film is in the bucket alone")
        item = what_there_is(world)["items"][0]
        seen = frames(world, item["from"], item["to"])
        assert seen == film, f"{len(seen)} of {len(film)} frames, or others"
        # Secrets: nowhere.
        status, document = world.server.get("/api/v1/config")
        assert status == 200 and b"secret_key_file" in document, document
        for text in (document.decode(), world.server.said()):
            assert buckets.SECRET not in text and buckets.KEY not in text, "a key is shown"
        # A new disk: everything comes back from the bucket, and what is pinned.
        pin(world, item)
        node.until(lambda: "site-7/!pins" in bucket.objects(), PATIENCE, "the bucket knows what is pinned")
        world.server.stop()
        code, found = check(world.folder)
        assert code == 0 and found["sound"] and found["in_bucket"] == 3, found
        shutil.rmtree(os.path.join(world.folder, "millrace-data/archive"))
        world.server.log = open(world.server.log_path, "a", encoding="utf-8")
        world.server.start_again(durable.ANYWHERE)
        node.until(lambda: in_bucket_alone(world, 3), PATIENCE, "what the bucket has is known again")
        assert frames(world) == both
        assert pins(world) == [(item["from"], item["to"])], pins(world)


def signed_by_a_ca(folder):
    """A CA's certificate in the file ca.pem, and the files of a key and a certificate that it signed."""
    ca, key, certificate = (os.path.join(folder, name) for name in ("ca.pem", "server.key", "server.pem"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for command in (
            ("req", "-x509", *curve, "-days", "30", "-subj", "/CN=test CA", "-keyout", ca + ".key",
             "-out", ca),
            ("req", "-x509", *curve, "-days", "30", "-subj", "/CN=bucket", "-addext",
             "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE", "-CA", ca,
             "-CAkey", ca + ".key", "-keyout", key, "-out", certificate)):
        subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)
    return key, certificate


@test(builds=("release",), canary=False, options=brief)
def a_bucket_behind_tls_is_believed_by_the_ca_that_is_named(world):
    record(world, world.clip())
    write_secret(world, buckets.SECRET)
    plain = list(world.server.command)
    with buckets.Bucket(os.path.join(world.folder, "objects"), signed_by_a_ca(world.folder)) as bucket:
        with_bucket(world, bucket, "https")
        killed(world)
        durable.restart(world)
        node.until(lambda: "name that in storage.objects.ca_file" in world.server.said(), PATIENCE,
                   "the log says what to do")
        assert files_here(world) == ["0000000001.mp4"] and not bucket.objects()
        world.server.command = plain
        with_bucket(world, bucket, "https", ", ca_file: ca.pem")
        killed(world)
        durable.restart(world)
        node.until(lambda: in_bucket_alone(world, 1), PATIENCE, "everything is in the bucket alone")
        names = [frame.name for frame in ledger.of_clip(world.clip()) if frame.kind == "video"]
        got = frames(world)
        assert len(got) >= FRAMES_MIN and got == names[:len(got)], f"{len(got)} frames, or others"
