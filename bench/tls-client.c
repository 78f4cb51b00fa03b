// A closed loop over plain TCP or TLS (OpenSSL): connections that each have one request under way, one thread, epoll. The same code for
// both, so that only TLS differs.
//
//   tls-client HOST PORT CONNECTIONS SECONDS FRAME-FILE plain|CA.PEM
//
// FRAME-FILE holds one request's frame. A tenth of the time before the measurement warms up. Prints one JSON object.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { header = 5, reply_max = 4096, microseconds_max = 1 << 20 };

struct connection {
    int descriptor;
    SSL *ssl;
    uint64_t sent_at;
    size_t filled;
    unsigned char reply[reply_max];
};

static uint32_t *histogram;
static unsigned char *frame;
static size_t frame_count;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "tls-client: %s\n", what);
    exit(1);
}

static void send_request(struct connection *c) {
    c->sent_at = now();
    c->filled = 0;
    // A frame is far below what an empty socket takes, so that it always goes at once.
    long sent = c->ssl ? SSL_write(c->ssl, frame, (int)frame_count) : write(c->descriptor, frame, frame_count);
    if (sent != (long)frame_count) fail("a request was not sent at once");
}

/// True: a whole reply is there.
static bool receive(struct connection *c) {
    for (;;) {
        long got = c->ssl ? SSL_read(c->ssl, c->reply + c->filled, (int)(reply_max - c->filled))
                          : read(c->descriptor, c->reply + c->filled, reply_max - c->filled);
        if (got <= 0) {
            if (c->ssl && SSL_get_error(c->ssl, (int)got) == SSL_ERROR_WANT_READ) return false;
            fail("a connection ended");
        }
        c->filled += (size_t)got;
        if (c->filled < header) continue;
        uint32_t count;
        memcpy(&count, c->reply + 1, 4);
        count = ntohl(count);
        if (count + header > reply_max) fail("a reply is too long");
        if (c->filled == count + header) return true;
        if (c->filled > count + header) fail("more came than one reply");
        if (!c->ssl) return false;
    }
}

static void connect_to(struct connection *c, const char *host, int port, SSL_CTX *context) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail("the host is no IPv4 address");
    c->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->descriptor, (struct sockaddr *)&address, sizeof address) != 0) fail("no connection");
    int one = 1;
    setsockopt(c->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (context) {
        c->ssl = SSL_new(context);
        SSL_set_fd(c->ssl, c->descriptor);
        if (SSL_connect(c->ssl) != 1) fail("no handshake");
    }
    fcntl(c->descriptor, F_SETFL, O_NONBLOCK);
}

static double percentile(uint64_t total, double share) {
    uint64_t wanted = (uint64_t)(share * (double)total), seen = 0;
    for (int i = 0; i < microseconds_max; i++) {
        seen += histogram[i];
        if (seen > wanted) return i;
    }
    return microseconds_max;
}

int main(int argc, char **argv) {
    if (argc != 7) fail("HOST PORT CONNECTIONS SECONDS FRAME-FILE plain|CA.PEM");
    int count = atoi(argv[3]);
    double seconds = atof(argv[4]);
    FILE *file = fopen(argv[5], "rb");
    frame = malloc(1 << 20);
    frame_count = file ? fread(frame, 1, 1 << 20, file) : 0;
    if (frame_count == 0) fail("no frame");
    SSL_CTX *context = NULL;
    if (strcmp(argv[6], "plain") != 0) {
        context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        if (SSL_CTX_load_verify_locations(context, argv[6], NULL) != 1) fail("no authority");
    }
    histogram = calloc(microseconds_max, sizeof *histogram);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    int poller = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        connect_to(&connections[i], argv[1], atoi(argv[2]), context);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].descriptor, &event);
    }
    for (int i = 0; i < count; i++) send_request(&connections[i]);
    uint64_t start = now(), begin = start + (uint64_t)(seconds * 1e8), end = begin + (uint64_t)(seconds * 1e9), total = 0, all = 0, time = 0;
    struct epoll_event events[256];
    while ((time = now()) < end) {
        int ready = epoll_wait(poller, events, 256, 1000);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!receive(c)) continue;
            all++;
            uint64_t arrived = now();
            if (arrived >= begin && arrived < end) {
                uint64_t microseconds = (arrived - c->sent_at) / 1000;
                histogram[microseconds < microseconds_max ? microseconds : microseconds_max - 1]++;
                total++;
            }
            send_request(c);
        }
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double busy = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                  (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"per_second\": %.1f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"replies\": %lu, \"client_cpu_us\": %.3f, \"cipher\": \"%s\"}\n",
           (double)total / seconds, percentile(total, 0.5), percentile(total, 0.99), (unsigned long)all, busy * 1e6 / (double)all,
           context ? SSL_get_cipher_name(connections[0].ssl) : "none");
    return 0;
}
