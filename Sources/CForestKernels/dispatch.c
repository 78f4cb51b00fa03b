#include "kernel.h"

#if defined(__x86_64__)
#include <cpuid.h>

/// Which register states the system saves (XCR0).
static uint64_t saved_states(void) {
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

enum { SSE = 1 << 1, AVX = 1 << 2, AVX512 = 7 << 5 };

static int has_avx2(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_POPCNT)) return 0;
    if ((saved_states() & (SSE | AVX)) != (SSE | AVX)) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    return (b & bit_AVX2) && (b & bit_BMI) && (b & bit_BMI2);
}

static int has_avx512(void) {
    uint32_t a, b, c, d;
    if (!has_avx2() || (saved_states() & AVX512) != AVX512) return 0;
    const uint32_t needed = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & needed) == needed && (c & bit_AVX512VBMI);
}
#endif

static assay_kernel_function *function_of(int kernel) {
    switch (kernel) {
#if defined(__x86_64__)
    case ASSAY_KERNEL_AVX512: return assay_score_avx512;
    case ASSAY_KERNEL_AVX2: return assay_score_avx2;
#elif defined(__aarch64__)
    case ASSAY_KERNEL_NEON: return assay_score_neon;
#endif
    default: return assay_score_portable;
    }
}

int assay_kernel_is_available(int kernel) {
    switch (kernel) {
    case ASSAY_KERNEL_PORTABLE: return 1;
#if defined(__x86_64__)
    case ASSAY_KERNEL_AVX512: return has_avx512();
    case ASSAY_KERNEL_AVX2: return has_avx2();
#elif defined(__aarch64__)
    case ASSAY_KERNEL_NEON: return 1;
#endif
    default: return 0;
    }
}

void assay_score(int kernel, const assay_scorer *scorer, const assay_rows *rows, double *raw) {
    function_of(kernel)(scorer, rows, raw, 0);
}

void assay_leaves(int kernel, const assay_scorer *scorer, const assay_rows *rows, uint32_t *leaves) {
    function_of(kernel)(scorer, rows, 0, leaves);
}
