// XGBoost's C API for one row at a time, from whichever libxgboost.so the command line names (its wheels bring no header).
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

class XGBoostModel {
  public:
    XGBoostModel(const char *library, const char *model, uint64_t features) : features_(features) {
        void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
        if (!handle) fail(dlerror());
        load(handle, "XGBoosterCreate", create_);
        load(handle, "XGBoosterLoadModel", load_model_);
        load(handle, "XGBoosterSetParam", set_parameter_);
        load(handle, "XGBoosterPredictFromDense", predict_);
        load(handle, "XGBGetLastError", error_);
        check(create_(nullptr, 0, &booster_));
        check(load_model_(booster_, model));
        check(set_parameter_(booster_, "nthread", "1"));
    }

    // The in-place prediction makes no DMatrix: the fastest way that XGBoost has for one row.
    float score(const float *row) {
        char array[160];
        std::snprintf(array, sizeof array, "{\"data\":[%llu,true],\"shape\":[1,%llu],\"typestr\":\"<f4\",\"version\":3}",
                      static_cast<unsigned long long>(reinterpret_cast<uintptr_t>(row)), static_cast<unsigned long long>(features_));
        static const char *options = "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,\"cache_id\":0,\"missing\":NaN}";
        const uint64_t *shape;
        uint64_t dimensions;
        const float *result;
        check(predict_(booster_, array, options, nullptr, &shape, &dimensions, &result));
        return result[0];
    }

    uint64_t features() const { return features_; }

  private:
    template <typename Function> void load(void *handle, const char *name, Function &function) {
        function = reinterpret_cast<Function>(dlsym(handle, name));
        if (!function) fail(name);
    }

    void check(int code) {
        if (code != 0) fail(error_());
    }

    [[noreturn]] static void fail(const char *what) {
        std::fprintf(stderr, "xgboost: %s\n", what);
        std::exit(1);
    }

    int (*create_)(const void *[], uint64_t, void **);
    int (*load_model_)(void *, const char *);
    int (*set_parameter_)(void *, const char *, const char *);
    int (*predict_)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);
    const char *(*error_)();
    void *booster_ = nullptr;
    uint64_t features_;
};
