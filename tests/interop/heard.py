"""Sound as `millrace receive` and the receiver's window play it, by a card that writes down what it gets."""

import node
import receives
import sends
import sound_card
from desktop import SCREEN, SOURCE, Window, shows_numbers
from devices import xvfb
from scenario import test
from sources import PATIENCE


@test()
def row_4_11_the_receivers_window_is_heard_and_a_key_or_its_button_mutes_it(scene):
    card = sound_card.SoundCard(scene.folder)
    source = SOURCE.replace("audio=none", "audio=aac")
    with sends.Sender(scene, source, scene.server.rtsp("live/cam")) as sender, xvfb(*SCREEN) as display:
        scene.server.wait_live("live/cam")
        window = Window(scene, display, 0, "receive", scene.server.rtsp("live/cam"),
                        environment=card.environment)
        try:
            window.until(lambda now: now["labels"]["Sound"] == "on" and shows_numbers(now), "it is heard")
            window.key("m")
            window.until(lambda now: now["labels"]["Sound"] == "muted", "m mutes it")
            before = len(card.samples())
            node.until(lambda: card.has_played(before + 3 * sound_card.RATE), PATIENCE, "it goes on unheard")
            assert not any(card.samples()[before + sound_card.RATE:]), "there is nothing but silence"
            assert shows_numbers(window.lines[-1][1]), "pictures go on"
            window.click("mute")
            window.until(lambda now: now["labels"]["Sound"] == "on", "the button lets it be heard")
            node.until(lambda: any(card.samples()[-sound_card.RATE // 10:]), PATIENCE, "it is heard again")
            window.quit()
        finally:
            window.kill()
        sender.stop()


@test(options=receives.CAMERA, company="receives")
def row_4_11_sound_is_played_in_step_and_a_card_that_is_missing_keeps_nobody_from_the_pictures(scene):
    """What the card got is what was counted, and each beep of the camera is a second behind the one before,
    but for what is said to be filled in or left out."""
    scene.server.wait_live("live/cam")
    card = sound_card.SoundCard(scene.folder)
    heard = receives.begun(scene, "receive", scene.rtmp(), "--json", "--seconds", "6", "--sound", "default",
                           environment=card.environment)
    unheard = receives.begun(scene, "receive", scene.server.http("/live/cam.flv"), "--json", "--frames", "60",
                             "--sound", "hw:CARD=none_of_that_name")
    playback = receives.last_report(receives.ended(unheard, 0)[0])[1]
    assert playback["silent"].startswith("the sound card hw:CARD=none_of_that_name is not there"), playback
    assert playback["frames_shown"] >= 60 and playback["sounds_decoded"] > 0, playback
    _, playback = receives.last_report(receives.ended(heard, 0)[0])
    assert "silent" not in playback and playback["sounds_decoded"] > 0, playback
    samples = card.samples()
    first = next(at for at, sample in enumerate(samples) if abs(sample) >= sound_card.SILENT)
    samples = samples[first:]
    mended = playback["sound_filled_seconds"] + playback["sound_dropped_seconds"]
    loud = len(samples) - sound_card.silent_frames(samples)
    # What was said last is a fifth of a second old at most, of the card's time.
    assert abs(loud / sound_card.RATE - playback["sound_played_seconds"]) < 0.5 + 0.1 * mended, playback
    found = sound_card.beeps(samples)
    assert len(found) >= 3, found
    begins = [begin for begin, _ in found if begin > 0][1:]     # the first may be the end of one
    for before, after in zip(begins, begins[1:]):
        seconds = (after - before) / sound_card.RATE
        assert abs(seconds - round(seconds)) <= 0.04 + mended, (seconds, playback)
    begin, end = found[1]
    assert mended > 0 or abs(sound_card.hertz(samples[begin:end]) - 1000) < 30, found
