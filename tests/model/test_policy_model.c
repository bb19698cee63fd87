/*
 * test_policy_model.c - random policies, random flows: decide() against the naive twin
 *
 * Local time comes from decide()'s own zone bytes on one side and from the C library, with TZ
 * set, on the other; half of the instants lie around changes of the clock. The seed is printed;
 * SLUIS_SEED sets it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/vocabulary_default.h"
#include "policy/zone.h"
#include "policy_model.h"

enum { N_POLICIES = 2500, N_FLOWS = 48, N_CHANGES_MAX = 64 };

static const char *const zones[] = {"Europe/Amsterdam",
                                    "America/New_York",
                                    "Australia/Lord_Howe",
                                    "Asia/Kathmandu",
                                    "Africa/Casablanca",
                                    "Europe/Dublin",
                                    "UTC",
                                    "America/Santiago",
                                    "Pacific/Chatham"};
static const char *const names[] = {"location",        "location.speed",  "location.place",
                                    "listening.track", "listening.album", "listening.artist",
                                    "listening.genre", "purchase.item",   "purchase.category",
                                    "run.route",       "profile.email",   "usage.hours"};
static const char *const apps[] = {"waze", "nike"};
static const char *const partners[] = {"spotify", "waze"};
static const char *const purposes[] = {"recommendation", "sales"};
static const char *const situations[] = {"driving", "running", "at_home"};

static struct vocabulary *vocabulary;
static struct yaml_problems problems;
static uint64_t seed;

static uint64_t next_random(void)
{
    seed += 0x9e3779b97f4a7c15; /* SplitMix64 */
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned below(unsigned n)
{
    return (unsigned)(next_random() % n);
}

#define PICK(list) ((list)[below((unsigned)SL_LENGTH(list))])

/* The instants at which the C library's clock for the zone of TZ jumps, in some years. */
static size_t find_changes(int64_t *changes)
{
    static const int years[] = {2025, 2026, 2027, 2036, 2037, 2038, 2039, 2071};
    size_t n = 0;
    for (size_t i = 0; i < SL_LENGTH(years); i++) {
        time_t start = (time_t)days_from_civil((struct civil_date){years[i], 1, 1}) * 86400;
        long before = 0;
        for (time_t t = start; t < start + 366 * 86400L; t += 900) {
            struct tm local;
            localtime_r(&t, &local);
            if (t > start && local.tm_gmtoff != before && n < N_CHANGES_MAX)
                changes[n++] = t;
            before = local.tm_gmtoff;
        }
    }
    return n;
}

static void write_window_yaml(char *out, size_t cap)
{
    static const char *const days[] = {"mon", "tue-thu", "fri-mon", "sat, sun", "mon-sun"};
    static const char *const hours[] = {"02:00-03:00", "22:00-06:00", "00:00-24:00", "06:30-20:15",
                                        "12:00-12:00", "23:59-24:00", "01:00-02:30"};
    switch (below(3)) {
    case 0:
        snprintf(out, cap, "{days: [%s]}", PICK(days));
        break;
    case 1:
        snprintf(out, cap, "{hours: \"%s\"}", PICK(hours));
        break;
    default:
        snprintf(out, cap, "{days: [%s], hours: \"%s\"}", PICK(days), PICK(hours));
    }
}

static size_t write_grants_yaml(char *out, size_t cap)
{
    size_t n = 0;
    unsigned first = below(SL_LENGTH(names));
    for (unsigned i = 0, count = 1 + below(4); i < count; i++) {
        const char *name = names[(first + i) % SL_LENGTH(names)];
        const struct vocabulary_class *class =
            vocabulary_class_find(vocabulary, slice_of_str(name));
        n += (size_t)snprintf(out + n, cap - n, "%s: {", name);
        if ((class->dimensions & DIMENSION_PRECISION) && below(2))
            n += (size_t)snprintf(out + n, cap - n, "precision: %um, ", 1 + below(9999));
        if ((class->dimensions & DIMENSION_TIME) && below(2))
            n += (size_t)snprintf(out + n, cap - n, "time: %umin, ", 1 + below(999));
        if ((class->dimensions & DIMENSION_CUT) && below(2))
            n += (size_t)snprintf(out + n, cap - n, "cut: %um, ", 1 + below(9999));
        if ((class->dimensions & DIMENSION_BUCKET) && below(2))
            n += (size_t)snprintf(out + n, cap - n, "bucket: %u.%u, ", below(99), 1 + below(9));
        if ((class->dimensions & DIMENSION_TOP) && below(2))
            n += (size_t)snprintf(out + n, cap - n, "top: %u, ", 1 + below(9));
        if (class->coarser && below(2)) {
            const struct vocabulary_class *detail = class->coarser;
            while (detail->coarser && below(2))
                detail = detail->coarser;
            n +=
                (size_t)snprintf(out + n, cap - n, "detail: %.*s", SLICE_PRINTF(detail->term.name));
        }
        n += (size_t)snprintf(out + n, cap - n, "}, ");
    }
    return n;
}

static size_t write_consent_yaml(char *out, size_t cap, unsigned index)
{
    size_t n = (size_t)snprintf(out, cap,
                                "  - {id: c%u, app: %s, partner: %s, purpose: %s, "
                                "in_return: thing %u, data: {",
                                index, PICK(apps), PICK(partners), PICK(purposes), index);
    n += write_grants_yaml(out + n, cap - n);
    n += (size_t)snprintf(out + n, cap - n, "}");
    if (below(3) == 0) {
        char window[128];
        write_window_yaml(window, sizeof window);
        n += (size_t)snprintf(out + n, cap - n, ", when: %s", window);
    }
    if (below(4) == 0)
        n += (size_t)snprintf(out + n, cap - n, ", situation: [%s]", PICK(situations));
    else if (below(6) == 0)
        n += (size_t)snprintf(out + n, cap - n, ", situation: [driving, at_home]");
    unsigned year = 2025 + below(3);
    if (below(4) == 0)
        n += (size_t)snprintf(out + n, cap - n, ", from: %u-%02u-%02u", year, 1 + below(12),
                              1 + below(28));
    if (below(4) == 0)
        n += (size_t)snprintf(out + n, cap - n, ", until: %u-%02u-%02u", year + 1, 1 + below(12),
                              1 + below(28));
    if (below(6) == 0)
        n += (size_t)snprintf(out + n, cap - n, ", at_most: 3 per day");
    return n + (size_t)snprintf(out + n, cap - n, "}\n");
}

static size_t write_refusal_yaml(char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "  - {");
    if (below(6) != 0)
        n += (size_t)snprintf(out + n, cap - n, "data: [%s], ", PICK(names));
    if (below(3) == 0)
        n += (size_t)snprintf(out + n, cap - n, "app: %s, ", PICK(apps));
    if (below(3) == 0)
        n += (size_t)snprintf(out + n, cap - n, "partner: %s, ", PICK(partners));
    if (below(3) == 0)
        n += (size_t)snprintf(out + n, cap - n, "purpose: %s, ", PICK(purposes));
    if (below(2) == 0) {
        char window[128];
        write_window_yaml(window, sizeof window);
        n += (size_t)snprintf(out + n, cap - n, "when: %s", window);
    }
    return n + (size_t)snprintf(out + n, cap - n, "}\n");
}

static void write_policy_yaml(char *out, size_t cap, const char *zone)
{
    size_t n =
        (size_t)snprintf(out, cap, "sluis: 1\nsubject: lotte\ntimezone: %s\nconsents:\n", zone);
    for (unsigned i = 0, count = 1 + below(6); i < count; i++)
        n += write_consent_yaml(out + n, cap - n, i);
    n += (size_t)snprintf(out + n, cap - n, "refuse:\n");
    for (unsigned i = 0, count = 1 + below(3); i < count; i++)
        n += write_refusal_yaml(out + n, cap - n);
    assert_true(n < cap);
}

/* A flow in codes for decide(), and the same in names for the model. */
struct flow {
    struct facts facts;
    struct model_facts model;
    uint32_t class_codes[LIMIT_MAX_route_classes];
    const struct vocabulary_class *classes[LIMIT_MAX_route_classes];
    uint32_t situation_codes[SL_LENGTH(situations)];
    const struct vocabulary_term *situations[SL_LENGTH(situations)];
};

static int64_t random_time_s(const int64_t *changes, size_t n_changes)
{
    if (n_changes > 0 && below(2))
        return changes[below((unsigned)n_changes)] + (int64_t)below(2 * 86400) - 86400;
    /* 2025 to 2030, or to 2100 */
    return 1735689600 + (int64_t)(next_random() % (below(4) ? 157766400 : 2366841600));
}

static void fill_clock(struct model_clock *clock, int64_t time_s)
{
    time_t t = (time_t)time_s;
    struct tm local;
    localtime_r(&t, &local);
    clock->date = (struct civil_date){local.tm_year + 1900, (uint8_t)(local.tm_mon + 1),
                                      (uint8_t)local.tm_mday};
    clock->weekday = (unsigned)(local.tm_wday + 6) % 7;
    clock->minute = (unsigned)(local.tm_hour * 60 + local.tm_min);
}

static void fill_flow(struct flow *flow, int64_t time_s)
{
    *flow = (struct flow){0};
    flow->model.app = flow->facts.app = slice_of_str(PICK(apps));
    flow->model.partner = flow->facts.partner = slice_of_str(PICK(partners));
    flow->model.purpose = slice_of_str(PICK(purposes));
    flow->facts.purpose = vocabulary_code(flow->model.purpose);
    flow->facts.time_ms = time_s * 1000 + (int64_t)below(1000);
    fill_clock(&flow->model.clock, time_s);
    size_t n = 0;
    for (size_t i = 0; i < SL_LENGTH(names); i++) {
        if (below(3) == 0)
            continue;
        flow->classes[n] = vocabulary_class_find(vocabulary, slice_of_str(names[i]));
        flow->class_codes[n] = flow->classes[n]->term.code;
        n++;
    }
    flow->facts.n_classes = flow->model.n_classes = n;
    flow->facts.classes = flow->class_codes;
    flow->model.classes = flow->classes;
    n = 0;
    for (size_t i = 0; i < SL_LENGTH(situations); i++) {
        if (below(3) == 0)
            continue;
        flow->situations[n] = vocabulary_situation_find(vocabulary, slice_of_str(situations[i]));
        flow->situation_codes[n] = flow->situations[n]->code;
        n++;
    }
    flow->facts.n_situations = flow->model.n_situations = n;
    flow->facts.situations = flow->situation_codes;
    flow->model.situations = flow->situations;
    flow->facts.consents_spent = flow->model.consents_spent = next_random();
}

static bool is_same_decision(const struct decision *a, const struct decision *b)
{
    if (a->effect != b->effect || a->reason != b->reason || a->n_entries != b->n_entries ||
        a->time_s != b->time_s || a->consents != b->consents || a->limited != b->limited ||
        a->situations != b->situations || !slice_equals(a->benefit, b->benefit))
        return false;
    for (size_t i = 0; i < a->n_entries; i++) {
        if (a->entries[i].action != b->entries[i].action ||
            !coarseness_equals(a->entries[i].coarseness, b->entries[i].coarseness))
            return false;
    }
    return true;
}

/* All that a policy here can ask for. */
static uint32_t every_situation[SL_LENGTH(situations)];

static void compare_flow(const struct policy_document *policy, struct slice blob, const char *yaml,
                         const struct flow *flow, size_t *n_released)
{
    struct decision decision, expected;
    decide(blob, &flow->facts, &decision);
    model_decide(policy, &flow->model, &expected);
    if (!is_same_decision(&decision, &expected))
        fail_msg("at %lld ms: %s, the model says %s\n%s", (long long)flow->facts.time_ms,
                 reason_name(decision.reason), reason_name(expected.reason), yaml);
    struct facts all = flow->facts;
    all.situations = every_situation;
    all.n_situations = SL_LENGTH(every_situation);
    decide(blob, &all, &decision);
    assert_int_equal(decide_could_release(blob, &flow->facts), decision.effect == EFFECT_RELEASE);
    if (!decide_asks_situations(blob, &flow->facts)) {
        struct facts without = flow->facts;
        without.n_situations = 0;
        decide(blob, &without, &decision);
        assert_true(is_same_decision(&decision, &expected));
    }
    for (size_t i = 0; i < policy->n_consents; i++)
        assert_int_equal(decide_consent(blob, &flow->facts, i) == VERDICT_CONTRIBUTES,
                         expected.consents >> i & 1);
    for (size_t i = 0; i < flow->model.n_classes; i++)
        assert_int_equal(decide_is_refused(blob, &flow->facts, flow->class_codes[i]),
                         model_is_refused(policy, &flow->model, flow->classes[i]));
    *n_released += decision.effect == EFFECT_RELEASE;
}

static void decisions_are_those_of_the_model(void **state)
{
    (void)state;
    static char yaml[16384];
    static uint8_t block[POLICY_BLOB_BYTES_MAX];
    size_t n_released = 0;
    for (size_t z = 0; z < SL_LENGTH(zones); z++) {
        assert_int_equal(setenv("TZ", zones[z], 1), 0);
        tzset();
        int64_t changes[N_CHANGES_MAX];
        const size_t n_changes = find_changes(changes);
        for (unsigned i = 0; i < N_POLICIES / SL_LENGTH(zones); i++) {
            write_policy_yaml(yaml, sizeof yaml, zones[z]);
            SL_AUTO(policy_document) policy = NULL;
            enum sl_err err = policy_load(slice_of_str(yaml), vocabulary, &problems, &policy);
            if (err != SL_OK) {
                yaml_problems_sort(&problems);
                fail_msg("%s\n%s", problems.list[0].text, yaml);
            }
            yaml_problems_deinit(&problems);
            struct writer writer = writer_over(block, sizeof block);
            assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
            for (unsigned j = 0; j < N_FLOWS; j++) {
                struct flow flow;
                fill_flow(&flow, random_time_s(changes, n_changes));
                compare_flow(policy, writer_slice(&writer), yaml, &flow, &n_released);
            }
        }
    }
    /* a model that refuses everything would agree with anything that does */
    assert_true(n_released > N_POLICIES);
}

/* Every quarter of an hour around every change, and a walk through 75 years. */
static void local_clock_is_that_of_the_c_library(void **state)
{
    (void)state;
    for (size_t z = 0; z < SL_LENGTH(zones); z++) {
        assert_int_equal(setenv("TZ", zones[z], 1), 0);
        tzset();
        char yaml[128];
        snprintf(yaml, sizeof yaml, "sluis: 1\nsubject: a\ntimezone: %s\n", zones[z]);
        SL_AUTO(policy_document) policy = NULL;
        assert_int_equal(policy_load(slice_of_str(yaml), vocabulary, &problems, &policy), SL_OK);
        int64_t changes[N_CHANGES_MAX];
        const size_t n_changes = find_changes(changes);
        assert_true(n_changes > 0 || !strcmp(zones[z], "UTC") ||
                    !strcmp(zones[z], "Asia/Kathmandu"));
        for (size_t i = 0; i < n_changes * 400 + 100000; i++) {
            time_t t = i < n_changes * 400
                           ? (time_t)(changes[i / 400] - 3600 + (int64_t)(i % 400) * 18)
                           : (time_t)(1735689600 + (int64_t)(i - n_changes * 400) * 23669);
            struct tm local;
            localtime_r(&t, &local);
            if (zone_local_s(policy->zone, t) != t + local.tm_gmtoff)
                fail_msg("%s at %lld: %lld, the C library says %ld", zones[z], (long long)t,
                         (long long)(zone_local_s(policy->zone, t) - t), local.tm_gmtoff);
        }
    }
}

int main(void)
{
    const char *given = getenv("SLUIS_SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)clock_now_ms();
    printf("SLUIS_SEED=%llu\n", (unsigned long long)seed);
    yaml_problems_init(&problems, "model.yaml");
    if (vocabulary_load(vocabulary_default_text(), &problems, &vocabulary) != SL_OK)
        return 1;
    for (size_t i = 0; i < SL_LENGTH(situations); i++)
        every_situation[i] = vocabulary_code(slice_of_str(situations[i]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_those_of_the_model),
        cmocka_unit_test(local_clock_is_that_of_the_c_library),
    };
    int n_failed = cmocka_run_group_tests(tests, NULL, NULL);
    yaml_problems_deinit(&problems);
    vocabulary_free(vocabulary);
    return n_failed;
}
