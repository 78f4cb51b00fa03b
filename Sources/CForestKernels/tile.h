// Ranks of a tile of rows side by side: `[slots, ASSAY_TILE]` bytes, xored with ASSAY_BIAS, which is 128 where comparisons are
// signed.

#define ASSAY_RANK_TILE(type)                                                                                                 \
    /* `rows`: the first value of each of the tile's rows up to `end`. */                                                     \
    ASSAY_INLINE void assay_rank_tile_##type(                                                                                 \
        const assay_plan *plan, const type *const *rows, const size_t end, uint8_t *ranks) {                                  \
        const type *values = plan->rank_values;                                                                               \
        for (uint32_t index = 0; index < plan->rank_count; index++) {                                                         \
            const assay_rank *rank = plan->ranks + index;                                                                     \
            uint8_t *left = ranks + assay_tile_row(plan, rank->chunk.left);                                                   \
            uint8_t *right = ranks + assay_tile_row(plan, rank->chunk.right);                                                 \
            if (index < plan->one_level_end) {                                                                                \
                for (size_t row = 0; row < end; row++) {                                                                      \
                    const type value = rows[row][rank->feature];                                                              \
                    const uint32_t count = assay_count_##type(values + rank->levels[0], value);                               \
                    left[row] = (uint8_t)(count ^ ASSAY_BIAS);                                                                \
                    right[row] = (uint8_t)((count | -(uint32_t)(value != value)) ^ ASSAY_BIAS);                               \
                }                                                                                                             \
            } else if (index < plan->two_level_end) {                                                                         \
                for (size_t row = 0; row < end; row++) {                                                                      \
                    const type value = rows[row][rank->feature];                                                              \
                    const uint32_t count = assay_rank_two_##type(values, rank, value);                                        \
                    left[row] = (uint8_t)(count ^ ASSAY_BIAS);                                                                \
                    right[row] = (uint8_t)((count | -(uint32_t)(value != value)) ^ ASSAY_BIAS);                               \
                }                                                                                                             \
            } else {                                                                                                          \
                for (size_t row = 0; row < end; row++) {                                                                      \
                    const type value = rows[row][rank->feature];                                                              \
                    assay_store_chunks(plan, rank, assay_rank_of_##type(plan, rank, value), value != value, ranks + row);     \
                }                                                                                                             \
            }                                                                                                                 \
        }                                                                                                                     \
    }

/// Where a slot's ranks begin; the unused slot comes after the last one.
ASSAY_INLINE size_t assay_tile_row(const assay_plan *plan, uint32_t slot) {
    return (size_t)(slot < plan->slot_count ? slot : plan->slot_count) * ASSAY_TILE;
}

/// Stores a rank among more than 255 thresholds, 255 in each slot.
ASSAY_INLINE void assay_store_chunks(
    const assay_plan *plan, const assay_rank *rank, uint32_t count, int is_missing, uint8_t *ranks) {
    int32_t rest = (int32_t)count;
    for (uint32_t index = 0; index < rank->chunk_count; index++, rest -= ASSAY_CHUNK_THRESHOLDS) {
        const assay_chunk chunk = plan->chunks[rank->first_chunk + index];
        const int32_t kept = rest < 0 ? 0 : rest > ASSAY_CHUNK_THRESHOLDS ? ASSAY_CHUNK_THRESHOLDS : rest;
        ranks[assay_tile_row(plan, chunk.left)] = (uint8_t)(kept ^ ASSAY_BIAS);
        ranks[assay_tile_row(plan, chunk.right)] = (uint8_t)(((uint32_t)kept | -(uint32_t)is_missing) ^ ASSAY_BIAS);
    }
}

ASSAY_RANK_TILE(float)
ASSAY_RANK_TILE(double)
#undef ASSAY_RANK_TILE

/// More features than that are not copied a tile at a time: 256 KiB of the stack.
enum { ASSAY_COPIED_FEATURES = 256, ASSAY_BLEND_OUTPUTS = 64 };

/// Whether a forest's rows can go side by side.
ASSAY_INLINE int assay_can_blend(const assay_scorer *scorer, const assay_rows *rows) {
    const int copies = scorer->plan.tiny || rows->are_double != scorer->forest.features_are_double;
    return scorer->plan.is_blendable && scorer->forest.raw_count <= ASSAY_BLEND_OUTPUTS &&
           (!copies || scorer->forest.feature_count <= ASSAY_COPIED_FEATURES);
}

/// Rows of a tile that are computed for `count` that are wanted: whole registers.
ASSAY_INLINE size_t assay_lane_end(size_t count) { return (count + ASSAY_LANES - 1) / ASSAY_LANES * ASSAY_LANES; }

/// Ranks `count` rows from `first`; the lanes beyond, up to a register's end, repeat the last one.
ASSAY_INLINE void assay_rank_tile(const assay_scorer *scorer, const assay_rows *rows, size_t first, size_t count, uint8_t *ranks) {
    const assay_forest *forest = &scorer->forest;
    const int copies = scorer->plan.tiny || rows->are_double != forest->features_are_double;
    _Alignas(64) double copied[copies ? ASSAY_TILE : 1][copies ? forest->feature_count : 1];
    const void *starts[ASSAY_TILE];
    const size_t end = assay_lane_end(count);
    for (size_t row = 0; row < end; row++) {
        starts[row] = row < count ? assay_values(scorer, rows, first + row, copied[copies ? row : 0]) : starts[count - 1];
    }
    if (forest->features_are_double) {
        assay_rank_tile_double(&scorer->plan, (const double *const *)starts, end, ranks);
    } else if (end == ASSAY_TILE) {
        assay_rank_tile_float(&scorer->plan, (const float *const *)starts, ASSAY_TILE, ranks);
    } else {
        assay_rank_tile_float(&scorer->plan, (const float *const *)starts, end, ranks);
    }
}
