// All of the C that script/generate makes from proto/.
#pragma once
#include "assay/v1/assay.pb-c.h"
#include "assay/v1/audit.pb-c.h"
