"""Pictures: JPEGs of what the server sends, and sources that are pictures themselves."""

import os
import struct
import subprocess

from link import (DTS, END, FAULT, PAYLOAD, PICTURE_WIDTH, PTS, SMALL, TRACK, UNIT, VIDEO, Child, faulty,
                  shortened, stopped)


def recorded(child, folder, source, pictures):
    """The bodies of the track and of the first so many pictures that a camera or a file gives."""
    other = os.path.join(folder, "other")
    os.mkdir(other)
    camera = Child(child.program, other)
    camera.start(source)
    tracks, units = [], []
    for kind, body in camera.messages():
        if kind == TRACK and body[0] == VIDEO and body[2] != 255:
            tracks.append(body)
        elif kind == UNIT and body[0] == VIDEO:
            units.append(body)
            if len(units) == pictures:
                break
    camera.gone()
    assert len(units) == pictures and len(tracks) == 1, f"{len(units)} pictures and {len(tracks)} tracks came"
    return tracks[0], units


def answers(child, count):
    """So many pictures or faults of a maker of pictures: (pts, JPEG) or words."""
    found = []
    for kind, body in child.messages():
        if kind == UNIT:
            found.append((struct.unpack(">q", body[PTS])[0], body[PAYLOAD:]))
        elif kind == FAULT:
            found.append(body[1:].decode())
        if len(found) == count:
            return found
    raise AssertionError(f"the child ended after {len(found)} of {count} answers")


def pts_of(unit):
    return struct.unpack(">q", unit[PTS])[0]


def grey_of(jpeg):
    """Width, height and luma of a JPEG as ffmpeg decodes it."""
    probe = subprocess.run(["ffprobe", "-v", "error", "-f", "mjpeg", "-i", "-", "-show_entries",
                            "stream=width,height", "-of", "csv=p=0"], input=jpeg, capture_output=True,
                           check=True, timeout=60)
    width, height = (int(part) for part in probe.stdout.decode().split("\n")[0].split(",")[:2])
    made = subprocess.run(["ffmpeg", "-v", "error", "-f", "mjpeg", "-i", "-", "-f", "rawvideo", "-pix_fmt",
                           "gray", "-"], input=jpeg, capture_output=True, check=True, timeout=60)
    assert len(made.stdout) == width * height, (len(made.stdout), width, height)
    return width, height, made.stdout


def stamp_of(jpeg):
    """The number of the picture, from the synthetic camera's stamp, at full size."""
    width, _, luma = grey_of(jpeg)
    side = 16 if width >= 512 else 8
    bits = [luma[side // 2 * width + side // 2 + side * bit] > 128 for bit in range(32)]
    return int("".join("1" if bit else "0" for bit in bits), 2)


def pictures_of(codec, child, folder):
    track, units = recorded(child, folder, SMALL + f"&audio=none&codec={codec}", 30)
    child.start("jpeg:")
    child.say(TRACK, track)
    for unit in units:
        child.say(UNIT, unit)
    made = answers(child, 30)
    assert [pts for pts, _ in made] == [pts_of(unit) for unit in units]
    for number in (0, 1, 17, 29):
        jpeg = made[number][1]
        assert jpeg[:2] == b"\xff\xd8" and jpeg[-2:] == b"\xff\xd9" and jpeg[6:10] == b"JFIF"
        assert stamp_of(jpeg) == number, (number, stamp_of(jpeg))
    stopped(child)


def all_pictures_of_an_h264_stream(child, folder):
    pictures_of("h264", child, folder)


def all_pictures_of_an_h265_stream(child, folder):
    pictures_of("h265", child, folder)


def pictures_of_reordered_frames_come_in_order_of_showing(child, folder):
    track, units = recorded(child, folder, f"file:{shortened(folder, 'bframes')}", 25)
    shown = sorted(pts_of(unit) for unit in units)
    assert shown != [pts_of(unit) for unit in units], "this clip has no B frames"
    child.start("jpeg:?width=160&quality=50")
    child.say(TRACK, track)
    for unit in units:
        child.say(UNIT, unit)
    made = answers(child, 20)
    assert [pts for pts, _ in made] == shown[:20]
    assert grey_of(made[3][1])[:2] == (160, 90)
    stopped(child)


def fewer_and_smaller_pictures(child, folder):
    track, units = recorded(child, folder, SMALL + "&audio=none", 26)
    child.start("jpeg:?width=96&height=54&fps=5&quality=30")
    child.say(TRACK, track)
    for unit in units:
        child.say(UNIT, unit)
    made = answers(child, 6)
    assert [pts for pts, _ in made] == [pts_of(unit) for unit in units[::5]]
    assert grey_of(made[0][1])[:2] == (96, 54) and len(made[0][1]) < 4000
    stopped(child)


def pictures_of_pictures(child, folder):
    """JPEGs of its own are taken by the next one: an MJPEG stream in another size."""
    track, units = recorded(child, folder, SMALL + "&audio=none", 3)
    child.start("jpeg:?quality=95")
    child.say(TRACK, track)
    for unit in units:
        child.say(UNIT, unit)
    kinds = {TRACK: [], UNIT: []}
    for kind, body in child.messages():
        kinds.setdefault(kind, []).append(body)
        if len(kinds[UNIT]) == 3:
            break
    other = os.path.join(folder, "second")
    os.mkdir(other)
    second = Child(child.program, other)
    second.start("stills:")
    second.command(PICTURE_WIDTH, 160)
    second.say(TRACK, kinds[TRACK][0])
    second.say(UNIT, kinds[UNIT][0])
    [(_, jpeg)] = answers(second, 1)
    assert grey_of(jpeg)[:2] == (160, 90)
    stopped(second)
    assert second.gone() == "" and second.code == 0
    stopped(child)


def broken_units_cost_pictures_and_nothing_else(child, folder):
    track, units = recorded(child, folder, SMALL + "&audio=none&gop=200ms", 60)
    child.start("jpeg:")
    child.say(TRACK, track)
    for index, unit in enumerate(units):
        if 10 <= index < 20:
            noise = bytes(byte ^ (0xA5 if at % 7 == 6 else 0) for at, byte in enumerate(unit[PAYLOAD + 4:]))
            unit = unit[:PAYLOAD] + struct.pack(">I", len(noise)) + noise      # as one NAL unit
        child.say(UNIT, unit)
    found = []
    while not found or found[-1][0] != pts_of(units[-1]):
        found += answers(child, 1)
    assert all(pts_of(units[index]) in dict(found) for index in list(range(10)) + list(range(25, 60)))
    assert stamp_of(dict(found)[pts_of(units[59])]) == 59
    stopped(child)


def stills_of_many_streams(child, folder):
    """Key frames of several streams, one after the other, each in the width that was said before it."""
    os.mkdir(os.path.join(folder, "a"))
    os.mkdir(os.path.join(folder, "b"))
    h264 = recorded(child, os.path.join(folder, "a"), SMALL + "&audio=none", 1)
    h265 = recorded(child, os.path.join(folder, "b"), SMALL + "&audio=none&codec=h265", 1)
    child.start("stills:?quality=70")
    for width, (track, units) in ((0, h264), (160, h265), (240, h264), (9999, h265)):
        child.command(PICTURE_WIDTH, width)
        child.say(TRACK, track)
        child.say(UNIT, units[0])
        [(pts, jpeg)] = answers(child, 1)
        assert pts == pts_of(units[0])
        width = 320 if width in (0, 9999) else width
        assert grey_of(jpeg)[:2] == (width, {320: 180, 240: 134, 160: 90}[width]), grey_of(jpeg)[:2]
    stopped(child)


def stills_of_what_is_no_picture_are_refused_in_words(child, folder):
    track, units = recorded(child, folder, SMALL + "&audio=none", 2)
    child.start("stills:")
    child.say(TRACK, track)
    broken = units[0][:PAYLOAD] + struct.pack(">I", 400) + bytes(index * 89 & 0xFF for index in range(400))
    child.say(UNIT, broken)
    child.say(UNIT, units[1])
    child.say(UNIT, units[0])
    found = answers(child, 3)
    assert "cannot be decoded" in found[0] and "key frame" in found[1], found
    assert grey_of(found[2][1])[:2] == (320, 180), "the next one is not made"
    stopped(child)


def pictures_of_an_unknown_kind(child, folder):
    faulty(child, "jpeg:?colour=red", "no such option")


def jpegs(folder, count):
    """So many pictures that differ, as files."""
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=1", "-frames:v",
                    str(count), os.path.join(folder, "%d.jpg")], check=True, timeout=60)
    return [os.path.join(folder, f"{number + 1}.jpg") for number in range(count)]


def row_2_4_images_repeat_in_order(child, folder):
    paths = jpegs(folder, 3)
    files = [open(path, "rb").read() for path in paths]
    child.start(f"images:{','.join(paths)}?fps=10")
    units = child.units(7)
    assert [unit[2] for unit in units] == [files[number % 3] for number in range(7)]
    assert [unit[1] for unit in units] == [number * 9000 for number in range(7)]
    assert all(unit[0] & 1 for unit in units), "each is a key frame"
    stopped(child)


def an_image_that_is_not_there(child, folder):
    faulty(child, f"images:{jpegs(folder, 1)[0]},{folder}/none.jpg", "none.jpg: No such file")


def an_image_that_is_none(child, folder):
    with open(os.path.join(folder, "bad.jpg"), "wb") as file:
        file.write(b"\xff\xd8\xff\xe0 this is no picture")
    faulty(child, f"images:{folder}/bad.jpg", "bad.jpg is no JPEG")


def mjpeg_in(ending, child, folder):
    """Each picture of the file as it stands there."""
    made = jpegs(folder, 5)
    path = os.path.join(folder, "pictures" + ending)
    subprocess.run(["ffmpeg", "-v", "error", "-framerate", "25", "-i", os.path.join(folder, "%d.jpg"), "-c:v",
                    "copy", path], check=True, timeout=60)
    child.start("file:" + path)
    found = child.rest()
    assert END in found and FAULT not in found, found.get(FAULT)
    assert [unit[PAYLOAD:] for unit in found[UNIT]] == [open(name, "rb").read() for name in made]
    times = [struct.unpack(">q", unit[DTS])[0] for unit in found[UNIT]]
    assert [after - before for before, after in zip(times, times[1:])] == [3600] * 4, times


def a_file_of_mjpeg_in_avi(child, folder):
    mjpeg_in(".avi", child, folder)


def a_file_of_mjpeg_in_mov(child, folder):
    mjpeg_in(".mov", child, folder)


def a_file_of_mjpeg_in_matroska(child, folder):
    mjpeg_in(".mkv", child, folder)


TESTS = [all_pictures_of_an_h264_stream, all_pictures_of_an_h265_stream,
         pictures_of_reordered_frames_come_in_order_of_showing, fewer_and_smaller_pictures,
         row_2_4_images_repeat_in_order, an_image_that_is_not_there, an_image_that_is_none,
         a_file_of_mjpeg_in_avi, a_file_of_mjpeg_in_mov, a_file_of_mjpeg_in_matroska, pictures_of_pictures,
         broken_units_cost_pictures_and_nothing_else, stills_of_many_streams,
         stills_of_what_is_no_picture_are_refused_in_words, pictures_of_an_unknown_kind]
