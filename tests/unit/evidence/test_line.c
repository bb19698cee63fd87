/*
 * test_line.c - each kind of line, there and back, and everything that is no line
 */
#include "help.h"

#include <stdio.h>

/* Reads what was written, writes it again: the same bytes. */
static void assert_round_trip(const struct text *text)
{
    struct evidence_line line;
    struct evidence_problem problem;
    assert_int_equal(evidence_line_read(slice_of(text->bytes, text->n - 1), &line, &problem),
                     SL_OK);
    struct text again = {0};
    text_add_line(&again, &line);
    assert_int_equal(again.n, text->n);
    assert_memory_equal(again.bytes, text->bytes, text->n);
    evidence_line_free(&line);
    free(again.bytes);
}

static void every_kind_of_line_reads_back_as_it_was_written(void **state)
{
    (void)state;
    uint8_t sha256[32];
    static const struct slice odd = SLICE_LITERAL("a \"b\"\\\n\tc \xe2\x82\xac\x7f");
    for (int i = 0; i < 7; i++) {
        struct text text = {0};
        if (i == 0 || i == 1)
            add_head(&text, i == 0);
        else if (i == 2)
            add_vocabulary(&text, odd, sha256);
        else if (i == 3)
            add_subject(&text, "lotte", 0xa0);
        else if (i == 4)
            add_policy(&text, 3, sha256, odd, slice_of_str("\xff\xfe blob"));
        else if (i == 5)
            add_policy(&text, 1, NULL, slice_of(NULL, 0), slice_of(NULL, 0));
        else
            add_end(&text, 1, 2);
        assert_round_trip(&text);
        free(text.bytes);
    }
}

static void the_facts_of_a_head_are_those_that_were_written(void **state)
{
    (void)state;
    struct text text = {0};
    struct evidence_line line;
    struct evidence_problem problem;
    add_head(&text, false);
    assert_int_equal(evidence_line_read(slice_of(text.bytes, text.n - 1), &line, &problem), SL_OK);
    assert_int_equal(line.kind, EVIDENCE_HEAD);
    const struct evidence_head *head = &line.head;
    assert_true(slice_equals_str(head->origin, "gateway.example/1"));
    assert_int_equal(head->time_ms, 1795392000123);
    assert_int_equal(head->n_receipts, 7);
    assert_false(head->is_whole);
    assert_true(head->has_controller);
    assert_true(slice_equals_str(head->controller.texts[CONTROLLER_STORAGE], "nowhere"));
    assert_int_equal(head->controller.texts[CONTROLLER_EMAIL].n, 0);
    assert_int_equal(head->n_apps, 2);
    assert_true(slice_equals_str(head->apps[0].label, "Waze"));
    assert_true(slice_equals_str(head->partners[0].label, "Spotify \"AB\""));
    evidence_line_free(&line);
    free(text.bytes);
}

static void assert_refused(const char *text, const char *said)
{
    struct evidence_line line;
    struct evidence_problem problem;
    assert_int_equal(evidence_line_read(slice_of_str(text), &line, &problem), SL_EMALFORMED);
    if (!strstr(problem.text, said))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, problem.text, said);
}

#define KEY43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define POLICY                                                                                     \
    "{\"kind\":\"policy\",\"version\":1,\"time\":\"2026-11-23T01:20:00.000Z\",\"digest\":\"" KEY43 \
    "\",\"vocabulary\":null,"

static void what_is_no_line_is_refused_with_its_reason(void **state)
{
    (void)state;
    assert_refused("", "no JSON object");
    assert_refused("[]", "no JSON object");
    assert_refused("{\"kind\":\"end\"", "no JSON object");
    assert_refused("{} {}", "no JSON object");
    assert_refused("{}", "\"kind\" is missing");
    assert_refused("{\"kind\":1}", "\"kind\" is something else");
    assert_refused("{\"kind\":\"thing\"}", "expected evidence, vocabulary");
    assert_refused("{\"kind\":\"end\",\"subjects\":1}", "\"policies\" is missing");
    assert_refused("{\"kind\":\"end\",\"subjects\":1,\"policies\":-1}", "a whole number");
    assert_refused("{\"kind\":\"end\",\"subjects\":1,\"policies\":1.5}", "a whole number");
    assert_refused("{\"kind\":\"end\",\"subjects\":1,\"policies\":1,\"more\":1}", "it has 4");
    assert_refused("{\"kind\":\"end\",\"subjects\":1,\"subjects\":1,\"policies\":1}",
                   "no JSON object");
    assert_refused("{\"kind\":\"subject\",\"subject\":\"\",\"key\":\"" KEY43 "\"}", "1 to 64");
    assert_refused("{\"kind\":\"subject\",\"subject\":\"a\",\"key\":\"AAAA\"}", "43 characters");
    assert_refused("{\"kind\":\"vocabulary\",\"version\":0,\"sha256\":\"" KEY43 "\",\"text\":\"\"}",
                   "a whole number");
    assert_refused(POLICY "\"yaml\":\"a\",\"blob\":null}", "if and only if");
    assert_refused(POLICY "\"yaml\":null,\"blob\":\"AA\"}", "if and only if");
    assert_refused(POLICY "\"yaml\":\"\",\"blob\":\"\"}", "not empty, or null");
    assert_refused(POLICY "\"yaml\":\"a\",\"blob\":\"A\"}", "base64url");
    assert_refused(POLICY "\"yaml\":\"a\",\"blob\":\"A+\"}", "base64url");
    assert_refused("{\"kind\":\"policy\",\"version\":1,\"time\":\"yesterday\"}", "a time as");
}

/* A policy's YAML makes the line as long as is wanted. */
static void a_line_has_at_most_evidence_line_bytes(void **state)
{
    (void)state;
    static const char before[] = POLICY "\"yaml\":\"", after[] = "\",\"blob\":\"AA\"}";
    const size_t n_fixed = sizeof before - 1 + sizeof after - 1;
    struct evidence_line line;
    struct evidence_problem problem;
    for (size_t more = 0; more < 2; more++) {
        size_t n = EVIDENCE_LINE_BYTES_MAX - 1 + more; /* the line feed counts */
        char *text = malloc(n);
        assert_non_null(text);
        memset(text, 'x', n);
        memcpy(text, before, sizeof before - 1);
        memcpy(text + n - (sizeof after - 1), after, sizeof after - 1);
        assert_true(n > n_fixed);
        assert_int_equal(evidence_line_read(slice_of(text, n), &line, &problem),
                         more == 0 ? SL_OK : SL_ELIMIT);
        if (more == 0)
            evidence_line_free(&line);
        else
            assert_non_null(strstr(problem.text, "2097152 bytes"));
        free(text);
    }
}

static void a_text_that_does_not_fit_overflows(void **state)
{
    (void)state;
    uint8_t block[64];
    struct writer writer = writer_over(block, sizeof block);
    const struct evidence_line line = {.kind = EVIDENCE_SUBJECT,
                                       .subject = {.name = SLICE_LITERAL("lotte")}};
    evidence_line_write(&line, &writer);
    assert_true(writer.overflow);
}

static void each_text_of_the_controller_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_CONTROLLER_TEXTS; i++) {
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(controller_text_name(i), controller_text_name(j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_line_reads_back_as_it_was_written),
        cmocka_unit_test(the_facts_of_a_head_are_those_that_were_written),
        cmocka_unit_test(what_is_no_line_is_refused_with_its_reason),
        cmocka_unit_test(a_line_has_at_most_evidence_line_bytes),
        cmocka_unit_test(a_text_that_does_not_fit_overflows),
        cmocka_unit_test(each_text_of_the_controller_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
