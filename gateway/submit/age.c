/*
 * age.c - two thresholds over one age
 */
#include "submit/age.h"

void age_init(struct age *age, uint64_t alarm_ms, uint64_t refuse_ms, uint64_t waited_ms,
              int64_t now_ms)
{
    *age = (struct age){.alarm_ms = alarm_ms, .refuse_ms = refuse_ms};
    /* Longer makes no difference, and can't overflow. */
    uint64_t cap_ms = alarm_ms > refuse_ms ? alarm_ms : refuse_ms;
    age->clean_ms = now_ms - (int64_t)(waited_ms < cap_ms ? waited_ms : cap_ms);
    age_update(age, now_ms);
}

void age_clean(struct age *age, int64_t then_ms)
{
    if (then_ms > age->clean_ms)
        age->clean_ms = then_ms;
}

void age_update(struct age *age, int64_t now_ms)
{
    age->age_ms = now_ms > age->clean_ms ? (uint64_t)(now_ms - age->clean_ms) : 0;
    age->is_missed = age->age_ms >= age->alarm_ms;
    age->refuses = age->refuse_ms > 0 && age->age_ms >= age->refuse_ms;
}

int64_t age_next_ms(const struct age *age)
{
    int64_t next_ms = INT64_MAX;
    if (!age->is_missed)
        next_ms = age->clean_ms + (int64_t)age->alarm_ms;
    if (!age->refuses && age->refuse_ms > 0 && age->clean_ms + (int64_t)age->refuse_ms < next_ms)
        next_ms = age->clean_ms + (int64_t)age->refuse_ms;
    return next_ms;
}
