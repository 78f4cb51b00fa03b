// The kernel for every processor: vectors of 16 bytes, which x86-64 and ARM64 always have.
#include "kernel.h"
#include "row.h"

#if defined(__SSE2__)
#include <emmintrin.h>

/// How many of 16 bytes, all 1 up to some point and 0 from there on, are 1.
ASSAY_INLINE uint32_t assay_count_bytes(__m128i bytes) { return (uint32_t)__builtin_ctz(~(uint32_t)_mm_movemask_epi8(bytes)); }

ASSAY_INLINE uint32_t assay_count_float(const float *block, float value) {
    const __m128 values = _mm_set1_ps(value);
    __m128i parts[4];
    for (int part = 0; part < 4; part++) parts[part] = _mm_castps_si128(_mm_cmple_ps(_mm_load_ps(block + 4 * part), values));
    return assay_count_bytes(_mm_packs_epi16(_mm_packs_epi32(parts[0], parts[1]), _mm_packs_epi32(parts[2], parts[3])));
}

ASSAY_INLINE uint32_t assay_count_double(const double *block, double value) {
    const __m128d values = _mm_set1_pd(value);
    __m128i parts[8];
    for (int part = 0; part < 8; part++) parts[part] = _mm_castpd_si128(_mm_cmple_pd(_mm_load_pd(block + 2 * part), values));
    const __m128i low = _mm_packs_epi32(_mm_packs_epi32(parts[0], parts[1]), _mm_packs_epi32(parts[2], parts[3]));
    const __m128i high = _mm_packs_epi32(_mm_packs_epi32(parts[4], parts[5]), _mm_packs_epi32(parts[6], parts[7]));
    return assay_count_bytes(_mm_packs_epi16(low, high));
}
#else
typedef float assay_floats __attribute__((vector_size(16)));
typedef double assay_doubles __attribute__((vector_size(16)));
typedef int32_t assay_words __attribute__((vector_size(16)));
typedef int64_t assay_long_words __attribute__((vector_size(16)));

ASSAY_INLINE uint32_t assay_count_float(const float *block, float value) {
    const assay_floats *blocks = (const assay_floats *)block;
    const assay_floats values = {value, value, value, value};
    const assay_words count = (blocks[0] <= values) + (blocks[1] <= values) + (blocks[2] <= values) + (blocks[3] <= values);
    return (uint32_t)-(count[0] + count[1] + count[2] + count[3]);
}

ASSAY_INLINE uint32_t assay_count_double(const double *block, double value) {
    const assay_doubles *blocks = (const assay_doubles *)block;
    const assay_doubles values = {value, value};
    assay_long_words count = {0, 0};
    for (int index = 0; index < 8; index++) count += blocks[index] <= values;
    return (uint32_t)-(count[0] + count[1]);
}
#endif

#define ASSAY_WORDS 0
#define ASSAY_PAIRS 1
#define ASSAY_BLENDS 0
#include "kernel_body.h"

void assay_score_portable(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves) {
    assay_all_rows(scorer, rows, raw, leaves);
}
