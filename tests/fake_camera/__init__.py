"""An RTSP camera for tests, which misbehaves on purpose: see README.md."""

from fake_camera.camera import Camera
from fake_camera.tracks import aac_of, g711_of, jpeg_of, opus_of, ts_of, video_of
from fake_camera.ways import Ways

__all__ = ["Camera", "Ways", "aac_of", "g711_of", "jpeg_of", "of_clip", "opus_of", "ts_of",
           "video_of"]


def of_clip(clip):
    """Both tracks of a clip of tests/interop/clip.py."""
    return [video_of(clip), aac_of(clip)]
