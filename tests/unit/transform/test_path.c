/* The trie: what can be added, and what is found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transform/keyset.h"
#include "transform/path_node.h"

#include <stdio.h>
#include <string.h>

static const struct path_field a_value = {FIELD_VALUE, 0};
static const struct path_field latitude = {FIELD_LATITUDE, 0};
static const struct path_field longitude = {FIELD_LONGITUDE, 0};

static struct path_trie *new_trie(void)
{
    struct path_trie *trie = NULL;
    assert_int_equal(path_trie_new(&trie), SL_OK);
    return trie;
}

static enum path_fault add(struct path_trie *trie, const char *path, struct path_field field)
{
    size_t fault_at;
    return path_trie_add(trie, slice_of_str(path), field, &fault_at);
}

static void expect_refused(struct path_trie *trie, const char *path, enum path_fault fault,
                           size_t at)
{
    size_t fault_at = 999;
    assert_int_equal(path_trie_add(trie, slice_of_str(path), a_value, &fault_at), fault);
    assert_int_equal(fault_at, at);
}

static const struct path_node *member(const struct path_trie *trie, const struct path_node *node,
                                      const char *name)
{
    struct slice key = slice_of_str(name);
    return path_member(trie, node, key, key_hash(key));
}

static void a_field_is_found_by_its_steps_and_by_no_others(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$.a.b[*].c", (struct path_field){FIELD_VALUE, 3}), PATH_OK);
    assert_int_equal(add(trie, "$.a.d[2]", (struct path_field){FIELD_TIME, 0}), PATH_OK);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
    const struct path_node *root = path_root(trie);
    const struct path_node *a = member(trie, root, "a");
    assert_non_null(a);
    assert_null(member(trie, root, "b"));
    assert_null(member(trie, root, ""));
    assert_null(path_element(trie, root, 0));
    const struct path_node *b = member(trie, a, "b");
    assert_non_null(b);
    assert_null(member(trie, a, "c"));
    assert_null(member(trie, b, "c"));
    const struct path_node *element = path_element(trie, b, 7);
    assert_ptr_equal(element, path_element(trie, b, 0));
    const struct path_node *c = member(trie, element, "c");
    assert_non_null(c);
    assert_true(c->is_field && c->form == FIELD_VALUE && c->class_index == 3);
    const struct path_node *d = member(trie, a, "d");
    assert_null(path_element(trie, d, 0));
    assert_null(path_element(trie, d, 1));
    assert_null(path_element(trie, d, 3));
    assert_true(path_element(trie, d, 2)->form == FIELD_TIME);
    assert_null(member(trie, c, "c"));
    assert_null(path_element(trie, c, 0));
}

static void a_name_is_not_found_by_its_hash_alone(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$.secret", a_value), PATH_OK);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
    struct slice name = slice_of_str("secret");
    assert_null(path_member(trie, path_root(trie), slice_of_str("forged"), key_hash(name)));
}

static void a_key_is_written_as_json(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$['a\"\\n\u00e9'][0]", a_value), PATH_OK);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
    const struct path_node *node = member(trie, path_root(trie), "a\"\n\u00e9");
    assert_non_null(node);
    assert_true(slice_equals_str(path_key(trie, node), "\"a\\\"\\u000a\u00e9\":"));
    assert_int_equal(path_key(trie, path_element(trie, node, 0)).n, 0);
    assert_int_equal(path_key(trie, path_root(trie)).n, 0);
}

static void classes_and_subjects_are_known_from_above(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$.a.x", (struct path_field){FIELD_VALUE, 1}), PATH_OK);
    assert_int_equal(add(trie, "$.a.y", (struct path_field){FIELD_VALUE, 4}), PATH_OK);
    assert_int_equal(add(trie, "$.b.s", (struct path_field){FIELD_SUBJECT, 0}), PATH_OK);
    assert_int_equal(add(trie, "$.c", (struct path_field){FIELD_STRUCTURE, 0}), PATH_OK);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
    const struct path_node *root = path_root(trie);
    assert_int_equal(root->classes, 1u << 1 | 1u << 4);
    assert_true(root->holds_subject);
    assert_int_equal(member(trie, root, "a")->classes, 1u << 1 | 1u << 4);
    assert_false(member(trie, root, "a")->holds_subject);
    assert_int_equal(member(trie, root, "b")->classes, 0);
    assert_true(member(trie, root, "b")->holds_subject);
    assert_int_equal(member(trie, root, "c")->classes, 0);
}

static void contradictions_are_refused_where_they_begin(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$.a.b", a_value), PATH_OK);
    assert_int_equal(add(trie, "$.l[*].x", a_value), PATH_OK);
    assert_int_equal(add(trie, "$.m[3].x", a_value), PATH_OK);
    expect_refused(trie, "$.a.b", PATH_DUPLICATE, 5);
    expect_refused(trie, "$['a'][\"\\u0062\"]", PATH_DUPLICATE, 16);
    expect_refused(trie, "$.a", PATH_CONTRADICTS, 3);
    expect_refused(trie, "$", PATH_CONTRADICTS, 1);
    expect_refused(trie, "$.a.b.c", PATH_CONTRADICTS, 5);
    expect_refused(trie, "$.a[0]", PATH_CONTRADICTS, 3);
    expect_refused(trie, "$[0]", PATH_CONTRADICTS, 1);
    expect_refused(trie, "$[*]", PATH_CONTRADICTS, 1);
    expect_refused(trie, "$.l[0].x", PATH_CONTRADICTS, 3);
    expect_refused(trie, "$.l.x", PATH_CONTRADICTS, 3);
    expect_refused(trie, "$.m[*].x", PATH_CONTRADICTS, 3);
    expect_refused(trie, "$.m[3]", PATH_CONTRADICTS, 6);
    expect_refused(trie, "$.x y", PATH_SYNTAX, 3);
    /* And what is refused leaves no trace. */
    assert_int_equal(add(trie, "$.x", a_value), PATH_OK);
    assert_int_equal(add(trie, "$.m[4].x", a_value), PATH_OK);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
}

static void the_root_can_be_a_field_of_its_own(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$", a_value), PATH_OK);
    expect_refused(trie, "$", PATH_DUPLICATE, 1);
    expect_refused(trie, "$.a", PATH_CONTRADICTS, 1);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
    assert_true(path_root(trie)->is_field);
}

/* route_fields */
static void route_fields_fields_pass_and_one_more_is_too_many(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    for (size_t i = 0; i < LIMIT_MAX_route_fields; i++) {
        char path[64];
        snprintf(path, sizeof path, "$.some.way.down.to.f%zu.g[%zu]", i, i);
        assert_int_equal(add(trie, path, a_value), PATH_OK);
    }
    expect_refused(trie, "$.other", PATH_TOO_MANY, 0);
    assert_int_equal(path_trie_finish(trie), PATH_OK);
    const struct path_node *node = path_root(trie);
    static const char *const way[] = {"some", "way", "down", "to", "f127", "g"};
    for (size_t i = 0; i < SL_LENGTH(way); i++) {
        node = member(trie, node, way[i]);
        assert_non_null(node);
    }
    assert_true(path_element(trie, node, 127)->is_field);
    assert_null(path_element(trie, node, 126));
}

static void a_path_as_deep_as_an_answer_may_be_passes(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    char path[512] = "$";
    for (size_t i = 0; i < LIMIT_MAX_json_depth; i++)
        strcat(path, "[*]");
    assert_int_equal(add(trie, path, a_value), PATH_OK);
    strcat(path, "[*]");
    expect_refused(trie, path, PATH_TOO_MANY, 1 + 3 * LIMIT_MAX_json_depth);
}

static enum path_fault finish_of(const char *path_a, struct path_field a, const char *path_b,
                                 struct path_field b, size_t *field)
{
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$.first", a_value), PATH_OK);
    assert_int_equal(add(trie, path_a, a), PATH_OK);
    if (path_b)
        assert_int_equal(add(trie, path_b, b), PATH_OK);
    enum path_fault fault = path_trie_finish(trie);
    *field = path_trie_fault_field(trie);
    return fault;
}

static void a_latitude_needs_one_longitude_of_its_class_beside_it(void **state)
{
    (void)state;
    size_t field;
    struct path_field other_longitude = {FIELD_LONGITUDE, 1};
    assert_int_equal(finish_of("$.p.a", latitude, "$.p.b", longitude, &field), PATH_OK);
    assert_int_equal(finish_of("$.p[1]", latitude, "$.p[0]", longitude, &field), PATH_OK);
    assert_int_equal(finish_of("$.p[*].a", latitude, "$.p[*].b", longitude, &field), PATH_OK);
    assert_int_equal(finish_of("$.a", latitude, "$.b", longitude, &field), PATH_OK);

    assert_int_equal(finish_of("$.p.a", latitude, NULL, latitude, &field), PATH_UNPAIRED);
    assert_int_equal(field, 1);
    assert_int_equal(finish_of("$.p.a", longitude, NULL, latitude, &field), PATH_UNPAIRED);
    assert_int_equal(finish_of("$.p[*]", latitude, NULL, latitude, &field), PATH_UNPAIRED);
    assert_int_equal(finish_of("$.p.a", latitude, "$.q.b", longitude, &field), PATH_UNPAIRED);
    assert_int_equal(finish_of("$.p.a", latitude, "$.p.b", latitude, &field), PATH_UNPAIRED);
    assert_int_equal(finish_of("$.p.a", latitude, "$.p.b", a_value, &field), PATH_UNPAIRED);
    assert_int_equal(finish_of("$.p.a", latitude, "$.p.b", other_longitude, &field), PATH_UNPAIRED);
    assert_int_equal(finish_of("$.p.a", latitude, "$.p.b.c", longitude, &field), PATH_UNPAIRED);
}

static void three_halves_in_one_place_are_no_pair(void **state)
{
    (void)state;
    SL_AUTO(path_trie) trie = new_trie();
    assert_int_equal(add(trie, "$.a", latitude), PATH_OK);
    assert_int_equal(add(trie, "$.b", longitude), PATH_OK);
    assert_int_equal(add(trie, "$.c", (struct path_field){FIELD_LONGITUDE, 1}), PATH_OK);
    assert_int_equal(path_trie_finish(trie), PATH_UNPAIRED);
    SL_AUTO(path_trie) root = new_trie();
    assert_int_equal(add(root, "$", latitude), PATH_OK);
    assert_int_equal(path_trie_finish(root), PATH_UNPAIRED);
}

static void each_fault_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int a = PATH_OK; a <= PATH_NO_MEMORY; a++)
        for (int b = PATH_OK; b < a; b++)
            assert_string_not_equal(path_fault_text((enum path_fault)a),
                                    path_fault_text((enum path_fault)b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_found_by_its_steps_and_by_no_others),
        cmocka_unit_test(a_name_is_not_found_by_its_hash_alone),
        cmocka_unit_test(a_key_is_written_as_json),
        cmocka_unit_test(classes_and_subjects_are_known_from_above),
        cmocka_unit_test(contradictions_are_refused_where_they_begin),
        cmocka_unit_test(the_root_can_be_a_field_of_its_own),
        cmocka_unit_test(route_fields_fields_pass_and_one_more_is_too_many),
        cmocka_unit_test(a_path_as_deep_as_an_answer_may_be_passes),
        cmocka_unit_test(a_latitude_needs_one_longitude_of_its_class_beside_it),
        cmocka_unit_test(three_halves_in_one_place_are_no_pair),
        cmocka_unit_test(each_fault_has_a_text_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
