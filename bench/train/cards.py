"""Synthetic card payments that resemble the MLG-ULB data set: time, v1 … v28, amount. Nothing is taken from real rows.

A payment is drawn in these steps, all from one seeded numpy generator (PCG64):

1. time: seconds in two days, denser by day than by night; rows are sorted by it.
2. fraud: with probability FRAUD_RATE, half as dense by day, so that nights hold relatively more of it.
3. components: independent, centred, standard deviations falling from 1.95 (v1) to 0.33 (v28) as after a PCA; each row's scale is drawn
   from {1, 2.5} (5 % wide rows), which gives the heavy tails that make honest outliers.
4. a fraud belongs to one of four patterns, each with its own shift of some components; its strength is uniform in 0.15 … 1.3, so
   that weak frauds look honest.
5. amount: log-normal, whole cents; frauds of pattern 0 test cards with less than 2.00, those of pattern 3 take large sums.
6. MISSING_RATE of the components are missing (NaN), independently; time in 0.5 % of the rows; amount never.

Everything is rounded (components to 6 decimals, amount to cents, time to seconds) before it becomes float32, so that a last bit of a
libm does not matter.
"""

from __future__ import annotations

import numpy as np

FEATURE_NAMES = ["time", *(f"v{number}" for number in range(1, 29)), "amount"]
SOURCES = ["card.elapsed_seconds", *(f"card.v{number}" for number in range(1, 29)), "card.amount"]
# The amount of a payment is always known; a row without it is a mistake of the caller.
MISSING_REFUSED = {"amount"}

FRAUD_RATE = 0.006
MISSING_RATE = 0.004

_DEVIATIONS = 1.95 * np.power(0.33 / 1.95, np.arange(28) / 27)

# Component number (from 1) to shift, in units of its standard deviation.
_PATTERNS = [
    {4: 2.2, 11: 1.6, 12: -2.6, 14: -3.2, 10: -1.8},
    {3: -3.0, 7: -2.4, 14: -2.8, 16: -2.0, 17: -2.6},
    {1: -2.2, 2: 2.0, 9: -1.7, 12: -2.0, 21: 1.9},
    {4: 2.8, 8: 1.5, 14: -2.0, 19: 1.6, 27: 2.2, 28: 1.4},
]


def generate(row_count: int, seed: int, fraud_rate: float = FRAUD_RATE) -> tuple[np.ndarray, np.ndarray]:
    """Rows [row_count, 30] float32, NaN missing, sorted by time; labels [row_count], 1 is fraud."""
    random = np.random.default_rng(seed)
    labels = (random.random(row_count) < fraud_rate).astype(np.int8)
    seconds = _times(random, labels)
    scale = np.where(random.random(row_count) < 0.05, 2.5, 1.0)
    components = random.standard_normal((row_count, 28)) * scale[:, None]
    patterns = random.integers(0, len(_PATTERNS), row_count)
    strengths = random.uniform(0.15, 1.3, row_count) * labels
    for number, pattern in enumerate(_PATTERNS):
        for component, shift in pattern.items():
            components[:, component - 1] += np.where(patterns == number, strengths * shift, 0.0)
    components = np.round(components * _DEVIATIONS, 6)
    components[random.random(components.shape) < MISSING_RATE] = np.nan
    times = np.where(random.random(row_count) < 0.005, np.nan, seconds)
    rows = np.column_stack([times, components, _amounts(random, labels, patterns)])
    order = np.argsort(seconds, kind="stable")
    return rows[order].astype(np.float32), labels[order]


def _times(random: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """Whole seconds in two days; a time of night is drawn again, by half of the frauds and nearly all others."""
    seconds = random.integers(0, 172_800, labels.size)
    night = (seconds % 86_400) < 6 * 3600
    again = night & (random.random(labels.size) < np.where(labels == 1, 0.5, 0.85))
    day = random.integers(6 * 3600, 86_400, labels.size) + 86_400 * random.integers(0, 2, labels.size)
    return np.where(again, day, seconds).astype(np.float64)


def _amounts(random: np.random.Generator, labels: np.ndarray, patterns: np.ndarray) -> np.ndarray:
    cents = np.exp(random.normal(7.7, 1.3, labels.size))
    small = random.uniform(0, 200, labels.size)
    large = np.exp(random.normal(10.2, 0.7, labels.size))
    cents = np.where((labels == 1) & (patterns == 0), small, cents)
    cents = np.where((labels == 1) & (patterns == 3), large, cents)
    return np.round(np.minimum(cents, 2_500_000)) / 100
