// The entries of the kernels, by processor.
#pragma once
#include "include/assay_kernels.h"

/// Scores rows into `raw`, or finds their leaves if that is null.
typedef void assay_kernel_function(const assay_scorer *scorer, const assay_rows *rows, double *raw, uint32_t *leaves);

assay_kernel_function assay_score_portable;
#if defined(__x86_64__)
assay_kernel_function assay_score_avx2, assay_score_avx512;
#elif defined(__aarch64__)
assay_kernel_function assay_score_neon;
#endif
