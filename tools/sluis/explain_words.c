/*
 * explain_words.c - the words of `sluis policy explain`
 *
 * The instants come from the same zone rules that the compiled policy holds, so what is said here
 * about "from" and "until" is what decide() compares with.
 */
#include "explain_words.h"

#include "policy/describe.h"

#include <stdio.h>

const char *reason_words(enum reason reason)
{
    static const char *const words[N_REASONS] = {
        [REASON_CONSENTED] = "at least one consent covers this",
        [REASON_NO_CONSENT] = "no consent names this app, this partner and this purpose",
        [REASON_NOT_YET] = "the consent begins later",
        [REASON_EXPIRED] = "the consent has ended",
        [REASON_OUTSIDE_HOURS] = "the consent holds on other days or hours",
        [REASON_SITUATION] = "the consent needs a situation that is not known to hold",
        [REASON_QUOTA] = "the consent's `at_most` is used up",
        [REASON_BUDGET] = "the `at_most` of the partner's contract is used up",
        [REASON_REFUSED] = "the policy refuses all that its consents would grant here",
        [REASON_NOT_COVERED] = "the consents cover none of this route's data classes",
        [REASON_PURPOSE] = "the partner's contract does not hold this purpose",
    };
    return words[reason] ? words[reason] : "not a decision of the policy";
}

const char *verdict_name(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_OTHER_FLOW] = "other_flow",   [VERDICT_NOT_YET] = "not_yet",
        [VERDICT_EXPIRED] = "expired",         [VERDICT_OUTSIDE_HOURS] = "outside_hours",
        [VERDICT_SITUATION] = "situation",     [VERDICT_QUOTA] = "quota",
        [VERDICT_NOT_COVERED] = "not_covered", [VERDICT_CONTRIBUTES] = "contributes",
    };
    SL_ASSERT((unsigned)verdict < SL_LENGTH(names));
    return names[verdict];
}

void write_plan_entry(struct writer *writer, const struct plan_entry *entry)
{
    switch (entry->action) {
    case ACTION_DROP:
        write_str(writer, "dropped");
        return;
    case ACTION_KEEP:
        write_str(writer, "kept as it is");
        return;
    case ACTION_COARSEN:
        break;
    }
    write_str(writer, "coarsened to ");
    write_coarseness_words(writer, entry->coarseness);
}

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

void write_local_time(struct writer *writer, const struct policy_clock *clock, int64_t time_ms)
{
    int64_t utc_s = time_ms >= 0 ? time_ms / 1000 : -((-time_ms + 999) / 1000);
    int64_t local_s = zone_local_s(clock->zone, utc_s);
    int64_t day = local_s >= 0 ? local_s / 86400 : -((-local_s + 86399) / 86400);
    unsigned second = (unsigned)(local_s - day * 86400);
    struct civil_date date = civil_from_days(day);
    /* 1970-01-01 was a Thursday. */
    unsigned weekday = (unsigned)(((day + 3) % 7 + 7) % 7);
    char text[64];
    snprintf(text, sizeof text, "%s %04d-%02u-%02u %02u:%02u:%02u", day_names[weekday],
             (int)date.year, date.month, date.day, second / 3600, second / 60 % 60, second % 60);
    write_str(writer, text);
}

int64_t date_start_ms(const struct policy_clock *clock, struct civil_date date)
{
    return 1000 * zone_day_start_s(clock->zone, date);
}

void write_date_start(struct writer *writer, const struct policy_clock *clock,
                      struct civil_date date)
{
    write_local_time(writer, clock, date_start_ms(clock, date));
    write_str(writer, " in ");
    write_bytes(writer, clock->name);
    write_str(writer, " (");
    write_timestamp_s(writer, date_start_ms(clock, date));
    write_str(writer, ")");
}

static void write_other_flow(struct writer *writer, const struct policy_consent *consent,
                             const struct facts *facts)
{
    const struct {
        const char *what;
        bool differs;
        struct slice name;
    } parts[] = {
        {"app", !slice_equals(consent->app, facts->app), consent->app},
        {"partner", !slice_equals(consent->partner, facts->partner), consent->partner},
        {"purpose", consent->purpose->code != facts->purpose, consent->purpose->name},
    };
    write_str(writer, "is for another ");
    const char *comma = "";
    for (size_t i = 0; i < SL_LENGTH(parts); i++) {
        if (!parts[i].differs)
            continue;
        write_str(writer, comma);
        write_str(writer, parts[i].what);
        write_str(writer, ": ");
        write_bytes(writer, parts[i].name);
        comma = ", ";
    }
}

static void write_situations(struct writer *writer, const struct policy_consent *consent)
{
    for (size_t i = 0; i < consent->n_situations; i++) {
        write_str(writer, i > 0 ? ", " : "");
        write_bytes(writer, consent->situations[i]->name);
    }
}

uint32_t allowance_left(const struct store_allowance *uses)
{
    return uses->n_used < uses->at_most ? uses->at_most - uses->n_used : 0;
}

void write_uses(struct writer *writer, const struct store_allowance *uses)
{
    write_decimal(writer, uses->n_used);
    write_str(writer, " of ");
    write_decimal(writer, uses->at_most);
    write_str(writer, " per ");
    write_str(writer, quota_period_name((enum quota_period)uses->period));
    write_str(writer, " used, ");
    write_decimal(writer, allowance_left(uses));
    write_str(writer, " left until ");
    write_timestamp_s(writer, 1000 * uses->end_s);
}

void write_verdict(struct writer *writer, const struct policy_clock *clock,
                   const struct policy_consent *consent, const struct facts *facts,
                   enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_OTHER_FLOW:
        write_other_flow(writer, consent, facts);
        return;
    case VERDICT_NOT_YET:
        write_str(writer, "begins on ");
        write_date_start(writer, clock, consent->from);
        return;
    case VERDICT_EXPIRED:
        write_str(writer, "ended on ");
        write_date_start(writer, clock, consent->until);
        return;
    case VERDICT_OUTSIDE_HOURS:
        write_str(writer, "holds ");
        write_window(writer, consent->window);
        write_str(writer, " in ");
        write_bytes(writer, clock->name);
        write_str(writer, ", where it is ");
        write_local_time(writer, clock, facts->time_ms);
        return;
    case VERDICT_SITUATION:
        write_str(writer, "needs to know that this holds: ");
        write_situations(writer, consent);
        write_str(writer, "; apps can't tell that yet, so it does not apply");
        return;
    case VERDICT_QUOTA:
        write_str(writer, "holds at most ");
        write_at_most(writer, consent->at_most, consent->at_most_per_s);
        return;
    case VERDICT_NOT_COVERED:
        write_str(writer, "grants none of the data that this route carries, or the policy "
                          "refuses all of it now");
        return;
    case VERDICT_CONTRIBUTES:
        write_str(writer, "applies");
        break;
    }
    if (consent->has_until) {
        write_str(writer, ", until ");
        write_date_start(writer, clock, consent->until);
    }
}
