"""A sound card that writes down what it is given: ALSA's own plugin, which no machine needs a card for."""

import array
import os

RATE = 48000
SILENT = 8           # a sample below this is nothing; the camera's hum is louder nearly always
LOUD = 6000          # the camera's beep alone is louder
BEEP_APART = RATE // 10


class SoundCard:
    """`environment` makes it the default card of a program."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "played.raw")
        configuration = os.path.join(folder, "asound.conf")
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(f'pcm.default {{ type file slave.pcm {{ type null }} file "{self.path}" '
                       'format "raw" }\n')
        self.environment = {"ALSA_CONFIG_PATH": configuration}

    def samples(self):
        """Of the left channel so far."""
        samples = array.array("h")
        with open(self.path, "rb") as file:
            content = file.read()
        samples.frombytes(content[:len(content) // 4 * 4])
        assert samples[::2] == samples[1::2], "the camera's sound is the same on both sides"
        return samples[::2]

    def has_played(self, frames):
        return os.path.exists(self.path) and os.path.getsize(self.path) >= frames * 4


def beeps(samples):
    """(first, last) frame of each."""
    found = []
    for at, sample in enumerate(samples):
        if abs(sample) > LOUD:
            if not found or at - found[-1][1] > BEEP_APART:
                found.append([at, at])
            found[-1][1] = at
    return found


def hertz(samples):
    crossings = sum((before < 0) != (after < 0) for before, after in zip(samples, samples[1:]))
    return crossings * RATE / (2 * len(samples))


def silent_frames(samples):
    """In stretches of a hundredth of a second and more."""
    total = run = 0
    for sample in [*samples, SILENT]:
        if abs(sample) < SILENT:
            run += 1
        else:
            total += run if run >= RATE // 100 else 0
            run = 0
    return total
