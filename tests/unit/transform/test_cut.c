/* The ends of a route: what is left out, what stays, and that nothing is left of its commas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include "transform/coarsen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUTE = 0, OTHER = 1 };

static const struct named_field run[] = {
    {"$.points[*].lat", FIELD_LATITUDE, ROUTE},
    {"$.points[*].lon", FIELD_LONGITUDE, ROUTE},
    {"$.points[*].bpm", FIELD_VALUE, OTHER},
    {"$.points[*].t", FIELD_TIME, 0},
    {"$.start.lat", FIELD_LATITUDE, ROUTE},
    {"$.start.lon", FIELD_LONGITUDE, ROUTE},
    {"$.bpm", FIELD_VALUE, OTHER},
};

static void start(struct fixture *fixture, uint32_t precision_m, uint32_t cut_m)
{
    fixture->reduction.classes[ROUTE].coarseness.by[COARSE_PRECISION] = precision_m;
    fixture->reduction.classes[ROUTE].coarseness.by[COARSE_CUT] = cut_m;
}

/* Points along a meridian near Amsterdam, so many metres north of where the route starts. */
static void add_points(struct text *text, const int *metres, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char point[128];
        snprintf(point, sizeof point, "%s{\"lat\":%.6f,\"lon\":4.9,\"bpm\":%d}", i > 0 ? "," : "",
                 52.37 + metres[i] / 111260.0, metres[i]);
        text_add(text, point);
    }
}

/* The whole answer from and to lists of metres; `left` is a stretch of the points. */
static void expect_left(struct fixture *fixture, const int *metres, size_t n, const int *left,
                        size_t n_left)
{
    struct text answer = {0}, output = {0};
    text_add(&answer, "{\"points\":[");
    add_points(&answer, metres, n);
    text_add(&answer, "],\"bpm\":1}");
    text_add(&output, "{\"points\":[");
    add_points(&output, left, n_left);
    text_add(&output, "],\"bpm\":1}");
    expect_output_bytes(fixture, text_slice(&answer), text_slice(&output));
    free(answer.p);
    free(output.p);
}

static void points_near_both_ends_are_left_out_whole(void **state)
{
    (void)state;
    static const int metres[] = {0, 400, 1900, 2500, 3100, 4600, 5000};
    FIXTURE(fixture, run);
    start(&fixture, 0, 500);
    expect_left(&fixture, metres, SL_LENGTH(metres), metres + 2, 3);
    start(&fixture, 0, 0);
    expect_left(&fixture, metres, SL_LENGTH(metres), metres, SL_LENGTH(metres));
    fixture_end(&fixture);
}

static void a_route_that_passes_its_start_again_shows_nothing_there(void **state)
{
    (void)state;
    static const int metres[] = {0, 3000, 6000, 100, -3000, -6000, -9000};
    static const int left[] = {3000, 6000, -3000, -6000};
    FIXTURE(fixture, run);
    start(&fixture, 0, 500);
    expect_left(&fixture, metres, SL_LENGTH(metres), left, SL_LENGTH(left));
    fixture_end(&fixture);
}

static void of_a_route_around_home_nothing_is_left(void **state)
{
    (void)state;
    static const int metres[] = {0, 100, 200, 100, 0};
    FIXTURE(fixture, run);
    start(&fixture, 0, 500);
    expect_left(&fixture, metres, SL_LENGTH(metres), NULL, 0);
    expect_left(&fixture, metres, 1, NULL, 0);
    expect_left(&fixture, metres, 0, NULL, 0);
    fixture_end(&fixture);
}

static void what_has_no_position_or_stands_in_no_list_is_left_out(void **state)
{
    (void)state;
    FIXTURE(fixture, run);
    start(&fixture, 0, 500);
    expect_output(&fixture,
                  "{\"start\":{\"lat\":52,\"lon\":4},\"points\":[{\"t\":1,\"bpm\":1},"
                  "{\"lat\":null,\"lon\":null,\"t\":2},{\"lat\":52,\"lon\":4,\"t\":3},"
                  "{\"lat\":53,\"lon\":4,\"t\":4},{\"t\":5},{\"lat\":54,\"lon\":4,\"t\":6},{}]}",
                  "{\"start\":{},\"points\":[{\"lat\":53,\"lon\":4,\"t\":4}]}");
    fixture_end(&fixture);
}

/* Two lists, the second inside a position that is half read. */
static void the_ends_of_each_list_count_for_all(void **state)
{
    (void)state;
    static const struct named_field laps[] = {
        {"$.lat", FIELD_LATITUDE, OTHER},
        {"$.laps[*].p[*][1]", FIELD_LATITUDE, ROUTE},
        {"$.laps[*].p[*][0]", FIELD_LONGITUDE, ROUTE},
        {"$.laps[*].n", FIELD_VALUE, OTHER},
        {"$.lon", FIELD_LONGITUDE, OTHER},
    };
    FIXTURE(fixture, laps);
    fixture.reduction.classes[OTHER].coarseness.by[COARSE_PRECISION] = 5000;
    start(&fixture, 0, 1000);
    expect_output(&fixture,
                  "{\"lat\":52.370216,\"laps\":[{\"p\":[[4,50],[4,51],[4,52]],\"n\":1},"
                  "{\"p\":[[4,53],[4,50],[4,51],[4,54]],\"n\":2}],\"lon\":4.895168}",
                  "{\"lat\":52.349246,\"laps\":[{\"p\":[[4,51]],\"n\":1},"
                  "{\"p\":[[4,51]],\"n\":2}],\"lon\":4.929491}");
    fixture_end(&fixture);
}

static void an_element_with_two_positions_refuses_the_answer(void **state)
{
    (void)state;
    static const struct named_field fields[] = {
        {"$[*].a.lat", FIELD_LATITUDE, ROUTE},
        {"$[*].a.lon", FIELD_LONGITUDE, ROUTE},
        {"$[*].b.lat", FIELD_LATITUDE, ROUTE},
        {"$[*].b.lon", FIELD_LONGITUDE, ROUTE},
    };
    FIXTURE(fixture, fields);
    static const char answer[] = "[{\"a\":{\"lat\":1,\"lon\":1},\"b\":{\"lat\":2,\"lon\":2}}]";
    expect_output(&fixture, answer, answer);
    start(&fixture, 0, 500);
    expect_fault(&fixture, answer, FILTER_POSITION);
    fixture_end(&fixture);
}

/* Else the border of what is left out would tell more of a position than its cell. */
static void two_positions_of_one_cell_stay_or_go_together(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$[*][0]", FIELD_LONGITUDE, ROUTE},
                                                {"$[*][1]", FIELD_LATITUDE, ROUTE}};
    const unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    FIXTURE(fixture, fields);
    for (int i = 0; i < 300; i++) {
        const uint32_t precision_m = 50 + (uint32_t)rand() % 2000;
        start(&fixture, precision_m, 100 + (uint32_t)rand() % 3000);
        const struct position home = {rand() % 160 - 80 + 0.1, rand() % 360 - 180 + 0.1};
        struct position near = home;
        near.latitude += (rand() % 2001 - 1000) * 1e-4;
        near.longitude += (rand() % 2001 - 1000) * 1e-4;
        const struct position centre = coarsen_position(near, precision_m);
        char outputs[2][512];
        const struct position both[] = {near, centre};
        for (int k = 0; k < 2; k++) {
            char answer[512];
            const int n = snprintf(answer, sizeof answer, "[[%.9f,%.9f],[%.9f,%.9f],[%.9f,%.9f]]",
                                   home.longitude, home.latitude, both[k].longitude,
                                   both[k].latitude, -home.longitude, -home.latitude);
            filter_begin(fixture.filter, fixture.trie, &fixture.reduction);
            assert_int_equal(filter_feed(fixture.filter, slice_of(answer, (size_t)n)), SL_OK);
            assert_int_equal(filter_finish(fixture.filter), SL_OK);
            const struct slice output = filter_output(fixture.filter);
            snprintf(outputs[k], sizeof outputs[k], "%.*s", SLICE_PRINTF(output));
        }
        assert_string_equal(outputs[0], outputs[1]);
    }
    fixture_end(&fixture);
}

static void more_elements_or_ends_than_the_limits_allow_are_too_large(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$[*][*].lat", FIELD_LATITUDE, ROUTE},
                                                {"$[*][*].lon", FIELD_LONGITUDE, ROUTE}};
    struct fixture fixture;
    fixture_init(&fixture, fields, SL_LENGTH(fields));
    fixture.limits.cut_elements = 16;
    fixture.limits.cut_ends = 2;
    fixture_start(&fixture);
    start(&fixture, 0, 500);
    struct text text = {0};
    text_add(&text, "[[");
    text_add_times(&text, "{\"lat\":1,\"lon\":2},", 15);
    text_add(&text, "{\"lat\":1,\"lon\":2}]]");
    expect_output_bytes(&fixture, text_slice(&text), slice_of_str("[[]]"));
    text.n -= 2;
    text_add(&text, ",{\"lat\":1,\"lon\":2}]]");
    expect_fault_bytes(&fixture, text_slice(&text), FILTER_TOO_LARGE);
    free(text.p);
    expect_output(&fixture,
                  "[[{\"lat\":1,\"lon\":2},{\"lat\":5,\"lon\":2}],[{\"lat\":5,\"lon\":2}]]",
                  "[[],[]]");
    expect_fault(&fixture,
                 "[[{\"lat\":1,\"lon\":2},{\"lat\":5,\"lon\":2}],[{\"lat\":6,\"lon\":2}]]",
                 FILTER_TOO_LARGE);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_near_both_ends_are_left_out_whole),
        cmocka_unit_test(a_route_that_passes_its_start_again_shows_nothing_there),
        cmocka_unit_test(of_a_route_around_home_nothing_is_left),
        cmocka_unit_test(what_has_no_position_or_stands_in_no_list_is_left_out),
        cmocka_unit_test(the_ends_of_each_list_count_for_all),
        cmocka_unit_test(an_element_with_two_positions_refuses_the_answer),
        cmocka_unit_test(two_positions_of_one_cell_stay_or_go_together),
        cmocka_unit_test(more_elements_or_ends_than_the_limits_allow_are_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
