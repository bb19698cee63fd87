/*
 * blob.c - is this a compiled policy that decide() may read without looking?
 *
 * decide() trusts offsets and counts, so each is held against the length here, once, when a blob
 * comes from the disk. What merely makes no sense (a time window that ends before it starts) and
 * cannot lead a read astray is refused too where the compiler never writes it: bytes that look
 * odd are damaged bytes.
 */
#include "policy/blob.h"

#include "policy/decide.h"
#include "policy/loading.h"
#include "policy/quota.h"
#include "policy/zone.h"

/* True when n items of `item_bytes` at `at` lie inside. */
static bool is_inside(struct slice blob, size_t at, size_t n, size_t item_bytes)
{
    return at <= blob.n && n <= (blob.n - at) / item_bytes;
}

static bool text_is_valid(struct slice blob, size_t offset_at, size_t length_at, size_t bytes_min,
                          size_t bytes_max)
{
    size_t n = blob.p[length_at];
    return n >= bytes_min && n <= bytes_max && is_inside(blob, blob_u32(blob, offset_at), n, 1);
}

static bool window_is_valid(struct slice blob, size_t at)
{
    const struct policy_window window = blob_window(blob, at);
    if (blob.p[at] == 0)
        return window.days == 0 && window.start_minute == 0 && window.end_minute == 0;
    return blob.p[at] == 1 && window.days > 0 && window.days < 0x80 &&
           window.start_minute < POLICY_MINUTES_PER_DAY && window.end_minute > 0 &&
           window.end_minute <= POLICY_MINUTES_PER_DAY;
}

/* n codes, `stride` bytes apart, that rise strictly and are not 0. */
static bool codes_are_valid(struct slice blob, size_t at, size_t n, size_t stride)
{
    if (!is_inside(blob, at, n, stride))
        return false;
    uint32_t last = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t code = blob_u32(blob, at + i * stride);
        if (code <= last)
            return false;
        last = code;
    }
    return true;
}

static bool grants_are_valid(struct slice blob, size_t at, size_t n)
{
    if (!codes_are_valid(blob, at, n, BLOB_GRANT_BYTES))
        return false;
    for (size_t i = 0; i < n; i++, at += BLOB_GRANT_BYTES) {
        const struct coarseness coarseness = blob_coarseness(blob, at + BLOB_CODE_BYTES);
        for (unsigned k = 0; k < N_COARSE; k++) {
            if (coarseness.by[k] > coarse_max((enum coarse_dimension)k))
                return false;
        }
        if (blob.p[at + BLOB_GRANT_BYTES - 1] != 0)
            return false;
    }
    return true;
}

static bool at_most_is_valid(uint32_t at_most, uint32_t per_s)
{
    enum quota_period period;
    return at_most == 0 ? per_s == 0 : quota_period_of_code(per_s, &period);
}

static bool consent_is_valid(struct slice blob, size_t at)
{
    const size_t n_situations = blob_u16(blob, at + 42);
    return blob_u32(blob, at) != 0 && text_is_valid(blob, at + 4, at + 20, 1, POLICY_ID_BYTES) &&
           text_is_valid(blob, at + 8, at + 21, 1, POLICY_ID_BYTES) &&
           text_is_valid(blob, at + 12, at + 22, 1, POLICY_ID_BYTES) &&
           text_is_valid(blob, at + 16, at + 23, 0, POLICY_BENEFIT_BYTES) &&
           grants_are_valid(blob, blob_u32(blob, at + 44), blob_u16(blob, at + 40)) &&
           n_situations <= POLICY_SITUATIONS_MAX &&
           is_inside(blob, blob_u32(blob, at + 48), n_situations, BLOB_CODE_BYTES) &&
           window_is_valid(blob, at + 52) && blob_u16(blob, at + 58) == 0 &&
           at_most_is_valid(blob_u32(blob, at + 60), blob_u32(blob, at + 64)) &&
           blob_u32(blob, at + 68) == 0;
}

static bool refusal_is_valid(struct slice blob, size_t at)
{
    return text_is_valid(blob, at + 4, at + 12, 0, POLICY_ID_BYTES) &&
           text_is_valid(blob, at + 8, at + 13, 0, POLICY_ID_BYTES) &&
           codes_are_valid(blob, blob_u32(blob, at + 16), blob_u16(blob, at + 14),
                           BLOB_CODE_BYTES) &&
           window_is_valid(blob, at + 20) && blob_u16(blob, at + 26) == 0 &&
           blob_u32(blob, at + 28) == 0;
}

uint32_t policy_blob_layout(struct slice blob)
{
    bool is_blob = blob.n >= BLOB_HEAD_BYTES && slice_equals_str(slice_of(blob.p, 8), BLOB_MAGIC);
    return is_blob ? blob_u32(blob, 8) : 0;
}

bool policy_blob_is_current(struct slice blob)
{
    return policy_blob_layout(blob) == BLOB_VERSION;
}

bool policy_blob_is_valid(struct slice blob)
{
    if (!policy_blob_is_current(blob) || blob.n > POLICY_BLOB_BYTES_MAX ||
        blob_u32(blob, 12) != blob.n || blob_u32(blob, 28) != 0)
        return false;
    const size_t n_consents = blob_u16(blob, 16), n_refusals = blob_u16(blob, 18);
    if (n_consents > LIMIT_MAX_policy_consents || n_refusals > LIMIT_MAX_policy_refusals ||
        blob_refusal_at(blob, n_refusals) > blob.n ||
        !is_inside(blob, blob_u32(blob, 20), blob_u32(blob, 24), 1) ||
        !zone_is_valid(blob_zone(blob)))
        return false;
    for (size_t i = 0; i < n_consents; i++) {
        if (!consent_is_valid(blob, blob_consent_at(i)))
            return false;
    }
    for (size_t i = 0; i < n_refusals; i++) {
        if (!refusal_is_valid(blob, blob_refusal_at(blob, i)))
            return false;
    }
    return true;
}

struct slice policy_blob_zone(struct slice blob)
{
    return blob_zone(blob);
}

size_t policy_blob_n_consents(struct slice blob)
{
    return blob_u16(blob, 16);
}

struct slice policy_blob_consent_id(struct slice blob, size_t index)
{
    SL_ASSERT(index < policy_blob_n_consents(blob));
    const size_t at = blob_consent_at(index);
    return blob_text(blob, at + 4, at + 20);
}
