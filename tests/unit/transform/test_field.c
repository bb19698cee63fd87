/* What becomes of a value: scalars, subjects, times, positions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

static const struct named_field value[] = {{"$.v", FIELD_VALUE, 0}, {"$.s", FIELD_STRUCTURE, 0}};
static const struct named_field subject[] = {{"$.u", FIELD_SUBJECT, 0}, {"$.v", FIELD_VALUE, 0}};
static const struct named_field time_field[] = {{"$.t", FIELD_TIME, 0}};
static const struct named_field point[] = {
    {"$.lat", FIELD_LATITUDE, 0}, {"$.lon", FIELD_LONGITUDE, 0}, {"$.v", FIELD_VALUE, 1}};

static void a_kept_value_leaves_as_the_bytes_that_came_in(void **state)
{
    (void)state;
    FIXTURE(fixture, value);
    static const char *const answers[] = {
        "{\"v\":1.10}",
        "{\"v\":1e400}",
        "{\"v\":-0}",
        "{\"v\":\"\\u0061\\/\u00e9\"}",
        "{\"v\":123456789012345678901234567890}",
        "{\"v\":null,\"s\":true}",
        "{\"s\":\"Feature\",\"v\":false}",
    };
    for (size_t i = 0; i < SL_LENGTH(answers); i++)
        expect_output(&fixture, answers[i], answers[i]);
    fixture_end(&fixture);
}

static void a_container_is_not_a_value(void **state)
{
    (void)state;
    FIXTURE(fixture, value);
    expect_output(&fixture, "{\"v\":{\"secret\":1},\"s\":[\"secret\"]}", "{}");
    expect_output(&fixture, "{\"v\":[],\"s\":1}", "{\"s\":1}");
    fixture_end(&fixture);
}

static void the_subject_becomes_the_pseudonym(void **state)
{
    (void)state;
    FIXTURE(fixture, subject);
    expect_output(&fixture, "{\"u\":\"lotte\"}", "{\"u\":\"p_7Qx\"}");
    expect_output(&fixture, "{\"u\":\"l\\u006ftte\",\"v\":1}", "{\"u\":\"p_7Qx\",\"v\":1}");
    fixture.reduction.user = slice_of_str("4711");
    expect_output(&fixture, "{\"u\":4711}", "{\"u\":\"p_7Qx\"}");
    expect_output(&fixture, "{\"u\":\"4711\"}", "{\"u\":\"p_7Qx\"}");
    fixture.reduction.user = slice_of_str("j\u00f6rg \"x\"\n");
    expect_output(&fixture, "{\"u\":\"j\u00f6rg \\\"x\\\"\\n\"}", "{\"u\":\"p_7Qx\"}");
    expect_output(&fixture, "{\"u\":\"j\\u00F6rg \\u0022x\\\"\\u000a\"}", "{\"u\":\"p_7Qx\"}");
    fixture_end(&fixture);
}

static void another_subject_is_refused(void **state)
{
    (void)state;
    FIXTURE(fixture, subject);
    static const char *const others[] = {
        "\"Lotte\"",
        "\"lott\"",
        "\"lottee\"",
        "\"lotte\\u0000\"",
        "\" lotte\"",
        "\"\"",
        "null",
        "true",
        "false",
        "{}",
        "[]",
        "[\"lotte\"]",
        "{\"u\":\"lotte\"}",
        "0",
        "4711",
        "\"l\u043ette\"",
    };
    for (size_t i = 0; i < SL_LENGTH(others); i++) {
        char answer[64];
        snprintf(answer, sizeof answer, "{\"v\":1,\"u\":%s}", others[i]);
        expect_fault_at(&fixture, answer, FILTER_SUBJECT, 11);
    }
    static const char *const other_numbers[] = {"4711.0", "47110e-1",   "4.711e3",  "-4711",
                                                "47110",  "\"4711.0\"", "\"04711\""};
    fixture.reduction.user = slice_of_str("4711");
    for (size_t i = 0; i < SL_LENGTH(other_numbers); i++) {
        char answer[64];
        snprintf(answer, sizeof answer, "{\"u\":%s}", other_numbers[i]);
        expect_fault(&fixture, answer, FILTER_SUBJECT);
    }
    /* A number with a point is no integer, whatever the user is called. */
    fixture.reduction.user = slice_of_str("1.5");
    expect_fault(&fixture, "{\"u\":1.5}", FILTER_SUBJECT);
    expect_output(&fixture, "{\"u\":\"1.5\"}", "{\"u\":\"p_7Qx\"}");
    fixture_end(&fixture);
}

static void an_answer_without_the_subject_is_not_refused_for_it(void **state)
{
    (void)state;
    FIXTURE(fixture, subject);
    expect_output(&fixture, "{\"v\":1}", "{\"v\":1}");
    fixture_end(&fixture);
}

static void a_time_is_cut_to_the_start_of_its_bucket(void **state)
{
    (void)state;
    FIXTURE(fixture, time_field);
    fixture.reduction.time_s = 900;
    expect_output(&fixture, "{\"t\":\"2026-11-23T08:14:59.999Z\"}",
                  "{\"t\":\"2026-11-23T08:00:00Z\"}");
    expect_output(&fixture, "{\"t\":\"2026-11-23T08:15:00Z\"}", "{\"t\":\"2026-11-23T08:15:00Z\"}");
    expect_output(&fixture, "{\"t\":\"2026-11-23T00:05:00+01:00\"}",
                  "{\"t\":\"2026-11-22T23:00:00Z\"}");
    expect_output(&fixture, "{\"t\":\"2026-11-23T08:14:59\\u005a\"}",
                  "{\"t\":\"2026-11-23T08:00:00Z\"}");
    expect_output(&fixture, "{\"t\":1700000099}", "{\"t\":1699999200}");
    expect_output(&fixture, "{\"t\":1700000099.75}", "{\"t\":1699999200}");
    expect_output(&fixture, "{\"t\":1700000099123}", "{\"t\":1699999200000}");
    expect_output(&fixture, "{\"t\":0}", "{\"t\":0}");
    expect_output(&fixture, "{\"t\":-1}", "{\"t\":-900}");
    expect_output(&fixture, "{\"t\":-0.5}", "{\"t\":-900}");
    expect_output(&fixture, "{\"t\":null}", "{\"t\":null}");
    fixture.reduction.time_s = 86400;
    expect_output(&fixture, "{\"t\":\"1969-12-31T23:59:59Z\"}", "{\"t\":\"1969-12-31T00:00:00Z\"}");
    fixture_end(&fixture);
}

static void seconds_end_and_milliseconds_begin_at_ten_to_the_eleventh(void **state)
{
    (void)state;
    FIXTURE(fixture, time_field);
    fixture.reduction.time_s = 3600;
    expect_output(&fixture, "{\"t\":99999999999}", "{\"t\":99999997200}");
    expect_output(&fixture, "{\"t\":100000000000}", "{\"t\":99997200000}");
    expect_output(&fixture, "{\"t\":-62135596799}", "{\"t\":-62135596800}");
    fixture_end(&fixture);
}

static void a_time_that_need_not_be_cut_leaves_byte_for_byte(void **state)
{
    (void)state;
    FIXTURE(fixture, time_field);
    static const char *const answers[] = {
        "{\"t\":\"2026-11-23T08:14:59.123456789+05:30\"}",
        "{\"t\":1700000099.5000}",
        "{\"t\":1700000099123}",
        "{\"t\":-5}",
        "{\"t\":null}",
        "{\"t\":253402300799999}",
    };
    for (size_t i = 0; i < SL_LENGTH(answers); i++)
        expect_output(&fixture, answers[i], answers[i]);
    fixture_end(&fixture);
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    FIXTURE(fixture, time_field);
    static const char *const wrong[] = {
        "\"\"",
        "\"yesterday\"",
        "\"2026-11-23\"",
        "\"2026-11-23T08:14:59\"",
        "\"2026-02-29T08:14:59Z\"",
        "\"2026-11-23 08:14:59Z\"",
        "\"1700000000\"",
        "true",
        "false",
        "{}",
        "[1700000000]",
        "1.7e9",
        "1E400",
        "253402300800000",
        "99999999999999999999",
        "-99999999999999",
        "-62135596801",
        "\"0001-01-01T00:00:00+23:59\"",
        "\"9999-12-31T23:59:59-23:59\"",
    };
    for (uint32_t time_s = 0; time_s <= 900; time_s += 900)
        for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
            char answer[128];
            snprintf(answer, sizeof answer, "{\"t\":%s}", wrong[i]);
            fixture.reduction.time_s = time_s;
            expect_fault_at(&fixture, answer, FILTER_TIME, 5);
        }
    fixture_end(&fixture);
}

static void a_bucket_before_the_year_one_is_refused(void **state)
{
    (void)state;
    FIXTURE(fixture, time_field);
    fixture.reduction.time_s = 31 * 86400;
    expect_fault(&fixture, "{\"t\":\"0001-01-01T00:00:00Z\"}", FILTER_TIME);
    fixture_end(&fixture);
}

/* At 5 km near Amsterdam: see test_coarsen.c for the grid itself. */
static void both_halves_of_a_position_snap_in_either_order(void **state)
{
    (void)state;
    FIXTURE(fixture, point);
    fixture.reduction.classes[0].coarseness.by[COARSE_PRECISION] = 5000;
    static const char lat[] = "52.349246";
    static const char lon[] = "4.929491";
    char expected[128];
    filter_begin(fixture.filter, fixture.trie, &fixture.reduction);
    snprintf(expected, sizeof expected, "{\"lat\":%s,\"lon\":%s}", lat, lon);
    expect_output(&fixture, "{\"lat\":52.370216,\"lon\":4.895168}", expected);
    snprintf(expected, sizeof expected, "{\"lon\":%s,\"lat\":%s}", lon, lat);
    expect_output(&fixture, "{\"lon\":4.895168,\"lat\":52.370216}", expected);
    snprintf(expected, sizeof expected, "{\"lat\":%s,\"v\":\"between\",\"lon\":%s}", lat, lon);
    expect_output(&fixture, "{\"lat\":52.37,\"v\":\"between\",\"x\":{},\"lon\":4.895168000}",
                  expected);
    snprintf(expected, sizeof expected, "{\"v\":0,\"lon\":%s,\"lat\":%s}", lon, lat);
    expect_output(&fixture, "{\"v\":0,\"lon\":48.95168e-1,\"lat\":0.52370216E+2}", expected);
    fixture_end(&fixture);
}

static void a_geojson_point_snaps_longitude_first(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$.points[*][0]", FIELD_LONGITUDE, 0},
                                                {"$.points[*][1]", FIELD_LATITUDE, 0}};
    FIXTURE(fixture, fields);
    fixture.reduction.classes[0].coarseness.by[COARSE_PRECISION] = 5000;
    expect_output(&fixture, "{\"points\":[[4.895168,52.370216,12],[4.895168,52.370216],[]]}",
                  "{\"points\":[[4.929491,52.349246],[4.929491,52.349246],[]]}");
    fixture_end(&fixture);
}

static void positions_snap_inside_positions_that_are_half_read(void **state)
{
    (void)state;
    static const struct named_field fields[] = {
        {"$.lat", FIELD_LATITUDE, 0},
        {"$.lon", FIELD_LONGITUDE, 0},
        {"$.via[*].lat", FIELD_LATITUDE, 0},
        {"$.via[*].lon", FIELD_LONGITUDE, 0},
    };
    FIXTURE(fixture, fields);
    fixture.reduction.classes[0].coarseness.by[COARSE_PRECISION] = 5000;
    expect_output(&fixture,
                  "{\"lon\":4.895168,\"via\":[{\"lat\":0.01,\"lon\":0.01},{\"lon\":-170,"
                  "\"lat\":-45}],\"lat\":52.370216}",
                  "{\"lon\":4.929491,\"via\":[{\"lat\":0.022613,\"lon\":0},{\"lon\":"
                  "-169.994706,\"lat\":-44.977387}],\"lat\":52.349246}");
    fixture_end(&fixture);
}

static void a_position_that_need_not_snap_leaves_byte_for_byte(void **state)
{
    (void)state;
    FIXTURE(fixture, point);
    expect_output(&fixture, "{\"lat\":52.3700,\"lon\":-0}", "{\"lat\":52.3700,\"lon\":-0}");
    expect_output(&fixture, "{\"lon\":180,\"lat\":-90.0}", "{\"lon\":180,\"lat\":-90.0}");
    fixture_end(&fixture);
}

static void a_position_without_values_stays_null(void **state)
{
    (void)state;
    FIXTURE(fixture, point);
    for (uint32_t precision_m = 0; precision_m <= 5000; precision_m += 5000) {
        fixture.reduction.classes[0].coarseness.by[COARSE_PRECISION] = precision_m;
        expect_output(&fixture, "{\"lat\":null,\"lon\":null}", "{\"lat\":null,\"lon\":null}");
        expect_output(&fixture, "{\"lon\":null,\"v\":1,\"lat\":null}",
                      "{\"lon\":null,\"v\":1,\"lat\":null}");
        expect_output(&fixture, "{\"v\":1}", "{\"v\":1}");
    }
    fixture_end(&fixture);
}

static void what_is_no_position_is_refused(void **state)
{
    (void)state;
    FIXTURE(fixture, point);
    static const char *const wrong[] = {
        "{\"lat\":1}",
        "{\"lon\":1}",
        "{\"lat\":null}",
        "{\"lat\":1,\"lon\":null}",
        "{\"lat\":null,\"lon\":1}",
        "{\"lat\":\"1\",\"lon\":1}",
        "{\"lat\":1,\"lon\":\"1\"}",
        "{\"lat\":true,\"lon\":1}",
        "{\"lat\":[1],\"lon\":1}",
        "{\"lat\":1,\"lon\":{}}",
        "{\"lat\":90.0000001,\"lon\":1}",
        "{\"lat\":-90.1,\"lon\":1}",
        "{\"lat\":1,\"lon\":180.1}",
        "{\"lat\":1,\"lon\":-180.0000001}",
        "{\"lat\":1e400,\"lon\":1}",
        "{\"lat\":1,\"lon\":1e3}",
        "{\"lat\":52370216,\"lon\":4895168}",
        "{\"lat\":\"NaN\",\"lon\":1}",
    };
    for (uint32_t precision_m = 0; precision_m <= 5000; precision_m += 5000)
        for (size_t i = 0; i < SL_LENGTH(wrong); i++) {
            fixture.reduction.classes[0].coarseness.by[COARSE_PRECISION] = precision_m;
            expect_fault(&fixture, wrong[i], FILTER_POSITION);
        }
    fixture_end(&fixture);
}

static void a_dropped_position_need_not_be_one(void **state)
{
    (void)state;
    FIXTURE(fixture, point);
    fixture.reduction.classes[0].keep = false;
    expect_output(&fixture, "{\"lat\":\"x\",\"v\":1}", "{\"v\":1}");
    expect_output(&fixture, "{\"lon\":[999],\"v\":1}", "{\"v\":1}");
    fixture_end(&fixture);
}

static void many_positions_snap_in_an_output_that_grows(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$[*].p.a", FIELD_LATITUDE, 0},
                                                {"$[*].p.b", FIELD_LONGITUDE, 0}};
    FIXTURE(fixture, fields);
    fixture.reduction.classes[0].coarseness.by[COARSE_PRECISION] = 5000;
    struct text answer = {0};
    struct text output = {0};
    for (size_t i = 0; i < 2000; i++) {
        text_add(&answer, i == 0 ? "[" : ",");
        text_add(&output, i == 0 ? "[" : ",");
        text_add(&answer, "{\"p\":{\"b\":4.895168,\"a\":52.370216}}");
        text_add(&output, "{\"p\":{\"b\":4.929491,\"a\":52.349246}}");
    }
    text_add(&answer, "]");
    text_add(&output, "]");
    expect_output_bytes(&fixture, text_slice(&answer), text_slice(&output));
    free(answer.p);
    free(output.p);
    fixture_end(&fixture);
}

static const struct named_field amount[] = {{"$.n", FIELD_VALUE, 0}};

static void a_number_in_a_bucket_becomes_its_start_in_its_own_notation(void **state)
{
    (void)state;
    static const struct {
        uint32_t bucket;
        const char *in, *out;
    } cases[] = {
        {10000, "25", "20"},
        {10000, "20", "20"},
        {10000, "19.999999999999999999999", "10"},
        {10000, "-5", "-10"},
        {10000, "-10", "-10"},
        {10000, "-0.0", "0"},
        {10000, "2.5e1", "20"},
        {10000, "1e-400", "0"},
        {10000, "null", "null"},
        {10000, "\"25\"", "\"20\""},
        {10000, "\"-25.50\"", "\"-30\""},
        {500, "4.7", "4.5"},
        {100, "0.3", "0.3"},
        {100, "0.7", "0.7"},
        {100, "1.1", "1.1"},
        {1, "1.0005", "1"},
        {1, "1.0015", "1.001"},
        {1000000000, "999999.99", "0"},
        {1000000000, "-0.001", "-1000000"},
    };
    FIXTURE(fixture, amount);
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        char answer[128], output[128];
        fixture.reduction.classes[0].coarseness.by[COARSE_BUCKET] = cases[i].bucket;
        snprintf(answer, sizeof answer, "{\"n\":%s}", cases[i].in);
        snprintf(output, sizeof output, "{\"n\":%s}", cases[i].out);
        expect_output(&fixture, answer, output);
        expect_output(&fixture, output, output);
    }
    fixture_end(&fixture);
}

static void what_is_no_number_is_never_put_in_a_bucket(void **state)
{
    (void)state;
    static const char *const values[] = {
        "true",     "\"\"",   "\"25 euro\"", "\" 25\"", "\"25 \"", "\"+25\"",  "\"025\"",
        "\"25,5\"", "\"1e\"", "\".5\"",      "\"NaN\"", "1e16",    "\"1e16\"", "12345678901234567",
    };
    FIXTURE(fixture, amount);
    fixture.reduction.classes[0].coarseness.by[COARSE_BUCKET] = 10000;
    for (size_t i = 0; i < SL_LENGTH(values); i++) {
        char answer[128];
        snprintf(answer, sizeof answer, "{\"n\":%s}", values[i]);
        expect_fault(&fixture, answer, FILTER_NUMBER);
    }
    /* A container is no value; it is left out as ever. */
    expect_output(&fixture, "{\"n\":[25]}", "{}");
    fixture_end(&fixture);
}

static void a_redacted_text_is_valid_json_and_an_untouched_one_keeps_its_spelling(void **state)
{
    (void)state;
    FIXTURE(fixture, amount);
    fixture.reduction.classes[0].coarseness.by[COARSE_REDACT] = 1;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"\"Mail lotte@example.org\\n\\u0022now\\u0022\"", "\"Mail [contact]\\u000a\\\"now\\\"\""},
        {"\"l\\u006ftte\\u0040example.org\"", "\"[contact]\""},
        {"\"\\ud83d\\ude00 06-123\\u00345678\"", "\"\U0001F600 [number]\""},
        {"\"caf\\u00e9 \\/ \\\"x\\\"\"", "\"caf\\u00e9 \\/ \\\"x\\\"\""},
        {"\"\"", "\"\""},
        {"31612345678", "\"[number]\""},
        {"-3.5e10", "-3.5e10"},
        {"123456", "123456"},
        {"null", "null"},
        {"true", "true"},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        char answer[256], output[256];
        snprintf(answer, sizeof answer, "{\"n\":%s}", cases[i].in);
        snprintf(output, sizeof output, "{\"n\":%s}", cases[i].out);
        expect_output(&fixture, answer, output);
        expect_output(&fixture, output, output);
    }
    expect_output(&fixture, "{\"n\":[\"a@b\"]}", "{}");
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_value_leaves_as_the_bytes_that_came_in),
        cmocka_unit_test(a_container_is_not_a_value),
        cmocka_unit_test(the_subject_becomes_the_pseudonym),
        cmocka_unit_test(another_subject_is_refused),
        cmocka_unit_test(an_answer_without_the_subject_is_not_refused_for_it),
        cmocka_unit_test(a_time_is_cut_to_the_start_of_its_bucket),
        cmocka_unit_test(seconds_end_and_milliseconds_begin_at_ten_to_the_eleventh),
        cmocka_unit_test(a_time_that_need_not_be_cut_leaves_byte_for_byte),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_bucket_before_the_year_one_is_refused),
        cmocka_unit_test(both_halves_of_a_position_snap_in_either_order),
        cmocka_unit_test(a_geojson_point_snaps_longitude_first),
        cmocka_unit_test(positions_snap_inside_positions_that_are_half_read),
        cmocka_unit_test(a_position_that_need_not_snap_leaves_byte_for_byte),
        cmocka_unit_test(a_position_without_values_stays_null),
        cmocka_unit_test(what_is_no_position_is_refused),
        cmocka_unit_test(a_dropped_position_need_not_be_one),
        cmocka_unit_test(many_positions_snap_in_an_output_that_grows),
        cmocka_unit_test(a_number_in_a_bucket_becomes_its_start_in_its_own_notation),
        cmocka_unit_test(what_is_no_number_is_never_put_in_a_bucket),
        cmocka_unit_test(a_redacted_text_is_valid_json_and_an_untouched_one_keeps_its_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
