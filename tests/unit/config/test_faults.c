/*
 * test_faults.c - each allocation of a load fails once: no configuration, no leak, no crash
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"
#include "identify/credential.h"
#include "identify/pseudonym.h"

#include <stdlib.h>
#include <string.h>

/* Counts down with each allocation; the one that meets zero fails. Below zero: none does. */
static int allocations_until_fault = -1;

static bool fails_now(void)
{
    if (allocations_until_fault < 0)
        return false;
    return allocations_until_fault-- == 0;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t item);
void *__real_realloc(void *block, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t item);
void *__wrap_realloc(void *block, size_t n);

void *__wrap_malloc(size_t n)
{
    return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t item)
{
    return fails_now() ? NULL : __real_calloc(n, item);
}

void *__wrap_realloc(void *block, size_t n)
{
    return fails_now() ? NULL : __real_realloc(block, n);
}

/* Loads with each allocation failing in turn; the load without a fault must give `expected`. */
static void fail_each_allocation(struct fixture *fixture, enum sl_err expected)
{
    char *text = expected == SL_OK ? fixture_right()
                                   : fixture_text("url: http", "url: htp", "subject", "subjct",
                                                  "answer_bytes", "answer_byte", NULL);
    for (int allocation = 0;; allocation++) {
        struct yaml_problems problems;
        struct config *config = NULL;
        struct config_source source = {.file = fixture->file, .offline = true};
        yaml_problems_init(&problems, fixture->file);
        allocations_until_fault = allocation;
        enum sl_err err = config_build(slice_of_str(text), &source, &problems, &config);
        bool met = allocations_until_fault < 0;
        allocations_until_fault = -1;
        /* A problem without memory for its text is still a problem. */
        assert_true(err == SL_EINTERNAL || err == expected);
        assert_true(met || err == expected);
        assert_int_equal(config != NULL, err == SL_OK);
        assert_true(err != SL_OK || !met);
        config_free(config);
        yaml_problems_deinit(&problems);
        if (!met)
            break;
    }
    free(text);
}

static void a_right_configuration_needs_all_of_its_memory(void **state)
{
    fail_each_allocation(*state, SL_OK);
}

static void a_wrong_configuration_never_becomes_right_for_lack_of_memory(void **state)
{
    fail_each_allocation(*state, SL_EMALFORMED);
}

static void identifying_needs_its_memory(void **state)
{
    struct fixture *fixture = *state;
    assert_accepted(fixture, fixture_right());
    const uint8_t node_key[PSEUDONYM_KEY_BYTES] = {1};
    for (int allocation = 0;; allocation++) {
        struct credential_table *table = NULL;
        struct pseudonym_cipher *cipher = NULL;
        allocations_until_fault = allocation;
        enum sl_err err = credential_table_new(fixture->config, &table);
        if (err == SL_OK)
            err = pseudonym_cipher_new(node_key, slice_of_str("spotify"), 1, &cipher);
        bool met = allocations_until_fault < 0;
        allocations_until_fault = -1;
        assert_int_equal(err, met ? SL_EINTERNAL : SL_OK);
        credential_table_free(table);
        pseudonym_cipher_free(cipher);
        if (!met)
            break;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_right_configuration_needs_all_of_its_memory),
        TEST(a_wrong_configuration_never_becomes_right_for_lack_of_memory),
        TEST(identifying_needs_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
