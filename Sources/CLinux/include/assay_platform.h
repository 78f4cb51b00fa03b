#pragma once
#include <stddef.h>
#include <stdint.h>

/// A memory file without a name, for copies that nobody else can change. Returns its descriptor or -1 (errno).
int assay_memfd_create(const char *name);

/// Forbids shrinking, growing, writing and further sealing. Returns 0 or -1 (errno).
int assay_memfd_seal(int descriptor);

/// A non-blocking event counter that starts at 0. Returns its descriptor or -1 (errno).
int assay_eventfd(void);

/// Binds the calling thread to one processor. Returns 0 or an errno value.
int assay_pin_thread(int processor);

/// Names the calling thread as tools show it (15 bytes are kept).
void assay_name_thread(const char *name);

/// How far the calling thread yields to others, 0-19.
void assay_nice_thread(int niceness);

/// CRC-32C (Castagnoli, reflected 0x82f63b78), continued from `crc` (0 at the start). Uses SSE4.2 and PCLMULQDQ where the
/// processor has them.
uint32_t assay_crc32c(uint32_t crc, const void *bytes, size_t count);

/// Asks for the `count` bytes (at most 1,024 are asked for) behind `address`, which are about to be written, so that they are in the processor's
/// cache by then. Only a hint: the address may be any.
static inline void assay_prefetch_to_write(const void *address, size_t count) {
    const char *line = (const char *)address;
    for (size_t offset = 0; offset < count && offset < 1024; offset += 64) { __builtin_prefetch(line + offset, 1); }
}
