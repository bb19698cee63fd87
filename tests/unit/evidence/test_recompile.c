/*
 * test_recompile.c - the same blob again, whatever this machine's tzdata says; and what differs
 */
#include "help.h"

#include "evidence/recompile.h"
#include "policy/policy.h"
#include "policy/timezone.h"
#include "policy/vocabulary_default.h"

#include <stdio.h>
#include <sys/stat.h>

#define POLICY(consents)                                                                           \
    "sluis: 1\nsubject: lotte\ntimezone: Europe/Amsterdam\nconsents:\n" consents
#define CONSENT(id, data)                                                                          \
    "  - id: " id "\n    app: waze\n    partner: spotify\n    purpose: recommendation\n"           \
    "    data: {" data "}\n    in_return: Playlists\n    when: {hours: \"06:00-20:00\"}\n"         \
    "    from: 2026-07-01\n"

static struct archive_vocabulary words;

static int set_up(void **state)
{
    (void)state;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "vocabulary");
    words.version = 1;
    enum sl_err err = vocabulary_load(vocabulary_default_text(), &problems, &words.vocabulary);
    yaml_problems_deinit(&problems);
    return err == SL_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    vocabulary_free(words.vocabulary);
    return 0;
}

/* As the gateway archives it; the blob is the caller's. */
static struct archive_version archived(const char *yaml, struct slice zone, uint8_t block[4096])
{
    struct yaml_problems problems;
    struct writer writer = writer_over(block, 4096);
    SL_AUTO(policy_document) policy = NULL;
    yaml_problems_init(&problems, "policy");
    assert_int_equal(
        policy_load_in_zone(slice_of_str(yaml), words.vocabulary, zone, &problems, &policy), SL_OK);
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    yaml_problems_deinit(&problems);
    return (struct archive_version){.version = 1,
                                    .is_kept = true,
                                    .vocabulary = &words,
                                    .yaml = slice_of_str(yaml),
                                    .blob = writer_slice(&writer)};
}

static const char one[] = POLICY(CONSENT("c1", "location: {precision: 5km}"));

static void the_same_texts_compile_to_the_same_blob(void **state)
{
    (void)state;
    uint8_t block[4096];
    struct archive_version version = archived(one, slice_of(NULL, 0), block);
    struct recompiled again;
    assert_int_equal(recompile(&version, &again), SL_OK);
    assert_int_equal(again.result, RECOMPILE_DONE);
    assert_int_equal(again.zone, RECOMPILE_ZONE_SAME);
    assert_true(slice_equals(again.blob, version.blob));
    recompiled_free(&again);
}

static void rules_that_this_machine_has_not_are_kept_and_its_own_are_beside_them(void **state)
{
    (void)state;
    uint8_t block[4096];
    struct archive_version version = archived(one, zone_utc(), block);
    struct recompiled again;
    assert_int_equal(recompile(&version, &again), SL_OK);
    assert_int_equal(again.result, RECOMPILE_DONE);
    assert_true(slice_equals(again.blob, version.blob));
    assert_int_equal(again.zone, RECOMPILE_ZONE_OTHER);
    assert_false(slice_equals(again.local_blob, version.blob));
    assert_false(slice_equals(policy_blob_zone(again.local_blob), zone_utc()));
    recompiled_free(&again);
}

static void a_zone_that_this_machine_does_not_know_is_told(void **state)
{
    (void)state;
    uint8_t block[4096];
    struct archive_version version = archived(one, slice_of(NULL, 0), block);
    struct recompiled again;
    timezone_set_folder("/nonexistent");
    assert_int_equal(recompile(&version, &again), SL_OK);
    timezone_set_folder(NULL);
    assert_int_equal(again.result, RECOMPILE_DONE);
    assert_int_equal(again.zone, RECOMPILE_ZONE_UNKNOWN);
    assert_true(slice_equals(again.blob, version.blob));
    recompiled_free(&again);
}

static void a_blob_that_is_damaged_is_compiled_anew(void **state)
{
    (void)state;
    uint8_t block[4096];
    struct archive_version version = archived(one, slice_of(NULL, 0), block);
    struct slice good = version.blob;
    struct recompiled again;
    version.blob = slice_of_str("nonsense");
    assert_int_equal(recompile(&version, &again), SL_OK);
    assert_int_equal(again.result, RECOMPILE_DONE);
    assert_true(slice_equals(again.blob, good));
    recompiled_free(&again);
}

static void what_does_not_compile_says_why(void **state)
{
    (void)state;
    struct recompiled again;
    struct archive_version version = {.is_kept = true,
                                      .vocabulary = &words,
                                      .yaml = slice_of_str("sluis: 2\n"),
                                      .blob = slice_of_str("x")};
    assert_int_equal(recompile(&version, &again), SL_OK);
    assert_int_equal(again.result, RECOMPILE_INVALID);
    assert_non_null(strstr(again.text, "line 1: "));
    recompiled_free(&again);
    version.vocabulary = NULL;
    assert_int_equal(recompile(&version, &again), SL_OK);
    assert_int_equal(again.result, RECOMPILE_NO_VOCABULARY);
    struct archive_vocabulary altered = words;
    altered.is_altered = true;
    version.vocabulary = &altered;
    assert_int_equal(recompile(&version, &again), SL_OK);
    assert_int_equal(again.result, RECOMPILE_NO_VOCABULARY);
}

static void changes_are_counted_as_the_gateway_counts_them(void **state)
{
    (void)state;
    static const char two[] = POLICY(CONSENT("c1", "location: {precision: 1km}")
                                         CONSENT("c2", "location.speed: {}")) "refuse:\n"
                                                                              "  - {}\n";
    uint8_t old_block[4096], new_block[4096];
    /* The gateway's tzdata changed in between: in one zone that is no change. */
    struct archive_version old = archived(two, zone_utc(), old_block);
    struct archive_version new = archived(one, slice_of(NULL, 0), new_block);
    struct recompiled again;
    struct policy_change change;
    assert_int_equal(recompile(&new, &again), SL_OK);
    assert_int_equal(recompile_compare(NULL, &again, &change), SL_OK);
    assert_int_equal(change.granted, 1);
    assert_int_equal(recompile_compare(&old, &again, &change), SL_OK);
    assert_int_equal(change.granted, 0);
    assert_int_equal(change.changed, 1);
    assert_int_equal(change.withdrawn, 1);
    assert_int_equal(change.refusals_removed, 1);
    assert_int_equal(recompile_compare(&new, &again, &change), SL_OK);
    assert_int_equal(change.changed + change.withdrawn + change.granted, 0);
    struct archive_version utc = archived(one, zone_utc(), old_block);
    assert_int_equal(recompile_compare(&utc, &again, &change), SL_OK);
    assert_int_equal(change.changed, 0);
    old.yaml = slice_of_str("no policy any more");
    assert_int_equal(recompile_compare(&old, &again, &change), SL_OK);
    assert_int_equal(change.granted, 1);
    recompiled_free(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_texts_compile_to_the_same_blob),
        cmocka_unit_test(rules_that_this_machine_has_not_are_kept_and_its_own_are_beside_them),
        cmocka_unit_test(a_zone_that_this_machine_does_not_know_is_told),
        cmocka_unit_test(a_blob_that_is_damaged_is_compiled_anew),
        cmocka_unit_test(what_does_not_compile_says_why),
        cmocka_unit_test(changes_are_counted_as_the_gateway_counts_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
