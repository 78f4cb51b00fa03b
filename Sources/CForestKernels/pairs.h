// Trees of byte ranks, walked node after node, for processors that cannot look 64 slots up at once: complete trees of pairs of
// slot and rank need no links, so that a step takes five instructions and a tree of six levels two cache lines. Eight trees go
// side by side. Nothing here branches on a row's values.

#define ASSAY_EIGHT(step) step(a, 0) step(b, 1) step(c, 2) step(d, 3) step(e, 4) step(f, 5) step(g, 6) step(h, 7)

/// Complete trees of `levels` levels.
ASSAY_INLINE void assay_pairs_run(
    const assay_run *shared, const assay_row *row, assay_sum *total, const int levels, const int mode) {
    const assay_run run = *shared;
    assay_sum sum = *total;
    const uint8_t *slots = row->slots;
    const uint16_t *pairs = run.links;
    const size_t size = (size_t)1 << levels;
    size_t base = 0 - size;
    for (uint32_t tree = 0; tree < run.tree_count; tree += 8, pairs += 8 * size, base += 8 * size) {
        size_t a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1, h = 1;
        for (int level = 0; level < levels; level++) {
#define ASSAY_STEP(node, index) node = assay_heap_step(pairs + index * size, node, slots);
            ASSAY_EIGHT(ASSAY_STEP)
#undef ASSAY_STEP
        }
#define ASSAY_LEAF(node, index) assay_take(&sum, run.values, base + index * size + node, mode);
        ASSAY_EIGHT(ASSAY_LEAF)
#undef ASSAY_LEAF
    }
    *total = sum;
}

/// Six complete levels, then node after node; a leaf leads to itself.
ASSAY_INLINE void assay_pair_step_run(const assay_run *shared, const assay_row *row, assay_sum *total, const int mode) {
    const assay_run run = *shared;
    assay_sum sum = *total;
    const uint8_t *slots = row->slots;
    const uint16_t *pairs = run.short_links;
    const uint16_t *exits = run.exits;
    const uint32_t *nodes = run.links;
    for (uint32_t tree = 0; tree < run.tree_count; tree += 8, pairs += 8 * 64, exits += 8 * 64) {
        size_t a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1, h = 1;
        for (int level = 0; level < 6; level++) {
#define ASSAY_STEP(node, index) node = assay_heap_step(pairs + index * 64, node, slots);
            ASSAY_EIGHT(ASSAY_STEP)
#undef ASSAY_STEP
        }
#define ASSAY_EXIT(node, index) node = run.trees[tree + index].first_link + exits[index * 64 + node - 64];
        ASSAY_EIGHT(ASSAY_EXIT)
#undef ASSAY_EXIT
        for (uint32_t level = 0; level < run.level_count; level++) {
#define ASSAY_STEP(node, index)                                                          \
    {                                                                                    \
        const uint32_t link = nodes[node];                                               \
        node += (link >> 16) + (slots[link & 255] > (link >> 8 & 255));                  \
        ASSAY_SCALAR(node);                                                              \
    }
            ASSAY_EIGHT(ASSAY_STEP)
#undef ASSAY_STEP
        }
#define ASSAY_LEAF(node, index) assay_take(&sum, run.values, node, mode);
        ASSAY_EIGHT(ASSAY_LEAF)
#undef ASSAY_LEAF
    }
    *total = sum;
}
#undef ASSAY_EIGHT

/// Takes the leaves of a run. The code is the same whatever slots a row has.
#define ASSAY_PAIRS_OF_MODE(mode)                                                                      \
    static void assay_take_pairs_##mode(const assay_run *run, const assay_row *row, assay_sum *sum) {  \
        switch (run->kind == ASSAY_RUN_PAIRS ? run->level_count : 0) {                                 \
        case 2: assay_pairs_run(run, row, sum, 2, mode); break;                                        \
        case 3: assay_pairs_run(run, row, sum, 3, mode); break;                                        \
        case 4: assay_pairs_run(run, row, sum, 4, mode); break;                                        \
        case 5: assay_pairs_run(run, row, sum, 5, mode); break;                                        \
        case 6: assay_pairs_run(run, row, sum, 6, mode); break;                                        \
        case 7: assay_pairs_run(run, row, sum, 7, mode); break;                                        \
        case 8: assay_pairs_run(run, row, sum, 8, mode); break;                                        \
        default: assay_pair_step_run(run, row, sum, mode);                                             \
        }                                                                                              \
    }
ASSAY_PAIRS_OF_MODE(0)
ASSAY_PAIRS_OF_MODE(1)
ASSAY_PAIRS_OF_MODE(2)
#undef ASSAY_PAIRS_OF_MODE

ASSAY_INLINE void assay_take_pairs(const assay_run *run, const assay_row *row, assay_sum *sum, const int mode) {
    if (mode == ASSAY_SUM_FLOAT) assay_take_pairs_0(run, row, sum);
    if (mode == ASSAY_SUM_DOUBLE) assay_take_pairs_1(run, row, sum);
    if (mode == ASSAY_FIND) assay_take_pairs_2(run, row, sum);
}
