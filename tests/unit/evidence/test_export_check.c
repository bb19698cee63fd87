/*
 * test_export_check.c - what is written verifies, and nothing else does
 *
 * Histories are drawn at random: consents come, change, go and run out, texts are not kept, and the
 * person is erased or not. The seed of one that fails is printed. Arguments: exports that were once
 * written, and have to stay valid.
 */
#include "made.h"

#include "evidence/words.h"

#include <time.h>

static uint64_t random_state;

/* xorshift64* */
static unsigned random_below(unsigned n)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (unsigned)((random_state * 0x2545F4914F6CDD1DULL) >> 33) % n;
}

/* ------------------------------------------------------------------------------- histories -- */

#define CONSENT(id, partner, more, precision)                                                      \
    "  - {id: " id ", app: waze, partner: " partner                                                \
    ", purpose: recommendation, in_return: x, " more "data: {location: {precision: " precision     \
    "}}}\n"
#define POLICY(consents) "sluis: 1\nsubject: lotte\nconsents:\n" consents

enum { DAY_MS = 86400000 };

static void make_random_policy(struct made *made, bool is_there[3])
{
    static const char *const partners[] = {"spotify", "recommender"};
    static const char *const untils[] = {"", "", "until: 1970-01-01, ", "until: 1970-01-05, "};
    static const char *const precisions[] = {"1km", "2km", "5km"};
    char yaml[1024] = "sluis: 1\nsubject: lotte\ntimezone: Europe/Amsterdam\n";
    size_t n = strlen(yaml);
    bool has_any = false;
    for (unsigned i = 0; i < 3; i++) {
        is_there[i] = random_below(3) > 0;
        if (!is_there[i])
            continue;
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, "%s", has_any ? "" : "consents:\n");
        n += (size_t)snprintf(yaml + n, sizeof yaml - n, CONSENT("c%u", "%s", "%s", "%s"), i,
                              partners[random_below(2)], untils[random_below(4)],
                              precisions[random_below(3)]);
        has_any = true;
    }
    history_policy(&made->history, yaml, slice_of(NULL, 0), (struct leaf_policy){0});
}

static bool made_random(struct made *made, bool is_there[3])
{
    unsigned n = 1 + random_below(6);
    memset(made, 0, sizeof *made);
    history_begin(&made->history);
    for (unsigned i = 0; i < n; i++) {
        if (random_below(6) == 0)
            history_gone(&made->history);
        else
            make_random_policy(made, is_there);
    }
    bool is_erased = random_below(3) == 0;
    if (is_erased)
        history_erase(&made->history);
    made_end(made, random_below(2) ? 10 * (int64_t)DAY_MS : 100000);
    return is_erased;
}

/* -------------------------------------------------------------------------------- checking -- */

static void expect_valid(const struct made *made, const json_t *record)
{
    struct export_report report;
    enum sluis_verify_result result = made_check(made, record, &report);
    if (result != SLUIS_VERIFY_VALID)
        fail_msg("%s", report.problem);
    assert_int_equal(report.n_records, 1);
    export_report_free(&report);
}

/* Some of its words, each alone. */
static void expect_each_word_to_count(const struct made *made, const json_t *record)
{
    struct export_report report;
    json_t *whole = json_deep_copy(record);
    size_t n_words = SIZE_MAX;
    assert_false(made_alter(whole, &n_words));
    json_decref(whole);
    n_words = SIZE_MAX - n_words;
    assert_true(n_words > 30);
    for (unsigned i = 0; i < 4; i++) {
        size_t at = random_below((unsigned)n_words);
        json_t *other = json_deep_copy(record);
        assert_true(made_alter(other, &at));
        enum sluis_verify_result result = made_check(made, other, &report);
        if (result != SLUIS_VERIFY_INVALID) {
            char where[400];
            struct writer writer = writer_over(where, sizeof where - 1);
            (void)words_differ(other, record, &writer);
            where[writer.n] = 0;
            fail_msg("this is valid, too: %s", where);
        }
        assert_true(report.problem[0]);
        export_report_free(&report);
        json_decref(other);
    }
}

static void check_record(const struct made *made, json_t *record)
{
    assert_non_null(record);
    expect_valid(made, record);
    expect_each_word_to_count(made, record);
    json_decref(record);
}

static void check_history(uint64_t seed)
{
    bool is_there[3] = {false, false, false};
    struct made made;
    random_state = seed;
    bool is_erased = made_random(&made, is_there);
    for (size_t i = 0; i < made.lives.n; i++) {
        const struct consent_life *life = &made.lives.list[i];
        const struct consent_event *last = &life->events[life->n_events - 1];
        bool is_in_force = last->kind == CONSENT_GIVEN || last->kind == CONSENT_CHANGED ||
                           last->kind == CONSENT_EXPIRED;
        assert_true(is_in_force == (is_there[life->id.p[1] - '0'] && !is_erased));
        made.record.life = life;
        check_record(&made, record_dpv(&made.record));
        for (size_t k = 0; k < life->n_events; k++) {
            if (life->events[k].consent)
                check_record(&made, record_kantara(&made.record, k));
        }
    }
    made_free(&made);
}

static void what_is_written_verifies_and_every_word_of_it_counts(void **state)
{
    (void)state;
    uint64_t seed = (uint64_t)time(NULL);
    for (unsigned i = 0; i < 12; i++) {
        print_message("seed %llu\n", (unsigned long long)(seed + i));
        check_history(seed + i);
    }
}

/* ---------------------------------------------------------------------------- single faults -- */

/* Given, changed, erased. */
static void make_three(struct made *made)
{
    memset(made, 0, sizeof *made);
    history_begin(&made->history);
    history_policy(&made->history, POLICY(CONSENT("c1", "spotify", "", "5km")), slice_of(NULL, 0),
                   (struct leaf_policy){.granted = 1});
    history_policy(&made->history, POLICY(CONSENT("c1", "spotify", "", "2km")), slice_of(NULL, 0),
                   (struct leaf_policy){.changed = 1});
    history_erase(&made->history);
    made_end(made, 100000);
    made->record.life = &made->lives.list[0];
}

static void expect_problem(const struct made *made, json_t *value, const char *problem)
{
    struct export_report report;
    assert_int_equal(made_check(made, value, &report), SLUIS_VERIFY_INVALID);
    if (!strstr(report.problem, problem))
        fail_msg("%s; expected: %s", report.problem, problem);
    export_report_free(&report);
}

/* One member of the evidence of receipt 0 is another. */
static void expect_evidence_problem(const struct made *made, const char *part, const char *name,
                                    json_t *member, const char *problem)
{
    json_t *evidence = json_deep_copy(made->evidence[0]);
    json_t *object = part ? json_object_get(evidence, part) : evidence;
    if (member)
        json_object_set_new(object, name, member);
    else
        json_object_del(object, name);
    expect_problem(made, evidence, problem);
    json_decref(evidence);
}

static void each_member_of_evidence_is_what_the_format_says(void **state)
{
    (void)state;
    struct made made;
    struct export_report report;
    make_three(&made);
    assert_int_equal(made_check(&made, made.evidence[0], &report), SLUIS_VERIFY_VALID);
    assert_int_equal(report.n_texts, 1);
    export_report_free(&report);
    const struct {
        const char *part, *name;
        json_t *member;
        const char *problem;
    } cases[] = {
        {NULL, "receipt", NULL, "carries no evidence"},
        {NULL, "receipt", json_integer(1), "no receipt"},
        {NULL, "proof", json_string(""), "no proof"},
        {NULL, "other", json_null(), "\"other\" is no member"},
        {NULL, "subject", json_string("lotte"), "not well-formed"},
        {NULL, "number", json_integer(0), "not well-formed"},
        {NULL, "basis", json_array(), "not well-formed"},
        {NULL, "body", json_pack("{s:s}", "salt", "x"), "a body is opened"},
        {"basis", "other", json_null(), "\"other\" is no member"},
        {"basis", "salt", NULL, "not well-formed"},
        {"basis", "salt", json_string("AAAA"), "not well-formed"},
        {"basis", "version", json_integer(-1), "not well-formed"},
        {"basis", "version", json_integer(2), "another basis"},
        {"basis", "version", json_real(1), "not well-formed"},
        {"basis", "consents", NULL, "not well-formed"},
        {"basis", "consents", json_pack("[i]", 1), "not well-formed"},
        {"basis", "consents", json_pack("[s]", "a\nb"), "not well-formed"},
        {"basis", "consents", json_pack("[s]", "c1"), "another basis"},
        {"basis", "policy", NULL, "not well-formed"},
        {"basis", "policy", json_null(), "not the one that is named"},
        {"basis", "policy", json_pack("{s:s}", "digest", "x"), "not the one that is named"},
        {"basis", "policy", json_object(), "not the one that is named"},
        {"basis", "text", json_string("sluis: 1\n"), "not the one that is named"},
        {"basis", "blob", json_string("AAAA"), "not the one that is named"},
        {"basis", "blob", json_string("A"), "not the one that is named"},
    };
    for (size_t i = 0; i < SL_LENGTH(cases); i++)
        expect_evidence_problem(&made, cases[i].part, cases[i].name, cases[i].member,
                                cases[i].problem);
    made_free(&made);
}

static void a_consent_has_as_many_ids_as_a_policy_and_no_more(void **state)
{
    (void)state;
    struct made made;
    make_three(&made);
    for (size_t n = LIMIT_MAX_policy_consents; n <= LIMIT_MAX_policy_consents + 1; n++) {
        json_t *ids = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(ids, json_string("c1"));
        expect_evidence_problem(&made, "basis", "consents", ids,
                                n <= LIMIT_MAX_policy_consents ? "another basis"
                                                               : "not well-formed");
    }
    made_free(&made);
}

/* The block of the Kantara receipt of the first event; `record` owns it. */
static json_t *first_block(const struct made *made, json_t **record)
{
    json_t *made_record = record_kantara(&made->record, 0);
    *record = json_deep_copy(made_record);
    json_decref(made_record);
    return json_object_get(*record, "sluis");
}

static void an_erasure_must_be_of_the_same_person(void **state)
{
    (void)state;
    struct made made;
    make_three(&made);
    json_t *dpv = record_dpv(&made.record), *record = json_deep_copy(dpv);
    json_t *receipts = json_object_get(
        json_object_get(json_object_get(record, "sluis:evidence"), "@value"), "receipts");
    assert_int_equal(json_array_size(receipts), 3);
    json_object_del(json_array_get(receipts, 2), "basis");
    expect_problem(&made, record, "nothing shows that it is of the person");
    json_array_remove(receipts, 1);
    expect_problem(&made, record, "nothing shows that it is of the person");
    json_array_remove(receipts, 0);
    expect_problem(&made, record, "nothing shows that it is of the person");
    json_decref(record);
    json_decref(dpv);
    made_free(&made);
}

static void a_record_needs_what_its_words_are_made_of(void **state)
{
    (void)state;
    struct made made;
    json_t *record, *block;
    make_three(&made);
    block = first_block(&made, &record);
    json_object_set_new(block, "vocabularies", json_pack("[s]", "classes: nonsense"));
    expect_problem(&made, record, "vocabulary that policy version 1 was written under is not in");
    json_decref(record);
    block = first_block(&made, &record);
    json_object_set_new(block, "receipts", json_array());
    expect_problem(&made, record, "it carries no evidence");
    json_decref(record);
    block = first_block(&made, &record);
    json_object_set_new(block, "as_of", json_string("now"));
    expect_problem(&made, record, "\"as_of\" is no time");
    json_decref(record);
    block = first_block(&made, &record);
    json_object_set_new(block, "as_of", json_string("1970-01-01T00:01:40.001Z"));
    expect_problem(&made, record, "\"as_of\" is later than its statement");
    json_decref(record);
    made_free(&made);
}

/* Signed by the key: the text, with one part of it replaced. */
static void expect_statement_problem(struct made *made, const char *part, const char *other,
                                     const char *problem)
{
    char text[2048], note[3072];
    json_t *record, *block = first_block(made, &record);
    struct writer text_writer = writer_over(text, sizeof text);
    struct writer writer = writer_over(note, sizeof note);
    assert_int_equal(statement_write(&made->record.statement, &text_writer), SL_OK);
    text[text_writer.n] = 0;
    char *place = strstr(text, part);
    assert_non_null(place);
    write_bytes(&writer, slice_of(text, (size_t)(place - text)));
    write_str(&writer, other);
    write_str(&writer, place + strlen(part));
    struct slice changed = writer_slice(&writer);
    write_str(&writer, "\n");
    signing_write_line(&made->log, changed, 0, &writer);
    struct slice whole = writer_slice(&writer);
    json_object_set_new(block, "statement", json_stringn((const char *)whole.p, whole.n));
    expect_problem(made, record, problem);
    json_decref(record);
}

static void what_is_stated_is_signed_and_well_formed(void **state)
{
    (void)state;
    struct made made;
    make_three(&made);
    json_t *record, *block = first_block(&made, &record);
    char *text = strdup(json_string_value(json_object_get(block, "statement")));
    memcpy(strstr(text, "waze"), "daze", 4);
    json_object_set_new(block, "statement", json_string(text));
    expect_problem(&made, record, "is not signed by the ledger's key");
    json_object_set_new(block, "statement", json_string(""));
    expect_problem(&made, record, "is not signed by the ledger's key");
    free(text);
    json_decref(record);
    expect_statement_problem(&made, "sluis stated v1", "sluis stated v2", "not well-formed");
    expect_statement_problem(&made, ".000Z", "Z", "not well-formed");
    expect_statement_problem(&made, "}\n", "\n", "not well-formed");
    expect_statement_problem(&made, "}\n", "}\nmore\n", "not well-formed");
    expect_statement_problem(&made, "gateway.example/1\n", "gateway.example/2\n", "another ledger");
    expect_statement_problem(&made, "\"Waze\"", "\"Maze\"",
                             "\"services[0].service\" is \"Waze\"; expected \"Maze\"");
    expect_statement_problem(&made, "\"Waze\"", "1",
                             "\"services[0].service\" is \"Waze\"; expected \"waze\"");
    made_free(&made);
}

static void what_is_no_export_is_said_to_be_none(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "[]",
                                        " \n",
                                        "{\"@graph\":[]}",
                                        "1",
                                        "null",
                                        "{}",
                                        "[[]]",
                                        "{\"sluis\":{}}",
                                        "{\"sluis:evidence\":{}}",
                                        "{\"a\":1,\"a\":2}",
                                        "[",
                                        "\xff",
                                        "{\"receipt\":1,\"proof\":1}"};
    enum { N_EMPTY = 2 }; /* the first ones */
    struct made made;
    make_three(&made);
    const struct sluis_trust trust = {.vkey = made.log.vkey_text};
    for (size_t i = 0; i < SL_LENGTH(texts); i++) {
        struct export_report report;
        assert_int_equal(export_check(slice_of_str(texts[i]), &trust, NULL, &report),
                         i < N_EMPTY ? SLUIS_VERIFY_UNCHECKED : SLUIS_VERIFY_INVALID);
        assert_true(report.problem[0]);
        export_report_free(&report);
    }
    made_free(&made);
}

/* ------------------------------------------------------------------------------ older ones -- */

static char **files;
static int n_files;

static void what_was_once_written_stays_valid(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    struct signing log;
    signing_init(&log, "gateway.example/1", VKEY_ED25519, MADE_LOG_SEED);
    const struct sluis_trust trust = {.vkey = log.vkey_text};
    assert_true(n_files > 0);
    for (int i = 0; i < n_files; i++) {
        struct export_report report;
        FILE *file = fopen(files[i], "rb");
        assert_non_null(file);
        size_t n = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        assert_true(n > 1 && bytes[0] == 'x'); /* for the fuzz target */
        if (export_check(slice_of(bytes + 1, n - 1), &trust, NULL, &report) != SLUIS_VERIFY_VALID)
            fail_msg("%s: %s", files[i], report.problem);
        export_report_free(&report);
    }
}

int main(int argc, char **argv)
{
    files = argv + 1;
    n_files = argc - 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_verifies_and_every_word_of_it_counts),
        cmocka_unit_test(each_member_of_evidence_is_what_the_format_says),
        cmocka_unit_test(a_consent_has_as_many_ids_as_a_policy_and_no_more),
        cmocka_unit_test(an_erasure_must_be_of_the_same_person),
        cmocka_unit_test(a_record_needs_what_its_words_are_made_of),
        cmocka_unit_test(what_is_stated_is_signed_and_well_formed),
        cmocka_unit_test(what_is_no_export_is_said_to_be_none),
        cmocka_unit_test(what_was_once_written_stays_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
