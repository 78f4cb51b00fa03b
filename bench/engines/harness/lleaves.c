// The object code that lleaves compiles of a LightGBM model. It takes doubles; the rows are doubles before the clock starts.

#include "engine.h"

#include <stdint.h>

struct state {
    const struct task *task;
    const double *rows;
    void (*predict)(const double *, double *, int32_t, int32_t);
};

static void *open(const struct task *task) {
    struct state *state = allocate(sizeof *state);
    state->task = task;
    state->rows = double_rows(task);
    state->predict = symbol(open_library(task->library), "forest_root");
    return state;
}

static bool call(void *context, size_t first, size_t count) {
    struct state *state = context;
    const struct task *task = state->task;
    state->predict(state->rows + first * task->feature_count, task->outputs + first, 0, (int32_t)count);
    return true;
}

const struct engine engine_lleaves = {"lleaves", open, call};
