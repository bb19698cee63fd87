/*
 * age.c - two thresholds over one age
 */
#include "submit/age.h"

/* A hundred years: more makes no difference, and the sums stay far from their ends. */
static const uint64_t waited_ms_max = UINT64_C(100) * 366 * 86400 * 1000;

static int64_t alarm_at_ms(const struct age *age)
{
    int64_t since_ms = age->clean_ms > age->started_ms ? age->clean_ms : age->started_ms;
    return since_ms + (int64_t)age->alarm_ms;
}

void age_init(struct age *age, uint64_t alarm_ms, uint64_t refuse_ms, uint64_t waited_ms,
              int64_t now_ms)
{
    *age = (struct age){.alarm_ms = alarm_ms, .refuse_ms = refuse_ms, .started_ms = now_ms};
    age->clean_ms = now_ms - (int64_t)(waited_ms < waited_ms_max ? waited_ms : waited_ms_max);
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
    age->is_missed = now_ms >= alarm_at_ms(age);
    age->refuses = age->refuse_ms > 0 && age->age_ms >= age->refuse_ms;
}

int64_t age_next_ms(const struct age *age)
{
    int64_t next_ms = INT64_MAX;
    if (!age->is_missed)
        next_ms = alarm_at_ms(age);
    if (!age->refuses && age->refuse_ms > 0 && age->clean_ms + (int64_t)age->refuse_ms < next_ms)
        next_ms = age->clean_ms + (int64_t)age->refuse_ms;
    return next_ms;
}
