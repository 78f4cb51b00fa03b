// The kernel for processors with AVX-512 VBMI (Intel from Ice Lake, AMD from Zen 4).
#include "kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define ASSAY_FEATURES "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx2,bmi,bmi2,lzcnt,popcnt,fma"
#pragma clang attribute push(__attribute__((target(ASSAY_FEATURES))), apply_to = function)
#include "row.h"

ASSAY_INLINE uint32_t assay_count_float(const float *block, float value) {
    return (uint32_t)_mm_popcnt_u32(_mm512_cmp_ps_mask(_mm512_load_ps(block), _mm512_set1_ps(value), _CMP_LE_OQ));
}

ASSAY_INLINE uint32_t assay_count_double(const double *block, double value) {
    const __m512d values = _mm512_set1_pd(value);
    const uint32_t low = _mm512_cmp_pd_mask(_mm512_load_pd(block), values, _CMP_LE_OQ);
    const uint32_t high = _mm512_cmp_pd_mask(_mm512_load_pd(block + 8), values, _CMP_LE_OQ);
    return (uint32_t)_mm_popcnt_u32(low | high << 8);
}

typedef struct assay_table {
    __m512i parts[4];
} assay_table;

ASSAY_INLINE assay_table assay_load_table(const uint8_t *slots, const int vectors) {
    assay_table table;
    for (int part = 0; part < vectors; part++) table.parts[part] = _mm512_load_si512(slots + 64 * part);
    return table;
}

ASSAY_INLINE uint64_t assay_decide(const assay_table *table, const uint8_t *block, const int vectors) {
    const __m512i slots = _mm512_load_si512(block);
    __m512i ranks;
    if (vectors == 1) {
        ranks = _mm512_permutexvar_epi8(slots, table->parts[0]);
    } else {
        ranks = _mm512_permutex2var_epi8(table->parts[0], slots, table->parts[1]);
    }
    if (vectors == 4) {
        const __m512i upper = _mm512_permutex2var_epi8(table->parts[2], slots, table->parts[3]);
        ranks = _mm512_mask_blend_epi8(_mm512_movepi8_mask(slots), ranks, upper);
    }
    return _mm512_cmpgt_epu8_mask(ranks, _mm512_load_si512(block + 64));
}

typedef uint64_t assay_masks __attribute__((vector_size(64)));

enum { ASSAY_LANES = 64, ASSAY_TILE = 128, ASSAY_BLEND_ROWS = 64, ASSAY_BIAS = 0 };
typedef __m512i assay_lanes;

ASSAY_INLINE assay_lanes assay_load_lanes(const uint8_t *bytes) { return _mm512_load_si512(bytes); }
ASSAY_INLINE assay_lanes assay_each(uint32_t word) { return _mm512_set1_epi32((int)word); }
ASSAY_INLINE assay_lanes assay_pick_leaf(assay_lanes ranks, assay_lanes keys) {
    return _mm512_maskz_mov_epi8(_mm512_cmpgt_epu8_mask(ranks, keys), _mm512_set1_epi8(1));
}
ASSAY_INLINE assay_lanes assay_pick(assay_lanes ranks, assay_lanes keys, assay_lanes left, assay_lanes right, assay_lanes bit) {
    return _mm512_mask_add_epi8(left, _mm512_cmpgt_epu8_mask(ranks, keys), right, bit);
}

/// Up to 64 leaves are looked up in registers.
ASSAY_INLINE void assay_add_float(float *sums, const float *values, assay_lanes indices, const int levels) {
    _Alignas(64) uint8_t bytes[64];
    _mm512_store_si512(bytes, indices);
    for (int lane = 0; lane < 64; lane += 16) {
        const __m512i index = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)(bytes + lane)));
        __m512 leaves;
        if (levels <= 4) {
            const __mmask16 present = (__mmask16)((1u << (1u << levels)) - 1);
            leaves = _mm512_permutexvar_ps(index, _mm512_maskz_loadu_ps(present, values));
        } else if (levels == 5) {
            leaves = _mm512_permutex2var_ps(_mm512_loadu_ps(values), index, _mm512_loadu_ps(values + 16));
        } else {
            const __m512 low = _mm512_permutex2var_ps(_mm512_loadu_ps(values), index, _mm512_loadu_ps(values + 16));
            const __m512 high = _mm512_permutex2var_ps(_mm512_loadu_ps(values + 32), index, _mm512_loadu_ps(values + 48));
            leaves = _mm512_mask_blend_ps(_mm512_test_epi32_mask(index, _mm512_set1_epi32(32)), low, high);
        }
        _mm512_store_ps(sums + lane, _mm512_add_ps(_mm512_load_ps(sums + lane), leaves));
    }
}

ASSAY_INLINE void assay_add_double(double *sums, const double *values, assay_lanes indices) {
    _Alignas(64) uint8_t bytes[64];
    _mm512_store_si512(bytes, indices);
    for (int lane = 0; lane < 64; lane += 8) {
        const __m256i index = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(bytes + lane)));
        const __m512d leaves = _mm512_i32gather_pd(index, values, 8);
        _mm512_store_pd(sums + lane, _mm512_add_pd(_mm512_load_pd(sums + lane), leaves));
    }
}

#define ASSAY_WORDS 1
#define ASSAY_VECTOR_SLOTS 64
#define ASSAY_SIZES(apply) apply(1) apply(2) apply(4)
#define ASSAY_PAIRS 0
#define ASSAY_BLENDS 1
#include "kernel_body.h"

void assay_score_avx512(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves) {
    assay_all_rows(scorer, rows, raw, leaves);
}

#pragma clang attribute pop
#endif
