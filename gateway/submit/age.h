/*
 * age.h - how long something has waited for a quorum of witnesses, and what follows from that
 *
 * Pure. Measured from below: `clean_ms` is a moment at which all there was had been cosigned, so
 * nothing that still waits is older than that.
 *
 * Units   milliseconds of the monotonic clock
 */
#ifndef SLUIS_SUBMIT_AGE_H
#define SLUIS_SUBMIT_AGE_H

#include <stdbool.h>
#include <stdint.h>

struct age {
    uint64_t alarm_ms, refuse_ms; /* refuse_ms 0: never */
    int64_t clean_ms, started_ms;
    uint64_t age_ms;
    bool is_missed, refuses;
};

/*
 * `waited_ms`: how long the oldest of what waits has waited already, at most; 0 when nothing does.
 * It counts for refusing; an alarm is for witnesses that had their time to answer.
 */
void age_init(struct age *age, uint64_t alarm_ms, uint64_t refuse_ms, uint64_t waited_ms,
              int64_t now_ms);
/* All there was at `then_ms` has been cosigned. */
void age_clean(struct age *age, int64_t then_ms);
void age_update(struct age *age, int64_t now_ms);
/* When age_update() will say something else by itself; INT64_MAX: never. */
int64_t age_next_ms(const struct age *age);

#endif
