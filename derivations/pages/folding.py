"""Long lines folded where the mathematics allows it: outside brackets first, before an operator."""

from __future__ import annotations

import re

INDENT = 2

# Where a line may end, by how much is separated there.
_RANKS = {"   ": 0, "; ": 1, " and ": 2, " if ": 2, ", ": 3, " ": 3, "·": 5, "/(": 5}
_PLACES = re.compile(r" {3}|; | if | and | [+−=] |, | |·|/\(")


def fold(text: str, width: int) -> str:
    """The text on lines no longer than ``width``, continuation lines indented."""
    lines: list[str] = []
    rest, room = text, width
    while len(rest) > room:
        at = _best(rest, room)
        lines.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
        room = width - INDENT
    lines.append(rest)
    return ("\n" + " " * INDENT).join(lines)


def _best(text: str, room: int) -> int:
    """Where to fold: at the shallowest bracket in the line's second half, as late as possible."""
    depths = []
    depth = 0
    for character in text:
        depth -= character in ")}]"
        depths.append(depth)
        depth += character in "({["
    places = []
    for match in _PLACES.finditer(text):
        start = match.start() + (match.group() in ("; ", ", "))  # a comma stays on its line
        if 0 < start <= room:
            places.append((depths[match.start()], _RANKS.get(match.group(), 4), -start))
    if not places:
        return room
    late = [place for place in places if -place[-1] >= room // 3]
    return -min(late or places)[-1]
