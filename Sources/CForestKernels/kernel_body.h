// What every kernel is made of; see the parts for what the including file gives.
#define ASSAY_VALUE float
#define ASSAY_NAMED(name) name##_float
#define ASSAY_COUNT assay_count_float
#include "rank.h"
#define ASSAY_VALUE double
#define ASSAY_NAMED(name) name##_double
#define ASSAY_COUNT assay_count_double
#include "rank.h"
#include "words.h"
#if ASSAY_WORDS
#include "categories.h"
#include "levels.h"
#include "trees.h"
#endif
#if ASSAY_PAIRS
#include "pairs.h"
#endif
#include "runs.h"
#if ASSAY_BLENDS
#include "tile.h"
#include "blend.h"
#endif
#include "score.h"
