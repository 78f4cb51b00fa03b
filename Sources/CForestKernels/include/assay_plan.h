#pragma once
#include "assay_forest.h"

// What is derived from a packed forest for the fast kernels (Forest's ScoringPlan builds it). A row's values become ranks among
// the forest's thresholds; ranks become slots of one byte each, in which trees look their decisions up, 64 at a time.

enum {
    /// What a slot's byte can count, hence the most thresholds of a feature that one slot stands for.
    ASSAY_CHUNK_THRESHOLDS = 255,
    /// The most slots of a row.
    ASSAY_SLOTS = 256,
    /// The slot that nothing reads.
    ASSAY_UNUSED_SLOT = 256,
    /// The memory of a row's slots.
    ASSAY_SLOT_BYTES = 320,
    /// The most trees of a run, so that several rows find it in the nearest cache: of up to six levels, and larger ones.
    ASSAY_RUN_TREES = 128,
    ASSAY_LARGE_RUN_TREES = 32,
    /// Room for those, too, that fill a run's last word up.
    ASSAY_RUN_LEAVES = ASSAY_RUN_TREES + 32,
    /// The most features with categories of a forest with byte trees.
    ASSAY_CATEGORY_FEATURES = 64,
    /// The most words of decisions of a forest with categories: 128 KiB a row.
    ASSAY_MASKS = 16384,
    /// The most words of 64 decisions of one tree.
    ASSAY_TREE_WORDS = 8,
};

/// Which bytes of a row take a chunk's rank: 0 for a missing value in `left`, 255 in `right`.
typedef struct assay_chunk {
    uint16_t left;
    uint16_t right;
} assay_chunk;

/// The thresholds of one feature as a tree of 16-wide blocks: `levels[0]` is where its thresholds begin among the rank values
/// (filled up with NaN), `levels[1]` has the last value of each of their blocks, and so on as long as a level has more than one
/// block.
typedef struct assay_rank {
    uint32_t feature;
    uint32_t levels[2];
    /// Where the levels after the second begin: an index of `upper_levels`.
    uint32_t upper;
    uint16_t level_count;
    /// One for every 255 thresholds; a feature with at most two levels has one.
    uint16_t chunk_count;
    uint32_t first_chunk;
    /// The first of them.
    assay_chunk chunk;
} assay_rank;

/// How a category finds the masks of its decisions.
typedef struct assay_category_lookup {
    uint32_t feature;
    /// Category c has row `category_rows[first_row + c]` if c is below `row_count`, else row 0, as what is no category; missing
    /// has 1. If `row_count` is 0, the forest's own categories are searched.
    uint32_t first_row;
    uint32_t row_count;
    uint32_t zero;
    /// `[rows, mask_count]`
    const uint64_t *masks;
} assay_category_lookup;

enum assay_run_kind {
    /// Complete trees of `level_count` <= 10 levels; short branches go left to their leaf. Up to five levels, several trees share a
    /// word; the levels after the sixth are looked up one by one.
    ASSAY_RUN_HEAP = 1,
    /// Trees of at most 63 splits in one word, each a set of chains of nodes.
    ASSAY_RUN_CHAINS = 2,
    /// The same with `word_count` words.
    ASSAY_RUN_WIDE_CHAINS = 3,
    /// Six complete levels, then `level_count` steps from node to node.
    ASSAY_RUN_STEPS = 4,
    /// Complete trees of `level_count` <= 8 levels, without words: a pair of slot and rank for each split.
    ASSAY_RUN_PAIRS = 5,
    /// As ASSAY_RUN_STEPS, with pairs for the six levels.
    ASSAY_RUN_PAIR_STEPS = 6,
};

/// Where a tree's parts begin.
typedef struct assay_tree {
    /// Among `links`.
    uint32_t first_link;
    /// Among `values`, `ordinals`.
    uint32_t first_leaf;
} assay_tree;

/// Consecutive trees of one kind.
typedef struct assay_run {
    uint32_t kind;
    /// Heap: levels of decisions. Chains: the most chains a path goes through. Steps: those after the sixth level.
    uint32_t level_count;
    uint32_t word_count;
    uint32_t first_tree;
    uint32_t tree_count;
    /// Where the run's words begin among the masks.
    uint32_t first_mask;
    /// Heaps of more than six levels: the bytes of a unit.
    uint32_t unit_size;
    /// `[words, 2, 64]`: the slot of each decision, then the rank that must be exceeded; 255 never is.
    const uint8_t *blocks;
    /// Heaps of more than six levels: `[trees, 64]` units, one for each end of the six levels: a pair of slot (low byte) and rank
    /// for each split of the complete tree below, breadth first from index 1, then its leaves' values. So one cache line serves
    /// for both. Chains: uint16_t or (wide) uint32_t entries. Steps: nodes, slot | rank << 8 | distance << 16. Pairs:
    /// `[trees, 2^levels]`, from index 1.
    const void *links;
    /// Pair steps: `[trees, 64]` pairs of the first six levels.
    const uint16_t *short_links;
    /// Chains and steps: `[trees]`
    const assay_tree *trees;
    /// Chains: `[words]`, a bit after the last decision of each chain.
    const uint64_t *chain_ends;
    /// Steps: `[trees, 64]`, the node that each end of the six levels goes on with.
    const uint16_t *exits;
    /// What the leaves at each position add: float or double, when leaves have one value. Not for heaps of more than six levels.
    const void *values;
    /// Which leaf of the forest is at each position.
    const uint32_t *ordinals;
} assay_run;

typedef struct assay_plan {
    /// Blocks of 16 float or double, aligned to 64 bytes.
    const void *rank_values;
    /// By level count.
    const assay_rank *ranks;
    const uint32_t *upper_levels;
    uint32_t rank_count;
    uint32_t one_level_end;
    uint32_t two_level_end;
    /// Of a row; 0 if there are no byte trees, and nothing below.
    uint32_t slot_count;
    /// `[feature_count]` in the feature precision: values of at most `tiny` in magnitude become `replacements`; null if none does.
    const void *tiny;
    const void *replacements;
    const assay_chunk *chunks;
    const assay_run *runs;
    uint32_t run_count;
    /// How many words of decisions all runs have, filled up to a multiple of 8.
    uint32_t mask_count;
    /// `[mask_count]`, xored to the decisions; null if all are zero and there are no categories.
    const uint64_t *flips;
    /// `[category_feature_count]`
    const assay_category_lookup *category_lookups;
    const uint16_t *category_rows;
    /// Whether all runs are heaps or pairs of at most six levels without masks, which many rows can go through side by side.
    uint32_t is_blendable;
} assay_plan;
