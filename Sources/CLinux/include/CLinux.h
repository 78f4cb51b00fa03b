// What Linux offers and Swift's Glibc module lacks. One header a topic.
#pragma once
#include "assay_platform.h"
