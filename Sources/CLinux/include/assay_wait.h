#pragma once
#include <stdint.h>
#include <sys/epoll.h>

/// As assay_epoll_wait, with a time that is counted in nanoseconds: for loops that keep an exact pace. A kernel without
/// epoll_pwait2 (before 5.11) rounds up to milliseconds.
int assay_epoll_wait_nanoseconds(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds);

/// How much later than asked for the calling thread may be woken (Linux: 50 microseconds unless told otherwise).
/// Returns 0 or -errno.
int assay_set_timer_slack(uint64_t nanoseconds);
