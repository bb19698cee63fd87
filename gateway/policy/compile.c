/*
 * compile.c - from a policy document to the blob that decides
 *
 *     head | consents | refusals | what they point to ...
 *     └──── `fixed` writes here ┘ └ `behind` writes here
 *
 * Two cursors over one block: the length of the first part is known from the counts, so each
 * record can name the place of its texts and lists while they are written behind it. The layout
 * is drawn in blob.h.
 *
 * Local dates become instants here, and words become all the classes they reach, so that nothing
 * of either is left to do while a flow waits.
 */
#include "base/pool.h"
#include "policy/blob.h"
#include "policy/reach.h"
#include "policy/zone.h"

#include <stdlib.h>

struct compiling {
    const struct policy_document *policy;
    struct writer fixed, behind;
    uint32_t behind_at;      /* offset of the first byte of `behind` */
    struct reached *reached; /* both have room for every class of the vocabulary */
    uint32_t *codes;
};

static uint32_t here(const struct compiling *compiling)
{
    return compiling->behind_at + (uint32_t)compiling->behind.n;
}

/* Writes the text behind, and its offset. */
static void write_text_offset(struct compiling *compiling, struct slice text)
{
    write_u32(&compiling->fixed, here(compiling));
    write_bytes(&compiling->behind, text);
}

static void write_window(struct compiling *compiling, bool has_window,
                         const struct policy_window *window)
{
    if (!has_window) {
        write_zeros(&compiling->fixed, 6);
        return;
    }
    write_u8(&compiling->fixed, 1);
    write_u8(&compiling->fixed, window->days);
    write_u16(&compiling->fixed, window->start_minute);
    write_u16(&compiling->fixed, window->end_minute);
}

static void write_coarseness(struct writer *writer, struct coarseness coarseness)
{
    write_u32(writer, coarseness.by[COARSE_PRECISION]);
    write_u32(writer, coarseness.by[COARSE_TIME]);
    write_u32(writer, coarseness.by[COARSE_CUT]);
    write_u32(writer, coarseness.by[COARSE_BUCKET]);
    write_u16(writer, (uint16_t)coarseness.by[COARSE_TOP]);
    write_u8(writer, (uint8_t)coarseness.by[COARSE_REDACT]);
    write_u8(writer, 0);
}

static int64_t day_start_ms(const struct compiling *compiling, struct civil_date date)
{
    return zone_day_start_s(compiling->policy->zone, date) * 1000;
}

static void write_consent(struct compiling *compiling, const struct policy_consent *consent)
{
    struct writer *fixed = &compiling->fixed;
    write_u32(fixed, consent->purpose->code);
    write_text_offset(compiling, consent->id);
    write_text_offset(compiling, consent->app);
    write_text_offset(compiling, consent->partner);
    write_text_offset(compiling, consent->in_return);
    write_u8(fixed, (uint8_t)consent->id.n);
    write_u8(fixed, (uint8_t)consent->app.n);
    write_u8(fixed, (uint8_t)consent->partner.n);
    write_u8(fixed, (uint8_t)consent->in_return.n);
    write_u64(fixed,
              (uint64_t)(consent->has_from ? day_start_ms(compiling, consent->from) : INT64_MIN));
    write_u64(fixed,
              (uint64_t)(consent->has_until ? day_start_ms(compiling, consent->until) : INT64_MAX));

    const size_t n_grants = consent_reach(consent, compiling->reached);
    write_u16(fixed, (uint16_t)n_grants);
    write_u16(fixed, (uint16_t)consent->n_situations);
    write_u32(fixed, here(compiling));
    for (size_t i = 0; i < n_grants; i++) {
        write_u32(&compiling->behind, compiling->reached[i].class->term.code);
        write_coarseness(&compiling->behind, compiling->reached[i].coarseness);
    }
    write_u32(fixed, here(compiling));
    for (size_t i = 0; i < consent->n_situations; i++)
        write_u32(&compiling->behind, consent->situations[i]->code);

    write_window(compiling, consent->has_window, &consent->window);
    write_u16(fixed, 0);
    write_u32(fixed, consent->at_most);
    write_u32(fixed, consent->at_most_per_s);
    write_u32(fixed, 0);
}

static int compare_codes(const void *a, const void *b)
{
    const uint32_t *x = a;
    const uint32_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Every class of the vocabulary that the refusal covers, ordered by code; the number of them. */
static size_t list_refused(const struct compiling *compiling, const struct policy_refusal *refusal,
                           uint32_t *codes)
{
    const struct vocabulary *vocabulary = compiling->policy->vocabulary;
    size_t n = 0;
    for (size_t i = 0; refusal->n_classes > 0 && i < vocabulary_n_classes(vocabulary); i++) {
        const struct vocabulary_class *class = vocabulary_class_at(vocabulary, i);
        if (refusal_covers(refusal, class))
            codes[n++] = class->term.code;
    }
    qsort(codes, n, sizeof *codes, compare_codes);
    return n;
}

static void write_refusal(struct compiling *compiling, const struct policy_refusal *refusal)
{
    struct writer *fixed = &compiling->fixed;
    write_u32(fixed, refusal->purpose ? refusal->purpose->code : 0);
    write_text_offset(compiling, refusal->app);
    write_text_offset(compiling, refusal->partner);
    write_u8(fixed, (uint8_t)refusal->app.n);
    write_u8(fixed, (uint8_t)refusal->partner.n);

    const size_t n = list_refused(compiling, refusal, compiling->codes);
    write_u16(fixed, (uint16_t)n);
    write_u32(fixed, here(compiling));
    for (size_t i = 0; i < n; i++)
        write_u32(&compiling->behind, compiling->codes[i]);

    write_window(compiling, refusal->has_window, &refusal->window);
    write_u16(fixed, 0);
    write_u32(fixed, 0);
}

/* Everything; the length goes into the head once it is known. */
static void write_blob(struct compiling *compiling)
{
    const struct policy_document *policy = compiling->policy;
    struct writer *fixed = &compiling->fixed;
    write_str(fixed, BLOB_MAGIC);
    write_u32(fixed, BLOB_VERSION);
    const struct writer length_place = *fixed;
    write_u32(fixed, 0);
    write_u16(fixed, (uint16_t)policy->n_consents);
    write_u16(fixed, (uint16_t)policy->n_refusals);
    write_text_offset(compiling, policy->zone);
    write_u32(fixed, (uint32_t)policy->zone.n);
    write_u32(fixed, 0);
    for (size_t i = 0; i < policy->n_consents; i++)
        write_consent(compiling, &policy->consents[i]);
    for (size_t i = 0; i < policy->n_refusals; i++)
        write_refusal(compiling, &policy->refusals[i]);
    struct writer length = length_place;
    write_u32(&length, here(compiling));
}

static enum sl_err report_no_room(struct yaml_problems *problems, size_t room)
{
    yaml_error_at(problems, 1, 1, "the policy is too large to compile; at most %zu bytes", room);
    return SL_ELIMIT;
}

enum sl_err policy_compile(const struct policy_document *policy, struct yaml_problems *problems,
                           struct writer *writer)
{
    const size_t n_classes = vocabulary_n_classes(policy->vocabulary);
    const size_t fixed_bytes = BLOB_HEAD_BYTES + policy->n_consents * BLOB_CONSENT_BYTES +
                               policy->n_refusals * BLOB_REFUSAL_BYTES;
    size_t room = writer->overflow ? 0 : writer->cap - writer->n;
    room = room < POLICY_BLOB_BYTES_MAX ? room : POLICY_BLOB_BYTES_MAX;
    if (room < fixed_bytes)
        return report_no_room(problems, room);

    struct pool scratch = {0};
    uint8_t *start = writer->block + writer->n;
    struct compiling compiling = {
        .policy = policy,
        .fixed = writer_over(start, fixed_bytes),
        .behind = writer_over(start + fixed_bytes, room - fixed_bytes),
        .behind_at = (uint32_t)fixed_bytes,
        .reached = pool_array(&scratch, n_classes, sizeof *compiling.reached),
        .codes = pool_array(&scratch, n_classes, sizeof *compiling.codes),
    };
    const bool has_scratch = !scratch.failed;
    if (has_scratch)
        write_blob(&compiling);
    pool_deinit(&scratch);
    if (!has_scratch)
        return SL_EINTERNAL;
    if (compiling.behind.overflow)
        return report_no_room(problems, room);

    const size_t n = fixed_bytes + compiling.behind.n;
    SL_ASSERT(compiling.fixed.n == fixed_bytes && !compiling.fixed.overflow);
    SL_ASSERT(policy_blob_is_valid(slice_of(start, n)));
    writer->n += n;
    return SL_OK;
}

struct slice policy_blob_empty(void)
{
    /* head, then the zone UTC, which is all zeros */
    static const uint8_t empty[BLOB_HEAD_BYTES + ZONE_HEAD_BYTES] = {
        's', 'l', 'u',          'i',          's',
        'p', 'o', 'l',          BLOB_VERSION, 0,
        0,   0,   sizeof empty, [20] = 32,    [24] = ZONE_HEAD_BYTES,
    };
    return slice_of(empty, sizeof empty);
}
