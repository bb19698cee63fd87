/*
 * test_geohash.c - a geohash is never finer than its grid, the same when done twice, and no more
 * than the grid's cell tells
 *
 * The naive twin makes geohashes by halving, letter by letter, as they are explained everywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/coarsen.h"
#include "transform/geohash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char alphabet[] = "0123456789bcdefghjkmnpqrstuvwxyz";

struct box {
    double south, north, west, east;
};

/* Encodes the position when `text` is empty, else reads it; either way the box. */
static struct box halve(struct position position, size_t n_chars, char *text, bool encode)
{
    struct box box = {-90, 90, -180, 180};
    for (size_t i = 0; i < n_chars; i++) {
        unsigned value = encode ? 0 : (unsigned)(strchr(alphabet, text[i]) - alphabet);
        for (unsigned bit = 0; bit < 5; bit++) {
            const bool is_longitude = (i * 5 + bit) % 2 == 0;
            double *low = is_longitude ? &box.west : &box.south;
            double *high = is_longitude ? &box.east : &box.north;
            const double middle = (*low + *high) / 2;
            const double at = is_longitude ? position.longitude : position.latitude;
            const bool upper = encode ? at >= middle : value >> (4 - bit) & 1;
            *(upper ? low : high) = middle;
            if (encode)
                value |= (unsigned)upper << (4 - bit);
        }
        if (encode)
            text[i] = alphabet[value];
    }
    return box;
}

static void encode(struct position position, size_t n_chars, char *text)
{
    (void)halve(position, n_chars, text, true);
    text[n_chars] = 0;
}

static void coarsen(const char *text, uint32_t metres, char out[GEOHASH_CHARS_MAX + 1])
{
    struct writer writer = writer_over(out, GEOHASH_CHARS_MAX);
    assert_true(geohash_coarsen(slice_of_str(text), metres, &writer));
    assert_false(writer.overflow);
    out[writer.n] = 0;
}

static double random_in(double low, double high)
{
    return low + (high - low) * ((double)rand() / (double)RAND_MAX);
}

static struct position random_position(void)
{
    return (struct position){random_in(-90, 90), random_in(-180, 180)};
}

static uint32_t random_metres(void)
{
    return (uint32_t)pow(10, random_in(0, 6));
}

static void known_geohashes_become_as_short_as_they_must(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t metres;
        const char *expected;
    } rows[] = {
        {"u173zq37x014", 0, "u173zq37x014"},
        {"u173zq37x014", 10, "u173zq37"},
        {"u173zq37x014", 100, "u173zq"},
        {"u173zq37x014", 500, "u173zq"},
        {"u173zq37x014", 1000, "u173z"},
        {"U173ZQ37X014", 1000, "u173z"},
        {"u173zq37x014", 5000, "u176"},
        {"u173zq37x014", 20000, "u17"},
        {"u173zq37x014", 200000, "u1"},
        {"u173zq37x014", 1000000, ""},
        {"u173", 100, "u173"},
        {"s", 1000, "s"},
        {"u", 1000, ""}, /* up to the pole, where the grid has one cell */
        {"", 1000, ""},
    };
    for (size_t i = 0; i < SL_LENGTH(rows); i++) {
        char out[GEOHASH_CHARS_MAX + 1];
        coarsen(rows[i].text, rows[i].metres, out);
        if (strcmp(out, rows[i].expected) != 0)
            fail_msg("%s at %u m became %s, expected %s", rows[i].text, rows[i].metres, out,
                     rows[i].expected);
    }
}

static void what_is_no_geohash_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"a", "u17i", "u17 ", "u17l", "o", "u173zq37x0142", "é"};
    for (size_t i = 0; i < SL_LENGTH(refused); i++) {
        char out[GEOHASH_CHARS_MAX];
        struct writer writer = writer_over(out, sizeof out);
        assert_false(geohash_coarsen(slice_of_str(refused[i]), i % 2 ? 100 : 0, &writer));
        assert_int_equal(writer.n, 0);
    }
    char out[GEOHASH_CHARS_MAX];
    struct writer writer = writer_over(out, sizeof out);
    assert_false(geohash_coarsen(slice_of("u1\0z", 4), 100, &writer));
}

/* In metres at its narrower edge, by the same lower bounds for a degree that the grid uses. */
static void a_cell_is_never_finer_than_granted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        char text[GEOHASH_CHARS_MAX + 1], out[GEOHASH_CHARS_MAX + 1];
        const struct position position = random_position();
        const uint32_t metres = random_metres();
        encode(position, 1 + (size_t)rand() % GEOHASH_CHARS_MAX, text);
        coarsen(text, metres, out);
        if (out[0] == 0)
            continue; /* the whole globe */
        const struct box box = halve(position, strlen(out), out, false);
        const double poleward = fmax(fabs(box.south), fabs(box.north)) * M_PI / 180;
        const double height = (box.north - box.south) * 110574;
        const double width = (box.east - box.west) * 111319.49 * cos(poleward);
        if (height < metres || width < metres)
            fail_msg("%s at %u m became %s: %f m by %f m", text, metres, out, height, width);
    }
}

static void twice_is_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        char text[GEOHASH_CHARS_MAX + 1], once[GEOHASH_CHARS_MAX + 1], twice[GEOHASH_CHARS_MAX + 1];
        const uint32_t metres = random_metres();
        encode(random_position(), 1 + (size_t)rand() % GEOHASH_CHARS_MAX, text);
        coarsen(text, metres, once);
        coarsen(once, metres, twice);
        if (strcmp(once, twice) != 0)
            fail_msg("%s at %u m became %s, and then %s", text, metres, once, twice);
    }
}

/* Whoever has the degrees of the grid's cell as well can work out what the geohash says. */
static void it_tells_no_more_than_the_cell_of_the_grid(void **state)
{
    (void)state;
    unsigned n_compared = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char text[GEOHASH_CHARS_MAX + 1], out[GEOHASH_CHARS_MAX + 1],
            of_cell[GEOHASH_CHARS_MAX + 1], expected[GEOHASH_CHARS_MAX + 1];
        const struct position position = random_position();
        const uint32_t metres = random_metres();
        encode(position, GEOHASH_CHARS_MAX, text);
        coarsen(text, metres, out);
        const struct position cell = coarsen_position(position, metres);
        encode(cell, GEOHASH_CHARS_MAX, of_cell);
        coarsen(of_cell, metres, expected);
        /* a geohash is a cell itself: 2 cm from the border it may lie beyond it */
        const struct box box = halve(position, GEOHASH_CHARS_MAX, text, false);
        const struct position middle = {(box.south + box.north) / 2, (box.west + box.east) / 2};
        const struct position by_text = coarsen_position(middle, metres);
        if (by_text.latitude != cell.latitude || by_text.longitude != cell.longitude)
            continue;
        n_compared++;
        if (strcmp(out, expected) != 0)
            fail_msg("%s at %u m became %s, its cell %s", text, metres, out, expected);
    }
    assert_true(n_compared > 19000);
}

/* The longest that the grid allows: with one letter more a cell would be finer than the grid's. */
static void no_more_is_cut_than_must_be(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char text[GEOHASH_CHARS_MAX + 1], out[GEOHASH_CHARS_MAX + 1], longer[GEOHASH_CHARS_MAX + 1];
        const struct position position = {random_in(-70, 70), random_in(-180, 180)};
        const uint32_t metres = (uint32_t)pow(10, random_in(1, 5));
        encode(position, GEOHASH_CHARS_MAX, text);
        coarsen(text, metres, out);
        const struct position cell = coarsen_position(position, metres);
        const size_t n = strlen(out);
        assert_true(n > 0 && n < GEOHASH_CHARS_MAX);
        encode(cell, n + 1, longer);
        const struct box box = halve(cell, n + 1, longer, false);
        const double equatorward = fmin(fabs(box.south), fabs(box.north)) * M_PI / 180;
        const double height = (box.north - box.south) * 110574;
        const double width = (box.east - box.west) * 111319.49 * cos(equatorward);
        /* the grid's own cells are up to some percent more than `metres` */
        assert_true(height < metres * 1.3 || width < metres * 1.3);
    }
}

int main(void)
{
    const unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_geohashes_become_as_short_as_they_must),
        cmocka_unit_test(what_is_no_geohash_is_refused),
        cmocka_unit_test(a_cell_is_never_finer_than_granted),
        cmocka_unit_test(twice_is_once),
        cmocka_unit_test(it_tells_no_more_than_the_cell_of_the_grid),
        cmocka_unit_test(no_more_is_cut_than_must_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
