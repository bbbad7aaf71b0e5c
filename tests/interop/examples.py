"""The programs of examples/, built and run as their README says; those with OpenCV where that is there."""

import os
import re
import subprocess

import camera
import node
from scenario import test

PATIENCE = 60
SIZE = (320, 180)
SHAPE = f"raw:-?size={SIZE[0]}x{SIZE[1]}&fps=30&format=bgr24"
PICTURES = 30
FOLDER = os.path.join(node.ROOT, "build/examples")


def built():
    """Builds what can be built here; the folder's programs by their names."""
    for command in (["cmake", "-S", os.path.join(node.ROOT, "examples"), "-B", FOLDER],
                    ["cmake", "--build", FOLDER]):
        run = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
    names = ("frames", "opencv_send", "opencv_receive")
    return {name: os.path.join(FOLDER, name) for name in names if os.path.exists(os.path.join(FOLDER, name))}


def piped(scene, first, second):
    """What the second of two programs says, which reads what the first one writes."""
    both = {"cwd": scene.folder, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(first, **both) as writer, \
            subprocess.Popen(second, **both, stdin=writer.stdout, text=True) as reader:
        writer.stdout.close()
        out, said = reader.communicate(timeout=PATIENCE)
        assert writer.wait(PATIENCE) == 0, writer.stderr.read().decode()
        assert reader.returncode == 0, said
        return out


@test()
def row_0_27_the_example_programs_are_built_and_carry_every_picture(scene):
    programs, millrace = built(), camera.program(scene)
    width, height = map(str, SIZE)
    piped(scene, [programs["frames"], width, height, str(PICTURES)],
          [millrace, "send", SHAPE, "file:frames.mp4"])
    received = subprocess.run([millrace, "receive", "frames.mp4", "--raw", "bgr24"], cwd=scene.folder,
                              capture_output=True, timeout=PATIENCE, check=True).stdout
    assert len(received) == PICTURES * SIZE[0] * SIZE[1] * 3, len(received)
    if "opencv_send" not in programs:
        return
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360", "-frames:v",
                    str(PICTURES), "-pix_fmt", "yuv420p", "film.mp4"], cwd=scene.folder, check=True,
                   timeout=PATIENCE)
    piped(scene, [programs["opencv_send"], "film.mp4", width, height],
          [millrace, "send", SHAPE, "file:edges.mp4", "--bitrate", "4M"])
    moved = piped(scene, [millrace, "receive", "edges.mp4", "--raw", "bgr24"],
                  [programs["opencv_receive"], width, height])
    steps = [float(step) for step in re.findall(r"picture \d+: ([\d.]+)", moved)]
    assert len(steps) == PICTURES - 1 and min(steps) > 0, moved
    picture = subprocess.run([millrace, "receive", "edges.mp4", "--raw", "rgb24", "--frames", "1"],
                             cwd=scene.folder, capture_output=True, timeout=PATIENCE, check=True).stdout
    red, green, blue = (picture[at::3] for at in range(3))
    edges = sum(g > 150 and r < 100 and b < 100 for r, g, b in zip(red, green, blue))
    assert edges > SIZE[0], f"{edges} pixels are green"
