"""What the checks share: which files are the project's, C++ text without comments and strings, exceptions."""

import os
import re
import subprocess

CPP = (".cpp", ".hpp")


def root_of(arguments):
    """The checkout to look at: --root DIR (for the tests of the checks), else the one this file lies in."""
    if "--root" in arguments:
        return os.path.abspath(arguments[arguments.index("--root") + 1])
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def files(root):
    """Paths of the project's files below root, sorted: what git tracks or would track, else all there is."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z"],
                            capture_output=True, text=True)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
    else:
        names = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, found in os.walk(root) for name in found]
    return sorted({name for name in names if os.path.isfile(os.path.join(root, name))})


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


_NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^ ()\\\n]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"'
                       r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'", re.DOTALL)


def code_only(text, keep_includes=False):
    """The same text, line for line, with comments blanked and strings emptied."""
    def blank(match):
        found = match.group(0)
        if keep_includes and found.startswith('"'):
            start = text.rfind("\n", 0, match.start()) + 1
            if text[start:match.start()].strip() == "#include":
                return found
        lines = "\n" * found.count("\n")
        return lines if found.startswith("/") else '""' + lines
    return _NOT_CODE.sub(blank, text)


class Exceptions:
    """Rows `path rule [number] reason` of an exception file. A row nobody needs is itself a finding."""

    def __init__(self, root, path):
        self.path = path
        self.rows = {}
        self.used = set()
        self.broken = []
        if not os.path.exists(os.path.join(root, path)):
            return
        for number, line in enumerate(read(root, path).splitlines(), 1):
            if line.strip() and not line.startswith("#"):
                fields = line.split(None, 2)
                if len(fields) < 3:
                    self.broken.append(f"{path}:{number}: a row is: path, rule, reason")
                else:
                    self.rows[(fields[0], fields[1])] = (number, fields[2])

    def allow(self, path, rule):
        if (path, rule) in self.rows:
            self.used.add((path, rule))
            return True
        return False

    def bound(self, path, rule):
        """The number a row allows (its reason starts with it), or None."""
        if not self.allow(path, rule):
            return None
        first = self.rows[(path, rule)][1].split()[0]
        return int(first) if first.isdigit() else None

    def stale(self):
        return self.broken + [f"{self.path}:{self.rows[key][0]}: {key[0]} no longer needs the exception "
                              f"'{key[1]}': delete the row" for key in self.rows if key not in self.used]


def report(name, findings, passed):
    """Prints the findings and gives the exit code."""
    for line in findings:
        print(line)
    print(f"{name}: {len(findings)} findings" if findings else f"{name}: {passed}")
    return 1 if findings else 0
