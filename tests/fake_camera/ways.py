"""The ways in which a fake camera behaves, good and bad."""

from dataclasses import dataclass, field


@dataclass
class Ways:
    """What is not said here is as a good camera does it. Seconds count from PLAY."""
    # The conversation.
    user: str = ""                  # with one, it asks for a password
    password: str = ""
    challenges: tuple = ("md5",)    # of basic, md5, sha256, md5-plain (without qop), in the order said
    nonce_uses: int = 0             # after so many requests a nonce is stale; 0 = never
    redirects: tuple = ()           # DESCRIBE is answered 302 to these, one after the other, then served
    transports: tuple = ("tcp", "udp")      # others are answered 461
    cseq: str = "echo"              # or "none", "late": the answer before this one's number
    junk: bool = False              # CR LF between answers, and an answer that nobody asked for
    packets_before_play: int = 0    # this many RTP packets come before the answer to PLAY
    answers: dict = field(default_factory=dict)     # method: the bytes to answer, {cseq} and {base} filled in
    rtp_info: bool = True           # the answer to PLAY says where each track begins
    silent: tuple = ()              # methods that get no answer
    timeout: int = 60               # said, and kept: who is not heard so long is sent away
    session: str = "1F20; "         # before its timeout; empty: no Session header
    # The description.
    manner: str = "plain"           # one of description.MANNERS
    sdp: tuple = ()                 # of lf, no_rtpmap, absolute, no_control, no_sprop, bad_sprop, junk, twice
    fps_said: int = 0
    # The media.
    loop: bool = True               # else TEARDOWN by closing when the clip is over
    speed: float = 1.0
    start_sequence: int = 1000
    start_timestamp: int = 90000
    sender_reports: bool = True
    key_frames: bool = True         # False: pictures without a key frame among them
    pause: tuple = ()               # (after seconds, for seconds): nothing is sent, time goes on
    back: tuple = ()                # (after seconds, milliseconds): timestamps step back once
    jump: tuple = ()                # (after seconds, packets): sequence numbers skip once
    close_after: float = 0          # seconds; in the middle of a frame
    change: tuple = ()              # (after seconds, tracks): the same description, other pictures
    udp_silent: bool = False        # a SETUP for UDP is granted and nothing comes
    udp_stranger: bool = False      # packets of somebody else's come to the same ports too
    lose: int = 0                   # every so manieth packet over UDP is lost
    swap: int = 0                   # every so manieth packet over UDP comes after the next one
