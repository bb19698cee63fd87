/*
 * test_yaml.c - the subset: what is accepted, what is refused, and where a problem is said to be
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yaml/yaml.h"

static const struct yaml_limits limits = {65536, 16};

static struct yaml_problems problems;

static int set_up(void **state)
{
    (void)state;
    yaml_problems_init(&problems, "test.yaml");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    yaml_problems_deinit(&problems);
    return 0;
}

static struct yaml_document *parse(const char *text)
{
    struct yaml_document *document = NULL;
    yaml_problems_deinit(&problems);
    assert_int_equal(yaml_parse(slice_of_str(text), limits, &problems, &document), SL_OK);
    assert_int_equal(problems.n, 0);
    return document;
}

/* Refused, with exactly one problem, at that place, whose text contains `words`. */
static void assert_refused(const char *text, uint32_t line, uint32_t column, const char *words)
{
    struct yaml_document *document = NULL;
    yaml_problems_deinit(&problems);
    assert_int_equal(yaml_parse(slice_of_str(text), limits, &problems, &document), SL_EMALFORMED);
    assert_null(document);
    assert_int_equal(problems.n, 1);
    assert_int_equal(problems.n_errors, 1);
    assert_int_equal(problems.list[0].line, line);
    assert_int_equal(problems.list[0].column, column);
    if (!strstr(problems.list[0].text, words))
        fail_msg("\"%s\" does not say \"%s\"", problems.list[0].text, words);
}

static void mapping_keeps_order_texts_and_positions(void **state)
{
    (void)state;
    struct yaml_document *document = parse("b: one\na: \"two\"\nlist:\n  - x\n  - {k: v}\n");
    const struct yaml_node *root = yaml_root(document);
    assert_int_equal(root->kind, YAML_MAPPING);
    assert_int_equal(root->n_children, 3);
    assert_true(slice_equals_str(root->first->key, "b"));
    assert_true(slice_equals_str(root->first->text, "one"));
    assert_false(root->first->quoted);
    assert_int_equal(root->first->line, 1);
    assert_int_equal(root->first->column, 4);
    assert_int_equal(root->first->key_column, 1);
    const struct yaml_node *a = yaml_get(root, "a");
    assert_true(a->quoted);
    assert_true(slice_equals_str(a->text, "two"));
    const struct yaml_node *list = yaml_get(root, "list");
    assert_int_equal(list->kind, YAML_SEQUENCE);
    assert_int_equal(list->n_children, 2);
    assert_int_equal(list->first->line, 4);
    assert_int_equal(list->first->column, 5);
    assert_int_equal(list->first->key.n, 0);
    assert_true(slice_equals_str(yaml_get(list->first->next, "k")->text, "v"));
    assert_null(yaml_get(root, "c"));
    assert_null(yaml_get(a, "c"));
    yaml_document_free(document);
}

static void scalars_stay_text_whatever_yaml_would_make_of_them(void **state)
{
    (void)state;
    struct yaml_document *document = parse("[yes, 010, 1e3, null, ~, 2026-11-01, '', 0x1f]");
    static const char *const texts[] = {"yes", "010", "1e3", "null", "~", "2026-11-01", "", "0x1f"};
    const struct yaml_node *item = yaml_root(document)->first;
    for (size_t i = 0; i < SL_LENGTH(texts); i++, item = item->next)
        assert_true(slice_equals_str(item->text, texts[i]));
    assert_null(item);
    yaml_document_free(document);
}

static void each_text_is_followed_by_a_nul(void **state)
{
    (void)state;
    struct yaml_document *document = parse("key: value");
    const struct yaml_node *node = yaml_root(document)->first;
    assert_int_equal(node->text.p[node->text.n], 0);
    assert_int_equal(node->key.p[node->key.n], 0);
    yaml_document_free(document);
}

static void columns_count_characters_not_bytes(void **state)
{
    (void)state;
    assert_refused("idee\xc3\xabn: x: y\n", 1, 10, "mapping values");
    assert_refused("\xc3\xab\xc3\xab: \xff", 1, 5, "byte 0xff");
}

static void anchors_aliases_tags_and_merges_are_refused(void **state)
{
    (void)state;
    assert_refused("a: &x 1\n", 1, 4, "anchor \"&x\"");
    assert_refused("a: &x [1]\n", 1, 4, "anchor");
    assert_refused("a: &x {b: 1}\n", 1, 4, "anchor");
    assert_refused("a: *x\n", 1, 4, "alias \"*x\"");
    assert_refused("*x : a\n", 1, 1, "alias");
    assert_refused("a: !!int 1\n", 1, 4, "tag");
    assert_refused("a: !mine [1]\n", 1, 4, "tag");
    assert_refused("a: !mine {b: 1}\n", 1, 4, "tag");
    assert_refused("a: 1\n<<: {b: 2}\n", 2, 1, "merge key");
}

static void quoted_merge_key_is_a_key_like_any_other(void **state)
{
    (void)state;
    struct yaml_document *document = parse("\"<<\": 1\n");
    assert_non_null(yaml_get(yaml_root(document), "<<"));
    yaml_document_free(document);
}

static void directives_and_second_documents_are_refused(void **state)
{
    (void)state;
    assert_refused("%YAML 1.1\n---\na: 1\n", 1, 1, "directive");
    assert_refused("%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "directive");
    assert_refused("a: 1\n---\nb: 1\n", 2, 1, "second document");
    assert_refused("a: 1\n...\nb: 1\n", 3, 1, "one document");
}

static void duplicate_keys_are_refused_at_every_depth(void **state)
{
    (void)state;
    assert_refused("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key \"a\"; it stands on line 1");
    assert_refused("x: [{b: 1, c: 2, b: 3}]\n", 1, 18, "duplicate key \"b\"");
    assert_refused("a: 1\n\"a\": 2\n", 2, 1, "duplicate key");
    struct yaml_document *document = parse("a: {a: 1}\nb: {a: 1}\n");
    yaml_document_free(document);
}

static void keys_must_be_names(void **state)
{
    (void)state;
    assert_refused("? [a]\n: 1\n", 1, 3, "a list as a key");
    assert_refused("? {a: b}\n: 1\n", 1, 3, "a mapping as a key");
    assert_refused("?\n: 1\n", 1, 2, "empty key");
    assert_refused("\"\": 1\n", 1, 1, "empty key");
}

static void text_must_be_clean_utf8(void **state)
{
    (void)state;
    assert_refused("\xef\xbb\xbf"
                   "a: 1\n",
                   1, 1, "byte order mark");
    assert_refused("a: 1\nb: \xc0\x80\n", 2, 4, "byte 0xc0");
    assert_refused("a: \xed\xa0\x80\n", 1, 4, "byte 0xed");
    assert_refused("a: \x01\n", 1, 4, "control characters");
    struct yaml_document *document = NULL;
    yaml_problems_deinit(&problems);
    assert_int_equal(yaml_parse(slice_of("a: 1\0b", 6), limits, &problems, &document),
                     SL_EMALFORMED);
    assert_int_equal(problems.list[0].column, 5);
    /* UTF-16, which libyaml would detect and take */
    assert_int_equal(yaml_parse(slice_of("\xff\xfe"
                                         "a\0:\0 \0b\0",
                                         10),
                                limits, &problems, &document),
                     SL_EMALFORMED);
    assert_null(document);
}

static void nothing_is_not_a_document(void **state)
{
    (void)state;
    assert_refused("", 1, 1, "nothing but blanks");
    assert_refused("# only a comment\n\n", 1, 1, "nothing but blanks");
    struct yaml_document *document = NULL;
    assert_int_equal(yaml_parse((struct slice){NULL, 0}, limits, &problems, &document),
                     SL_EMALFORMED);
}

static void syntax_errors_come_with_advice(void **state)
{
    (void)state;
    assert_refused("a: b: c\n", 1, 5, "quote a value that holds a colon");
    assert_refused("a:\n  - b\n\t- c\n", 3, 1, "indent with spaces");
    assert_refused("a: [1, 2\n", 2, 1, "");
    assert_refused("a: \"open\n", 2, 1, "a quote is not closed");
    assert_refused("a: {b: 1\n", 2, 1, "");
}

static void all_problems_are_reported_and_those_before_a_syntax_error(void **state)
{
    (void)state;
    struct yaml_document *document = NULL;
    const char *text = "a: &x 1\nb: !t 2\nb: 3\n<<: *x\nc: d: e\n";
    assert_int_equal(yaml_parse(slice_of_str(text), limits, &problems, &document), SL_EMALFORMED);
    assert_int_equal(problems.n_errors, 5); /* the mapping was not finished: no duplicate key */
    yaml_problems_deinit(&problems);
    assert_int_equal(yaml_parse(slice_of(text, strlen(text) - 8), limits, &problems, &document),
                     SL_EMALFORMED);
    assert_int_equal(problems.n_errors, 5);
    yaml_problems_sort(&problems);
    static const uint32_t lines[] = {1, 2, 3, 4, 4};
    for (size_t i = 0; i < SL_LENGTH(lines); i++)
        assert_int_equal(problems.list[i].line, lines[i]);
    assert_null(document);
}

static void parse_further_gives_the_document_with_its_problems(void **state)
{
    (void)state;
    struct yaml_document *document = NULL;
    const char *text = "a: 1\na: 2\nb: *x\n";
    assert_int_equal(yaml_parse_further(slice_of_str(text), limits, &problems, &document), SL_OK);
    assert_int_equal(problems.n_errors, 2);
    assert_int_equal(yaml_root(document)->n_children, 3);
    yaml_document_free(document);
    document = NULL;
    assert_int_equal(yaml_parse_further(slice_of_str("a: ["), limits, &problems, &document),
                     SL_EMALFORMED);
    assert_null(document);
}

static void bytes_are_allowed_up_to_the_limit(void **state)
{
    (void)state;
    struct yaml_document *document = NULL;
    const struct yaml_limits tight = {8, 16};
    assert_int_equal(yaml_parse(slice_of_str("a: 45678"), tight, &problems, &document), SL_OK);
    yaml_document_free(document);
    document = NULL;
    assert_int_equal(yaml_parse(slice_of_str("a: 456789"), tight, &problems, &document), SL_ELIMIT);
    assert_null(document);
    assert_string_equal(problems.list[0].text, "9 bytes; at most 8 are allowed");
}

static void depth_is_allowed_up_to_the_limit(void **state)
{
    (void)state;
    struct yaml_document *document = NULL;
    char text[64] = "";
    for (int i = 0; i < 16; i++)
        text[i] = '[', text[16 + i] = ']';
    assert_int_equal(yaml_parse(slice_of(text, 32), limits, &problems, &document), SL_OK);
    yaml_document_free(document);
    document = NULL;
    for (int i = 0; i < 17; i++)
        text[i] = '[', text[17 + i] = ']';
    assert_int_equal(yaml_parse(slice_of(text, 34), limits, &problems, &document), SL_ELIMIT);
    assert_null(document);
    assert_int_equal(problems.list[0].column, 17);
}

static void thousands_of_keys_and_brackets_end_soon(void **state)
{
    (void)state;
    enum { N = 65536 };
    char *text = malloc(N + 8);
    size_t n = 0;
    for (int i = 0; n + 8 < N; i++)
        n += (size_t)snprintf(text + n, 9, "k%d:\n", i);
    struct yaml_document *document = NULL;
    assert_int_equal(yaml_parse(slice_of(text, n), limits, &problems, &document), SL_OK);
    assert_true(yaml_root(document)->n_children > 8000);
    yaml_document_free(document);
    document = NULL;
    memset(text, '[', N);
    assert_int_equal(yaml_parse(slice_of(text, N), limits, &problems, &document), SL_ELIMIT);
    memset(text, '-', N);
    for (int i = 1; i < N; i += 2)
        text[i] = ' ';
    assert_int_equal(yaml_parse(slice_of(text, N), limits, &problems, &document), SL_ELIMIT);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mapping_keeps_order_texts_and_positions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scalars_stay_text_whatever_yaml_would_make_of_them, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_text_is_followed_by_a_nul, set_up, tear_down),
        cmocka_unit_test_setup_teardown(columns_count_characters_not_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(anchors_aliases_tags_and_merges_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(quoted_merge_key_is_a_key_like_any_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(directives_and_second_documents_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(duplicate_keys_are_refused_at_every_depth, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(keys_must_be_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_must_be_clean_utf8, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_not_a_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(syntax_errors_come_with_advice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_problems_are_reported_and_those_before_a_syntax_error,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(parse_further_gives_the_document_with_its_problems, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_allowed_up_to_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(depth_is_allowed_up_to_the_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(thousands_of_keys_and_brackets_end_soon, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
