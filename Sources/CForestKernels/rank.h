// Ranks of values among thresholds. Included once for float and once for double, with
//   ASSAY_VALUE      the type,
//   ASSAY_NAMED(x)   a name for it,
//   ASSAY_COUNT(p,x) how many of the 16 values at p, aligned to 64 bytes, are not above x (none if x is NaN).

/// The rank of a value among a feature's thresholds, level by level.
ASSAY_INLINE uint32_t ASSAY_NAMED(assay_rank_of)(const assay_plan *plan, const assay_rank *rank, ASSAY_VALUE value) {
    const ASSAY_VALUE *values = plan->rank_values;
    uint32_t count = 0;
    for (uint32_t level = rank->level_count; level > 0; level--) {
        const uint32_t first = level <= 2 ? rank->levels[level - 1] : plan->upper_levels[rank->upper + level - 3];
        count = 16 * count + ASSAY_COUNT(values + first + 16 * (size_t)count, value);
    }
    return count;
}

/// The same for two levels.
ASSAY_INLINE uint32_t ASSAY_NAMED(assay_rank_two)(const ASSAY_VALUE *values, const assay_rank *rank, ASSAY_VALUE value) {
    const uint32_t block = ASSAY_COUNT(values + rank->levels[1], value);
    return 16 * block + ASSAY_COUNT(values + rank->levels[0] + 16 * (size_t)block, value);
}

/// Ranks one row into the keys that the forest's own nodes look at.
ASSAY_INLINE void ASSAY_NAMED(assay_rank_keys)(const assay_plan *plan, const ASSAY_VALUE *row, uint32_t *keys) {
    const ASSAY_VALUE *values = plan->rank_values;
    const assay_rank *rank = plan->ranks;
    const assay_rank *two_level_end = rank + plan->two_level_end;
    const assay_rank *end = rank + plan->rank_count;
    for (const assay_rank *one_level_end = rank + plan->one_level_end; rank < one_level_end; rank++) {
        const ASSAY_VALUE value = row[rank->feature];
        const uint32_t count = ASSAY_COUNT(values + rank->levels[0], value);
        keys[1 + 2 * rank->feature] = count;
        keys[2 + 2 * rank->feature] = count | -(uint32_t)(value != value);
    }
    for (; rank < two_level_end; rank++) {
        const ASSAY_VALUE value = row[rank->feature];
        const uint32_t count = ASSAY_NAMED(assay_rank_two)(values, rank, value);
        keys[1 + 2 * rank->feature] = count;
        keys[2 + 2 * rank->feature] = count | -(uint32_t)(value != value);
    }
    for (; rank < end; rank++) {
        const ASSAY_VALUE value = row[rank->feature];
        const uint32_t count = ASSAY_NAMED(assay_rank_of)(plan, rank, value);
        keys[1 + 2 * rank->feature] = count;
        keys[2 + 2 * rank->feature] = count | -(uint32_t)(value != value);
    }
}

/// Ranks one row into slots. What has up to two levels has one chunk.
ASSAY_INLINE void ASSAY_NAMED(assay_rank_slots)(const assay_plan *plan, const ASSAY_VALUE *row, uint8_t *slots) {
    const ASSAY_VALUE *values = plan->rank_values;
    const assay_rank *rank = plan->ranks;
    const assay_rank *one_level_end = rank + plan->one_level_end;
    const assay_rank *two_level_end = rank + plan->two_level_end;
    const assay_rank *end = rank + plan->rank_count;
    for (; rank < one_level_end; rank++) {
        const ASSAY_VALUE value = row[rank->feature];
        const uint32_t count = ASSAY_COUNT(values + rank->levels[0], value);
        slots[rank->chunk.left] = (uint8_t)count;
        slots[rank->chunk.right] = (uint8_t)(count | -(uint32_t)(value != value));
    }
    for (; rank < two_level_end; rank++) {
        const ASSAY_VALUE value = row[rank->feature];
        const uint32_t count = ASSAY_NAMED(assay_rank_two)(values, rank, value);
        slots[rank->chunk.left] = (uint8_t)count;
        slots[rank->chunk.right] = (uint8_t)(count | -(uint32_t)(value != value));
    }
    for (; rank < end; rank++) {
        const ASSAY_VALUE value = row[rank->feature];
        int32_t count = (int32_t)ASSAY_NAMED(assay_rank_of)(plan, rank, value);
        const uint32_t missing = -(uint32_t)(value != value);
        for (uint32_t chunk = 0; chunk < rank->chunk_count; chunk++, count -= ASSAY_CHUNK_THRESHOLDS) {
            const assay_chunk slot = plan->chunks[rank->first_chunk + chunk];
            const int32_t kept = count < 0 ? 0 : count > ASSAY_CHUNK_THRESHOLDS ? ASSAY_CHUNK_THRESHOLDS : count;
            slots[slot.left] = (uint8_t)kept;
            slots[slot.right] = (uint8_t)((uint32_t)kept | missing);
        }
    }
}

#undef ASSAY_VALUE
#undef ASSAY_NAMED
#undef ASSAY_COUNT
