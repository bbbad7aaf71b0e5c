"""The rules of HLS (RFC 8216), held against a live server: polls its lists, downloads and measures its media.

`Watch(url)` polls in a thread of its own until `stop()`, which gives the findings. Command line: `run`.
"""

from .watch import Watch      # noqa: F401
