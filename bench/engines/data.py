"""Synthetic transactions for the engine comparison: rows and labels, from a seed.

Numeric columns cycle through four shapes (normal, log-normal, integer counts, uniform); a third of them carries the label through steps,
products and a sine, so that trees have something to find at every depth. Categories fall off like 1/rank. Where asked for, 5 % of the
numeric values are missing (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MISSING_SHARE = 0.05
LABEL_NOISE = 1.0


@dataclass
class Table:
    """Rows [rows, features] float32, categories last, and labels [rows] of 0 and 1."""

    rows: np.ndarray
    labels: np.ndarray


def numeric_columns(generator: np.random.Generator, row_count: int, count: int) -> np.ndarray:
    columns = []
    for index in range(count):
        draw = generator.normal(size=row_count)
        shape = index % 4
        if shape == 1:
            draw = np.exp(draw)
        elif shape == 2:
            draw = np.floor(np.exp(1.5 + draw))
        elif shape == 3:
            draw = generator.random(row_count)
        columns.append(draw)
    return np.stack(columns, axis=1).astype(np.float32)


def category_columns(generator: np.random.Generator, row_count: int, cardinalities: list[int]) -> np.ndarray:
    columns = []
    for cardinality in cardinalities:
        weights = 1 / np.arange(1, cardinality + 1)
        columns.append(generator.choice(cardinality, size=row_count, p=weights / weights.sum()))
    return np.array(columns, dtype=np.float32).reshape(len(cardinalities), row_count).T


def standardized(columns: np.ndarray) -> np.ndarray:
    return np.asarray((columns - columns.mean(axis=0)) / columns.std(axis=0))


def table(row_count: int, seed: int, numeric_count: int, cardinalities: list[int], missing: bool) -> Table:
    """`row_count` rows of `numeric_count` numbers and one column for each cardinality."""
    # What the label depends on is the same for every seed: tables of one shape are drawn from one distribution.
    rule = np.random.default_rng(numeric_count)
    weights = rule.normal(size=numeric_count)
    effects = [rule.normal(size=cardinality) for cardinality in cardinalities]
    generator = np.random.default_rng(seed)
    numbers = numeric_columns(generator, row_count, numeric_count)
    categories = category_columns(generator, row_count, cardinalities)
    z = standardized(numbers)
    score = z[:, ::3] @ weights[::3] + 1.5 * np.sin(3 * z[:, 0]) + z[:, 3] * z[:, 4] + 1.5 * (z[:, 5] > 0.3) * (z[:, 6] < 0.5)
    for column, effect in zip(categories.T, effects):
        score += effect[column.astype(int)]
    labels = (score + LABEL_NOISE * generator.logistic(size=row_count) > 0.5).astype(np.int32)
    if missing:
        numbers[generator.random(numbers.shape) < MISSING_SHARE] = np.nan
    return Table(np.ascontiguousarray(np.hstack([numbers, categories]), dtype=np.float32), labels)
