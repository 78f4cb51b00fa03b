// The kernels of shap.h, compiled once for each set of instructions by the files that include this. They define:
//   NAME(x)   the name of x in this set
//   WIDTH     the doubles of a register: 2, 4 or 8
//   MANY_ROWS_ONLY    if one row alone is left to another set
#include "include/shap.h"

#define INLINE static inline __attribute__((always_inline))
#define LANES ASSAY_SHAP_LANES
#define BLOCKS (LANES / WIDTH)

typedef double v4 __attribute__((vector_size(32), aligned(32), may_alias));
typedef double v8 __attribute__((vector_size(64), aligned(64), may_alias));
typedef double block __attribute__((vector_size(WIDTH * 8), aligned(WIDTH * 8), may_alias));
typedef int64_t mask __attribute__((vector_size(WIDTH * 8), aligned(WIDTH * 8), may_alias));
/// One number for each of 16 rows.
typedef struct { block part[BLOCKS]; } lanes;

#ifndef MANY_ROWS_ONLY
#include "shap_row.h"
#endif
#include "shap_rows.h"
