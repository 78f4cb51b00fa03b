// Closed loop against an echo server: CONNECTIONS sockets with DEPTH frames in flight each, for SECONDS.
//   cc -O2 -o echo-client echo-client.c && ./echo-client PORT CONNECTIONS DEPTH SECONDS [PAYLOAD_BYTES]
// Prints: requests per second, p50, p99 and p99.9 of the round trip in microseconds.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 5, EVENTS = 256, DEPTH_MAX = 1024, BUFFER = 1 << 20, TENTHS_MAX = 1 << 20 };

struct connection {
    int descriptor;
    // Bytes of the reply under way; replies come in order, so that one ring holds the send times.
    size_t partial, first;
    uint64_t sent[DEPTH_MAX];
};

static char frames[BUFFER], input[BUFFER];
// Counts by tenths of a microsecond, the last for everything above.
static uint64_t histogram[TENTHS_MAX];

static uint64_t now_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void send_frames(struct connection *c, size_t frame, size_t count) {
    if (send(c->descriptor, frames, frame * count, MSG_NOSIGNAL) != (ssize_t)(frame * count)) fail("send");
}

static void open_connection(struct connection *c, uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    c->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    int on = 1;
    setsockopt(c->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->descriptor, (struct sockaddr *)&address, sizeof address)) fail("connect");
}

// Reads what has come and sends as many new frames; returns how many replies were complete.
static size_t turn(struct connection *c, size_t frame, size_t depth) {
    ssize_t count = recv(c->descriptor, input, sizeof input, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) fail("recv");
    uint64_t now = now_nanoseconds();
    size_t replies = (c->partial + (size_t)count) / frame;
    c->partial = (c->partial + (size_t)count) % frame;
    for (size_t i = 0; i < replies; i++) {
        uint64_t tenths = (now - c->sent[c->first]) / 100;
        histogram[tenths < TENTHS_MAX ? tenths : TENTHS_MAX - 1]++;
        c->sent[c->first] = now;
        c->first = (c->first + 1) % depth;
    }
    if (replies > 0) send_frames(c, frame, replies);
    return replies;
}

static double percentile(uint64_t total, double share) {
    uint64_t seen = 0;
    for (size_t i = 0; i < TENTHS_MAX; i++)
        if ((seen += histogram[i]) >= (uint64_t)((double)total * share)) return (double)i / 10;
    return TENTHS_MAX / 10.0;
}

int main(int argc, char **argv) {
    if (argc < 5) return fprintf(stderr, "usage: echo-client PORT CONNECTIONS DEPTH SECONDS [PAYLOAD_BYTES]\n"), 2;
    size_t connections = strtoul(argv[2], 0, 10), depth = strtoul(argv[3], 0, 10);
    double seconds = atof(argv[4]);
    size_t payload = argc > 5 ? strtoul(argv[5], 0, 10) : 150, frame = HEADER + payload;
    if (depth < 1 || depth > DEPTH_MAX || frame * depth > BUFFER) return fprintf(stderr, "too deep\n"), 2;
    for (size_t i = 0; i < depth; i++) {
        uint32_t length = htonl((uint32_t)payload);
        memcpy(frames + i * frame + 1, &length, 4);
    }
    struct connection *all = calloc(connections, sizeof *all);
    int epoll = epoll_create1(0);
    for (size_t i = 0; i < connections; i++) {
        open_connection(&all[i], (uint16_t)atoi(argv[1]));
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &all[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].descriptor, &event);
    }
    uint64_t start = now_nanoseconds(), end = start + (uint64_t)(seconds * 1e9), replies = 0;
    for (size_t i = 0; i < connections; i++) {
        for (size_t k = 0; k < depth; k++) all[i].sent[k] = start;
        send_frames(&all[i], frame, depth);
    }
    struct epoll_event events[EVENTS];
    while (now_nanoseconds() < end) {
        int count = epoll_wait(epoll, events, EVENTS, 1000);
        for (int i = 0; i < count; i++) replies += turn(events[i].data.ptr, frame, depth);
    }
    double elapsed = (double)(now_nanoseconds() - start) / 1e9;
    printf("%.0f %.1f %.1f %.1f\n", (double)replies / elapsed, percentile(replies, 0.5), percentile(replies, 0.99), percentile(replies, 0.999));
}
