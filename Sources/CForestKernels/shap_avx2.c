// TreeSHAP for processors with AVX2 and FMA: 4 doubles a register.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#define NAME(x) assay_shap_avx2_##x
#define WIDTH 4
#include "shap_kernels.h"
#pragma clang attribute pop
#endif
