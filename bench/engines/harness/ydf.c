// The dependency-free C++ that YDF generates of a model, compiled with a function `ydf_predict` around it. A batch is a loop.

#include "engine.h"

struct state {
    const struct task *task;
    float (*predict)(const float *row);
};

static void *open(const struct task *task) {
    struct state *state = allocate(sizeof *state);
    state->task = task;
    state->predict = symbol(open_library(task->library), "ydf_predict");
    return state;
}

static bool call(void *context, size_t first, size_t count) {
    struct state *state = context;
    const struct task *task = state->task;
    for (size_t i = first; i < first + count; i++)
        task->outputs[i] = (double)state->predict(task->rows + i * task->feature_count);
    return true;
}

const struct engine engine_ydf = {"ydf", open, call};
