// The clock is the processor's time-stamp counter where there is one (fenced, so that a call neither starts early nor ends late in the
// pipeline), else CLOCK_MONOTONIC.

#define _GNU_SOURCE
#include "timing.h"

#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { OVERHEAD_SAMPLES = 2001, CALIBRATION_NANOSECONDS = 50 * 1000 * 1000, WARM_UP_SHARE = 5 };

static uint64_t nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

#if defined(__x86_64__)
#include <x86intrin.h>

static inline uint64_t ticks_begin(void) {
    _mm_lfence();
    uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
}

static inline uint64_t ticks_end(void) {
    unsigned processor;
    uint64_t ticks = __rdtscp(&processor);
    _mm_lfence();
    return ticks;
}

static double nanoseconds_per_tick(void) {
    uint64_t time = nanoseconds(), ticks = __rdtsc();
    while (nanoseconds() - time < CALIBRATION_NANOSECONDS) {}
    return (double)(nanoseconds() - time) / (double)(__rdtsc() - ticks);
}
#else
static inline uint64_t ticks_begin(void) { return nanoseconds(); }
static inline uint64_t ticks_end(void) { return nanoseconds(); }
static double nanoseconds_per_tick(void) { return 1; }
#endif

static int ascending(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

// The median of `count` differences between two readings with nothing in between.
static uint64_t clock_ticks(void) {
    static uint64_t samples[OVERHEAD_SAMPLES];
    for (size_t i = 0; i < OVERHEAD_SAMPLES; i++) {
        uint64_t begin = ticks_begin();
        samples[i] = ticks_end() - begin;
    }
    qsort(samples, OVERHEAD_SAMPLES, sizeof *samples, ascending);
    return samples[OVERHEAD_SAMPLES / 2];
}

// Where the calls stand in the rows: a call that would pass the end starts again at the first row.
static size_t next_first(size_t first, const assay_bench_plan *plan) {
    size_t next = first + plan->rows_per_call;
    return next + plan->rows_per_call <= plan->row_count ? next : 0;
}

// Calls for a fifth of the time, or as often as will be measured; returns the mean cost in nanoseconds, 0 when a call failed.
static double warm_up(assay_bench_subject subject, const assay_bench_plan *plan) {
    uint64_t begin = nanoseconds(), limit = (uint64_t)(plan->seconds_max * 1e9 / WARM_UP_SHARE), spent = 0;
    size_t calls = 0;
    for (size_t first = 0; calls < plan->calls_wanted && spent < limit; first = next_first(first, plan)) {
        if (!subject.call(subject.context, first, plan->rows_per_call)) return 0;
        spent = nanoseconds() - begin;
        calls++;
    }
    return (double)spent / (double)calls;
}

static size_t affordable_calls(double cost, const assay_bench_plan *plan) {
    double affordable = plan->seconds_max * 1e9 / cost;
    size_t calls = affordable < (double)plan->calls_wanted ? (size_t)affordable : plan->calls_wanted;
    return calls < plan->calls_min ? plan->calls_min : calls;
}

static assay_bench_timing summary(uint64_t *samples, size_t count) {
    uint64_t overhead = clock_ticks();
    double scale = nanoseconds_per_tick(), sum = 0;
    for (size_t i = 0; i < count; i++) {
        samples[i] = samples[i] > overhead ? samples[i] - overhead : 0;
        sum += (double)samples[i];
    }
    qsort(samples, count, sizeof *samples, ascending);
    return (assay_bench_timing){
        .calls = count,
        .median = scale * (double)samples[count / 2],
        .p99 = scale * (double)samples[count - 1 - count / 100],
        .mean = scale * sum / (double)count,
        .overhead = scale * (double)overhead,
    };
}

assay_bench_timing assay_bench_measure(assay_bench_subject subject, assay_bench_plan plan) {
    assay_bench_timing failure = {0};
    double cost = warm_up(subject, &plan);
    if (cost <= 0) return failure;
    size_t calls = affordable_calls(cost, &plan);
    uint64_t *samples = malloc(calls * sizeof *samples);
    if (!samples) return failure;
    // Written before, so that the timed loop meets no page for the first time.
    for (size_t i = 0; i < calls; i++) samples[i] = 0;
    bool good = true;
    size_t first = 0;
    for (size_t i = 0; i < calls && good; i++) {
        uint64_t begin = ticks_begin();
        good = subject.call(subject.context, first, plan.rows_per_call);
        samples[i] = ticks_end() - begin;
        first = next_first(first, &plan);
    }
    assay_bench_timing timing = good ? summary(samples, calls) : failure;
    free(samples);
    return timing;
}

bool assay_bench_pin(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}
