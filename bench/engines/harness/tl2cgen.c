// Code that TL2cgen generated and the C compiler translated. A row is handed over as unions, a missing value as the integer -1: turning a
// row into that form is part of the call. There is no batch function in C: a batch is a loop.

#include "engine.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { OUTPUTS_MAX = 16 };

union float_entry {
    int missing;
    float value;
};

union double_entry {
    int missing;
    double value;
};

struct state {
    const struct task *task;
    bool doubles;
    int32_t output_count;  // the last one is the score
    union float_entry *floats;
    union double_entry *double_entries;
    void (*predict_floats)(union float_entry *, int, float *);
    void (*predict_doubles)(union double_entry *, int, double *);
};

static void *open(const struct task *task) {
    struct state *state = allocate(sizeof *state);
    void *library = open_library(task->library);
    const char *(*threshold_type)(void) = symbol(library, "get_threshold_type");
    const char *(*leaf_type)(void) = symbol(library, "get_leaf_output_type");
    void (*class_counts)(int32_t *) = symbol(library, "get_num_class");
    state->task = task;
    if (strcmp(threshold_type(), leaf_type()) != 0) fail("tl2cgen: thresholds and leaves of different types");
    state->doubles = strcmp(threshold_type(), "float64") == 0;
    class_counts(&state->output_count);
    if (state->output_count > OUTPUTS_MAX) fail("tl2cgen: %d outputs", state->output_count);
    state->floats = allocate(task->feature_count * sizeof *state->floats);
    state->double_entries = allocate(task->feature_count * sizeof *state->double_entries);
    state->predict_floats = (void (*)(union float_entry *, int, float *))symbol(library, "predict");
    state->predict_doubles = (void (*)(union double_entry *, int, double *))symbol(library, "predict");
    return state;
}

static double score_float(struct state *state, const float *row) {
    float results[OUTPUTS_MAX] = {0};
    for (size_t i = 0; i < state->task->feature_count; i++) {
        state->floats[i].value = row[i];
        if (isnan(row[i])) state->floats[i].missing = -1;
    }
    state->predict_floats(state->floats, 0, results);
    return (double)results[state->output_count - 1];
}

static double score_double(struct state *state, const float *row) {
    double results[OUTPUTS_MAX] = {0};
    for (size_t i = 0; i < state->task->feature_count; i++) {
        state->double_entries[i].value = (double)row[i];
        if (isnan(row[i])) state->double_entries[i].missing = -1;
    }
    state->predict_doubles(state->double_entries, 0, results);
    return results[state->output_count - 1];
}

static bool call(void *context, size_t first, size_t count) {
    struct state *state = context;
    const struct task *task = state->task;
    for (size_t i = first; i < first + count; i++) {
        const float *row = task->rows + i * task->feature_count;
        task->outputs[i] = state->doubles ? score_double(state, row) : score_float(state, row);
    }
    return true;
}

const struct engine engine_tl2cgen = {"tl2cgen", open, call};
