// The decisions of category splits as bits: for each category of a feature a mask for every word of decisions.

/// The bits that a row's categories flip: `[mask_count]`.
ASSAY_INLINE void assay_category_masks(const assay_scorer *scorer, const assay_rows *rows, size_t row, uint64_t *masks) {
    const assay_forest *forest = &scorer->forest;
    const assay_plan *plan = &scorer->plan;
    const uint64_t *sources[ASSAY_CATEGORY_FEATURES];
    const uint32_t count = forest->category_feature_count;
    for (uint32_t index = 0; index < count; index++) {
        const assay_category_lookup *lookup = plan->category_lookups + index;
        const int64_t category = assay_category(forest, assay_category_value(forest, rows, row, lookup->feature));
        size_t line = 0;
        if (lookup->row_count == 0) {
            line = assay_category_row(forest, forest->category_features + index, category);
        } else {
            const int is_known = category >= 0 && category < lookup->row_count;
            line = plan->category_rows[lookup->first_row + (is_known ? (size_t)category : 0)];
            line = is_known ? line : 0;
        }
        line = category == -2 ? 1 : line;
        sources[index] = lookup->masks + line * plan->mask_count;
    }
    for (uint32_t mask = 0; mask < plan->mask_count; mask += 8) {
        assay_masks bits = *(const assay_masks *)(plan->flips + mask);
        for (uint32_t index = 0; index < count; index++) bits ^= *(const assay_masks *)(sources[index] + mask);
        *(assay_masks *)(masks + mask) = bits;
    }
}
