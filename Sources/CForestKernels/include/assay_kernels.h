#pragma once
#include <stddef.h>
#include "assay_forest.h"
#include "assay_plan.h"

/// What a kernel scores with. The plan's parts belong to the forest; whoever calls keeps both.
typedef struct assay_scorer {
    assay_forest forest;
    assay_plan plan;
} assay_scorer;

/// `[row_count, feature_count]`, row-major, float or double, NaN where missing.
typedef struct assay_rows {
    const void *values;
    size_t count;
    uint8_t are_double;
} assay_rows;

/// The kernels, from the most general one. Each gives the same bits.
enum assay_kernel {
    ASSAY_KERNEL_PORTABLE = 0,
    ASSAY_KERNEL_AVX2 = 1,
    ASSAY_KERNEL_AVX512 = 2,
    ASSAY_KERNEL_NEON = 3,
};

/// Whether this processor (and the system, for wide registers) can run a kernel, and this build has it.
int assay_kernel_is_available(int kernel);

/// Sums up the leaves that rows reach: `raw` is `[row_count, raw_count]`; float sums are widened.
void assay_score(int kernel, const assay_scorer *scorer, const assay_rows *rows, double *raw);

/// Finds the number of the leaf that each row reaches in each tree: `[row_count, tree_count]`.
void assay_leaves(int kernel, const assay_scorer *scorer, const assay_rows *rows, uint32_t *leaves);
