"""The results as one SVG: a bar a server, decisions a second on a logarithmic axis, at 64 connections where that was measured."""

from __future__ import annotations

import math
import statistics
from html import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 250, 110, 34, 46
POINT = (64, 1)
STYLE = (
    "text{font:13px system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#5d6b7c}.name{fill:#1b2430}.bar{fill:#9fb3c8}.own{fill:#1565c0}"
    ".limit{fill:#d9c7a8}.grid{stroke:#dfe4ea}.page{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#93a1b3}.name{fill:#e4e9f0}.bar{fill:#4a5b6e}.own{fill:#64b5f6}.limit{fill:#6b5d42}"
    ".grid{stroke:#2c3541}.page{fill:#1a2029}}"
)


def svg(results: list[dict], titles: dict[str, str]) -> str:
    measured = {(r["connections"], r["depth"]) for r in results}
    point = POINT if POINT in measured else max(measured)
    rates: dict[str, float] = {}
    for name in dict.fromkeys(r["peer"] for r in results):
        values = [r["per_second"] for r in results if r["peer"] == name and (r["connections"], r["depth"]) == point]
        if values:
            rates[name] = statistics.median(values)
    order = sorted(rates, key=lambda name: -rates[name])
    low = math.floor(math.log10(min(rates.values())))
    high = math.log10(max(rates.values()) * 1.3)
    height = TOP + ROW * len(order) + 34

    def place(rate: float) -> float:
        return LEFT + (math.log10(rate) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="Decisions a second">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="10"/>',
        f'<text class="name" x="16" y="27">Decisions a second, {point[0]} connections with {point[1]} in flight each, one core (logarithmic)</text>',
    ]
    for power in range(low, math.floor(high) + 1):
        x = place(10**power)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 4}" y2="{height - 28}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - 10}" text-anchor="middle">{10**power:,}</text>')
    for index, name in enumerate(order):
        y = TOP + index * ROW
        kind = {"assay": "own", "echo": "limit"}.get(name, "bar")
        parts.append(f'<text class="name" x="{LEFT - 10}" y="{y + 17}" text-anchor="end">{escape(titles[name])}</text>')
        parts.append(f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{place(rates[name]) - LEFT:.1f}" height="24" rx="3"/>')
        parts.append(f'<text x="{place(rates[name]) + 8:.1f}" y="{y + 17}">{rates[name]:,.0f}</text>')
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
