/* Which parts of an answer pass: the trie, the plan, and the shape that is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOCATION, SPEED, TRACK };

static const struct named_field driver[] = {
    {"$.user", FIELD_SUBJECT, 0},
    {"$.position.lat", FIELD_LATITUDE, LOCATION},
    {"$.position.lon", FIELD_LONGITUDE, LOCATION},
    {"$.position.kmh", FIELD_VALUE, SPEED},
    {"$.meta.kind", FIELD_STRUCTURE, 0},
    {"$.meta.at", FIELD_TIME, 0},
};

static const struct named_field features[] = {
    {"$.type", FIELD_STRUCTURE, 0},
    {"$.features[*].type", FIELD_STRUCTURE, 0},
    {"$.features[*].geometry.type", FIELD_STRUCTURE, 0},
    {"$.features[*].geometry.coordinates[0]", FIELD_LONGITUDE, LOCATION},
    {"$.features[*].geometry.coordinates[1]", FIELD_LATITUDE, LOCATION},
    {"$.features[*].properties.speed", FIELD_VALUE, SPEED},
};

static void unlisted_fields_are_dropped_at_every_depth(void **state)
{
    (void)state;
    FIXTURE(fixture, driver);
    expect_output(&fixture,
                  "{\"phone\":\"+31\",\"user\":\"lotte\",\"position\":{\"lat\":52.5,\"alt\":3,"
                  "\"lon\":4.5,\"geohash\":{\"lat\":1,\"lon\":[{\"lat\":2}]},\"kmh\":50},"
                  "\"meta\":{\"kind\":\"car\",\"at\":1700000000,\"ip\":[1,{\"kind\":2}]}}",
                  "{\"user\":\"p_7Qx\",\"position\":{\"lat\":52.5,\"lon\":4.5,\"kmh\":50},"
                  "\"meta\":{\"kind\":\"car\",\"at\":1700000000}}");
    fixture_end(&fixture);
}

static void a_key_passes_only_when_it_matches_byte_for_byte(void **state)
{
    (void)state;
    static const struct named_field fields[] = {
        {"$.lat", FIELD_VALUE, 0}, {"$['caf\u00e9']", FIELD_VALUE, 0}, {"$['']", FIELD_VALUE, 0}};
    FIXTURE(fixture, fields);
    expect_output(&fixture,
                  "{\"Lat\":1,\"lat \":1,\" lat\":1,\"la\":1,\"latt\":1,\"lat\\u0000\":1,"
                  "\"cafe\":1,\"cafe\u0301\":1,\"l\u0430t\":1}",
                  "{}");
    expect_output(&fixture, "{\"lat\":1,\"caf\u00e9\":2,\"\":3}",
                  "{\"lat\":1,\"caf\u00e9\":2,\"\":3}");
    fixture_end(&fixture);
}

static void a_key_leaves_in_one_spelling_however_it_came(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$.lat", FIELD_VALUE, 0},
                                                {"$['\u00e9\"\\\\\\n']", FIELD_VALUE, 0}};
    FIXTURE(fixture, fields);
    expect_output(&fixture, "{\"l\\u0061t\":1,\"\\u00e9\\u0022\\u005c\\u000a\":2}",
                  "{\"lat\":1,\"\u00e9\\\"\\\\\\u000a\":2}");
    fixture_end(&fixture);
}

static void a_container_is_kept_exactly_when_a_kept_class_can_lie_below_it(void **state)
{
    (void)state;
    FIXTURE(fixture, features);
    static const char answer[] =
        "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"geometry\":{"
        "\"type\":\"Point\",\"coordinates\":[4.5,52.5,7]},\"properties\":{\"speed\":50}},"
        "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[]},"
        "\"properties\":{}}]}";
    expect_output(&fixture, answer,
                  "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\","
                  "\"geometry\":{\"type\":\"Point\",\"coordinates\":[4.5,52.5]},\"properties\":{"
                  "\"speed\":50}},{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\","
                  "\"coordinates\":[]},\"properties\":{}}]}");
    fixture.reduction.classes[SPEED].keep = false;
    expect_output(&fixture, answer,
                  "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\","
                  "\"geometry\":{\"type\":\"Point\",\"coordinates\":[4.5,52.5]}},{\"type\":"
                  "\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[]}}]}");
    fixture.reduction.classes[SPEED].keep = true;
    fixture.reduction.classes[LOCATION].keep = false;
    expect_output(&fixture, answer,
                  "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\","
                  "\"properties\":{\"speed\":50}},{\"type\":\"Feature\",\"properties\":{}}]}");
    fixture_end(&fixture);
}

static void the_shape_follows_from_the_plan_and_not_from_the_values(void **state)
{
    (void)state;
    FIXTURE(fixture, driver);
    fixture.reduction.classes[SPEED].keep = false;
    expect_output(&fixture, "{\"position\":{\"kmh\":1,\"lat\":1,\"lon\":2}}",
                  "{\"position\":{\"lat\":1,\"lon\":2}}");
    expect_output(&fixture, "{\"position\":{\"lat\":1,\"lon\":2}}",
                  "{\"position\":{\"lat\":1,\"lon\":2}}");
    fixture.reduction.classes[LOCATION].keep = false;
    fixture.reduction.classes[SPEED].keep = true;
    expect_output(&fixture, "{\"position\":{\"lat\":1,\"lon\":2}}", "{\"position\":{}}");
    fixture_end(&fixture);
}

static void structure_and_time_alone_keep_their_container(void **state)
{
    (void)state;
    FIXTURE(fixture, driver);
    expect_output(&fixture, "{\"meta\":{\"kind\":1}}", "{\"meta\":{\"kind\":1}}");
    expect_output(&fixture, "{\"meta\":{\"other\":1}}", "{\"meta\":{}}");
    fixture_end(&fixture);
}

static void a_route_of_structure_alone_is_kept(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$.a", FIELD_STRUCTURE, 0},
                                                {"$.b.c", FIELD_TIME, 0}};
    FIXTURE(fixture, fields);
    fixture.reduction.n_classes = 0;
    expect_output(&fixture, "{\"x\":1,\"a\":2,\"b\":{\"c\":3}}", "{\"a\":2,\"b\":{\"c\":3}}");
    fixture_end(&fixture);
}

static void a_plan_that_keeps_no_class_releases_nothing(void **state)
{
    (void)state;
    FIXTURE(fixture, driver);
    fixture.reduction.classes[LOCATION].keep = false;
    fixture.reduction.classes[SPEED].keep = false;
    expect_fault_at(&fixture, "{\"meta\":{\"kind\":1}}", FILTER_SHAPE, 0);
    fixture_end(&fixture);
}

static void a_class_that_the_plan_does_not_know_is_dropped(void **state)
{
    (void)state;
    FIXTURE(fixture, driver);
    fixture.reduction.n_classes = 1;
    expect_output(&fixture, "{\"position\":{\"kmh\":1,\"lat\":1,\"lon\":2}}",
                  "{\"position\":{\"lat\":1,\"lon\":2}}");
    fixture_end(&fixture);
}

static void the_root_must_be_what_the_fields_say(void **state)
{
    (void)state;
    static const struct named_field elements[] = {{"$[*].a", FIELD_VALUE, 0}};
    static const struct named_field scalar[] = {{"$", FIELD_VALUE, 0}};
    FIXTURE(object, driver);
    FIXTURE(array, elements);
    FIXTURE(value, scalar);
    expect_fault_at(&object, "[]", FILTER_SHAPE, 0);
    expect_fault_at(&object, " null", FILTER_SHAPE, 1);
    expect_fault_at(&object, "\"x\"", FILTER_SHAPE, 0);
    expect_fault_at(&object, "1", FILTER_SHAPE, 0);
    expect_fault_at(&array, "{}", FILTER_SHAPE, 0);
    expect_fault_at(&array, "true", FILTER_SHAPE, 0);
    expect_fault_at(&value, "{}", FILTER_SHAPE, 0);
    expect_fault_at(&value, "[1]", FILTER_SHAPE, 0);
    expect_output(&object, "{}", "{}");
    expect_output(&array, "[]", "[]");
    expect_output(&value, "1", "1");
    value.reduction.classes[0].keep = false;
    expect_fault_at(&value, "1", FILTER_SHAPE, 0);
    fixture_end(&object);
    fixture_end(&array);
    fixture_end(&value);
}

static void a_container_of_the_other_kind_is_left_out(void **state)
{
    (void)state;
    FIXTURE(fixture, features);
    expect_output(&fixture, "{\"type\":1,\"features\":{\"0\":{\"type\":2}}}", "{\"type\":1}");
    expect_output(&fixture, "{\"features\":[null,7,[{\"type\":1}],{\"geometry\":[1]}],\"type\":1}",
                  "{\"features\":[{}],\"type\":1}");
    expect_output(&fixture, "{\"features\":[{\"geometry\":null,\"properties\":\"x\"}]}",
                  "{\"features\":[{}]}");
    fixture_end(&fixture);
}

static void elements_are_chosen_by_index(void **state)
{
    (void)state;
    static const struct named_field fields[] = {
        {"$.a[1]", FIELD_VALUE, 0}, {"$.a[3].b", FIELD_VALUE, 0}, {"$.a[20]", FIELD_VALUE, 0}};
    FIXTURE(fixture, fields);
    expect_output(&fixture, "{\"a\":[10,11,12,{\"b\":13},14]}", "{\"a\":[11,{\"b\":13}]}");
    expect_output(&fixture, "{\"a\":[[0],11,{\"b\":12},13]}", "{\"a\":[11]}");
    expect_output(&fixture, "{\"a\":[0,[[1]],2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,20,21]}",
                  "{\"a\":[20]}");
    fixture_end(&fixture);
}

static void any_element_is_kept_in_its_order(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$.a[*][*]", FIELD_VALUE, 0}};
    FIXTURE(fixture, fields);
    expect_output(&fixture, "{\"a\":[[1,2],[],[\"x\",null,{},[]],3]}",
                  "{\"a\":[[1,2],[],[\"x\",null]]}");
    fixture_end(&fixture);
}

static void an_inner_object_may_repeat_a_key_of_the_outer_one(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$.a.a.a", FIELD_VALUE, 0}};
    FIXTURE(fixture, fields);
    expect_output(&fixture, "{\"a\":{\"a\":{\"a\":1},\"b\":2},\"b\":{\"a\":1,\"b\":1}}",
                  "{\"a\":{\"a\":{\"a\":1}}}");
    expect_fault(&fixture, "{\"a\":{\"a\":{\"a\":1}},\"a\":1}", FILTER_DUPLICATE_KEY);
    expect_fault(&fixture, "{\"a\":{\"a\":{\"a\":1},\"a\":1}}", FILTER_DUPLICATE_KEY);
    expect_fault(&fixture, "{\"a\":{\"a\":{\"a\":1,\"a\":1}}}", FILTER_DUPLICATE_KEY);
    fixture_end(&fixture);
}

static void a_subject_in_a_dropped_container_is_still_compared(void **state)
{
    (void)state;
    static const struct named_field fields[] = {
        {"$.name", FIELD_VALUE, 0},
        {"$.owner.id", FIELD_SUBJECT, 0},
        {"$.owner.mail", FIELD_VALUE, 1},
        {"$.shared[*].with.id", FIELD_SUBJECT, 0},
        {"$.shared[*].with.mail", FIELD_VALUE, 1},
    };
    FIXTURE(fixture, fields);
    fixture.reduction.classes[1].keep = false;
    expect_output(&fixture,
                  "{\"name\":1,\"owner\":{\"id\":\"lotte\",\"mail\":\"x\"},"
                  "\"shared\":[{\"with\":{\"id\":\"lotte\"}}]}",
                  "{\"name\":1}");
    expect_fault(&fixture, "{\"name\":1,\"owner\":{\"id\":\"mallory\"}}", FILTER_SUBJECT);
    expect_fault(&fixture, "{\"name\":1,\"owner\":{\"id\":{}}}", FILTER_SUBJECT);
    expect_fault(&fixture, "{\"shared\":[{\"with\":{\"id\":\"lotte\"}},{\"with\":{\"id\":\"x\"}}]}",
                 FILTER_SUBJECT);
    fixture_end(&fixture);
}

static void white_space_does_not_pass(void **state)
{
    (void)state;
    FIXTURE(fixture, driver);
    expect_output(&fixture,
                  " {\r\n\t\"position\" : { \"lat\" : 1 , \"lon\" : 2 , \"x\" : [ ] } , "
                  "\"meta\" : { } } \n",
                  "{\"position\":{\"lat\":1,\"lon\":2},\"meta\":{}}");
    fixture_end(&fixture);
}

static void all_128_fields_of_a_route_are_found(void **state)
{
    (void)state;
    struct named_field fields[LIMIT_MAX_route_fields];
    char paths[LIMIT_MAX_route_fields][32];
    struct text answer = {0};
    struct text output = {0};
    for (size_t i = 0; i < SL_LENGTH(fields); i++) {
        snprintf(paths[i], sizeof paths[i], "$.o%zu.f%zu", i / 16, i);
        fields[i] = (struct named_field){paths[i], FIELD_VALUE, (uint8_t)(i % 8)};
        char member[64];
        char kept[64];
        const char *open = i % 16 == 0 ? "{" : "";
        const char *close = i % 16 == 15 ? "}" : "";
        const char *comma = i == 0 ? "{" : ",";
        snprintf(member, sizeof member, "%s\"f%zu\":%zu,\"x%zu\":0%s", open, i, i, i, close);
        snprintf(kept, sizeof kept, "%s\"f%zu\":%zu%s", open, i, i, close);
        text_add(&answer, comma);
        text_add(&output, comma);
        if (i % 16 == 0) {
            char name[16];
            snprintf(name, sizeof name, "\"o%zu\":", i / 16);
            text_add(&answer, name);
            text_add(&output, name);
        }
        text_add(&answer, member);
        text_add(&output, kept);
    }
    text_add(&answer, "}");
    text_add(&output, "}");
    FIXTURE(fixture, fields);
    expect_output_bytes(&fixture, text_slice(&answer), text_slice(&output));
    fixture_end(&fixture);
    free(answer.p);
    free(output.p);
}

static const struct named_field charts[] = {
    {"$.items[*].track.name", FIELD_VALUE, 0},
    {"$.items[*].track.id", FIELD_VALUE, 0},
    {"$.items[*].track.genres[*]", FIELD_VALUE, 1},
    {"$.items[*].at", FIELD_TIME, 0},
    {"$.other", FIELD_VALUE, 0},
};

static void of_a_list_the_first_so_many_elements_leave(void **state)
{
    (void)state;
    static const char answer[] =
        "{\"items\":[{\"track\":{\"name\":\"a\",\"id\":1,\"genres\":[\"x\",\"y\"]},\"at\":1},"
        "{\"track\":{\"name\":\"b\",\"id\":2,\"genres\":[\"z\"]},\"at\":2},"
        "{\"track\":{\"name\":\"c\",\"id\":3,\"genres\":[]},\"at\":3}],\"other\":5}";
    FIXTURE(fixture, charts);
    fixture.reduction.classes[1].keep = false;
    fixture.reduction.classes[0].coarseness.by[COARSE_TOP] = 1;
    expect_output(&fixture, answer,
                  "{\"items\":[{\"track\":{\"name\":\"a\",\"id\":1},\"at\":1}],\"other\":5}");
    fixture.reduction.classes[0].coarseness.by[COARSE_TOP] = 2;
    expect_output(&fixture, answer,
                  "{\"items\":[{\"track\":{\"name\":\"a\",\"id\":1},\"at\":1},"
                  "{\"track\":{\"name\":\"b\",\"id\":2},\"at\":2}],\"other\":5}");
    /* What another class keeps is not cut with it. */
    fixture.reduction.classes[1].keep = true;
    fixture.reduction.classes[0].coarseness.by[COARSE_TOP] = 1;
    expect_output(&fixture, answer,
                  "{\"items\":[{\"track\":{\"name\":\"a\",\"id\":1,\"genres\":[\"x\",\"y\"]},"
                  "\"at\":1},{\"track\":{\"genres\":[\"z\"]},\"at\":2},{\"track\":{\"genres\":[]},"
                  "\"at\":3}],\"other\":5}");
    fixture_end(&fixture);
}

/* Else many short lists would tell what one long list must not. */
static void elements_are_counted_over_the_whole_answer(void **state)
{
    (void)state;
    FIXTURE(fixture, charts);
    fixture.reduction.classes[0].keep = false;
    fixture.reduction.classes[1].coarseness.by[COARSE_TOP] = 3;
    expect_output(
        &fixture,
        "{\"items\":[{\"track\":{\"genres\":[\"a\",\"b\"]}},{\"track\":{\"genres\":[null]}},"
        "{\"track\":{\"genres\":[\"c\",\"d\"]}}]}",
        "{\"items\":[{\"track\":{\"genres\":[\"a\",\"b\"]}},{\"track\":{\"genres\":[null]}}]}");
    fixture_end(&fixture);
}

static void an_index_is_an_element_too(void **state)
{
    (void)state;
    static const struct named_field fields[] = {{"$.g[0]", FIELD_VALUE, 0},
                                                {"$.g[1]", FIELD_VALUE, 0}};
    FIXTURE(fixture, fields);
    fixture.reduction.classes[0].coarseness.by[COARSE_TOP] = 1;
    expect_output(&fixture, "{\"g\":[1,2,3]}", "{\"g\":[1]}");
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlisted_fields_are_dropped_at_every_depth),
        cmocka_unit_test(a_key_passes_only_when_it_matches_byte_for_byte),
        cmocka_unit_test(a_key_leaves_in_one_spelling_however_it_came),
        cmocka_unit_test(a_container_is_kept_exactly_when_a_kept_class_can_lie_below_it),
        cmocka_unit_test(the_shape_follows_from_the_plan_and_not_from_the_values),
        cmocka_unit_test(structure_and_time_alone_keep_their_container),
        cmocka_unit_test(a_route_of_structure_alone_is_kept),
        cmocka_unit_test(a_plan_that_keeps_no_class_releases_nothing),
        cmocka_unit_test(a_class_that_the_plan_does_not_know_is_dropped),
        cmocka_unit_test(the_root_must_be_what_the_fields_say),
        cmocka_unit_test(a_container_of_the_other_kind_is_left_out),
        cmocka_unit_test(elements_are_chosen_by_index),
        cmocka_unit_test(any_element_is_kept_in_its_order),
        cmocka_unit_test(an_inner_object_may_repeat_a_key_of_the_outer_one),
        cmocka_unit_test(a_subject_in_a_dropped_container_is_still_compared),
        cmocka_unit_test(white_space_does_not_pass),
        cmocka_unit_test(all_128_fields_of_a_route_are_found),
        cmocka_unit_test(of_a_list_the_first_so_many_elements_leave),
        cmocka_unit_test(elements_are_counted_over_the_whole_answer),
        cmocka_unit_test(an_index_is_an_element_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
