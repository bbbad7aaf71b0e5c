"""Several nodes with one catalogue, a PostgreSQL database: each lists what the others recorded, and plays
what they put into the bucket; while it is away recording goes on, and it is told of all of that later."""

import json
import os
import subprocess
import sys
import types

import durable
import ledger
import node
from recordings import NAME, a_moment_has_a_picture, the_export_is_the_same, what_there_is
from two_homes import (FRAMES_MIN, PATIENCE, brief, figure, frames, in_bucket_alone, killed, record,
                       signed_by_a_ca, with_bucket, write_secret)
from world import test

sys.path.append(os.path.join(node.ROOT, "tests/objects"))

import bucket as buckets      # noqa: E402
import postgres               # noqa: E402


def with_catalogue(scene, url, name, password=postgres.PASSWORD, more=""):
    """Its options show no password."""
    with open(os.path.join(scene.folder, "pg-secret"), "w", encoding="utf-8") as file:
        file.write(password + "\n")
    scene.server.command += ["--set", f"storage.catalogue={{ url: '{url}', node: {name}, "
                             f"address: 'http://{name}.example.org', password_file: pg-secret{more} }}",
                             "--set", "outgoing.allow=[ 127.0.0.1 ]"]


def another(world, name):
    """One more node, with a folder of its own and not yet what the first one has."""
    folder = node.open_folder(os.path.join(world.folder, name))
    program = world.server.command[0]
    scene = types.SimpleNamespace(folder=folder, server=node.Millrace(folder, program, brief(folder)))
    scene.clip = world.clip
    return scene


def begin_again(scene):
    killed(scene)
    durable.restart(scene)


def nodes_of(scene):
    """Whose each item is that a node lists: None is its own."""
    return [item.get("node") for item in what_there_is(scene)["items"]]


@test(builds=("release",), canary=False, options=brief)
def f7_n2_nodes_that_share_a_catalogue_list_and_play_what_each_recorded(world):
    names = [frame.name for frame in ledger.of_clip(world.clip()) if frame.kind == "video"]
    with buckets.Bucket(os.path.join(world.folder, "objects")) as bucket, \
            postgres.Postgres(os.path.join(node.open_folder(world.folder), "postgres")) as database:
        north, south = world, another(world, "south")
        try:
            for scene, name in ((north, "north"), (south, "south")):
                write_secret(scene, buckets.SECRET)
                with_bucket(scene, bucket, prefix=name)
                with_catalogue(scene, database.url(), name)
                begin_again(scene)      # both make the tables, at once
            # What one recorded the other lists, and plays from the bucket in every form.
            record(north, north.clip())
            node.until(lambda: in_bucket_alone(north, 1), PATIENCE, "everything is in the bucket alone")
            node.until(lambda: nodes_of(south) == ["north"], PATIENCE, "the south lists what the north has")
            first = frames(south)
            assert len(first) >= FRAMES_MIN and first == names[:len(first)], f"{len(first)} frames, or others"
            assert frames(north) == first
            the_export_is_the_same(south, first)
            a_moment_has_a_picture(south)
            # Both are away: nothing is lost, what is here is listed and played, and figures and words say so.
            bucket.go_away()
            database.go_away()
            record(south, south.clip())
            node.until(lambda: figure(south, "away", "catalogue") == 1, PATIENCE, "a figure says so")
            said = what_there_is(south)
            assert said["catalogue_away"] and len(said["items"]) == 1, said
            assert "is told nothing: " in south.server.said()
            second = frames(south)
            assert len(second) >= FRAMES_MIN and second == names[:len(second)], "what it has it plays"
            status, words = north.server.get(f"/{NAME}/archive.mp4?from=2030-01-01T00:00:00Z")
            assert status == 503 and b"the catalogue that says what other nodes recorded" in words, words
            # The catalogue comes back and is told by itself; the footage is on the other's disk alone.
            database.come_back()
            there = node.until(lambda: what_there_is(north).get("elsewhere"), PATIENCE, "the north knows it")
            assert [(one["node"], one["address"]) for one in there] == [("south", "http://south.example.org")]
            status, words = north.server.get(f"/{NAME}/archive.mp4?from={there[0]['from']}")
            assert status == 409, words
            assert b"on the disk of the node south alone: ask for it at http://south." in words, words
            # So does the bucket: both nodes show the same.
            bucket.come_back()
            node.until(lambda: nodes_of(north) == [None, "south"] and nodes_of(south) == ["north", None],
                       PATIENCE, "each lists all")
            assert frames(north) == first + second and frames(south) == first + second
            held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            node.until(lambda: database.sql(held) == ["2"], PATIENCE, "both hold their names again")
            # A third one with a name that is taken is refused in words, and takes nothing away.
            rows = database.sql("SELECT count(*) FROM millrace_files")
            assert rows == ["2"], rows
            thief = another(world, "thief")
            try:
                with_catalogue(thief, database.url(), "north")
                begin_again(thief)
                node.until(lambda: "another node has this one's name in it" in thief.server.said(), PATIENCE,
                           "the log says what to do")
                assert database.sql("SELECT count(*) FROM millrace_files") == rows
                assert json.loads(thief.server.get("/api/v1/config")[1]), "it serves all the same"
            finally:
                killed(thief)
            # Secrets: nowhere.
            for scene in (north, south):
                status, document = scene.server.get("/api/v1/config")
                assert status == 200 and b"pg-secret" in document, document
                for text in (document.decode(), scene.server.said()):
                    assert postgres.PASSWORD not in text, "the password is shown"
            south.server.stop()
        finally:
            if south.server.alive():
                killed(south)


def self_signed(folder):
    """The files of a key and of a certificate that no CA signed, as `openssl req -x509` makes them."""
    key, certificate = (os.path.join(node.open_folder(folder), name) for name in ("own.key", "own.pem"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "30", "-subj", "/CN=records", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    return key, certificate


@test(builds=("release",), canary=False, options=brief)
def f7_a_catalogue_that_is_not_believed_or_does_not_let_in_is_told_all_once_that_is_mended(world):
    certificate = signed_by_a_ca(world.folder)
    signed_by_a_ca(node.open_folder(os.path.join(world.folder, "other")))
    plain, known = list(world.server.command), ", ca_file: ca.pem"
    with postgres.Postgres(os.path.join(node.open_folder(world.folder), "postgres"), certificate) as database:
        not_let_in = "is told nothing: its server cannot be reached, or does not let this node in: "
        unknown = "is told nothing: its server's certificate is of nobody who is known here: name the CA " \
                  "that signed it, or itself where it signed itself, in storage.catalogue.ca_file: "
        for wrong, why, words in (
                ({"password": "guess", "more": known}, not_let_in, "password authentication failed"),
                ({"more": ", ca_file: other/ca.pem"}, unknown, "certificate verify failed"),
                ({"url": database.url("localhost"), "more": known}, not_let_in, "does not match host name")):
            world.server.command = list(plain)
            with_catalogue(world, **{"url": database.url(), "name": "north"} | wrong)
            begin_again(world)
            node.until(lambda said=words: said in world.server.said(), PATIENCE, words)
            assert why in world.server.said(), why
            assert figure(world, "away", "catalogue") == 1, "a figure says so, too"
        assert world.server.said().count("is told nothing: ") == 3, "each once"
        record(world, world.clip())
        assert database.sql("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'millrace%'") == ["0"]
        world.server.command = list(plain)
        with_catalogue(world, database.url(), "north", more=known)
        begin_again(world)
        node.until(lambda: figure(world, "files_total", "catalogue") >= 1, PATIENCE, "it is told all")
        assert database.sql("SELECT count(*) FROM millrace_files") == ["1"]
        encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) " \
                    "WHERE application_name = 'millrace'"
        assert database.sql(encrypted) == ["t"], "in the clear"
        # Another certificate, which signed itself: not believed, until it is named.
        database.go_away()
        database.secure(*self_signed(os.path.join(world.folder, "own")))
        database.come_back()
        said = len(world.server.said())
        begin_again(world)
        node.until(lambda: unknown in world.server.said()[said:], PATIENCE, "it is not believed")
        world.server.command = list(plain)
        with_catalogue(world, database.url(), "north", more=", ca_file: own/own.pem")
        begin_again(world)
        node.until(lambda: figure(world, "away", "catalogue") == 0 and database.sql(encrypted) == ["t"],
                   PATIENCE, "it is believed")
        for secret in (postgres.PASSWORD, "guess"):
            assert secret not in world.server.said(), "the password is shown"
