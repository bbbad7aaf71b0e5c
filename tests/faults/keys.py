"""A closed node: its users and tokens, and how a client shows what it has."""

import base64
import contextlib
import ctypes
import ctypes.util
import hashlib
import os
import re
import time

import rtmp
from world import CLOSED_SECONDS

# What the tests know. A token stands in no configuration, only its hash.
TOKENS = {"a": ("token-of-a", ["play:live/a", "publish:live/a"]),
          "boss": ("token-of-boss", ["admin:*", "play:*", "publish:*", "archive:*"]),
          "kept": ("token-kept", ["play:live/*", "publish:live/*"]),
          "lost": ("token-lost", ["play:live/*", "publish:live/*"])}
PASSWORDS = {"root": ("password of root", ["admin:*", "play:*", "publish:*"]),
             "cam": ("password of cam", ["publish:live/*"]),
             "guest": ("password of guest", ["play:live/*"])}
CANARY = ["play:canary/*", "publish:canary/*"]      # anyone's


def password_line(password, salt=b"sixteen bytes ok"):
    """The hash of a password as the Argon2 library itself writes it, with the costs that ours has."""
    library = ctypes.CDLL(ctypes.util.find_library("argon2") or "libargon2.so.1")
    written, raw = ctypes.create_string_buffer(200), password.encode()
    library.argon2id_hash_encoded.argtypes = (*[ctypes.c_uint32] * 3, *[ctypes.c_char_p, ctypes.c_size_t] * 2,
                                              ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    code = library.argon2id_hash_encoded(2, 19456, 1, raw, len(raw), salt, len(salt), 32, written, 200)
    assert code == 0, f"libargon2 says {code}"
    return written.value.decode()


def configuration(folder, tokens=("a", "boss", "kept", "lost"), users=("root", "cam", "guest"), more=""):
    """Writes millrace.yaml with these and gives its path."""
    lines = ["auth:", "  users:", f"    - {{ name: anyone, allow: {words(CANARY)} }}"]
    for name in users:
        password, allow = PASSWORDS[name]
        line = HASHES.setdefault(name, password_line(password))
        lines.append(f'    - {{ name: {name}, password: "{line}", allow: {words(allow)} }}')
    lines.append("  tokens:")
    for name in tokens:
        token, allow = TOKENS[name]
        digest = hashlib.sha256(token.encode()).hexdigest()
        lines.append(f'    - {{ name: {name}, sha256: "{digest}", allow: {words(allow)} }}')
    path = os.path.join(folder, "millrace.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n" + more)
    return path


HASHES = {}


def words(allow):
    return "[ " + ", ".join(f'"{grant}"' for grant in allow) + " ]"


def closed_node(folder):
    return (configuration(folder),)


def basic(user, password=None):
    text = f"{user}:{PASSWORDS[user][0] if password is None else password}"
    return "Basic " + base64.b64encode(text.encode()).decode()


def bearer(name):
    return "Bearer " + TOKENS.get(name, (name,))[0]


class Answer:
    """What came back: status, headers by small name (the last of each), the bytes behind them."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        found = re.match(r"HTTP/1\.1 (\d{3}) ", lines[0])
        self.status = int(found.group(1)) if found else 0
        self.headers = {}
        self.cookies = []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
            if name.lower() == "set-cookie":
                self.cookies.append(value.strip())

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]}"


def request(method, path, headers=None, body=b""):
    fields = {"Host": "localhost", "Connection": "close"} | (headers or {})
    if body or method in ("POST", "PUT", "PATCH"):
        fields["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def ask(world, method, path, headers=None, body=b"", source="127.0.0.1", listener="http"):
    """One request on a connection of its own. Of an endless answer only the beginning comes."""
    with contextlib.closing(world.raw(listener, request(method, path, headers, body), source)) as connection:
        deadline, said = time.monotonic() + CLOSED_SECONDS, b""
        while time.monotonic() < deadline:
            connection.settimeout(max(0.1, deadline - time.monotonic()))
            try:
                part = connection.recv(65536)
            except (ConnectionError, TimeoutError):
                break
            said += part
            head, found, rest = said.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            if not part or (found and (method == "HEAD" or not length or len(rest) >= int(length.group(1)))):
                break
        return Answer(said)


def as_who(who):
    """Headers that show a token or a user's password; none for nobody."""
    if who is None:
        return {}
    return {"Authorization": bearer(who) if who in TOKENS else basic(who)}


def client(world, name, query="", source="127.0.0.1"):
    """An RTMP client of a stream, its key with a query."""
    app, key = name.rsplit("/", 1)
    one = rtmp.Client.__new__(rtmp.Client)
    one.adopt(world.raw("rtmp", b"", source), world.listeners["rtmp"], app, key + query)
    return one


def may(world, verb, name, query="", source="127.0.0.1"):
    """Whether RTMP lets somebody publish or play; raises unless a refusal comes in words."""
    one = client(world, name, query, source)
    with contextlib.closing(one.socket):
        try:
            getattr(one, verb)()
            return True
        except rtmp.Refused as refused:
            assert "closed the connection" not in str(refused), f"{verb} {name}: not refused in words"
            return "StreamNotFound" in str(refused)      # it may, but there is nothing to play
