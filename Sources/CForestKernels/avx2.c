// The kernel for processors with AVX2 and BMI2: ranks and batches by vectors, single rows by pairs. 64 decisions by byte
// permutations of 16 were tried: 104 trees of six levels take 425 ns with 64 slots (603 with 96, 253 with 32), pairs 370 (Xeon of
// family 6, model 143, 2.6 GHz, median of 20,000 rows).
#include "kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define ASSAY_FEATURES "avx2,bmi,bmi2,popcnt"
#pragma clang attribute push(__attribute__((target(ASSAY_FEATURES))), apply_to = function)
#include "row.h"

ASSAY_INLINE uint32_t assay_count_float(const float *block, float value) {
    const __m256 values = _mm256_set1_ps(value);
    const int low = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(block), values, _CMP_LE_OQ));
    const int high = _mm256_movemask_ps(_mm256_cmp_ps(_mm256_load_ps(block + 8), values, _CMP_LE_OQ));
    return (uint32_t)_mm_popcnt_u32((uint32_t)(low | high << 8));
}

ASSAY_INLINE uint32_t assay_count_double(const double *block, double value) {
    const __m256d values = _mm256_set1_pd(value);
    uint32_t mask = 0;
    for (int part = 0; part < 4; part++) {
        mask |= (uint32_t)_mm256_movemask_pd(_mm256_cmp_pd(_mm256_load_pd(block + 4 * part), values, _CMP_LE_OQ)) << 4 * part;
    }
    return (uint32_t)_mm_popcnt_u32(mask);
}

/// 16 slots, twice.
typedef struct assay_table {
    __m256i parts[8];
} assay_table;

ASSAY_INLINE assay_table assay_load_table(const uint8_t *slots, const int vectors) {
    assay_table table;
    for (int part = 0; part < vectors; part++) {
        table.parts[part] = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(slots + 16 * part)));
    }
    return table;
}

/// What lies in the slots, whose numbers are below 16 * vectors: from every 16 slots by their low four bits, the others choose.
ASSAY_INLINE __m256i assay_look_up(const assay_table *table, __m256i slots, const int vectors) {
    __m256i found[8];
    for (int part = 0; part < vectors; part++) found[part] = _mm256_shuffle_epi8(table->parts[part], slots);
    // The highest bit of a byte chooses.
    for (int count = vectors / 2, shift = 3; count > 0; count /= 2, shift--) {
        const __m256i bit = _mm256_slli_epi16(slots, shift);
        for (int part = 0; part < count; part++) {
            found[part] = _mm256_blendv_epi8(found[2 * part], found[2 * part + 1], bit);
        }
    }
    return found[0];
}

ASSAY_INLINE uint64_t assay_decide(const assay_table *table, const uint8_t *block, const int vectors) {
    uint64_t others = 0;
    for (int half = 0; half < 64; half += 32) {
        const __m256i ranks = assay_look_up(table, _mm256_load_si256((const __m256i *)(block + half)), vectors);
        const __m256i keys = _mm256_load_si256((const __m256i *)(block + 64 + half));
        const __m256i is_not_above = _mm256_cmpeq_epi8(_mm256_max_epu8(ranks, keys), keys);
        others |= (uint64_t)(uint32_t)_mm256_movemask_epi8(is_not_above) << half;
    }
    return ~others;
}

typedef uint64_t assay_masks __attribute__((vector_size(64)));

enum { ASSAY_LANES = 32, ASSAY_TILE = 128, ASSAY_BLEND_ROWS = 48, ASSAY_BIAS = 128 };
typedef __m256i assay_lanes;

ASSAY_INLINE assay_lanes assay_load_lanes(const uint8_t *bytes) { return _mm256_load_si256((const __m256i *)bytes); }
ASSAY_INLINE void assay_store_lanes(uint8_t *bytes, assay_lanes lanes) { _mm256_store_si256((__m256i *)bytes, lanes); }
ASSAY_INLINE assay_lanes assay_each(uint32_t word) { return _mm256_set1_epi32((int)word); }
ASSAY_INLINE assay_lanes assay_pick_leaf(assay_lanes ranks, assay_lanes keys) {
    return _mm256_and_si256(_mm256_cmpgt_epi8(ranks, keys), _mm256_set1_epi8(1));
}
ASSAY_INLINE assay_lanes assay_pick(assay_lanes ranks, assay_lanes keys, assay_lanes left, assay_lanes right, assay_lanes bit) {
    return _mm256_blendv_epi8(left, _mm256_add_epi8(right, bit), _mm256_cmpgt_epi8(ranks, keys));
}

#define ASSAY_SCALAR_LEAVES 1
#define ASSAY_WORDS 1
#define ASSAY_VECTOR_SLOTS 16
#define ASSAY_SIZES(apply) apply(2) apply(4) apply(8)
#define ASSAY_PAIRS 1
#define ASSAY_BLENDS 1
#include "kernel_body.h"

void assay_score_avx2(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves) {
    assay_all_rows(scorer, rows, raw, leaves);
}

#pragma clang attribute pop
#endif
