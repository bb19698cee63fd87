/* What was done to a class: which of two is coarser, and one text for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/coarseness.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void a_larger_number_is_coarser_but_for_what_is_left_of_a_list(void **state)
{
    (void)state;
    for (int i = 0; i < N_COARSE; i++) {
        const enum coarse_dimension dimension = (enum coarse_dimension)i;
        const bool is_top = dimension == COARSE_TOP;
        assert_true(coarse_is_finer(dimension, 0, 1));
        assert_false(coarse_is_finer(dimension, 1, 0));
        assert_false(coarse_is_finer(dimension, 0, 0));
        assert_false(coarse_is_finer(dimension, 7, 7));
        assert_int_equal(coarse_is_finer(dimension, 3, 5), !is_top);
        assert_int_equal(coarse_is_finer(dimension, 5, 3), is_top);
    }
}

static void of_two_each_dimension_is_the_coarser_one(void **state)
{
    (void)state;
    const struct coarseness a = {{5000, 0, 500, 10000, 5, 0}};
    const struct coarseness b = {{200, 900, 0, 20000, 3, 1}};
    const struct coarseness both = {{5000, 900, 500, 20000, 3, 1}};
    assert_true(coarseness_equals(coarseness_coarser(a, b), both));
    assert_true(coarseness_equals(coarseness_coarser(b, a), both));
    assert_true(coarseness_equals(coarseness_coarser(both, a), both));
    const struct coarseness none = {0};
    assert_true(coarseness_equals(coarseness_coarser(a, none), a));
    assert_true(coarseness_equals(coarseness_coarser(none, a), a));
    assert_true(coarseness_is_none(none));
    for (int i = 0; i < N_COARSE; i++) {
        struct coarseness one = {0};
        one.by[i] = 1;
        assert_false(coarseness_is_none(one));
        assert_false(coarseness_equals(one, none));
    }
}

static void expect_text(struct coarse_done done, const char *expected)
{
    char block[128];
    struct writer writer = writer_over(block, sizeof block);
    write_coarse_done(&writer, &done);
    assert_true(slice_equals_str(writer_slice(&writer), expected));
    struct coarse_done back = {0};
    assert_true(coarse_done_parse(writer_slice(&writer), &back));
    assert_int_equal(back.kept, done.kept);
    assert_true(coarseness_equals(back.coarseness, done.coarseness));
}

static void what_was_done_has_one_text_and_reads_back(void **state)
{
    (void)state;
    expect_text((struct coarse_done){0}, "dropped");
    expect_text((struct coarse_done){.kept = true}, "kept");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{5000, 900}}}, "5000m 900s");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{[COARSE_TIME] = 900}}}, "900s");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{200, 0, 500}}}, "200m cut500m");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{[COARSE_BUCKET] = 10000}}},
                "by10");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{[COARSE_BUCKET] = 500}}},
                "by0.5");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{[COARSE_BUCKET] = 1}}},
                "by0.001");
    expect_text((struct coarse_done){.kept = true, .group = 20}, "group20");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{5000, 900}}, .group = 2},
                "5000m 900s group2");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{[COARSE_TOP] = 5}}}, "top5");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{[COARSE_REDACT] = 1}}},
                "redacted");
    expect_text((struct coarse_done){.kept = true, .coarseness = {{1, 2, 3, 4, 5, 1}}},
                "1m 2s cut3m by0.004 top5 redacted");
    expect_text((struct coarse_done){.kept = true,
                                     .coarseness = {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
                                                     UINT32_MAX}}},
                "4294967295m 4294967295s cut4294967295m by4294967.295 top4294967295");
}

static void any_other_text_is_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "Kept",
        "kept ",
        " kept",
        "kept dropped",
        "0m",
        "05m",
        "5 m",
        "5",
        "m",
        "5km",
        "4294967296m",
        "-5m",
        "900s 5000m",
        "5000m  9s",
        "5000m,9s",
        "5000m 5000m",
        "cutm",
        "cut0m",
        "cut5",
        "cut5m 5m",
        "by",
        "by0",
        "by10.0",
        "by.5",
        "by0.0005",
        "by1.",
        "by01",
        "by4294967.296",
        "by1e3",
        "top0",
        "top05",
        "top",
        "top5m",
        "redacted1",
        "redacted redacted",
        "redacted top5",
        "top5 by10",
        "5000m ",
        "5000m\n",
        "kept 5000m",
        "dropped 5000m",
        "5000m kept",
    };
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        struct coarse_done done = {.kept = true, .coarseness = {{77}}};
        if (coarse_done_parse(slice_of_str(texts[i]), &done))
            fail_msg("\"%s\" was taken", texts[i]);
        assert_int_equal(done.coarseness.by[0], 77);
    }
    struct coarse_done done;
    assert_false(coarse_done_parse(slice_of("5m\0", 3), &done));
}

static void random_texts_that_parse_are_written_back_the_same(void **state)
{
    (void)state;
    static const char *const parts[] = {"5",  "0",  "12",  "m",    "s",   " ",        "cut", "by",
                                        "0.", ".5", "top", "kept", "9m ", "redacted", "30s"};
    const unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    size_t n_taken = 0;
    for (int i = 0; i < 200000; i++) {
        char text[128] = "";
        for (int k = rand() % 6; k >= 0; k--)
            strcat(text, parts[rand() % (int)SL_LENGTH(parts)]);
        struct coarse_done done;
        if (!coarse_done_parse(slice_of_str(text), &done))
            continue;
        n_taken++;
        char block[128];
        struct writer writer = writer_over(block, sizeof block);
        write_coarse_done(&writer, &done);
        assert_true(slice_equals_str(writer_slice(&writer), text));
    }
    assert_true(n_taken > 1000);
}

static void thousandths_are_written_without_trailing_zeros(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {1, "0.001"},
                 {10, "0.01"},
                 {100, "0.1"},
                 {1000, "1"},
                 {-1, "-0.001"},
                 {-2500, "-2.5"},
                 {123456, "123.456"},
                 {-10000, "-10"},
                 {120, "0.12"},
                 {1000000000000000000, "1000000000000000"},
                 {INT64_MIN, "-9223372036854775.808"}};
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        char block[32];
        struct writer writer = writer_over(block, sizeof block);
        write_thousandths(&writer, cases[i].value);
        assert_true(slice_equals_str(writer_slice(&writer), cases[i].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_larger_number_is_coarser_but_for_what_is_left_of_a_list),
        cmocka_unit_test(of_two_each_dimension_is_the_coarser_one),
        cmocka_unit_test(what_was_done_has_one_text_and_reads_back),
        cmocka_unit_test(any_other_text_is_none),
        cmocka_unit_test(random_texts_that_parse_are_written_back_the_same),
        cmocka_unit_test(thousandths_are_written_without_trailing_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
