/*
 * test_keys.c - paths below the state folder, and raw keys on disk
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/keys.h"
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void places_are_below_the_state_folder(void **state)
{
    (void)state;
    char path[KEYS_PATH_BYTES];
    assert_int_equal(keys_path("/var/lib/sluis", STATE_LEDGER_KEY, path), SL_OK);
    assert_string_equal(path, "/var/lib/sluis/keys/ledger.pem");
    assert_int_equal(keys_path("state", STATE_KEK, path), SL_OK);
    assert_string_equal(path, "state/keys/kek.key");
    assert_int_equal(keys_path("state", STATE_PSEUDONYM_KEY, path), SL_OK);
    assert_string_equal(path, "state/keys/pseudonym.key");
    assert_int_equal(keys_path("state", STATE_STORE, path), SL_OK);
    assert_string_equal(path, "state/store");
}

static void a_path_that_does_not_fit_is_refused_whole(void **state)
{
    (void)state;
    char folder[KEYS_PATH_BYTES], path[KEYS_PATH_BYTES] = "untouched";
    size_t room = KEYS_PATH_BYTES - sizeof "/store";
    memset(folder, 'f', sizeof folder);
    folder[room + 1] = 0;
    assert_int_equal(keys_path(folder, STATE_STORE, path), SL_ELIMIT);
    assert_string_equal(path, "untouched");
    folder[room] = 0;
    assert_int_equal(keys_path(folder, STATE_STORE, path), SL_OK);
    assert_int_equal(strlen(path), KEYS_PATH_BYTES - 1);
}

static void a_new_key_is_random_private_and_reads_back(void **state)
{
    struct fixture *fixture = *state;
    char path[160], other_path[160];
    uint8_t key[32], other[32], again[32];
    struct private_file_problem problem;
    struct stat stat_of;
    snprintf(path, sizeof path, "%s/one.key", fixture->folder);
    snprintf(other_path, sizeof other_path, "%s/two.key", fixture->folder);
    assert_int_equal(keys_create(path, &problem), SL_OK);
    assert_int_equal(keys_create(other_path, &problem), SL_OK);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_int_equal(stat_of.st_size, 32);
    assert_int_equal(keys_read(path, key, &problem), SL_OK);
    assert_int_equal(keys_read(path, again, &problem), SL_OK);
    assert_int_equal(keys_read(other_path, other, &problem), SL_OK);
    assert_memory_equal(key, again, sizeof key);
    assert_memory_not_equal(key, other, sizeof key);
}

static void a_key_is_never_overwritten(void **state)
{
    struct fixture *fixture = *state;
    char path[160], link_path[160];
    uint8_t before[32], after[32];
    struct private_file_problem problem;
    snprintf(path, sizeof path, "%s/one.key", fixture->folder);
    snprintf(link_path, sizeof link_path, "%s/link.key", fixture->folder);
    assert_int_equal(keys_create(path, &problem), SL_OK);
    assert_int_equal(keys_read(path, before, &problem), SL_OK);
    assert_int_equal(keys_create(path, &problem), SL_ESTORE);
    assert_non_null(strstr(problem.text, "File exists"));
    assert_int_equal(symlink(path, link_path), 0);
    assert_int_equal(keys_create(link_path, &problem), SL_ESTORE);
    assert_int_equal(keys_read(path, after, &problem), SL_OK);
    assert_memory_equal(before, after, sizeof before);
}

static void assert_unreadable(const char *path, const char *part)
{
    struct private_file_problem problem = {""};
    uint8_t key[32];
    assert_int_equal(keys_read(path, key, &problem), SL_ESTORE);
    if (!strstr(problem.text, part))
        fail_msg("\"%s\" does not say \"%s\"", problem.text, part);
}

static void a_key_of_another_length_mode_or_kind_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[160];
    snprintf(path, sizeof path, "%s/bad.key", fixture->folder);
    assert_unreadable(path, "No such file");
    fixture_write(fixture, "bad.key", "0123456789012345678901234567890", 0600);
    assert_unreadable(path, "31 bytes");
    fixture_write(fixture, "bad.key", "012345678901234567890123456789012", 0600);
    assert_unreadable(path, "33 bytes");
    fixture_write(fixture, "bad.key", "", 0600);
    assert_unreadable(path, "is empty");
    static const unsigned modes[] = {0640, 0620, 0610, 0604, 0602, 0601};
    for (size_t i = 0; i < SL_LENGTH(modes); i++) {
        fixture_write(fixture, "bad.key", "01234567890123456789012345678901", modes[i]);
        assert_unreadable(path, "chmod 600");
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_unreadable(path, "not a regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0); /* and it does not wait for a writer */
    assert_unreadable(path, "not a regular file");
}

static void a_key_is_not_created_in_a_folder_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    char path[160];
    struct private_file_problem problem;
    snprintf(path, sizeof path, "%s/nowhere/one.key", fixture->folder);
    assert_int_equal(keys_create(path, &problem), SL_ESTORE);
    assert_non_null(strstr(problem.text, "can't be created"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_below_the_state_folder),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused_whole),
        TEST(a_new_key_is_random_private_and_reads_back),
        TEST(a_key_is_never_overwritten),
        TEST(a_key_of_another_length_mode_or_kind_is_refused),
        TEST(a_key_is_not_created_in_a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
