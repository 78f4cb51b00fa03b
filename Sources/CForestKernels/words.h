// The portable walk: eight trees of the forest's own nodes at once, each step without a branch.

/// Fills the keys of a row: `[slot_count + 32]`.
ASSAY_INLINE void assay_fill_keys(const assay_scorer *scorer, const assay_rows *rows, size_t row, void *buffer, uint32_t *keys) {
    const assay_forest *forest = &scorer->forest;
    const void *values = assay_values(scorer, rows, row, buffer);
    keys[0] = 0;
    if (forest->features_are_double) {
        assay_rank_keys_double(&scorer->plan, values, keys);
    } else {
        assay_rank_keys_float(&scorer->plan, values, keys);
    }
    for (uint32_t index = 0; index < forest->category_feature_count; index++) {
        const assay_category_feature *feature = forest->category_features + index;
        const int64_t category = assay_category(forest, assay_category_value(forest, rows, row, feature->feature));
        const uint32_t *bits = forest->category_words + feature->first_word +
                               assay_category_row(forest, feature, category) * feature->word_count;
        uint32_t *slots = keys + feature->first_slot;
        // Any key but 0 goes right. The keys after the feature's own are those of the next one, or room to spare.
        for (uint32_t word = 0; word < feature->word_count; word++, slots += 32) {
            for (uint32_t bit = 0; bit < 32; bit++) slots[bit] = bits[word] & 1u << bit;
        }
    }
}

/// One step down a tree; a leaf stays where it is.
#define ASSAY_STEP(node)                                                              \
    {                                                                                 \
        const uint32_t link = node->link;                                             \
        node += (link >> slot_bit_count) + (keys[link & slot_mask] > node->key);      \
        ASSAY_SCALAR(node);                                                           \
    }

/// Adds the leaves of the trees of some groups of eight.
ASSAY_INLINE void assay_walk(
    const assay_forest *forest, uint32_t first, uint32_t end, const assay_row *row, assay_sum *total, const uint32_t slot_bit_count,
    const int mode) {
    assay_sum sum = *total;
    const void *values = forest->leaf_values;
    const uint32_t slot_mask = (1u << slot_bit_count) - 1;
    const uint32_t *keys = row->keys;
    for (uint32_t group = first; group < end; group++) {
        const uint32_t *roots = forest->roots + 8 * (size_t)group;
        const assay_node *nodes = forest->nodes;
        const assay_node *a = nodes + roots[0], *b = nodes + roots[1], *c = nodes + roots[2], *d = nodes + roots[3];
        const assay_node *e = nodes + roots[4], *f = nodes + roots[5], *g = nodes + roots[6], *h = nodes + roots[7];
        for (uint32_t depth = forest->group_depths[group]; depth > 0; depth--) {
            ASSAY_STEP(a) ASSAY_STEP(b) ASSAY_STEP(c) ASSAY_STEP(d)
            ASSAY_STEP(e) ASSAY_STEP(f) ASSAY_STEP(g) ASSAY_STEP(h)
        }
        assay_take(&sum, values, a->key, mode);
        assay_take(&sum, values, b->key, mode);
        assay_take(&sum, values, c->key, mode);
        assay_take(&sum, values, d->key, mode);
        assay_take(&sum, values, e->key, mode);
        assay_take(&sum, values, f->key, mode);
        assay_take(&sum, values, g->key, mode);
        assay_take(&sum, values, h->key, mode);
    }
    *total = sum;
}
#undef ASSAY_STEP

/// Ten bits, which most forests have, spare a register.
#define ASSAY_WALK(name, mode)                                                                                       \
    static void name(const assay_forest *forest, uint32_t first, uint32_t end, const assay_row *row, assay_sum *sum) { \
        if (forest->slot_bit_count == 10) {                                                                          \
            assay_walk(forest, first, end, row, sum, 10, mode);                                                      \
        } else {                                                                                                     \
            assay_walk(forest, first, end, row, sum, forest->slot_bit_count, mode);                                  \
        }                                                                                                            \
    }
ASSAY_WALK(assay_walk_float, ASSAY_SUM_FLOAT)
ASSAY_WALK(assay_walk_double, ASSAY_SUM_DOUBLE)
ASSAY_WALK(assay_walk_find, ASSAY_FIND)
#undef ASSAY_WALK
