// TreeSHAP for processors with AVX-512 (F, DQ, VL, BW): 8 doubles a register, for many rows.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,bmi,bmi2"))), apply_to = function)
#define NAME(x) assay_shap_avx512_##x
#define WIDTH 8
#define MANY_ROWS_ONLY
#include "shap_kernels.h"
#pragma clang attribute pop
#endif
