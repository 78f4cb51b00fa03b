// Treelite's own interpreter (GTIL) through its C API, on a model that treelite has written.

#include "engine.h"

#include <stdint.h>
#include <string.h>

struct state {
    const struct task *task;
    void *model;
    void *configuration;
    const double *rows;    // used when the model takes float64
    float *floats;         // results of a float32 model
    double *doubles;
    const char *type;
    uint64_t output_count; // the last one is the score
    int (*predict)(void *, const void *, const char *, uint64_t, void *, void *);
};

enum { OUTPUT_BYTES_MAX = 1 << 20 };

static void *open(const struct task *task) {
    struct state *state = allocate(sizeof *state);
    void *library = open_library(task->library);
    int (*load)(const char *, void **) = symbol(library, "TreeliteDeserializeModelFromFile");
    int (*configure)(const char *, void **) = symbol(library, "TreeliteGTILParseConfig");
    int (*output_shape)(void *, uint64_t, void *, const uint64_t **, uint64_t *) = symbol(library, "TreeliteGTILGetOutputShape");
    int (*input_type)(void *, const char **) = symbol(library, "TreeliteGetInputType");
    const char *(*last_error)(void) = symbol(library, "TreeliteGetLastError");
    const uint64_t *shape;
    uint64_t dimensions;
    state->task = task;
    state->predict = symbol(library, "TreeliteGTILPredict");
    if (load(task->model, &state->model) || configure("{\"predict_type\": \"default\", \"nthread\": 1}", &state->configuration)
        || input_type(state->model, &state->type) || output_shape(state->model, 1, state->configuration, &shape, &dimensions))
        fail("treelite: %s", last_error());
    state->output_count = 1;
    for (uint64_t i = 0; i < dimensions; i++) state->output_count *= shape[i];
    if (strcmp(state->type, "float64") == 0) state->rows = double_rows(task);
    state->floats = allocate(OUTPUT_BYTES_MAX);
    state->doubles = allocate(OUTPUT_BYTES_MAX);
    return state;
}

static bool call(void *context, size_t first, size_t count) {
    struct state *state = context;
    const struct task *task = state->task;
    if (count * state->output_count * sizeof(double) > OUTPUT_BYTES_MAX) return false;
    size_t offset = first * task->feature_count;
    if (state->rows) {
        if (state->predict(state->model, state->rows + offset, state->type, count, state->doubles, state->configuration)) return false;
    } else {
        if (state->predict(state->model, task->rows + offset, state->type, count, state->floats, state->configuration)) return false;
    }
    for (size_t i = 0; i < count; i++) {
        size_t last = (i + 1) * state->output_count - 1;
        task->outputs[first + i] = state->rows ? state->doubles[last] : (double)state->floats[last];
    }
    return true;
}

const struct engine engine_treelite = {"treelite", open, call};
