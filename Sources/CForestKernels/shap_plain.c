// TreeSHAP for every processor; on arm64 its pairs of doubles are NEON's registers.
#define NAME(x) assay_shap_plain_##x
#define WIDTH 2
#include "shap_kernels.h"
