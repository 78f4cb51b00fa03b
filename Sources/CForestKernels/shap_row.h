// One row: the points of the quadrature lie side by side in registers, and a group of trees is done in two passes without a branch on
// the data: down over the splits (C), and up again (B). Included by shap_kernels.h.

/// All bits are set if the row takes an edge, and those of the same feature above it.
#define HOT(edges, s) ((size_t)((const int8_t *)(edges))[(s)->above])

#define HALF(x, a, b, c, d) __builtin_shufflevector(x, x, a, b, c, d)
#define FOLDED(x) (HALF(x, 0, 1, 2, 3) + HALF(x, 4, 5, 6, 7))

// Up to 8 features on a path.
#define TABLE_ROW NAME(row_four)
#define VECTOR v4
#define COUNT 4
#define FOLD(x) (x)
#include "shap_row_table.h"

// Up to 16.
#define TABLE_ROW NAME(row_eight)
#define VECTOR v8
#define COUNT 8
#define FOLD(x) FOLDED(x)
#include "shap_row_table.h"

/// What k and t are computed from: z and the 1 that stands before q, or 1 and 0 on a path that the row has left.
struct NAME(path) { double reach, rest; };

INLINE struct NAME(path) NAME(path)(const struct assay_shap_split *s, size_t hot)
{
    union { double number; uint64_t bits; } reach = {.number = s->reach}, one = {.number = 1}, rest;
    reach.bits = (reach.bits & hot) | (one.bits & ~hot);
    rest.bits = one.bits & hot;
    return (struct NAME(path)){reach.number, rest.number};
}

/// More features on a path than 16: k and t of each eight points are computed where they are needed.
static __attribute__((noinline)) void NAME(row_more)(
    const struct assay_shap_group *group, const double *restrict leaves, const uint32_t *restrict keys, v4 *restrict sums,
    v8 *restrict vectors, uint16_t *restrict edges)
{
    const struct assay_shap_split *splits = group->splits;
    size_t width = group->stride / 8;
    const v8 *weights = (const v8 *)group->rule, *points = weights + width, *rests = points + width;
    size_t inner = group->inner_count, pairs = group->pair_count;

    for (size_t i = 0; i < group->root_count; i++)
        for (size_t j = 0; j < width; j++) vectors[i * width + j] = weights[j];
    for (size_t i = 0; i < inner; i++) {
        const struct assay_shap_split *s = splits + i;
        size_t right = keys[s->slot] > s->key, hot = HOT(edges, s);
        edges[1 + i] = (uint16_t)((hot & 0xff) << (8 * right));
        struct NAME(path) path = NAME(path)(s, hot);
        v8 *c = vectors + i * width, *to = vectors + s->child[right] * width, *other = vectors + s->child[right ^ 1] * width;
        for (size_t j = 0; j < width; j++) {
            v8 z = path.reach * rests[j], cold = c[j] * (z / (z + path.rest * points[j]) * s->share[right]);
            to[j] = c[j] - cold;
            other[j] = cold;
        }
    }
    for (size_t i = 0; i < pairs; i++) {
        const struct assay_shap_split *s = splits + inner + i;
        size_t right = keys[s->slot] > s->key;
        struct NAME(path) path = NAME(path)(s, HOT(edges, s));
        double leaf = leaves[2 * i + right], e = s->share[right] * (leaf - leaves[2 * i + (right ^ 1)]);
        v8 *c = vectors + (inner + i) * width, sum = {};
        for (size_t j = 0; j < width; j++) {
            v8 z = path.reach * rests[j], inverse = 1 / (z + path.rest * points[j]);
            sum += c[j] * inverse * inverse;
            c[j] = leaf - z * inverse * e;
        }
        sums[s->column] += FOLDED(sum) * (e * path.reach * path.rest);
    }
    for (size_t i = 2 * pairs; i < group->leaf_count; i++)
        for (size_t j = 0; j < width; j++) vectors[(inner + i - pairs) * width + j] = (v8){} + leaves[i];
    for (size_t i = inner; i-- > 0;) {
        const struct assay_shap_split *s = splits + i;
        size_t right = keys[s->slot] > s->key;
        struct NAME(path) path = NAME(path)(s, HOT(edges, s));
        v8 *c = vectors + i * width, *to = vectors + s->child[right] * width, *other = vectors + s->child[right ^ 1] * width;
        v8 sum = {};
        for (size_t j = 0; j < width; j++) {
            v8 z = path.reach * rests[j], inverse = 1 / (z + path.rest * points[j]);
            v8 e = s->share[right] * (to[j] - other[j]);
            sum += c[j] * inverse * inverse * e;
            c[j] = to[j] - z * inverse * e;
        }
        sums[s->column] += FOLDED(sum) * (path.reach * path.rest);
    }
}

void NAME(row)(
    const struct assay_shap_group *groups, size_t count, size_t leaf_row, const uint32_t *keys,
    const struct assay_shap_scratch *scratch)
{
    v4 *sums = (v4 *)scratch->sums;
    scratch->edges[0] = 0xffff;
    for (size_t i = 0; i < count; i++) {
        const struct assay_shap_group *group = groups + i;
        const double *leaves = group->leaves + leaf_row * group->leaf_count;
        double *vectors = scratch->vectors;
        switch (group->stride) {
        case 4: NAME(row_four)(group, leaves, keys, sums, (v4 *)vectors, scratch->edges, scratch->choices); break;
        case 8: NAME(row_eight)(group, leaves, keys, sums, (v8 *)vectors, scratch->edges, scratch->choices); break;
        default: NAME(row_more)(group, leaves, keys, sums, (v8 *)vectors, scratch->edges);
        }
    }
}
