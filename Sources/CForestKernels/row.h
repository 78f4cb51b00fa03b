// What the kernels of all processors share about one row. Each kernel's file includes this for its own instructions.
#pragma once
#include <string.h>
#include "include/assay_kernels.h"

#define ASSAY_INLINE static inline __attribute__((always_inline))

/// Keeps the compiler from merging the walks of several trees into one vector with slow gathers.
#define ASSAY_SCALAR(value) __asm__("" : "+r"(value))

/// What kernels do with the leaves that a row reaches.
enum assay_mode { ASSAY_SUM_FLOAT, ASSAY_SUM_DOUBLE, ASSAY_FIND };

/// A sum on its way through the trees, or where to put the positions of leaves.
typedef struct assay_sum {
    float single;
    double wide;
    uint32_t *found;
} assay_sum;

/// One step down a complete tree of pairs of slot (low byte) and rank.
ASSAY_INLINE size_t assay_heap_step(const uint16_t *pairs, size_t node, const uint8_t *slots) {
    const uint32_t pair = pairs[node];
#if defined(__x86_64__)
    // Compilers make a number of the comparison before they add it.
    __asm__("cmpb %[rank], %[key]\n\tadc %[node], %[node]"
            : [node] "+r"(node)
            : [rank] "m"(slots[pair & 255]), [key] "q"((uint8_t)(pair >> 8))
            : "cc");
    return node;
#else
    return node + node + (slots[pair & 255] > pair >> 8);
#endif
}

/// A row that has been ranked.
typedef struct assay_row {
    /// `[ASSAY_SLOT_BYTES]`, for byte trees
    const uint8_t *slots;
    /// `[mask_count]`, for byte trees with categories or chains
    const uint64_t *masks;
    /// `[slot_count]` of the forest, for its nodes
    const uint32_t *keys;
} assay_row;

ASSAY_INLINE void assay_take(assay_sum *sum, const void *values, size_t position, const int mode) {
    if (mode == ASSAY_SUM_FLOAT) sum->single += ((const float *)values)[position];
    if (mode == ASSAY_SUM_DOUBLE) sum->wide += ((const double *)values)[position];
    if (mode == ASSAY_FIND) *sum->found++ = (uint32_t)position;
}

/// The values of one row in the feature precision, what is tiny replaced: where they lie already, or in `buffer`.
ASSAY_INLINE const void *assay_values(const assay_scorer *scorer, const assay_rows *rows, size_t row, void *buffer) {
    const assay_forest *forest = &scorer->forest;
    const assay_plan *plan = &scorer->plan;
    const size_t count = forest->feature_count;
    const float *singles = (const float *)rows->values + row * count;
    const double *doubles = (const double *)rows->values + row * count;
    if (!plan->tiny && rows->are_double == forest->features_are_double) {
        return rows->are_double ? (const void *)doubles : (const void *)singles;
    }
    if (forest->features_are_double) {
        const double *tiny = plan->tiny, *replacements = plan->replacements;
        double *values = buffer;
        for (size_t index = 0; index < count; index++) {
            double value = rows->are_double ? doubles[index] : singles[index];
            if (tiny) value = __builtin_fabs(value) <= tiny[index] ? replacements[index] : value;
            values[index] = value;
        }
    } else {
        const float *tiny = plan->tiny, *replacements = plan->replacements;
        float *values = buffer;
        for (size_t index = 0; index < count; index++) {
            float value = rows->are_double ? (float)doubles[index] : singles[index];
            if (tiny) value = __builtin_fabsf(value) <= tiny[index] ? replacements[index] : value;
            values[index] = value;
        }
    }
    return buffer;
}

/// A feature's value as the row has it, rounded to the feature precision.
ASSAY_INLINE double assay_category_value(const assay_forest *forest, const assay_rows *rows, size_t row, uint32_t feature) {
    const size_t index = row * forest->feature_count + feature;
    if (!rows->are_double) return ((const float *)rows->values)[index];
    const double value = ((const double *)rows->values)[index];
    return forest->features_are_double ? value : (double)(float)value;
}

/// The category of a value, -1 for none, -2 for a missing one.
ASSAY_INLINE int64_t assay_category(const assay_forest *forest, double value) {
    if (forest->flushes_tiny) value = __builtin_fabs(value) <= (double)1e-35f ? 0 : value;
    const double low = forest->categories_round_toward_zero ? -1.0 : -0x1p-1074;
    const double end = forest->categories_round_toward_zero ? 0x1p31 : 0x1p24;
    const int64_t number = value > low && value < end ? (int64_t)value : -1;
    return value != value ? -2 : number;
}

/// The row of a category feature's bits for a category: 0 for what is none of the feature's, 1 for a missing one.
ASSAY_INLINE size_t assay_category_row(const assay_forest *forest, const assay_category_feature *feature, int64_t category) {
    const uint32_t *categories = forest->categories + feature->first_category;
    uint32_t low = 0;
    for (uint32_t count = feature->category_count; count > 0;) {
        const uint32_t half = (count + 1) / 2;
        low += (int64_t)categories[low + half - 1] < category ? half : 0;
        count -= half;
    }
    const size_t row = low < feature->category_count && categories[low] == category ? 2 + (size_t)low : 0;
    return category == -2 ? 1 : row;
}
