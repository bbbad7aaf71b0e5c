"""Basic and Digest (RFC 7617, RFC 7616) as a camera asks for them."""

import base64
import hashlib
import re

ALGORITHMS = {"md5": "MD5", "md5-plain": "MD5", "sha256": "SHA-256"}
REALM = "fake camera"


def fields_of(header):
    return {name.lower(): quoted or bare for name, quoted, bare in
            re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', header)}


class Access:
    """Who may, by one pair of user and password. Refuses by saying which challenges to answer."""

    def __init__(self, ways):
        self.ways = ways
        self.nonce, self.uses, self.serial = "", 0, 0
        self.counts = set()      # of the nonce
        self._renew()

    def _renew(self):
        self.serial += 1
        self.nonce, self.uses, self.counts = hashlib.sha256(b"%d" % self.serial).hexdigest()[:32], 0, set()

    def challenges(self, stale):
        said = []
        for way in self.ways.challenges:
            if way == "basic":
                said.append(f'Basic realm="{REALM}"')
                continue
            more = "" if way == "md5-plain" else f', qop="auth", algorithm={ALGORITHMS[way]}'
            said.append(f'Digest realm="{REALM}", nonce="{self.nonce}"{more}' + (", stale=TRUE" * stale))
        return said

    def refusal(self, method, header):
        """The challenges to send, or None where this request may pass."""
        if not self.ways.user:
            return None
        kind, _, rest = header.partition(" ")
        if kind.lower() == "basic" and "basic" in self.ways.challenges:
            wanted = base64.b64encode(f"{self.ways.user}:{self.ways.password}".encode()).decode()
            return None if rest.strip() == wanted else self.challenges(False)
        if kind.lower() != "digest":
            return self.challenges(False)
        said = fields_of(rest)
        right = self._matches(method, said)
        old = said.get("nonce") != self.nonce
        self.uses += 1
        if not old and self.ways.nonce_uses and self.uses > self.ways.nonce_uses:
            self._renew()
            old = True
        if right and not old and self._counts(said):
            return None
        return self.challenges(right and old)

    def _counts(self, said):
        """RFC 7616 §3.4: a count is used once."""
        if "qop" not in said:
            return True
        fresh = said.get("nc", "") not in self.counts
        self.counts.add(said.get("nc", ""))
        return fresh

    def _matches(self, method, said):
        name = said.get("algorithm", "MD5").upper()
        if name not in {ALGORITHMS[way] for way in self.ways.challenges if way != "basic"}:
            return False
        digest = hashlib.sha256 if name == "SHA-256" else hashlib.md5

        def hashed(text):
            return digest(text.encode()).hexdigest()

        first = hashed(f"{self.ways.user}:{REALM}:{self.ways.password}")
        second = hashed(f"{method}:{said.get('uri', '')}")
        middle = said.get("nonce", "")
        if "qop" in said:
            middle += f":{said.get('nc', '')}:{said.get('cnonce', '')}:{said['qop']}"
        return (said.get("username") == self.ways.user
                and said.get("response") == hashed(f"{first}:{middle}:{second}"))
