/*
 * The calendar against the C library's, and the text of instants.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/timestamp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void assert_written(int64_t time_ms, const char *text)
{
    char block[TIMESTAMP_BYTES];
    struct writer writer = writer_over(block, sizeof block);
    write_timestamp_ms(&writer, time_ms);
    assert_false(writer.overflow);
    assert_int_equal(writer.n, TIMESTAMP_BYTES);
    assert_memory_equal(block, text, TIMESTAMP_BYTES);
}

static void instants_are_written_with_milliseconds(void **state)
{
    (void)state;
    assert_written(0, "1970-01-01T00:00:00.000Z");
    assert_written(-1, "1969-12-31T23:59:59.999Z");
    assert_written(1795397094123, "2026-11-23T01:24:54.123Z");
    assert_written(951782400000, "2000-02-29T00:00:00.000Z");
    assert_written(-62135596800000, "0001-01-01T00:00:00.000Z");
    assert_written(253402300799999, "9999-12-31T23:59:59.999Z");
}

static void seconds_are_cut_off_not_rounded(void **state)
{
    (void)state;
    char block[TIMESTAMP_BYTES];
    struct writer writer = writer_over(block, sizeof block);
    write_timestamp_s(&writer, 1795397094999);
    assert_true(slice_equals_str(writer_slice(&writer), "2026-11-23T01:24:54Z"));
    writer = writer_over(block, sizeof block);
    write_timestamp_s(&writer, -1);
    assert_true(slice_equals_str(writer_slice(&writer), "1969-12-31T23:59:59Z"));
}

static void the_calendar_is_that_of_the_c_library(void **state)
{
    (void)state;
    unsigned seed = 20261123;
    for (int i = 0; i < 20000; i++) {
        int64_t days = (int64_t)rand_r(&seed) % 3652059 - 719162; /* 0001-01-01 to 9999-12-31 */
        time_t seconds = days * 86400;
        struct tm expected;
        assert_non_null(gmtime_r(&seconds, &expected));
        struct civil_date date = civil_from_days(days);
        assert_int_equal(date.year, expected.tm_year + 1900);
        assert_int_equal(date.month, expected.tm_mon + 1);
        assert_int_equal(date.day, expected.tm_mday);
        assert_int_equal(days_from_civil(date), days);
        assert_true(civil_date_is_valid(date));
    }
}

static void every_day_of_four_centuries_follows_the_day_before(void **state)
{
    (void)state;
    struct civil_date date = {1999, 12, 31};
    for (int64_t days = days_from_civil(date); days < days_from_civil(date) + 146097; days++)
        assert_int_equal(days_from_civil(civil_from_days(days)), days);
}

static void dates_that_do_not_exist_are_not_valid(void **state)
{
    (void)state;
    static const struct civil_date bad[] = {
        {2026, 2, 29}, {2100, 2, 29}, {1900, 2, 29}, {2026, 4, 31}, {2026, 0, 1}, {2026, 13, 1},
        {2026, 1, 0},  {2026, 1, 32}, {0, 1, 1},     {10000, 1, 1}, {-1, 1, 1},   {2026, 12, 255},
    };
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_false(civil_date_is_valid(bad[i]));
    assert_true(civil_date_is_valid((struct civil_date){2000, 2, 29}));
    assert_true(civil_date_is_valid((struct civil_date){2024, 2, 29}));
}

static int64_t parse(const char *text)
{
    int64_t time_ms = 0;
    assert_true(timestamp_parse(slice_of_str(text), &time_ms));
    return time_ms;
}

static void any_rfc_3339_date_time_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(parse("2026-11-23T01:24:54.123Z"), 1795397094123);
    assert_int_equal(parse("2026-11-23T01:24:54.1Z"), 1795397094100);
    assert_int_equal(parse("2026-11-23T01:24:54.123999999Z"), 1795397094123);
    assert_int_equal(parse("2026-11-23T02:24:54+01:00"), 1795397094000);
    assert_int_equal(parse("2026-11-22T19:54:54-05:30"), 1795397094000);
    assert_int_equal(parse("2026-11-23T01:24:54-00:00"), 1795397094000);
    assert_int_equal(parse("2016-12-31T23:59:60Z"), parse("2016-12-31T23:59:59Z"));
}

static void is_exact_if_it_comes_out_again(const char *text, size_t n)
{
    int64_t time_ms = -77, again_ms = -77;
    char block[TIMESTAMP_BYTES];
    struct writer writer = writer_over(block, sizeof block);
    bool is_the_text = timestamp_parse(slice_of(text, n), &time_ms);
    if (is_the_text) {
        write_timestamp_ms(&writer, time_ms);
        is_the_text = slice_equals(writer_slice(&writer), slice_of(text, n));
    }
    if (timestamp_parse_exact(slice_of(text, n), &again_ms) != is_the_text)
        fail_msg("%.*s", (int)n, text);
    assert_int_equal(again_ms, is_the_text ? time_ms : -77);
}

/* Every character of a few instants replaced by every other one. */
static void the_exact_text_is_the_one_that_is_written(void **state)
{
    (void)state;
    static const char *const instants[] = {
        "2026-11-23T01:24:54.123Z", "2000-02-29T23:59:59.999Z", "1900-02-28T00:00:00.000Z",
        "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2016-12-31T23:59:60.000Z",
    };
    for (size_t i = 0; i < SL_LENGTH(instants); i++) {
        for (size_t at = 0; at < TIMESTAMP_BYTES; at++)
            for (unsigned c = 0; c < 256; c++) {
                char text[TIMESTAMP_BYTES];
                memcpy(text, instants[i], sizeof text);
                text[at] = (char)c;
                is_exact_if_it_comes_out_again(text, sizeof text);
            }
        for (size_t n = 0; n < TIMESTAMP_BYTES; n++)
            is_exact_if_it_comes_out_again(instants[i], n);
    }
    static const char *const others[] = {"2026-11-23T01:24:54.1234Z", "2026-11-23T01:24:54+00:00",
                                         "2026-11-23T01:24:54Z"};
    for (size_t i = 0; i < SL_LENGTH(others); i++)
        is_exact_if_it_comes_out_again(others[i], strlen(others[i]));
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE_LITERAL(""),
        SLICE_LITERAL("2026-11-23"),
        SLICE_LITERAL("2026-11-23T01:24:54"),
        SLICE_LITERAL("2026-11-23 01:24:54Z"),
        SLICE_LITERAL("2026-11-23t01:24:54Z"),
        SLICE_LITERAL("2026-11-23T01:24:54z"),
        SLICE_LITERAL("2026-11-23T01:24Z"),
        SLICE_LITERAL("2026-11-23T1:24:54Z"),
        SLICE_LITERAL("2026-11-23T24:00:00Z"),
        SLICE_LITERAL("2026-11-23T01:60:54Z"),
        SLICE_LITERAL("2026-11-23T01:24:61Z"),
        SLICE_LITERAL("2026-11-31T01:24:54Z"),
        SLICE_LITERAL("2026-02-29T01:24:54Z"),
        SLICE_LITERAL("0000-01-01T00:00:00Z"),
        SLICE_LITERAL("2026-11-23T01:24:54.Z"),
        SLICE_LITERAL("2026-11-23T01:24:54.1234567890Z"),
        SLICE_LITERAL("2026-11-23T01:24:54,5Z"),
        SLICE_LITERAL("2026-11-23T01:24:54+1:00"),
        SLICE_LITERAL("2026-11-23T01:24:54+0100"),
        SLICE_LITERAL("2026-11-23T01:24:54+24:00"),
        SLICE_LITERAL("2026-11-23T01:24:54+01:60"),
        SLICE_LITERAL("2026-11-23T01:24:54Z "),
        SLICE_LITERAL(" 2026-11-23T01:24:54Z"),
        SLICE_LITERAL("2026-11-23T01:24:54Z\0"),
        SLICE_LITERAL("+026-11-23T01:24:54Z"),
        SLICE_LITERAL("2026-11-23T01:24:5\xd9\xa4Z"),
    };
    int64_t time_ms = 7;
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_false(timestamp_parse(bad[i], &time_ms));
    assert_int_equal(time_ms, 7);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    unsigned seed = 20261123;
    for (int i = 0; i < 5000; i++) {
        int64_t time_ms = ((int64_t)rand_r(&seed) * 100003 + rand_r(&seed)) - 60000000000000;
        char block[TIMESTAMP_BYTES];
        struct writer writer = writer_over(block, sizeof block);
        write_timestamp_ms(&writer, time_ms);
        int64_t back = 0;
        assert_true(timestamp_parse(writer_slice(&writer), &back));
        assert_int_equal(back, time_ms);
    }
}

static void dates_are_read_alone(void **state)
{
    (void)state;
    struct civil_date date = {0};
    assert_true(date_parse(slice_of_str("2026-11-23"), &date));
    assert_true(date.year == 2026 && date.month == 11 && date.day == 23);
    assert_false(date_parse(slice_of_str("2026-11-2"), &date));
    assert_false(date_parse(slice_of_str("2026-11-230"), &date));
    assert_false(date_parse(slice_of_str("2026-02-30"), &date));
    assert_false(date_parse(slice_of_str("26-11-23"), &date));
    assert_int_equal(date.day, 23);
}

static void the_clocks_tell_the_time_of_the_system(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_ms();
    assert_true(clock_monotonic_ms() >= before);
    assert_true(llabs((long long)clock_now_ms() / 1000 - (long long)time(NULL)) < 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instants_are_written_with_milliseconds),
        cmocka_unit_test(seconds_are_cut_off_not_rounded),
        cmocka_unit_test(the_calendar_is_that_of_the_c_library),
        cmocka_unit_test(every_day_of_four_centuries_follows_the_day_before),
        cmocka_unit_test(dates_that_do_not_exist_are_not_valid),
        cmocka_unit_test(any_rfc_3339_date_time_is_read),
        cmocka_unit_test(the_exact_text_is_the_one_that_is_written),
        cmocka_unit_test(everything_else_is_refused),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(dates_are_read_alone),
        cmocka_unit_test(the_clocks_tell_the_time_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
