/*
 * leaf_parse.c - reading a receipt back, strictly
 *
 * This is no JSON parser: it expects the one text that leaf.c would have written, piece by piece.
 * Whatever could be written in two ways (escapes, numbers, times, null or "") is accepted in one
 * only. So a receipt can't be reworded under the same meaning, and an auditor who reads it with
 * any JSON parser sees what we see.
 */
#include "base/base64.h"
#include "base/reader.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "ledger/leaf.h"
#include "ledger/leaf_layout.h"

#include <string.h>

/* Inlined into each caller, literals have a length that the compiler knows. */
#define WITH_LITERAL __attribute__((always_inline)) static inline

WITH_LITERAL void expect(struct reader *reader, const char *literal)
{
    struct slice wanted = slice_of_str(literal);
    if (!slice_equals(read_bytes(reader, wanted.n), wanted))
        reader->bad = true;
}

WITH_LITERAL bool next_is(const struct reader *reader, const char *literal)
{
    return slice_starts_with_str(slice_of(reader->at, reader_left(reader)), literal);
}

/* Length of the escape that `text` starts with, 0 when leaf.c would not have written it. */
static size_t escape_bytes(struct slice text)
{
    if (text.n >= 2 && (text.p[1] == '"' || text.p[1] == '\\'))
        return 2;
    uint8_t control;
    if (text.n < 6 || memcmp(text.p, "\\u00", 4) != 0 ||
        !hex_decode(slice_of(text.p + 4, 2), &control, 1))
        return 0;
    bool upper_case =
        (text.p[4] >= 'A' && text.p[4] <= 'F') || (text.p[5] >= 'A' && text.p[5] <= 'F');
    return !upper_case && (control < 0x20 || control == 0x7f) ? 6 : 0;
}

/* A JSON string with at least one character, from after its opening quote to past its end. */
static struct slice read_text(struct reader *reader)
{
    struct slice left = slice_of(reader->at, reader_left(reader));
    size_t n = utf8_plain_bytes(left);
    while (n < left.n && left.p[n] != '"') {
        struct slice rest = slice_of(left.p + n, left.n - n);
        bool is_control = rest.p[0] < 0x20 || rest.p[0] == 0x7f;
        size_t step = is_control ? 0 : utf8_sequence_bytes(rest);
        if (rest.p[0] == '\\')
            step = escape_bytes(rest);
        if (step == 0)
            break;
        n += step;
        n += utf8_plain_bytes(slice_of(left.p + n, left.n - n));
    }
    if (n == 0)
        reader->bad = true;
    struct slice text = read_bytes(reader, n);
    expect(reader, "\"");
    return text;
}

WITH_LITERAL struct slice read_text_or_null(struct reader *reader, const char *before)
{
    expect(reader, before);
    if (next_is(reader, "null")) {
        expect(reader, "null");
        return slice_of(NULL, 0);
    }
    expect(reader, "\"");
    return read_text(reader);
}

/* base64url of exactly n_bytes */
static struct slice read_base64url(struct reader *reader, size_t n_chars, size_t n_bytes)
{
    struct slice text = read_bytes(reader, n_chars);
    if (!base64url_is_canonical(text, n_bytes))
        reader->bad = true;
    return text;
}

static int64_t read_time_ms(struct reader *reader)
{
    int64_t time_ms = 0;
    if (!timestamp_parse_exact(read_bytes(reader, TIMESTAMP_BYTES), &time_ms))
        reader->bad = true;
    expect(reader, "\"");
    return time_ms;
}

static uint64_t read_number(struct reader *reader, const char *before, uint64_t max)
{
    expect(reader, before);
    size_t n = 0;
    struct slice left = slice_of(reader->at, reader_left(reader));
    while (n < left.n && left.p[n] >= '0' && left.p[n] <= '9')
        n++;
    uint64_t number = 0;
    if (!slice_to_u64(read_bytes(reader, n), max, &number))
        reader->bad = true;
    return number;
}

static uint32_t read_count(struct reader *reader, const char *before)
{
    return (uint32_t)read_number(reader, before, UINT32_MAX);
}

static void read_class(struct reader *reader, struct leaf *leaf)
{
    if (leaf->n_classes == SL_LENGTH(leaf->classes)) {
        reader->bad = true;
        return;
    }
    expect(reader, "\"");
    struct slice name = read_text(reader);
    expect(reader, ":\"");
    struct slice done = read_text(reader);
    struct coarse_done parsed;
    if (!coarse_done_parse(done, &parsed))
        reader->bad = true;
    for (size_t i = 0; i < leaf->n_classes; i++)
        if (slice_equals(leaf->classes[i].name, name))
            reader->bad = true;
    leaf->classes[leaf->n_classes].name = name;
    leaf->classes[leaf->n_classes++].done = done;
}

/* null, or a list of one name or more, each greater than the one before. */
static void read_situations(struct reader *reader, struct leaf *leaf)
{
    expect(reader, LEAF_BEFORE_SITUATION);
    if (next_is(reader, "null")) {
        expect(reader, "null");
        return;
    }
    do {
        expect(reader, leaf->n_situations == 0 ? "[\"" : ",\"");
        const struct slice name = read_text(reader);
        const size_t n = leaf->n_situations;
        if (n == LEAF_SITUATIONS_MAX || !leaf_text_is_plain(name) ||
            (n > 0 && slice_compare(leaf->situations[n - 1], name) >= 0)) {
            reader->bad = true;
            return;
        }
        leaf->situations[leaf->n_situations++] = name;
    } while (!reader->bad && !next_is(reader, "]"));
    expect(reader, "]");
}

static void read_flow(struct reader *reader, struct leaf *leaf)
{
    leaf->partner = read_text_or_null(reader, LEAF_BEFORE_PARTNER);
    leaf->app = read_text_or_null(reader, LEAF_BEFORE_APP);
    leaf->route = read_text_or_null(reader, LEAF_BEFORE_ROUTE);
    leaf->purpose = read_text_or_null(reader, LEAF_BEFORE_PURPOSE);
    leaf->benefit = read_text_or_null(reader, LEAF_BEFORE_BENEFIT);
    read_situations(reader, leaf);
    expect(reader, LEAF_BEFORE_DECISION);
    leaf->decision = read_text(reader);
    leaf->released = slice_equals_str(leaf->decision, "release");
    if (!leaf->released && !slice_equals_str(leaf->decision, "refuse"))
        reader->bad = true;
    if (leaf->released != (leaf->body.n > 0))
        reader->bad = true;
    /* read_text() took the quote that LEAF_BEFORE_REASON begins with. */
    expect(reader, &LEAF_BEFORE_REASON[1]);
    expect(reader, "\"");
    leaf->reason = read_text(reader);

    expect(reader, LEAF_BEFORE_DATA);
    while (!reader->bad && !next_is(reader, "}")) {
        if (leaf->n_classes > 0)
            expect(reader, ",");
        read_class(reader, leaf);
    }
    expect(reader, "}}");
}

static void read_policy(struct reader *reader, struct leaf *leaf)
{
    if (leaf->body.n > 0)
        reader->bad = true;
    leaf->policy.time_ms = leaf->time_ms;
    leaf->policy.granted = read_count(reader, LEAF_BEFORE_GRANTED);
    leaf->policy.changed = read_count(reader, LEAF_BEFORE_CHANGED);
    leaf->policy.withdrawn = read_count(reader, LEAF_BEFORE_WITHDRAWN);
    leaf->policy.refusals_added = read_count(reader, LEAF_BEFORE_REFUSALS_ADDED);
    leaf->policy.refusals_removed = read_count(reader, LEAF_BEFORE_REFUSALS_REMOVED);
    expect(reader, "}");
}

static void read_erasure(struct reader *reader, struct leaf *leaf)
{
    if (leaf->body.n > 0)
        reader->bad = true;
    expect(reader, "}");
}

/* Who delivered has an answer, who is unreachable has none; a refusal is an answer. */
static bool status_fits(enum delivery delivery, unsigned status)
{
    switch (delivery) {
    case DELIVERY_DELIVERED:
        return status >= 200 && status <= 299;
    case DELIVERY_REFUSED:
        return status >= 100 && status <= 999 && (status < 200 || status > 299);
    case DELIVERY_UNREACHABLE:
    case DELIVERY_UNKNOWN:
        break;
    }
    return status == 0;
}

static void read_outcome(struct reader *reader, struct leaf *leaf)
{
    struct leaf_outcome *outcome = &leaf->outcome;
    outcome->time_ms = leaf->time_ms;
    outcome->of = read_number(reader, LEAF_BEFORE_OF, INT64_MAX);
    expect(reader, LEAF_BEFORE_OUTCOME);
    struct slice name = read_text(reader);
    unsigned i = 0;
    while (i < N_DELIVERIES && !slice_equals_str(name, delivery_name((enum delivery)i)))
        i++;
    outcome->delivery = (enum delivery)i;
    /* read_text() took the quote that LEAF_BEFORE_STATUS begins with. */
    if (next_is(reader, &(LEAF_BEFORE_STATUS "null")[1]))
        expect(reader, &(LEAF_BEFORE_STATUS "null")[1]);
    else
        outcome->status = (unsigned)read_number(reader, &LEAF_BEFORE_STATUS[1], 999);
    if (leaf->body.n > 0 || i == N_DELIVERIES || !status_fits(outcome->delivery, outcome->status))
        reader->bad = true;
    expect(reader, "}");
}

static void read_heads(struct reader *reader, struct leaf *leaf)
{
    struct leaf_heads *heads = &leaf->heads;
    heads->time_ms = leaf->time_ms;
    heads->epoch = read_number(reader, LEAF_BEFORE_EPOCH, INT64_MAX);
    heads->first = read_number(reader, LEAF_BEFORE_FIRST, INT64_MAX);
    heads->end = read_number(reader, LEAF_BEFORE_END, INT64_MAX);
    heads->n_entries = read_number(reader, LEAF_BEFORE_ENTRIES, INT64_MAX);
    expect(reader, LEAF_BEFORE_ROOT);
    if (!base64url_decode(read_bytes(reader, LEAF_DIGEST_CHARS), heads->root, sizeof heads->root))
        reader->bad = true;
    expect(reader, "\"}");
}

static void read_key(struct reader *reader, struct leaf *leaf)
{
    struct leaf_key *key = &leaf->key;
    key->time_ms = leaf->time_ms;
    expect(reader, LEAF_BEFORE_OLD_KEY);
    key->old_vkey = read_text(reader);
    /* read_text() took the quote that LEAF_BEFORE_NEW_KEY begins with. */
    expect(reader, &LEAF_BEFORE_NEW_KEY[1]);
    key->new_vkey = read_text(reader);
    if (!leaf_text_is_plain(key->old_vkey) || !leaf_text_is_plain(key->new_vkey))
        reader->bad = true;
    expect(reader, "}");
}

/* Whose it is, what it rests on and what was released: what the node's own receipts have not. */
static void read_subject(struct reader *reader, struct leaf *leaf)
{
    expect(reader, LEAF_BEFORE_TAG);
    leaf->tag = read_base64url(reader, LEAF_TAG_CHARS, LEAF_TAG_BYTES);
    expect(reader, LEAF_BEFORE_BASIS);
    leaf->basis = read_base64url(reader, LEAF_DIGEST_CHARS, SHA256_BYTES);
    if (next_is(reader, LEAF_NO_BODY)) {
        expect(reader, LEAF_NO_BODY);
    } else {
        expect(reader, LEAF_BEFORE_BODY);
        leaf->body = read_base64url(reader, LEAF_DIGEST_CHARS, SHA256_BYTES);
        expect(reader, "\"");
    }
    expect(reader, LEAF_BEFORE_KIND);
}

static void (*const read_rest[N_LEAF_KINDS])(struct reader *reader, struct leaf *leaf) = {
    [LEAF_PULL] = read_flow,       [LEAF_POLICY] = read_policy, [LEAF_ERASURE] = read_erasure,
    [LEAF_HEADS] = read_heads,     [LEAF_KEY] = read_key,       [LEAF_PUSH] = read_flow,
    [LEAF_OUTCOME] = read_outcome,
};

enum sl_err leaf_parse(struct slice bytes, struct leaf *out)
{
    if (bytes.n > LEAF_BYTES_MAX)
        return SL_ELIMIT;
    /* Most receipts have a few classes, so the room for many is not cleared, and not copied. */
    struct leaf leaf __attribute__((uninitialized));
    memset(&leaf, 0, offsetof(struct leaf, classes));
    struct reader reader = reader_over(bytes);
    bool has_subject = !next_is(&reader, LEAF_BEFORE_NODE_KIND);
    if (has_subject)
        read_subject(&reader, &leaf);
    else
        expect(&reader, LEAF_BEFORE_NODE_KIND);
    if (!leaf_kind_by_name(read_text(&reader), &leaf.kind) ||
        leaf_kind_has_subject(leaf.kind) != has_subject)
        return SL_EMALFORMED;
    /* read_text() took the quote that LEAF_BEFORE_TIME begins with. */
    expect(&reader, &LEAF_BEFORE_TIME[1]);
    leaf.time_ms = read_time_ms(&reader);
    read_rest[leaf.kind](&reader, &leaf);
    if (reader.bad || reader_left(&reader) > 0)
        return SL_EMALFORMED;
    memcpy(out, &leaf, offsetof(struct leaf, classes) + leaf.n_classes * sizeof *leaf.classes);
    return SL_OK;
}

enum sl_err leaf_draft_time_ms(const struct leaf_draft *draft, int64_t *time_ms)
{
    size_t at = 0;
    if (draft->has_subject && draft->has_body)
        at = LEAF_BODY_AT + LEAF_DIGEST_CHARS + 1;
    else if (draft->has_subject)
        at = LEAF_BASIS_AT + LEAF_DIGEST_CHARS + sizeof LEAF_NO_BODY - 1;
    if (draft->n > LEAF_BYTES_MAX || draft->n < at)
        return SL_EMALFORMED;
    struct reader reader = reader_over(slice_of(draft->bytes + at, draft->n - at));
    int64_t found_ms = 0;
    expect(&reader, draft->has_subject ? LEAF_BEFORE_KIND : LEAF_BEFORE_NODE_KIND);
    (void)read_until(&reader, '"');
    expect(&reader, &LEAF_BEFORE_TIME[1]);
    if (!timestamp_parse(read_bytes(&reader, TIMESTAMP_BYTES), &found_ms) || reader.bad)
        return SL_EMALFORMED;
    *time_ms = found_ms;
    return SL_OK;
}
