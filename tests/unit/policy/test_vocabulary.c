/*
 * test_vocabulary.c - the file that ships, and what a vocabulary may not say
 */
#include "help.h"

#define PURPOSES   "purposes:\n  sales: {en: a, nl: b, dpv: 'dpv:X'}\n"
#define SITUATIONS "situations:\n  driving: {en: a, nl: b}\n"
#define REST       PURPOSES SITUATIONS
#define TERM       "en: a, nl: b, dpv: 'pd:X'"

static void assert_refused(const char *text, uint32_t line, const char *words)
{
    struct vocabulary *refused = NULL;
    yaml_problems_deinit(&problems);
    assert_int_equal(vocabulary_load(slice_of_str(text), &problems, &refused), SL_EMALFORMED);
    assert_null(refused);
    yaml_problems_sort(&problems);
    for (size_t i = 0; i < problems.n; i++) {
        if (problems.list[i].line == line && strstr(problems.list[i].text, words))
            return;
    }
    fail_msg("no problem on line %u says \"%s\", but \"%s\" on line %u", line, words,
             problems.n ? problems.list[0].text : "", problems.n ? problems.list[0].line : 0);
}

static void shipped_vocabulary_loads_and_is_labelled_in_full(void **state)
{
    (void)state;
    assert_int_equal(vocabulary_version(vocabulary), 8);
    assert_true(vocabulary_n_classes(vocabulary) > 30);
    for (size_t i = 0; i < vocabulary_n_classes(vocabulary); i++) {
        const struct vocabulary_term *term = &vocabulary_class_at(vocabulary, i)->term;
        assert_true(term->label_en.n > 0 && term->label_nl.n > 0 && term->fideslang.n > 0);
        assert_true(slice_starts_with_str(term->dpv, "pd:"));
    }
    for (size_t i = 0; i < vocabulary_n_purposes(vocabulary); i++)
        assert_true(slice_starts_with_str(vocabulary_purpose_at(vocabulary, i)->dpv, "dpv:"));
    for (size_t i = 0; i < vocabulary_n_situations(vocabulary); i++)
        assert_true(vocabulary_situation_at(vocabulary, i)->label_nl.n > 0);
}

static void eight_roles_and_the_purposes_beside_them_are_there(void **state)
{
    (void)state;
    static const char *const names[] = {"sales",      "product",        "funding",   "design",
                                        "support",    "advice",         "marketing", "operations",
                                        "navigation", "recommendation", "coaching",  "community",
                                        "insurance",  "billing"};
    for (size_t i = 0; i < SL_LENGTH(names); i++)
        assert_non_null(vocabulary_purpose_find(vocabulary, slice_of_str(names[i])));
    assert_null(vocabulary_purpose_find(vocabulary, slice_of_str("sale")));
    assert_non_null(vocabulary_situation_find(vocabulary, slice_of_str("at_stadium")));
    assert_null(vocabulary_situation_find(vocabulary, slice_of_str("sales")));
}

static void location_has_three_parts_and_two_dimensions(void **state)
{
    (void)state;
    const struct vocabulary_class *location = class_named("location");
    assert_int_equal(location->dimensions, DIMENSION_PRECISION | DIMENSION_TIME);
    enum part_form form = FORM_VALUE;
    assert_ptr_equal(
        vocabulary_class_of_field(vocabulary, slice_of_str("location.latitude"), &form), location);
    assert_int_equal(form, FORM_LATITUDE);
    assert_ptr_equal(
        vocabulary_class_of_field(vocabulary, slice_of_str("location.longitude"), &form), location);
    assert_int_equal(form, FORM_LONGITUDE);
    assert_ptr_equal(
        vocabulary_class_of_field(vocabulary, slice_of_str("location.geohash"), &form), location);
    assert_int_equal(form, FORM_GEOHASH);
    /* a class with parts is no field itself; one without is */
    assert_null(vocabulary_class_of_field(vocabulary, slice_of_str("location"), &form));
    assert_ptr_equal(vocabulary_class_of_field(vocabulary, slice_of_str("location.speed"), &form),
                     class_named("location.speed"));
    assert_int_equal(form, FORM_VALUE);
    assert_null(vocabulary_class_find(vocabulary, slice_of_str("location.latitude")));
}

static void listening_becomes_coarser_from_track_to_genre(void **state)
{
    (void)state;
    static const char *const chain[] = {"listening.track", "listening.album", "listening.artist",
                                        "listening.genre"};
    const struct vocabulary_class *class = class_named(chain[0]);
    for (size_t i = 0; i < SL_LENGTH(chain); i++, class = class->coarser) {
        assert_true(slice_equals_str(class->term.name, chain[i]));
        assert_true(class->dimensions & DIMENSION_TIME);
    }
    assert_null(class);
}

static void code_is_fnv_1a_of_the_name(void **state)
{
    (void)state;
    /* test vectors of the FNV reference code */
    assert_int_equal(vocabulary_code(slice_of_str("")), 0x811c9dc5);
    assert_int_equal(vocabulary_code(slice_of_str("a")), 0xe40c292c);
    assert_int_equal(vocabulary_code(slice_of_str("foobar")), 0xbf9cf968);
    const struct vocabulary_class *genre = class_named("listening.genre");
    assert_ptr_equal(vocabulary_class_by_code(vocabulary, code("listening.genre")), genre);
    assert_null(vocabulary_class_by_code(vocabulary, 1));
}

static void digest_is_that_of_the_text(void **state)
{
    (void)state;
    static const uint8_t zeros[32];
    assert_memory_not_equal(vocabulary_sha256(vocabulary), zeros, 32);
    const char *text = "sluis_vocabulary: 1\nversion: 7\nclasses:\n  a: {" TERM "}\n" REST;
    char other[512];
    size_t n = strlen(text);
    memcpy(other, text, n);
    other[n] = '#';
    struct vocabulary *one = NULL, *two = NULL;
    assert_int_equal(vocabulary_load(slice_of_str(text), &problems, &one), SL_OK);
    assert_int_equal(vocabulary_load(slice_of(other, n + 1), &problems, &two), SL_OK);
    assert_int_equal(vocabulary_version(one), 7);
    assert_true(slice_equals_str(vocabulary_text(one), text));
    assert_int_equal(vocabulary_text(two).n, n + 1);
    assert_memory_not_equal(vocabulary_sha256(one), vocabulary_sha256(two), 32);
    vocabulary_free(one);
    vocabulary_free(two);
}

static void format_and_version_must_be_known(void **state)
{
    (void)state;
    assert_refused("version: 1\nclasses:\n  a: {" TERM "}\n" REST, 1, "sluis_vocabulary: 1");
    assert_refused("sluis_vocabulary: 2\nversion: 1\nclasses:\n  a: {" TERM "}\n" REST, 1,
                   "sluis_vocabulary: 1");
    assert_refused("sluis_vocabulary: 1\nversion: 0\nclasses:\n  a: {" TERM "}\n" REST, 2,
                   "`version`");
    assert_refused("sluis_vocabulary: 1\nversion: 1\nclases:\n  a: {" TERM "}\n" REST, 3,
                   "did you mean \"classes\"?");
    assert_refused("[]", 1, "expected a mapping");
}

#define CLASSES "sluis_vocabulary: 1\nversion: 1\n" REST "classes:\n" /* then line 8 */

static void names_labels_and_mappings_are_checked(void **state)
{
    (void)state;
    assert_refused(CLASSES "  Loc: {" TERM "}\n", 8, "name \"Loc\"");
    assert_refused(CLASSES "  a..b: {" TERM "}\n", 8, "name \"a..b\"");
    assert_refused(CLASSES "  a.: {" TERM "}\n", 8, "name");
    assert_refused(CLASSES "  a.1: {" TERM "}\n", 8, "name");
    assert_refused(CLASSES "  a: {en: a, dpv: x}\n", 8, "no `nl`");
    assert_refused(CLASSES "  a: {en: a, nl: b}\n", 8, "no `dpv`");
    assert_refused(CLASSES "  a: {en: '', nl: b, dpv: x}\n", 8, "`en` is not a line");
    assert_refused(CLASSES "  a: {" TERM ", colour: red}\n", 8, "unknown key \"colour\"");
    assert_refused(CLASSES "  a: hello\n", 8, "expected a mapping");
    assert_refused("sluis_vocabulary: 1\nversion: 1\nclasses: {}\n" REST, 3, "`classes`");
    assert_refused("sluis_vocabulary: 1\nversion: 1\nclasses:\n  a: {" TERM "}\n" PURPOSES, 1,
                   "`situations` is missing");
}

static void parts_and_dimensions_are_checked(void **state)
{
    (void)state;
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [size]}\n", 8,
                   "precision, time, cut, bucket, top or detail");
    assert_refused(CLASSES "  a: {" TERM ", coarsen: time}\n", 8, "no list");
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [cut, top]}\n", 8, "both");
    assert_refused(CLASSES "  a: {" TERM ", parts: {}}\n", 8, "`parts`");
    assert_refused(CLASSES "  a: {" TERM ", parts: {x: elsewhere}}\n", 8, "part \"x\"");
    assert_refused(CLASSES "  a: {" TERM ", parts: {x: geohash}}\n", 8, "to list precision");
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [precision, cut], parts: {x: geohash}}\n", 8,
                   "not cut");
    assert_refused(CLASSES "  a: {" TERM ", parts: {x: id}}\n", 8, "part \"x\"");
    assert_refused(CLASSES "  a: {" TERM
                           ", parts: {b: value, c: value, d: value, e: value, f: value, "
                           "g: value, h: value, i: value, j: value}}\n",
                   8, "1 to 8");
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [detail]}\n", 8, "no `coarser`");
}

static void coarser_chains_must_end_and_keep_their_dimensions(void **state)
{
    (void)state;
    assert_refused(CLASSES "  a: {" TERM ", coarser: zzz}\n", 8, "names no data class");
    assert_refused(CLASSES "  a: {" TERM ", coarser: a}\n", 8, "leads back");
    assert_refused(CLASSES "  a: {" TERM ", coarser: b}\n  b: {" TERM ", coarser: a}\n", 9,
                   "leads back");
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [time], coarser: b}\n  b: {" TERM "}\n", 8,
                   "behind it, can't");
}

static void two_names_of_one_code_are_refused(void **state)
{
    (void)state;
    /* an FNV-1a collision of two valid names, found by search; see the next assertion */
    assert_int_equal(vocabulary_code(slice_of_str("costarring")),
                     vocabulary_code(slice_of_str("liquid")));
    assert_refused(CLASSES "  costarring: {" TERM "}\n  liquid: {" TERM "}\n", 1, "one code");
    assert_refused("sluis_vocabulary: 1\nversion: 1\nclasses:\n  a: {" TERM "}\n" SITUATIONS
                   "purposes:\n  costarring: {" TERM "}\n  liquid: {" TERM "}\n",
                   1, "one code");
    /* a class that is also a part */
    assert_refused(CLASSES "  a: {" TERM ", parts: {b: value}}\n  a.b: {" TERM "}\n", 1,
                   "one code");
}

static void the_least_of_a_class_is_one_of_its_own_dimensions(void **state)
{
    (void)state;
    assert_int_equal(class_named("pledge.bucket")->least.by[COARSE_BUCKET], 10000);
    assert_true(coarseness_is_none(class_named("location")->least));
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [time], least: {bucket: 10}}\n", 8,
                   "a way that `coarsen` lists");
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [bucket], least: {bucket: 0}}\n", 8,
                   "expected a number");
    assert_refused(CLASSES "  a: {" TERM ", coarsen: [bucket], least: 10}\n", 8, "no mapping");
    assert_refused(CLASSES "  b: {" TERM "}\n  a: {" TERM
                           ", coarsen: [detail], coarser: b, least: {detail: b}}\n",
                   9, "not detail");
}

static void what_people_write_is_always_redacted(void **state)
{
    (void)state;
    const struct vocabulary_class *review = class_named("review.text");
    enum part_form form = FORM_VALUE;
    assert_ptr_equal(vocabulary_class_of_field(vocabulary, slice_of_str("review.text"), &form),
                     review);
    assert_int_equal(form, FORM_TEXT);
    assert_int_equal(review->dimensions, DIMENSION_REDACT);
    assert_int_equal(review->least.by[COARSE_REDACT], 1);
    assert_refused(CLASSES "  a: {" TERM ", form: prose}\n", 8, "expected value, text, time");
    assert_refused(CLASSES "  a: {" TERM ", form: latitude}\n", 8, "expected value, text, time");
    assert_refused(CLASSES "  a: {" TERM ", form: text, parts: {b: value}}\n", 8,
                   "`form` beside `parts`");
    assert_refused(CLASSES "  a: {" TERM ", parts: {b: text}}\n", 8, "part \"b\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_vocabulary_loads_and_is_labelled_in_full),
        cmocka_unit_test(eight_roles_and_the_purposes_beside_them_are_there),
        cmocka_unit_test(location_has_three_parts_and_two_dimensions),
        cmocka_unit_test(listening_becomes_coarser_from_track_to_genre),
        cmocka_unit_test(code_is_fnv_1a_of_the_name),
        cmocka_unit_test(digest_is_that_of_the_text),
        cmocka_unit_test(format_and_version_must_be_known),
        cmocka_unit_test(names_labels_and_mappings_are_checked),
        cmocka_unit_test(parts_and_dimensions_are_checked),
        cmocka_unit_test(coarser_chains_must_end_and_keep_their_dimensions),
        cmocka_unit_test(two_names_of_one_code_are_refused),
        cmocka_unit_test(the_least_of_a_class_is_one_of_its_own_dimensions),
        cmocka_unit_test(what_people_write_is_always_redacted),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
