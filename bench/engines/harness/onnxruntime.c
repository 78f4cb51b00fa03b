// ONNX Runtime through its C API, input and output bound once: a call copies the rows in and runs the session.
//
// The wheel ships the library without its header. `OrtGetApiBase` returns {GetApi, GetVersionString}, GetApi a table of functions that only
// ever grows at its end; the slots used here are numbered below, in the order of `struct OrtApi` in onnxruntime_c_api.h (version 1).
// A wrong number could not go unseen: the results are compared with the model's own.

#include "engine.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum slot {
    GET_ERROR_MESSAGE = 2, CREATE_ENV = 3, CREATE_SESSION = 7, RUN = 9, CREATE_SESSION_OPTIONS = 10, SET_GRAPH_OPTIMIZATION = 23,
    SET_INTRA_OP_THREADS = 24, SET_INTER_OP_THREADS = 25, CREATE_TENSOR_WITH_DATA = 49, CREATE_CPU_MEMORY_INFO = 69,
};

enum { API_VERSION = 1, LOG_ERRORS = 3, ALL_OPTIMIZATIONS = 99, FLOAT32 = 1, ARENA_ALLOCATOR = 1, DEFAULT_MEMORY = 0, BATCH_MAX = 8192,
       SCORES_MAX = 2 };

struct base {
    const void *const *(*get_api)(uint32_t version);
    const char *(*version)(void);
};

typedef void *(*run_function)(void *, const void *, const char *const *, const void *const *, size_t, const char *const *, size_t, void **);

// Input and output of one number of rows.
struct binding {
    size_t row_count;
    float *rows;
    float *scores;
    void *input;
    void *output;
};

struct state {
    const struct task *task;
    const void *const *api;
    void *session;
    void *memory;
    run_function run;
    size_t score_count;      // 2 for a classifier: the second is the score
    struct binding single;
    struct binding batch;
};

static void check(const struct state *state, void *status) {
    const char *(*message)(const void *) = (const char *(*)(const void *))state->api[GET_ERROR_MESSAGE];
    if (status) fail("onnxruntime: %s", message(status));
}

static void open_session(struct state *state) {
    const void *const *api = state->api;
    void *(*create_env)(int, const char *, void **) = (void *(*)(int, const char *, void **))api[CREATE_ENV];
    void *(*create_options)(void **) = (void *(*)(void **))api[CREATE_SESSION_OPTIONS];
    void *(*create_session)(const void *, const char *, const void *, void **) =
        (void *(*)(const void *, const char *, const void *, void **))api[CREATE_SESSION];
    void *(*create_memory)(int, int, void **) = (void *(*)(int, int, void **))api[CREATE_CPU_MEMORY_INFO];
    static const enum slot integers[] = {SET_INTRA_OP_THREADS, SET_INTER_OP_THREADS, SET_GRAPH_OPTIMIZATION};
    static const int values[] = {1, 1, ALL_OPTIMIZATIONS};
    void *environment, *options;
    check(state, create_env(LOG_ERRORS, "bench", &environment));
    check(state, create_options(&options));
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        check(state, ((void *(*)(void *, int))api[integers[i]])(options, values[i]));
    check(state, create_session(environment, state->task->model, options, &state->session));
    check(state, create_memory(ARENA_ALLOCATOR, DEFAULT_MEMORY, &state->memory));
}

static void *tensor(const struct state *state, float *data, size_t row_count, size_t column_count) {
    void *(*create)(const void *, void *, size_t, const int64_t *, size_t, int, void **) =
        (void *(*)(const void *, void *, size_t, const int64_t *, size_t, int, void **))state->api[CREATE_TENSOR_WITH_DATA];
    const int64_t shape[] = {(int64_t)row_count, (int64_t)column_count};
    void *value;
    check(state, create(state->memory, data, row_count * column_count * sizeof *data, shape, 2, FLOAT32, &value));
    return value;
}

static void bind(const struct state *state, struct binding *binding, size_t row_count) {
    size_t feature_count = state->task->feature_count;
    binding->row_count = row_count;
    binding->rows = allocate(row_count * feature_count * sizeof *binding->rows);
    binding->scores = allocate(row_count * state->score_count * sizeof *binding->scores);
    binding->input = tensor(state, binding->rows, row_count, feature_count);
    binding->output = tensor(state, binding->scores, row_count, state->score_count);
}

static void *run(const struct state *state, struct binding *binding) {
    static const char *const inputs[] = {"X"}, *const outputs[] = {"score"};
    const void *values[] = {binding->input};
    void *results[] = {binding->output};
    return state->run(state->session, NULL, inputs, values, 1, outputs, 1, results);
}

// The models here are made by models.py with an input `X` [rows, features] and an output `score`, [rows, 1] or [rows, 2]; which of them is
// tried out, because an output of the wrong shape is refused.
static void *open(const struct task *task) {
    struct state *state = allocate(sizeof *state);
    void *library = open_library(task->library);
    const struct base *(*get_base)(void) = symbol(library, "OrtGetApiBase");
    state->task = task;
    state->api = get_base()->get_api(API_VERSION);
    if (!state->api) fail("onnxruntime %s has no API version %d", get_base()->version(), API_VERSION);
    state->run = (run_function)state->api[RUN];
    open_session(state);
    void *status = NULL;
    for (state->score_count = 1; state->score_count <= SCORES_MAX; state->score_count++) {
        bind(state, &state->single, 1);
        if (!(status = run(state, &state->single))) return state;
    }
    check(state, status);
    return NULL;
}

static bool call(void *context, size_t first, size_t count) {
    struct state *state = context;
    const struct task *task = state->task;
    struct binding *binding = count == 1 ? &state->single : &state->batch;
    if (count > BATCH_MAX) return false;
    if (binding->row_count != count) bind(state, binding, count);  // in the warm-up
    memcpy(binding->rows, task->rows + first * task->feature_count, count * task->feature_count * sizeof *task->rows);
    void *status = run(state, binding);
    if (status) check(state, status);
    for (size_t i = 0; i < count; i++) task->outputs[first + i] = (double)binding->scores[(i + 1) * state->score_count - 1];
    return true;
}

const struct engine engine_onnxruntime = {"onnxruntime", open, call};
