/*
 * test_decide.c - the decision, case by case; random policies are for the model test
 */
#include "help.h"

static uint8_t block[POLICY_BLOB_BYTES_MAX];
static uint32_t classes[LIMIT_MAX_route_classes];
static uint32_t situations[4];

static struct slice compile(const char *yaml)
{
    struct policy_document *policy = load(yaml);
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(policy_compile(policy, &problems, &writer), SL_OK);
    policy_free(policy);
    return writer_slice(&writer);
}

/* waze to spotify, recommendation, Tuesday 2026-11-03 11:00 in Amsterdam; for up to 4 classes. */
static struct facts facts_for(const char *a, const char *b, const char *c, const char *d)
{
    const char *const names[] = {a, b, c, d};
    size_t n = 0;
    for (; n < 4 && names[n]; n++)
        classes[n] = code(names[n]);
    return (struct facts){.time_ms = instant("2026-11-03T10:00:00Z"),
                          .partner = slice_of_str("spotify"),
                          .app = slice_of_str("waze"),
                          .purpose = code("recommendation"),
                          .n_classes = n,
                          .classes = classes,
                          .situations = situations};
}

static struct decision decided(struct slice blob, const struct facts *facts)
{
    struct decision decision;
    memset(&decision, 0xee, sizeof decision);
    decide(blob, facts, &decision);
    assert_int_equal(decision.n_entries, facts->n_classes);
    if (decision.effect == EFFECT_REFUSE) {
        for (size_t i = 0; i < decision.n_entries; i++)
            assert_int_equal(decision.entries[i].action, ACTION_DROP);
        assert_int_equal(decision.consents, 0);
        assert_int_equal(decision.time_s, 0);
        assert_int_equal(decision.benefit.n, 0);
        assert_int_not_equal(decision.reason, REASON_CONSENTED);
    } else {
        assert_int_equal(decision.reason, REASON_CONSENTED);
    }
    return decision;
}

static void assert_reason(struct slice blob, const struct facts *facts, enum reason reason)
{
    struct decision decision = decided(blob, facts);
    if (decision.reason != reason)
        fail_msg("%s, not %s", reason_name(decision.reason), reason_name(reason));
}

#define FLOW "app: waze, partner: spotify, purpose: recommendation, in_return: Music, "

static void granted_class_is_kept_and_all_others_are_dropped(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}}]\n");
    struct facts facts = facts_for("location.speed", "location", "listening.genre", NULL);
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.effect, EFFECT_RELEASE);
    assert_int_equal(decision.entries[0].action, ACTION_DROP);
    assert_int_equal(decision.entries[1].action, ACTION_KEEP);
    assert_int_equal(decision.entries[2].action, ACTION_DROP);
    assert_int_equal(decision.consents, 1);
    assert_true(slice_equals_str(decision.benefit, "Music"));
    assert_true(decision.benefit.p >= blob.p && decision.benefit.p < blob.p + blob.n);
}

static void granted_dimensions_coarsen(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {precision: 5km, "
                                     "time: 15min}, location.speed: {time: 1h}, "
                                     "location.heading: {}}}]\n");
    struct facts facts = facts_for("location", "location.speed", "location.heading", NULL);
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.entries[0].action, ACTION_COARSEN);
    assert_int_equal(decision.entries[0].coarseness.by[COARSE_PRECISION], 5000);
    assert_int_equal(decision.entries[0].coarseness.by[COARSE_TIME], 900);
    assert_int_equal(decision.entries[1].action, ACTION_COARSEN);
    assert_int_equal(decision.entries[1].coarseness.by[COARSE_PRECISION], 0);
    assert_int_equal(decision.entries[1].coarseness.by[COARSE_TIME], 3600);
    assert_int_equal(decision.entries[2].action, ACTION_KEEP);
    assert_int_equal(decision.time_s, 3600); /* times in the answer are as coarse as the coarsest */
}

static void nobody_and_another_flow_have_no_consent(void **state)
{
    (void)state;
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    assert_reason(policy_blob_empty(), &facts, REASON_NO_CONSENT);
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}}]\n"
                                     "refuse: [{data: [location]}]\n");
    facts.app = slice_of_str("wazes");
    assert_reason(blob, &facts, REASON_NO_CONSENT); /* whatever is refused */
    facts = facts_for("location", NULL, NULL, NULL);
    facts.partner = slice_of_str("spotif");
    assert_reason(blob, &facts, REASON_NO_CONSENT);
    facts = facts_for("location", NULL, NULL, NULL);
    facts.purpose = code("marketing");
    assert_reason(blob, &facts, REASON_NO_CONSENT);
}

static void consent_holds_from_its_first_day_to_before_its_last(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}, "
                                     "from: 2026-11-01, until: 2027-05-01}]\n");
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    facts.time_ms = instant("2026-10-31T22:59:59.999Z");
    assert_reason(blob, &facts, REASON_NOT_YET);
    facts.time_ms = instant("2026-10-31T23:00:00Z");
    assert_reason(blob, &facts, REASON_CONSENTED);
    facts.time_ms = instant("2027-04-30T21:59:59.999Z");
    assert_reason(blob, &facts, REASON_CONSENTED);
    facts.time_ms = instant("2027-04-30T22:00:00Z");
    assert_reason(blob, &facts, REASON_EXPIRED);
}

static void window_follows_the_wall_clock_through_daylight_saving(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}, "
                                     "when: {hours: \"02:00-03:00\"}}]\n");
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    /* the last Sunday of March has no such hour */
    for (int minute = -60; minute < 120; minute++) {
        facts.time_ms = instant("2026-03-29T01:00:00Z") + minute * 60000;
        assert_reason(blob, &facts, REASON_OUTSIDE_HOURS);
    }
    /* the last of October has it twice */
    size_t n_open = 0;
    for (int minute = -120; minute < 180; minute++) {
        facts.time_ms = instant("2026-10-25T01:00:00Z") + minute * 60000;
        n_open += decided(blob, &facts).effect == EFFECT_RELEASE;
    }
    assert_int_equal(n_open, 120);
}

static void days_are_those_of_the_subject(void **state)
{
    (void)state;
    struct slice blob = compile("sluis: 1\nsubject: a\ntimezone: Pacific/Auckland\n"
                                "consents: [{id: a, " FLOW "data: {location: {}}, "
                                "when: {days: [wed]}}]\n");
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    facts.time_ms = instant("2026-11-03T10:59:59.999Z");
    assert_reason(blob, &facts, REASON_OUTSIDE_HOURS);
    facts.time_ms = instant("2026-11-03T11:00:00Z");
    assert_reason(blob, &facts, REASON_CONSENTED);
}

static void every_listed_situation_must_be_known_to_hold(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}, "
                                     "situation: [driving, match_day]}]\n");
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    assert_reason(blob, &facts, REASON_SITUATION);
    situations[0] = code("driving");
    facts.n_situations = 1;
    assert_reason(blob, &facts, REASON_SITUATION);
    situations[1] = code("riding");
    situations[2] = code("match_day");
    facts.n_situations = 3;
    assert_reason(blob, &facts, REASON_CONSENTED);
}

static void only_situations_that_a_consent_gets_to_ask_for_are_told(void **state)
{
    (void)state;
    struct slice blob = compile(
        HEAD "consents:\n"
             "  - {id: a, " FLOW "data: {location: {}}, situation: [driving, match_day]}\n"
             "  - {id: b, " FLOW "data: {location: {}}, situation: [running], until: 2020-01-01}\n"
             "  - {id: c, app: waze, partner: spotify, purpose: marketing, in_return: x, "
             "data: {location: {}}, situation: [cycling]}\n");
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    situations[0] = code("cycling");
    situations[1] = code("driving");
    situations[2] = code("match_day");
    situations[3] = code("running");
    facts.n_situations = 4;
    assert_int_equal(decided(blob, &facts).situations, 1 << 1 | 1 << 2);
    assert_true(decide_asks_situations(blob, &facts));
    facts.n_situations = 2;
    assert_reason(blob, &facts, REASON_SITUATION);
    assert_int_equal(decided(blob, &facts).situations, 1 << 1);
    facts.n_situations = 0;
    assert_int_equal(decided(blob, &facts).situations, 0);
    facts.purpose = code("sales");
    assert_false(decide_asks_situations(blob, &facts));
    assert_false(decide_asks_situations(policy_blob_empty(), &facts));
}

static void quota_that_cannot_be_counted_refuses(void **state)
{
    (void)state;
    struct slice blob =
        compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}, at_most: 1 per hour}]\n");
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    assert_reason(blob, &facts, REASON_CONSENTED);
    facts.consents_spent = FACTS_ALL_SPENT;
    assert_reason(blob, &facts, REASON_QUOTA);
}

static void refusal_wins_over_every_consent(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents:\n  - {id: a, " FLOW "data: {location: {}}}\n"
                                     "  - {id: b, " FLOW "data: {location: {}, location.speed: {}, "
                                     "listening.track: {}}}\n"
                                     "refuse: [{data: [location, listening.artist]}]\n");
    struct facts facts =
        facts_for("location", "location.speed", "listening.track", "listening.genre");
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.effect, EFFECT_RELEASE);
    assert_int_equal(decision.entries[0].action, ACTION_DROP);
    assert_int_equal(decision.entries[1].action, ACTION_DROP); /* below location by name */
    assert_int_equal(decision.entries[2].action, ACTION_DROP); /* makes the artist known */
    assert_int_equal(decision.entries[3].action, ACTION_KEEP);
    assert_int_equal(decision.consents, 2); /* the first contributes nothing */
    assert_int_equal(decide_consent(blob, &facts, 0), VERDICT_NOT_COVERED);
    assert_int_equal(decide_consent(blob, &facts, 1), VERDICT_CONTRIBUTES);
    facts.n_classes = 2;
    assert_reason(blob, &facts, REASON_REFUSED);
}

static void refusal_may_be_narrowed_to_app_partner_purpose_and_time(void **state)
{
    (void)state;
    static const struct {
        const char *refusal;
        enum reason reason;
    } cases[] = {
        {"{app: waze}", REASON_REFUSED},
        {"{app: nike}", REASON_CONSENTED},
        {"{partner: spotify}", REASON_REFUSED},
        {"{partner: nike}", REASON_CONSENTED},
        {"{purpose: recommendation}", REASON_REFUSED},
        {"{purpose: sales}", REASON_CONSENTED},
        {"{when: {hours: \"11:00-12:00\"}}", REASON_REFUSED},
        {"{when: {hours: \"12:00-11:00\"}}", REASON_CONSENTED},
        {"{when: {days: [tue]}}", REASON_REFUSED},
        {"{when: {days: [wed]}}", REASON_CONSENTED},
        {"{data: [location.speed]}", REASON_CONSENTED},
        {"{data: [location], app: waze, partner: spotify, purpose: recommendation}",
         REASON_REFUSED},
        {"{data: [location], app: waze, partner: spotify, purpose: sales}", REASON_CONSENTED},
        {"{}", REASON_REFUSED},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++) {
        char text[512];
        struct writer writer = writer_over(text, sizeof text - 1);
        write_str(&writer, HEAD "consents: [{id: a, " FLOW "data: {location: {}}}]\nrefuse: [");
        write_str(&writer, cases[i].refusal);
        write_str(&writer, "]\n");
        text[writer.n] = 0;
        struct slice blob = compile(text);
        struct facts facts = facts_for("location", NULL, NULL, NULL);
        assert_reason(blob, &facts, cases[i].reason);
        assert_int_equal(decide_is_refused(blob, &facts, code("location")),
                         cases[i].reason == REASON_REFUSED);
    }
}

static void several_consents_give_the_coarser_of_each_dimension(void **state)
{
    (void)state;
    struct slice blob = compile(
        HEAD "consents:\n  - {id: a, " FLOW "data: {location: {precision: 5km, time: 1min}, "
             "location.heading: {}}}\n"
             "  - {id: b, " FLOW "data: {location: {precision: 200m, time: 1h}}}\n"
             "  - {id: c, app: waze, partner: nike, purpose: coaching, data: {location: "
             "{precision: 500km}}}\n"
             "  - {id: d, " FLOW "data: {location.speed: {}}, situation: [driving]}\n");
    struct facts facts = facts_for("location", "location.heading", "location.speed", NULL);
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.entries[0].coarseness.by[COARSE_PRECISION], 5000);
    assert_int_equal(decision.entries[0].coarseness.by[COARSE_TIME], 3600);
    assert_int_equal(decision.entries[1].action, ACTION_KEEP);
    assert_int_equal(decision.entries[2].action, ACTION_DROP);
    assert_int_equal(decision.consents, 3);
}

static void detail_drops_what_is_finer(void **state)
{
    (void)state;
    struct slice blob =
        compile(HEAD "consents: [{id: a, " FLOW "data: {listening.track: {detail: artist}}}]\n");
    struct facts facts =
        facts_for("listening.track", "listening.album", "listening.artist", "listening.genre");
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.entries[0].action, ACTION_DROP);
    assert_int_equal(decision.entries[1].action, ACTION_DROP);
    assert_int_equal(decision.entries[2].action, ACTION_KEEP);
    assert_int_equal(decision.entries[3].action, ACTION_KEEP);
    facts.n_classes = 2;
    assert_reason(blob, &facts, REASON_NOT_COVERED);
}

static void reason_is_that_of_the_consent_that_came_furthest(void **state)
{
    (void)state;
    static const struct {
        const char *consent;
        enum reason reason;
        enum verdict verdict;
    } stages[] = {
        {"{id: a, app: x, partner: y, purpose: sales, data: {location: {}}}", REASON_NO_CONSENT,
         VERDICT_OTHER_FLOW},
        {"{id: b, " FLOW "data: {location: {}}, from: 2030-01-01}", REASON_NOT_YET,
         VERDICT_NOT_YET},
        {"{id: c, " FLOW "data: {location: {}}, until: 2026-01-01}", REASON_EXPIRED,
         VERDICT_EXPIRED},
        {"{id: d, " FLOW "data: {location: {}}, when: {days: [sun]}}", REASON_OUTSIDE_HOURS,
         VERDICT_OUTSIDE_HOURS},
        {"{id: e, " FLOW "data: {location: {}}, situation: [riding]}", REASON_SITUATION,
         VERDICT_SITUATION},
        {"{id: f, " FLOW "data: {location: {}}, at_most: 1 per day}", REASON_QUOTA, VERDICT_QUOTA},
        {"{id: g, " FLOW "data: {stay.arrival: {}}}", REASON_NOT_COVERED, VERDICT_NOT_COVERED},
        {"{id: h, " FLOW "data: {location: {}}}", REASON_CONSENTED, VERDICT_CONTRIBUTES},
    };
    char text[2048];
    for (size_t n = 1; n <= SL_LENGTH(stages); n++) {
        struct writer writer = writer_over(text, sizeof text - 1);
        write_str(&writer, HEAD "consents:\n");
        for (size_t i = n; i > 0; i--) { /* the furthest first, so that order plays no part */
            write_str(&writer, "  - ");
            write_str(&writer, stages[i - 1].consent);
            write_str(&writer, "\n");
        }
        text[writer.n] = 0;
        assert_false(writer.overflow);
        struct slice blob = compile(text);
        struct facts facts = facts_for("location", NULL, NULL, NULL);
        facts.consents_spent = FACTS_ALL_SPENT;
        assert_reason(blob, &facts, stages[n - 1].reason);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(decide_consent(blob, &facts, i), stages[n - 1 - i].verdict);
    }
}

static void flow_without_classes_is_not_covered(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}}]\n");
    struct facts facts = facts_for(NULL, NULL, NULL, NULL);
    assert_reason(blob, &facts, REASON_NOT_COVERED);
}

static void route_with_the_most_classes_is_decided(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}, trip.number: "
                                     "{}}}]\n");
    struct facts facts = facts_for(NULL, NULL, NULL, NULL);
    facts.n_classes = LIMIT_MAX_route_classes;
    for (size_t i = 0; i < LIMIT_MAX_route_classes; i++)
        classes[i] = vocabulary_class_at(vocabulary, i)->term.code;
    classes[LIMIT_MAX_route_classes - 1] = code("trip.number");
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.entries[0].action, ACTION_KEEP);
    assert_int_equal(decision.entries[LIMIT_MAX_route_classes - 1].action, ACTION_KEEP);
    assert_int_equal(decision.entries[1].action, ACTION_DROP);
}

static void broken_clocks_are_survived(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {location: {}}, "
                                     "when: {days: [mon-sun]}}]\n");
    struct facts facts = facts_for("location", NULL, NULL, NULL);
    static const int64_t times[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < SL_LENGTH(times); i++) {
        facts.time_ms = times[i];
        struct decision decision;
        decide(blob, &facts, &decision);
        /* the greatest time is when even a consent for ever has ended */
        assert_int_equal(decision.effect, times[i] == INT64_MAX ? EFFECT_REFUSE : EFFECT_RELEASE);
    }
}

static void every_reason_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < N_REASONS; i++) {
        assert_non_null(reason_name((enum reason)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(reason_name((enum reason)i), reason_name((enum reason)j));
    }
    assert_string_equal(reason_name(REASON_NO_CONSENT), "no_consent");
}

static void the_wider_bucket_counts_and_a_class_is_never_finer_than_its_least(void **state)
{
    (void)state;
    struct slice blob = compile(
        HEAD "consents:\n"
             "  - {id: a, " FLOW "data: {location.speed: {bucket: 10}, pledge.bucket: {}}}\n"
             "  - {id: b, " FLOW "data: {location.speed: {bucket: 0.5, time: 1h}, "
             "social.reach: {bucket: 1000}}}\n");
    struct facts facts = facts_for("location.speed", "pledge.bucket", "social.reach", NULL);
    struct decision decision = decided(blob, &facts);
    const struct plan_entry *entries = decision.entries;
    assert_int_equal(entries[0].coarseness.by[COARSE_BUCKET], 10000);
    assert_int_equal(entries[0].coarseness.by[COARSE_TIME], 3600);
    assert_int_equal(entries[1].action, ACTION_COARSEN);
    assert_int_equal(entries[1].coarseness.by[COARSE_BUCKET], 10000);
    assert_int_equal(entries[2].coarseness.by[COARSE_BUCKET], 1000000);
    for (size_t i = 0; i < decision.n_entries; i++) {
        const struct coarse_done done = plan_entry_done(&entries[i]);
        const struct plan_entry back = plan_entry_of_done(&done);
        assert_int_equal(back.action, entries[i].action);
        assert_true(coarseness_equals(back.coarseness, entries[i].coarseness));
    }
}

static void plan_and_receipt_say_the_same_of_a_class_that_is_not_coarsened(void **state)
{
    (void)state;
    static const enum action actions[] = {ACTION_DROP, ACTION_KEEP};
    for (size_t i = 0; i < SL_LENGTH(actions); i++) {
        const struct plan_entry entry = {.action = actions[i]};
        const struct coarse_done done = plan_entry_done(&entry);
        assert_int_equal(done.kept, actions[i] == ACTION_KEEP);
        assert_true(coarseness_is_none(done.coarseness));
        assert_int_equal(plan_entry_of_done(&done).action, actions[i]);
    }
}

static void of_two_lists_the_shorter_counts_along_the_whole_chain(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents:\n"
                                     "  - {id: a, " FLOW "data: {listening.artist: {top: 20}}}\n"
                                     "  - {id: b, " FLOW
                                     "data: {listening.genre: {top: 5}, purchase.category: {}}}\n"
                                     "  - {id: c, " FLOW "data: {purchase.category: {top: 7}}}\n");
    struct facts facts =
        facts_for("listening.artist", "listening.genre", "purchase.category", NULL);
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.entries[0].coarseness.by[COARSE_TOP], 20);
    assert_int_equal(decision.entries[1].coarseness.by[COARSE_TOP], 5);
    assert_int_equal(decision.entries[2].coarseness.by[COARSE_TOP], 7);
}

static void a_text_is_granted_without_addresses(void **state)
{
    (void)state;
    struct slice blob = compile(HEAD "consents: [{id: a, " FLOW "data: {review.text: {}, "
                                     "review.fit: {}}}]\n");
    struct facts facts = facts_for("review.text", "review.fit", NULL, NULL);
    struct decision decision = decided(blob, &facts);
    assert_int_equal(decision.entries[0].action, ACTION_COARSEN);
    assert_int_equal(decision.entries[0].coarseness.by[COARSE_REDACT], 1);
    assert_int_equal(decision.entries[1].action, ACTION_KEEP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(granted_class_is_kept_and_all_others_are_dropped),
        cmocka_unit_test(granted_dimensions_coarsen),
        cmocka_unit_test(nobody_and_another_flow_have_no_consent),
        cmocka_unit_test(consent_holds_from_its_first_day_to_before_its_last),
        cmocka_unit_test(window_follows_the_wall_clock_through_daylight_saving),
        cmocka_unit_test(days_are_those_of_the_subject),
        cmocka_unit_test(every_listed_situation_must_be_known_to_hold),
        cmocka_unit_test(only_situations_that_a_consent_gets_to_ask_for_are_told),
        cmocka_unit_test(quota_that_cannot_be_counted_refuses),
        cmocka_unit_test(refusal_wins_over_every_consent),
        cmocka_unit_test(refusal_may_be_narrowed_to_app_partner_purpose_and_time),
        cmocka_unit_test(several_consents_give_the_coarser_of_each_dimension),
        cmocka_unit_test(detail_drops_what_is_finer),
        cmocka_unit_test(reason_is_that_of_the_consent_that_came_furthest),
        cmocka_unit_test(flow_without_classes_is_not_covered),
        cmocka_unit_test(route_with_the_most_classes_is_decided),
        cmocka_unit_test(broken_clocks_are_survived),
        cmocka_unit_test(every_reason_has_a_name_of_its_own),
        cmocka_unit_test(the_wider_bucket_counts_and_a_class_is_never_finer_than_its_least),
        cmocka_unit_test(plan_and_receipt_say_the_same_of_a_class_that_is_not_coarsened),
        cmocka_unit_test(of_two_lists_the_shorter_counts_along_the_whole_chain),
        cmocka_unit_test(a_text_is_granted_without_addresses),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
