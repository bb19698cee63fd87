/*
 * allowances.c - from the consents that would contribute to the rows that count their uses
 *
 *     decide ─▶ limited? ─no──────────────────────────────▶ done
 *                  └yes─▶ look up ─▶ none used up ─────────▶ done
 *                                        └some─▶ decide without them
 */
#include "flow/allowances.h"

#include "policy/zone.h"

#include <string.h>

bool allowance_of_consent(const uint8_t subject[STORE_SUBJECT_ID_BYTES], struct slice blob,
                          size_t index, int64_t time_ms, struct store_allowance *out)
{
    struct quota quota;
    if (!quota_of_consent(blob, index, time_ms, &quota))
        return false;
    *out = (struct store_allowance){
        .owner = store_owner_of_consent(subject, quota.consent),
        .period = (uint8_t)quota.period,
        .start_s = quota.window.start_s,
        .end_s = quota.window.end_s,
        .at_most = quota.at_most,
        .n_uses = 1,
    };
    return true;
}

bool allowance_of_partner(const struct config_partner *partner, int64_t time_ms,
                          struct store_allowance *out)
{
    if (partner->at_most == 0)
        return false;
    struct quota_window window = quota_window_at(zone_utc(), partner->at_most_per, time_ms);
    *out = (struct store_allowance){
        .owner = store_owner_of_partner(partner->id),
        .period = (uint8_t)partner->at_most_per,
        .start_s = window.start_s,
        .end_s = window.end_s,
        .at_most = partner->at_most,
        .n_uses = 1,
    };
    return true;
}

bool allowance_is_same(const struct store_allowance *a, const struct store_allowance *b)
{
    return a->owner.kind == b->owner.kind && a->period == b->period && a->start_s == b->start_s &&
           memcmp(a->owner.bytes, b->owner.bytes, sizeof a->owner.bytes) == 0;
}

void allowances_add(struct store_allowance *list, size_t *n, const struct store_allowance *more)
{
    for (size_t i = 0; i < *n; i++) {
        if (allowance_is_same(&list[i], more)) {
            list[i].n_uses += more->n_uses;
            return;
        }
    }
    list[(*n)++] = *more;
}

static bool is_spent(const struct store_allowance *allowance)
{
    return allowance->n_used >= allowance->at_most;
}

/*
 * The longest that a window of the period can last. When it ends exactly would tell where on earth
 * the person is: days end at midnight there.
 */
static uint32_t longest_s(uint8_t period)
{
    static const uint32_t hour_s = 3600, day_s = 86400;
    static const uint32_t longest[N_QUOTA_PERIODS] = {[QUOTA_HOUR] = hour_s,
                                                      [QUOTA_DAY] = day_s,
                                                      [QUOTA_WEEK] = 7 * day_s,
                                                      [QUOTA_MONTH] = 31 * day_s};
    return longest[period];
}

/* Leaves out those that are used up, and says which consents they are of. */
static uint64_t take_spent(uint64_t limited, struct store_allowance *allowances, size_t *n,
                           uint32_t *waits_s)
{
    uint64_t spent = 0;
    size_t at = 0, n_left = 0;
    for (size_t i = 0; i < LIMIT_MAX_policy_consents; i++) {
        if (!(limited >> i & 1))
            continue;
        const struct store_allowance *allowance = &allowances[at++];
        const uint32_t longest = longest_s(allowance->period);
        if (is_spent(allowance)) {
            spent |= UINT64_C(1) << i;
            *waits_s = *waits_s == 0 || longest < *waits_s ? longest : *waits_s;
        } else {
            allowances[n_left++] = *allowance;
        }
    }
    *n = n_left;
    return spent;
}

enum sl_err allowances_decide(struct store_reader *reader,
                              const uint8_t subject[STORE_SUBJECT_ID_BYTES], struct slice blob,
                              struct facts *facts, struct decision *decision,
                              struct store_allowance allowances[ALLOWANCES_MAX], size_t *n,
                              uint32_t *waits_s)
{
    facts->consents_spent = 0;
    *n = 0;
    *waits_s = 0;
    decide(blob, facts, decision);
    const uint64_t limited = decision->limited;
    if (limited == 0)
        return SL_OK;
    for (size_t i = 0; i < LIMIT_MAX_policy_consents; i++)
        if (limited >> i & 1)
            *n += allowance_of_consent(subject, blob, i, facts->time_ms, &allowances[*n]);
    SL_TRY(store_uses_read(reader, allowances, *n));
    facts->consents_spent = take_spent(limited, allowances, n, waits_s);
    if (facts->consents_spent != 0)
        decide(blob, facts, decision);
    if (decision->reason != REASON_QUOTA)
        *waits_s = 0;
    return SL_OK;
}
