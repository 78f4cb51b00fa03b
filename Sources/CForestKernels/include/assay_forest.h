#pragma once
#include <stdint.h>

// A packed forest as kernels see it: the arrays of a bundle (Forest's ForestView tells what they mean), checked before.

/// A row goes right where the key in the link's slot is above `key`.
typedef struct assay_node {
    uint32_t key;
    uint32_t link;
} assay_node;

typedef struct assay_feature {
    uint32_t threshold_end;
    uint32_t flags;
} assay_feature;

typedef struct assay_category_feature {
    uint32_t feature;
    uint32_t first_slot;
    uint32_t slot_count;
    uint32_t first_category;
    uint32_t category_count;
    uint32_t first_word;
    uint32_t word_count;
    uint32_t zero;
} assay_category_feature;

typedef struct assay_forest {
    const assay_node *nodes;
    /// `[tree_count, filled up to a multiple of 8]`
    const uint32_t *roots;
    /// `[tree_count, filled up to a multiple of 8]`
    const uint32_t *tree_outputs;
    /// `[tree_count / 8, rounded up]`
    const uint32_t *group_depths;
    /// `[raw_count]`
    const double *base_margins;
    /// `[feature_count]`
    const assay_feature *features;
    /// float or double, by `features_are_double`.
    const void *thresholds;
    /// `[leaf_count + 1, leaf_width]`, float or double, by `sums_are_double`.
    const void *leaf_values;
    /// `[leaf_count + 1]`
    const uint32_t *leaf_numbers;
    /// `[category_feature_count]`
    const assay_category_feature *category_features;
    const uint32_t *categories;
    const uint32_t *category_words;
    uint32_t feature_count;
    uint32_t category_feature_count;
    uint32_t slot_count;
    /// How many low bits of a node's link hold its slot.
    uint32_t slot_bit_count;
    uint32_t tree_count;
    uint32_t raw_count;
    uint32_t leaf_width;
    uint8_t features_are_double;
    uint8_t sums_are_double;
    /// Values of at most 1e-35 (as float) in magnitude are zero.
    uint8_t flushes_tiny;
    /// A value between -1 and 0 is category 0, and categories reach 2^31; else none below 0, and they reach 2^24.
    uint8_t categories_round_toward_zero;
} assay_forest;
