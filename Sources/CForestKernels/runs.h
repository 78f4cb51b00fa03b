// From a run to the code for its form. The including file tells which forms it knows, ASSAY_WORDS and ASSAY_PAIRS, and for words
//   ASSAY_SIZES(apply)             `apply` to each count of vectors that a row's slots may take, three of them, ascending,
//   ASSAY_VECTOR_SLOTS             and how many slots a vector holds.

#if !ASSAY_WORDS
#define ASSAY_SIZES(apply) apply(1)
#define ASSAY_VECTOR_SLOTS ASSAY_SLOTS
#endif

/// Takes the leaves of some runs.
ASSAY_INLINE void assay_take_runs(
    const assay_run *run, uint32_t count, const assay_row *row, assay_sum *sum, const int vectors, const int masked,
    const int mode) {
    (void)vectors, (void)masked;
    for (const assay_run *end = run + count; run < end; run++) {
        switch (run->kind * 16 + (run->level_count < 16 ? run->level_count : 0)) {
#if ASSAY_WORDS
#define ASSAY_HEAP(levels) \
    case ASSAY_RUN_HEAP * 16 + levels: assay_heap_run(run, row, sum, levels, vectors, masked, mode); break;
            ASSAY_HEAP(2) ASSAY_HEAP(3) ASSAY_HEAP(4) ASSAY_HEAP(5) ASSAY_HEAP(6)
#undef ASSAY_HEAP
#define ASSAY_DEEP(deep) \
    case ASSAY_RUN_HEAP * 16 + 6 + deep: assay_deep_run(run, row, sum, deep, vectors, masked, mode); break;
            ASSAY_DEEP(1) ASSAY_DEEP(2) ASSAY_DEEP(3) ASSAY_DEEP(4)
#undef ASSAY_DEEP
#define ASSAY_CHAINS(chains) \
    case ASSAY_RUN_CHAINS * 16 + chains: assay_chain_run(run, row, sum, chains, vectors, mode); break;
            ASSAY_CHAINS(1) ASSAY_CHAINS(2) ASSAY_CHAINS(3) ASSAY_CHAINS(4) ASSAY_CHAINS(5) ASSAY_CHAINS(6)
#undef ASSAY_CHAINS
#endif
        default:
#if ASSAY_WORDS
            if (run->kind == ASSAY_RUN_WIDE_CHAINS) assay_wide_chain_run(run, row, sum, vectors, mode);
            if (run->kind == ASSAY_RUN_STEPS) assay_step_run(run, row, sum, vectors, masked, mode);
#endif
#if ASSAY_PAIRS
            if (run->kind >= ASSAY_RUN_PAIRS) assay_take_pairs(run, row, sum, mode);
#endif
        }
    }
}

typedef void assay_runs_function(const assay_run *run, uint32_t count, const assay_row *row, assay_sum *sum);

#define ASSAY_RUNS(vectors, masked, mode)                                              \
    static void assay_take_runs_##vectors##_##masked##_##mode(                          \
        const assay_run *run, uint32_t count, const assay_row *row, assay_sum *sum) {   \
        assay_take_runs(run, count, row, sum, vectors, masked, mode);                   \
    }
#define ASSAY_RUNS_OF_SIZE(vectors)                                                                 \
    ASSAY_RUNS(vectors, 0, 0) ASSAY_RUNS(vectors, 0, 1) ASSAY_RUNS(vectors, 0, 2) ASSAY_RUNS(vectors, 1, 0) \
    ASSAY_RUNS(vectors, 1, 1) ASSAY_RUNS(vectors, 1, 2)
ASSAY_SIZES(ASSAY_RUNS_OF_SIZE)
#undef ASSAY_RUNS
#undef ASSAY_RUNS_OF_SIZE

/// The function for a plan's slots and masks. Where more slots are than the largest size holds, the plan has no words.
ASSAY_INLINE assay_runs_function *assay_function_for(const assay_plan *plan, const int mode) {
#define ASSAY_ROW(vectors, masked)                                                                     \
    { assay_take_runs_##vectors##_##masked##_0, assay_take_runs_##vectors##_##masked##_1, assay_take_runs_##vectors##_##masked##_2 }
#define ASSAY_SIZE(vectors) {vectors * ASSAY_VECTOR_SLOTS, {ASSAY_ROW(vectors, 0), ASSAY_ROW(vectors, 1)}},
    static const struct {
        uint32_t slots;
        assay_runs_function *functions[2][3];
    } sizes[] = {ASSAY_SIZES(ASSAY_SIZE)};
#undef ASSAY_SIZE
#undef ASSAY_ROW
    const size_t last = sizeof sizes / sizeof *sizes - 1;
    size_t size = 0;
    while (size < last && plan->slot_count > sizes[size].slots) size++;
    return sizes[size].functions[plan->flips != 0][mode];
}
