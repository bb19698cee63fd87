/*
 * sha256_many.c - four messages side by side through the processor's SHA instructions
 *
 * A round of SHA-256 needs the outcome of the round before, so one message leaves the instruction's
 * pipeline half empty. Four that have nothing to do with each other fill it:
 *
 *     lane 0   | head | 64 bytes | 64 bytes | ... | end |          each message is cut into blocks:
 *     lane 1   | head | 64 bytes | ... | end | head | ...          the first begins with the
 * prefix, lane 2   ...                                                 the last hold the padding,
 * and lane 3   ...                                                 those between lie in the message
 *
 * A lane that has finished takes the next message, so lengths may differ. All lanes go on together,
 * as many blocks as the one with the fewest has in one piece.
 *
 * Elsewhere, and for a single message, sha256.c does the same work.
 */
#include "base/sha256_many.h"

#include <string.h>

static void one_after_the_other(uint8_t prefix, const struct slice *messages, size_t n_messages,
                                uint8_t (*hashes)[SHA256_BYTES])
{
    for (size_t i = 0; i < n_messages; i++) {
        struct sha256 hash;
        sha256_begin(&hash);
        sha256_add(&hash, slice_of(&prefix, 1));
        sha256_add(&hash, messages[i]);
        sha256_end(&hash, hashes[i]);
    }
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>

enum { LANES = 4, BLOCK_BYTES = 64, ROUNDS = 64, LENGTH_BYTES = 8 };

/* FIPS 180-4 section 4.2.2 */
static const uint32_t round_constants[ROUNDS] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The eight words of the state, in the order in which the instructions want them. */
struct state {
    __m128i abef, cdgh;
};

struct lane {
    struct state state;
    const uint8_t *at; /* the next block */
    size_t n_blocks;   /* in one piece from there on */
    bool is_busy, is_at_end;
    struct slice rest; /* of the message: what is in no block yet */
    uint64_t n_bytes;  /* of the message and its prefix */
    size_t index;
    uint8_t edge[2 * BLOCK_BYTES]; /* the first block, or the last one or two */
};

/* ------------------------------------------------------------------ the instructions -- */

#define SHA_CODE __attribute__((target("sha,sse4.1")))
#define SHA_PART SHA_CODE __attribute__((always_inline)) static inline

struct work {
    struct state state;
    __m128i w[4]; /* sixteen words of the message schedule */
};

SHA_PART void load_block(struct work *work, const struct lane *lane, size_t block)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const uint8_t *at = lane->at + block * BLOCK_BYTES;
    work->state = lane->state;
    for (size_t i = 0; i < 4; i++)
        work->w[i] = _mm_shuffle_epi8(
            _mm_loadu_si128((const __m128i *)(const void *)(at + i * sizeof(__m128i))), big_endian);
}

/* Four rounds with the schedule's words w[i]. */
SHA_PART void four_rounds(struct work *work, size_t i, __m128i constants)
{
    __m128i words = _mm_add_epi32(work->w[i], constants);
    struct state *state = &work->state;
    state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, words);
    state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(words, 0x0e));
}

/* The same, and w[i] becomes the words of sixteen rounds later. */
SHA_PART void four_rounds_and_schedule(struct work *work, size_t i, __m128i constants)
{
    four_rounds(work, i, constants);
    __m128i *w = work->w;
    __m128i seven_back = _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4);
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[i], w[(i + 1) & 3]), seven_back);
    w[i] = _mm_sha256msg2_epu32(sum, w[(i + 3) & 3]);
}

SHA_PART void add_state(struct state *to, const struct state *from)
{
    to->abef = _mm_add_epi32(to->abef, from->abef);
    to->cdgh = _mm_add_epi32(to->cdgh, from->cdgh);
}

/*
 * Each step is done for all lanes before the next one: that is the whole point. Written out,
 * because only without loops does the compiler keep the state in registers.
 */
SHA_PART void step(struct work work[LANES], size_t i, __m128i constants)
{
    four_rounds_and_schedule(&work[0], i, constants);
    four_rounds_and_schedule(&work[1], i, constants);
    four_rounds_and_schedule(&work[2], i, constants);
    four_rounds_and_schedule(&work[3], i, constants);
}

SHA_PART void last_step(struct work work[LANES], size_t i, __m128i constants)
{
    four_rounds(&work[0], i, constants);
    four_rounds(&work[1], i, constants);
    four_rounds(&work[2], i, constants);
    four_rounds(&work[3], i, constants);
}

SHA_CODE static void compress(struct lane lanes[LANES], size_t n_blocks)
{
    const __m128i *constants = (const __m128i *)(const void *)round_constants;
    for (size_t block = 0; block < n_blocks; block++) {
        struct work work[LANES];
        for (size_t i = 0; i < LANES; i++)
            load_block(&work[i], &lanes[i], block);
        for (size_t i = 0; i < 12; i += 4) {
            step(work, 0, constants[i]);
            step(work, 1, constants[i + 1]);
            step(work, 2, constants[i + 2]);
            step(work, 3, constants[i + 3]);
        }
        last_step(work, 0, constants[12]);
        last_step(work, 1, constants[13]);
        last_step(work, 2, constants[14]);
        last_step(work, 3, constants[15]);
        for (size_t i = 0; i < LANES; i++)
            add_state(&lanes[i].state, &work[i].state);
    }
}

/* ------------------------------------------------------------------------------ lanes -- */

SHA_CODE static struct state initial_state(void)
{
    return (struct state){
        _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c),
        _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19),
    };
}

/* From the words' order in the instructions to that of the hash, each with its high byte first. */
SHA_CODE static void write_hash(const struct state *state, uint8_t hash[SHA256_BYTES])
{
    const __m128i backwards = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    __m128i dcba = _mm_unpackhi_epi64(state->cdgh, state->abef);
    __m128i hgfe = _mm_unpacklo_epi64(state->cdgh, state->abef);
    __m128i *out = (__m128i *)(void *)hash;
    _mm_storeu_si128(out, _mm_shuffle_epi8(dcba, backwards));
    _mm_storeu_si128(out + 1, _mm_shuffle_epi8(hgfe, backwards));
}

/* `n_kept` bytes of edge and the rest of the message, then the padding: the last blocks. */
static void begin_end(struct lane *lane, size_t n_kept)
{
    size_t n = n_kept + lane->rest.n;
    lane->n_blocks = (n + 1 + LENGTH_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES;
    size_t n_all = lane->n_blocks * BLOCK_BYTES;
    if (lane->rest.n > 0)
        memcpy(lane->edge + n_kept, lane->rest.p, lane->rest.n);
    memset(lane->edge + n, 0, n_all - n);
    lane->edge[n] = 0x80;
    uint64_t n_bits = __builtin_bswap64(lane->n_bytes * 8);
    memcpy(lane->edge + n_all - LENGTH_BYTES, &n_bits, sizeof n_bits);
    lane->at = lane->edge;
    lane->is_at_end = true;
}

static void begin_message(struct lane *lane, uint8_t prefix, struct slice message, size_t index)
{
    lane->state = initial_state();
    lane->is_busy = true;
    lane->is_at_end = false;
    lane->index = index;
    lane->rest = message;
    lane->n_bytes = 1 + (uint64_t)message.n;
    lane->edge[0] = prefix;
    if (1 + message.n < BLOCK_BYTES) {
        begin_end(lane, 1);
        return;
    }
    memcpy(lane->edge + 1, message.p, BLOCK_BYTES - 1);
    lane->rest = slice_of(message.p + BLOCK_BYTES - 1, message.n - (BLOCK_BYTES - 1));
    lane->at = lane->edge;
    lane->n_blocks = 1;
}

/* After the blocks at hand: those that lie in the message, or the end. */
static void begin_rest(struct lane *lane)
{
    size_t n = lane->rest.n / BLOCK_BYTES;
    if (n == 0) {
        begin_end(lane, 0);
        return;
    }
    lane->at = lane->rest.p;
    lane->n_blocks = n;
    lane->rest = slice_of(lane->rest.p + n * BLOCK_BYTES, lane->rest.n - n * BLOCK_BYTES);
}

/* The lane that has the fewest blocks in one piece, NULL when all are idle. */
static const struct lane *shortest_of(const struct lane lanes[LANES])
{
    const struct lane *shortest = NULL;
    for (size_t i = 0; i < LANES; i++)
        if (lanes[i].is_busy && (!shortest || lanes[i].n_blocks < shortest->n_blocks))
            shortest = &lanes[i];
    return shortest;
}

static void side_by_side(uint8_t prefix, const struct slice *messages, size_t n_messages,
                         uint8_t (*hashes)[SHA256_BYTES])
{
    struct lane lanes[LANES];
    size_t n_begun = 0;
    for (size_t i = 0; i < LANES; i++) {
        lanes[i].is_busy = false;
        if (n_begun < n_messages)
            begin_message(&lanes[i], prefix, messages[n_begun], n_begun);
        n_begun += lanes[i].is_busy;
    }
    for (const struct lane *shortest; (shortest = shortest_of(lanes));) {
        size_t n_blocks = shortest->n_blocks;
        for (size_t i = 0; i < LANES; i++)
            if (!lanes[i].is_busy)
                lanes[i].at = shortest->at; /* its outcome is not used */
        compress(lanes, n_blocks);
        for (size_t i = 0; i < LANES; i++) {
            struct lane *lane = &lanes[i];
            if (!lane->is_busy)
                continue;
            lane->at += n_blocks * BLOCK_BYTES;
            lane->n_blocks -= n_blocks;
            if (lane->n_blocks > 0)
                continue;
            if (!lane->is_at_end) {
                begin_rest(lane);
                continue;
            }
            write_hash(&lane->state, hashes[lane->index]);
            lane->is_busy = false;
            if (n_begun < n_messages) {
                begin_message(lane, prefix, messages[n_begun], n_begun);
                n_begun++;
            }
        }
    }
}

/* Asked once: in a virtual machine the question is a trip to the hypervisor. */
static bool has_sha_instructions(void)
{
    enum { UNKNOWN, NO, YES };
    static atomic_int known = UNKNOWN;
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer == UNKNOWN) {
        unsigned a, b, c, d;
        bool has = __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
                   (b & bit_SHA);
        answer = has ? YES : NO;
        atomic_store_explicit(&known, answer, memory_order_relaxed);
    }
    return answer == YES;
}
#endif

void sha256_of_many(uint8_t prefix, const struct slice *messages, size_t n_messages,
                    uint8_t (*hashes)[SHA256_BYTES])
{
#if defined(__x86_64__)
    if (n_messages > 1 && has_sha_instructions()) {
        side_by_side(prefix, messages, n_messages, hashes);
        return;
    }
#endif
    one_after_the_other(prefix, messages, n_messages, hashes);
}
