// Many rows through heap trees at once: a lane of bytes for each row, and each node picks, in all lanes, the leaf index found on
// its left or on its right. The including file gives
//   ASSAY_LANES                         how many bytes a register holds, and ASSAY_TILE, a multiple of it
//   assay_lanes                         the register
//   assay_load_lanes(p), assay_each(word)    memory; a 32-bit word repeated
//   assay_pick_leaf(ranks, keys)        1 where ranks > keys, else 0
//   assay_pick(ranks, keys, l, r, bit)  r + bit where ranks > keys, else l
//   assay_add_float(sums, values, indices, levels), assay_add_double(sums, values, indices)    sums[lane] += values[indices[lane]];
//                                       or ASSAY_SCALAR_LEAVES and assay_store_lanes(p, x)
// Deeper trees take so many nodes that going through them row by row costs less.

#ifdef ASSAY_SCALAR_LEAVES
/// Where looking leaves up in registers does not pay.
#define ASSAY_ADD_LEAVES(name, type)                                                                       \
    ASSAY_INLINE void name(type *sums, const type *values, const uint8_t *indices) {                        \
        for (int lane = 0; lane < ASSAY_LANES; lane++) sums[lane] += values[indices[lane]];                 \
    }
ASSAY_ADD_LEAVES(assay_add_bytes_float, float)
ASSAY_ADD_LEAVES(assay_add_bytes_double, double)
#undef ASSAY_ADD_LEAVES

ASSAY_INLINE void assay_add_float(float *sums, const float *values, assay_lanes indices, const int levels) {
    _Alignas(64) uint8_t bytes[ASSAY_LANES];
    assay_store_lanes(bytes, indices);
    assay_add_bytes_float(sums, values, bytes);
    (void)levels;
}

ASSAY_INLINE void assay_add_double(double *sums, const double *values, assay_lanes indices) {
    _Alignas(64) uint8_t bytes[ASSAY_LANES];
    assay_store_lanes(bytes, indices);
    assay_add_bytes_double(sums, values, bytes);
}
#endif

/// One tree: byte offsets of its nodes' slots in a tile, and the nodes' ranks in all four bytes of a word.
typedef struct assay_blend_tree {
    uint32_t offsets[64];
    uint32_t keys[64];
} assay_blend_tree;

ASSAY_INLINE assay_lanes assay_blend_1(const assay_blend_tree *tree, const uint8_t *ranks, const size_t node) {
    return assay_pick_leaf(assay_load_lanes(ranks + tree->offsets[node]), assay_each(tree->keys[node]));
}
#define ASSAY_BLEND_LEVEL(levels, below)                                                                                      \
    ASSAY_INLINE assay_lanes assay_blend_##levels(const assay_blend_tree *tree, const uint8_t *ranks, const size_t node) {    \
        const assay_lanes left = assay_blend_##below(tree, ranks, 2 * node);                                                  \
        const assay_lanes right = assay_blend_##below(tree, ranks, 2 * node + 1);                                             \
        return assay_pick(                                                                                                    \
            assay_load_lanes(ranks + tree->offsets[node]), assay_each(tree->keys[node]), left, right,                         \
            assay_each(0x01010101u << (levels - 1)));                                                                         \
    }
ASSAY_BLEND_LEVEL(2, 1)
ASSAY_BLEND_LEVEL(3, 2)
ASSAY_BLEND_LEVEL(4, 3)
ASSAY_BLEND_LEVEL(5, 4)
ASSAY_BLEND_LEVEL(6, 5)
#undef ASSAY_BLEND_LEVEL

/// Spreads one pair of slot and rank.
ASSAY_INLINE void assay_spread_pair(assay_blend_tree *tree, size_t node, uint32_t slot, uint32_t rank) {
    tree->offsets[node] = slot * ASSAY_TILE;
    tree->keys[node] = (rank ^ ASSAY_BIAS) * 0x01010101u;
}

#if ASSAY_WORDS
/// The bit of a node's decision in a word: 7 for the first three levels, then those of each tree below them.
ASSAY_INLINE size_t assay_lane(const size_t node, const int levels) {
    if (node < 8) return node - 1;
    const int level = 31 - __builtin_clz((uint32_t)node);
    const size_t above = node >> (level - 3) & 7;
    const size_t local = (node & (((size_t)1 << (level - 3)) - 1)) + ((size_t)1 << (level - 3)) - 1;
    return 7 + above * (((size_t)1 << (levels - 3)) - 1) + local;
}

/// Spreads a tree of a run of heaps.
ASSAY_INLINE void assay_spread_word(assay_blend_tree *spread, const assay_run *run, size_t tree, const int levels) {
    const size_t size = (size_t)1 << levels;
    const uint8_t *block = run->blocks + tree / (64 / size) * 128 + tree % (64 / size) * size;
#pragma clang loop unroll(full)
    for (size_t node = 1; node < size; node++) {
        const size_t lane = assay_lane(node, levels);
        assay_spread_pair(spread, node, block[lane], block[64 + lane]);
    }
}
#endif

/// Spreads a tree of a run.
ASSAY_INLINE void assay_spread_tree(assay_blend_tree *spread, const assay_run *run, size_t tree, const int levels) {
#if ASSAY_WORDS
    if (run->kind == ASSAY_RUN_HEAP) {
        assay_spread_word(spread, run, tree, levels);
        return;
    }
#endif
    const uint16_t *pairs = (const uint16_t *)run->links + (tree << levels);
    for (size_t node = 1; node < (size_t)1 << levels; node++) assay_spread_pair(spread, node, pairs[node] & 255, pairs[node] >> 8);
}

/// Adds the leaves of a run's trees to the sums of a tile's rows up to `end`: `[raw_count, ASSAY_TILE]` float or double.
ASSAY_INLINE void assay_blend_run(
    const assay_run *run, const uint32_t *outputs, const uint8_t *ranks, void *sums, const size_t end, const int levels,
    const int mode) {
    assay_blend_tree spread;
    for (size_t tree = 0; tree < run->tree_count; tree++) {
        assay_spread_tree(&spread, run, tree, levels);
        const size_t first_leaf = tree << levels;
        const size_t first_sum = (size_t)outputs[run->first_tree + tree] * ASSAY_TILE;
        for (size_t lane = 0; lane < end; lane += ASSAY_LANES) {
            assay_lanes indices;
            switch (levels) {
            case 2: indices = assay_blend_2(&spread, ranks + lane, 1); break;
            case 3: indices = assay_blend_3(&spread, ranks + lane, 1); break;
            case 4: indices = assay_blend_4(&spread, ranks + lane, 1); break;
            case 5: indices = assay_blend_5(&spread, ranks + lane, 1); break;
            default: indices = assay_blend_6(&spread, ranks + lane, 1);
            }
            if (mode == ASSAY_SUM_FLOAT) {
                assay_add_float((float *)sums + first_sum + lane, (const float *)run->values + first_leaf, indices, levels);
            } else {
                assay_add_double((double *)sums + first_sum + lane, (const double *)run->values + first_leaf, indices);
            }
        }
    }
}

#define ASSAY_BLEND(levels, mode)                                                                        \
    static void assay_blend_run_##levels##_##mode(                                                       \
        const assay_run *run, const uint32_t *outputs, const uint8_t *ranks, void *sums, size_t end) {   \
        /* Most tiles are full, and a loop of known length is faster. */                                 \
        if (end == ASSAY_TILE) {                                                                         \
            assay_blend_run(run, outputs, ranks, sums, ASSAY_TILE, levels, mode);                        \
        } else {                                                                                         \
            assay_blend_run(run, outputs, ranks, sums, end, levels, mode);                               \
        }                                                                                                \
    }
#define ASSAY_BLEND_RUNS(levels) ASSAY_BLEND(levels, 0) ASSAY_BLEND(levels, 1)
ASSAY_BLEND_RUNS(2) ASSAY_BLEND_RUNS(3) ASSAY_BLEND_RUNS(4) ASSAY_BLEND_RUNS(5) ASSAY_BLEND_RUNS(6)
#undef ASSAY_BLEND_RUNS
#undef ASSAY_BLEND

typedef void assay_blend_function(const assay_run *run, const uint32_t *outputs, const uint8_t *ranks, void *sums, size_t end);

/// Scores up to `ASSAY_TILE` rows from `first`.
static void assay_blend_tile(const assay_scorer *scorer, const assay_rows *rows, size_t first, size_t count, double *raw) {
#define ASSAY_ROW(levels) {assay_blend_run_##levels##_0, assay_blend_run_##levels##_1}
    static assay_blend_function *const functions[][2] = {ASSAY_ROW(2), ASSAY_ROW(3), ASSAY_ROW(4), ASSAY_ROW(5),
                                                         ASSAY_ROW(6)};
#undef ASSAY_ROW
    const assay_forest *forest = &scorer->forest;
    const assay_plan *plan = &scorer->plan;
    const size_t raw_count = forest->raw_count;
    _Alignas(64) uint8_t ranks[(plan->slot_count + 1) * ASSAY_TILE];
    assay_rank_tile(scorer, rows, first, count, ranks);
    _Alignas(64) double sums[raw_count * ASSAY_TILE];
    float *singles = (float *)sums;
    for (size_t output = 0; output < raw_count; output++) {
        for (size_t lane = 0; lane < ASSAY_TILE; lane++) {
            const size_t index = output * ASSAY_TILE + lane;
            if (forest->sums_are_double) {
                sums[index] = forest->base_margins[output];
            } else {
                singles[index] = (float)forest->base_margins[output];
            }
        }
    }
    for (uint32_t index = 0; index < plan->run_count; index++) {
        const assay_run *run = plan->runs + index;
        functions[run->level_count - 2][forest->sums_are_double](
            run, forest->tree_outputs, ranks, sums, assay_lane_end(count));
    }
    for (size_t row = 0; row < count; row++) {
        for (size_t output = 0; output < raw_count; output++) {
            const size_t index = output * ASSAY_TILE + row;
            raw[(first + row) * raw_count + output] = forest->sums_are_double ? sums[index] : (double)singles[index];
        }
    }
}
