"""A model as its framework's reader describes it: the bundle's canonical form, before it is packed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

IDENTITY, LOGISTIC, EXPONENTIAL, STEP, SOFTMAX, ARGMAX, SOFTPLUS, SIGNED_SQUARE, ISOLATION = range(1, 10)

#: How a number becomes a category: its whole part, from 0 on (XGBoost) or from above -1 on (LightGBM).
FROM_ZERO, TOWARD_ZERO = 1, 2


@dataclass(frozen=True)
class Transform:
    """How raw scores become outputs; docs/BUNDLE.md has the formulas."""

    kind: int = IDENTITY
    divisor: float = 1.0
    scale: float = 1.0
    offset: float = 0.0


@dataclass
class Tree:
    """One tree: parallel arrays, one element a node; the root is node 0.

    A row goes left if its feature is below the threshold; a node with categories sends members right and everything else left.
    """

    #: -1 for a leaf.
    left: Array
    right: Array
    feature: Array
    threshold: Array
    missing_left: Array
    #: `[nodes, leaf width]`, of meaning for leaves.
    values: Array
    #: The raw score it adds to; 0 when leaves are as wide as the raw scores.
    output: int = 0
    #: What the framework calls each node; None: its index.
    numbers: Optional[Array] = None
    covers: Optional[Array] = None
    #: Ascending categories of the nodes that test some.
    categories: Dict[int, Tuple[int, ...]] = field(default_factory=dict)

    def test_nothing_but_missing(self, node: int) -> None:
        """Makes a split send all values left and a missing one right: the empty set of categories."""
        self.categories[node] = ()
        self.threshold[node] = 0.0


@dataclass
class Ensemble:
    """Trees, or the weights of a linear model, and the arithmetic of their framework."""

    feature_count: int
    base_margins: List[float]
    transform: Transform
    trees: List[Tree] = field(default_factory=list)
    leaf_width: int = 1
    #: What features are rounded to before they are compared, and what is summed up: float32 or float64.
    feature_type: Any = np.float32
    sum_type: Any = np.float32
    flushes_tiny: bool = False
    category_rule: int = FROM_ZERO
    zero_is_missing: FrozenSet[int] = frozenset()
    #: `[raw scores, features]`
    weights: Optional[Array] = None
    #: Means and scales.
    scaler: Optional[Tuple[Array, Array]] = None

    @property
    def raw_count(self) -> int:
        return len(self.base_margins)

    @property
    def output_count(self) -> int:
        return 1 if self.transform.kind == ARGMAX else self.raw_count

    @property
    def travel_type(self) -> Any:
        """What features travel in."""
        return np.float64 if self.scaler is not None else self.feature_type


@dataclass(frozen=True)
class Policy:
    review: float = float("inf")
    decline: float = float("inf")
    deciding_output: int = 0


APPROVE_ALL = Policy()
PROBABILITY = Policy(0.5, 0.9)
LOG_ODDS = Policy(0.0, 2.1972245773362196)


@dataclass
class Golden:
    """What the framework gives for some rows, as float64."""

    #: None: the framework does not tell.
    raw: Optional[Array]
    outputs: Array


@dataclass
class Model:
    """A fitted model, read."""

    ensemble: Ensemble
    objective: str
    policy: Policy
    #: Where it comes from.
    provenance: List[Tuple[str, str]]
    #: Rows of the caller's X as they are, and as the numbers that the bundle takes, to what the framework itself makes of them.
    predict: Callable[[Any, Array], Golden]
    #: The names that the model was trained with, if it knows.
    feature_names: Optional[Sequence[str]] = None
    #: The values that the codes of each categorical feature stand for, where the model knows them.
    categories: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    #: Whether the framework takes the codes of other columns of pandas' category type.
    encodes_categories: bool = False
    #: Features that are categorical, whether or not a tree tests them.
    categorical: FrozenSet[int] = frozenset()
    #: Whether NaN is a value the model takes.
    accepts_missing: bool = True
    #: What X is made before the model sees it: None: as it is; else rows of that type.
    row_type: Optional[Any] = None
    #: What may be granted at most where the framework's last bits are not its own, for raw scores and outputs of some rows.
    tolerance: Callable[[Array], Tuple[float, float]] = lambda numbers: (0.0, 0.0)
