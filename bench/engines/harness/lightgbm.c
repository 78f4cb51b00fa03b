// LightGBM through its C API: a single row with the prepared `SingleRowFast` call, a batch with `PredictForMat`.

#include "engine.h"

#include <stdint.h>

enum { FLOAT32 = 0, PREDICT_NORMAL = 0, PREDICT_CONTRIBUTIONS = 3, ROW_MAJOR = 1, ALL_ITERATIONS = -1 };

static const char parameters[] = "num_threads=1";

struct state {
    const struct task *task;
    void *booster;
    void *prepared;
    int prediction;
    int (*single)(void *, const void *, int64_t *, double *);
    int (*batch)(void *, const void *, int, int32_t, int32_t, int, int, int, int, const char *, int64_t *, double *);
};

static void *open(const struct task *task) {
    struct state *state = allocate(sizeof *state);
    void *library = open_library(task->library);
    int (*load)(const char *, int *, void **) = symbol(library, "LGBM_BoosterCreateFromModelfile");
    int (*prepare)(void *, int, int, int, int, int32_t, const char *, void **) =
        symbol(library, "LGBM_BoosterPredictForMatSingleRowFastInit");
    const char *(*last_error)(void) = symbol(library, "LGBM_GetLastError");
    int iterations;
    state->task = task;
    state->prediction = task->contributions ? PREDICT_CONTRIBUTIONS : PREDICT_NORMAL;
    state->single = symbol(library, "LGBM_BoosterPredictForMatSingleRowFast");
    state->batch = symbol(library, "LGBM_BoosterPredictForMat");
    if (load(task->model, &iterations, &state->booster)
        || prepare(state->booster, state->prediction, 0, ALL_ITERATIONS, FLOAT32, (int32_t)task->feature_count, parameters,
                   &state->prepared))
        fail("lightgbm: %s", last_error());
    return state;
}

static bool call(void *context, size_t first, size_t count) {
    struct state *state = context;
    const struct task *task = state->task;
    const float *rows = task->rows + first * task->feature_count;
    double *outputs = task->outputs + first * task->output_width;
    int64_t length;
    if (count == 1) return state->single(state->prepared, rows, &length, outputs) == 0;
    return state->batch(state->booster, rows, FLOAT32, (int32_t)count, (int32_t)task->feature_count, ROW_MAJOR, state->prediction, 0,
                        ALL_ITERATIONS, parameters, &length, outputs) == 0;
}

const struct engine engine_lightgbm = {"lightgbm", open, call};
