// One row, for trees whose k and t are precomputed: one register holds all points. Included by shap_row.h, which defines:
//   TABLE_ROW   the function's name
//   VECTOR      its COUNT doubles
//   FOLD(x)     their sums as four doubles

static __attribute__((noinline)) void TABLE_ROW(
    const struct assay_shap_group *group, const double *restrict leaves, const uint32_t *restrict keys, v4 *restrict sums,
    VECTOR *restrict vectors, uint16_t *restrict edges, uint32_t *restrict choices)
{
    const struct assay_shap_split *splits = group->splits;
    const double *factors = group->factors;
    size_t inner = group->inner_count, pairs = group->pair_count;

    for (size_t i = 0; i < group->root_count; i++) vectors[i] = *(const VECTOR *)group->rule;
    for (size_t i = 0; i < inner; i++) {
        const struct assay_shap_split *s = splits + i;
        // The factors of a path that the row has left are the first ones.
        size_t right = keys[s->slot] > s->key, hot = HOT(edges, s), factor = s->factor & hot;
        edges[1 + i] = (uint16_t)((hot & 0xff) << (8 * right));
        choices[i] = (uint32_t)(factor | right);
        VECTOR c = vectors[i], cold = c * (*(const VECTOR *)(factors + factor) * s->share[right]);
        vectors[s->child[right ^ 1]] = cold;
        vectors[s->child[right]] = c - cold;
    }
    for (size_t i = 0; i < pairs; i++) {
        const struct assay_shap_split *s = splits + inner + i;
        size_t right = keys[s->slot] > s->key;
        const double *f = factors + (s->factor & HOT(edges, s));
        double leaf = leaves[2 * i + right], e = s->share[right] * (leaf - leaves[2 * i + (right ^ 1)]);
        VECTOR sum = vectors[inner + i] * *(const VECTOR *)(f + COUNT) * e;
        sums[s->column] += FOLD(sum);
        vectors[inner + i] = leaf - *(const VECTOR *)f * e;
    }
    for (size_t i = 2 * pairs; i < group->leaf_count; i++) vectors[inner + i - pairs] = (VECTOR){} + leaves[i];
    for (size_t i = inner; i-- > 0;) {
        const struct assay_shap_split *s = splits + i;
        size_t right = choices[i] & 1;
        const double *f = factors + (choices[i] & ~1u);
        VECTOR hot = vectors[s->child[right]], e = s->share[right] * (hot - vectors[s->child[right ^ 1]]);
        VECTOR sum = vectors[i] * *(const VECTOR *)(f + COUNT) * e;
        sums[s->column] += FOLD(sum);
        vectors[i] = hot - *(const VECTOR *)f * e;
    }
}

#undef TABLE_ROW
#undef VECTOR
#undef COUNT
#undef FOLD
