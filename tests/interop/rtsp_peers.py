"""Foreign programs that speak RTSP: ffmpeg, GStreamer, gst-rtsp-server, mpv, OpenCV."""

import os
import subprocess

import clip as clips
import ledger
import node
import peers

# What ffmpeg says of every copy from RTSP: B-frames come without decode times.
HARMLESS = ("Timestamps are unset in a packet", "pts has no value", "Non-monotonous DTS", "deprecated pixel")


def url(scene, name="live/cam", who=""):
    return f"rtsp://{who}{scene.server.listeners['rtsp']}/{name}"


def ffmpeg_publish(path, to, folder, transport="tcp", codecs=("-c", "copy")):
    return peers.Program("ffmpeg-rtsp-publish", [
        "ffmpeg", "-v", "warning", "-nostdin", "-re", "-i", path, "-map", "0", *codecs, "-f", "rtsp",
        "-rtsp_transport", transport, to], folder)


class FfmpegCopy(peers.Program):
    """ffmpeg copies what it plays into a file, until the end or until it is stopped."""

    def __init__(self, address, folder, transport="tcp", ending="mkv", more=()):
        self.folder, self.path = folder, os.path.join(folder, f"copied-{transport}.{ending}")
        super().__init__(f"ffmpeg-{transport}", [
            "ffmpeg", "-v", "warning", "-nostdin", "-y", "-rtsp_transport", transport, *more, "-i", address,
            "-map", "0", "-c", "copy", "-flush_packets", "1", self.path], folder)

    def size(self):
        """Bytes that it has kept so far."""
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def complaints(self):
        return [line for line in self.said().splitlines() if not any(word in line for word in HARMLESS)]

    def frames(self):
        """What it kept; sound and pictures, in the order of each."""
        copy = self.path + ".mp4"
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", self.path, "-map", "0", "-c", "copy", copy],
                       capture_output=True, timeout=60, check=True)
        return ledger.of_clip(clips.read(copy))


def gst_publish(clip, to, folder):
    parse, form = ("h265parse", "h265") if clip.video_codec == "hvc1" else ("h264parse", "h264")
    return peers.Program("gst-rtspclientsink", [
        "gst-launch-1.0", "-q", "filesrc", f"location={clip.path}", "!", "qtdemux", "name=d",
        "rtspclientsink", "name=s", f"location={to}", "protocols=tcp",
        "d.video_0", "!", "queue", "!", parse, "!", f"video/x-{form},alignment=au", "!", "s.",
        "d.audio_0", "!", "queue", "!", "aacparse", "!", "s."], folder)


class GstPlay(peers.Program):
    """rtspsrc, whose pictures go into a byte stream."""

    def __init__(self, address, folder, protocols="tcp", more=()):
        self.path = os.path.join(folder, f"gst-{protocols}.h264")
        super().__init__(f"gst-rtspsrc-{protocols}", [
            "gst-launch-1.0", "-q", "rtspsrc", f"location={address}", f"protocols={protocols}", "latency=200",
            *more, "name=s", "s.", "!", "application/x-rtp,media=video", "!", "rtph264depay", "!",
            "h264parse", "!", "video/x-h264,stream-format=byte-stream,alignment=au", "!", "filesink",
            "buffer-mode=unbuffered", f"location={self.path}"], folder)

    def frames(self):
        """Pictures; the last may be cut."""
        if not os.path.exists(self.path):
            return []
        with open(self.path, "rb") as file:
            return ledger.of_annex_b(file.read())[:-1]


class GstCamera(peers.Program):
    """gst-rtsp-server, a path for each pipeline."""

    def __init__(self, folder, *launches):
        super().__init__("gst-rtsp-server", ["/usr/bin/python3", os.path.join(
            node.ROOT, "tests/interop/gst_camera.py"), *launches], folder)
        said = node.until(lambda: self.said().split() or self.process.poll() is not None, node.START_SECONDS,
                          "gst-rtsp-server says its port")
        assert said is not True, self.said()
        self.port = int(said[0])

    def url(self, number=0):
        return f"rtsp://127.0.0.1:{self.port}/{number}"


def of_clip(clip):
    """A pipeline that shows a clip of H.264 or H.265 with AAC."""
    form = "h265" if clip.video_codec == "hvc1" else "h264"
    return (f"( filesrc location={clip.path} ! qtdemux name=d d.video_0 ! queue ! {form}parse ! "
            f"rtp{form}pay name=pay0 pt=96 config-interval=-1 d.audio_0 ! queue ! aacparse ! "
            "rtpmp4gpay name=pay1 pt=97 )")


# Without the format its encoder makes 4:4:4, for which RFC 2435 has no words.
JPEG_WITH_SOUND = (
    "( videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 ! jpegenc ! "
    "rtpjpegpay name=pay0 pt=26 audiotestsrc is-live=true ! audio/x-raw,rate=8000,channels=1 ! mulawenc ! "
    "rtppcmupay name=pay1 pt=0 )")


def into_file(path):
    """A pipeline that takes H.264 with AAC, and keeps the pictures."""
    return ("( rtph264depay name=depay0 ! h264parse ! video/x-h264,stream-format=byte-stream,alignment=au ! "
            f"filesink buffer-mode=unbuffered location={path} rtpmp4gdepay name=depay1 ! fakesink )")


OPENCV = """
import cv2, sys
capture = cv2.VideoCapture(sys.argv[1], cv2.CAP_FFMPEG)
assert capture.isOpened(), "it does not open"
for _ in range(int(sys.argv[2])):
    good, picture = capture.read()
    assert good, "a picture does not come"
    sys.stdout.buffer.write(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).tobytes())
"""


def opencv(address, count, transport="tcp"):
    """So many grey pictures, as one run of bytes."""
    run = subprocess.run(["/usr/bin/python3", "-c", OPENCV, address, str(count)], capture_output=True,
                         timeout=60, check=False,
                         env=os.environ | {"OPENCV_FFMPEG_CAPTURE_OPTIONS": f"rtsp_transport;{transport}"})
    assert run.returncode == 0, run.stderr.decode("utf-8", "replace")
    return run.stdout
