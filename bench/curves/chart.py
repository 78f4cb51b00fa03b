"""The curves as one SVG: a panel a curve, decisions a second on the left axis, p50, p99 and p99.9 on the right one, all axes logarithmic."""

from __future__ import annotations

import math

PANEL_WIDTH, PANEL_HEIGHT, COLUMNS = 480, 270, 2
LEFT, RIGHT, TOP, BOTTOM = 58, 58, 44, 38
TITLES = {
    "features": "Features", "trees": "Trees", "depth": "Depth", "bundles": "Bundles loaded", "batch": "Rows of a request", "connections": "Connections",
    "load": "Share of the peak rate (open loop)",
}
LATENCIES = [("p50_us", "p50"), ("p99_us", "p99"), ("p99_9_us", "p99.9")]
BESIDE = [("unaudited_per_second", "unaudited"), ("engine_per_second", "engine"), ("xgboost_per_second", "xgboost")]
STYLE = (
    "text{font:11px system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#5d6b7c}.name{font-size:13px;fill:#1b2430}.page{fill:#fff}"
    ".grid{stroke:#dfe4ea}polyline{fill:none;stroke-width:2}.rate{stroke:#1565c0;stroke-width:3}.p50{stroke:#7cb342}.p99{stroke:#ef8f00}"
    ".p99-9{stroke:#c62828}.engine{stroke:#1565c0;stroke-dasharray:2 4}.unaudited{stroke:#1565c0;stroke-width:1}.xgboost{stroke:#6d4c41;stroke-dasharray:6 4}"
    "@media(prefers-color-scheme:dark){text{fill:#93a1b3}.name{fill:#e4e9f0}.page{fill:#1a2029}.grid{stroke:#2c3541}.rate,.engine,.unaudited{stroke:#64b5f6}"
    ".xgboost{stroke:#bcaaa4}}"
)
Points = dict[float, dict[str, float]]


class Axis:
    """Logarithmic, from one place of the page to another."""

    def __init__(self, values: list[float], start: float, end: float, whole: bool) -> None:
        self.low, self.high = math.log10(min(values)), math.log10(max(values))
        if whole:
            self.low, self.high = math.floor(self.low), math.ceil(self.high)
        if self.high == self.low:
            self.high += 1
        self.start, self.end = start, end

    def place(self, value: float) -> float:
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)

    def powers(self) -> list[float]:
        return [10.0**power for power in range(math.floor(self.low), math.ceil(self.high) + 1)]


def number(value: float) -> str:
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


def panel(curve: str, points: Points, x0: float, y0: float) -> list[str]:
    beside = [(key, kind) for key, kind in BESIDE if key in next(iter(points.values()))]
    across = Axis(list(points), x0 + LEFT, x0 + PANEL_WIDTH - RIGHT, whole=False)
    bottom, top = y0 + PANEL_HEIGHT - BOTTOM, y0 + TOP
    rates = Axis([figures[key] for figures in points.values() for key in ["per_second", *(key for key, _ in beside)]], bottom, top, whole=True)
    times = Axis([figures[key] for figures in points.values() for key, _ in LATENCIES], bottom, top, whole=True)
    parts = [f'<text class="name" x="{x0 + LEFT}" y="{y0 + 22}">{TITLES[curve]}</text>']
    for value in rates.powers():
        y = rates.place(value)
        parts.append(f'<line class="grid" x1="{across.start}" x2="{across.end}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{across.start - 8}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    for value in times.powers():
        parts.append(f'<text x="{across.end + 8}" y="{times.place(value) + 4:.1f}">{number(value)} us</text>')
    for value in points:
        parts.append(f'<text x="{across.place(value):.1f}" y="{bottom + 18}" text-anchor="middle">{number(value)}</text>')

    def line(axis: Axis, key: str, kind: str) -> str:
        places = " ".join(f"{across.place(point):.1f},{axis.place(figures[key]):.1f}" for point, figures in points.items())
        return f'<polyline class="{kind}" points="{places}"/>'

    parts += [line(times, key, name.replace(".", "-")) for key, name in LATENCIES]
    parts += [line(rates, key, kind) for key, kind in beside]
    return parts + [line(rates, "per_second", "rate")]


def svg(curves: dict[str, Points]) -> str:
    height = 40 + PANEL_HEIGHT * math.ceil(len(curves) / COLUMNS)
    width = PANEL_WIDTH * COLUMNS
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="Throughput and latency as the work grows">',
        f'<style>{STYLE}</style><rect class="page" width="{width}" height="{height}" rx="10"/>',
    ]
    legend = [("rate", "decisions/s (left)"), ("p50", "p50"), ("p99", "p99"), ("p99-9", "p99.9 (right)")]
    if "batch" in curves:
        legend += [("unaudited", "audit off"), ("engine", "engine in process"), ("xgboost", "XGBoost in process")]
    x = float(LEFT)
    for kind, name in legend:
        parts.append(f'<polyline class="{kind}" points="{x},22 {x + 24},22"/><text x="{x + 30}" y="26">{name}</text>')
        x += 46 + 6.2 * len(name)
    for index, (curve, points) in enumerate(curves.items()):
        parts += panel(curve, points, index % COLUMNS * PANEL_WIDTH, 34 + index // COLUMNS * PANEL_HEIGHT)
    return "\n".join([*parts, "</svg>"]) + "\n"
