// 16 rows: a register holds one number of several rows at one point. Trees are done depth first, so that what is alive stays in the
// first cache. Included by shap_kernels.h.

struct NAME(walk) {
    const struct assay_shap_group *group;
    const double *leaves;
    const uint32_t *keys;
    lanes *sums;
    /// Bit r of an edge: row r takes it and all edges of the same feature above it.
    uint16_t *edges;
};

#define EACH(b) for (int b = 0; b < BLOCKS; b++)

INLINE block NAME(all)(double x)
{
    block r;
    for (int i = 0; i < WIDTH; i++) r[i] = x;
    return r;
}

#if WIDTH == 8
#include <immintrin.h>
typedef __mmask8 choice;
INLINE unsigned NAME(greater)(const uint32_t *keys, uint32_t key)
{
    return _mm512_cmpgt_epu32_mask(_mm512_load_si512(keys), _mm512_set1_epi32((int)key));
}
INLINE choice NAME(chosen)(unsigned bits, int b) { return (choice)(bits >> (8 * b)); }
INLINE block NAME(pick)(choice c, block yes, block no) { return _mm512_mask_blend_pd(c, no, yes); }
#else
typedef mask choice;
#if WIDTH == 4
#include <immintrin.h>
INLINE unsigned NAME(greater8)(const uint32_t *keys, uint32_t key)
{
    __m256i k = _mm256_load_si256((const __m256i *)keys), limit = _mm256_set1_epi32((int)key);
    // Unsigned: greater is not (the smaller of both is the key).
    __m256i is_not = _mm256_cmpeq_epi32(_mm256_min_epu32(k, limit), k);
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(is_not)) ^ 0xff;
}
INLINE unsigned NAME(greater)(const uint32_t *keys, uint32_t key)
{
    return NAME(greater8)(keys, key) | NAME(greater8)(keys + 8, key) << 8;
}
#else
INLINE unsigned NAME(greater)(const uint32_t *keys, uint32_t key)
{
    unsigned bits = 0;
    for (int r = 0; r < LANES; r++) bits |= (unsigned)(keys[r] > key) << r;
    return bits;
}
#endif
INLINE choice NAME(chosen)(unsigned bits, int b)
{
    mask lane;
    for (int i = 0; i < WIDTH; i++) lane[i] = (int64_t)1 << (b * WIDTH + i);
    mask word;
    for (int i = 0; i < WIDTH; i++) word[i] = bits;
    return (word & lane) != 0;
}
INLINE block NAME(pick)(choice c, block yes, block no) { return (block)((c & (mask)yes) | (~c & (mask)no)); }
#endif

/// Where k of a split lies for each point, and t after it, for the rows that have not left its path; in `room` if need be.
INLINE const double *NAME(factors)(
    const struct assay_shap_group *group, const struct assay_shap_split *s, lanes *room, const size_t points)
{
    if (points <= 8) return group->factors + s->factor;
    const v8 *at = (const v8 *)(group->rule + group->stride), *rests = (const v8 *)(group->rule + 2 * group->stride);
    v8 *k = (v8 *)room;
    size_t width = group->stride / 8;
    for (size_t j = 0; j < width; j++) {
        v8 z = s->reach * rests[j], inverse = 1 / (z + at[j]);
        k[j] = z * inverse;
        k[width + j] = s->reach * inverse * inverse;
    }
    return (const double *)k;
}

/// A split with two leaves. `c` is the factors above it, `b` receives its sums, `room` is for `points` vectors.
INLINE void NAME(pair)(
    const struct NAME(walk) *walk, const struct assay_shap_split *s, const double *leaves, const lanes *restrict c,
    lanes *restrict b, lanes *room, const size_t points)
{
    const struct assay_shap_group *group = walk->group;
    unsigned right = NAME(greater)(walk->keys + (size_t)s->slot * LANES, s->key);
    double d = leaves[0] - leaves[1];
    lanes e, leaf, sum;
    EACH(i) {
        choice r = NAME(chosen)(right, i);
        e.part[i] = NAME(pick)(r, NAME(all)(-s->share[1] * d), NAME(all)(s->share[0] * d));
        leaf.part[i] = NAME(pick)(r, NAME(all)(leaves[1]), NAME(all)(leaves[0]));
        sum.part[i] = NAME(all)(0);
    }
    if (s->above == 0) {
        const double *k = group->rule + 2 * group->stride;
        for (size_t q = 0; q < points; q++) EACH(i) {
            sum.part[i] += c[q].part[i];
            b[q].part[i] = leaf.part[i] - NAME(all)(k[q]) * e.part[i];
        }
    } else {
        const double *k = NAME(factors)(group, s, room, points), *t = k + group->stride;
        unsigned hot = walk->edges[s->above];
        for (size_t q = 0; q < points; q++) EACH(i) {
            sum.part[i] += NAME(all)(t[q]) * c[q].part[i];
            b[q].part[i] = leaf.part[i] - NAME(pick)(NAME(chosen)(hot, i), NAME(all)(k[q]), NAME(all)(1)) * e.part[i];
        }
        EACH(i) sum.part[i] = NAME(pick)(NAME(chosen)(hot, i), sum.part[i], NAME(all)(0));
    }
    lanes *out = walk->sums + s->column;
    EACH(i) out->part[i] += sum.part[i] * e.part[i];
}

/// What B_left - B_right is to be multiplied with for E: the cold share, and the sign that makes it hot minus cold.
INLINE lanes NAME(side)(const struct assay_shap_split *s, unsigned right)
{
    lanes side;
    EACH(i) side.part[i] = NAME(pick)(NAME(chosen)(right, i), NAME(all)(-s->share[1]), NAME(all)(s->share[0]));
    return side;
}

/// What C is multiplied with towards the left, and B_left - B_right for B: (left is hot ? 1 : 0) - k side.
INLINE void NAME(spread)(
    const struct assay_shap_split *s, unsigned right, unsigned hot, lanes side, const double *k, lanes *restrict to_left,
    const size_t points)
{
    lanes left;
    EACH(i) left.part[i] = NAME(pick)(NAME(chosen)(right, i), NAME(all)(0), NAME(all)(1));
    if (s->above == 0) {
        for (size_t q = 0; q < points; q++) EACH(i) to_left[q].part[i] = left.part[i] - NAME(all)(k[q]) * side.part[i];
    } else {
        for (size_t q = 0; q < points; q++) EACH(i)
            to_left[q].part[i] =
                left.part[i] - NAME(pick)(NAME(chosen)(hot, i), NAME(all)(k[q]), NAME(all)(1)) * side.part[i];
    }
}

/// C of the left child (0) or the right one (1).
INLINE void NAME(descend)(
    const lanes *restrict c, const lanes *restrict to_left, lanes *restrict down, int turn, const size_t points)
{
    for (size_t q = 0; q < points; q++) EACH(i) {
        block left = c[q].part[i] * to_left[q].part[i];
        if (turn) left = c[q].part[i] - left;
        down[q].part[i] = left;
    }
}

/// B of a split from its children's, and its contribution.
INLINE void NAME(join)(
    const struct NAME(walk) *walk, const struct assay_shap_split *s, unsigned hot, lanes side, const double *t,
    const lanes *restrict c, const lanes *restrict to_left, const lanes *restrict left, const lanes *restrict other,
    lanes *restrict b, const size_t points)
{
    lanes sum;
    EACH(i) sum.part[i] = NAME(all)(0);
    if (s->above == 0) {
        for (size_t q = 0; q < points; q++) EACH(i) {
            block d = left[q].part[i] - other[q].part[i];
            b[q].part[i] = other[q].part[i] + to_left[q].part[i] * d;
            sum.part[i] += c[q].part[i] * d;
        }
    } else {
        for (size_t q = 0; q < points; q++) EACH(i) {
            block d = left[q].part[i] - other[q].part[i];
            b[q].part[i] = other[q].part[i] + to_left[q].part[i] * d;
            sum.part[i] += NAME(all)(t[q]) * c[q].part[i] * d;
        }
        EACH(i) sum.part[i] = NAME(pick)(NAME(chosen)(hot, i), sum.part[i], NAME(all)(0));
    }
    lanes *out = walk->sums + s->column;
    EACH(i) out->part[i] += sum.part[i] * side.part[i];
}

#define SPLIT(n) NAME(split_##n)
#define DECLARE(n) \
    static void SPLIT(n)(const struct NAME(walk) * walk, uint32_t index, const lanes *c, lanes *b, lanes *level);
DECLARE(1) DECLARE(2) DECLARE(3) DECLARE(4) DECLARE(5) DECLARE(6) DECLARE(7) DECLARE(8) DECLARE(any)

/// A split of so many points, by the function that was compiled for that many.
INLINE void NAME(split)(
    const struct NAME(walk) *walk, uint32_t index, const lanes *c, lanes *b, lanes *level, const size_t points)
{
    switch (points) {
    case 1: SPLIT(1)(walk, index, c, b, level); break;
    case 2: SPLIT(2)(walk, index, c, b, level); break;
    case 3: SPLIT(3)(walk, index, c, b, level); break;
    case 4: SPLIT(4)(walk, index, c, b, level); break;
    case 5: SPLIT(5)(walk, index, c, b, level); break;
    case 6: SPLIT(6)(walk, index, c, b, level); break;
    case 7: SPLIT(7)(walk, index, c, b, level); break;
    case 8: SPLIT(8)(walk, index, c, b, level); break;
    default: SPLIT(any)(walk, index, c, b, level);
    }
}

/// An inner split. `level` is room for it and the levels below it.
INLINE void NAME(inner)(
    const struct NAME(walk) *walk, uint32_t index, const lanes *c, lanes *b, lanes *level, const size_t points)
{
    const struct assay_shap_group *group = walk->group;
    const struct assay_shap_split *s = group->splits + index;
    uint32_t inner = group->inner_count, splits = inner + group->pair_count;
    unsigned right = NAME(greater)(walk->keys + (size_t)s->slot * LANES, s->key), hot = walk->edges[s->above];
    walk->edges[2 + 2 * (size_t)index] = (uint16_t)(hot & ~right);
    walk->edges[3 + 2 * (size_t)index] = (uint16_t)(hot & right);

    lanes side = NAME(side)(s, right), *to_left = level, *down = level + points, *below[2] = {down + points, down + 2 * points};
    lanes *room = down + 3 * points, *next = level + ASSAY_SHAP_LEVEL_VECTORS * points;
    const double *k = s->above == 0 ? group->rule + 2 * group->stride : NAME(factors)(group, s, room, points);
    NAME(spread)(s, right, hot, side, k, to_left, points);
    for (int turn = 0; turn < 2; turn++) {
        uint32_t child = s->child[turn];
        if (child >= splits) {
            block leaf = NAME(all)(walk->leaves[child - inner + group->pair_count]);
            for (size_t q = 0; q < points; q++) EACH(i) below[turn][q].part[i] = leaf;
            continue;
        }
        NAME(descend)(c, to_left, down, turn, points);
        if (child >= inner)
            NAME(pair)(
                walk, group->splits + child, walk->leaves + 2 * (size_t)(child - inner), down, below[turn], next, points);
        else
            NAME(split)(walk, child, down, below[turn], next, points);
    }
    NAME(join)(walk, s, hot, side, k + group->stride, c, to_left, below[0], below[1], b, points);
}

#define DEFINE(n, points) \
    static __attribute__((noinline)) void SPLIT(n)( \
        const struct NAME(walk) * walk, uint32_t index, const lanes *c, lanes *b, lanes *level) \
    { \
        NAME(inner)(walk, index, c, b, level, points); \
    }
DEFINE(1, 1)
DEFINE(2, 2)
DEFINE(3, 3)
DEFINE(4, 4)
DEFINE(5, 5)
DEFINE(6, 6)
DEFINE(7, 7)
DEFINE(8, 8)
DEFINE(any, walk->group->point_count)

void NAME(rows)(
    const struct assay_shap_group *groups, size_t count, size_t leaf_row, const uint32_t *keys,
    const struct assay_shap_scratch *scratch)
{
    struct NAME(walk) walk = {.keys = keys, .sums = (lanes *)scratch->sums, .edges = scratch->edges};
    walk.edges[0] = 0xffff;
    for (size_t i = 0; i < count; i++) {
        const struct assay_shap_group *group = groups + i;
        size_t points = group->point_count;
        lanes *c = (lanes *)scratch->vectors, *b = c + points;
        walk.group = group;
        walk.leaves = group->leaves + leaf_row * group->leaf_count;
        for (size_t q = 0; q < points; q++) EACH(j) c[q].part[j] = NAME(all)(group->rule[q]);
        for (uint32_t root = 0; root < group->root_count; root++) NAME(split)(&walk, root, c, b, b + points, points);
    }
}
