// Trees of byte ranks: 64 decisions by byte permutations and a comparison, then a walk over the bits. The including file gives
//   assay_table                    the slots of a row in registers, filled by
//   assay_load_table(slots, n)     from n * ASSAY_VECTOR_SLOTS bytes, and
//   assay_decide(&table, block, n) a bit for each of 64 slots of a block whose rank is above the block's.
// Nothing here branches on a row's values.

/// A complete tree's decisions are 7 bits for its first three levels, breadth first, then for each of the 8 trees below as many
/// as its levels have. So three levels are one look-up.
ASSAY_INLINE size_t assay_walk_bits(uint64_t decisions, const int levels) {
    const size_t top = decisions & 127;
    if (levels == 2) return assay_two_levels[decisions & 7];
    const size_t end = assay_three_levels[top];
    if (levels == 3) return end;
    if (levels == 4) return 2 * end + (decisions >> (7 + end) & 1);
    if (levels == 5) return 4 * end + assay_two_levels[decisions >> assay_shift_of_three[top] & 7];
    return 8 * end + assay_three_levels[decisions >> assay_shift_of_seven[top] & 127];
}

/// Complete trees of `levels` <= 6 levels: 2^(6 - levels) of them share a word.
ASSAY_INLINE void assay_heap_run(
    const assay_run *shared, const assay_row *row, assay_sum *total, const int levels, const int vectors, const int masked,
    const int mode) {
    const assay_run run = *shared;
    assay_sum sum = *total;
    const assay_table table = assay_load_table(row->slots, vectors);
    const uint8_t *block = run.blocks;
    const uint64_t *mask = row->masks + run.first_mask;
    size_t base = 0;
    for (uint32_t word = 0; word < run.word_count; word++, block += 128) {
        uint64_t decisions = assay_decide(&table, block, vectors);
        if (masked) decisions ^= *mask++;
        for (int tree = 0; tree < 64 >> levels; tree++, base += (size_t)1 << levels) {
            assay_take(&sum, run.values, base + assay_walk_bits(decisions >> (tree << levels), levels), mode);
        }
    }
    *total = sum;
}

/// Trees go through each stage after their word four at a time: while one waits for memory, the others go on. More do not fit the
/// registers.
enum { ASSAY_ABREAST = 4 };

/// Complete trees of six levels in a word and `deep` more by look-up.
ASSAY_INLINE void assay_deep_run(
    const assay_run *shared, const assay_row *row, assay_sum *total, const int deep, const int vectors, const int masked,
    const int mode) {
    const assay_run run = *shared;
    assay_sum sum = *total;
    const assay_table table = assay_load_table(row->slots, vectors);
    const uint8_t *block = run.blocks;
    const uint64_t *mask = row->masks + run.first_mask;
    // Where modes know the values' size, the unit's is a constant.
    const size_t value_size = mode == ASSAY_SUM_FLOAT ? sizeof(float) : sizeof(double);
    const size_t pairs_size = (size_t)2 << deep > value_size ? (size_t)2 << deep : value_size;
    const size_t unit_size = mode == ASSAY_FIND ? run.unit_size : pairs_size + (value_size << deep);
    // First all words, which asks memory for what lies below, so that nothing waits for it afterwards.
    const uint8_t *unit = run.links;
    uint32_t units[ASSAY_LARGE_RUN_TREES];
    for (uint32_t tree = 0; tree < run.word_count; tree++, block += 128) {
        uint64_t decisions = assay_decide(&table, block, vectors);
        if (masked) decisions ^= *mask++;
        units[tree] = (uint32_t)(tree * 64 + assay_walk_bits(decisions, 6));
        __builtin_prefetch(unit + units[tree] * unit_size);
        if (pairs_size + (value_size << deep) > 32) __builtin_prefetch(unit + units[tree] * unit_size + unit_size - 1);
    }
    for (uint32_t first = 0; first < run.word_count; first += ASSAY_ABREAST) {
        size_t places[ASSAY_ABREAST];
        for (int tree = 0; tree < ASSAY_ABREAST; tree++) places[tree] = 1;
        for (int level = 0; level < deep; level++) {
            for (int tree = 0; tree < ASSAY_ABREAST; tree++) {
                const uint16_t *pairs = (const uint16_t *)(unit + units[first + (uint32_t)tree] * unit_size);
                places[tree] = assay_heap_step(pairs, places[tree], row->slots);
                ASSAY_SCALAR(places[tree]);
            }
        }
        for (int tree = 0; tree < ASSAY_ABREAST; tree++) {
            const size_t below = units[first + (uint32_t)tree];
            if (mode == ASSAY_FIND) {
                assay_take(&sum, 0, ((below - 1) << deep) + places[tree], mode);
            } else {
                // Places begin with 2^deep.
                assay_take(&sum, unit + below * unit_size + pairs_size - (value_size << deep), places[tree], mode);
            }
        }
    }
    *total = sum;
}

/// Trees cut into chains of nodes, each node followed by its larger child while the decision is 0. The first 1 from a chain's
/// start on, or the chain's end, is where the row leaves the chain; an entry there tells which chain or leaf comes next. An entry
/// holds the chain's first bit and (from bit 6) the index of its first entry; a leaf's entry leads to itself by way of bit 63,
/// which is always 1.
ASSAY_INLINE void assay_chain_run(
    const assay_run *shared, const assay_row *row, assay_sum *total, const int chains, const int vectors, const int mode) {
    const assay_run run = *shared;
    assay_sum sum = *total;
    const assay_table table = assay_load_table(row->slots, vectors);
    const uint8_t *block = run.blocks;
    const uint64_t *mask = row->masks + run.first_mask;
    uint64_t words[ASSAY_LARGE_RUN_TREES];
    for (uint32_t tree = 0; tree < run.word_count; tree++, block += 128) {
        words[tree] = assay_decide(&table, block, vectors) ^ mask[tree];
    }
    for (uint32_t first = 0; first < run.word_count; first += ASSAY_ABREAST) {
        const uint64_t *ends = run.chain_ends + first;
        const uint64_t *decisions = words + first;
        const uint16_t *entries[ASSAY_ABREAST];
        uint32_t entry[ASSAY_ABREAST];
        for (int tree = 0; tree < ASSAY_ABREAST; tree++) {
            entries[tree] = (const uint16_t *)run.links + run.trees[first + (uint32_t)tree].first_link;
            entry[tree] = entries[tree][__builtin_ctzll(decisions[tree] | ends[tree])];
            ASSAY_SCALAR(entry[tree]);
        }
        for (int chain = 1; chain < chains; chain++) {
            for (int tree = 0; tree < ASSAY_ABREAST; tree++) {
                const uint64_t exits = decisions[tree] >> (entry[tree] & 63) | (ends[tree] >> (entry[tree] & 63) & ~1ull);
                entry[tree] = entries[tree][(entry[tree] >> 6) + (uint32_t)__builtin_ctzll(exits)];
                ASSAY_SCALAR(entry[tree]);
            }
        }
        for (int tree = 0; tree < ASSAY_ABREAST; tree++) {
            uint32_t leaf = run.trees[first + (uint32_t)tree].first_leaf + (entry[tree] >> 6);
            ASSAY_SCALAR(leaf);
            assay_take(&sum, run.values, leaf, mode);
        }
    }
    *total = sum;
}

/// The same for trees of several words; an entry holds bit, word (4 bits) and index.
ASSAY_INLINE void assay_wide_chain_run(
    const assay_run *shared, const assay_row *row, assay_sum *total, const int vectors, const int mode) {
    const assay_run run = *shared;
    assay_sum sum = *total;
    const assay_table table = assay_load_table(row->slots, vectors);
    const uint8_t *block = run.blocks;
    const uint64_t *mask = row->masks + run.first_mask;
    const uint64_t *ends = run.chain_ends;
    const uint32_t words = run.word_count;
    for (uint32_t tree = 0; tree < run.tree_count; tree++, mask += words, ends += words) {
        uint64_t decisions[ASSAY_TREE_WORDS];
        for (uint32_t word = 0; word < words; word++, block += 128) {
            decisions[word] = assay_decide(&table, block, vectors) ^ mask[word];
        }
        const uint32_t *entries = (const uint32_t *)run.links + run.trees[tree].first_link;
        uint32_t entry = 0;
        for (uint32_t chain = 0; chain < run.level_count; chain++) {
            const uint32_t word = entry >> 6 & 15;
            const uint64_t exits = decisions[word] >> (entry & 63) | (ends[word] >> (entry & 63) & ~1ull);
            entry = entries[(entry >> 10) + (uint32_t)__builtin_ctzll(exits)];
        }
        assay_take(&sum, run.values, run.trees[tree].first_leaf + (entry >> 10), mode);
    }
    *total = sum;
}

/// Six complete levels, then node after node; a leaf leads to itself.
ASSAY_INLINE void assay_step_run(
    const assay_run *shared, const assay_row *row, assay_sum *total, const int vectors, const int masked, const int mode) {
    const assay_run run = *shared;
    assay_sum sum = *total;
    const assay_table table = assay_load_table(row->slots, vectors);
    const uint8_t *slots = row->slots;
    const uint8_t *block = run.blocks;
    const uint64_t *mask = row->masks + run.first_mask;
    const uint16_t *exits = run.exits;
    for (uint32_t tree = 0; tree < run.tree_count; tree++, block += 128, exits += 64) {
        uint64_t decisions = assay_decide(&table, block, vectors);
        if (masked) decisions ^= mask[tree];
        const uint32_t *nodes = (const uint32_t *)run.links + run.trees[tree].first_link;
        size_t node = exits[assay_walk_bits(decisions, 6)];
        for (uint32_t level = 0; level < run.level_count; level++) {
            const uint32_t link = nodes[node];
            node += (link >> 16) + (slots[link & 255] > (link >> 8 & 255));
        }
        assay_take(&sum, run.values, run.trees[tree].first_leaf + (uint32_t)node, mode);
    }
    *total = sum;
}
