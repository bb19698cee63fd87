/*
 * test_index_rebuild.c - a new index in the place of the old one, or the old one untouched
 */
#include "fixture.h"

#include "ledger/index_rebuild.h"
#include "ledger/ledger_reader.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    free(*state);
    return 0;
}

static void make_ledger(struct fixture *fixture, size_t n)
{
    fixture_open(fixture);
    fixture_release_many(fixture, n);
    assert_int_equal(fixture_release(fixture, 0), RECORD_DURABLE);
    fixture_close(fixture);
}

static void shell(const char *format, ...) SL_PRINTF(1, 2);
static void shell(const char *format, ...)
{
    char command[1000];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_int_equal(system(command), 0);
}

static void rebuild(struct fixture *fixture, struct index_rebuilt *rebuilt)
{
    if (index_rebuild(&fixture->config, &fixture->problem, rebuilt) != SL_OK)
        fail_msg("%s", fixture->problem.text);
}

static void assert_nothing_is_left_beside(const struct fixture *fixture)
{
    char path[256];
    snprintf(path, sizeof path, "%s.new", fixture->index_folder);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s.old", fixture->index_folder);
    assert_int_equal(access(path, F_OK), -1);
}

/* The counts of subjects 0 to 3, and a proof of the first and the last receipt. */
static void assert_index_serves(struct fixture *fixture, uint64_t size)
{
    SL_AUTO(ledger_reader) reader = NULL;
    struct ledger_head head;
    struct proof proof;
    uint64_t sum = 0;
    assert_int_equal(recorder_open(&fixture->config, &fixture->problem, &fixture->recorder), SL_OK);
    assert_int_equal(recorder_tree_size(fixture->recorder), size);
    for (int who = 0; who < FIXTURE_SUBJECTS; who++)
        sum += fixture_count(fixture, who);
    assert_int_equal(sum, size);
    assert_int_equal(recorder_reader_new(fixture->recorder, &fixture->problem, &reader), SL_OK);
    ledger_reader_head(reader, &head);
    assert_int_equal(ledger_reader_inclusion(reader, &head, 0, size, &proof), SL_OK);
    assert_int_equal(ledger_reader_inclusion(reader, &head, size - 1, size, &proof), SL_OK);
    ledger_reader_free(reader);
    reader = NULL;
    fixture_close(fixture);
}

static void a_new_index_has_all_that_the_old_one_had(void **state)
{
    struct fixture *fixture = *state;
    struct index_rebuilt rebuilt = {0};
    make_ledger(fixture, 3000);
    for (unsigned n_helpers = 0; n_helpers < 3; n_helpers++) {
        fixture->config.n_helpers = n_helpers;
        rebuild(fixture, &rebuilt);
        assert_int_equal(rebuilt.n_receipts, 3001);
        assert_true(rebuilt.had_old && rebuilt.old_was_read);
        assert_int_equal(rebuilt.n_old_seen, 3001);
        assert_nothing_is_left_beside(fixture);
        assert_index_serves(fixture, 3001);
    }
}

static void an_index_is_made_where_there_was_none(void **state)
{
    struct fixture *fixture = *state;
    struct index_rebuilt rebuilt = {0};
    make_ledger(fixture, 300);
    shell("rm -r %s", fixture->index_folder);
    rebuild(fixture, &rebuilt);
    assert_false(rebuilt.had_old);
    assert_nothing_is_left_beside(fixture);
    assert_index_serves(fixture, 301);
}

static void an_index_that_is_no_index_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    static const char *const damages[] = {
        "truncate -s 0 %s/data.mdb", "truncate -s 5000 %s/data.mdb",
        "head -c 20000 /dev/urandom > %s/data.mdb",
        "head -c 100000 /dev/urandom | dd of=%s/data.mdb conv=notrunc bs=4096 seek=2 status=none"};
    make_ledger(fixture, 1000);
    for (size_t i = 0; i < SL_LENGTH(damages); i++) {
        struct index_rebuilt rebuilt = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        shell(damages[i], fixture->index_folder);
#pragma GCC diagnostic pop
        rebuild(fixture, &rebuilt);
        assert_true(rebuilt.had_old);
        assert_false(rebuilt.old_was_read);
        assert_int_equal(rebuilt.n_receipts, 1001);
        assert_nothing_is_left_beside(fixture);
        assert_index_serves(fixture, 1001);
    }
}

static void what_an_end_in_the_middle_left_is_removed(void **state)
{
    struct fixture *fixture = *state;
    struct index_rebuilt rebuilt = {0};
    make_ledger(fixture, 100);
    shell("cp -r %s %s.new && cp -r %s %s.old", fixture->index_folder, fixture->index_folder,
          fixture->index_folder, fixture->index_folder);
    rebuild(fixture, &rebuilt);
    assert_nothing_is_left_beside(fixture);
    assert_index_serves(fixture, 101);
}

/* The old index alone still knows of receipts that were taken away. */
static void a_ledger_that_was_cut_is_named_and_the_old_index_stays(void **state)
{
    struct fixture *fixture = *state;
    struct index_rebuilt untouched = {.n_receipts = 77};
    make_ledger(fixture, 100);
    shell("cp -r %s %s/kept", fixture->folder, fixture->root);
    make_ledger(fixture, 100);
    shell("rm -r %s && cp -r %s/kept %s", fixture->folder, fixture->root, fixture->folder);
    assert_int_equal(index_rebuild(&fixture->config, &fixture->problem, &untouched), SL_ESTORE);
    assert_int_equal(untouched.n_receipts, 77);
    assert_non_null(strstr(fixture->problem.text, "101 receipts, not 202"));
    assert_nothing_is_left_beside(fixture);
    (void)fixture_open_fails(fixture); /* and so a start is still refused */
    assert_non_null(strstr(fixture->problem.text, "behind what its index has seen"));
}

static void a_rewritten_ledger_is_named_and_the_old_index_stays(void **state)
{
    struct fixture *fixture = *state;
    struct index_rebuilt untouched = {0};
    make_ledger(fixture, 100);
    shell("mv %s %s/kept && rm -r %s", fixture->index_folder, fixture->root, fixture->folder);
    fixture_open(fixture);
    for (int i = 0; i < 200; i++)
        assert_int_equal(fixture_release(fixture, 1), RECORD_DURABLE);
    fixture_close(fixture);
    shell("rm -r %s && mv %s/kept %s", fixture->index_folder, fixture->root, fixture->index_folder);
    assert_int_equal(index_rebuild(&fixture->config, &fixture->problem, &untouched), SL_ESTORE);
    assert_non_null(strstr(fixture->problem.text, "another one than its index has seen"));
    assert_nothing_is_left_beside(fixture);
}

static void a_damaged_ledger_is_named_and_the_old_index_stays(void **state)
{
    struct fixture *fixture = *state;
    struct index_rebuilt untouched = {0};
    char path[256];
    uint8_t byte;
    make_ledger(fixture, 100);
    fixture_segment_path(fixture, 0, path);
    fixture_peek(path, 5000, &byte, 1);
    byte ^= 1;
    fixture_poke(path, 5000, &byte, 1);
    assert_int_equal(index_rebuild(&fixture->config, &fixture->problem, &untouched), SL_ESTORE);
    assert_non_null(strstr(fixture->problem.text, "is damaged"));
    assert_nothing_is_left_beside(fixture);
    snprintf(path, sizeof path, "%s/data.mdb", fixture->index_folder);
    assert_int_equal(access(path, F_OK), 0);
}

struct looks {
    unsigned n;
    uint64_t done, total;
};

static void look(void *context, uint64_t bytes_done, uint64_t bytes_total)
{
    struct looks *looks = context;
    assert_true(bytes_done >= looks->done);
    assert_true(bytes_done <= bytes_total);
    *looks = (struct looks){looks->n + 1, bytes_done, bytes_total};
}

static void progress_goes_up_to_the_whole(void **state)
{
    struct fixture *fixture = *state;
    struct index_rebuilt rebuilt = {0};
    struct looks looks = {0};
    make_ledger(fixture, 5000);
    fixture->config.progress = look;
    fixture->config.progress_context = &looks;
    rebuild(fixture, &rebuilt);
    assert_true(looks.n > 5);
    assert_true(looks.done > looks.total / 2);
}

int main(void)
{
#define REBUILD_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        REBUILD_TEST(a_new_index_has_all_that_the_old_one_had),
        REBUILD_TEST(an_index_is_made_where_there_was_none),
        REBUILD_TEST(an_index_that_is_no_index_is_replaced),
        REBUILD_TEST(what_an_end_in_the_middle_left_is_removed),
        REBUILD_TEST(a_ledger_that_was_cut_is_named_and_the_old_index_stays),
        REBUILD_TEST(a_rewritten_ledger_is_named_and_the_old_index_stays),
        REBUILD_TEST(a_damaged_ledger_is_named_and_the_old_index_stays),
        REBUILD_TEST(progress_goes_up_to_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
