"""A wall clock that a test sets while a server runs: libfaketime, for that server alone. The monotonic clock
stays true, as it does when somebody sets a machine's clock."""

import os

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"


class FakeClock:
    def __init__(self, folder):
        if not os.path.exists(LIBRARY):
            raise AssertionError("faketime is not installed: run tools/setup test")
        self.path = os.path.join(folder, "clock")
        self.set(0)
        self.before = ["env", f"LD_PRELOAD={LIBRARY}", f"FAKETIME_TIMESTAMP_FILE={self.path}",
                       "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", "FAKETIME_NO_CACHE=1",
                       "NO_FAKE_STAT=1"]

    def set(self, seconds):
        """From now on the clock is so far ahead of the true one."""
        part = f"{self.path}.part"
        with open(part, "w", encoding="utf-8") as file:
            file.write(f"{seconds:+d}\n")
        os.rename(part, self.path)

    def close(self):
        pass


def fake_clock(folder):
    return FakeClock(folder)
