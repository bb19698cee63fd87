/*
 * test_store.c - opening a store, and the text of each way in which that can fail
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Opening must fail with a text that holds `part`. */
static void assert_refused(const struct fixture *fixture, bool read_only, const char *part)
{
    struct store_problem problem = {""};
    struct store *store = NULL;
    assert_int_equal(store_open(fixture->folder, fixture->key, read_only, &problem, &store),
                     SL_ESTORE);
    assert_null(store);
    if (!strstr(problem.text, part))
        fail_msg("\"%s\" does not say \"%s\"", problem.text, part);
}

static void a_missing_folder_is_refused_with_advice(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(rmdir(fixture->folder), 0);
    assert_refused(fixture, false, "sluis init");
    assert_refused(fixture, true, "sluis init");
}

static void a_file_in_the_place_of_the_folder_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(rmdir(fixture->folder), 0);
    fixture_write_key(fixture->folder, 1, 10, 0600);
    assert_refused(fixture, false, "is not a folder");
}

/* In a child, which gives up being root: root may read everything. */
static void a_folder_that_may_not_be_read_is_refused(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(chmod(fixture->folder, geteuid() == 0 ? 0700 : 0), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store_problem problem = {""};
        struct store *store;
        if (geteuid() == 0 && (chmod(fixture->root, 0755) != 0 || setresuid(1, 1, 1) != 0))
            _exit(3);
        bool refused =
            store_open(fixture->folder, fixture->key, false, &problem, &store) == SL_ESTORE;
        _exit(refused && strstr(problem.text, "by the user that runs this") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(fixture->folder, 0700), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_empty_folder_is_no_store_for_readers(void **state)
{
    assert_refused(*state, true, "holds no store yet");
}

static void a_file_of_something_else_is_refused_and_kept(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", fixture->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    char text[9000];
    memset(text, 'x', sizeof text);
    assert_int_equal(write(fd, text, sizeof text), sizeof text);
    close(fd);
    assert_refused(fixture, false, "is not a store");

    struct stat stat_of;
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_size, sizeof text);
}

static void an_lmdb_environment_of_another_program_is_refused_and_kept(void **state)
{
    struct fixture *fixture = *state;
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    char key_bytes[] = "key", value_bytes[] = "value";
    MDB_val key = {3, key_bytes}, value = {5, value_bytes};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_open(env, fixture->folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    assert_refused(fixture, false, "is not a store");
    assert_refused(fixture, true, "is not a store");
}

static void a_store_that_was_cut_off_is_refused_and_not_read(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    fixture_close(fixture);
    char path[128];
    snprintf(path, sizeof path, "%s/data.mdb", fixture->folder);
    assert_int_equal(truncate(path, 3 * 4096), 0);
    assert_refused(fixture, false, "cut off");
    assert_refused(fixture, true, "cut off");
}

static void a_store_of_a_newer_format_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    fixture_close(fixture);
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    uint32_t format = 2;
    char key_bytes[] = "format";
    MDB_val key = {6, key_bytes}, value = {sizeof format, &format};
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 1), 0);
    assert_int_equal(mdb_env_open(env, fixture->folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    assert_refused(fixture, false, "format that this version does not know");
}

static void a_key_that_is_missing_short_long_or_open_to_others_is_refused(void **state)
{
    struct fixture *fixture = *state;
    fixture_write_key(fixture->key, 0x5a, 31, 0600);
    assert_refused(fixture, false, "31 bytes");
    fixture_write_key(fixture->key, 0x5a, 33, 0600);
    assert_refused(fixture, false, "33 bytes");
    fixture_write_key(fixture->key, 0x5a, 0, 0600);
    assert_refused(fixture, false, "empty");
    fixture_write_key(fixture->key, 0x5a, 32, 0640);
    assert_refused(fixture, false, "chmod 600");
    fixture_write_key(fixture->key, 0x5a, 32, 0604);
    assert_refused(fixture, false, "chmod 600");
    fixture_write_key(fixture->key, 0x5a, 32, 0400);
    fixture_open(fixture);
    fixture_close(fixture);
    assert_int_equal(unlink(fixture->key), 0);
    assert_refused(fixture, false, "No such file");
}

static void another_key_is_told_apart_from_a_damaged_store(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    fixture_close(fixture);
    fixture_write_key(fixture->key, 0x5b, 32, 0600);
    assert_refused(fixture, false, "is not the key of the store");
    assert_refused(fixture, true, "is not the key of the store");
    fixture_write_key(fixture->key, 0x5a, 32, 0600);
    fixture_open(fixture);
}

/* Also that opening for reading changes nothing: the folder may not be written then. */
static void readers_open_beside_the_writer_and_see_each_commit(void **state)
{
    struct fixture *fixture = *state;
    fixture_open(fixture);
    uint8_t id[16];
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("first"), id, NULL), SL_OK);
    int to_child[2], to_parent[2];
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(to_parent), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *store = NULL;
        struct store_reader *reader = NULL;
        struct store_problem problem;
        bool found = false;
        char turn = 'r';
        bool good = store_open(fixture->folder, fixture->key, true, &problem, &store) == SL_OK &&
                    store_reader_new(store, &reader) == SL_OK &&
                    store_find(reader, slice_of_str("first"), id, &found) == SL_OK && found &&
                    store_find(reader, slice_of_str("second"), id, &found) == SL_OK && !found;
        good = good && write(to_parent[1], &turn, 1) == 1 && read(to_child[0], &turn, 1) == 1;
        good = good && store_find(reader, slice_of_str("second"), id, &found) == SL_OK && found;
        store_reader_free(reader);
        store_free(store);
        _exit(good ? 0 : 1);
    }
    char turn;
    close(to_parent[1]);
    assert_int_equal(read(to_parent[0], &turn, 1), 1);
    assert_int_equal(store_add_subject(fixture->store, slice_of_str("second"), id, NULL), SL_OK);
    assert_int_equal(write(to_child[1], &turn, 1), 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    close(to_parent[0]);
    close(to_child[0]);
    close(to_child[1]);
}

#define CLOSED(test) cmocka_unit_test_setup_teardown(test, fixture_setup_closed, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(a_missing_folder_is_refused_with_advice),
        CLOSED(a_file_in_the_place_of_the_folder_is_refused),
        CLOSED(a_folder_that_may_not_be_read_is_refused),
        CLOSED(an_empty_folder_is_no_store_for_readers),
        CLOSED(a_file_of_something_else_is_refused_and_kept),
        CLOSED(an_lmdb_environment_of_another_program_is_refused_and_kept),
        CLOSED(a_store_that_was_cut_off_is_refused_and_not_read),
        CLOSED(a_store_of_a_newer_format_is_refused),
        CLOSED(a_key_that_is_missing_short_long_or_open_to_others_is_refused),
        CLOSED(another_key_is_told_apart_from_a_damaged_store),
        CLOSED(readers_open_beside_the_writer_and_see_each_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
