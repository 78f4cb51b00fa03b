// Timing of single calls, the same for every engine: the peers' harness (C) and Assay's own program (Swift) both measure with this.
#ifndef ASSAY_BENCH_TIMING_H
#define ASSAY_BENCH_TIMING_H

#include <stdbool.h>
#include <stddef.h>

/// What is measured. `call` scores the rows `first ..< first + count` of the rows that `context` knows and stores the results; false ends
/// the measurement.
typedef struct assay_bench_subject {
    void *context;
    bool (*call)(void *context, size_t first, size_t count);
} assay_bench_subject;

/// Calls of `rows_per_call` rows that cycle through `row_count` rows, after a warm-up of at most a fifth of `seconds_max`:
/// `calls_wanted` of them, fewer (but at least `calls_min`) when they would take longer than `seconds_max`.
typedef struct assay_bench_plan {
    size_t row_count;
    size_t rows_per_call;
    size_t calls_wanted;
    size_t calls_min;
    double seconds_max;
} assay_bench_plan;

/// Nanoseconds of a call, the clock's own cost (`overhead`) subtracted; `calls` is 0 when a call failed.
typedef struct assay_bench_timing {
    size_t calls;
    double median;
    double p99;
    double mean;
    double overhead;
} assay_bench_timing;

/// Measures `subject`; allocates only before the first timed call.
assay_bench_timing assay_bench_measure(assay_bench_subject subject, assay_bench_plan plan);

/// Keeps this thread on one processor; false when it is not there.
bool assay_bench_pin(int processor);

#endif
