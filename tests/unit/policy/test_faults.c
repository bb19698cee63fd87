/*
 * test_faults.c - each allocation fails once: the outcome is the same, or an error and nothing
 *
 * The linker sends our allocations (not libyaml's) through the counters below.
 */
#include "help.h"

#include <stdlib.h>

#include "policy/diff.h"

static size_t n_allocations;
static size_t failing; /* the number of the allocation that fails; SIZE_MAX for none */

void *__real_malloc(size_t n_bytes);
void *__real_calloc(size_t n, size_t n_bytes);
void *__real_realloc(void *block, size_t n_bytes);
void *__wrap_malloc(size_t n_bytes);
void *__wrap_calloc(size_t n, size_t n_bytes);
void *__wrap_realloc(void *block, size_t n_bytes);
char *__wrap_strdup(const char *text);

static bool fails(void)
{
    return n_allocations++ == failing;
}

void *__wrap_malloc(size_t n_bytes)
{
    return fails() ? NULL : __real_malloc(n_bytes);
}

void *__wrap_calloc(size_t n, size_t n_bytes)
{
    return fails() ? NULL : __real_calloc(n, n_bytes);
}

void *__wrap_realloc(void *block, size_t n_bytes)
{
    return fails() ? NULL : __real_realloc(block, n_bytes);
}

char *__wrap_strdup(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = fails() ? NULL : __real_malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}

#define GOOD                                                                                       \
    HEAD "consents:\n  - {id: a, app: waze, partner: spotify, purpose: recommendation, data: "     \
         "{location: {precision: 5km}, listening.track: {detail: artist}}, situation: [driving], " \
         "when: {days: [mon-fri], hours: \"22:00-06:00\"}}\n"                                      \
         "  - {id: b, app: waze, partner: spotify, purpose: recommendation, in_return: x, data: "  \
         "{location: {}}}\n"                                                                       \
         "refuse: [{data: [location], when: {days: [sun]}}]\n"
#define BAD GOOD "consents: []\nbogus: 1\n"

static uint8_t block[POLICY_BLOB_BYTES_MAX];

static enum sl_err load_and_compile(const char *yaml, struct writer *writer)
{
    struct yaml_problems found;
    yaml_problems_init(&found, "fault");
    struct policy_document *policy = NULL;
    enum sl_err err = policy_load(slice_of_str(yaml), vocabulary, &found, &policy);
    assert_int_equal(err == SL_OK, policy != NULL);
    if (err == SL_OK)
        err = policy_compile(policy, &found, writer);
    if (err == SL_EMALFORMED)
        assert_true(found.n_errors > 0);
    policy_free(policy);
    yaml_problems_deinit(&found);
    return err;
}

static void policy_loads_and_compiles_in_full_or_not_at_all(void **state)
{
    (void)state;
    static uint8_t whole[POLICY_BLOB_BYTES_MAX];
    failing = SIZE_MAX;
    n_allocations = 0;
    struct writer writer = writer_over(whole, sizeof whole);
    assert_int_equal(load_and_compile(GOOD, &writer), SL_OK);
    const size_t n_needed = n_allocations;
    assert_true(n_needed > 5);
    size_t n_failed = 0;
    for (size_t i = 0; i < n_needed; i++) {
        struct writer again = writer_over(block, sizeof block);
        failing = i;
        n_allocations = 0;
        enum sl_err err = load_and_compile(GOOD, &again);
        if (err == SL_OK) {
            assert_true(slice_equals(writer_slice(&again), writer_slice(&writer)));
            continue; /* a text of a warning, or the warnings altogether */
        }
        n_failed++;
        assert_int_equal(err, SL_EINTERNAL);
        assert_int_equal(again.n, 0);
    }
    failing = SIZE_MAX;
    assert_true(n_failed > 3);
}

static void bad_policy_stays_bad(void **state)
{
    (void)state;
    failing = SIZE_MAX;
    n_allocations = 0;
    struct writer writer = writer_over(block, sizeof block);
    assert_int_equal(load_and_compile(BAD, &writer), SL_EMALFORMED);
    const size_t n_needed = n_allocations;
    for (size_t i = 0; i < n_needed; i++) {
        failing = i;
        n_allocations = 0;
        assert_int_not_equal(load_and_compile(BAD, &writer), SL_OK);
    }
    failing = SIZE_MAX;
}

static void vocabulary_loads_in_full_or_not_at_all(void **state)
{
    (void)state;
    struct yaml_problems found;
    struct vocabulary *loaded = NULL;
    for (failing = 0;; failing++) {
        n_allocations = 0;
        yaml_problems_init(&found, "fault");
        enum sl_err err = vocabulary_load(vocabulary_default_text(), &found, &loaded);
        yaml_problems_deinit(&found);
        if (n_allocations <= failing) {
            assert_int_equal(err, SL_OK);
            break;
        }
        assert_int_equal(err, SL_EINTERNAL);
        assert_null(loaded);
    }
    assert_true(failing > 20);
    failing = SIZE_MAX;
    assert_int_equal(vocabulary_n_classes(loaded), vocabulary_n_classes(vocabulary));
    vocabulary_free(loaded);
}

static void changes_are_never_counted_too_low(void **state)
{
    (void)state;
    SL_AUTO(policy_document) old = load(GOOD);
    SL_AUTO(policy_document)
    new = load(HEAD "consents: [{id: b, app: waze, partner: spotify, purpose: recommendation, "
                    "in_return: x, data: {location: {precision: 1km}}}]\n");
    for (size_t i = 0; i < 4; i++) {
        struct policy_change change;
        char lines[4096];
        struct writer writer = writer_over(lines, sizeof lines);
        failing = i;
        n_allocations = 0;
        policy_compare(old, new, &change, &writer);
        assert_int_equal(change.withdrawn, 1);
        assert_int_equal(change.changed, 1);
    }
    failing = SIZE_MAX;
}

int main(void)
{
    failing = SIZE_MAX;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_loads_and_compiles_in_full_or_not_at_all),
        cmocka_unit_test(bad_policy_stays_bad),
        cmocka_unit_test(vocabulary_loads_in_full_or_not_at_all),
        cmocka_unit_test(changes_are_never_counted_too_low),
    };
    return cmocka_run_group_tests(tests, set_up_vocabulary, tear_down_vocabulary);
}
