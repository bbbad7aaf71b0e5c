"""RTSP cameras that misbehave on purpose, as sources: cases 21, 25 to 32 of the client's side, and F21."""

import contextlib
import time

import fake_camera
import ledger
import node
from fake_camera import Camera, Ways
from rtsp_pulls import (PATIENCE, TCP, all_watched, cameras, each_is_watched, in_the_loop, only_the_clips,
                        pictures, pulling, rule, rules_of, viewer_of, watched)
from scenario import test


@test(quick=True, company="odd cameras")
def case_27_descriptions_of_all_manners_are_played(scene):
    clip = scene.clip()
    ways = {f"live/{manner}": Ways(manner=manner) for manner in fake_camera.description.MANNERS}
    for words in ("lf", "absolute", "no_control", "no_base", "no_sprop", "empty_sprop", "bad_sprop", "junk",
                  "twice"):
        ways[f"live/{words}"] = Ways(sdp=(words,))
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        with pulling(scene, rules_of(found)) as server:
            each_is_watched(server, found, ledger.of_clip(clip))


@test(company="sleepers", apart=True)
def case_27_a_description_that_names_no_codec_of_ours_is_named(scene):
    sdp = b"v=0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 98\r\na=rtpmap:98 X-ODD/90000\r\na=control:t\r\n"
    described = (b"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nContent-Type: application/sdp\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(sdp)) + sdp
    huge = b"RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\nContent-Length: 1048576000\r\n\r\nv=0\r\n"
    ways = {"live/odd": Ways(answers={"DESCRIBE": described}), "live/huge": Ways(answers={"DESCRIBE": huge}),
            "live/silent": Ways(silent=("DESCRIBE",))}
    with cameras(ways, fake_camera.of_clip(scene.clip())) as found:
        with pulling(scene, rules_of(found, "")) as server:
            node.until(lambda: all(len(one.requests) >= 3 for one in found.values()), 60, "all are tried")
            assert "X-ODD" in server.said() or "no track" in server.said(), server.said()[-3000:]
            assert not any(server.is_live(name) for name in found)


@test(quick=True, company="odd cameras")
def case_31_conversations_that_are_odd_are_tolerated(scene):
    clip = scene.clip()
    ways = {"live/early": Ways(packets_before_play=5), "live/junk": Ways(junk=True),
            "live/none": Ways(cseq="none"), "live/late": Ways(cseq="late"),
            "live/bare": Ways(rtp_info=False, sender_reports=False)}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        with pulling(scene, rules_of(found)) as server:
            each_is_watched(server, found, ledger.of_clip(clip))


@test(company="odd cameras")
def case_31_a_camera_that_closes_in_the_middle_of_a_frame_goes_on(scene):
    clip = scene.clip()
    with Camera(fake_camera.of_clip(clip), Ways(close_after=1.5)) as one:
        with pulling(scene, {"live/cam": rule(one.url(), TCP)}) as server:
            server.wait_live("live/cam")
            with viewer_of(server, "live/cam") as viewer:
                node.until(lambda: len(pictures(viewer.frames())) > 90 or viewer.ended, 60, "it goes on")
                only_the_clips(clip, viewer)
            assert len([asked for asked in one.requests if asked.method == "PLAY"]) >= 2


@test(company="odd cameras")
def case_28_redirects_lead_to_allowed_cameras_and_nowhere_else(scene):
    clip = scene.clip()
    with Camera(fake_camera.of_clip(clip)) as real:
        ways = {"live/good": Ways(redirects=(real.url(), real.url())),
                "live/loop": Ways(redirects=("{here}",) * 1000),
                "live/file": Ways(redirects=("file:///etc/passwd",) * 1000),
                "live/http": Ways(redirects=("http://127.0.0.1/",) * 1000),
                "live/meta": Ways(redirects=("rtsp://169.254.169.254/",) * 1000),
                "live/other": Ways(redirects=("rtsp://127.0.0.9/",) * 1000)}
        with cameras(ways, fake_camera.of_clip(clip)) as found:
            with pulling(scene, rules_of(found)) as server:
                each_is_watched(server, ["live/good"], ledger.of_clip(clip))
                bad = [name for name in found if name != "live/good"]
                node.until(lambda: all(found[name].requests for name in bad), PATIENCE, "all are asked")
                assert not any(server.is_live(name) for name in bad)
                assert found["live/loop"].methods().count("DESCRIBE") < 60, "it runs in circles"


@test(company="odd cameras")
def case_29_old_nonces_are_renewed_and_wrong_passwords_are_not_hammered(scene):
    clip = scene.clip()
    ways = {"live/stale": Ways(user="a", password="b", nonce_uses=1),
            "live/shastale": Ways(user="a", password="b", nonce_uses=2, challenges=("sha256",)),
            "live/wrong": Ways(user="a", password="other")}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        rules = {name: rule(one.url(who="a:b@"), ", transport: tcp") for name, one in found.items()}
        with pulling(scene, rules) as server:
            each_is_watched(server, ["live/stale", "live/shastale"], ledger.of_clip(clip))
            begun = time.monotonic()
            node.until(lambda: "401" in server.said(), PATIENCE, "the log says 401")
            count = found["live/wrong"].methods().count("DESCRIBE")
            assert count <= 10 + 2 * (time.monotonic() - begun), f"{count} times"
            assert not server.is_live("live/wrong")


@test(company="sleepers", apart=True)
def case_32_no_key_frame_only_sound_thrice_the_rate_and_nine_quiet_seconds(scene):
    """The states that a person would expect, without growth."""
    clip = scene.clip()
    both, sound = fake_camera.of_clip(clip), [fake_camera.aac_of(clip)]
    with contextlib.ExitStack() as stack:
        blind = stack.enter_context(Camera(both, Ways(key_frames=False, sdp=("no_sprop",))))
        quiet = stack.enter_context(Camera(both, Ways(pause=(4, 9))))
        fast = stack.enter_context(Camera(both, Ways(speed=3.0)))
        voice = stack.enter_context(Camera(sound))
        names = {"live/blind": blind, "live/quiet": quiet, "live/fast": fast, "live/voice": voice}
        server = stack.enter_context(pulling(scene, rules_of(names)))
        for name in ("live/quiet", "live/voice", "live/fast"):
            server.wait_live(name)
        viewer = stack.enter_context(viewer_of(server, "live/quiet"))
        listener = stack.enter_context(viewer_of(server, "live/voice"))
        before = server.resident_kilobytes()
        node.until(lambda: quiet.methods().count("PLAY") > 1 or len(pictures(viewer.frames())) > 180, 40,
                   "it goes on behind the silence")
        only_the_clips(clip, viewer)
        assert quiet.methods().count("PLAY") == 1, "nine seconds are no reason to connect again"
        heard = [frame for frame in listener.frames() if frame.kind == "audio"]
        assert len(heard) > 200 and not pictures(listener.frames()), len(heard)
        assert len(watched(server, "live/fast", 40)) > 40
        assert server.resident_kilobytes() < before + 30_000, "it grows"
        assert blind.requests and server.alive()


@test(company="odd cameras")
def case_21_packets_of_strangers_change_nothing(scene):
    clip = scene.clip()
    with Camera(fake_camera.of_clip(clip), Ways(udp_stranger=True)) as one:
        with pulling(scene, {"live/cam": rule(one.url(), ", transport: udp")}) as server:
            each_is_watched(server, ["live/cam"], ledger.of_clip(clip), 80)


@test(company="odd packets")
def case_25_jumps_of_sequence_numbers_and_wraps_are_followed(scene):
    clip = scene.clip()
    ways = {"live/tcp": Ways(start_sequence=65530), "live/udp": Ways(start_sequence=65530, swap=9)}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        rules = {name: rule(one.url(), f", transport: {name[5:]}") for name, one in found.items()}
        with pulling(scene, rules) as server:
            each_is_watched(server, found, ledger.of_clip(clip), 80)
    with Camera(fake_camera.of_clip(clip), Ways(jump=(1.5, 30_000))) as one:
        with pulling(scene, {"live/cam": rule(one.url(), ", transport: udp")}) as server:
            server.wait_live("live/cam")
            with viewer_of(server, "live/cam") as viewer:
                node.until(lambda: len(pictures(viewer.frames())) > 90, PATIENCE, "it goes on")
                only_the_clips(clip, viewer)


@test(quick=True, company="odd packets")
def a_lost_packet_over_udp_costs_pictures_and_never_breaks_one(scene):
    clip = scene.clip()
    places = {frame.name[0]: at for at, frame in enumerate(pictures(ledger.of_clip(clip)))}

    def some_are_missing(viewer):
        at = [places.get(frame.name[0], 0) for frame in pictures(viewer.frames())]
        return len(at) > 60 and any((after - before) % len(places) > 1 for before, after in zip(at, at[1:]))

    with Camera(fake_camera.of_clip(clip), Ways(lose=400)) as one:
        with pulling(scene, {"live/cam": rule(one.url(), ", transport: udp")}) as server:
            server.wait_live("live/cam")
            with viewer_of(server, "live/cam") as viewer:
                node.until(lambda: some_are_missing(viewer), 60, "pictures come, and some do not")
                only_the_clips(clip, viewer)


@test(quick=True, company="odd packets")
def automatic_takes_tcp_where_nothing_comes_over_udp(scene):
    clip = scene.clip()
    ways = {"live/silent": Ways(udp_silent=True), "live/refused": Ways(transports=("tcp",))}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        with pulling(scene, rules_of(found, "")) as server:
            each_is_watched(server, found, ledger.of_clip(clip))
            for name, one in found.items():
                asked = [ask["Transport"] for ask in one.requests if ask.method == "SETUP"]
                assert "TCP" not in asked[0] and "TCP" in asked[-1], (name, asked)


@test(company="odd packets")
def timestamps_that_step_back_do_not_take_the_viewers_back(scene):
    clip = scene.clip()
    ways = {"live/tcp": Ways(back=(1.5, 2000)), "live/far": Ways(back=(1.5, 3_600_000))}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        with pulling(scene, rules_of(found)) as server:
            with contextlib.ExitStack() as stack:
                for name in found:
                    server.wait_live(name)
                viewers = [stack.enter_context(viewer_of(server, name)) for name in found]
                for viewer in viewers:
                    node.until(lambda one=viewer: len(pictures(one.frames())) > 90 or one.ended, PATIENCE,
                               "it goes on")
                    only_the_clips(clip, viewer)


@test(company="odd packets")
def a_camera_that_changes_its_resolution_is_followed(scene):
    clip, larger = scene.clip(), scene.clip("larger")
    change = (2, fake_camera.of_clip(larger))
    with Camera(fake_camera.of_clip(clip), Ways(change=change)) as one:
        with pulling(scene, {"live/cam": rule(one.url(), TCP)}) as server:
            server.wait_live("live/cam")
            with viewer_of(server, "live/cam") as viewer:
                late = {frame.name[0] for frame in pictures(ledger.of_clip(larger))}
                node.until(lambda: sum(frame.name[0] in late for frame in pictures(viewer.frames())) > 60,
                           PATIENCE, "the larger pictures come")
                early = {frame.name[0] for frame in pictures(ledger.of_clip(clip))}
                assert all(frame.name[0] in early | late for frame in pictures(viewer.frames()))


@test(company="odd packets")
def f21_rtp_time_wraps_without_a_step(scene):
    clip = scene.clip()
    near = 2**32 - 90000 * 3 // 2
    ways = {f"live/{way}": Ways(start_timestamp=near, transports=(way,)) for way in ("tcp", "udp")}
    with cameras(ways, fake_camera.of_clip(clip)) as found:
        rules = {name: rule(one.url(), f", transport: {name[5:]}") for name, one in found.items()}
        with pulling(scene, rules) as server:
            for name in found:
                server.wait_live(name)
            for frames in all_watched(server, found, 80).values():
                in_the_loop(ledger.of_clip(clip), frames, 80)
                steady(frames, 40)


def steady(frames, step):
    """Pictures stand `step` ms apart; at the clip's seam its sound may make a frame of it longer."""
    shown = pictures(frames)
    steps = [ledger.apart(after.dts, before.dts) for before, after in zip(shown, shown[1:])]
    odd = [one for one in steps if abs(one - step) > 2]
    assert len(odd) <= 2 and all(0 < one < 3 * step for one in odd), steps


@test()
def f21_twenty_frames_a_second_that_are_declared_as_25_stay_twenty(scene):
    clip = scene.clip("slower")
    with Camera(fake_camera.of_clip(clip), Ways(fps_said=25)) as one:
        with pulling(scene, {"live/cam": rule(one.url(), TCP)}) as server:
            server.wait_live("live/cam")
            frames = watched(server, "live/cam", 60)
            in_the_loop(ledger.of_clip(clip), frames, 60)
            steady(frames, 50)
