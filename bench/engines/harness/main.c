// Measures one engine on one model and one set of rows; a process each, so that no engine's allocator, threads or caches meet another's.
//   harness ENGINE LIBRARY MODEL ROWS ROW_COUNT FEATURE_COUNT score|contributions BATCH SECONDS CALLS CALLS_MIN PROCESSOR OUTPUTS
// ROWS: float32 [rows, features], nothing else. OUTPUTS is written: float64 [2, rows, width], the results of the single calls, then those
// of the batches; a row that was not reached is all NaN. Prints the timings in nanoseconds as one line of JSON.

#define _GNU_SOURCE
#include "engine.h"
#include "timing.h"

#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENT_COUNT = 14, CACHE_LINE = 64, BATCHES_MAX = 2000 };

static const struct engine *const engines[] = {&engine_xgboost, &engine_lightgbm, &engine_onnxruntime, &engine_tl2cgen,
                                               &engine_lleaves, &engine_treelite, &engine_ydf};

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void *open_library(const char *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) fail("cannot open %s: %s", path, dlerror());
    return library;
}

void *symbol(void *library, const char *name) {
    void *address = dlsym(library, name);
    if (!address) fail("no %s in the library", name);
    return address;
}

void *allocate(size_t byte_count) {
    size_t rounded = (byte_count + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *memory = aligned_alloc(CACHE_LINE, rounded);
    if (!memory) fail("out of memory (%zu bytes)", rounded);
    return memset(memory, 0, rounded);
}

double *double_rows(const struct task *task) {
    size_t count = task->row_count * task->feature_count;
    double *rows = allocate(count * sizeof *rows);
    for (size_t i = 0; i < count; i++) rows[i] = (double)task->rows[i];
    return rows;
}

static const struct engine *find(const char *name) {
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
        if (strcmp(engines[i]->name, name) == 0) return engines[i];
    fail("no engine named %s", name);
}

static const float *read_rows(const char *path, size_t count) {
    float *rows = allocate(count * sizeof *rows);
    FILE *file = fopen(path, "rb");
    if (!file || fread(rows, sizeof *rows, count, file) != count) fail("cannot read %zu floats from %s", count, path);
    fclose(file);
    return rows;
}

static void clear(const struct task *task) {
    for (size_t i = 0; i < task->row_count * task->output_width; i++) task->outputs[i] = NAN;
}

static void append(FILE *file, const struct task *task) {
    size_t count = task->row_count * task->output_width;
    if (fwrite(task->outputs, sizeof(double), count, file) != count) fail("cannot write the outputs");
}

static void print(const char *name, size_t rows, assay_bench_timing timing) {
    if (timing.calls == 0) fail("a %s call failed", name);
    printf("\"%s\": {\"rows\": %zu, \"calls\": %zu, \"p50\": %.2f, \"p99\": %.2f, \"mean\": %.2f, \"overhead\": %.2f}", name, rows,
           timing.calls, timing.median, timing.p99, timing.mean, timing.overhead);
}

int main(int argc, char **argv) {
    if (argc != ARGUMENT_COUNT) fail("usage: see the head of main.c");
    const struct engine *engine = find(argv[1]);
    struct task task = {.library = argv[2], .model = argv[3], .contributions = strcmp(argv[7], "contributions") == 0};
    task.row_count = strtoul(argv[5], NULL, 10);
    task.feature_count = strtoul(argv[6], NULL, 10);
    size_t batch = strtoul(argv[8], NULL, 10);
    double seconds = strtod(argv[9], NULL);
    size_t calls = strtoul(argv[10], NULL, 10), calls_min = strtoul(argv[11], NULL, 10);
    if (!assay_bench_pin(atoi(argv[12]))) fail("no processor %s", argv[12]);
    task.rows = read_rows(argv[4], task.row_count * task.feature_count);
    task.output_width = task.contributions ? task.feature_count + 1 : 1;
    task.outputs = allocate(task.row_count * task.output_width * sizeof *task.outputs);
    FILE *file = fopen(argv[13], "wb");
    if (!file) fail("cannot write %s", argv[13]);

    assay_bench_subject subject = {.context = engine->open(&task), .call = engine->call};
    assay_bench_plan single = {task.row_count, 1, calls, calls_min, seconds};
    assay_bench_plan batches = {task.row_count, batch, BATCHES_MAX, 1, seconds};
    clear(&task);
    printf("{");
    print("single", 1, assay_bench_measure(subject, single));
    append(file, &task);
    clear(&task);
    printf(", ");
    print("batch", batch, assay_bench_measure(subject, batches));
    append(file, &task);
    printf("}\n");
    return fclose(file) == 0 ? 0 : 1;
}
