/*
 * heads_list.h - the bytes of a list of heads: how many receipts each subject had in one epoch
 *
 *     heads/00000000000000000003.heads
 *     0  "SLUISHDS"          512  entries: 32-byte label, u64be delta; labels strictly ascending
 *     8  u32 version, 1           u32 CRC32C of all before
 *    12  u32 zero
 *    16  u64 epoch
 *    24  u64 first           label = HMAC-SHA-256(K_s, "head" || 0 || u64be epoch)
 *    32  u64 end             leaf  = SHA-256(0 || label || u64be delta)
 *    40  u64 n entries       root  = of the tree (tree.h) over these leaves, in this order
 *    48  u16 origin bytes
 *    50  origin
 *        zeros
 *   508  u32 CRC32C
 *
 * Units   integers are little-endian, but deltas (an entry's bytes are what is hashed)
 * Owns    nothing; the origin points into the bytes that were parsed
 * Spec    docs/formats/ledger.md
 */
#ifndef SLUIS_LEDGER_HEADS_LIST_H
#define SLUIS_LEDGER_HEADS_LIST_H

#include "base/err.h"
#include "base/sha256.h"
#include "base/slice.h"

enum {
    HEADS_VERSION = 1,
    HEADS_HEAD_BYTES = 512,
    HEADS_LABEL_BYTES = SHA256_BYTES,
    HEADS_ENTRY_BYTES = HEADS_LABEL_BYTES + 8,
    HEADS_CRC_BYTES = 4,
    HEADS_NAME_BYTES = 20 + 6,
};

/* Below the ledger's folder. */
#define HEADS_FOLDER "heads"

struct heads_head {
    uint64_t epoch;
    uint64_t first, end; /* the receipts [first, end) */
    uint64_t n_entries;
    struct slice origin;
};

struct heads_entry {
    uint8_t label[HEADS_LABEL_BYTES];
    uint64_t delta;
};

/* A NUL-terminated file name. */
void heads_name(uint64_t epoch, char name[HEADS_NAME_BYTES + 1]);
/* False when `name` is not a list's. */
bool heads_name_parse(struct slice name, uint64_t *epoch);

/* The head must be a sound one. */
void heads_head_write(const struct heads_head *head, uint8_t block[HEADS_HEAD_BYTES]);
SL_NODISCARD enum sl_err heads_head_parse(struct slice bytes, struct heads_head *out);
/* Of the whole file; 0 when there can be no such file. */
uint64_t heads_file_bytes(uint64_t n_entries);

void heads_entry_write(const struct heads_entry *entry, uint8_t bytes[HEADS_ENTRY_BYTES]);
void heads_entry_read(const uint8_t bytes[HEADS_ENTRY_BYTES], struct heads_entry *out);
/* What the subject of this key has in the list of `epoch`, and nobody else can tell. */
void heads_label(const struct hmac_key *key, uint64_t epoch, uint8_t label[HEADS_LABEL_BYTES]);

#endif
