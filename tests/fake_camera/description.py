"""What fake cameras answer to DESCRIBE: plain SDP, and the manners of families of real cameras."""

# Lines around the tracks as families of cameras write them. {base} is the URL that was described.
MANNERS = {
    "plain": {
        "session": "v=0\ns=Camera\nt=0 0\na=control:*\n",
        "track": "a=control:trackID={number}\n",
        "more": "",
    },
    # A recorder: no address line of its own, controls with a host, a third track of events.
    "recorder": {
        "session": "v=0\no=- 1111111111111111 1111111111111111 IN IP4 127.0.0.1\ns=Media Presentation\n"
                   "e=NONE\nb=AS:5100\nt=0 0\na=control:{base}/\n",
        "track": "b=AS:5000\na=recvonly\na=x-dimensions:320,180\na=control:{base}/trackID={number}\n",
        "more": "m=application 0 RTP/AVP 107\nb=AS:50\na=recvonly\na=control:{base}/trackID=9\n"
                "a=rtpmap:107 vnd.onvif.metadata/90000\na=fmtp:107 \n",
        "end": "a=Media_header:MEDIAINFO=494D4B48010100000400000100000000000000000000000000000000000000;\n"
               "a=appversion:1.0\n",
    },
    # A dome: a range, a rate, and a packetisation of its own.
    "dome": {
        "session": "v=0\no=- 2222222222 2222222222 IN IP4 0.0.0.0\ns=Media Server\nc=IN IP4 0.0.0.0\nt=0 0\n"
                   "a=control:*\na=packetization-supported:DH\na=rtppayload-supported:DH\na=range:npt=now-\n",
        "track": "a=control:trackID={number}\na=framerate:25.000000\na=recvonly\n",
        "more": "",
    },
    # An encoder: long absolute controls with a query, and a matrix.
    "encoder": {
        "session": "v=0\no=- 3333333333333333 1 IN IP4 127.0.0.1\ns=Session streamed with a server\n"
                   "i=rtsp-server\nt=0 0\na=tool:Streamer\na=type:broadcast\na=range:npt=now-\n"
                   "a=control:{base}?videocodec=any&resolution=320x180\n",
        "track": "c=IN IP4 0.0.0.0\nb=AS:50000\na=ts-refclk:local\na=mediaclk:sender\n"
                 "a=control:{base}/stream={number}?videocodec=any&resolution=320x180\n"
                 "a=transform:1.000000,0.000000,0.000000;0.000000,1.000000,0.000000;0.0,0.0,1.000000\n",
        "more": "",
    },
    # A cheap one: what a small library writes, with zeros where it knows nothing.
    "cheap": {
        "session": "v=0\no=StreamingServer 0 0 IN IP4 0.0.0.0\ns=h264.mp4\nc=IN IP4 0.0.0.0\nt=0 0\n"
                   "a=isma-compliance:2,2.0,2\n",
        "track": "b=AS:0\na=control:track{number}\na=cliprect:0,0,180,320\n",
        "more": "",
    },
}


def _sprop(parameters, ways):
    """The fmtp line without its parameter sets, or with bad ones."""
    kept = []
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.startswith("sprop"):
            if "no_sprop" in ways.sdp:
                continue
            value = "" if "empty_sprop" in ways.sdp else "!!!no!!!" if "bad_sprop" in ways.sdp else value
        kept.append(f"{name}={value}")
    return ";".join(kept)


def _media(track, number, base, ways):
    manner = MANNERS[ways.manner]
    lines = f"m={track.kind} 0 RTP/AVP {track.payload_type}\n"
    if "junk" in ways.sdp:
        lines += "b=garbage\nb=AS:\nb=RR:minus\nnonsense without an equals sign\nx\n"
    lines += _control(manner["track"], number, base, ways)
    if "no_rtpmap" not in ways.sdp or track.payload_type >= 96:      # RFC 3551 says what the others are
        sound = f"/{track.channels}" if track.channels > 1 else ""
        lines += f"a=rtpmap:{track.payload_type} {track.codec}/{track.clock}{sound}\n"
    if track.parameters:
        lines += f"a=fmtp:{track.payload_type} {_sprop(track.parameters, ways)}\n"
    if ways.fps_said and track.kind == "video":
        lines += f"a=framerate:{ways.fps_said}\n"
    return lines


def _control(text, number, base, ways):
    if "no_control" in ways.sdp:
        return "".join(line + "\n" for line in text.splitlines() if not line.startswith("a=control"))
    if "absolute" in ways.sdp:
        text = "".join((f"a=control:{base}/trackID={number}" if line.startswith("a=control") else line) + "\n"
                       for line in text.splitlines())
    return text.replace("{number}", str(number)).replace("{base}", base)


def of(tracks, base, ways):
    """The SDP of these tracks; `base` is the URL that was described."""
    manner = MANNERS[ways.manner]
    text = manner["session"].replace("{base}", base)
    for number, track in enumerate(tracks):
        text += _media(track, number, base, ways)
        if "twice" in ways.sdp and track.kind == "video":
            text += _media(track, number, base, ways)
    text += manner["more"].replace("{base}", base) + manner.get("end", "")
    return text if "lf" in ways.sdp else text.replace("\n", "\r\n")

