#include "record_lz4.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// LZ4's rules: a match begins at least 12 bytes before the end, and the last 5 bytes are literals. It might have 4 bytes; 8 are worth the step.
enum { MATCH_MIN = 8, MATCH_BEGIN_MARGIN = 12, LAST_LITERALS = 5, OFFSET_MAX = 65535 };
// Where the last record of a length lies, by the length's low bits.
enum { LENGTH_SLOTS = 1024 };

static uint32_t load32(const uint8_t *p) {
    uint32_t word;
    memcpy(&word, p, 4);
    return word;
}

static uint64_t load64(const uint8_t *p) {
    uint64_t word;
    memcpy(&word, p, 8);
    return word;
}

// The first place from `p` on, before `end`, where MATCH_MIN bytes are those at `distance` before; `end` if there is none.
static const uint8_t *find_match(const uint8_t *p, size_t distance, const uint8_t *end) {
#if defined(__SSE2__)
    // 32 comparisons at once: bit n of `equal` is byte n; shifted onto itself until a bit says that it and the next seven are equal.
    for (; end - p >= 32; p += 32 - (MATCH_MIN - 1)) {
        __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)p), _mm_loadu_si128((const __m128i *)(p - distance)));
        __m128i high =
            _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + 16)), _mm_loadu_si128((const __m128i *)(p + 16 - distance)));
        uint32_t equal = (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
        equal &= equal >> 1;
        equal &= equal >> 2;
        equal &= equal >> 4;
        if (equal) return p + __builtin_ctz(equal);
    }
#endif
    for (; end - p >= MATCH_MIN; p++) {
        if (load64(p) == load64(p - distance)) return p;
    }
    return end;
}

// Where the bytes from `p` on stop being those at `distance` before, at most `end`.
static const uint8_t *match_end(const uint8_t *p, size_t distance, const uint8_t *end) {
    for (; end - p >= 8; p += 8) {
        uint64_t difference = load64(p) ^ load64(p - distance);
        if (difference) return p + __builtin_ctzll(difference) / 8;
    }
    while (p < end && *p == *(p - distance)) p++;
    return p;
}

// Room that the numbers and literals of one sequence take at most.
static size_t room(size_t literals) { return 16 + literals + literals / 255; }

static uint8_t *put_length(uint8_t *out, size_t rest) {
    for (; rest >= 255; rest -= 255) *out++ = 255;
    *out++ = (uint8_t)rest;
    return out;
}

static uint8_t *put_literals(uint8_t *out, uint8_t match_bits, const uint8_t *literals, size_t count) {
    *out++ = (uint8_t)((count < 15 ? count : 15) << 4) | match_bits;
    if (count >= 15) out = put_length(out, count - 15);
    memcpy(out, literals, count);
    return out + count;
}

size_t assay_compress_records(const uint8_t *raw, size_t count, uint8_t *output, size_t capacity) {
    uint32_t last_start[LENGTH_SLOTS] = {0};  // Start + 1; 0: none yet.
    const uint8_t *literals = raw;            // What is not written yet begins here.
    uint8_t *out = output, *const out_end = output + capacity;
    if (count > UINT32_MAX - 1) return 0;
    const uint8_t *const last_begin = count > MATCH_BEGIN_MARGIN ? raw + count - MATCH_BEGIN_MARGIN : raw;
    const uint8_t *const last_match = count > LAST_LITERALS ? raw + count - LAST_LITERALS : raw;
    size_t previous = 0;

    for (size_t start = 0; count - start >= 4;) {
        uint32_t length = load32(raw + start);
        if (length > count - start - 4) return 0;
        size_t end = start + 4 + length;
        uint32_t *slot = &last_start[length % LENGTH_SLOTS];
        size_t model = *slot && load32(raw + *slot - 1) == length ? *slot - 1 : previous;
        *slot = (uint32_t)start + 1;
        previous = start;
        size_t distance = start - model;
        if (distance > 0 && distance <= OFFSET_MAX) {
            // Byte by byte beside its model; a match may run on into the next record. What is behind `literals` is a match already.
            const uint8_t *p = raw + start > literals ? raw + start : literals;
            const uint8_t *const stop = raw + end < last_match ? raw + end : last_match;
            while (p < stop) {
                const uint8_t *match = find_match(p, distance, stop);
                if (match == stop || match >= last_begin) break;
                p = match_end(match + MATCH_MIN, distance, stop);
                size_t literal_count = (size_t)(match - literals), match_rest = (size_t)(p - match) - 4;
                if ((size_t)(out_end - out) < room(literal_count) + match_rest / 255) return 0;
                out = put_literals(out, (uint8_t)(match_rest < 15 ? match_rest : 15), literals, literal_count);
                *out++ = (uint8_t)distance;
                *out++ = (uint8_t)(distance >> 8);
                if (match_rest >= 15) out = put_length(out, match_rest - 15);
                literals = p;
            }
        }
        start = end;
    }
    size_t literal_count = (size_t)(raw + count - literals);
    if ((size_t)(out_end - out) < room(literal_count)) return 0;
    return (size_t)(put_literals(out, 0, literals, literal_count) - output);
}
