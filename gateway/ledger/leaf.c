/*
 * leaf.c - drafting a receipt on a data thread, completing it on the recorder's
 *
 *     {"sluis":1,"tag":"......","basis":"......","body":"......","kind":"pull",...}
 *                       ^ 22             ^ 43            ^ 43, or null without quotes
 *
 * Only three values depend on where a receipt stands in its subject's sequence, and they stand at
 * fixed places. So all formatting happens beside the flow, on many threads, and what the one
 * recorder does for each receipt is a handful of hash compressions and three base64 texts.
 *
 * The places are drafted as dots, which base64url has not: a draft that was never completed does
 * not parse, and can't become a receipt by mistake.
 */
#include "ledger/leaf.h"

#include "base/timestamp.h"
#include "ledger/leaf_layout.h"

#include <string.h>

static const struct {
    struct slice name;
    bool has_subject, is_change, is_flow;
} kinds[N_LEAF_KINDS] = {
    [LEAF_PULL] = {SLICE_LITERAL("pull"), true, false, true},
    [LEAF_POLICY] = {SLICE_LITERAL("policy"), true, true, false},
    [LEAF_ERASURE] = {SLICE_LITERAL("erasure"), true, true, false},
    [LEAF_HEADS] = {SLICE_LITERAL("heads"), false, false, false},
    [LEAF_KEY] = {SLICE_LITERAL("key"), false, false, false},
    [LEAF_PUSH] = {SLICE_LITERAL("push"), true, false, true},
    [LEAF_OUTCOME] = {SLICE_LITERAL("outcome"), true, false, false},
};

struct slice leaf_kind_name(enum leaf_kind kind)
{
    return kinds[kind].name;
}

bool leaf_kind_by_name(struct slice name, enum leaf_kind *out)
{
    for (size_t i = 0; i < N_LEAF_KINDS; i++) {
        if (slice_equals(kinds[i].name, name)) {
            *out = (enum leaf_kind)i;
            return true;
        }
    }
    return false;
}

bool leaf_kind_has_subject(enum leaf_kind kind)
{
    return kinds[kind].has_subject;
}

bool leaf_kind_is_change(enum leaf_kind kind)
{
    return kinds[kind].is_change;
}

bool leaf_kind_is_flow(enum leaf_kind kind)
{
    return kinds[kind].is_flow;
}

const char *delivery_name(enum delivery delivery)
{
    static const char *const names[N_DELIVERIES] = {
        [DELIVERY_DELIVERED] = "delivered",
        [DELIVERY_REFUSED] = "refused",
        [DELIVERY_UNREACHABLE] = "unreachable",
        [DELIVERY_UNKNOWN] = "unknown",
    };
    return names[delivery];
}

static void write_dots(struct writer *writer, size_t n)
{
    for (size_t i = 0; i < n; i++)
        write_u8(writer, '.');
}

static void write_kind(struct writer *writer, const char *before, enum leaf_kind kind,
                       int64_t time_ms)
{
    write_str(writer, before);
    write_bytes(writer, leaf_kind_name(kind));
    write_str(writer, LEAF_BEFORE_TIME);
    write_timestamp_ms(writer, time_ms);
    write_str(writer, "\"");
}

/* Everything up to and including the time. */
static void write_head(struct writer *writer, enum leaf_kind kind, int64_t time_ms, bool has_body)
{
    if (!leaf_kind_has_subject(kind)) {
        write_kind(writer, LEAF_BEFORE_NODE_KIND, kind, time_ms);
        return;
    }
    write_str(writer, LEAF_BEFORE_TAG);
    write_dots(writer, LEAF_TAG_CHARS);
    write_str(writer, LEAF_BEFORE_BASIS);
    write_dots(writer, LEAF_DIGEST_CHARS);
    if (has_body) {
        write_str(writer, LEAF_BEFORE_BODY);
        write_dots(writer, LEAF_DIGEST_CHARS);
        write_str(writer, "\"");
    } else {
        write_str(writer, LEAF_NO_BODY);
    }
    write_kind(writer, LEAF_BEFORE_KIND, kind, time_ms);
}

static void write_text_or_null(struct writer *writer, const char *before, struct slice text)
{
    write_str(writer, before);
    if (text.n > 0)
        write_json_string(writer, text);
    else
        write_str(writer, "null");
}

bool leaf_text_is_plain(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= 0x20 || text.p[i] >= 0x7f || text.p[i] == '"' || text.p[i] == '\\')
            return false;
    return text.n > 0;
}

static void write_situations(struct writer *writer, const struct leaf_flow *flow)
{
    write_str(writer, LEAF_BEFORE_SITUATION);
    if (flow->n_situations == 0)
        write_str(writer, "null");
    for (size_t i = 0; i < flow->n_situations; i++) {
        SL_ASSERT(leaf_text_is_plain(flow->situations[i]));
        SL_ASSERT(i == 0 || slice_compare(flow->situations[i - 1], flow->situations[i]) < 0);
        write_str(writer, i > 0 ? "," : "[");
        write_json_string(writer, flow->situations[i]);
        if (i + 1 == flow->n_situations)
            write_str(writer, "]");
    }
}

static void write_number(struct writer *writer, const char *before, uint64_t number)
{
    write_str(writer, before);
    write_decimal(writer, number);
}

static void write_classes(struct writer *writer, const struct leaf_flow *flow)
{
    write_str(writer, LEAF_BEFORE_DATA);
    for (size_t i = 0; i < flow->n_classes; i++) {
        if (i > 0)
            write_str(writer, ",");
        write_json_string(writer, flow->classes[i].name);
        write_str(writer, ":\"");
        write_coarse_done(writer, &flow->classes[i].done);
        write_str(writer, "\"");
    }
    write_str(writer, "}}");
}

static enum sl_err finish_draft(const struct writer *writer, enum leaf_kind kind, bool has_body,
                                struct leaf_draft *out)
{
    if (writer->overflow)
        return SL_ELIMIT;
    out->n = (uint16_t)writer->n;
    out->has_subject = leaf_kind_has_subject(kind);
    out->has_body = has_body;
    memcpy(out->bytes, writer->block, writer->n);
    return SL_OK;
}

enum sl_err leaf_draft_flow(const struct leaf_flow *flow, struct leaf_draft *out)
{
    SL_ASSERT(leaf_kind_is_flow(flow->kind));
    SL_ASSERT(flow->reason.n > 0);
    if (flow->n_classes > LIMIT_MAX_route_classes || flow->n_situations > LEAF_SITUATIONS_MAX)
        return SL_ELIMIT;

    uint8_t block[LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_head(&writer, flow->kind, flow->time_ms, flow->released);
    write_text_or_null(&writer, LEAF_BEFORE_PARTNER, flow->partner);
    write_text_or_null(&writer, LEAF_BEFORE_APP, flow->app);
    write_text_or_null(&writer, LEAF_BEFORE_ROUTE, flow->route);
    write_text_or_null(&writer, LEAF_BEFORE_PURPOSE, flow->purpose);
    write_text_or_null(&writer, LEAF_BEFORE_BENEFIT, flow->benefit);
    write_situations(&writer, flow);
    write_str(&writer, LEAF_BEFORE_DECISION);
    write_str(&writer, flow->released ? "release" : "refuse");
    write_str(&writer, LEAF_BEFORE_REASON);
    write_json_string(&writer, flow->reason);
    write_classes(&writer, flow);
    return finish_draft(&writer, flow->kind, flow->released, out);
}

enum sl_err leaf_draft_policy(const struct leaf_policy *policy, struct leaf_draft *out)
{
    uint8_t block[LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_head(&writer, LEAF_POLICY, policy->time_ms, false);
    write_number(&writer, LEAF_BEFORE_GRANTED, policy->granted);
    write_number(&writer, LEAF_BEFORE_CHANGED, policy->changed);
    write_number(&writer, LEAF_BEFORE_WITHDRAWN, policy->withdrawn);
    write_number(&writer, LEAF_BEFORE_REFUSALS_ADDED, policy->refusals_added);
    write_number(&writer, LEAF_BEFORE_REFUSALS_REMOVED, policy->refusals_removed);
    write_str(&writer, "}");
    return finish_draft(&writer, LEAF_POLICY, false, out);
}

enum sl_err leaf_draft_erasure(int64_t time_ms, struct leaf_draft *out)
{
    uint8_t block[LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_head(&writer, LEAF_ERASURE, time_ms, false);
    write_str(&writer, "}");
    return finish_draft(&writer, LEAF_ERASURE, false, out);
}

enum sl_err leaf_draft_outcome(const struct leaf_outcome *outcome, struct leaf_draft *out)
{
    uint8_t block[LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_head(&writer, LEAF_OUTCOME, outcome->time_ms, false);
    write_number(&writer, LEAF_BEFORE_OF, outcome->of);
    write_str(&writer, LEAF_BEFORE_OUTCOME);
    write_str(&writer, delivery_name(outcome->delivery));
    if (outcome->status > 0)
        write_number(&writer, LEAF_BEFORE_STATUS, outcome->status);
    else
        write_str(&writer, LEAF_BEFORE_STATUS "null");
    write_str(&writer, "}");
    return finish_draft(&writer, LEAF_OUTCOME, false, out);
}

enum sl_err leaf_draft_heads(const struct leaf_heads *heads, struct leaf_draft *out)
{
    uint8_t block[LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_head(&writer, LEAF_HEADS, heads->time_ms, false);
    write_number(&writer, LEAF_BEFORE_EPOCH, heads->epoch);
    write_number(&writer, LEAF_BEFORE_FIRST, heads->first);
    write_number(&writer, LEAF_BEFORE_END, heads->end);
    write_number(&writer, LEAF_BEFORE_ENTRIES, heads->n_entries);
    write_str(&writer, LEAF_BEFORE_ROOT);
    write_base64url(&writer, slice_of(heads->root, sizeof heads->root));
    write_str(&writer, "\"}");
    return finish_draft(&writer, LEAF_HEADS, false, out);
}

enum sl_err leaf_draft_key(const struct leaf_key *key, struct leaf_draft *out)
{
    /* What would need an escape is no name of a node's. */
    if (!leaf_text_is_plain(key->old_vkey) || !leaf_text_is_plain(key->new_vkey))
        return SL_EMALFORMED;
    uint8_t block[LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    write_head(&writer, LEAF_KEY, key->time_ms, false);
    write_str(&writer, LEAF_BEFORE_OLD_KEY);
    write_bytes(&writer, key->old_vkey);
    write_str(&writer, LEAF_BEFORE_NEW_KEY);
    write_bytes(&writer, key->new_vkey);
    write_str(&writer, "\"}");
    return finish_draft(&writer, LEAF_KEY, false, out);
}

/* HMAC(key, label || 0 || u64be n || field) */
static void derive(const struct hmac_key *key, struct slice label, uint64_t n, struct slice field,
                   uint8_t out[SHA256_BYTES])
{
    uint8_t number[9];
    struct writer writer = writer_over(number, sizeof number);
    write_u8(&writer, 0);
    write_u64be(&writer, n);

    struct sha256 hash;
    hmac_begin(key, &hash);
    sha256_add(&hash, label);
    sha256_add(&hash, writer_slice(&writer));
    sha256_add(&hash, field);
    hmac_end(key, &hash, out);
}

void leaf_tag(const struct hmac_key *key, uint64_t n, uint8_t tag[LEAF_TAG_BYTES])
{
    static const struct slice label = SLICE_LITERAL("tag");
    uint8_t full[SHA256_BYTES];
    derive(key, label, n, slice_of(NULL, 0), full);
    memcpy(tag, full, LEAF_TAG_BYTES);
}

void leaf_salt(const struct hmac_key *key, uint64_t n, struct slice field,
               uint8_t salt[SHA256_BYTES])
{
    static const struct slice label = SLICE_LITERAL("salt");
    derive(key, label, n, field, salt);
}

void leaf_commit(const struct hmac_key *key, uint64_t n, struct slice field,
                 const uint8_t digest[SHA256_BYTES], uint8_t commitment[SHA256_BYTES])
{
    uint8_t salted[2 * SHA256_BYTES];
    leaf_salt(key, n, field, salted);
    memcpy(salted + SHA256_BYTES, digest, SHA256_BYTES);
    sha256_of(slice_of(salted, sizeof salted), commitment);
}

/* As write_base64url(), for fixed widths: this runs on the one recorder, three times a receipt. */
static void fill(struct leaf_draft *draft, size_t at, size_t n_chars, const uint8_t *bytes,
                 size_t n_bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t *text = draft->bytes + at;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        bits = bits << 8 | bytes[i];
        for (n_bits += 8; n_bits >= 6; n_bits -= 6)
            text[n++] = (uint8_t)alphabet[bits >> (n_bits - 6) & 63];
    }
    if (n_bits > 0)
        text[n++] = (uint8_t)alphabet[bits << (6 - n_bits) & 63];
    SL_ASSERT(n == n_chars);
}

void leaf_complete(struct leaf_draft *draft, const struct hmac_key *key, uint64_t n,
                   const uint8_t basis[SHA256_BYTES], const uint8_t body[SHA256_BYTES])
{
    static const struct slice field_basis = SLICE_LITERAL("basis");
    static const struct slice field_body = SLICE_LITERAL("body");
    SL_ASSERT(draft->has_subject);
    SL_ASSERT(draft->n <= LEAF_BYTES_MAX && draft->n > LEAF_BODY_AT);

    uint8_t tag[LEAF_TAG_BYTES];
    leaf_tag(key, n, tag);
    fill(draft, LEAF_TAG_AT, LEAF_TAG_CHARS, tag, sizeof tag);

    uint8_t commitment[SHA256_BYTES];
    leaf_commit(key, n, field_basis, basis, commitment);
    fill(draft, LEAF_BASIS_AT, LEAF_DIGEST_CHARS, commitment, sizeof commitment);
    if (draft->has_body) {
        leaf_commit(key, n, field_body, body, commitment);
        fill(draft, LEAF_BODY_AT, LEAF_DIGEST_CHARS, commitment, sizeof commitment);
    }
}
