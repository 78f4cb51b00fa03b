// What an engine of the harness is: opened once with a model and the rows, then called for ranges of rows.
#ifndef ASSAY_BENCH_ENGINE_H
#define ASSAY_BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

enum { PATH_COUNT_MAX = 4096 };

struct task {
    const char *library;  // the engine's shared library
    const char *model;    // the file it opens; what that is depends on the engine
    bool contributions;   // SHAP values, not scores
    size_t row_count;
    size_t feature_count;
    const float *rows;    // [row_count, feature_count] row-major
    size_t output_width;  // 1, or feature_count + 1
    double *outputs;      // [row_count, output_width]: every call writes its rows
};

struct engine {
    const char *name;
    /// What `call` gets as its context; exits with a message when the library or the model cannot be opened. The task outlives it.
    void *(*open)(const struct task *task);
    bool (*call)(void *context, size_t first, size_t count);
};

extern const struct engine engine_xgboost, engine_lightgbm, engine_onnxruntime, engine_tl2cgen, engine_lleaves, engine_treelite, engine_ydf;

/// Prints a message to standard error and exits with 1.
_Noreturn void fail(const char *format, ...);

/// `dlopen` and `dlsym` that fail loudly.
void *open_library(const char *path);
void *symbol(void *library, const char *name);

/// Zeroed memory, aligned to a cache line; fails loudly.
void *allocate(size_t byte_count);

/// The rows as doubles, for engines that take no floats: their own conversion is then not counted.
double *double_rows(const struct task *task);

#endif
