/*
 * window.c - compares local times with a window
 */
#include "policy/window.h"

enum { DAYS_PER_WEEK = 7, MINUTES_PER_DAY = 1440, SECONDS_PER_DAY = 86400 };

bool window_covers(struct policy_window window, unsigned day, unsigned minute)
{
    const bool today = window.days >> day & 1;
    const bool yesterday = window.days >> (day + DAYS_PER_WEEK - 1) % DAYS_PER_WEEK & 1;
    if (window.start_minute < window.end_minute)
        return today && minute >= window.start_minute && minute < window.end_minute;
    return (today && minute >= window.start_minute) || (yesterday && minute < window.end_minute);
}

bool window_covers_local(struct policy_window window, int64_t local_s)
{
    const int64_t days = local_s / SECONDS_PER_DAY - (local_s % SECONDS_PER_DAY < 0);
    const int64_t second = local_s - days * SECONDS_PER_DAY;
    /* 1970-01-01 was a Thursday, day 3. */
    const int64_t day = ((days + 3) % DAYS_PER_WEEK + DAYS_PER_WEEK) % DAYS_PER_WEEK;
    return window_covers(window, (unsigned)day, (unsigned)(second / 60));
}

/*
 * Within a day a window begins to hold, or ends, at midnight, its start or its end only. So it is
 * enough to look at those minutes of each day, for both windows.
 */
enum window_relation window_relate(const struct policy_window *a, const struct policy_window *b)
{
    const unsigned minutes[] = {0, a ? a->start_minute : 0, a ? a->end_minute : 0,
                                b ? b->start_minute : 0, b ? b->end_minute : 0};
    bool common = false, outside = false;
    for (unsigned i = 0; i < DAYS_PER_WEEK * SL_LENGTH(minutes); i++) {
        const unsigned day = i % DAYS_PER_WEEK, minute = minutes[i / DAYS_PER_WEEK];
        if (minute == MINUTES_PER_DAY || (a && !window_covers(*a, day, minute)))
            continue;
        if (!b || window_covers(*b, day, minute))
            common = true;
        else
            outside = true;
    }
    if (!common)
        return WINDOW_APART;
    return outside ? WINDOW_OVERLAPS : WINDOW_INSIDE;
}
