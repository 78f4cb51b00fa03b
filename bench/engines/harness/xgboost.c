// XGBoost through its C API, any version since 1.7: in-place prediction from a dense array (no DMatrix); SHAP values need a DMatrix, which
// each call makes, as a caller would have to.

#include "engine.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { INTERFACE_BYTES = 160, PREDICT_VALUE = 0, PREDICT_CONTRIBUTIONS = 2 };

struct state {
    const struct task *task;
    void *booster;
    float *row;                    // a single row is copied here, so that its array interface need not be written in the timed call
    char single[INTERFACE_BYTES];  // the array interface of `row`
    char configuration[200];
    int (*predict_dense)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);
    int (*predict_matrix)(void *, void *, const char *, const uint64_t **, uint64_t *, const float **);
    int (*matrix_create)(const float *, uint64_t, uint64_t, float, void **);
    int (*matrix_free)(void *);
    const char *(*last_error)(void);
};

static void write_interface(char *text, const float *rows, size_t row_count, size_t feature_count) {
    snprintf(text, INTERFACE_BYTES, "{\"data\": [%zu, true], \"shape\": [%zu, %zu], \"typestr\": \"<f4\", \"version\": 3}",
             (size_t)(uintptr_t)rows, row_count, feature_count);
}

static void *open(const struct task *task) {
    struct state *state = allocate(sizeof *state);
    void *library = open_library(task->library);
    int (*create)(void *const *, uint64_t, void **) = symbol(library, "XGBoosterCreate");
    int (*load)(void *, const char *) = symbol(library, "XGBoosterLoadModel");
    int (*set)(void *, const char *, const char *) = symbol(library, "XGBoosterSetParam");
    state->task = task;
    state->predict_dense = symbol(library, "XGBoosterPredictFromDense");
    state->predict_matrix = symbol(library, "XGBoosterPredictFromDMatrix");
    state->matrix_create = symbol(library, "XGDMatrixCreateFromMat");
    state->matrix_free = symbol(library, "XGDMatrixFree");
    state->last_error = symbol(library, "XGBGetLastError");
    if (create(NULL, 0, &state->booster) || load(state->booster, task->model) || set(state->booster, "nthread", "1"))
        fail("xgboost: %s", state->last_error());
    state->row = allocate(task->feature_count * sizeof *state->row);
    write_interface(state->single, state->row, 1, task->feature_count);
    snprintf(state->configuration, sizeof state->configuration,
             "{\"type\": %d, \"training\": false, \"iteration_begin\": 0, \"iteration_end\": 0, \"strict_shape\": false, "
             "\"cache_id\": 0, \"missing\": NaN}",
             task->contributions ? PREDICT_CONTRIBUTIONS : PREDICT_VALUE);
    return state;
}

static bool store(const struct state *state, size_t first, size_t count, const float *results) {
    size_t width = state->task->output_width;
    double *outputs = state->task->outputs + first * width;
    for (size_t i = 0; i < count * width; i++) outputs[i] = (double)results[i];
    return true;
}

static bool contribute(const struct state *state, size_t first, size_t count) {
    const struct task *task = state->task;
    void *matrix;
    const uint64_t *shape;
    uint64_t dimensions;
    const float *results;
    const float *rows = task->rows + first * task->feature_count;
    if (state->matrix_create(rows, count, task->feature_count, __builtin_nanf(""), &matrix)) return false;
    bool good = state->predict_matrix(state->booster, matrix, state->configuration, &shape, &dimensions, &results) == 0
                && store(state, first, count, results);
    return state->matrix_free(matrix) == 0 && good;
}

static bool call(void *context, size_t first, size_t count) {
    struct state *state = context;
    const struct task *task = state->task;
    if (task->contributions) return contribute(state, first, count);
    const float *rows = task->rows + first * task->feature_count, *results;
    char batch[INTERFACE_BYTES];
    const char *interface = batch;
    if (count == 1) {
        memcpy(state->row, rows, task->feature_count * sizeof *rows);
        interface = state->single;
    } else {
        write_interface(batch, rows, count, task->feature_count);
    }
    const uint64_t *shape;
    uint64_t dimensions;
    if (state->predict_dense(state->booster, interface, state->configuration, NULL, &shape, &dimensions, &results)) return false;
    return store(state, first, count, results);
}

const struct engine engine_xgboost = {"xgboost", open, call};
