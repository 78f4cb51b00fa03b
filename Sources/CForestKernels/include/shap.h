#pragma once
#include <stddef.h>
#include <stdint.h>

/// Exact path-dependent TreeSHAP by Gauss-Legendre quadrature.
///
/// A leaf of value w, whose path tests distinct features j, adds to feature f
///
///     w (o_f - z_f) integral over q in 0...1 of product over j != f of (z_j (1 - q) + o_j q)
///
/// where z_j is the product of the shares of training rows that took the path's edges of feature j, and o_j is 1 if the row takes all
/// of them, else 0. The integrand is a polynomial, for which n points are exact up to 2n features. At each point q, with u = 1 - q, a
/// split whose feature has reach z above it (1 if it is tested for the first time) needs of its two children only
///
///     D = B_hot - B_cold,  E = share_cold D,  k = u z / (q + u z),  t = z / (q + u z)^2
///     contribution += weight C t E,   B = B_hot - k E,   C_cold = k share_cold C,   C_hot = C - C_cold
///
/// where C multiplies the factors above a node, B sums leaves times the factors below it, hot is the child that the row goes to. If
/// the row left the path at an edge of the same feature above, k = 1 and t = 0. C shrinks from level to level and B stays between the
/// leaves' extremes, so that rounding does not grow with the depth.

/// A split: "right" if the key in its slot is greater than its key.
struct assay_shap_split {
    uint32_t key;
    uint32_t slot;
    /// The sum that its contribution is added to.
    uint32_t column;
    /// The nearest edge above of the same feature: 2 + 2 * split + (right ? 1 : 0), or 0.
    uint32_t above;
    /// Left and right: a split, or the number of splits plus that of a leaf among those that are no pair's. Not used in a pair.
    uint32_t child[2];
    /// The share of the training rows that go to the other side than a row that goes left, and right.
    double share[2];
    union {
        /// The product of the shares of the edges of the same feature above; if the group's stride is above 8.
        double reach;
        /// Where in `factors` the split's k and t lie; if the stride is 4 or 8.
        uint64_t factor;
    };
};

/// Some trees that are done together, so that the work on the few splits at the top of one overlaps with that on another's.
///
/// Splits that have a split below them, and roots, are "inner"; the others, which have two leaves, are "pairs". Inner splits come
/// first: the roots, then level by level; then pairs.
struct assay_shap_group {
    const struct assay_shap_split *splits;
    /// `[leaf rows, leaf_count]`: two for each pair, then the others.
    const double *leaves;
    /// `[3, stride]`: weights, points q, and 1 - q; what fills the stride up has weight 0.
    const double *rule;
    /// `[., 2, stride]` if the stride is 4 or 8: k and t of a path that the row has left, of the first test of a feature, then of others.
    const double *factors;
    uint32_t root_count;
    uint32_t inner_count;
    uint32_t pair_count;
    uint32_t leaf_count;
    uint32_t point_count;
    /// 4, or a multiple of 8.
    uint32_t stride;
};

enum {
    /// The number of rows that the kernel of many rows takes at once.
    ASSAY_SHAP_LANES = 16,
    /// How many vectors of `[points, 16]` a level of a tree needs.
    ASSAY_SHAP_LEVEL_VECTORS = 5,
};

/// What the kernels work on. Everything is aligned to 64 bytes.
struct assay_shap_scratch {
    /// One row: `[columns, 4]`; 16 rows: `[columns, 16]`. The sums, one row's in four parts.
    double *sums;
    /// One row: `[splits + leaves of no pair, stride]` of the largest group; 16 rows: `[2 + 5 * levels, points, 16]` of the largest.
    double *vectors;
    /// `[2 + 2 * inner splits]` of the largest group.
    uint16_t *edges;
    /// `[inner splits]` of the largest group.
    uint32_t *choices;
};

/// The instructions that a kernel needs.
enum assay_shap_isa { ASSAY_SHAP_PLAIN, ASSAY_SHAP_AVX2, ASSAY_SHAP_AVX512 };

/// Whether this processor has them, and this library was built with them.
int assay_shap_has(enum assay_shap_isa isa);

/// Adds to `scratch->sums` what each column contributes by `count` groups, for one row: `keys` is `[slots]`.
///
/// `leaf_row` is which row of leaves is meant.
void assay_shap_row(
    enum assay_shap_isa isa, const struct assay_shap_group *groups, size_t count, size_t leaf_row, const uint32_t *keys,
    const struct assay_shap_scratch *scratch);

/// As `assay_shap_row` for 16 rows: `keys` is `[slots, 16]`.
void assay_shap_rows(
    enum assay_shap_isa isa, const struct assay_shap_group *groups, size_t count, size_t leaf_row, const uint32_t *keys,
    const struct assay_shap_scratch *scratch);
