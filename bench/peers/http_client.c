// Closed loop of HTTP/1.1 POSTs with finished bodies: CONNECTIONS sockets with one request in flight each (HTTP servers of Python
// answer pipelined requests one by one, if at all), for SECONDS.
//   http_client PORT PATH BODIES CONNECTIONS SECONDS
// BODIES: a file with one JSON body a line, sent in turn. Prints: replies, requests per second, p50, p99 and p99.9 in microseconds, processor time
// of its own per request in microseconds.

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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, REPLY = 16384, REQUESTS_MAX = 1 << 17, TENTHS_MAX = 1 << 24 };

struct request {
    char *bytes;
    size_t count;
};

struct connection {
    int descriptor;
    uint64_t sent;
    size_t filled;
    char reply[REPLY + 1];
};

static struct request requests[REQUESTS_MAX];
static size_t request_count, next_request;
static uint32_t histogram[TENTHS_MAX];

static uint64_t now_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "http_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void read_requests(const char *file_name, const char *path) {
    FILE *file = fopen(file_name, "r");
    if (!file) fail(file_name);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t count;
    while (request_count < REQUESTS_MAX && (count = getline(&line, &capacity, file)) > 1) {
        struct request *request = &requests[request_count++];
        request->count = (size_t)asprintf(&request->bytes,
            "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zd\r\n\r\n%.*s", path, count - 1, (int)count - 1, line);
    }
    free(line);
    fclose(file);
    if (request_count == 0) fail("no bodies");
}

static void send_next(struct connection *c) {
    struct request *request = &requests[next_request];
    next_request = next_request + 1 == request_count ? 0 : next_request + 1;
    c->sent = now_nanoseconds();
    c->filled = 0;
    if (send(c->descriptor, request->bytes, request->count, MSG_NOSIGNAL) != (ssize_t)request->count) fail("send");
}

// Whether a whole reply with status 200 is there.
static int is_complete(struct connection *c) {
    c->reply[c->filled] = 0;
    char *end = strstr(c->reply, "\r\n\r\n");
    if (!end) return 0;
    if (strncmp(c->reply, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "http_client: %.200s\n", c->reply);
        exit(1);
    }
    char *length = strcasestr(c->reply, "content-length:");
    if (!length || length > end) errno = EPROTO, fail("a reply without content-length");
    return c->filled >= (size_t)(end + 4 - c->reply) + strtoul(length + 15, NULL, 10);
}

static int turn(struct connection *c) {
    ssize_t count = recv(c->descriptor, c->reply + c->filled, REPLY - c->filled, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) fail("recv");
    c->filled += (size_t)count;
    if (!is_complete(c)) return 0;
    uint64_t tenths = (now_nanoseconds() - c->sent) / 100;
    histogram[tenths < TENTHS_MAX ? tenths : TENTHS_MAX - 1]++;
    send_next(c);
    return 1;
}

static double percentile(uint64_t total, double share) {
    uint64_t seen = 0;
    for (size_t i = 0; i < TENTHS_MAX; i++)
        if ((seen += histogram[i]) >= (uint64_t)((double)total * share)) return (double)i / 10;
    return TENTHS_MAX / 10.0;
}

static double processor_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    if (argc != 6) return fprintf(stderr, "usage: http_client PORT PATH BODIES CONNECTIONS SECONDS\n"), 2;
    read_requests(argv[3], argv[2]);
    size_t connections = strtoul(argv[4], 0, 10);
    double seconds = atof(argv[5]);
    struct connection *all = calloc(connections, sizeof *all);
    int epoll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < connections; i++) {
        int on = 1;
        all[i].descriptor = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(all[i].descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (connect(all[i].descriptor, (struct sockaddr *)&address, sizeof address)) fail("connect");
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].descriptor, &event);
    }
    double busy = processor_seconds();
    uint64_t start = now_nanoseconds(), end = start + (uint64_t)(seconds * 1e9), replies = 0;
    for (size_t i = 0; i < connections; i++) send_next(&all[i]);
    struct epoll_event events[EVENTS];
    while (now_nanoseconds() < end) {
        int count = epoll_wait(epoll, events, EVENTS, 1000);
        for (int i = 0; i < count; i++) replies += (uint64_t)turn(events[i].data.ptr);
    }
    double elapsed = (double)(now_nanoseconds() - start) / 1e9;
    printf("%llu %.1f %.1f %.1f %.1f %.3f\n", (unsigned long long)replies, (double)replies / elapsed, percentile(replies, 0.5), percentile(replies, 0.99), percentile(replies, 0.999), (processor_seconds() - busy) * 1e6 / (double)(replies ? replies : 1));
}
