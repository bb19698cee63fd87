/*
 * test_compile.c - the blob: what is written, what is checked before it may be read
 */
#include "help.h"

#include <stdlib.h>

#include "policy/blob.h"

static uint8_t block[POLICY_BLOB_BYTES_MAX + 64];

static struct slice compile(const char *yaml)
{
    struct policy_document *policy = load(yaml);
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    policy_free(policy);
    return writer_slice(&writer);
}

#define FULL                                                                                       \
    HEAD                                                                                           \
        "consents:\n"                                                                              \
        "  - id: drive\n    app: waze\n    partner: spotify\n    purpose: recommendation\n"        \
        "    data: {location: {precision: 5km, time: 15min}, listening.track: {detail: artist}}\n" \
        "    in_return: Music\n    situation: [driving]\n"                                         \
        "    when: {days: [mon-fri], hours: \"06:00-20:00\"}\n"                                    \
        "    from: 2026-11-01\n    until: 2027-05-01\n    at_most: 24 per day\n"                   \
        "refuse:\n  - {data: [location], partner: spotify, when: {hours: \"22:00-06:00\"}}\n"      \
        "  - {}\n"

static void blob_holds_what_the_format_says(void **state)
{
    (void)state;
    struct slice blob = compile(FULL);
    assert_memory_equal(blob.p, "sluispol\2\0\0\0", 12);
    assert_int_equal(blob_u32(blob, 12), blob.n);
    assert_int_equal(blob_u16(blob, 16), 1);
    assert_int_equal(blob_u16(blob, 18), 2);
    const size_t at = 32;
    assert_int_equal(blob_u32(blob, at), code("recommendation"));
    assert_true(slice_equals_str(blob_text(blob, at + 4, at + 20), "drive"));
    assert_true(slice_equals_str(blob_text(blob, at + 8, at + 21), "waze"));
    assert_true(slice_equals_str(blob_text(blob, at + 12, at + 22), "spotify"));
    assert_true(slice_equals_str(blob_text(blob, at + 16, at + 23), "Music"));
    assert_int_equal(blob_i64(blob, at + 24), instant("2026-10-31T23:00:00Z"));
    assert_int_equal(blob_i64(blob, at + 32), instant("2027-04-30T22:00:00Z"));
    assert_int_equal(blob_u16(blob, at + 40), 3); /* location, listening.artist and .genre */
    assert_int_equal(blob_u16(blob, at + 42), 1);
    assert_int_equal(blob_u32(blob, blob_u32(blob, at + 48)), code("driving"));
    assert_int_equal(blob.p[at + 52], 1);
    assert_int_equal(blob.p[at + 53], 0x1f);
    assert_int_equal(blob_u16(blob, at + 54), 360);
    assert_int_equal(blob_u16(blob, at + 56), 1200);
    assert_int_equal(blob_u32(blob, at + 60), 24);
    assert_int_equal(blob_u32(blob, at + 64), 86400);
    const size_t refusal = 32 + 72;
    assert_int_equal(blob_u32(blob, refusal), 0);
    assert_int_equal(blob.p[refusal + 12], 0);
    assert_true(slice_equals_str(blob_text(blob, refusal + 8, refusal + 13), "spotify"));
    assert_int_equal(blob_u16(blob, refusal + 14), 6); /* location and the five below it */
    assert_int_equal(blob_u16(blob, refusal + 32 + 14), 0);
    assert_int_equal(policy_blob_n_consents(blob), 1);
    assert_true(slice_equals_str(policy_blob_consent_id(blob, 0), "drive"));
}

static void consent_without_limits_is_open_on_both_ends(void **state)
{
    (void)state;
    struct slice blob = compile("sluis: 1\nsubject: a\nconsents:\n  - {id: a, app: b, partner: c, "
                                "purpose: sales, data: {location: {}}}\n");
    assert_int_equal(blob_i64(blob, 32 + 24), INT64_MIN);
    assert_int_equal(blob_i64(blob, 32 + 32), INT64_MAX);
    assert_int_equal(blob.p[32 + 52], 0);
    assert_int_equal(blob_u32(blob, 32 + 60), 0);
}

static void blob_does_not_depend_on_where_it_lies(void **state)
{
    (void)state;
    struct slice blob = compile(FULL);
    uint8_t *copy = malloc(blob.n + 1);
    memcpy(copy + 1, blob.p, blob.n); /* not aligned to anything */
    struct slice moved = slice_of(copy + 1, blob.n);
    assert_true(policy_blob_is_valid(moved));
    assert_true(slice_equals_str(policy_blob_consent_id(moved, 0), "drive"));
    struct policy_document *policy = load(FULL);
    memset(block, 0xaa, sizeof block);
    struct writer writer = writer_over(block, sizeof block);
    write_str(&writer, "before");
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    assert_memory_equal(block, "before", 6);
    assert_true(slice_equals(slice_of(block + 6, writer.n - 6), moved));
    policy_free(policy);
    free(copy);
}

static void compiling_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    static uint8_t first[POLICY_BLOB_BYTES_MAX];
    struct slice blob = compile(FULL);
    memcpy(first, blob.p, blob.n);
    memset(block, 0xff, sizeof block);
    struct slice again = compile(FULL);
    assert_true(slice_equals(again, slice_of(first, blob.n)));
}

static void empty_blob_is_that_of_an_empty_policy(void **state)
{
    (void)state;
    struct slice blob = compile("sluis: 1\nsubject: nobody\n");
    assert_true(policy_blob_is_valid(policy_blob_empty()));
    assert_true(slice_equals(blob, policy_blob_empty()));
}

static void too_little_room_is_a_limit_and_writes_nothing(void **state)
{
    (void)state;
    struct policy_document *policy = load(FULL);
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    const size_t needed = writer.n;
    writer = writer_over(block, needed);
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    for (size_t cap = 0; cap < needed; cap += 7) {
        writer = writer_over(block, cap);
        yaml_problems_deinit(&problems);
        assert_int_equal(policy_compile(policy, &problems, &writer), SL_ELIMIT);
        assert_int_equal(writer.n, 0);
        assert_int_equal(problems.n_errors, 1);
    }
    yaml_problems_deinit(&problems);
    policy_free(policy);
}

static void largest_policy_fits(void **state)
{
    (void)state;
    static char text[LIMIT_MAX_policy_bytes + 1];
    struct writer writer = writer_over(text, sizeof text - 1);
    write_str(&writer, HEAD "consents:\n");
    /* As many consents that each grant every class as the text has room for. */
    for (size_t i = 0, n_one = 0; i < 64 && writer.n + n_one < sizeof text - 1; i++) {
        n_one = writer.n;
        write_str(&writer, "- {id: i");
        write_decimal(&writer, i);
        write_str(&writer, ", app: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, partner: "
                           "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, purpose: sales, data: {");
        for (size_t c = 0; c < vocabulary_n_classes(vocabulary); c++) {
            write_bytes(&writer, vocabulary_class_at(vocabulary, c)->term.name);
            write_str(&writer, ": {},");
        }
        write_str(&writer, "}}\n");
        n_one = writer.n - n_one;
    }
    assert_false(writer.overflow);
    struct slice blob = compile(text);
    assert_true(blob.n > 30000);
    assert_true(policy_blob_is_valid(blob));
}

/* Every byte of the fixed part, changed to each of a few values: still valid, or refused. */
static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    struct slice blob = compile(FULL);
    uint32_t classes[] = {code("location"), code("listening.artist")};
    struct facts facts = {.time_ms = instant("2026-11-03T10:00:00Z"),
                          .partner = slice_of_str("spotify"),
                          .app = slice_of_str("waze"),
                          .purpose = code("recommendation"),
                          .n_classes = 2,
                          .classes = classes};
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t n_refused = 0;
    uint8_t *copy = malloc(blob.n);
    for (size_t i = 0; i < blob.n; i++) {
        for (size_t k = 0; k < SL_LENGTH(values); k++) {
            memcpy(copy, blob.p, blob.n);
            copy[i] = values[k];
            struct slice damaged = slice_of(copy, blob.n);
            if (!policy_blob_is_valid(damaged)) {
                n_refused++;
                continue;
            }
            struct decision decision;
            decide(damaged, &facts, &decision);
        }
    }
    assert_true(n_refused > 200);
    for (size_t cut = 0; cut < blob.n; cut++)
        assert_false(policy_blob_is_valid(slice_of(blob.p, cut)));
    free(copy);
}

static void each_field_is_checked(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t value;
    } damages[] = {
        {0, 'S'},       {8, 1},          {12, 0},        {16, 65},         {18, 65},
        {28, 1},        {32 + 20, 0},    {32 + 20, 33},  {32 + 21, 0},     {32 + 22, 33},
        {32 + 23, 121}, {32 + 7, 0xff},  {32 + 43, 1},   {32 + 42, 9},     {32 + 52, 2},
        {32 + 53, 0},   {32 + 53, 0x80}, {32 + 55, 6},   {32 + 57, 6},     {32 + 58, 1},
        {32 + 60, 0},   {32 + 68, 1},    {104 + 12, 33}, {104 + 19, 0xff}, {104 + 26, 1},
        {104 + 31, 1},  {23, 0xff},      {24, 39},
    };
    struct slice blob = compile(FULL);
    assert_true(policy_blob_is_valid(blob));
    for (size_t i = 0; i < SL_LENGTH(damages); i++) {
        uint8_t was = block[damages[i].at];
        block[damages[i].at] = damages[i].value;
        if (policy_blob_is_valid(blob))
            fail_msg("byte %zu may be %u", damages[i].at, damages[i].value);
        block[damages[i].at] = was;
    }
    assert_true(policy_blob_is_valid(blob));
    memset(block + 32, 0, 4); /* no purpose */
    assert_false(policy_blob_is_valid(blob));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blob_holds_what_the_format_says),
        cmocka_unit_test(consent_without_limits_is_open_on_both_ends),
        cmocka_unit_test(blob_does_not_depend_on_where_it_lies),
        cmocka_unit_test(compiling_twice_gives_the_same_bytes),
        cmocka_unit_test(empty_blob_is_that_of_an_empty_policy),
        cmocka_unit_test(too_little_room_is_a_limit_and_writes_nothing),
        cmocka_unit_test(largest_policy_fits),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(each_field_is_checked),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
