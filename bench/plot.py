"""A picture of cost against the size of the log, both on logarithmic scales."""

import math

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 20, 50
LINES = (
    ("sdk/parse", "the SDK parses the event", "#888888"),
    ("ours/pass", "our pass", "#1b6ac9"),
    ("ours/find", "our search for the checkpoint", "#38a169"),
    ("ours/decide", "our decision", "#b7791f"),
    ("python/parse", "Python parses the event", "#c53030"),
    ("python/find", "Python's search", "#d53f8c"),
    ("python/decide", "ddtrace's decision", "#805ad5"),
)


def draw(took, sizes):
    """SVG of nanoseconds by operations."""
    values = [took[f"{row}/{size}"] for row, *_ in LINES for size in sizes]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(size):
        share = math.log10(size / sizes[0]) / math.log10(sizes[-1] / sizes[0])
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - (math.log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" role="img">',
        "<title>Time against operations in the log</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for power in range(low, high + 1):
        place = y(10**power)
        label = f"{10 ** (power % 3)} {('ns', 'µs', 'ms', 's')[power // 3]}"
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{place:.1f}" y2="{place:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{label}</text>')
    for size in sizes:
        parts.append(f'<text x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{size:,}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">operations in the log</text>')
    ends = []
    for row, name, color in LINES:
        points = " ".join(f"{x(size):.1f},{y(took[f'{row}/{size}']):.1f}" for size in sizes)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>')
        ends.append([y(took[f"{row}/{sizes[-1]}"]), name, color])
    # Labels that would lie on each other are moved apart.
    ends.sort()
    for above, below in zip(ends, ends[1:]):
        below[0] = max(below[0], above[0] + 15)
    for place, name, color in ends:
        parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{place + 4:.1f}" fill="{color}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])
