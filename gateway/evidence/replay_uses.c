/*
 * replay_uses.c - counts the releases under each consent with `at_most`, window by window
 *
 * A release says in its basis which consents it rests on, so whoever has the evidence can count
 * as the gateway had to. More than the consent allows in one window is a difference. Fewer is none:
 * a gateway that was killed may have counted a flow that it did not get to record.
 *
 * Receipts come in the order in which they were recorded, and their times are seconds apart at the
 * most; so two windows of each consent are enough.
 */
#include "evidence/replay_parts.h"

#include <stdlib.h>

struct replay_use {
    struct slice consent;
    enum quota_period period;
    struct {
        int64_t start_s;
        uint32_t n;
    } windows[2]; /* the newest first */
};

static struct replay_use *find(struct replay_subject *subject, const struct quota *quota)
{
    for (size_t i = 0; i < subject->n_uses; i++) {
        struct replay_use *use = &subject->uses[i];
        if (use->period == quota->period && slice_equals(use->consent, quota->consent))
            return use;
    }
    return NULL;
}

static struct replay_use *add(struct replay_subject *subject, const struct quota *quota)
{
    struct replay_use *grown =
        realloc(subject->uses, (subject->n_uses + 1) * sizeof *subject->uses);
    if (!grown)
        return NULL;
    subject->uses = grown;
    struct replay_use *use = &grown[subject->n_uses++];
    *use = (struct replay_use){.consent = quota->consent, .period = quota->period};
    use->windows[0].start_s = use->windows[1].start_s = quota->window.start_s;
    return use;
}

static uint32_t n_used(struct replay_subject *subject, const struct quota *quota)
{
    const struct replay_use *use = find(subject, quota);
    for (size_t i = 0; use && i < SL_LENGTH(use->windows); i++) {
        if (use->windows[i].start_s == quota->window.start_s)
            return use->windows[i].n;
    }
    return 0;
}

uint64_t replay_spent(const struct replay *replay, size_t subject, struct slice blob,
                      uint64_t limited, int64_t time_ms)
{
    uint64_t spent = 0;
    for (size_t i = 0; i < LIMIT_MAX_policy_consents; i++) {
        struct quota quota;
        if (limited >> i & 1 && quota_of_consent(blob, i, time_ms, &quota) &&
            n_used(&replay->subjects[subject], &quota) >= quota.at_most)
            spent |= UINT64_C(1) << i;
    }
    return spent;
}

static void tell_exceeded(struct replay *replay, const struct replay_at *at, uint64_t version,
                          const struct quota *quota, uint32_t n)
{
    char block[2 * TIMESTAMP_BYTES];
    struct writer writer = writer_over(block, sizeof block);
    write_timestamp_s(&writer, quota->window.start_s * 1000);
    write_str(&writer, " to ");
    write_timestamp_s(&writer, quota->window.end_s * 1000);
    replay_say(&replay->expected, "at most %u per %s under consent %.*s", quota->at_most,
               quota_period_name(quota->period), SLICE_PRINTF(quota->consent));
    replay_say(&replay->found, "release %u from %.*s", n, SLICE_PRINTF(writer_slice(&writer)));
    replay_tell(replay, REPLAY_QUOTA, at, version);
}

enum sl_err replay_use(struct replay *replay, const struct replay_at *at, struct slice blob,
                       uint64_t version, uint64_t limited)
{
    struct replay_subject *subject = &replay->subjects[at->subject];
    for (size_t i = 0; i < LIMIT_MAX_policy_consents; i++) {
        struct quota quota;
        if (!(limited >> i & 1) || !quota_of_consent(blob, i, at->leaf->time_ms, &quota))
            continue;
        struct replay_use *use = find(subject, &quota);
        if (!use && !(use = add(subject, &quota)))
            return SL_EINTERNAL;
        const int64_t start_s = quota.window.start_s;
        size_t window = start_s != use->windows[0].start_s && start_s == use->windows[1].start_s;
        if (start_s != use->windows[window].start_s) {
            use->windows[1] = use->windows[0];
            use->windows[0].start_s = start_s;
            use->windows[0].n = 0;
        }
        if (++use->windows[window].n > quota.at_most)
            tell_exceeded(replay, at, version, &quota, use->windows[window].n);
    }
    return SL_OK;
}
