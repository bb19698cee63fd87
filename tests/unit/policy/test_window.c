/*
 * test_window.c - weekly windows, their edges, and the night between two days
 */
#include "help.h"

#include "policy/window.h"

enum { MON, TUE, WED, THU, FRI, SAT, SUN };

static void window_holds_from_its_start_to_before_its_end(void **state)
{
    (void)state;
    const struct policy_window working = {0x1f, 6 * 60, 20 * 60};
    assert_false(window_covers(working, MON, 6 * 60 - 1));
    assert_true(window_covers(working, MON, 6 * 60));
    assert_true(window_covers(working, FRI, 20 * 60 - 1));
    assert_false(window_covers(working, FRI, 20 * 60));
    assert_false(window_covers(working, SAT, 12 * 60));
}

static void night_belongs_to_the_day_on_which_it_begins(void **state)
{
    (void)state;
    const struct policy_window friday_night = {1 << FRI, 22 * 60, 6 * 60};
    assert_false(window_covers(friday_night, FRI, 5 * 60));
    assert_true(window_covers(friday_night, FRI, 22 * 60));
    assert_true(window_covers(friday_night, SAT, 0));
    assert_true(window_covers(friday_night, SAT, 6 * 60 - 1));
    assert_false(window_covers(friday_night, SAT, 6 * 60));
    assert_false(window_covers(friday_night, SAT, 22 * 60));
    const struct policy_window sunday_night = {1 << SUN, 22 * 60, 6 * 60};
    assert_true(window_covers(sunday_night, MON, 0));
}

static void end_at_start_is_a_whole_day_from_there(void **state)
{
    (void)state;
    const struct policy_window day = {1 << MON, 8 * 60, 8 * 60};
    assert_false(window_covers(day, MON, 8 * 60 - 1));
    assert_true(window_covers(day, MON, 8 * 60));
    assert_true(window_covers(day, TUE, 8 * 60 - 1));
    assert_false(window_covers(day, TUE, 8 * 60));
}

static void local_clock_is_read_before_and_after_1970(void **state)
{
    (void)state;
    const struct policy_window thursday = {1 << THU, 0, 1440};
    assert_true(window_covers_local(thursday, 0));
    assert_true(window_covers_local(thursday, 86399));
    assert_false(window_covers_local(thursday, 86400));
    assert_false(window_covers_local(thursday, -1));
    assert_true(window_covers_local(thursday, -7 * 86400));
    assert_false(window_covers_local(thursday, -7 * 86400 - 1));
    const struct policy_window last_minute = {1 << WED, 1439, 1440};
    assert_true(window_covers_local(last_minute, -1));
    assert_false(window_covers_local(last_minute, -61));
}

static void windows_are_apart_overlap_or_lie_inside(void **state)
{
    (void)state;
    const struct policy_window week = {0x7f, 0, 1440}, night = {0x7f, 1320, 360},
                               late = {0x7f, 1380, 300}, noon = {0x7f, 660, 780},
                               monday = {1, 0, 1440}, sunday_night = {1 << SUN, 1320, 360};
    assert_int_equal(window_relate(&late, &night), WINDOW_INSIDE);
    assert_int_equal(window_relate(&night, &late), WINDOW_OVERLAPS);
    assert_int_equal(window_relate(&night, &noon), WINDOW_APART);
    assert_int_equal(window_relate(&monday, &sunday_night), WINDOW_OVERLAPS);
    assert_int_equal(window_relate(&night, NULL), WINDOW_INSIDE);
    assert_int_equal(window_relate(NULL, &night), WINDOW_OVERLAPS);
    assert_int_equal(window_relate(NULL, &week), WINDOW_INSIDE);
    assert_int_equal(window_relate(NULL, NULL), WINDOW_INSIDE);
}

/* Minute by minute, for many pairs of windows. */
static void relation_is_that_of_every_minute(void **state)
{
    (void)state;
    static const uint8_t days[] = {0x7f, 0x1f, 0x60, 1 << SUN, 1 << MON};
    static const uint16_t ends[][2] = {{0, 1440},    {360, 1200}, {1320, 360}, {480, 480},
                                       {1439, 1440}, {1439, 1},   {0, 1}};
    struct policy_window windows[SL_LENGTH(days) * SL_LENGTH(ends)];
    for (size_t i = 0; i < SL_LENGTH(windows); i++)
        windows[i] = (struct policy_window){days[i / SL_LENGTH(ends)], ends[i % SL_LENGTH(ends)][0],
                                            ends[i % SL_LENGTH(ends)][1]};
    for (size_t i = 0; i < SL_LENGTH(windows) * SL_LENGTH(windows); i++) {
        const struct policy_window a = windows[i / SL_LENGTH(windows)],
                                   b = windows[i % SL_LENGTH(windows)];
        bool common = false, outside = false;
        for (unsigned now = 0; now < 7 * 1440; now++) {
            if (!window_covers(a, now / 1440, now % 1440))
                continue;
            if (window_covers(b, now / 1440, now % 1440))
                common = true;
            else
                outside = true;
        }
        assert_int_equal(window_relate(&a, &b), !common   ? WINDOW_APART
                                                : outside ? WINDOW_OVERLAPS
                                                          : WINDOW_INSIDE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_holds_from_its_start_to_before_its_end),
        cmocka_unit_test(night_belongs_to_the_day_on_which_it_begins),
        cmocka_unit_test(end_at_start_is_a_whole_day_from_there),
        cmocka_unit_test(local_clock_is_read_before_and_after_1970),
        cmocka_unit_test(windows_are_apart_overlap_or_lie_inside),
        cmocka_unit_test(relation_is_that_of_every_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
