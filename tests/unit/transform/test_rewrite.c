/*
 * test_rewrite.c - identifiers, geohashes and texts with parts, as they leave
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "transform/identifier.h"
#include "transform/path_node.h"
#include "transform/pattern.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEVICE = 0, FRIEND = 1, PLACE = 2, AMOUNT = 3 };

static struct hmac_key key;

static void add(struct fixture *fixture, const char *path, enum field_form form,
                uint8_t class_index, uint32_t space)
{
    size_t fault_at;
    const struct path_field field = {.form = form, .class_index = class_index};
    assert_int_equal(path_trie_add(fixture->trie, slice_of_str(path), field, &fault_at), PATH_OK);
    path_trie_set_space(fixture->trie, space);
}

struct naming {
    const char *name;
    enum field_form form;
    uint8_t class_index;
    bool has_class;
};

static void add_pattern(struct fixture *fixture, const char *path, const char *text)
{
    static const struct naming namings[] = {
        {"subject", FIELD_SUBJECT, 0, false},   {"structure", FIELD_STRUCTURE, 0, false},
        {"id", FIELD_OBJECT, 0, false},         {"device", FIELD_ID, DEVICE, true},
        {"friend", FIELD_PERSON, FRIEND, true}, {"geohash", FIELD_GEOHASH, PLACE, true},
        {"amount", FIELD_VALUE, AMOUNT, true},
    };
    struct pattern *pattern = NULL;
    size_t at;
    assert_int_equal(pattern_new(slice_of_str(text), &pattern, &at), PATTERN_OK);
    for (size_t i = 0; i < pattern->n_pieces; i++) {
        struct pattern_piece *piece = &pattern->pieces[i];
        size_t k = 0;
        while (!slice_equals_str(piece->name, namings[k].name))
            assert_true(++k < SL_LENGTH(namings));
        piece->form = (uint8_t)namings[k].form;
        piece->class_index = namings[k].class_index;
        piece->space = namings[k].has_class ? 100U + namings[k].class_index : 0;
        pattern->classes |= namings[k].has_class ? 1U << namings[k].class_index : 0;
    }
    add(fixture, path, FIELD_PATTERN, 0, 0);
    path_trie_set_pattern(fixture->trie, pattern);
}

static void start(struct fixture *fixture)
{
    assert_int_equal(path_trie_finish(fixture->trie), PATH_OK);
    fixture->reduction.app = slice_of_str("waze");
    fixture->reduction.identifier_key = &key;
    fixture_start(fixture);
}

/* Not fixture_init(): identifiers and patterns need more than a form and a class. */
static struct fixture begin(void)
{
    struct fixture fixture = {.limits = limits_default()};
    assert_int_equal(path_trie_new(&fixture.trie), SL_OK);
    fixture.reduction.n_classes = 4;
    for (size_t i = 0; i < fixture.reduction.n_classes; i++)
        fixture.reduction.classes[i].keep = true;
    fixture.reduction.user = slice_of_str("lotte");
    fixture.reduction.pseudonym = slice_of_str("p_7Qx");
    return fixture;
}

/* The expected answer: each $ stands for what one of the values becomes. */
static char *named(const struct fixture *fixture, const char *text, uint32_t space,
                   const char *value)
{
    static char out[4][512];
    static unsigned turn;
    char *line = out[turn++ % 4];
    uint8_t name[IDENTIFIER_CHARS];
    struct writer writer = writer_over(name, sizeof name);
    identifier_write(&fixture->reduction, space, slice_of_str(value), false, &writer);
    assert_int_equal(writer.n, IDENTIFIER_CHARS);
    size_t n = 0;
    for (; *text; text++) {
        if (*text == '$') {
            memcpy(line + n, name, sizeof name);
            n += sizeof name;
        } else {
            line[n++] = *text;
        }
    }
    line[n] = 0;
    return line;
}

static void an_identifier_leaves_as_the_partners_own_name(void **state)
{
    (void)state;
    struct fixture fixture = begin();
    add(&fixture, "$.d", FIELD_ID, DEVICE, 100);
    add(&fixture, "$.o", FIELD_OBJECT, 0, 0);
    start(&fixture);
    expect_output(&fixture, "{\"d\":\"phone-1\"}",
                  named(&fixture, "{\"d\":\"$\"}", 100, "phone-1"));
    expect_output(&fixture, "{\"d\":\"phone\\u002d1\"}",
                  named(&fixture, "{\"d\":\"$\"}", 100, "phone-1"));
    expect_output(&fixture, "{\"d\":17}", named(&fixture, "{\"d\":\"$\"}", 100, "17"));
    expect_output(&fixture, "{\"d\":\"17\"}", named(&fixture, "{\"d\":\"$\"}", 100, "17"));
    expect_output(&fixture, "{\"d\":\"lotte\"}", named(&fixture, "{\"d\":\"$\"}", 100, "lotte"));
    expect_output(&fixture, "{\"o\":17}", named(&fixture, "{\"o\":\"$\"}", 0, "17"));
    expect_output(&fixture, "{\"d\":null,\"o\":null}", "{\"d\":null,\"o\":null}");
    expect_output(&fixture, "{\"d\":[1],\"o\":{}}", "{}");
    expect_fault(&fixture, "{\"d\":true}", FILTER_VALUE);
    expect_fault(&fixture, "{\"o\":false}", FILTER_VALUE);
    fixture.reduction.classes[DEVICE].keep = false;
    expect_fault(&fixture, "{\"d\":17,\"o\":17}", FILTER_SHAPE);
    fixture_end(&fixture);
}

static void the_subject_among_people_is_the_pseudonym(void **state)
{
    (void)state;
    struct fixture fixture = begin();
    add(&fixture, "$.f[*]", FIELD_PERSON, FRIEND, 101);
    start(&fixture);
    expect_output(&fixture, "{\"f\":[\"lotte\",\"max\"]}",
                  named(&fixture, "{\"f\":[\"p_7Qx\",\"$\"]}", 101, "max"));
    fixture.reduction.user = slice_of_str("17");
    expect_output(&fixture, "{\"f\":[17,\"17\",\"lotte\"]}",
                  named(&fixture, "{\"f\":[\"p_7Qx\",\"p_7Qx\",\"$\"]}", 101, "lotte"));
    fixture_end(&fixture);
}

static void write_name(const struct reduction *reduction, uint32_t space, const char *value,
                       char out[IDENTIFIER_CHARS + 1])
{
    struct writer writer = writer_over(out, IDENTIFIER_CHARS);
    identifier_write(reduction, space, slice_of_str(value), false, &writer);
    out[IDENTIFIER_CHARS] = 0;
}

/* By hand: printf 'd\0\0\0waze\0phone-1' | openssl dgst -sha256 -mac HMAC -macopt hexkey:01.. */
static void a_name_is_an_hmac_of_space_app_and_identifier(void **state)
{
    (void)state;
    struct hmac_key by_hand;
    uint8_t digest[SHA256_BYTES];
    struct sha256 hash;
    static const uint8_t message[] = "d\0\0\0waze\0phone-1";
    static const uint8_t secret[32] = {1};
    hmac_key_init(&by_hand, slice_of(secret, sizeof secret));
    hmac_begin(&by_hand, &hash);
    sha256_add(&hash, slice_of(message, sizeof message - 1));
    hmac_end(&by_hand, &hash, digest);
    char expected[IDENTIFIER_CHARS + 1] = {0}, got[IDENTIFIER_CHARS + 1];
    struct writer writer = writer_over(expected, IDENTIFIER_CHARS);
    write_base64url(&writer, slice_of(digest, 16));
    const struct reduction reduction = {.app = slice_of_str("waze"), .identifier_key = &by_hand};
    write_name(&reduction, 100, "phone-1", got);
    assert_string_equal(got, expected);
}

static void another_key_app_or_kind_of_thing_gives_another_name(void **state)
{
    (void)state;
    static const uint8_t other_secret[32] = {2};
    struct hmac_key other;
    hmac_key_init(&other, slice_of(other_secret, sizeof other_secret));
    const struct reduction one = {.app = slice_of_str("waze"), .identifier_key = &key};
    const struct reduction by_key = {.app = slice_of_str("waze"), .identifier_key = &other};
    const struct reduction by_app = {.app = slice_of_str("wazes"), .identifier_key = &key};
    char names[6][IDENTIFIER_CHARS + 1];
    write_name(&one, 100, "17", names[0]);
    write_name(&by_key, 100, "17", names[1]);
    write_name(&by_app, 100, "17", names[2]);
    write_name(&one, 101, "17", names[3]);
    write_name(&one, 100, "18", names[4]);
    write_name(&one, 100, "17", names[5]);
    for (size_t i = 0; i < 5; i++) {
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(names[i], names[k]);
    }
    assert_string_equal(names[0], names[5]);
}

static void a_topic_leaves_with_pseudonym_and_shorter_geohash(void **state)
{
    (void)state;
    struct fixture fixture = begin();
    add_pattern(&fixture, "$.topic", "user/{subject}/geo/{geohash}");
    start(&fixture);
    static const char answer[] = "{\"topic\":\"user/lotte/geo/u173zq37x014\"}";
    expect_output(&fixture, answer, "{\"topic\":\"user/p_7Qx/geo/u173zq37x014\"}");
    fixture.reduction.classes[PLACE].coarseness.by[COARSE_PRECISION] = 5000;
    expect_output(&fixture, answer, "{\"topic\":\"user/p_7Qx/geo/u176\"}");
    expect_output(&fixture, "{\"topic\":\"user\\/lotte\\u002fgeo/u173\"}",
                  "{\"topic\":\"user/p_7Qx/geo/u173\"}");
    fixture.reduction.classes[PLACE].coarseness.by[COARSE_PRECISION] = 1000000;
    expect_output(&fixture, answer, "{\"topic\":\"user/p_7Qx/geo/\"}");
    expect_output(&fixture, "{\"topic\":\"user/lotte/geo/\"}", "{\"topic\":\"user/p_7Qx/geo/\"}");
    expect_fault(&fixture, "{\"topic\":\"user/max/geo/u173\"}", FILTER_SUBJECT);
    expect_fault(&fixture, "{\"topic\":\"user/lotte/geo/home\"}", FILTER_POSITION);
    expect_fault(&fixture, "{\"topic\":\"user/lotte/geo/u173/x\"}", FILTER_VALUE);
    expect_fault(&fixture, "{\"topic\":\"users/lotte/geo/u173\"}", FILTER_VALUE);
    expect_fault(&fixture, "{\"topic\":\"user/lotte\"}", FILTER_VALUE);
    expect_fault(&fixture, "{\"topic\":\"user//geo/u173\"}", FILTER_VALUE);
    expect_fault(&fixture, "{\"topic\":\"\"}", FILTER_VALUE);
    expect_fault(&fixture, "{\"topic\":17}", FILTER_VALUE);
    expect_output(&fixture, "{\"topic\":null}", "{\"topic\":null}");
    expect_output(&fixture, "{\"topic\":[\"user/lotte/geo/u173\"]}", "{}");
    fixture.reduction.classes[PLACE].keep = false;
    expect_fault(&fixture, answer, FILTER_SHAPE);
    fixture_end(&fixture);
}

static void a_url_leaves_with_what_its_pattern_names(void **state)
{
    (void)state;
    struct fixture fixture = begin();
    add_pattern(&fixture, "$.next",
                "https://api.example/v1/u/{subject}/p?page={structure}&of={id}");
    add_pattern(&fixture, "$.self", "/v1/u/{subject}#{amount}-{friend}!");
    start(&fixture);
    expect_output(
        &fixture, "{\"next\":\"https://api.example/v1/u/l%6ftte/p?page=2&of=a%2Db\"}",
        named(&fixture, "{\"next\":\"https://api.example/v1/u/p_7Qx/p?page=2&of=$\"}", 0, "a-b"));
    fixture.reduction.classes[AMOUNT].coarseness.by[COARSE_BUCKET] = 10000;
    expect_output(&fixture, "{\"self\":\"/v1/u/lotte#17.5-max!\"}",
                  named(&fixture, "{\"self\":\"/v1/u/p_7Qx#10-$!\"}", 101, "max"));
    expect_output(&fixture, "{\"self\":\"/v1/u/lotte#17.5-lotte!\"}",
                  "{\"self\":\"/v1/u/p_7Qx#10-p_7Qx!\"}");
    expect_fault(&fixture, "{\"self\":\"/v1/u/lotte#much-max!\"}", FILTER_NUMBER);
    expect_fault(&fixture, "{\"self\":\"/v1/u/lotte#1-max!x\"}", FILTER_VALUE);
    expect_fault(&fixture, "{\"next\":\"https://api.example/v1/u/lotte/p?page=2&x=1&of=3\"}",
                 FILTER_VALUE);
    expect_fault(&fixture, "{\"next\":\"https://api.example/v1/u/lotte/p?page=\\\"&of=3\"}",
                 FILTER_VALUE);
    expect_fault(&fixture, "{\"next\":\"https://api.example/v1/u/lott%65%00/p?page=2&of=3\"}",
                 FILTER_SUBJECT);
    /* a text leaves only when each part may */
    fixture.reduction.classes[FRIEND].keep = false;
    expect_output(&fixture, "{\"self\":\"/v1/u/lotte#17.5-max!\"}", "{}");
    fixture.reduction.classes[AMOUNT].keep = false;
    expect_fault(&fixture, "{\"self\":\"/v1/u/lotte#17.5-max!\"}", FILTER_SHAPE);
    fixture_end(&fixture);
}

static void a_geohash_is_a_text_or_null(void **state)
{
    (void)state;
    struct fixture fixture = begin();
    add(&fixture, "$.g", FIELD_GEOHASH, PLACE, 0);
    start(&fixture);
    expect_output(&fixture, "{\"g\":\"u173zq37\"}", "{\"g\":\"u173zq37\"}");
    fixture.reduction.classes[PLACE].coarseness.by[COARSE_PRECISION] = 1000;
    expect_output(&fixture, "{\"g\":\"u173zq37\"}", "{\"g\":\"u173z\"}");
    expect_output(&fixture, "{\"g\":\"u173\\u007aq37\"}", "{\"g\":\"u173z\"}");
    expect_output(&fixture, "{\"g\":null}", "{\"g\":null}");
    expect_fault(&fixture, "{\"g\":173}", FILTER_POSITION);
    expect_fault(&fixture, "{\"g\":\"home\"}", FILTER_POSITION);
    expect_fault(&fixture, "{\"g\":{}}", FILTER_POSITION);
    fixture.reduction.classes[PLACE].keep = false;
    expect_fault(&fixture, "{\"g\":173}", FILTER_SHAPE);
    fixture_end(&fixture);
}

static void where_the_ends_of_a_list_are_cut_a_pattern_is_left_out(void **state)
{
    (void)state;
    struct fixture fixture = begin();
    add(&fixture, "$.r[*].lat", FIELD_LATITUDE, PLACE, 0);
    add(&fixture, "$.r[*].lon", FIELD_LONGITUDE, PLACE, 0);
    add_pattern(&fixture, "$.r[*].t", "geo/{geohash}");
    add_pattern(&fixture, "$.t", "geo/{geohash}");
    start(&fixture);
    fixture.reduction.classes[PLACE].coarseness.by[COARSE_CUT] = 100;
    expect_output(&fixture,
                  "{\"t\":\"geo/u173\",\"r\":[{\"lat\":52,\"lon\":4,\"t\":\"geo/u1\"},"
                  "{\"lat\":52.1,\"lon\":4,\"t\":\"geo/u1\"},{\"lat\":52.2,\"lon\":4}]}",
                  "{\"r\":[{\"lat\":52.1,\"lon\":4}]}");
    fixture_end(&fixture);
}

static void a_pattern_that_can_be_read_in_two_ways_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum pattern_fault fault;
        size_t at;
    } rows[] = {
        {"user/{a}{b}", PATTERN_ADJACENT, 8},
        {"{a", PATTERN_SYNTAX, 0},
        {"a}", PATTERN_SYNTAX, 1},
        {"{}", PATTERN_SYNTAX, 0},
        {"{{a}}", PATTERN_SYNTAX, 0},
        {"x {a}", PATTERN_SYNTAX, 1},
        {"x\"{a}", PATTERN_SYNTAX, 1},
        {"x\\{a}", PATTERN_SYNTAX, 1},
        {"x\u00e9{a}", PATTERN_SYNTAX, 1},
        {"abc", PATTERN_SYNTAX, 3},
        {"{a}/{a}/{a}/{a}/{a}/{a}/{a}/{a}/{a}", PATTERN_TOO_MANY, 32},
    };
    for (size_t i = 0; i < SL_LENGTH(rows); i++) {
        struct pattern *pattern = NULL;
        size_t at = 999;
        assert_int_equal(pattern_new(slice_of_str(rows[i].text), &pattern, &at), rows[i].fault);
        assert_int_equal(at, rows[i].at);
        assert_null(pattern);
        assert_true(strlen(pattern_fault_text(rows[i].fault)) > 5);
    }
    char text[PATTERN_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    memcpy(text, "{a}", 3);
    struct pattern *pattern = NULL;
    size_t at;
    assert_int_equal(pattern_new(slice_of(text, PATTERN_BYTES_MAX + 1), &pattern, &at),
                     PATTERN_TOO_MANY);
    assert_int_equal(pattern_new(slice_of(text, PATTERN_BYTES_MAX), &pattern, &at), PATTERN_OK);
    pattern_free(pattern);
}

/* Random texts against one pattern: what leaves fits the pattern again, and holds no name. */
static void what_leaves_fits_its_pattern_and_names_nobody(void **state)
{
    (void)state;
    static const char *const parts[] = {"u/",  "lotte", "/",   "?d=", "x1", "&g=",  "u173zq",
                                        "%6c", "otte",  "lot", "te",  "#",  "home", "max"};
    struct fixture fixture = begin();
    add_pattern(&fixture, "$.t", "u/{subject}/{friend}?d={device}&g={geohash}");
    start(&fixture);
    fixture.reduction.classes[PLACE].coarseness.by[COARSE_PRECISION] = 1000;
    unsigned n_left = 0;
    for (unsigned i = 0; i < 20000; i++) {
        char text[256] = "{\"t\":\"u/lotte/";
        /* a text that fits, with some parts put out of order */
        const char *usual[] = {"max", "?d=", "x1", "&g=", "u173zq"};
        for (size_t k = 0; k < SL_LENGTH(usual); k++)
            strcat(text, rand() % 8 ? usual[k] : parts[(size_t)rand() % SL_LENGTH(parts)]);
        strcat(text, "\"}");
        filter_begin(fixture.filter, fixture.trie, &fixture.reduction);
        if (filter_feed(fixture.filter, slice_of_str(text)) != SL_OK ||
            filter_finish(fixture.filter) != SL_OK)
            continue;
        char left[512] = {0};
        const struct slice output = filter_output(fixture.filter);
        memcpy(left, output.p, output.n);
        n_left++;
        assert_non_null(strstr(left, "{\"t\":\"u/p_7Qx/"));
        assert_null(strstr(left, "lotte"));
        /* Between separators: a short name may stand in base64 by chance. */
        assert_null(strstr(left, "/max?"));
        assert_null(strstr(left, "&g=u173zq"));
    }
    assert_true(n_left > 5000);
    fixture_end(&fixture);
}

static int set_up(void **state)
{
    (void)state;
    static const uint8_t secret[32] = {1};
    hmac_key_init(&key, slice_of(secret, sizeof secret));
    return 0;
}

int main(void)
{
    const unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identifier_leaves_as_the_partners_own_name),
        cmocka_unit_test(the_subject_among_people_is_the_pseudonym),
        cmocka_unit_test(a_name_is_an_hmac_of_space_app_and_identifier),
        cmocka_unit_test(another_key_app_or_kind_of_thing_gives_another_name),
        cmocka_unit_test(a_topic_leaves_with_pseudonym_and_shorter_geohash),
        cmocka_unit_test(a_url_leaves_with_what_its_pattern_names),
        cmocka_unit_test(a_geohash_is_a_text_or_null),
        cmocka_unit_test(where_the_ends_of_a_list_are_cut_a_pattern_is_left_out),
        cmocka_unit_test(a_pattern_that_can_be_read_in_two_ways_is_none),
        cmocka_unit_test(what_leaves_fits_its_pattern_and_names_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
