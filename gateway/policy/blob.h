/*
 * blob.h - where everything is inside a compiled policy; not for callers of the module
 *
 * Spec    docs/formats/policy.md, "Compiled policy". All integers are little-endian; offsets
 *         count from the first byte of the blob; nothing is aligned.
 *
 *      0  u8[8]  "sluispol"
 *      8  u32    2, the version of this layout
 *     12  u32    bytes of the whole blob
 *     16  u16    consents            18  u16  refusals
 *     20  u32    offset of the zone  24  u32  its bytes (zone.h)
 *     28  u32    0
 *     32  the consents, 72 bytes each; the refusals, 32 bytes each; then what they point to
 *
 * A consent
 *      0  u32  purpose
 *      4  u32  offset of the id   8  u32  app   12  u32  partner   16  u32  in_return
 *     20  u8   bytes of the id   21  u8   app   22  u8   partner   23  u8   in_return
 *     24  i64  applies from, ms; the least i64 for always
 *     32  i64  applies until, ms, exclusive; the greatest i64 for ever
 *     40  u16  grants            42  u16  situations
 *     44  u32  offset of the grants, 24 bytes each, ordered by code:
 *                  u32 class, u32 precision in m, u32 time in s, u32 cut in m,
 *                  u32 bucket in thousandths, u16 top, u8 redact, u8 0
 *     48  u32  offset of the situations, u32 each
 *     52  window, 6 bytes: u8 1 if there is one, u8 days, u16 start, u16 end (struct policy_window)
 *     58  u16  0
 *     60  u32  at most so many flows     64  u32  per so many seconds     68  u32  0
 *
 * A refusal
 *      0  u32  purpose, 0 for any
 *      4  u32  offset of the app                  8  u32  partner
 *     12  u8   bytes of the app, 0 for any       13  u8   partner
 *     14  u16  classes, 0 for all                16  u32  offset of the classes, u32 each, ordered
 *     20  window, as above                       26  u16  0      28  u32  0
 *
 * Classes stand there with all that the policy's words reach (reach.h), so that deciding compares
 * codes and needs no vocabulary.
 */
#ifndef SLUIS_POLICY_BLOB_H
#define SLUIS_POLICY_BLOB_H

#include "policy/policy.h"

#include <endian.h>
#include <string.h>

#define BLOB_MAGIC "sluispol"

enum {
    BLOB_VERSION = 2,
    BLOB_HEAD_BYTES = 32,
    BLOB_CONSENT_BYTES = 72,
    BLOB_REFUSAL_BYTES = 32,
    BLOB_GRANT_BYTES = 24,
    BLOB_CODE_BYTES = 4,
};

/* Reads without a check: `blob` is valid. */
static inline uint16_t blob_u16(struct slice blob, size_t at)
{
    uint16_t value;
    memcpy(&value, blob.p + at, sizeof value);
    return le16toh(value);
}

static inline uint32_t blob_u32(struct slice blob, size_t at)
{
    uint32_t value;
    memcpy(&value, blob.p + at, sizeof value);
    return le32toh(value);
}

static inline int64_t blob_i64(struct slice blob, size_t at)
{
    uint64_t value;
    memcpy(&value, blob.p + at, sizeof value);
    return (int64_t)le64toh(value);
}

/* Where the records start. */
static inline size_t blob_consent_at(size_t index)
{
    return BLOB_HEAD_BYTES + index * BLOB_CONSENT_BYTES;
}

static inline size_t blob_refusal_at(struct slice blob, size_t index)
{
    return blob_consent_at(blob_u16(blob, 16)) + index * BLOB_REFUSAL_BYTES;
}

/* The text whose offset is stored at `offset_at` and whose length at `length_at`. */
static inline struct slice blob_text(struct slice blob, size_t offset_at, size_t length_at)
{
    return slice_of(blob.p + blob_u32(blob, offset_at), blob.p[length_at]);
}

static inline struct policy_window blob_window(struct slice blob, size_t at)
{
    return (struct policy_window){blob.p[at + 1], blob_u16(blob, at + 2), blob_u16(blob, at + 4)};
}

/* What stands in a grant behind its class. */
static inline struct coarseness blob_coarseness(struct slice blob, size_t at)
{
    return (struct coarseness){{
        [COARSE_PRECISION] = blob_u32(blob, at),
        [COARSE_TIME] = blob_u32(blob, at + 4),
        [COARSE_CUT] = blob_u32(blob, at + 8),
        [COARSE_BUCKET] = blob_u32(blob, at + 12),
        [COARSE_TOP] = blob_u16(blob, at + 16),
        [COARSE_REDACT] = blob.p[at + 18],
    }};
}

static inline struct slice blob_zone(struct slice blob)
{
    return slice_of(blob.p + blob_u32(blob, 20), blob_u32(blob, 24));
}

#endif
