/*
 * test_zone.c - local clocks, against known instants; the C library is asked in the model test
 */
#include "help.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/timezone.h"
#include "policy/zone.h"

static uint8_t bytes[ZONE_BYTES_MAX];

static struct slice zone_of(const char *name)
{
    struct writer writer = writer_over(bytes, sizeof bytes);
    assert_int_equal(timezone_read(slice_of_str(name), &writer), SL_OK);
    assert_true(zone_is_valid(writer_slice(&writer)));
    return writer_slice(&writer);
}

static void assert_local(struct slice zone, const char *utc, const char *local)
{
    assert_int_equal(zone_local_s(zone, instant(utc) / 1000), instant(local) / 1000);
}

static void amsterdam_goes_forth_and_back_at_one_utc(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    assert_local(zone, "2026-03-29T00:59:59Z", "2026-03-29T01:59:59Z");
    assert_local(zone, "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z");
    assert_local(zone, "2026-10-25T00:59:59Z", "2026-10-25T02:59:59Z");
    assert_local(zone, "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z");
    assert_local(zone, "2025-01-01T00:00:00Z", "2025-01-01T01:00:00Z");
    /* beyond any listed transition: the rule */
    assert_local(zone, "2099-07-01T12:00:00Z", "2099-07-01T14:00:00Z");
    assert_local(zone, "2099-12-01T12:00:00Z", "2099-12-01T13:00:00Z");
    assert_local(zone, "2100-03-28T01:00:00Z", "2100-03-28T03:00:00Z");
}

static void rules_south_of_the_equator_and_in_ireland_run_over_new_year(void **state)
{
    (void)state;
    struct slice zone = zone_of("Australia/Lord_Howe"); /* half an hour of daylight saving */
    assert_local(zone, "2099-01-01T00:00:00Z", "2099-01-01T11:00:00Z");
    assert_local(zone, "2099-07-01T00:00:00Z", "2099-07-01T10:30:00Z");
    zone = zone_of("Europe/Dublin"); /* "standard" time in summer */
    assert_local(zone, "2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    assert_local(zone, "2099-07-01T00:00:00Z", "2099-07-01T01:00:00Z");
}

static void zones_without_a_rule_keep_their_last_offset(void **state)
{
    (void)state;
    assert_local(zone_of("Asia/Kathmandu"), "2099-01-01T00:00:00Z", "2099-01-01T05:45:00Z");
    assert_local(zone_of("UTC"), "2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z");
    assert_true(slice_equals(zone_of("Etc/UTC"), zone_utc()));
    assert_local(zone_of("Africa/Casablanca"), "2026-02-20T12:00:00Z", "2026-02-20T12:00:00Z");
    assert_local(zone_of("Africa/Casablanca"), "2026-07-01T12:00:00Z", "2026-07-01T13:00:00Z");
}

static void day_starts_at_local_midnight_or_after_the_gap(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    assert_int_equal(zone_day_start_s(zone, (struct civil_date){2026, 11, 1}),
                     instant("2026-10-31T23:00:00Z") / 1000);
    assert_int_equal(zone_day_start_s(zone, (struct civil_date){2026, 7, 1}),
                     instant("2026-06-30T22:00:00Z") / 1000);
    assert_int_equal(zone_day_start_s(zone_of("Asia/Kathmandu"), (struct civil_date){2026, 1, 1}),
                     instant("2025-12-31T18:15:00Z") / 1000);
    /* Havana's clocks go from 00:00 to 01:00 on 2026-03-08, and from 01:00 to 00:00 on 11-01 */
    zone = zone_of("America/Havana");
    assert_int_equal(zone_day_start_s(zone, (struct civil_date){2026, 3, 8}),
                     instant("2026-03-08T05:00:00Z") / 1000);
    assert_local(zone, "2026-03-08T05:00:00Z", "2026-03-08T01:00:00Z");
    assert_int_equal(zone_day_start_s(zone, (struct civil_date){2026, 11, 1}),
                     instant("2026-11-01T04:00:00Z") / 1000);
    zone = zone_of("Pacific/Kiritimati");
    assert_int_equal(zone_day_start_s(zone, (struct civil_date){9999, 12, 31}),
                     instant("9999-12-30T10:00:00Z") / 1000);
    assert_int_equal(zone_day_start_s(zone_utc(), (struct civil_date){1, 1, 1}),
                     instant("0001-01-01T00:00:00Z") / 1000);
}

static void names_that_could_leave_the_folder_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "/etc/passwd",        "..",      "../../etc/passwd",
        "Europe/..", "Europe//Amsterdam",  "Europe/", ".hidden",
        "Europe/.x", "Europe/Amsterdam\n", "a b",     "-x",
        "5",         "Europe\\Amsterdam"};
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_false(timezone_name_is_valid(slice_of_str(bad[i])));
    assert_false(timezone_name_is_valid(slice_of("UTC\0", 4)));
    assert_true(timezone_name_is_valid(slice_of_str("America/Argentina/Buenos_Aires")));
    assert_true(timezone_name_is_valid(slice_of_str("Etc/GMT+12")));
    char name[TIMEZONE_NAME_BYTES + 1];
    memset(name, 'A', sizeof name);
    assert_true(timezone_name_is_valid(slice_of(name, TIMEZONE_NAME_BYTES)));
    assert_false(timezone_name_is_valid(slice_of(name, TIMEZONE_NAME_BYTES + 1)));
}

/* They are files with zones, on many systems, and mean another thing on each. */
static void files_that_are_no_names_of_the_database_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "localtime", "posixrules",          "Factory",   "posix/Europe/Amsterdam",
        "posix/UTC", "right/Europe/London", "right/UTC", "posix/Factory",
        "utc",       "europe/amsterdam"};
    struct writer writer = writer_over(bytes, sizeof bytes);
    for (size_t i = 0; i < SL_LENGTH(bad); i++) {
        assert_false(timezone_name_is_valid(slice_of_str(bad[i])));
        assert_int_equal(timezone_read(slice_of_str(bad[i]), &writer), SL_EMALFORMED);
    }
    static const char *const good[] = {"UTC",     "GMT",  "CET",     "Etc/UTC",  "Etc/GMT-14",
                                       "GB-Eire", "W-SU", "NZ-CHAT", "Factory/X"};
    for (size_t i = 0; i < SL_LENGTH(good); i++)
        assert_true(timezone_name_is_valid(slice_of_str(good[i])));
}

static void what_is_no_zone_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Europe/Amsterdm",        "Europe",           "tzdata.zi", "zone.tab",
        "right/Europe/Amsterdam", "leap-seconds.list"};
    struct writer writer = writer_over(bytes, sizeof bytes);
    for (size_t i = 0; i < SL_LENGTH(bad); i++)
        assert_int_equal(timezone_read(slice_of_str(bad[i]), &writer), SL_EMALFORMED);
    assert_int_equal(writer.n, 0);
    timezone_set_folder("/nonexistent");
    assert_int_equal(timezone_read(slice_of_str("Europe/Amsterdam"), &writer), SL_EMALFORMED);
    assert_int_equal(timezone_read(slice_of_str("UTC"), &writer), SL_OK);
    char nearest[TIMEZONE_NAME_BYTES + 1];
    assert_false(timezone_nearest(slice_of_str("Europe/Amsterdm"), nearest));
    timezone_set_folder(NULL);
    assert_true(timezone_nearest(slice_of_str("europe/amsterdam"), nearest));
    assert_string_equal(nearest, "Europe/Amsterdam");
    assert_false(timezone_nearest(slice_of_str("Middle/Earth"), nearest));
}

/* A TZif file: an empty version 1 block, then one type, no transition, and the footer. */
static size_t make_tzif(uint8_t *out, size_t cap, const char *footer)
{
    struct writer writer = writer_over(out, cap);
    for (int block = 0; block < 2; block++) {
        write_str(&writer, "TZif2");
        write_zeros(&writer, 15 + 16);
        write_u32be(&writer, 1); /* types */
        write_u32be(&writer, 4); /* abbreviation bytes */
        write_u32be(&writer, 3600);
        write_zeros(&writer, 2);
        write_bytes(&writer, slice_of("XXX", 4));
    }
    write_u8(&writer, '\n');
    write_str(&writer, footer);
    write_u8(&writer, '\n');
    assert_false(writer.overflow);
    return writer.n;
}

static void footers_of_every_form_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *footer, *utc, *local;
    } cases[] = {
        {"", "2099-07-01T12:00:00Z", "2099-07-01T13:00:00Z"},
        {"CET-1", "2099-07-01T12:00:00Z", "2099-07-01T13:00:00Z"},
        {"<+01>-1", "2099-07-01T12:00:00Z", "2099-07-01T13:00:00Z"},
        {"CET-1CEST,M3.5.0,M10.5.0/3", "2099-07-01T12:00:00Z", "2099-07-01T14:00:00Z"},
        {"<-03>3<-02>,M3.5.0/-2,M10.5.0/-1", "2099-07-01T12:00:00Z", "2099-07-01T10:00:00Z"},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2099-12-01T12:00:00Z", "2099-12-01T12:00:00Z"},
        /* all the year, RFC 9636 section 3.3.1 */
        {"XXX3EDT4,0/0,J365/23", "2099-12-31T23:59:59Z", "2099-12-31T19:59:59Z"},
        {"XXX3EDT4,0/0,J365/23", "2099-01-01T00:00:00Z", "2098-12-31T20:00:00Z"},
        /* day 60 is 1 March with J, whatever the year; 59 without is 29 February in a leap year */
        {"AAA0BBB,J60/0,J70/0", "2096-02-29T12:00:00Z", "2096-02-29T12:00:00Z"},
        {"AAA0BBB,J60/0,J70/0", "2096-03-01T00:00:00Z", "2096-03-01T01:00:00Z"},
        {"AAA0BBB,59/0,70/0", "2096-02-29T00:00:00Z", "2096-02-29T01:00:00Z"},
        {"AAA0BBB,59/0,70/0", "2097-03-01T00:00:00Z", "2097-03-01T01:00:00Z"},
        {"AAA0BBB,59/0,70/0", "2097-02-28T23:59:59Z", "2097-02-28T23:59:59Z"},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        uint8_t tzif[512];
        size_t n = make_tzif(tzif, sizeof tzif, cases[i].footer);
        struct writer writer = writer_over(bytes, sizeof bytes);
        assert_int_equal(timezone_parse(slice_of(tzif, n), &writer), SL_OK);
        assert_local(writer_slice(&writer), cases[i].utc, cases[i].local);
    }
}

static void broken_footers_and_files_are_refused(void **state)
{
    (void)state;
    static const char *const footers[] = {
        "C-1",
        "CET",
        "CET-",
        "CET-99",
        "CET-1CEST",
        "<+01-1",
        "CET-1CEST,M3",
        "CET-1CEST,M13.1.0,M1.1.0",
        "CET-1CEST,M1.0.0,M1.1.0",
        "CET-1CEST,J0,J1",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0/168,M10.5.0",
        "CET-1CEST,366,1",
        "CET-1:60",
        "CET-1CEST,M3.5.0,M10.5.0 ",
    };
    uint8_t tzif[512];
    struct writer writer = writer_over(bytes, sizeof bytes);
    for (size_t i = 0; i < SL_LENGTH(footers); i++) {
        size_t n = make_tzif(tzif, sizeof tzif, footers[i]);
        if (timezone_parse(slice_of(tzif, n), &writer) != SL_EMALFORMED)
            fail_msg("accepted \"%s\"", footers[i]);
    }
    size_t n = make_tzif(tzif, sizeof tzif, "CET-1CEST,M3.5.0,M10.5.0/3");
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(timezone_parse(slice_of(tzif, cut), &writer), SL_EMALFORMED);
    tzif[4] = 0; /* version 1 holds no 64-bit data */
    assert_int_equal(timezone_parse(slice_of(tzif, n), &writer), SL_EMALFORMED);
    assert_int_equal(writer.n, 0);
}

static void damaged_zones_are_not_valid(void **state)
{
    (void)state;
    struct slice zone = zone_of("Europe/Amsterdam");
    assert_true(zone.n > ZONE_HEAD_BYTES + ZONE_TRANSITION_BYTES);
    for (size_t cut = 0; cut < zone.n; cut++)
        assert_false(zone_is_valid(slice_of(zone.p, cut)));
    bytes[2] = 2;
    assert_false(zone_is_valid(zone));
    zone = zone_of("Europe/Amsterdam");
    bytes[17] = 13; /* a thirteenth month */
    assert_false(zone_is_valid(zone));
    zone = zone_of("Europe/Amsterdam");
    bytes[ZONE_HEAD_BYTES + 7] = 0x7f; /* transitions out of order */
    assert_false(zone_is_valid(zone));
    zone = zone_of("Europe/Amsterdam");
    bytes[6] = 0x10; /* an offset of more than a day */
    assert_false(zone_is_valid(zone));
}

static void the_release_of_tzdata_is_read_from_its_first_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *release;
    } files[] = {{"# version 2025b\nR d 1916", "2025b"},
                 {"# version 2025b-00.1\n", "2025b-00.1"},
                 {"# version \n", NULL},
                 {"# version 2025b;rm\n", NULL},
                 {"# version 12345678901234567\n", NULL},
                 {"R d 1916\n", NULL},
                 {"", NULL}};
    char folder[] = "/tmp/sluis-zone-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/tzdata.zi", folder);
    timezone_set_folder(folder);
    char release[TIMEZONE_RELEASE_BYTES + 1];
    assert_false(timezone_release(release));
    for (size_t i = 0; i < SL_LENGTH(files); i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(files[i].text, file) >= 0 && fclose(file) == 0);
        assert_int_equal(timezone_release(release), files[i].release != NULL);
        if (files[i].release)
            assert_string_equal(release, files[i].release);
    }
    timezone_set_folder(NULL);
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amsterdam_goes_forth_and_back_at_one_utc),
        cmocka_unit_test(rules_south_of_the_equator_and_in_ireland_run_over_new_year),
        cmocka_unit_test(zones_without_a_rule_keep_their_last_offset),
        cmocka_unit_test(day_starts_at_local_midnight_or_after_the_gap),
        cmocka_unit_test(names_that_could_leave_the_folder_are_refused),
        cmocka_unit_test(files_that_are_no_names_of_the_database_are_refused),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(footers_of_every_form_are_read),
        cmocka_unit_test(broken_footers_and_files_are_refused),
        cmocka_unit_test(damaged_zones_are_not_valid),
        cmocka_unit_test(the_release_of_tzdata_is_read_from_its_first_line),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
