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
#define ASSAY_WORDS 0
#define ASSAY_BLENDS 1
#include "kernel_body.h"

void assay_score_avx2(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves) {
    assay_all_rows(scorer, rows, raw, leaves);
}

#pragma clang attribute pop
#endif
