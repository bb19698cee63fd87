/*
 * fuzz_leaf.c - a receipt has one text
 *
 * Whatever leaf_parse() accepts can be written again from its parts, byte for byte; and a general
 * JSON parser, which nobody here wrote, sees one object with the same strings in it.
 */
#include "base/timestamp.h"
#include "ledger/leaf.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_member(struct writer *writer, const char *name, struct slice text)
{
    write_str(writer, ",\"");
    write_str(writer, name);
    write_str(writer, "\":");
    if (text.n == 0) {
        write_str(writer, "null");
        return;
    }
    write_str(writer, "\"");
    write_bytes(writer, text);
    write_str(writer, "\"");
}

static void write_situations(struct writer *writer, const struct leaf *leaf)
{
    write_str(writer, ",\"situation\":");
    write_str(writer, leaf->n_situations > 0 ? "[" : "null");
    for (size_t i = 0; i < leaf->n_situations; i++) {
        write_str(writer, i > 0 ? ",\"" : "\"");
        write_bytes(writer, leaf->situations[i]);
        write_str(writer, "\"");
    }
    write_str(writer, leaf->n_situations > 0 ? "]" : "");
}

static void write_flow(struct writer *writer, const struct leaf *leaf)
{
    write_member(writer, "partner", leaf->partner);
    write_member(writer, "app", leaf->app);
    write_member(writer, "route", leaf->route);
    write_member(writer, "purpose", leaf->purpose);
    write_member(writer, "benefit", leaf->benefit);
    write_situations(writer, leaf);
    write_member(writer, "decision", leaf->decision);
    write_member(writer, "reason", leaf->reason);
    write_str(writer, ",\"data\":{");
    for (size_t i = 0; i < leaf->n_classes; i++) {
        write_str(writer, i > 0 ? ",\"" : "\"");
        write_bytes(writer, leaf->classes[i].name);
        write_str(writer, "\":\"");
        write_bytes(writer, leaf->classes[i].done);
        write_str(writer, "\"");
    }
    write_str(writer, "}}");
}

static void write_count(struct writer *writer, const char *name, uint64_t count)
{
    write_str(writer, ",\"");
    write_str(writer, name);
    write_str(writer, "\":");
    write_decimal(writer, count);
}

static void write_policy(struct writer *writer, const struct leaf_policy *policy)
{
    write_count(writer, "granted", policy->granted);
    write_count(writer, "changed", policy->changed);
    write_count(writer, "withdrawn", policy->withdrawn);
    write_count(writer, "refusals_added", policy->refusals_added);
    write_count(writer, "refusals_removed", policy->refusals_removed);
    write_str(writer, "}");
}

static void write_heads(struct writer *writer, const struct leaf_heads *heads)
{
    write_count(writer, "epoch", heads->epoch);
    write_count(writer, "first", heads->first);
    write_count(writer, "end", heads->end);
    write_count(writer, "entries", heads->n_entries);
    write_str(writer, ",\"root\":\"");
    write_base64url(writer, slice_of(heads->root, sizeof heads->root));
    write_str(writer, "\"}");
}

static void write_key(struct writer *writer, const struct leaf_key *key)
{
    write_member(writer, "old", key->old_vkey);
    write_member(writer, "new", key->new_vkey);
    write_str(writer, "}");
}

static void write_outcome(struct writer *writer, const struct leaf_outcome *outcome)
{
    write_count(writer, "of", outcome->of);
    write_member(writer, "outcome", slice_of_str(delivery_name(outcome->delivery)));
    if (outcome->status > 0)
        write_count(writer, "status", outcome->status);
    else
        write_member(writer, "status", slice_of(NULL, 0));
    write_str(writer, "}");
}

static void write_rest(struct writer *writer, const struct leaf *leaf)
{
    switch (leaf->kind) {
    case LEAF_PULL:
    case LEAF_PUSH:
        write_flow(writer, leaf);
        break;
    case LEAF_POLICY:
        write_policy(writer, &leaf->policy);
        break;
    case LEAF_ERASURE:
        write_str(writer, "}");
        break;
    case LEAF_HEADS:
        write_heads(writer, &leaf->heads);
        break;
    case LEAF_KEY:
        write_key(writer, &leaf->key);
        break;
    case LEAF_OUTCOME:
        write_outcome(writer, &leaf->outcome);
        break;
    }
}

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Every text of ours is what the other parser makes of it, escaped once more. */
static void compare_text(const json_t *object, const char *name, struct slice text)
{
    const json_t *value = json_object_get(object, name);
    if (text.n == 0) {
        require(json_is_null(value));
        return;
    }
    uint8_t block[8 * LEAF_BYTES_MAX];
    struct writer writer = writer_over(block, sizeof block);
    require(json_is_string(value));
    write_json_string(&writer, slice_of(json_string_value(value), json_string_length(value)));
    require(writer.n == text.n + 2 && memcmp(block + 1, text.p, text.n) == 0);
}

static void compare_json(struct slice bytes, const struct leaf *leaf)
{
    /* jansson has no NUL in the names of members. */
    if (memmem(bytes.p, bytes.n, "\\u0000", 6))
        return;
    json_t *object = json_loadb((const char *)bytes.p, bytes.n, JSON_REJECT_DUPLICATES, NULL);
    require(json_is_object(object));
    compare_text(object, "kind", leaf_kind_name(leaf->kind));
    if (leaf_kind_has_subject(leaf->kind)) {
        compare_text(object, "tag", leaf->tag);
        compare_text(object, "basis", leaf->basis);
        compare_text(object, "body", leaf->body);
    }
    if (leaf_kind_is_flow(leaf->kind)) {
        compare_text(object, "partner", leaf->partner);
        compare_text(object, "app", leaf->app);
        compare_text(object, "route", leaf->route);
        compare_text(object, "purpose", leaf->purpose);
        compare_text(object, "benefit", leaf->benefit);
        compare_text(object, "reason", leaf->reason);
        require(json_array_size(json_object_get(object, "situation")) == leaf->n_situations);
        require(json_object_size(json_object_get(object, "data")) == leaf->n_classes);
    }
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    struct leaf leaf;
    if (leaf_parse(bytes, &leaf) != SL_OK)
        return 0;
    uint8_t again[LEAF_BYTES_MAX];
    struct writer writer = writer_over(again, sizeof again);
    write_str(&writer, "{\"sluis\":1");
    if (leaf_kind_has_subject(leaf.kind)) {
        write_member(&writer, "tag", leaf.tag);
        write_member(&writer, "basis", leaf.basis);
        write_member(&writer, "body", leaf.body);
    }
    write_member(&writer, "kind", leaf_kind_name(leaf.kind));
    write_str(&writer, ",\"time\":\"");
    write_timestamp_ms(&writer, leaf.time_ms);
    write_str(&writer, "\"");
    write_rest(&writer, &leaf);
    require(!writer.overflow && slice_equals(writer_slice(&writer), bytes));
    compare_json(bytes, &leaf);
    return 0;
}
