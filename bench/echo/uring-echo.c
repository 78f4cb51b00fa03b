// The same server as echo.c on io_uring, for the choice of the transport (docs/PERFORMANCE.md, "The transport").
//   cc -O2 -o uring-echo uring-echo.c && ./uring-echo PORT [single]
// A turn is one io_uring_enter: it hands over all sends, waits, and brings what has arrived. Receives are multishot into a ring of provided
// buffers, or with `single` armed again after each. Sockets are direct descriptors, so that no request looks up or counts a file. Raw system
// calls: Linux 6.1 is enough, and no library is needed.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HEADER = 5, ENTRIES = 1024, CONNECTIONS = 4096, BUFFERS = 1024, BUFFER = 16 * 1024, REST = 4096, GROUP = 0 };
enum operation { UNWATCHED, ACCEPT, RECEIVE, SEND };

struct output {
    char *bytes;
    size_t count, capacity;
};

// A send's bytes must stay until it is done: what is answered meanwhile goes to the other output.
static struct connection {
    bool open, receiving, sending, listed;
    size_t rest_count;
    char rest[REST];
    struct output outputs[2];
} connections[CONNECTIONS];

static struct {
    int descriptor;
    uint32_t *head, *tail, mask, local_tail;
    struct io_uring_sqe *entries;
} submission;
static struct {
    uint32_t *head, *tail, mask;
    struct io_uring_cqe *entries;
} completion;
static struct io_uring_buf_ring *buffer_ring;
static char *buffers, input[REST + BUFFER];
static uint16_t buffer_tail;
static bool single;
// Connections with something to send in this turn.
static uint32_t dirty[CONNECTIONS], dirty_count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static int enter(uint32_t submit, uint32_t wait) {
    return (int)syscall(SYS_io_uring_enter, submission.descriptor, submit, wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

static uint32_t publish(void) {
    __atomic_store_n(submission.tail, submission.local_tail, __ATOMIC_RELEASE);
    return submission.local_tail - __atomic_load_n(submission.head, __ATOMIC_ACQUIRE);
}

static struct io_uring_sqe *next_entry(void) {
    if (submission.local_tail - __atomic_load_n(submission.head, __ATOMIC_ACQUIRE) > submission.mask)
        if (enter(publish(), 0) < 0) fail("io_uring_enter");
    struct io_uring_sqe *entry = &submission.entries[submission.local_tail++ & submission.mask];
    memset(entry, 0, sizeof *entry);
    return entry;
}

static uint64_t name(enum operation operation, uint32_t slot) { return (uint64_t)operation << 32 | slot; }

static void arm_accept(int listener) {
    struct io_uring_sqe *entry = next_entry();
    entry->opcode = IORING_OP_ACCEPT;
    entry->fd = listener;
    entry->ioprio = IORING_ACCEPT_MULTISHOT;
    entry->file_index = IORING_FILE_INDEX_ALLOC;
    entry->user_data = name(ACCEPT, 0);
}

static void arm_receive(uint32_t slot) {
    struct io_uring_sqe *entry = next_entry();
    entry->opcode = IORING_OP_RECV;
    entry->fd = (int)slot;
    entry->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
    entry->buf_group = GROUP;
    // The socket was just emptied: don't try before it becomes readable.
    entry->ioprio = single ? IORING_RECVSEND_POLL_FIRST : IORING_RECV_MULTISHOT;
    entry->user_data = name(RECEIVE, slot);
    connections[slot].receiving = true;
}

// Closes a connection when nothing is under way on it any more, so that no completion meets the next one in its slot.
static void close_if_done(uint32_t slot) {
    struct connection *c = &connections[slot];
    if (c->open || c->receiving || c->sending) return;
    struct io_uring_sqe *entry = next_entry();
    entry->opcode = IORING_OP_CLOSE;
    entry->file_index = slot + 1;
    entry->user_data = name(UNWATCHED, slot);
}

static void drop(uint32_t slot) {
    struct connection *c = &connections[slot];
    if (!c->open) return;
    c->open = false;
    // Ends a receive that is under way.
    struct io_uring_sqe *entry = next_entry();
    entry->opcode = IORING_OP_SHUTDOWN;
    entry->fd = (int)slot;
    entry->flags = IOSQE_FIXED_FILE;
    entry->len = SHUT_RDWR;
    entry->user_data = name(UNWATCHED, slot);
}

static void give_buffer(uint16_t id) {
    struct io_uring_buf *buffer = &buffer_ring->bufs[buffer_tail++ & (BUFFERS - 1)];
    buffer->addr = (uint64_t)(uintptr_t)(buffers + (size_t)id * BUFFER);
    buffer->len = BUFFER;
    buffer->bid = id;
    __atomic_store_n(&buffer_ring->tail, buffer_tail, __ATOMIC_RELEASE);
}

static void append(struct output *output, const char *bytes, size_t count) {
    if (output->count + count > output->capacity) {
        output->capacity = 2 * (output->count + count);
        if (!(output->bytes = realloc(output->bytes, output->capacity))) fail("realloc");
    }
    memcpy(output->bytes + output->count, bytes, count);
    output->count += count;
}

// Copies the whole frames among `count` bytes to the output; returns their length.
static size_t echo_frames(struct output *output, const char *bytes, size_t count) {
    size_t offset = 0;
    while (count - offset >= HEADER) {
        uint32_t length;
        memcpy(&length, bytes + offset + 1, 4);
        size_t frame = HEADER + (size_t)ntohl(length);
        if (count - offset < frame) break;
        append(output, bytes + offset, frame);
        offset += frame;
    }
    return offset;
}

static void received(uint32_t slot, const char *bytes, size_t count) {
    struct connection *c = &connections[slot];
    if (c->rest_count > 0) {
        memcpy(input, c->rest, c->rest_count);
        memcpy(input + c->rest_count, bytes, count);
        bytes = input;
        count += c->rest_count;
    }
    size_t echoed = echo_frames(&c->outputs[c->sending], bytes, count);
    c->rest_count = count - echoed;
    if (c->rest_count > REST) return drop(slot);
    memcpy(c->rest, bytes + echoed, c->rest_count);
    if (echoed == 0 || c->sending || c->listed) return;
    c->listed = true;
    dirty[dirty_count++] = slot;
}

static void send_output(uint32_t slot) {
    struct connection *c = &connections[slot];
    c->sending = true;
    struct io_uring_sqe *entry = next_entry();
    entry->opcode = IORING_OP_SEND;
    entry->fd = (int)slot;
    entry->flags = IOSQE_FIXED_FILE;
    entry->addr = (uint64_t)(uintptr_t)c->outputs[0].bytes;
    entry->len = (uint32_t)c->outputs[0].count;
    entry->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    entry->user_data = name(SEND, slot);
}

// The output behind it becomes the one to send.
static void sent(uint32_t slot, int32_t result) {
    struct connection *c = &connections[slot];
    c->sending = false;
    // A peer that does not read is dropped: this server only measures.
    if (result != (int32_t)c->outputs[0].count) drop(slot);
    if (!c->open) return close_if_done(slot);
    struct output done = c->outputs[0];
    done.count = 0;
    c->outputs[0] = c->outputs[1];
    c->outputs[1] = done;
    if (c->outputs[0].count > 0 && !c->listed) {
        c->listed = true;
        dirty[dirty_count++] = slot;
    }
}

static void complete(const struct io_uring_cqe *entry, int listener) {
    uint32_t slot = (uint32_t)entry->user_data;
    switch ((enum operation)(entry->user_data >> 32)) {
    case ACCEPT:
        if (entry->res >= 0) {
            struct connection *c = &connections[entry->res];
            c->open = true;
            c->rest_count = c->outputs[0].count = c->outputs[1].count = 0;
            arm_receive((uint32_t)entry->res);
        }
        if (!(entry->flags & IORING_CQE_F_MORE)) arm_accept(listener);
        return;
    case RECEIVE:
        if (entry->flags & IORING_CQE_F_BUFFER) {
            uint16_t id = (uint16_t)(entry->flags >> IORING_CQE_BUFFER_SHIFT);
            if (entry->res > 0 && connections[slot].open) received(slot, buffers + (size_t)id * BUFFER, (size_t)entry->res);
            give_buffer(id);
        }
        if (entry->res <= 0 && entry->res != -ENOBUFS) drop(slot);
        if (entry->flags & IORING_CQE_F_MORE) return;
        connections[slot].receiving = false;
        if (connections[slot].open) return arm_receive(slot);
        return close_if_done(slot);
    case SEND: return sent(slot, entry->res);
    case UNWATCHED: return;
    }
}

static void turn(int listener) {
    if (enter(publish(), 1) < 0 && errno != EINTR) fail("io_uring_enter");
    uint32_t head = *completion.head, tail = __atomic_load_n(completion.tail, __ATOMIC_ACQUIRE);
    for (; head != tail; head++) complete(&completion.entries[head & completion.mask], listener);
    __atomic_store_n(completion.head, head, __ATOMIC_RELEASE);
    for (uint32_t i = 0; i < dirty_count; i++) {
        connections[dirty[i]].listed = false;
        if (connections[dirty[i]].open && !connections[dirty[i]].sending) send_output(dirty[i]);
    }
    dirty_count = 0;
}

static void *map(size_t bytes, int descriptor, uint64_t offset) {
    int flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, descriptor, (off_t)offset);
    if (address == MAP_FAILED) fail("mmap");
    return address;
}

static void make_rings(void) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE,
        .cq_entries = 8 * ENTRIES};
    submission.descriptor = (int)syscall(SYS_io_uring_setup, ENTRIES, &parameters);
    if (submission.descriptor < 0) fail("io_uring_setup");
    size_t submission_end = parameters.sq_off.array + parameters.sq_entries * sizeof(uint32_t);
    size_t completion_end = parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe);
    size_t byte_count = submission_end > completion_end ? submission_end : completion_end;
    char *ring = map(byte_count, submission.descriptor, IORING_OFF_SQ_RING);
    submission.head = (uint32_t *)(ring + parameters.sq_off.head);
    submission.tail = (uint32_t *)(ring + parameters.sq_off.tail);
    submission.mask = parameters.sq_entries - 1;
    uint32_t *order = (uint32_t *)(ring + parameters.sq_off.array);
    for (uint32_t i = 0; i < parameters.sq_entries; i++) order[i] = i;
    submission.entries = map(parameters.sq_entries * sizeof(struct io_uring_sqe), submission.descriptor, IORING_OFF_SQES);
    completion.head = (uint32_t *)(ring + parameters.cq_off.head);
    completion.tail = (uint32_t *)(ring + parameters.cq_off.tail);
    completion.mask = parameters.cq_entries - 1;
    completion.entries = (struct io_uring_cqe *)(ring + parameters.cq_off.cqes);
}

static void enroll(uint32_t what, const void *argument, uint32_t count) {
    if (syscall(SYS_io_uring_register, submission.descriptor, what, argument, count) < 0) fail("io_uring_register");
}

static void make_buffers(void) {
    buffer_ring = map(BUFFERS * sizeof(struct io_uring_buf), -1, 0);
    buffers = map((size_t)BUFFERS * BUFFER, -1, 0);
    struct io_uring_buf_reg description = {.ring_addr = (uint64_t)(uintptr_t)buffer_ring, .ring_entries = BUFFERS, .bgid = GROUP};
    enroll(IORING_REGISTER_PBUF_RING, &description, 1);
    for (uint16_t id = 0; id < BUFFERS; id++) give_buffer(id);
    struct io_uring_rsrc_register files = {.nr = CONNECTIONS, .flags = IORING_RSRC_REGISTER_SPARSE};
    enroll(IORING_REGISTER_FILES2, &files, sizeof files);
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: uring-echo PORT [single]\n"), 2;
    single = argc > 2 && !strcmp(argv[2], "single");
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Accepted sockets inherit it.
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) return perror("listen"), 1;
    make_rings();
    make_buffers();
    arm_accept(listener);
    for (;;) turn(listener);
}
