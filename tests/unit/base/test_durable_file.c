/*
 * Small files: the old one or the new one, whole, whatever fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/durable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static int folder_fd;

/* The call that fails next; 0: none does. */
static int fsync_to_fail, rename_to_fail, write_to_fail, n_fsyncs;

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_renameat(int a, const char *old_name, int b, const char *new_name);
int __wrap_renameat(int a, const char *old_name, int b, const char *new_name);
ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);

static bool fails(int *countdown)
{
    if (*countdown == 0 || --*countdown > 0)
        return false;
    errno = EIO;
    return true;
}

int __wrap_fsync(int fd)
{
    n_fsyncs++;
    return fails(&fsync_to_fail) ? -1 : __real_fsync(fd);
}

int __wrap_renameat(int a, const char *old_name, int b, const char *new_name)
{
    return fails(&rename_to_fail) ? -1 : __real_renameat(a, old_name, b, new_name);
}

/* At most three bytes at a time, as a disk that is almost full may do. */
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    return fails(&write_to_fail) ? -1 : __real_write(fd, bytes, n > 3 ? 3 : n);
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sluis-test-durable-XXXXXX");
    assert_non_null(mkdtemp(folder));
    folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder_fd >= 0);
    fsync_to_fail = rename_to_fail = write_to_fail = n_fsyncs = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlinkat(folder_fd, "note", 0);
    unlinkat(folder_fd, "note.tmp", 0);
    close(folder_fd);
    return rmdir(folder);
}

static enum sl_err replace(const char *text)
{
    return durable_file_replace(folder_fd, "note", 0600, slice_of_str(text));
}

static void assert_holds(const char *text)
{
    uint8_t block[64];
    size_t n = 99;
    assert_int_equal(durable_file_read(folder_fd, "note", block, sizeof block, &n), SL_OK);
    assert_true(slice_equals_str(slice_of(block, n), text));
}

static void what_was_written_is_read_back_and_replaced(void **state)
{
    (void)state;
    struct stat facts;
    assert_holds("");
    assert_int_equal(replace("the first"), SL_OK);
    assert_holds("the first");
    assert_int_equal(replace("second"), SL_OK);
    assert_holds("second");
    assert_int_equal(fstatat(folder_fd, "note", &facts, 0), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(faccessat(folder_fd, "note.tmp", F_OK, 0), -1);
}

static void the_file_and_then_its_folder_are_synced(void **state)
{
    (void)state;
    assert_int_equal(replace("x"), SL_OK);
    assert_int_equal(n_fsyncs, 2);
}

static void the_old_one_stays_when_the_new_one_cannot_be_finished(void **state)
{
    (void)state;
    assert_int_equal(replace("old"), SL_OK);
    int *const countdowns[] = {&write_to_fail, &fsync_to_fail, &rename_to_fail};
    for (size_t i = 0; i < SL_LENGTH(countdowns); i++) {
        *countdowns[i] = 1;
        assert_int_equal(replace("new and longer"), SL_ESTORE);
        assert_int_equal(errno, EIO);
        assert_holds("old");
    }
    write_to_fail = 3; /* in the middle */
    assert_int_equal(replace("new and longer"), SL_ESTORE);
    assert_holds("old");
    assert_int_equal(replace("new and longer"), SL_OK);
    assert_holds("new and longer");
}

static void a_folder_that_cannot_be_synced_is_told_and_the_file_is_whole(void **state)
{
    (void)state;
    assert_int_equal(replace("old"), SL_OK);
    fsync_to_fail = 2;
    assert_int_equal(replace("new"), SL_ESTORE);
    assert_holds("new");
}

static void what_lies_under_the_temporary_name_is_not_written_on(void **state)
{
    (void)state;
    assert_int_equal(symlinkat("elsewhere", folder_fd, "note.tmp"), 0);
    assert_int_equal(replace("x"), SL_OK);
    assert_int_equal(faccessat(folder_fd, "elsewhere", F_OK, 0), -1);
    assert_holds("x");
}

static void exactly_the_cap_is_read_and_one_more_is_refused(void **state)
{
    (void)state;
    uint8_t block[4];
    size_t n = 99;
    assert_int_equal(replace("1234"), SL_OK);
    assert_int_equal(durable_file_read(folder_fd, "note", block, 4, &n), SL_OK);
    assert_int_equal(n, 4);
    n = 99;
    assert_int_equal(replace("12345"), SL_OK);
    assert_int_equal(durable_file_read(folder_fd, "note", block, 4, &n), SL_ELIMIT);
    assert_int_equal(n, 99);
}

static void a_folder_in_its_place_cannot_be_read_or_replaced(void **state)
{
    (void)state;
    uint8_t block[4];
    size_t n = 99;
    assert_int_equal(mkdirat(folder_fd, "note", 0700), 0);
    assert_int_equal(durable_file_read(folder_fd, "note", block, 4, &n), SL_ESTORE);
    assert_int_equal(replace("x"), SL_ESTORE);
    assert_int_equal(n, 99);
    assert_int_equal(unlinkat(folder_fd, "note", AT_REMOVEDIR), 0);
}

static void a_path_is_taken_apart_into_folder_and_name(void **state)
{
    (void)state;
    char path[160];
    const char *name = NULL;
    snprintf(path, sizeof path, "%s/note", folder);
    int fd = durable_folder_open(path, &name);
    assert_true(fd >= 0);
    assert_string_equal(name, "note");
    assert_int_equal(durable_file_replace(fd, name, 0600, slice_of_str("x")), SL_OK);
    close(fd);
    assert_holds("x");
    fd = durable_folder_open("/note", &name);
    assert_true(fd >= 0);
    close(fd);
    fd = durable_folder_open("note", &name); /* of the working folder */
    assert_true(fd >= 0);
    close(fd);
}

static void a_path_without_a_name_or_with_one_too_long_is_none(void **state)
{
    (void)state;
    char path[256];
    const char *untouched = "untouched";
    static const char *const nowhere[] = {"/nowhere/note", "/etc/passwd/note"};
    for (int length = DURABLE_FILE_NAME_BYTES_MAX; length < DURABLE_FILE_NAME_BYTES_MAX + 2;
         length++) {
        snprintf(path, sizeof path, "%s/%0*d", folder, length, 0);
        const char *name = NULL;
        int fd = durable_folder_open(path, &name);
        assert_int_equal(fd >= 0, length == DURABLE_FILE_NAME_BYTES_MAX);
        if (fd >= 0)
            close(fd);
    }
    assert_int_equal(durable_folder_open("/tmp/", &untouched), -1);
    assert_int_equal(errno, ENAMETOOLONG);
    for (size_t i = 0; i < SL_LENGTH(nowhere); i++)
        assert_int_equal(durable_folder_open(nowhere[i], &untouched), -1);
    assert_string_equal(untouched, "untouched");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read_back_and_replaced),
        TEST(the_file_and_then_its_folder_are_synced),
        TEST(the_old_one_stays_when_the_new_one_cannot_be_finished),
        TEST(a_folder_that_cannot_be_synced_is_told_and_the_file_is_whole),
        TEST(what_lies_under_the_temporary_name_is_not_written_on),
        TEST(exactly_the_cap_is_read_and_one_more_is_refused),
        TEST(a_folder_in_its_place_cannot_be_read_or_replaced),
        TEST(a_path_is_taken_apart_into_folder_and_name),
        TEST(a_path_without_a_name_or_with_one_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
