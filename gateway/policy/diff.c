/*
 * diff.c - two versions of a policy, side by side
 *
 * What counts is what a policy does, not how it is spelled: consents are compared by the classes
 * they reach, the minutes they cover, the days they run. For each aspect it is known whether the
 * new version gives more or less; a consent is "narrowed" when nothing of it gives more,
 * "widened" when nothing gives less, and "changed" otherwise.
 */
#include "policy/diff.h"

#include "base/pool.h"
#include "policy/describe.h"
#include "policy/reach.h"
#include "policy/window.h"

/* What is being compared, and what was found about one consent. */
struct comparing {
    const struct policy_document *old, *new;
    struct reached *old_reach,
        *new_reach; /* NULL when there was no memory: then all data counts as changed */
    bool wider, narrower, other;
    struct writer *details; /* "; "-separated words about one consent */
};

/* Every function below may be called with no writer, only to count. */
static void say(struct writer *writer, const char *text)
{
    if (writer)
        write_str(writer, text);
}

static void say_slice(struct writer *writer, struct slice text)
{
    if (writer)
        write_bytes(writer, text);
}

static void begin_detail(struct comparing *comparing)
{
    if (comparing->details && comparing->details->n > 0)
        write_str(comparing->details, "; ");
}

/* Notes a difference; `more` and `less` say which way, both when it can't be told. */
static void note(struct comparing *comparing, bool more, bool less)
{
    comparing->wider = comparing->wider || more;
    comparing->narrower = comparing->narrower || less;
    comparing->other = true;
    begin_detail(comparing);
}

static void say_coarse(struct writer *details, enum coarse_dimension dimension, uint32_t value)
{
    if (value == 0)
        write_str(details, "as it is");
    else
        write_coarse(details, dimension, value);
}

static void compare_dimension(struct comparing *comparing, const struct reached *old,
                              const struct reached *new, enum coarse_dimension dimension)
{
    const uint32_t was = old->coarseness.by[dimension], is = new->coarseness.by[dimension];
    if (was == is)
        return;
    note(comparing, coarse_is_finer(dimension, is, was), coarse_is_finer(dimension, was, is));
    struct writer *details = comparing->details;
    const char *key = dimension_key(dimension);
    if (!details)
        return;
    write_bytes(details, new->class->term.name);
    if (!key) { /* said by the vocabulary alone */
        write_str(details, is > 0 ? " without addresses and numbers" : " with all that it says");
        return;
    }
    write_str(details, " ");
    write_str(details, key);
    write_str(details, " ");
    say_coarse(details, dimension, is);
    write_str(details, " instead of ");
    say_coarse(details, dimension, was);
}

/* Both lists are ordered by code, so they are walked like the halves of a merge. */
static void compare_data(struct comparing *comparing, const struct policy_consent *old,
                         const struct policy_consent *new)
{
    const struct reached *was = comparing->old_reach, *is = comparing->new_reach;
    if (!was || !is) {
        note(comparing, true, true);
        say(comparing->details, "data");
        return;
    }
    const size_t n_was = consent_reach(old, comparing->old_reach);
    const size_t n_is = consent_reach(new, comparing->new_reach);
    for (size_t i = 0, j = 0; i < n_was || j < n_is;) {
        const uint32_t was_code = i < n_was ? was[i].class->term.code : UINT32_MAX;
        const uint32_t is_code = j < n_is ? is[j].class->term.code : UINT32_MAX;
        if (i < n_was && j < n_is && was_code == is_code) {
            for (unsigned k = 0; k < N_COARSE; k++)
                compare_dimension(comparing, &was[i], &is[j], (enum coarse_dimension)k);
            i++;
            j++;
        } else if (j >= n_is || (i < n_was && was_code < is_code)) {
            note(comparing, false, true);
            say(comparing->details, "without ");
            say_slice(comparing->details, was[i++].class->term.name);
        } else {
            note(comparing, true, false);
            say(comparing->details, "with ");
            say_slice(comparing->details, is[j++].class->term.name);
        }
    }
}

static bool asks_for(const struct policy_consent *consent, struct slice situation)
{
    for (size_t i = 0; i < consent->n_situations; i++) {
        if (slice_equals(consent->situations[i]->name, situation))
            return true;
    }
    return false;
}

static void compare_situations(struct comparing *comparing, const struct policy_consent *old,
                               const struct policy_consent *new)
{
    for (size_t i = 0; i < new->n_situations; i++) {
        if (asks_for(old, new->situations[i]->name))
            continue;
        note(comparing, false, true);
        say(comparing->details, "only when ");
        say_slice(comparing->details, new->situations[i]->name);
    }
    for (size_t i = 0; i < old->n_situations; i++) {
        if (asks_for(new, old->situations[i]->name))
            continue;
        note(comparing, true, false);
        say(comparing->details, "no longer only when ");
        say_slice(comparing->details, old->situations[i]->name);
    }
}

static void compare_windows(struct comparing *comparing, const struct policy_consent *old,
                            const struct policy_consent *new)
{
    const struct policy_window *was = old->has_window ? &old->window : NULL;
    const struct policy_window *is = new->has_window ? &new->window : NULL;
    const bool less = window_relate(was, is) != WINDOW_INSIDE;
    const bool more = window_relate(is, was) != WINDOW_INSIDE;
    if (!more && !less)
        return;
    note(comparing, more, less);
    if (!comparing->details)
        return;
    if (is)
        write_window(comparing->details, *is);
    else
        write_str(comparing->details, "at any time");
}

static int64_t day_or(bool has_date, struct civil_date date, int64_t otherwise)
{
    return has_date ? days_from_civil(date) : otherwise;
}

static void compare_dates(struct comparing *comparing, const struct policy_consent *old,
                          const struct policy_consent *new)
{
    const int64_t was_from = day_or(old->has_from, old->from, INT64_MIN);
    const int64_t is_from = day_or(new->has_from, new->from, INT64_MIN);
    if (was_from != is_from) {
        note(comparing, is_from<was_from, is_from> was_from);
        say(comparing->details, new->has_from ? "from " : "from the start");
        if (comparing->details && new->has_from)
            write_date(comparing->details, new->from);
    }
    const int64_t was_until = day_or(old->has_until, old->until, INT64_MAX);
    const int64_t is_until = day_or(new->has_until, new->until, INT64_MAX);
    if (was_until != is_until) {
        note(comparing, is_until > was_until, is_until < was_until);
        say(comparing->details, new->has_until ? "until " : "without an end");
        if (comparing->details && new->has_until)
            write_date(comparing->details, new->until);
    }
}

static void compare_at_most(struct comparing *comparing, const struct policy_consent *old,
                            const struct policy_consent *new)
{
    if (old->at_most == new->at_most && old->at_most_per_s == new->at_most_per_s)
        return;
    const bool has_both = old->at_most > 0 && new->at_most > 0;
    const bool other_period = has_both && old->at_most_per_s != new->at_most_per_s;
    const bool more = new->at_most == 0 || (has_both && new->at_most > old->at_most);
    note(comparing, more || other_period, !more || other_period);
    if (!comparing->details)
        return;
    if (new->at_most > 0) {
        write_str(comparing->details, "at most ");
        write_at_most(comparing->details, new->at_most, new->at_most_per_s);
    } else {
        write_str(comparing->details, "as often as asked");
    }
}

static void compare_rest(struct comparing *comparing, const struct policy_consent *old,
                         const struct policy_consent *new)
{
    SL_ASSERT(comparing->old && comparing->new); /* a consent of each, so both are there */
    if (!slice_equals(old->in_return, new->in_return)) {
        note(comparing, false, false);
        say(comparing->details, "in return: ");
        say_slice(comparing->details, new->in_return);
    }
    if (!slice_equals(comparing->old->zone, comparing->new->zone) &&
        (new->has_window || new->has_from || new->has_until)) {
        note(comparing, true, true);
        say(comparing->details, "time zone ");
        say_slice(comparing->details, comparing->new->timezone);
    }
}

static bool is_same_flow(const struct policy_consent *a, const struct policy_consent *b)
{
    return slice_equals(a->app, b->app) && slice_equals(a->partner, b->partner) &&
           slice_equals(a->purpose->name, b->purpose->name);
}

/* (waze → spotify, recommendation) */
static void say_flow(struct writer *writer, const struct policy_consent *consent)
{
    say(writer, "(");
    say_slice(writer, consent->app);
    say(writer, " → ");
    say_slice(writer, consent->partner);
    say(writer, ", ");
    say_slice(writer, consent->purpose->name);
    say(writer, ")");
}

static void say_consent(struct writer *lines, const char *what,
                        const struct policy_consent *consent)
{
    say(lines, what);
    say(lines, ": ");
    say_slice(lines, consent->id);
    say(lines, " ");
    say_flow(lines, consent);
}

static bool compare_consents(struct comparing *comparing, const struct policy_consent *old,
                             const struct policy_consent *new, struct writer *lines)
{
    uint8_t block[4096];
    struct writer details = writer_over(block, sizeof block);
    comparing->wider = comparing->narrower = comparing->other = false;
    comparing->details = lines ? &details : NULL;
    if (!is_same_flow(old, new)) {
        note(comparing, true, true);
        say(comparing->details, "was for ");
        if (lines)
            say_flow(comparing->details, old);
    }
    compare_data(comparing, old, new);
    compare_situations(comparing, old, new);
    compare_windows(comparing, old, new);
    compare_dates(comparing, old, new);
    compare_at_most(comparing, old, new);
    compare_rest(comparing, old, new);
    if (!comparing->other)
        return false;
    say_consent(lines,
                comparing->wider == comparing->narrower ? "changed"
                : comparing->wider                      ? "widened"
                                                        : "narrowed",
                new);
    say(lines, ": ");
    say_slice(lines, writer_slice(&details));
    say(lines, details.overflow ? " ...\n" : "\n");
    return true;
}

static const struct policy_consent *find_consent(const struct policy_document *policy,
                                                 struct slice id)
{
    for (size_t i = 0; policy && i < policy->n_consents; i++) {
        if (slice_equals(policy->consents[i].id, id))
            return &policy->consents[i];
    }
    return NULL;
}

static bool has_class(const struct policy_refusal *refusal, struct slice name)
{
    for (size_t i = 0; i < refusal->n_classes; i++) {
        if (slice_equals(refusal->classes[i]->term.name, name))
            return true;
    }
    return false;
}

static bool is_same_refusal(const struct policy_refusal *a, const struct policy_refusal *b,
                            bool same_zone)
{
    if (a->n_classes != b->n_classes || !slice_equals(a->app, b->app) ||
        !slice_equals(a->partner, b->partner) || !a->purpose != !b->purpose ||
        a->has_window != b->has_window || (a->has_window && !same_zone))
        return false;
    if (a->purpose && !slice_equals(a->purpose->name, b->purpose->name))
        return false;
    if (a->has_window && (window_relate(&a->window, &b->window) != WINDOW_INSIDE ||
                          window_relate(&b->window, &a->window) != WINDOW_INSIDE))
        return false;
    for (size_t i = 0; i < a->n_classes; i++) {
        if (!has_class(b, a->classes[i]->term.name))
            return false;
    }
    return true;
}

/* refused: location, location.speed (app waze, partner spotify, purpose sales, 22:00-06:00) */
static void say_refusal(struct writer *lines, const char *what,
                        const struct policy_refusal *refusal)
{
    say(lines, what);
    say(lines, refusal->n_classes == 0 ? ": everything" : ": ");
    for (size_t i = 0; i < refusal->n_classes; i++) {
        say(lines, i > 0 ? ", " : "");
        say_slice(lines, refusal->classes[i]->term.name);
    }
    const char *separator = " (";
    const struct {
        const char *name;
        struct slice value;
    } parts[] = {{"app ", refusal->app},
                 {"partner ", refusal->partner},
                 {"purpose ", refusal->purpose ? refusal->purpose->name : slice_of(NULL, 0)}};
    for (size_t i = 0; i < SL_LENGTH(parts); i++) {
        if (parts[i].value.n == 0)
            continue;
        say(lines, separator);
        say(lines, parts[i].name);
        say_slice(lines, parts[i].value);
        separator = ", ";
    }
    if (refusal->has_window && lines) {
        write_str(lines, separator);
        write_window(lines, refusal->window);
        separator = ", ";
    }
    say(lines, separator[0] == ',' ? ")\n" : "\n");
}

/* Refusals of `policy` that `other` does not have; equal ones are matched one to one. */
static uint32_t list_missing(const struct policy_document *policy,
                             const struct policy_document *other, const char *what,
                             struct writer *lines)
{
    uint64_t matched = 0;
    uint32_t n_missing = 0;
    _Static_assert(LIMIT_MAX_policy_refusals <= 64, "a set of refusals is a uint64_t");
    for (size_t i = 0; policy && i < policy->n_refusals; i++) {
        bool found = false;
        for (size_t j = 0; other && j < other->n_refusals && !found; j++) {
            found =
                !(matched >> j & 1) && is_same_refusal(&policy->refusals[i], &other->refusals[j],
                                                       slice_equals(policy->zone, other->zone));
            if (found)
                matched |= UINT64_C(1) << j;
        }
        if (found)
            continue;
        n_missing++;
        say_refusal(lines, what, &policy->refusals[i]);
    }
    return n_missing;
}

void policy_compare(const struct policy_document *old, const struct policy_document *new,
                    struct policy_change *change, struct writer *lines)
{
    struct pool scratch = {0};
    struct comparing comparing = {.old = old, .new = new};
    if (old && new) {
        const size_t n_old = vocabulary_n_classes(old->vocabulary);
        const size_t n_new = vocabulary_n_classes(new->vocabulary);
        comparing.old_reach = pool_array(&scratch, n_old, sizeof *comparing.old_reach);
        comparing.new_reach = pool_array(&scratch, n_new, sizeof *comparing.new_reach);
    }
    *change = (struct policy_change){0};
    for (size_t i = 0; old && i < old->n_consents; i++) {
        if (find_consent(new, old->consents[i].id))
            continue;
        change->withdrawn++;
        say_consent(lines, "withdrawn", &old->consents[i]);
        say(lines, "\n");
    }
    for (size_t i = 0; new &&i < new->n_consents; i++) {
        const struct policy_consent *before = find_consent(old, new->consents[i].id);
        if (before) {
            change->changed += compare_consents(&comparing, before, &new->consents[i], lines);
            continue;
        }
        change->granted++;
        say_consent(lines, "granted", &new->consents[i]);
        say(lines, "\n");
    }
    change->refusals_added = list_missing(new, old, "refused", lines);
    change->refusals_removed = list_missing(old, new, "no longer refused", lines);
    pool_deinit(&scratch);
}
