/*
 * test_withdraw.c - taking one consent out of a policy's text, and nothing else
 *
 * POLICIES_FOLDER comes from meson.build.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "flow/withdraw.h"
#include "policy/policy.h"
#include "policy/vocabulary_default.h"

static const char two[] = "sluis: 1\n"
                          "subject: lotte\n"
                          "consents:\n"
                          "  # to work\n"
                          "  - id: drive\n"
                          "    app: waze\n"
                          "    data:\n"
                          "      location: {precision: 5km}\n"
                          "  - id: taste   # at home\n"
                          "    app: spotify\n"
                          "refuse:\n"
                          "  - data: [location]\n";

static enum withdraw_outcome withdraw(const char *yaml, const char *id, struct slice *out)
{
    static uint8_t block[4096];
    struct writer writer = writer_over(block, sizeof block);
    enum withdraw_outcome outcome = withdraw_consent(slice_of_str(yaml), slice_of_str(id), &writer);
    *out = writer_slice(&writer);
    return outcome;
}

static void assert_text(struct slice found, const char *expected)
{
    assert_int_equal(found.n, strlen(expected));
    assert_memory_equal(found.p, expected, found.n);
}

static void first_consent_goes_and_the_rest_stays_byte_for_byte(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw(two, "drive", &out), WITHDRAW_DONE);
    assert_text(out,
                "sluis: 1\nsubject: lotte\nconsents:\n  # to work\n"
                "  - id: taste   # at home\n    app: spotify\nrefuse:\n  - data: [location]\n");
}

static void last_in_the_list_goes_up_to_the_next_key(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw(two, "taste", &out), WITHDRAW_DONE);
    assert_text(out, "sluis: 1\nsubject: lotte\nconsents:\n  # to work\n  - id: drive\n"
                     "    app: waze\n    data:\n      location: {precision: 5km}\nrefuse:\n"
                     "  - data: [location]\n");
}

static void only_consent_leaves_an_empty_list(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw("sluis: 1\nconsents:\n- id: a\n  app: b\n", "a", &out),
                     WITHDRAW_DONE);
    assert_text(out, "sluis: 1\nconsents: []\n");
}

static void unknown_consent_is_said(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw(two, "driv", &out), WITHDRAW_NO_SUCH_CONSENT);
    assert_int_equal(withdraw("sluis: 1\n", "drive", &out), WITHDRAW_NO_SUCH_CONSENT);
    assert_int_equal(out.n, 0);
}

static void dash_may_stand_on_a_line_of_its_own(void **state)
{
    (void)state;
    static const char yaml[] = "consents:\n"
                               "  - # the drive\n"
                               "\n"
                               "    id: a\n"
                               "  -\n"
                               "    id: b\n"
                               "    data: {location: {}}\n"
                               "refuse: []\n";
    struct slice out;
    assert_int_equal(withdraw(yaml, "a", &out), WITHDRAW_DONE);
    assert_text(out, "consents:\n  -\n    id: b\n    data: {location: {}}\nrefuse: []\n");
    assert_int_equal(withdraw(yaml, "b", &out), WITHDRAW_DONE);
    assert_text(out, "consents:\n  - # the drive\n\n    id: a\nrefuse: []\n");
}

static void comments_outside_the_consent_stay_and_those_inside_go(void **state)
{
    (void)state;
    static const char yaml[] = "consents: # mine\n"
                               "# to work\n"
                               "- id: a\n"
                               "  # not the speed\n"
                               "  data: {location: {}}\n"
                               "  # nor the heading\n"
                               "\n"
                               "# at home\n"
                               "- id: b\n"
                               "  app: c\n"
                               "# nobody else\n"
                               "\n"
                               "refuse: []\n";
    struct slice out;
    assert_int_equal(withdraw(yaml, "a", &out), WITHDRAW_DONE);
    assert_text(out, "consents: # mine\n# to work\n\n# at home\n- id: b\n  app: c\n"
                     "# nobody else\n\nrefuse: []\n");
    assert_int_equal(withdraw(yaml, "b", &out), WITHDRAW_DONE);
    assert_text(out, "consents: # mine\n# to work\n- id: a\n  # not the speed\n"
                     "  data: {location: {}}\n  # nor the heading\n\n# at home\n# nobody else\n\n"
                     "refuse: []\n");
}

static void only_consent_takes_no_comment_with_it(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(
        withdraw("'consents' :   # mine\n  # a\n  - id: a\n  # b\n# end\n...\n# more", "a", &out),
        WITHDRAW_DONE);
    assert_text(out, "'consents' : []   # mine\n  # a\n  # b\n# end\n...\n# more");
}

static void text_over_several_lines_goes_whole(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw("consents:\n"
                              "- id: a\n"
                              "  data: {\n"
                              "location: {}\n"
                              "}\n"
                              "- id: b\n"
                              "  in_return: |\n"
                              "    two\n"
                              "    # no comment\n"
                              "- id: c\n"
                              "  in_return: \"on\n"
                              "# no comment\n"
                              "and on\"\n"
                              "# end\n",
                              "a", &out),
                     WITHDRAW_DONE);
    static char text[256];
    memcpy(text, out.p, out.n);
    assert_int_equal(withdraw(text, "b", &out), WITHDRAW_DONE);
    assert_text(out, "consents:\n- id: c\n  in_return: \"on\n# no comment\nand on\"\n# end\n");
    memcpy(text, out.p, out.n);
    text[out.n] = 0;
    assert_int_equal(withdraw(text, "c", &out), WITHDRAW_DONE);
    assert_text(out, "consents: []\n# end\n");
}

static void line_ends_of_other_systems_stay(void **state)
{
    (void)state;
    struct slice out;
    assert_int_equal(withdraw("consents:\r\n- id: a\r\n\r\n# b\r\n- id: b\r\n", "a", &out),
                     WITHDRAW_DONE);
    assert_text(out, "consents:\r\n\r\n# b\r\n- id: b\r\n");
    assert_int_equal(withdraw("consents:\r\n- id: a", "a", &out), WITHDRAW_DONE);
    assert_text(out, "consents: []\r\n");
}

static void consent_without_lines_of_its_own_is_left_to_the_hand(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "consents: [{id: a}, {id: b}]\n",
        "consents: [\n  {id: a},\n  {id: b}\n]\n",
        "{\n \"sluis\": 1,\n \"consents\": [\n  {\n   \"id\": \"a\"\n  }\n ]\n}\n",
        "? consents\n: - id: a\n  - id: b\n",
        "? consents\n:\n  - id: a\n",
        "consents:\n- id: a\n?\n  refuse\n:\n  - data: [location]\n",
        "consents: [",
    };
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        struct slice out;
        assert_int_equal(withdraw(texts[i], "a", &out), WITHDRAW_BY_HAND);
        assert_int_equal(out.n, 0);
    }
}

/* A carriage return alone and U+2028 end lines for the parser, and not for who cuts. */
static void lines_that_are_counted_otherwise_never_give_another_policy(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "# x\r# y\nconsents:\n- id: a\n- id: b\n- id: c\n",
        "# x\xe2\x80\xa8# y\nconsents:\n- id: a\n- id: b\n- id: c\n",
        "consents:\r- id: a\r- id: b\r",
    };
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        struct slice out;
        assert_int_equal(withdraw(texts[i], "b", &out), WITHDRAW_BY_HAND);
    }
}

static void what_stood_in_the_writer_stays(void **state)
{
    (void)state;
    char block[64];
    struct writer writer = writer_over(block, sizeof block);
    write_str(&writer, "before ");
    assert_int_equal(
        withdraw_consent(slice_of_str("consents: [{id: a}]"), slice_of_str("a"), &writer),
        WITHDRAW_BY_HAND);
    assert_int_equal(writer.n, 7);
    assert_int_equal(
        withdraw_consent(slice_of_str("consents:\n- id: a\n"), slice_of_str("a"), &writer),
        WITHDRAW_DONE);
    assert_text(writer_slice(&writer), "before consents: []\n");

    writer = writer_over(block, 8);
    assert_int_equal(
        withdraw_consent(slice_of_str("consents:\n- id: a\n"), slice_of_str("a"), &writer),
        WITHDRAW_DONE);
    assert_true(writer.overflow);
}

/* --- the examples ---------------------------------------------------------------------------- */

static struct vocabulary *vocabulary;

static struct policy_document *load(struct slice yaml)
{
    struct yaml_problems problems;
    yaml_problems_init(&problems, "policy");
    struct policy_document *policy = NULL;
    assert_int_equal(policy_load(yaml, vocabulary, &problems, &policy), SL_OK);
    yaml_problems_deinit(&problems);
    return policy;
}

/* `rest` is `whole` with one piece taken out, and perhaps " []" put in before it. */
static void assert_one_piece_less(struct slice whole, struct slice rest)
{
    size_t head = 0, tail = 0;
    while (head < rest.n && whole.p[head] == rest.p[head])
        head++;
    while (tail < rest.n - head && whole.p[whole.n - 1 - tail] == rest.p[rest.n - 1 - tail])
        tail++;
    size_t n_new = rest.n - head - tail;
    assert_true(n_new == 0 || (n_new >= 3 && memcmp(rest.p + head, " []", 3) == 0));
}

static void withdraw_each(struct slice yaml)
{
    SL_AUTO(policy_document) before = load(yaml);
    for (size_t i = 0; i < before->n_consents; i++) {
        static uint8_t block[65536];
        struct writer writer = writer_over(block, sizeof block);
        assert_int_equal(withdraw_consent(yaml, before->consents[i].id, &writer), WITHDRAW_DONE);
        assert_one_piece_less(yaml, writer_slice(&writer));

        SL_AUTO(policy_document) after = load(writer_slice(&writer));
        assert_int_equal(after->n_consents, before->n_consents - 1);
        for (size_t k = 0; k < after->n_consents; k++)
            assert_true(slice_equals(after->consents[k].id, before->consents[k + (k >= i)].id));
        assert_int_equal(after->n_refusals, before->n_refusals);
    }
}

static void each_consent_of_each_example_can_be_withdrawn_alone(void **state)
{
    (void)state;
    static const char *const names[] = {"lotte", "max", "noor", "sam"};
    for (size_t i = 0; i < SL_LENGTH(names); i++) {
        static char text[65536];
        char path[4096];
        snprintf(path, sizeof path, POLICIES_FOLDER "/examples/%s.yaml", names[i]);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t n = fread(text, 1, sizeof text, file);
        fclose(file);
        withdraw_each(slice_of(text, n));
        withdraw_each(slice_of(text, n - 1)); /* without its last line end */
    }
}

static int load_vocabulary(void **state)
{
    (void)state;
    struct yaml_problems problems;
    yaml_problems_init(&problems, "vocabulary");
    enum sl_err err = vocabulary_load(vocabulary_default_text(), &problems, &vocabulary);
    yaml_problems_deinit(&problems);
    return err == SL_OK ? 0 : -1;
}

static int free_vocabulary(void **state)
{
    (void)state;
    vocabulary_free(vocabulary);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_consent_goes_and_the_rest_stays_byte_for_byte),
        cmocka_unit_test(last_in_the_list_goes_up_to_the_next_key),
        cmocka_unit_test(only_consent_leaves_an_empty_list),
        cmocka_unit_test(unknown_consent_is_said),
        cmocka_unit_test(dash_may_stand_on_a_line_of_its_own),
        cmocka_unit_test(comments_outside_the_consent_stay_and_those_inside_go),
        cmocka_unit_test(only_consent_takes_no_comment_with_it),
        cmocka_unit_test(text_over_several_lines_goes_whole),
        cmocka_unit_test(line_ends_of_other_systems_stay),
        cmocka_unit_test(consent_without_lines_of_its_own_is_left_to_the_hand),
        cmocka_unit_test(lines_that_are_counted_otherwise_never_give_another_policy),
        cmocka_unit_test(what_stood_in_the_writer_stays),
        cmocka_unit_test(each_consent_of_each_example_can_be_withdrawn_alone),
    };
    return cmocka_run_group_tests(tests, load_vocabulary, free_vocabulary);
}
