#define _GNU_SOURCE
#include "assay_platform.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

int assay_memfd_create(const char *name) { return memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); }

int assay_memfd_seal(int descriptor) {
    return fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

int assay_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

int assay_pin_thread(int processor) {
    if (processor < 0 || processor >= CPU_SETSIZE) return EINVAL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

// Of the calling thread only: Linux keeps a niceness for each. Raising it needs no right.
void assay_nice_thread(int niceness) { setpriority(PRIO_PROCESS, 0, niceness); }

void assay_name_thread(const char *name) {
    char kept[16];
    strncpy(kept, name, sizeof kept - 1);
    kept[sizeof kept - 1] = 0;
    pthread_setname_np(pthread_self(), kept);
}

// Bits reversed, as all of CRC-32C: bit 31 is x^0. Dividing by the polynomial moves right.
static const uint32_t crc_polynomial = 0x82f63b78u;

static uint32_t crc_times_x(uint32_t value) { return (value >> 1) ^ ((value & 1) ? crc_polynomial : 0); }

// Tables are written once before main, so that readers need no lock.
static uint32_t crc_table[256];

__attribute__((constructor)) static void fill_crc_table(void) {
    for (uint32_t n = 0; n < 256; n++) {
        crc_table[n] = n;
        for (int bit = 0; bit < 8; bit++) crc_table[n] = crc_times_x(crc_table[n]);
    }
}

static uint32_t crc_portable(uint32_t crc, const uint8_t *p, size_t count) {
    while (count--) crc = crc_table[(crc ^ *p++) & 0xff] ^ (crc >> 8);
    return crc;
}

#if defined(__x86_64__)
// The processor's instruction takes 3 cycles and can be begun in each, so three stretches of equal length are summed side by side and put
// together: the sum of a stretch with n bits behind it is its own times x^n. A carry-less product is x^33 short of that (32 bits that the
// instruction's division takes, 1 that reversing costs). Long stretches for blocks, short ones for records in a ring.
struct crc_stretch {
    size_t bytes;
    uint32_t once;   // x^(8 bytes - 33)
    uint32_t twice;  // x^(16 bytes - 33)
};

static struct crc_stretch crc_stretches[] = {{.bytes = 1024}, {.bytes = 64}};

static uint32_t crc_power_of_x(size_t exponent) {
    uint32_t power = 0x80000000u;
    while (exponent--) power = crc_times_x(power);
    return power;
}

__attribute__((constructor)) static void fill_crc_stretches(void) {
    for (size_t i = 0; i < sizeof crc_stretches / sizeof *crc_stretches; i++) {
        crc_stretches[i].once = crc_power_of_x(8 * crc_stretches[i].bytes - 33);
        crc_stretches[i].twice = crc_power_of_x(16 * crc_stretches[i].bytes - 33);
    }
}

static inline uint64_t crc_word(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *p, size_t count) {
    uint64_t c = crc;
    for (; count >= 8; count -= 8, p += 8) c = _mm_crc32_u64(c, crc_word(p));
    while (count--) c = _mm_crc32_u8((uint32_t)c, *p++);
    return (uint32_t)c;
}

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t crc_times(uint64_t crc, uint32_t power) {
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)crc), _mm_cvtsi64_si128(power), 0);
    return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t crc_interleaved(uint32_t crc, const uint8_t *p, size_t count) {
    uint64_t a = crc;
    for (size_t i = 0; i < sizeof crc_stretches / sizeof *crc_stretches; i++) {
        const size_t bytes = crc_stretches[i].bytes;
        for (; count >= 3 * bytes; count -= 3 * bytes, p += 3 * bytes) {
            uint64_t b = 0, c = 0;
            for (size_t offset = 0; offset < bytes; offset += 8) {
                a = _mm_crc32_u64(a, crc_word(p + offset));
                b = _mm_crc32_u64(b, crc_word(p + bytes + offset));
                c = _mm_crc32_u64(c, crc_word(p + 2 * bytes + offset));
            }
            a = crc_times(a, crc_stretches[i].twice) ^ crc_times(b, crc_stretches[i].once) ^ c;
        }
    }
    return crc_sse42((uint32_t)a, p, count);
}
#endif

uint32_t assay_crc32c(uint32_t crc, const void *bytes, size_t count) {
    crc = ~crc;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~(__builtin_cpu_supports("pclmul") ? crc_interleaved(crc, bytes, count) : crc_sse42(crc, bytes, count));
#endif
    return ~crc_portable(crc, bytes, count);
}
