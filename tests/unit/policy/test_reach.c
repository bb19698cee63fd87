/*
 * test_reach.c - what a word of the policy covers
 */
#include "help.h"

#include "policy/reach.h"

static size_t reach_of(const char *data, struct reached *out)
{
    char text[512];
    struct writer writer = writer_over(text, sizeof text - 1);
    write_str(&writer, HEAD "consents:\n  - {id: a, app: b, partner: c, purpose: sales, "
                            "in_return: x, data: ");
    write_str(&writer, data);
    write_str(&writer, "}\n");
    text[writer.n] = 0;
    struct policy_document *policy = load(text);
    size_t n = consent_reach(&policy->consents[0], out);
    policy_free(policy);
    for (size_t i = 1; i < n; i++)
        assert_true(out[i - 1].class->term.code < out[i].class->term.code);
    return n;
}

static const struct reached *find(const struct reached *reached, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_equals_str(reached[i].class->term.name, name))
            return &reached[i];
    }
    return NULL;
}

static void grant_covers_what_it_makes_known(void **state)
{
    (void)state;
    struct reached reached[64];
    assert_int_equal(reach_of("{listening.track: {}}", reached), 4);
    assert_non_null(find(reached, 4, "listening.genre"));
    assert_int_equal(reach_of("{listening.artist: {}}", reached), 2);
    assert_null(find(reached, 2, "listening.album"));
}

static void detail_leaves_out_what_is_finer(void **state)
{
    (void)state;
    struct reached reached[64];
    size_t n = reach_of("{listening.track: {detail: artist, time: 1h}}", reached);
    assert_int_equal(n, 2);
    assert_int_equal(find(reached, n, "listening.artist")->coarseness.by[COARSE_TIME], 3600);
    assert_int_equal(find(reached, n, "listening.genre")->coarseness.by[COARSE_TIME], 3600);
}

static void grant_of_location_is_no_grant_of_speed(void **state)
{
    (void)state;
    struct reached reached[64];
    assert_int_equal(reach_of("{location: {}}", reached), 1);
}

static void class_granted_twice_in_a_consent_gets_the_coarser(void **state)
{
    (void)state;
    struct reached reached[64];
    size_t n = reach_of("{listening.track: {time: 1h}, listening.artist: {}, "
                        "listening.album: {time: 2h}}",
                        reached);
    assert_int_equal(n, 4);
    assert_int_equal(find(reached, n, "listening.track")->coarseness.by[COARSE_TIME], 3600);
    assert_int_equal(find(reached, n, "listening.album")->coarseness.by[COARSE_TIME], 7200);
    assert_int_equal(find(reached, n, "listening.artist")->coarseness.by[COARSE_TIME], 7200);
}

static void refusal_covers_what_lies_below_and_what_makes_it_known(void **state)
{
    (void)state;
    const struct vocabulary_class *location = class_named("location");
    assert_true(refusal_reaches(location, location));
    assert_true(refusal_reaches(location, class_named("location.speed")));
    assert_true(refusal_reaches(location, class_named("location.place")));
    assert_false(refusal_reaches(class_named("location.speed"), location));
    assert_false(refusal_reaches(location, class_named("run.route")));
    const struct vocabulary_class *artist = class_named("listening.artist");
    assert_true(refusal_reaches(artist, class_named("listening.track")));
    assert_true(refusal_reaches(artist, class_named("listening.album")));
    assert_true(refusal_reaches(artist, artist));
    assert_false(refusal_reaches(artist, class_named("listening.genre")));
    assert_false(refusal_reaches(artist, class_named("listening.device")));
}

/* `pledge` must not refuse `pledged.x`: a name lies below only behind a dot. */
static void names_lie_below_at_a_dot_only(void **state)
{
    (void)state;
    struct vocabulary *other = NULL;
#define T ": {en: a, nl: b, dpv: x}\n"
    assert_int_equal(vocabulary_load(slice_of_str("sluis_vocabulary: 1\nversion: 1\nclasses:\n"
                                                  "  a" T "  ab" T "  a.b" T "  a.b.c" T
                                                  "purposes:\n  p" T "situations:\n  s" T),
                                     &problems, &other),
                     SL_OK);
    const struct vocabulary_class *a = vocabulary_class_at(other, 0);
    assert_false(refusal_reaches(a, vocabulary_class_at(other, 1)));
    assert_true(refusal_reaches(a, vocabulary_class_at(other, 2)));
    assert_true(refusal_reaches(a, vocabulary_class_at(other, 3)));
    assert_false(refusal_reaches(vocabulary_class_at(other, 3), vocabulary_class_at(other, 2)));
    vocabulary_free(other);
}

static void refusal_without_classes_covers_all(void **state)
{
    (void)state;
    const struct policy_refusal refusal = {0};
    for (size_t i = 0; i < vocabulary_n_classes(vocabulary); i++)
        assert_true(refusal_covers(&refusal, vocabulary_class_at(vocabulary, i)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grant_covers_what_it_makes_known),
        cmocka_unit_test(detail_leaves_out_what_is_finer),
        cmocka_unit_test(grant_of_location_is_no_grant_of_speed),
        cmocka_unit_test(class_granted_twice_in_a_consent_gets_the_coarser),
        cmocka_unit_test(refusal_covers_what_lies_below_and_what_makes_it_known),
        cmocka_unit_test(names_lie_below_at_a_dot_only),
        cmocka_unit_test(refusal_without_classes_covers_all),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
