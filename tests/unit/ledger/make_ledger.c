/*
 * make_ledger.c - a ledger of a few receipts for oracle.py and other tests
 *
 *     make_ledger FOLDER             writes segments and lists of heads to FOLDER/copy, and
 *                                    FOLDER/vkey
 *     make_ledger FOLDER one-key     two subjects have the same key: receipts 0 and 1 the same tag;
 *                                    without heads
 */
#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *target;
static bool one_key;

static void make(void **state)
{
    (void)state;
    static struct fixture fixture;
    static const enum record_kind kinds[] = {RECORD_RELEASE, RECORD_REFUSAL, RECORD_CONSENT,
                                             RECORD_RELEASE, RECORD_REFUSAL};
    static const int who[] = {0, 1, 0, 0, -1};
    char path[512];
    fixture_init(&fixture);
    if (one_key)
        memcpy(fixture.subjects[1].key, fixture.subjects[0].key, SUBJECT_KEY_BYTES);
    fixture_open(&fixture);
    for (size_t i = 0; i < SL_LENGTH(kinds); i++) {
        struct record record;
        fixture_draft(&fixture, &record, kinds[i], who[i]);
        assert_int_equal(fixture_record(&fixture, &record), RECORD_DURABLE);
    }
    if (!one_key)
        fixture_end_epoch(&fixture);
    fixture_rotate(&fixture, NULL);
    fixture_release_many(&fixture, 5000);
    fixture_rotate(&fixture, NULL);
    if (!one_key)
        fixture_end_epoch(&fixture);
    assert_int_equal(fixture_release(&fixture, 0), RECORD_DURABLE);
    fixture_close(&fixture);
    fixture_assert_valid(&fixture, one_key ? 5008 : 5010);
    snprintf(path, sizeof path, "%s/copy", target);
    fixture_copy_ledger(&fixture, path);
    snprintf(path, sizeof path, "%s/vkey", target);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(fixture.vkey, file) >= 0);
    assert_int_equal(fclose(file), 0);
    fixture_deinit(&fixture);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(make)};
    target = argc > 1 ? argv[1] : ".";
    one_key = argc > 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
