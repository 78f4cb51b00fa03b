// The C that script/generate makes from proto/onnx.
#pragma once
#include "onnx/onnx.pb-c.h"
