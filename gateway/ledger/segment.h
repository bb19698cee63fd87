/*
 * segment.h - the bytes of a ledger's files: a head, then batches, then zeros
 *
 *     segment  | head | batch | batch | ... | batch | zeros                          |
 *              each begins at a multiple of the alignment, and is padded to it with zeros
 *
 *     head     0  "SLUISSEG"          batch    0  "SLB1"
 *              8  u32 version, 1               4  u32 total bytes, "SLB1" to CRC
 *             12  u32 alignment                8  u64 index of the first receipt
 *             16  u64 first index             16  u32 n receipts
 *             24  u64 segment bytes           20  u32 receipts bytes
 *             32  u16 origin bytes            24  u64 newest time, ms
 *             34  origin                      32  u32 checkpoint bytes
 *                 zeros                       36  u32 zero
 *             -4  u32 CRC32C                  40  receipts: each u16be length, then the leaf
 *                                                 u32 CRC32C of each receipt with its length
 *                                                 checkpoint: a signed note
 *                                                 u32 CRC32C of all before
 *
 * Shape   what a segment is called: its first index in 20 digits, and ".seg"
 * Units   integers are little-endian, but the receipts' lengths (as in a C2SP entry bundle)
 * Owns    nothing; slices point into the bytes that were parsed
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_LEDGER_SEGMENT_H
#define SLUIS_LEDGER_SEGMENT_H

#include "base/err.h"
#include "base/limits.h"
#include "base/reader.h"
#include "base/writer.h"
#include "ledger/checkpoint.h"
#include "ledger/leaf.h"
#include "ledger/tree.h"

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_ALIGNMENT_MIN = 512,
    SEGMENT_ALIGNMENT_MAX = 4096,
    SEGMENT_NAME_BYTES = 20 + 4,
    BATCH_HEAD_BYTES = 40,
    BATCH_CRC_BYTES = 4,
    /* What a receipt takes beside its own bytes: its length, its checksum. */
    BATCH_RECEIPT_EXTRA_BYTES = 2 + 4,
    BATCH_BYTES_MAX = BATCH_HEAD_BYTES +
                      LIMIT_MAX_batch_receipts * (LEAF_BYTES_MAX + BATCH_RECEIPT_EXTRA_BYTES) +
                      CHECKPOINT_BYTES_MAX + BATCH_CRC_BYTES,
    BATCH_PADDED_BYTES_MAX = (BATCH_BYTES_MAX + SEGMENT_ALIGNMENT_MAX - 1) / SEGMENT_ALIGNMENT_MAX *
                             SEGMENT_ALIGNMENT_MAX,
};

/* The next multiple of `alignment`, a power of two. */
uint64_t align_up(uint64_t n, uint32_t alignment);
/* A NUL-terminated file name. */
void segment_name(uint64_t first_index, char name[SEGMENT_NAME_BYTES + 1]);
/* False when `name` is not a segment's. */
bool segment_name_parse(struct slice name, uint64_t *first_index);

struct segment_head {
    uint32_t alignment_bytes;
    uint64_t first_index;
    uint64_t segment_bytes;
    struct slice origin;
};

/* Fills `alignment_bytes` bytes. The head must be a sound one. */
void segment_head_write(const struct segment_head *head, uint8_t *block);
/* `bytes`: the first SEGMENT_ALIGNMENT_MAX of the file. */
SL_NODISCARD enum sl_err segment_head_parse(struct slice bytes, struct segment_head *out);

struct batch {
    uint32_t total_bytes; /* without padding */
    uint64_t first_index;
    uint32_t n_receipts;
    int64_t newest_time_ms;
    struct slice receipts, checksums, checkpoint;
};

/* From a batch's first BATCH_HEAD_BYTES: its whole length, if that can be one. */
SL_NODISCARD enum sl_err batch_length(struct slice head, uint32_t *total_bytes);
/* `bytes`: the whole batch, total_bytes long. Checks the form and the CRC of the whole. */
SL_NODISCARD enum sl_err batch_parse(struct slice bytes, struct batch *out);
/* Form only: lets an auditor look into a batch whose CRC is wrong. */
SL_NODISCARD enum sl_err batch_parse_unchecked(struct slice bytes, struct batch *out);

/* The roots of the tiles (tree_append_tile()) that a batch completes, in order. */
enum { BATCH_TILES_MAX = LIMIT_MAX_batch_receipts / TREE_TILE_LEAVES };
struct batch_tiles {
    size_t n;
    uint8_t roots[BATCH_TILES_MAX + 1][SHA256_BYTES]; /* and room for one that is not complete */
};

/* Walks over the receipts of a batch. */
struct batch_cursor {
    struct reader receipts, checksums;
};
struct batch_cursor batch_cursor_over(const struct batch *batch);
/* The next leaf; false when its length or checksum is wrong, or there is none. */
bool batch_next_leaf(struct batch_cursor *cursor, struct slice *leaf);
/* The same for a batch that has been proven: its checksums are not looked at again. */
bool batch_next_proven_leaf(struct batch_cursor *cursor, struct slice *leaf);
/* Passes over `n` leaves, whatever their bytes; false when there are not so many. */
bool batch_skip_leaves(struct batch_cursor *cursor, uint32_t n);

/* A batch in the making, in an aligned block of the caller's. */
struct batch_builder {
    uint8_t *block; /* BATCH_PADDED_BYTES_MAX */
    uint64_t first_index;
    uint32_t n_receipts;
    size_t n_bytes; /* head and receipts so far */
    uint32_t checksums[LIMIT_MAX_batch_receipts];
};

void batch_begin(struct batch_builder *builder, uint8_t *block, uint64_t first_index);
/* Bytes on disk if a leaf of `leaf_bytes` came in addition: padded, with the longest checkpoint. */
uint64_t batch_padded_bytes_with(const struct batch_builder *builder, size_t leaf_bytes,
                                 uint32_t alignment);
void batch_add(struct batch_builder *builder, struct slice leaf);
/* Returns the bytes to write, padding included. */
size_t batch_finish(struct batch_builder *builder, int64_t newest_time_ms, struct slice checkpoint,
                    uint32_t alignment);

#endif
