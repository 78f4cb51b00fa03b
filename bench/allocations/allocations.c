// Counts heap allocations by thread: preload it (LD_PRELOAD) and name a file in ASSAY_ALLOCATION_COUNTS, which it maps and fills.
//
// The file is a table of 64-byte entries, one a thread that ever allocated: 16 bytes of name (as in pthread_setname_np), 8 bytes of
// count (little-endian). Only malloc, calloc, realloc, aligned_alloc, memalign and posix_memalign are counted; free is not.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { thread_count_max = 256 };

struct entry {
    char name[16];
    _Atomic uint64_t count;
    char padding[40];
};

_Static_assert(sizeof(struct entry) == 64, "a cache line a thread");

// glibc's own, so that no lookup (which allocates) is needed.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static struct entry *table;
static atomic_int taken;
static __thread struct entry *mine;

__attribute__((constructor)) static void open_table(void) {
    const char *path = getenv("ASSAY_ALLOCATION_COUNTS");
    if (path == NULL) return;
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 || ftruncate(descriptor, sizeof(struct entry) * thread_count_max) != 0) return;
    void *mapped = mmap(NULL, sizeof(struct entry) * thread_count_max, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (mapped != MAP_FAILED) table = mapped;
}

static void count(void) {
    if (table == NULL) return;
    if (mine == NULL) {
        int index = atomic_fetch_add(&taken, 1);
        if (index >= thread_count_max) return;
        mine = &table[index];
    }
    // The name is set after the thread's first allocation, so it is read anew while it still is the process's.
    if (atomic_fetch_add_explicit(&mine->count, 1, memory_order_relaxed) < 64) prctl(PR_GET_NAME, mine->name);
}

void *malloc(size_t size) {
    count();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    count();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    void *memory = memalign(alignment, size);
    if (memory == NULL) return ENOMEM;
    *result = memory;
    return 0;
}
