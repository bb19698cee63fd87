/* The grid against an ellipsoid, and against vectors worked out from the formula elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/coarsen.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static uint64_t random_state;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double random_between(double low, double high)
{
    return low + (high - low) * (double)(random_bits() >> 11) / 9007199254740992.0;
}

static int seed_random(void **state)
{
    (void)state;
    random_state = (uint64_t)time(NULL) * 2654435761u | 1;
    print_message("seed %llu\n", (unsigned long long)random_state);
    return 0;
}

static struct position random_position(void)
{
    return (struct position){random_between(-90, 90), random_between(-180, 180)};
}

static const uint32_t sizes_m[] = {1, 10, 50, 100, 500, 1000, 5000, 20000, 100000, 1000000};

static uint32_t random_size_m(void)
{
    if (random_bits() % 2)
        return sizes_m[random_bits() % SL_LENGTH(sizes_m)];
    return (uint32_t)pow(10, random_between(0, 6.5));
}

static bool same(struct position a, struct position b)
{
    return a.latitude == b.latitude && a.longitude == b.longitude;
}

/* WGS 84 (NIMA TR8350.2): metres of one degree along the meridian and along the parallel. */
static const double WGS84_A = 6378137.0;
static const double WGS84_E2 = 6.69437999014e-3;

static double meridian_degree_m(double latitude)
{
    double s = sin(latitude * M_PI / 180);
    return WGS84_A * (1 - WGS84_E2) / pow(1 - WGS84_E2 * s * s, 1.5) * M_PI / 180;
}

static double parallel_degree_m(double latitude)
{
    double s = sin(latitude * M_PI / 180);
    return WGS84_A / sqrt(1 - WGS84_E2 * s * s) * cos(latitude * M_PI / 180) * M_PI / 180;
}

/* How far from `from` one can go along one axis, towards `limit`, and stay in the same cell. */
static double reach(struct position from, uint32_t metres, bool along_latitude, double limit)
{
    struct position cell = coarsen_position(from, metres);
    double inside = along_latitude ? from.latitude : from.longitude;
    double outside = limit;
    for (int i = 0; i < 60; i++) {
        double middle = (inside + outside) / 2;
        struct position probe = from;
        *(along_latitude ? &probe.latitude : &probe.longitude) = middle;
        if (same(coarsen_position(probe, metres), cell))
            inside = middle;
        else
            outside = middle;
    }
    return inside;
}

struct extent {
    double south, north, west, east;
};

static struct extent measure_cell(struct position position, uint32_t metres)
{
    return (struct extent){reach(position, metres, true, -90), reach(position, metres, true, 90),
                           reach(position, metres, false, -180),
                           reach(position, metres, false, 179.9999999999)};
}

static void a_cell_is_at_least_as_large_as_was_granted_anywhere_on_earth(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct position position = random_position();
        uint32_t metres = random_size_m();
        struct extent cell = measure_cell(position, metres);
        double poleward = fmax(fabs(cell.south), fabs(cell.north));
        double equatorward =
            cell.south < 0 && cell.north > 0 ? 0 : fmin(fabs(cell.south), fabs(cell.north));
        /* The shortest degree of the cell is the least that can be: a bound, no integral. */
        double height_m = (cell.north - cell.south) * meridian_degree_m(equatorward);
        double width_m = (cell.east - cell.west) * parallel_degree_m(poleward);
        bool is_whole_row = cell.east - cell.west > 359.999;
        bool is_whole_column = cell.north - cell.south > 179.999;
        if ((height_m < metres * 0.999999 && !is_whole_column) ||
            (width_m < metres * 0.999999 && !is_whole_row))
            print_error("%.9f %.9f at %u m: %f m high, %f m wide\n", position.latitude,
                        position.longitude, metres, height_m, width_m);
        assert_true(is_whole_column || height_m >= metres * 0.999999);
        assert_true(is_whole_row || width_m >= metres * 0.999999);
    }
}

static void a_cell_is_not_needlessly_large(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct position position = {random_between(-80, 80), random_between(-179, 179)};
        uint32_t metres = sizes_m[random_bits() % 7];
        struct extent cell = measure_cell(position, metres);
        double poleward = fmax(fabs(cell.south), fabs(cell.north));
        assert_true((cell.north - cell.south) * meridian_degree_m(90) < metres * 1.02);
        assert_true((cell.east - cell.west) * parallel_degree_m(poleward) < metres * 1.02);
    }
}

static void the_result_lies_in_the_cell_and_stays_there(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct position position = random_position();
        uint32_t metres = random_size_m();
        struct position once = coarsen_position(position, metres);
        assert_true(position_is_on_globe(once));
        assert_true(same(coarsen_position(once, metres), once));
    }
}

static void two_positions_in_one_cell_can_not_be_told_apart(void **state)
{
    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct position position = random_position();
        uint32_t metres = random_size_m();
        struct position result = coarsen_position(position, metres);
        struct extent cell = measure_cell(position, metres);
        for (int k = 0; k < 10; k++) {
            struct position other = {random_between(cell.south, cell.north),
                                     random_between(cell.west, cell.east)};
            assert_true(same(coarsen_position(other, metres), result));
        }
    }
}

static void the_antimeridian_is_one_line(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        double latitude = random_between(-90, 90);
        uint32_t metres = random_size_m();
        struct position east = {latitude, 180};
        struct position west = {latitude, -180};
        assert_true(same(coarsen_position(east, metres), coarsen_position(west, metres)));
    }
}

static void every_longitude_at_a_pole_is_one_place(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint32_t metres = random_size_m();
        for (int sign = -1; sign <= 1; sign += 2) {
            struct position position = {sign * 90.0, random_between(-180, 180)};
            struct position elsewhere = {sign * 90.0, 0};
            struct position result = coarsen_position(position, metres);
            assert_true(same(result, coarsen_position(elsewhere, metres)));
            assert_true(result.longitude == 0);
        }
    }
}

static void the_corners_of_the_globe_have_cells(void **state)
{
    (void)state;
    static const double latitudes[] = {-90, -0.0, 0, 90, 89.9999999999, -89.9999999999, 5e-324};
    static const double longitudes[] = {-180, -0.0, 0, 180, 179.9999999999, -179.9999999999};
    static const uint32_t metres[] = {1, 2, 3, 10000000, 19903320, 19903321, 40000000, UINT32_MAX};
    for (size_t i = 0; i < SL_LENGTH(latitudes); i++)
        for (size_t j = 0; j < SL_LENGTH(longitudes); j++)
            for (size_t k = 0; k < SL_LENGTH(metres); k++) {
                struct position position = {latitudes[i], longitudes[j]};
                struct position result = coarsen_position(position, metres[k]);
                assert_true(position_is_on_globe(result));
                assert_true(same(coarsen_position(result, metres[k]), result));
            }
    struct position whole = coarsen_position((struct position){52, 5}, UINT32_MAX);
    assert_true(whole.latitude == 0 && whole.longitude == 0);
}

/* Worked out with another implementation of the formula in coarsen.c, in Python. */
static void the_grid_is_where_the_formula_puts_it(void **state)
{
    (void)state;
    static const struct {
        struct position position;
        uint32_t metres;
        struct position cell;
    } vectors[] = {
        {{52.370216, 4.895168}, 100, {52.370411, 4.895107}},
        {{52.370216, 4.895168}, 1000, {52.373009, 4.892904}},
        {{52.370216, 4.895168}, 5000, {52.349246, 4.929491}},
        {{52.370216, 4.895168}, 50000, {52.236181, 4.795082}},
        {{-33.856784, 151.215297}, 500, {-33.857961, 151.216119}},
        {{64.146581, -21.9426}, 2000, {64.142297, -21.943681}},
        {{-16.5, 180}, 1000, {-16.496006, -179.995315}},
        {{90, 0}, 5000, {89.977387, 0.0}},
        {{-90, 77.7}, 5000, {-89.977387, 0.0}},
        {{0, 0}, 1, {5e-06, 4e-06}},
        {{1.3521, 103.8198}, 1, {1.352104, 103.819802}},
        {{40.4168, -3.7038}, 10000000, {0.0, 0.0}},
    };
    for (size_t i = 0; i < SL_LENGTH(vectors); i++) {
        struct position result = coarsen_position(vectors[i].position, vectors[i].metres);
        assert_true(same(result, vectors[i].cell));
    }
}

static void only_numbers_on_the_globe_are_positions(void **state)
{
    (void)state;
    assert_true(position_is_on_globe((struct position){90, 180}));
    assert_true(position_is_on_globe((struct position){-90, -180}));
    assert_false(position_is_on_globe((struct position){90.00000000001, 0}));
    assert_false(position_is_on_globe((struct position){-91, 0}));
    assert_false(position_is_on_globe((struct position){0, 180.0000000001}));
    assert_false(position_is_on_globe((struct position){0, -181}));
    assert_false(position_is_on_globe((struct position){NAN, 0}));
    assert_false(position_is_on_globe((struct position){0, NAN}));
    assert_false(position_is_on_globe((struct position){INFINITY, 0}));
}

static void degrees_are_written_with_six_decimals_at_most(void **state)
{
    (void)state;
    static const struct {
        double degrees;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {4, "4"},
        {-0.5, "-0.5"},
        {52.37, "52.37"},
        {180, "180"},
        {-180, "-180"},
        {-179.999999, "-179.999999"},
        {0.000001, "0.000001"},
        {-0.000001, "-0.000001"},
        {0.0000004, "0"},
        {-0.0000004, "0"},
        {0.0000006, "0.000001"},
        {1.100000, "1.1"},
        {10.01, "10.01"},
        {99.9999999, "100"},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        uint8_t block[16];
        struct writer writer = writer_over(block, sizeof block);
        write_degrees(&writer, cases[i].degrees);
        assert_false(writer.overflow);
        assert_true(slice_equals_str(writer_slice(&writer), cases[i].text));
    }
}

static void what_is_written_reads_back_as_the_same_cell(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        uint32_t metres = random_size_m();
        struct position cell = coarsen_position(random_position(), metres);
        char text[2][16] = {{0}};
        struct writer latitude = writer_over(text[0], 15);
        struct writer longitude = writer_over(text[1], 15);
        write_degrees(&latitude, cell.latitude);
        write_degrees(&longitude, cell.longitude);
        assert_false(latitude.overflow || longitude.overflow);
        struct position back = {strtod(text[0], NULL), strtod(text[1], NULL)};
        assert_true(same(back, cell));
    }
}

static void a_time_goes_back_to_the_start_of_its_bucket(void **state)
{
    (void)state;
    assert_int_equal(coarsen_time(0, 900), 0);
    assert_int_equal(coarsen_time(899999, 900), 0);
    assert_int_equal(coarsen_time(900000, 900), 900000);
    assert_int_equal(coarsen_time(-1, 900), -900000);
    assert_int_equal(coarsen_time(-900000, 900), -900000);
    assert_int_equal(coarsen_time(-900001, 900), -1800000);
    assert_int_equal(coarsen_time(123456, 0), 123456);
    assert_int_equal(coarsen_time(INT64_C(253402300799999), UINT32_MAX), INT64_C(249108103110000));
    for (int i = 0; i < 100000; i++) {
        int64_t time_ms = (int64_t)(random_bits() % 500000000000000) - 250000000000000;
        uint32_t bucket_s = (uint32_t)(random_bits() % 100000) + 1;
        int64_t start_ms = coarsen_time(time_ms, bucket_s);
        assert_true(start_ms <= time_ms && time_ms - start_ms < (int64_t)bucket_s * 1000);
        assert_true(start_ms % ((int64_t)bucket_s * 1000) == 0);
    }
}

/* What is left out around an end: at least as far as was asked for, and the same for the whole
 * cell. */
static void all_within_the_distance_lies_in_the_surroundings(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        const struct position position = random_position();
        const uint32_t metres = random_size_m();
        const struct cell surroundings = position_surroundings(position, metres);
        const double angle = random_between(0, 2 * M_PI);
        const double north_m = metres * sin(angle), east_m = metres * cos(angle);
        struct position other = position;
        other.latitude += north_m / meridian_degree_m(position.latitude);
        if (fabs(other.latitude) >= 90 || metres > 500000)
            continue;
        /* The same metres are most degrees where the meridians are closest. */
        other.longitude +=
            east_m / parallel_degree_m(fmax(fabs(other.latitude), fabs(position.latitude)));
        other.longitude -= other.longitude > 180 ? 360 : other.longitude < -180 ? -360 : 0;
        if (fabs(other.longitude) > 180)
            continue;
        const struct cell point = position_cell(other, 0);
        if (!cells_touch(&surroundings, &point))
            fail_msg("%.9f %.9f and %.9f %.9f, %u m", position.latitude, position.longitude,
                     other.latitude, other.longitude, metres);
    }
}

static void surroundings_tell_the_cell_and_no_more(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        const struct position position = random_position();
        const uint32_t metres = random_size_m();
        const struct cell cell = position_cell(position, metres);
        const struct cell a = position_surroundings(position, metres);
        const struct cell b = position_surroundings(cell.centre, metres);
        assert_memory_equal(&a, &b, sizeof a);
        const struct position centre = coarsen_position(position, metres);
        assert_memory_equal(&centre, &cell.centre, sizeof centre);
    }
}

static void cells_touch_over_the_antimeridian(void **state)
{
    (void)state;
    const struct cell east = position_surroundings((struct position){10, 179.99}, 5000);
    struct cell west = position_cell((struct position){10, -179.99}, 200);
    assert_true(cells_touch(&east, &west));
    assert_true(cells_touch(&west, &east));
    west = position_cell((struct position){10, -179.5}, 200);
    assert_false(cells_touch(&east, &west));
    const struct cell pole = position_surroundings((struct position){89.99, 0}, 5000);
    west = position_cell((struct position){89.98, 123}, 200);
    assert_true(cells_touch(&pole, &west));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_at_least_as_large_as_was_granted_anywhere_on_earth),
        cmocka_unit_test(a_cell_is_not_needlessly_large),
        cmocka_unit_test(the_result_lies_in_the_cell_and_stays_there),
        cmocka_unit_test(two_positions_in_one_cell_can_not_be_told_apart),
        cmocka_unit_test(the_antimeridian_is_one_line),
        cmocka_unit_test(every_longitude_at_a_pole_is_one_place),
        cmocka_unit_test(the_corners_of_the_globe_have_cells),
        cmocka_unit_test(the_grid_is_where_the_formula_puts_it),
        cmocka_unit_test(only_numbers_on_the_globe_are_positions),
        cmocka_unit_test(degrees_are_written_with_six_decimals_at_most),
        cmocka_unit_test(what_is_written_reads_back_as_the_same_cell),
        cmocka_unit_test(a_time_goes_back_to_the_start_of_its_bucket),
        cmocka_unit_test(all_within_the_distance_lies_in_the_surroundings),
        cmocka_unit_test(surroundings_tell_the_cell_and_no_more),
        cmocka_unit_test(cells_touch_over_the_antimeridian),
    };
    return cmocka_run_group_tests(tests, seed_random, NULL);
}
