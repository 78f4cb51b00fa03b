#pragma once
#include <stdint.h>
#include <sys/epoll.h>

// `struct epoll_event` is packed and holds a union, so that Swift reads it only through the functions below.

/// A new epoll instance, closed on exec. Returns its descriptor or -1 (errno).
int assay_epoll_create(void);

/// Adds, modifies or removes (`operation` = EPOLL_CTL_*) `descriptor`, known by `token` afterwards. Returns 0 or -errno.
int assay_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t token);

/// Waits up to `milliseconds` (0: not at all, -1: for ever). Returns the count of events filled in (0 also when a
/// signal came) or -errno.
int assay_epoll_wait(int epoll, struct epoll_event *events, int capacity, int milliseconds);

static inline uint64_t assay_epoll_token(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t assay_epoll_ready(const struct epoll_event *event) { return event->events; }

// The flags as plain numbers: in C some of them are signed.
static const uint32_t ASSAY_EPOLL_IN = EPOLLIN;
static const uint32_t ASSAY_EPOLL_OUT = EPOLLOUT;
static const uint32_t ASSAY_EPOLL_ERROR = EPOLLERR;
static const uint32_t ASSAY_EPOLL_HANG_UP = EPOLLHUP;
static const uint32_t ASSAY_EPOLL_PEER_FINISHED = EPOLLRDHUP;
static const uint32_t ASSAY_EPOLL_EDGE = EPOLLET;
static const uint32_t ASSAY_EPOLL_EXCLUSIVE = EPOLLEXCLUSIVE;
