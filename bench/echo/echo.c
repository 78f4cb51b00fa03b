// The limit that the event loop is compared with: a bare epoll server that echoes frames, one read and one write a readiness.
//   cc -O2 -o echo echo.c && ./echo PORT [level]
// A frame: 1 flag byte, 4 bytes of big-endian length, so many bytes. Edge-triggered unless `level` is asked for.

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
#include <unistd.h>

enum { HEADER = 5, BUFFER = 256 * 1024, EVENTS = 256, DESCRIPTORS = 65536 };

// The incomplete frame of each connection, by descriptor.
static struct rest {
    size_t count;
    char bytes[4096];
} *rests[DESCRIPTORS];

static char input[BUFFER + sizeof(struct rest)];
static char output[BUFFER + sizeof(struct rest)];

static void drop(int descriptor) {
    free(rests[descriptor]);
    rests[descriptor] = NULL;
    close(descriptor);
}

// Copies the whole frames among `count` bytes to the output; returns their length.
static size_t echo_frames(const char *bytes, size_t count) {
    size_t offset = 0;
    while (count - offset >= HEADER) {
        uint32_t length;
        memcpy(&length, bytes + offset + 1, 4);
        size_t frame = HEADER + (size_t)ntohl(length);
        if (count - offset < frame) break;
        memcpy(output + offset, bytes + offset, frame);
        offset += frame;
    }
    return offset;
}

static void serve(int descriptor) {
    struct rest *rest = rests[descriptor];
    size_t held = rest->count;
    memcpy(input, rest->bytes, held);
    ssize_t count = recv(descriptor, input + held, BUFFER, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return drop(descriptor);
    size_t total = held + (size_t)count;
    size_t echoed = echo_frames(input, total);
    rest->count = total - echoed;
    if (rest->count > sizeof rest->bytes) return drop(descriptor);
    memcpy(rest->bytes, input + echoed, rest->count);
    // A peer that does not read is dropped: this server only measures.
    if (echoed > 0 && send(descriptor, output, echoed, MSG_NOSIGNAL) != (ssize_t)echoed) drop(descriptor);
}

static void accept_all(int epoll, int listener, uint32_t trigger) {
    int descriptor;
    while ((descriptor = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        int on = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (descriptor >= DESCRIPTORS || !(rests[descriptor] = calloc(1, sizeof(struct rest)))) {
            close(descriptor);
            continue;
        }
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | trigger, .data.fd = descriptor};
        epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: echo PORT [level]\n"), 2;
    uint32_t trigger = argc > 2 && !strcmp(argv[2], "level") ? 0 : EPOLLET;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) return perror("listen"), 1;
    int epoll = epoll_create1(0);
    struct epoll_event events[EVENTS], own = {.events = EPOLLIN, .data.fd = listener};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &own);
    for (;;) {
        int count = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener) accept_all(epoll, listener, trigger);
            else serve(events[i].data.fd);
        }
    }
}
