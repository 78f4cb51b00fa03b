#include "include/shap.h"

#define DECLARE(name) \
    void assay_shap_##name( \
        const struct assay_shap_group *, size_t, size_t, const uint32_t *, const struct assay_shap_scratch *);
DECLARE(plain_row)
DECLARE(plain_rows)
#if defined(__x86_64__)
DECLARE(avx2_row)
DECLARE(avx2_rows)
DECLARE(avx512_rows)
#endif

int assay_shap_has(enum assay_shap_isa isa)
{
    switch (isa) {
    case ASSAY_SHAP_PLAIN: return 1;
#if defined(__x86_64__)
    case ASSAY_SHAP_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case ASSAY_SHAP_AVX512:
        return assay_shap_has(ASSAY_SHAP_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
               __builtin_cpu_supports("avx512bw");
#endif
    default: return 0;
    }
}

void assay_shap_row(
    enum assay_shap_isa isa, const struct assay_shap_group *groups, size_t count, size_t leaf_row, const uint32_t *keys,
    const struct assay_shap_scratch *scratch)
{
    switch (isa) {
#if defined(__x86_64__)
    // One row alone takes as long with registers of 8 on Xeons (Sapphire Rapids), and twice as long on Zen 4.
    case ASSAY_SHAP_AVX512:
    case ASSAY_SHAP_AVX2: assay_shap_avx2_row(groups, count, leaf_row, keys, scratch); return;
#endif
    default: assay_shap_plain_row(groups, count, leaf_row, keys, scratch);
    }
}

void assay_shap_rows(
    enum assay_shap_isa isa, const struct assay_shap_group *groups, size_t count, size_t leaf_row, const uint32_t *keys,
    const struct assay_shap_scratch *scratch)
{
    switch (isa) {
#if defined(__x86_64__)
    case ASSAY_SHAP_AVX512: assay_shap_avx512_rows(groups, count, leaf_row, keys, scratch); return;
    case ASSAY_SHAP_AVX2: assay_shap_avx2_rows(groups, count, leaf_row, keys, scratch); return;
#endif
    default: assay_shap_plain_rows(groups, count, leaf_row, keys, scratch);
    }
}
