"""A fake camera by hand, until Ctrl-C."""

import argparse
import ast
import os
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(os.path.dirname(HERE), "interop")]

import clip      # noqa: E402
import fake_camera      # noqa: E402


def main():
    parser = argparse.ArgumentParser(prog="python3 -m fake_camera")
    parser.add_argument("clip", nargs="?", default="plain", help="of tests/interop/clip.py")
    parser.add_argument("--count", type=int, default=1, help="so many cameras, a line each")
    parser.add_argument("ways", nargs="*", help="fields of fake_camera.Ways: junk=True sdp=('lf',)")
    said = parser.parse_intermixed_args()
    folder = os.path.join(HERE, "../../build/interop_clips")
    tracks = fake_camera.of_clip(clip.make(folder, said.clip))
    ways = {}
    for word in said.ways:
        name, _, value = word.partition("=")
        ways[name] = ast.literal_eval(value)
    cameras = [fake_camera.Camera(tracks, fake_camera.Ways(**ways)) for _ in range(said.count)]
    for camera in cameras:
        print(camera.url(), flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        for camera in cameras:
            camera.power_off()


main()
