// From rows to sums, for one kernel: by byte trees, or by the forest's own nodes if it has none. A single row goes straight
// through all trees; several go through the forest part after part together, so that a part is still in the nearest cache for the
// next row.

enum {
    /// The parts of a forest are its runs of byte trees, or so many groups of eight trees.
    ASSAY_PART_GROUPS = 16,
    ASSAY_PART_TREES = 8 * ASSAY_PART_GROUPS,
    /// How many rows go through the parts together at most, and the stack for their keys or masks. One row alone may take more:
    /// 256 KiB, see ForestLimits.slotCountMax, or ASSAY_MASKS.
    ASSAY_TOGETHER = 16,
    ASSAY_TOGETHER_BYTES = 128 << 10,
};

ASSAY_INLINE uint32_t assay_part_count(const assay_scorer *scorer, const int bytes) {
    return bytes ? scorer->plan.run_count : (scorer->forest.tree_count + ASSAY_PART_TREES - 1) / ASSAY_PART_TREES;
}

/// Takes the leaves of some parts.
ASSAY_INLINE void assay_take_parts(
    const assay_scorer *scorer, uint32_t first, uint32_t end, const assay_row *row, assay_sum *sum, const int bytes,
    const int mode) {
    if (bytes) {
        assay_function_for(&scorer->plan, mode)(scorer->plan.runs + first, end - first, row, sum);
        return;
    }
    const uint32_t group_count = (scorer->forest.tree_count + 7) / 8;
    const uint32_t last = end * ASSAY_PART_GROUPS < group_count ? end * ASSAY_PART_GROUPS : group_count;
    if (mode == ASSAY_SUM_FLOAT) assay_walk_float(&scorer->forest, first * ASSAY_PART_GROUPS, last, row, sum);
    if (mode == ASSAY_SUM_DOUBLE) assay_walk_double(&scorer->forest, first * ASSAY_PART_GROUPS, last, row, sum);
    if (mode == ASSAY_FIND) assay_walk_find(&scorer->forest, first * ASSAY_PART_GROUPS, last, row, sum);
}

/// The trees of a part, and the ordinals of the leaves that a row reaches in them.
typedef struct assay_found {
    uint32_t first_tree;
    uint32_t tree_count;
    uint32_t ordinals[ASSAY_RUN_LEAVES];
} assay_found;

ASSAY_INLINE void assay_find_part(
    const assay_scorer *scorer, uint32_t part, const assay_row *row, assay_found *found, const int bytes) {
    assay_sum sum = {.found = found->ordinals};
    assay_take_parts(scorer, part, part + 1, row, &sum, bytes, ASSAY_FIND);
    if (bytes) {
        const assay_run *run = scorer->plan.runs + part;
        found->first_tree = run->first_tree;
        found->tree_count = run->tree_count;
        for (uint32_t tree = 0; tree < run->tree_count; tree++) found->ordinals[tree] = run->ordinals[found->ordinals[tree]];
    } else {
        const uint32_t rest = scorer->forest.tree_count - part * ASSAY_PART_TREES;
        found->first_tree = part * ASSAY_PART_TREES;
        found->tree_count = rest < ASSAY_PART_TREES ? rest : ASSAY_PART_TREES;
    }
}

/// Adds found leaves to the sums of several outputs, in the sum precision.
ASSAY_INLINE void assay_add_found(const assay_forest *forest, const assay_found *found, double *raw) {
    const float *singles = forest->leaf_values;
    const double *doubles = forest->leaf_values;
    const size_t width = forest->leaf_width;
    for (uint32_t tree = 0; tree < found->tree_count; tree++) {
        const size_t first = found->ordinals[tree] * width;
        double *sums = raw + (width == 1 ? forest->tree_outputs[found->first_tree + tree] : 0);
        for (size_t column = 0; column < width; column++) {
            sums[column] = forest->sums_are_double ? sums[column] + doubles[first + column]
                                                   : (double)((float)sums[column] + singles[first + column]);
        }
    }
}

/// Turns a row into what the trees look at.
ASSAY_INLINE assay_row assay_rank_row(
    const assay_scorer *scorer, const assay_rows *rows, size_t row, void *buffer, uint8_t *slots, uint64_t *masks, uint32_t *keys,
    const int bytes) {
    if (bytes) {
        const void *values = assay_values(scorer, rows, row, buffer);
        if (scorer->forest.features_are_double) {
            assay_rank_slots_double(&scorer->plan, values, slots);
        } else {
            assay_rank_slots_float(&scorer->plan, values, slots);
        }
#if ASSAY_WORDS
        if (scorer->forest.category_feature_count > 0) {
            assay_category_masks(scorer, rows, row, masks);
            return (assay_row){slots, masks, 0};
        }
#else
        (void)masks;
#endif
        return (assay_row){slots, scorer->plan.flips, 0};
    }
    assay_fill_keys(scorer, rows, row, buffer, keys);
    return (assay_row){0, 0, keys};
}

/// Scores `count` <= ASSAY_TOGETHER rows from `first` into `raw`, or finds their leaves if that is null.
ASSAY_INLINE void assay_rows_together(
    const assay_scorer *scorer, const assay_rows *rows, size_t first, const size_t count, double *raw, uint32_t *leaves,
    const int bytes) {
    const assay_forest *forest = &scorer->forest;
    const int copies = scorer->plan.tiny || rows->are_double != forest->features_are_double;
    const size_t mask_count = bytes && forest->category_feature_count > 0 ? scorer->plan.mask_count : 8;
    _Alignas(64) double buffer[copies ? forest->feature_count : 8];
    _Alignas(64) uint8_t slots[count][bytes ? ASSAY_SLOT_BYTES : 64];
    _Alignas(64) uint64_t masks[count][mask_count];
    uint32_t keys[count][bytes ? 16 : forest->slot_count + 32];
    assay_row ranked[count];
    for (size_t row = 0; row < count; row++) {
        ranked[row] = assay_rank_row(scorer, rows, first + row, buffer, slots[row], masks[row], keys[row], bytes);
    }
    const uint32_t part_count = assay_part_count(scorer, bytes);
    if (raw && forest->raw_count == 1) {
        const uint32_t stride = count == 1 ? part_count : 1;
        assay_sum sums[count];
        for (size_t row = 0; row < count; row++) {
            sums[row] = (assay_sum){.single = (float)forest->base_margins[0], .wide = forest->base_margins[0]};
        }
        for (uint32_t part = 0; part < part_count; part += stride) {
            for (size_t row = 0; row < count; row++) {
                if (forest->sums_are_double) {
                    assay_take_parts(scorer, part, part + stride, &ranked[row], &sums[row], bytes, ASSAY_SUM_DOUBLE);
                } else {
                    assay_take_parts(scorer, part, part + stride, &ranked[row], &sums[row], bytes, ASSAY_SUM_FLOAT);
                }
            }
        }
        for (size_t row = 0; row < count; row++) raw[first + row] = forest->sums_are_double ? sums[row].wide : sums[row].single;
        return;
    }
    for (size_t row = 0; raw && row < count; row++) {
        memcpy(raw + (first + row) * forest->raw_count, forest->base_margins, forest->raw_count * sizeof *raw);
    }
    for (uint32_t part = 0; part < part_count; part++) {
        for (size_t row = 0; row < count; row++) {
            assay_found found;
            assay_find_part(scorer, part, &ranked[row], &found, bytes);
            if (raw) assay_add_found(forest, &found, raw + (first + row) * forest->raw_count);
            for (uint32_t tree = 0; !raw && tree < found.tree_count; tree++) {
                leaves[(first + row) * forest->tree_count + found.first_tree + tree] = forest->leaf_numbers[found.ordinals[tree]];
            }
        }
    }
}

/// How many rows' keys and masks fit the memory for them.
ASSAY_INLINE size_t assay_rows_that_fit(const assay_scorer *scorer) {
    const size_t masks = scorer->forest.category_feature_count > 0 ? scorer->plan.mask_count * sizeof(uint64_t) : 0;
    const size_t keys = scorer->forest.slot_count * sizeof(uint32_t);
    const size_t count = ASSAY_TOGETHER_BYTES / ((scorer->plan.slot_count > 0 ? masks : keys) + 1);
    return count < 1 ? 1 : count < ASSAY_TOGETHER ? count : ASSAY_TOGETHER;
}

static void assay_some_rows(const assay_scorer *scorer, const assay_rows *rows, size_t first, double *raw, uint32_t *leaves) {
    const size_t together = assay_rows_that_fit(scorer);
    for (; first < rows->count; first += together) {
        const size_t rest = rows->count - first;
        const size_t count = rest < together ? rest : together;
        if (scorer->plan.slot_count > 0) {
            assay_rows_together(scorer, rows, first, count, raw, leaves, 1);
        } else {
            assay_rows_together(scorer, rows, first, count, raw, leaves, 0);
        }
    }
}

/// One row alone, which needs no loops over rows.
static void assay_one_row(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves) {
    if (scorer->plan.slot_count > 0) {
        assay_rows_together(scorer, rows, 0, 1, raw, leaves, 1);
    } else {
        assay_rows_together(scorer, rows, 0, 1, raw, leaves, 0);
    }
}

/// Scores all rows into `raw`, or finds their leaves if that is null.
static void assay_all_rows(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves) {
    if (rows->count == 1) {
        assay_one_row(scorer, rows, raw, leaves);
        return;
    }
    size_t first = 0;
#if ASSAY_BLENDS
    while (raw && assay_can_blend(scorer, rows) && rows->count - first >= ASSAY_BLEND_ROWS) {
        const size_t rest = rows->count - first;
        const size_t count = rest < ASSAY_TILE ? rest : ASSAY_TILE;
        assay_blend_tile(scorer, rows, first, count, raw);
        first += count;
    }
#endif
    assay_some_rows(scorer, rows, first, raw, leaves);
}
