"""What a measurement found: a table to read, JSON with machine and commit, and a picture (SVG)."""

import datetime
import json
import os
import platform
import subprocess

import running

FOLDER = os.path.join(running.ROOT, "build/bench")
BAR, GAP, LABEL, WIDTH, VALUE = 22, 8, 230, 420, 90
OURS, CEILING, PEER = "#2f7d6b", "#9aa3ad", "#c08a3e"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    return {"processor": model, "cores": os.cpu_count(), "kernel": platform.release()}


def commit():
    said = subprocess.run(["git", "-C", running.ROOT, "rev-parse", "--short", "HEAD"], capture_output=True,
                          text=True)
    return said.stdout.strip()


def table(rows, columns):
    """Markdown; `columns` is [(title, row -> text)]."""
    lines = [[title for title, _ in columns]] + [[text(row) for _, text in columns] for row in rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    told = ["| " + " | ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)) + " |"
            for line in lines]
    told.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(told)


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def bars(title, unit, values):
    """An SVG of horizontal bars; `values` is [(label, number, kind)], kind one of ours, ceiling, peer."""
    colours = {"ours": OURS, "ceiling": CEILING, "peer": PEER}
    most = max((number for _, number, _ in values), default=1) or 1
    height = 40 + len(values) * (BAR + GAP)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABEL + WIDTH + VALUE}" height="{height}" '
             'font-family="sans-serif" font-size="13">',
             f'<rect width="100%" height="100%" fill="#ffffff"/>'
             f'<text x="10" y="22" font-weight="bold">{escaped(title)} ({escaped(unit)})</text>']
    for at, (label, number, kind) in enumerate(values):
        top = 36 + at * (BAR + GAP)
        wide = max(1, WIDTH * number / most)
        parts.append(f'<text x="{LABEL - 8}" y="{top + 16}" text-anchor="end">{escaped(label)}</text>'
                     f'<rect x="{LABEL}" y="{top}" width="{wide:.1f}" height="{BAR}" rx="3" '
                     f'fill="{colours[kind]}"/>'
                     f'<text x="{LABEL + wide + 6:.1f}" y="{top + 16}">{number:.3g}</text>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def keep(name, rows, pictures=()):
    """Writes build/bench/NAME.json and NAME-PICTURE.svg; `pictures` is [(name, title, unit, values)]."""
    os.makedirs(FOLDER, exist_ok=True)
    found = {"measured": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
             "commit": commit(), "machine": machine(), "rows": rows}
    with open(os.path.join(FOLDER, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(found, file, indent=2)
    for picture, title, unit, values in pictures:
        with open(os.path.join(FOLDER, f"{name}-{picture}.svg"), "w", encoding="utf-8") as file:
            file.write(bars(title, unit, values))
