#define _GNU_SOURCE
#include "assay_wait.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

int assay_epoll_wait_nanoseconds(int epoll, struct epoll_event *events, int capacity, int64_t nanoseconds) {
    struct timespec time = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int count = epoll_pwait2(epoll, events, capacity, &time, 0);
    if (count < 0 && errno == ENOSYS) count = epoll_wait(epoll, events, capacity, (int)((nanoseconds + 999999) / 1000000));
    if (count >= 0) return count;
    return errno == EINTR ? 0 : -errno;
}

int assay_set_timer_slack(uint64_t nanoseconds) { return prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0) == 0 ? 0 : -errno; }
