// The kernel for ARM64, which always has NEON. 64 slots at once would take four look-ups of 64 bytes each a tree; cores that do
// such a look-up in one step are few, so that trees are walked in pairs as by the portable kernel. Ranks and batches go by
// vectors.
#include "kernel.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include "row.h"

ASSAY_INLINE uint32_t assay_count_float(const float *block, float value) {
    const float32x4_t values = vdupq_n_f32(value);
    uint32x4_t count = vcleq_f32(vld1q_f32(block), values);
    for (int part = 1; part < 4; part++) count = vaddq_u32(count, vcleq_f32(vld1q_f32(block + 4 * part), values));
    return 0u - vaddvq_u32(count);
}

ASSAY_INLINE uint32_t assay_count_double(const double *block, double value) {
    const float64x2_t values = vdupq_n_f64(value);
    uint64x2_t count = vcleq_f64(vld1q_f64(block), values);
    for (int part = 1; part < 8; part++) count = vaddq_u64(count, vcleq_f64(vld1q_f64(block + 2 * part), values));
    return 0u - (uint32_t)vaddvq_u64(count);
}

enum { ASSAY_LANES = 16, ASSAY_TILE = 64, ASSAY_BLEND_ROWS = 32, ASSAY_BIAS = 0 };
typedef uint8x16_t assay_lanes;

ASSAY_INLINE assay_lanes assay_load_lanes(const uint8_t *bytes) { return vld1q_u8(bytes); }
ASSAY_INLINE void assay_store_lanes(uint8_t *bytes, assay_lanes lanes) { vst1q_u8(bytes, lanes); }
ASSAY_INLINE assay_lanes assay_each(uint32_t word) { return vreinterpretq_u8_u32(vdupq_n_u32(word)); }
ASSAY_INLINE assay_lanes assay_pick_leaf(assay_lanes ranks, assay_lanes keys) {
    return vandq_u8(vcgtq_u8(ranks, keys), vdupq_n_u8(1));
}
ASSAY_INLINE assay_lanes assay_pick(assay_lanes ranks, assay_lanes keys, assay_lanes left, assay_lanes right, assay_lanes bit) {
    return vbslq_u8(vcgtq_u8(ranks, keys), vaddq_u8(right, bit), left);
}

#define ASSAY_SCALAR_LEAVES 1
#define ASSAY_WORDS 0
#define ASSAY_PAIRS 1
#define ASSAY_BLENDS 1
#include "kernel_body.h"

void assay_score_neon(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves) {
    assay_all_rows(scorer, rows, raw, leaves);
}
#endif
