// What Linux offers and Swift's Glibc module lacks. One header a topic.
#pragma once
#include "assay_platform.h"
#include "assay_epoll.h"
#include "assay_wait.h"
#include "assay_socket.h"
