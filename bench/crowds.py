"""Who else may be there while viewers watch: connections that ask nothing, and comers who go again."""

import contextlib
import multiprocessing
import resource
import socket
import time

PATIENCE = 90
LATEST_SECONDS = 1.0    # a comer so far behind leaves out what it missed


def ask(listener, path):
    """A connection that was answered once."""
    host, port = listener.rsplit(":", 1)
    one = socket.create_connection((host, int(port)), timeout=PATIENCE)
    one.sendall(f"GET {path} HTTP/1.1\r\nHost: {listener}\r\n\r\n".encode())
    answer = one.recv(65536)
    assert answer.startswith(b"HTTP/1.1 "), answer
    return one


def is_open(one):
    try:
        return one.recv(1, socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True


@contextlib.contextmanager
def kept(listener, count, path="/api/v1/streams?limit=1"):
    """So many connections that have asked once and ask nothing more, which a node keeps for 15 s.

    Yields a function: how many of them are still there.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as all_of_them:
        those = [all_of_them.enter_context(contextlib.closing(ask(listener, path))) for _ in range(count)]
        yield lambda: sum(map(is_open, those))


def come_and_go(listener, rate, served, ending):
    due = time.monotonic()
    while not ending.is_set():
        ask(listener, "/api/v1/streams?limit=1").close()
        served.value += 1
        due = max(due + 1 / rate, time.monotonic() - LATEST_SECONDS)
        time.sleep(max(0, due - time.monotonic()))


@contextlib.contextmanager
def comers(listener, rate):
    """As many connections a second that ask once and go; yields a function: how many a second there were."""
    served, ending, found = multiprocessing.Value("q"), multiprocessing.Event(), {}
    process = multiprocessing.Process(target=come_and_go, args=(listener, rate, served, ending), daemon=True)
    began = time.monotonic()
    process.start()
    try:
        yield lambda: served.value / (time.monotonic() - began)
    finally:
        ending.set()
        process.join()
        assert process.exitcode == 0, "a comer was not answered"
