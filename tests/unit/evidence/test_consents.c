/*
 * test_consents.c - what became of a consent, from one version of the policy to the next
 */
#include "made.h"

#define CONSENT(id, more, precision)                                                               \
    "  - {id: " id ", app: waze, partner: spotify, purpose: recommendation, in_return: x, " more   \
    "data: {location: {precision: " precision "}}}\n"
#define POLICY(consents)                                                                           \
    "sluis: 1\nsubject: lotte\ntimezone: Europe/Amsterdam\nconsents:\n" consents
#define ENDED  "until: 1969-12-01, "
#define ENDING "until: 1970-01-03, "

enum { DAY_MS = 86400000, AS_OF_MS = 10 * DAY_MS };

/* Versions of a policy; NULL: one whose texts are not kept. */
static void make(struct made *made, const char *const *policies, size_t n, bool is_erased)
{
    memset(made, 0, sizeof *made);
    history_begin(&made->history);
    for (size_t i = 0; i < n; i++) {
        if (policies[i])
            history_policy(&made->history, policies[i], slice_of(NULL, 0), (struct leaf_policy){0});
        else
            history_gone(&made->history);
    }
    if (is_erased)
        history_erase(&made->history);
    made_end(made, AS_OF_MS);
}

/* "given@0 changed@1": the events of a consent, each with its version's place. */
static void expect(const struct made *made, const char *id, const char *events)
{
    char text[256] = "";
    size_t n = 0;
    const struct consent_life *life = consent_lives_find(&made->lives, slice_of_str(id));
    for (size_t i = 0; life && i < life->n_events; i++) {
        const struct consent_event *event = &life->events[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s@%zu", i > 0 ? " " : "",
                              consent_event_name(event->kind), event->version);
    }
    assert_string_equal(text, events);
}

#define TRACE(made, is_erased, ...)                                                                \
    make(made, (const char *const[]){__VA_ARGS__},                                                 \
         sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), is_erased)

static void a_consent_is_given_changed_withdrawn_and_given_again(void **state)
{
    (void)state;
    struct made made;
    TRACE(&made, false, POLICY(CONSENT("c1", "", "1km")), POLICY(CONSENT("c1", "", "2km")),
          "sluis: 1\nsubject: lotte\n", POLICY(CONSENT("c1", "", "2km")));
    expect(&made, "c1", "given@0 changed@1 withdrawn@2 given@3");
    made_free(&made);
}

static void what_stays_the_same_is_no_event(void **state)
{
    (void)state;
    struct made made;
    TRACE(&made, false, POLICY(CONSENT("c1", "", "1km")),
          POLICY(CONSENT("c2", "", "1km") CONSENT("c1", "", "1km")),
          POLICY(CONSENT("c1", "", "1km") CONSENT("c2", "", "5km")));
    expect(&made, "c1", "given@0");
    expect(&made, "c2", "given@1 changed@2");
    expect(&made, "c3", "");
    made_free(&made);
}

static void a_consent_whose_last_day_is_past_has_expired(void **state)
{
    (void)state;
    struct made made;
    TRACE(&made, false, POLICY(CONSENT("c1", ENDING, "1km")), POLICY(CONSENT("c1", ENDING, "1km")));
    expect(&made, "c1", "given@0 expired@1");
    const struct consent_event *end = &made.lives.list[0].events[1];
    assert_int_equal(end->time_ms, 2 * DAY_MS - 3600000); /* midnight in Amsterdam */
    assert_ptr_equal(consent_last_terms(&made.lives.list[0]), &made.lives.list[0].events[0]);
    made_free(&made);
}

static void one_that_was_over_before_it_was_given_expired_at_once(void **state)
{
    (void)state;
    struct made made;
    TRACE(&made, false, POLICY(CONSENT("c1", ENDED, "1km")), POLICY(CONSENT("c1", "", "1km")));
    expect(&made, "c1", "given@0 expired@0 changed@1");
    const struct consent_life *life = &made.lives.list[0];
    assert_int_equal(life->events[1].time_ms, life->events[0].time_ms);
    made_free(&made);
}

static void an_erasure_ends_what_is_there_and_nothing_else(void **state)
{
    (void)state;
    struct made made;
    TRACE(&made, true, POLICY(CONSENT("c1", "", "1km") CONSENT("c2", "", "1km")),
          POLICY(CONSENT("c2", "", "1km")));
    expect(&made, "c1", "given@0 withdrawn@1");
    expect(&made, "c2", "given@0 erased@2");
    made_free(&made);
}

static void a_version_that_is_not_opened_says_nothing(void **state)
{
    (void)state;
    struct made made;
    TRACE(&made, false, NULL, POLICY(CONSENT("c1", "", "1km")), NULL,
          POLICY(CONSENT("c1", "", "1km") CONSENT("c2", "", "1km")), NULL,
          POLICY(CONSENT("c2", "", "2km")));
    expect(&made, "c1", "given@1 withdrawn@5");
    expect(&made, "c2", "given@3 changed@5");
    made_free(&made);
}

static void without_any_version_there_is_no_consent(void **state)
{
    (void)state;
    struct consent_lives lives;
    assert_int_equal(consents_trace(NULL, 0, AS_OF_MS, &lives), SL_OK);
    assert_int_equal(lives.n, 0);
    consent_lives_free(&lives);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consent_is_given_changed_withdrawn_and_given_again),
        cmocka_unit_test(what_stays_the_same_is_no_event),
        cmocka_unit_test(a_consent_whose_last_day_is_past_has_expired),
        cmocka_unit_test(one_that_was_over_before_it_was_given_expired_at_once),
        cmocka_unit_test(an_erasure_ends_what_is_there_and_nothing_else),
        cmocka_unit_test(a_version_that_is_not_opened_says_nothing),
        cmocka_unit_test(without_any_version_there_is_no_consent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
