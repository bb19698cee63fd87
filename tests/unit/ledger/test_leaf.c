/*
 * test_leaf.c - drafting, completing and reading receipts
 */
#include "base/base64.h"
#include "base/timestamp.h"
#include "ledger/leaf.h"

#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char secret[32] = "an hmac key of 32 bytes, of test";
static const int64_t time_ms = 1795396800123;

static const struct leaf_class two_classes[] = {
    {SLICE_LITERAL("location"), {.kept = true, .coarseness = {{5000, 900}}}},
    {SLICE_LITERAL("location.speed"), {.kept = false}},
};

static const struct slice two_situations[] = {SLICE_LITERAL("driving"), SLICE_LITERAL("match_day")};

static struct leaf_flow a_flow(void)
{
    return (struct leaf_flow){
        .kind = LEAF_PULL,
        .time_ms = time_ms,
        .partner = SLICE_LITERAL("spotify"),
        .app = SLICE_LITERAL("waze"),
        .route = SLICE_LITERAL("waze-position"),
        .purpose = SLICE_LITERAL("recommendation"),
        .benefit = SLICE_LITERAL("Playlists \"that fit\" the drive"),
        .n_situations = SL_LENGTH(two_situations),
        .situations = two_situations,
        .released = true,
        .reason = SLICE_LITERAL("consented"),
        .n_classes = SL_LENGTH(two_classes),
        .classes = two_classes,
    };
}

static void complete(struct leaf_draft *draft, uint64_t n)
{
    struct hmac_key key;
    uint8_t basis[SHA256_BYTES], body[SHA256_BYTES];
    memset(basis, 0x5a, sizeof basis);
    memset(body, 0xa5, sizeof body);
    hmac_key_init(&key, slice_of(secret, sizeof secret));
    leaf_complete(draft, &key, n, basis, body);
}

static struct leaf_draft completed(const struct leaf_flow *flow)
{
    struct leaf_draft draft;
    assert_int_equal(leaf_draft_flow(flow, &draft), SL_OK);
    complete(&draft, 7);
    return draft;
}

static struct slice draft_slice(const struct leaf_draft *draft)
{
    return slice_of(draft->bytes, draft->n);
}

/* The same, computed by another library's HMAC from the text of the specification. */
static void expected_hmac(const char *label, uint64_t n, const char *field, uint8_t out[32])
{
    uint8_t message[64];
    struct writer writer = writer_over(message, sizeof message);
    unsigned length = 32;
    write_str(&writer, label);
    write_u8(&writer, 0);
    write_u64be(&writer, n);
    write_str(&writer, field);
    assert_non_null(HMAC(EVP_sha256(), secret, sizeof secret, message, writer.n, out, &length));
}

static void assert_text(struct slice found, const char *expected)
{
    if (!slice_equals_str(found, expected))
        fail_msg("found \"%.*s\", expected \"%s\"", SLICE_PRINTF(found), expected);
}

/* -------------------------------------------------------------------------------- drafting -- */

static void a_completed_release_is_one_line_in_the_fixed_order(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft = completed(&flow);
    uint8_t expected[LEAF_BYTES_MAX], hash[64];
    struct writer writer = writer_over(expected, sizeof expected);

    expected_hmac("tag", 7, "", hash);
    write_str(&writer, "{\"sluis\":1,\"tag\":\"");
    write_base64url(&writer, slice_of(hash, 16));
    expected_hmac("salt", 7, "basis", hash);
    memset(hash + 32, 0x5a, 32);
    SHA256(hash, sizeof hash, hash);
    write_str(&writer, "\",\"basis\":\"");
    write_base64url(&writer, slice_of(hash, 32));
    expected_hmac("salt", 7, "body", hash);
    memset(hash + 32, 0xa5, 32);
    SHA256(hash, sizeof hash, hash);
    write_str(&writer, "\",\"body\":\"");
    write_base64url(&writer, slice_of(hash, 32));
    write_str(&writer, "\",\"kind\":\"pull\",\"time\":\"");
    write_timestamp_ms(&writer, time_ms);
    write_str(&writer, "\",\"partner\":\"spotify\",\"app\":\"waze\",\"route\":\"waze-position\","
                       "\"purpose\":\"recommendation\","
                       "\"benefit\":\"Playlists \\\"that fit\\\" the drive\","
                       "\"situation\":[\"driving\",\"match_day\"],"
                       "\"decision\":\"release\",\"reason\":\"consented\","
                       "\"data\":{\"location\":\"5000m 900s\",\"location.speed\":\"dropped\"}}");
    assert_int_equal(draft.n, writer.n);
    assert_memory_equal(draft.bytes, expected, writer.n);
}

static void a_refusal_has_no_body_and_null_for_what_is_empty(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    struct leaf leaf;
    flow.released = false;
    flow.purpose = flow.benefit = slice_of(NULL, 0);
    flow.n_classes = flow.n_situations = 0;
    struct leaf_draft draft = completed(&flow);
    assert_false(draft.has_body);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.body.n, 0);
    assert_int_equal(leaf.purpose.n, 0);
    assert_int_equal(leaf.benefit.n, 0);
    assert_false(leaf.released);
    assert_text(leaf.decision, "refuse");
    assert_int_equal(leaf.n_classes, 0);
    assert_int_equal(leaf.n_situations, 0);
}

static void a_parsed_leaf_holds_what_was_drafted(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft = completed(&flow);
    struct leaf leaf;
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.tag.n, 22);
    assert_int_equal(leaf.basis.n, 43);
    assert_int_equal(leaf.body.n, 43);
    assert_int_equal(leaf.kind, LEAF_PULL);
    assert_int_equal(leaf.time_ms, time_ms);
    assert_text(leaf.partner, "spotify");
    assert_text(leaf.app, "waze");
    assert_text(leaf.route, "waze-position");
    assert_text(leaf.purpose, "recommendation");
    assert_text(leaf.benefit, "Playlists \\\"that fit\\\" the drive");
    assert_int_equal(leaf.n_situations, 2);
    assert_text(leaf.situations[0], "driving");
    assert_text(leaf.situations[1], "match_day");
    assert_true(leaf.released);
    assert_text(leaf.reason, "consented");
    assert_int_equal(leaf.n_classes, 2);
    assert_text(leaf.classes[0].name, "location");
    assert_text(leaf.classes[0].done, "5000m 900s");
    assert_text(leaf.classes[1].done, "dropped");
}

static void a_policy_change_is_a_leaf_of_its_own_kind(void **state)
{
    (void)state;
    const struct leaf_policy policy = {time_ms, 1, 0, UINT32_MAX, 4, 10};
    struct leaf_draft draft;
    struct leaf leaf;
    assert_int_equal(leaf_draft_policy(&policy, &draft), SL_OK);
    complete(&draft, 0);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.kind, LEAF_POLICY);
    assert_int_equal(leaf.time_ms, time_ms);
    assert_int_equal(leaf.body.n, 0);
    assert_int_equal(leaf.decision.n, 0);
    assert_memory_equal(&leaf.policy, &policy, sizeof policy);
}

static void a_push_is_a_flow_of_a_kind_of_its_own(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    flow.kind = LEAF_PUSH;
    struct leaf_draft draft = completed(&flow);
    struct leaf leaf;
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.kind, LEAF_PUSH);
    assert_true(leaf_kind_is_flow(leaf.kind));
    assert_text(leaf.partner, "spotify");
    assert_int_equal(leaf.n_classes, 2);
}

static void an_outcome_names_its_push_and_how_it_ended(void **state)
{
    (void)state;
    static const struct leaf_outcome outcomes[] = {
        {time_ms, 17, DELIVERY_DELIVERED, 200},      {time_ms, 0, DELIVERY_DELIVERED, 299},
        {time_ms, INT64_MAX, DELIVERY_REFUSED, 503}, {time_ms, 1, DELIVERY_REFUSED, 999},
        {time_ms, 1, DELIVERY_UNREACHABLE, 0},       {time_ms, 1, DELIVERY_UNKNOWN, 0},
    };
    for (size_t i = 0; i < SL_LENGTH(outcomes); i++) {
        struct leaf_draft draft;
        struct leaf leaf;
        assert_int_equal(leaf_draft_outcome(&outcomes[i], &draft), SL_OK);
        assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_EMALFORMED);
        complete(&draft, 3);
        assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
        assert_int_equal(leaf.kind, LEAF_OUTCOME);
        assert_false(leaf_kind_is_flow(leaf.kind));
        assert_int_equal(leaf.body.n, 0);
        assert_memory_equal(&leaf.outcome, &outcomes[i], sizeof leaf.outcome);
    }
}

static void an_outcome_whose_status_says_otherwise_is_malformed(void **state)
{
    (void)state;
    static const struct leaf_outcome outcomes[] = {
        {time_ms, 1, DELIVERY_DELIVERED, 0},   {time_ms, 1, DELIVERY_DELIVERED, 199},
        {time_ms, 1, DELIVERY_DELIVERED, 300}, {time_ms, 1, DELIVERY_REFUSED, 0},
        {time_ms, 1, DELIVERY_REFUSED, 200},   {time_ms, 1, DELIVERY_REFUSED, 1000},
        {time_ms, 1, DELIVERY_REFUSED, 99},    {time_ms, 1, DELIVERY_UNREACHABLE, 502},
        {time_ms, 1, DELIVERY_UNKNOWN, 200},   {time_ms, (uint64_t)INT64_MAX + 1, 0, 200},
    };
    for (size_t i = 0; i < SL_LENGTH(outcomes); i++) {
        struct leaf_draft draft;
        struct leaf leaf;
        assert_int_equal(leaf_draft_outcome(&outcomes[i], &draft), SL_OK);
        complete(&draft, 3);
        assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_EMALFORMED);
    }
}

static void an_erasure_is_its_subjects_last_receipt_and_says_no_more(void **state)
{
    (void)state;
    struct leaf_draft draft;
    struct leaf leaf;
    assert_int_equal(leaf_draft_erasure(time_ms, &draft), SL_OK);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_EMALFORMED);
    complete(&draft, 3);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.kind, LEAF_ERASURE);
    assert_int_equal(leaf.time_ms, time_ms);
    assert_int_equal(leaf.tag.n, 22);
    assert_int_equal(leaf.body.n, 0);
}

static void receipts_of_the_node_are_nobodys(void **state)
{
    (void)state;
    struct leaf_draft draft;
    struct leaf leaf;
    struct leaf_heads heads = {time_ms, 7, 100, INT64_MAX, 12, {0}};
    memset(heads.root, 0x5c, sizeof heads.root);
    int64_t found_ms = 0;
    assert_int_equal(leaf_draft_heads(&heads, &draft), SL_OK);
    assert_false(draft.has_subject);
    assert_int_equal(leaf_draft_time_ms(&draft, &found_ms), SL_OK);
    assert_int_equal(found_ms, time_ms);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.kind, LEAF_HEADS);
    assert_int_equal(leaf.tag.n, 0);
    assert_memory_equal(&leaf.heads, &heads, sizeof heads);

    const struct leaf_key key = {time_ms, SLICE_LITERAL("a/1+00000000+AQ=="),
                                 SLICE_LITERAL("a/1+ffffffff+AQ==")};
    assert_int_equal(leaf_draft_key(&key, &draft), SL_OK);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.kind, LEAF_KEY);
    assert_text(leaf.key.old_vkey, "a/1+00000000+AQ==");
    assert_text(leaf.key.new_vkey, "a/1+ffffffff+AQ==");
}

static void a_key_that_needs_escapes_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\"b", "a\\b", "a b", "a\nb", "caf\xc3\xa9", ""};
    struct leaf_draft draft;
    for (size_t i = 0; i < SL_LENGTH(bad); i++) {
        struct leaf_key key = {time_ms, slice_of_str(bad[i]), SLICE_LITERAL("x")};
        assert_int_equal(leaf_draft_key(&key, &draft), SL_EMALFORMED);
        key = (struct leaf_key){time_ms, SLICE_LITERAL("x"), slice_of_str(bad[i])};
        assert_int_equal(leaf_draft_key(&key, &draft), SL_EMALFORMED);
    }
}

static void a_kind_has_a_tag_or_none_but_never_either(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"sluis\":1,\"kind\":\"erasure\",\"time\":\"2026-11-23T02:00:00.000Z\"}",
        "{\"sluis\":1,\"tag\":\"eGAA7xhqtxZkRPgpYzeeXg\",\"basis\":"
        "\"O08Q7QwGFx2UNrRalOSsK8Ud5yy4EyvR47X-LgBAsSA\",\"body\":null,\"kind\":\"key\","
        "\"time\":\"2026-11-23T02:00:00.000Z\",\"old\":\"a\",\"new\":\"b\"}",
        "{\"sluis\":1,\"kind\":\"other\",\"time\":\"2026-11-23T02:00:00.000Z\"}",
    };
    struct leaf leaf;
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_int_equal(leaf_parse(slice_of_str(bad[i]), &leaf), SL_EMALFORMED);
}

static void each_way_of_coarsening_has_its_word(void **state)
{
    (void)state;
    static const struct leaf_class classes[] = {
        {SLICE_LITERAL("a"), {.kept = true}},
        {SLICE_LITERAL("b"), {.kept = true, .coarseness = {{1, 0}}}},
        {SLICE_LITERAL("c"), {.kept = true, .coarseness = {{0, 60}}}},
        {SLICE_LITERAL("d"), {.kept = true, .coarseness = {{UINT32_MAX, UINT32_MAX}}}},
        {SLICE_LITERAL("e"), {.coarseness = {{5, 60}}}},
    };
    static const char *const words[] = {"kept", "1m", "60s", "4294967295m 4294967295s", "dropped"};
    struct leaf_flow flow = a_flow();
    struct leaf leaf;
    flow.classes = classes;
    flow.n_classes = SL_LENGTH(classes);
    struct leaf_draft draft = completed(&flow);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    for (size_t i = 0; i < SL_LENGTH(words); i++)
        assert_text(leaf.classes[i].done, words[i]);
}

static void a_draft_that_was_not_completed_is_not_a_receipt(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft;
    struct leaf leaf;
    assert_int_equal(leaf_draft_flow(&flow, &draft), SL_OK);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_EMALFORMED);
}

static void tags_differ_by_number_and_by_key(void **state)
{
    (void)state;
    struct hmac_key a, b;
    uint8_t first[LEAF_TAG_BYTES], second[LEAF_TAG_BYTES], other[LEAF_TAG_BYTES];
    hmac_key_init(&a, slice_of(secret, sizeof secret));
    hmac_key_init(&b, slice_of(secret, sizeof secret - 1));
    leaf_tag(&a, 0, first);
    leaf_tag(&a, 1, second);
    leaf_tag(&b, 0, other);
    assert_memory_not_equal(first, second, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
}

static void a_drafts_time_can_be_read_before_it_is_complete(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    const struct leaf_policy policy = {.time_ms = -62135596800000}; /* year 1 */
    struct leaf_draft draft;
    int64_t found_ms = 0;
    for (int released = 0; released < 2; released++) {
        flow.released = released == 1;
        assert_int_equal(leaf_draft_flow(&flow, &draft), SL_OK);
        assert_int_equal(leaf_draft_time_ms(&draft, &found_ms), SL_OK);
        assert_int_equal(found_ms, time_ms);
    }
    assert_int_equal(leaf_draft_policy(&policy, &draft), SL_OK);
    assert_int_equal(leaf_draft_time_ms(&draft, &found_ms), SL_OK);
    assert_int_equal(found_ms, policy.time_ms);
    draft.n = 120;
    assert_int_equal(leaf_draft_time_ms(&draft, &found_ms), SL_EMALFORMED);
    draft.n = 10;
    assert_int_equal(leaf_draft_time_ms(&draft, &found_ms), SL_EMALFORMED);
}

/* ---------------------------------------------------------------------------------- limits -- */

static void a_receipt_has_at_most_receipt_bytes(void **state)
{
    (void)state;
    char benefit[LEAF_BYTES_MAX];
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft, untouched;
    struct leaf leaf;
    memset(benefit, 'x', sizeof benefit);
    flow.benefit = slice_of(benefit, 1);
    size_t n_more = LEAF_BYTES_MAX - completed(&flow).n;
    flow.benefit.n += n_more;
    draft = completed(&flow);
    assert_int_equal(draft.n, LEAF_BYTES_MAX);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);

    flow.benefit.n++;
    memset(&draft, 0x11, sizeof draft);
    memset(&untouched, 0x11, sizeof untouched);
    assert_int_equal(leaf_draft_flow(&flow, &draft), SL_ELIMIT);
    assert_memory_equal(&draft, &untouched, sizeof draft);

    uint8_t too_long[LEAF_BYTES_MAX + 1] = {0};
    assert_int_equal(leaf_parse(slice_of(too_long, sizeof too_long), &leaf), SL_ELIMIT);
}

static void a_receipt_names_at_most_route_classes(void **state)
{
    (void)state;
    struct leaf_class classes[LIMIT_MAX_route_classes + 1];
    char names[LIMIT_MAX_route_classes + 1][2];
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft;
    struct leaf leaf;
    for (size_t i = 0; i < SL_LENGTH(classes); i++) {
        names[i][0] = 'c';
        names[i][1] = (char)('a' + i);
        classes[i] = (struct leaf_class){slice_of(names[i], 2), {.kept = true}};
    }
    flow.classes = classes;
    flow.n_classes = LIMIT_MAX_route_classes;
    draft = completed(&flow);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.n_classes, LIMIT_MAX_route_classes);

    flow.n_classes++;
    assert_int_equal(leaf_draft_flow(&flow, &draft), SL_ELIMIT);
    /* The same by hand: one more class before the two closing braces. */
    static const char one_more[] = ",\"cz\":\"kept\"}}";
    memcpy(draft.bytes + draft.n - 2, one_more, sizeof one_more - 1);
    draft.n = (uint16_t)(draft.n - 2 + sizeof one_more - 1);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_EMALFORMED);
}

static void a_receipt_names_at_most_so_many_situations_as_can_be_known(void **state)
{
    (void)state;
    struct slice situations[LEAF_SITUATIONS_MAX + 1];
    char names[LEAF_SITUATIONS_MAX + 1][2];
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft;
    struct leaf leaf;
    for (size_t i = 0; i < SL_LENGTH(situations); i++) {
        names[i][0] = 's';
        names[i][1] = (char)('a' + i);
        situations[i] = slice_of(names[i], 2);
    }
    flow.situations = situations;
    flow.n_situations = LEAF_SITUATIONS_MAX;
    draft = completed(&flow);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_int_equal(leaf.n_situations, LEAF_SITUATIONS_MAX);
    assert_text(leaf.situations[LEAF_SITUATIONS_MAX - 1], "sp");

    flow.n_situations++;
    assert_int_equal(leaf_draft_flow(&flow, &draft), SL_ELIMIT);
}

/* ------------------------------------------------------------------------------ strictness -- */

static void assert_refused(struct slice bytes)
{
    struct leaf leaf, untouched;
    memset(&leaf, 0x11, sizeof leaf);
    memset(&untouched, 0x11, sizeof untouched);
    if (leaf_parse(bytes, &leaf) == SL_OK)
        fail_msg("accepted: %.*s", SLICE_PRINTF(bytes));
    assert_memory_equal(&leaf, &untouched, sizeof leaf);
}

static void nothing_can_be_left_out_or_added(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft = completed(&flow);
    uint8_t changed[LEAF_BYTES_MAX];
    for (size_t n = 0; n < draft.n; n++)
        assert_refused(slice_of(draft.bytes, n));
    for (size_t at = 0; at <= draft.n; at++) {
        /* A blank before each mark, and at both ends. */
        memcpy(changed, draft.bytes, at);
        changed[at] = ' ';
        memcpy(changed + at + 1, draft.bytes + at, draft.n - at);
        if (at == 0 || at == draft.n || strchr("{}[],:", draft.bytes[at]))
            assert_refused(slice_of(changed, (size_t)draft.n + 1));
    }
}

/* Replaces the first `from` in a sound leaf by `to`. */
static void assert_replaced_is_refused(const char *from, const char *to)
{
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft = completed(&flow);
    uint8_t changed[2 * LEAF_BYTES_MAX];
    const uint8_t *at = memmem(draft.bytes, draft.n, from, strlen(from));
    assert_non_null(at);
    struct writer writer = writer_over(changed, sizeof changed);
    write_bytes(&writer, slice_of(draft.bytes, (size_t)(at - draft.bytes)));
    write_str(&writer, to);
    at += strlen(from);
    write_bytes(&writer, slice_of(at, (size_t)(draft.bytes + draft.n - at)));
    assert_refused(writer_slice(&writer));
}

static void what_could_be_written_in_two_ways_is_accepted_in_one(void **state)
{
    (void)state;
    static const char *const replaced[][2] = {
        {"\"sluis\":1", "\"sluis\":2"},
        {"\"sluis\":1", "\"sluis\":01"},
        {"waze-position", "waze\\u002dposition"}, /* needless escape */
        {"waze-position", "waze\\/position"},     /* another needless one */
        {"waze-position", "waze\\u001Fposition"}, /* upper-case hexadecimal */
        {"waze-position", "waze\\nposition"},     /* the short form */
        {"waze-position", "waze\x01position"},    /* a raw control */
        {"waze-position", "waze\x7fposition"},
        {"waze-position", "waze\xc0\x80position"}, /* not UTF-8 */
        {"waze-position", "waze\xed\xa0\x80position"},
        {"waze-position", "waze\\ud800position"},
        {"\"waze-position\"", "\"\""}, /* null is the way to say it */
        {"\"waze-position\"", "NULL"},
        {"\"waze-position\"", "17"},
        {"[\"driving\",\"match_day\"]", "[]"}, /* null is the way to say it */
        {"[\"driving\",\"match_day\"]", "\"driving\""},
        {"[\"driving\",\"match_day\"]", "[\"match_day\",\"driving\"]"},
        {"[\"driving\",\"match_day\"]", "[\"driving\",\"driving\"]"},
        {"[\"driving\",\"match_day\"]", "[\"driving\",\"drivin\"]"},
        {"[\"driving\",\"match_day\"]", "[\"driving\",null]"},
        {"[\"driving\",\"match_day\"]", "[\"driving\",\"match\\\\day\"]"},
        {"[\"driving\",\"match_day\"]", "[\"\"]"},
        {"[\"driving\",\"match_day\"]", "[\"driving\",\"match_day\",]"},
        {"\"situation\":[\"driving\",\"match_day\"],", ""},
        {"\"decision\":\"release\"", "\"decision\":\"refuse\""}, /* but there is a body */
        {"\"decision\":\"release\"", "\"decision\":\"Release\""},
        {"\"reason\":\"consented\"", "\"reason\":null"},
        {"\"reason\":\"consented\"", "\"reason\":\"\""},
        {"\"kind\":\"pull\"", "\"kind\":\"puff\""},
        {"\"kind\":\"pull\"", "\"kind\":\"policy\""},
        {"2026-11-23T", "2026-11-23t"},
        {"2026-11-23T", "2026-11-31T"},
        {".123Z", ".12Z"},
        {".123Z", "+00:00"},
        {"5000m 900s", "05000m 900s"},
        {"5000m 900s", "5000m  900s"},
        {"5000m 900s", "5000m900s"},
        {"5000m 900s", "900s 5000m"},
        {"5000m 900s", "5000m "},
        {"5000m 900s", "0m 900s"},
        {"5000m 900s", "4294967296m"},
        {"5000m 900s", "5km"},
        {"5000m 900s", "Kept"},
        {"\"location.speed\"", "\"location\""}, /* named twice */
        {"\"dropped\"}}", "\"dropped\"}}\n"},
        {"\"dropped\"}}", "\"dropped\"},\"more\":1}"},
        {"\"data\":{", "\"data\":{,"},
    };
    for (size_t i = 0; i < SL_LENGTH(replaced); i++)
        assert_replaced_is_refused(replaced[i][0], replaced[i][1]);
}

static void tags_and_commitments_have_one_base64_text(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    struct leaf_draft draft = completed(&flow);
    /* The last character of 22 has four unused bits, that of 43 two. */
    static const size_t last_at[] = {18 + 21, 51 + 42, 104 + 42};
    for (size_t i = 0; i < SL_LENGTH(last_at); i++) {
        uint8_t kept = draft.bytes[last_at[i]];
        draft.bytes[last_at[i]] = '_';
        assert_refused(draft_slice(&draft));
        draft.bytes[last_at[i]] = '+';
        assert_refused(draft_slice(&draft));
        draft.bytes[last_at[i]] = kept;
    }
    struct leaf leaf;
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
}

static void texts_with_controls_and_every_script_come_back(void **state)
{
    (void)state;
    struct leaf_flow flow = a_flow();
    struct leaf leaf;
    flow.benefit = slice_of_str("\x01\x1f\x7f\"\\/ \xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x97");
    struct leaf_draft draft = completed(&flow);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_text(leaf.benefit, "\\u0001\\u001f\\u007f\\\"\\\\/ \xc3\xa9 \xe2\x82\xac "
                              "\xf0\x9f\x9a\x97");
    flow.benefit = slice_of_str("bad \xff byte");
    draft = completed(&flow);
    assert_int_equal(leaf_parse(draft_slice(&draft), &leaf), SL_OK);
    assert_text(leaf.benefit, "bad \xef\xbf\xbd byte");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_completed_release_is_one_line_in_the_fixed_order),
        cmocka_unit_test(a_refusal_has_no_body_and_null_for_what_is_empty),
        cmocka_unit_test(a_parsed_leaf_holds_what_was_drafted),
        cmocka_unit_test(a_policy_change_is_a_leaf_of_its_own_kind),
        cmocka_unit_test(a_push_is_a_flow_of_a_kind_of_its_own),
        cmocka_unit_test(an_outcome_names_its_push_and_how_it_ended),
        cmocka_unit_test(an_outcome_whose_status_says_otherwise_is_malformed),
        cmocka_unit_test(an_erasure_is_its_subjects_last_receipt_and_says_no_more),
        cmocka_unit_test(receipts_of_the_node_are_nobodys),
        cmocka_unit_test(a_key_that_needs_escapes_is_refused),
        cmocka_unit_test(a_kind_has_a_tag_or_none_but_never_either),
        cmocka_unit_test(each_way_of_coarsening_has_its_word),
        cmocka_unit_test(a_draft_that_was_not_completed_is_not_a_receipt),
        cmocka_unit_test(tags_differ_by_number_and_by_key),
        cmocka_unit_test(a_drafts_time_can_be_read_before_it_is_complete),
        cmocka_unit_test(a_receipt_has_at_most_receipt_bytes),
        cmocka_unit_test(a_receipt_names_at_most_route_classes),
        cmocka_unit_test(a_receipt_names_at_most_so_many_situations_as_can_be_known),
        cmocka_unit_test(nothing_can_be_left_out_or_added),
        cmocka_unit_test(what_could_be_written_in_two_ways_is_accepted_in_one),
        cmocka_unit_test(tags_and_commitments_have_one_base64_text),
        cmocka_unit_test(texts_with_controls_and_every_script_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
