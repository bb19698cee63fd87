/*
 * Secret files: private, whole, never overwritten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/private_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];
static char path[96];
static struct private_file_problem problem;

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sluis-test-private-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key", folder);
    problem.text[0] = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (unlink(path) != 0)
        rmdir(path);
    return rmdir(folder);
}

static void put(const char *bytes, size_t n, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static enum sl_err read_into(uint8_t *block, size_t cap, size_t *n)
{
    return private_file_read(path, block, cap, n, &problem);
}

static void what_was_created_reads_back_and_is_private(void **state)
{
    (void)state;
    uint8_t block[16];
    size_t n = 0;
    struct stat stat_of;
    assert_int_equal(private_file_create(path, slice_of_str("s3cret"), &problem), SL_OK);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_int_equal(read_into(block, sizeof block, &n), SL_OK);
    assert_true(slice_equals_str(slice_of(block, n), "s3cret"));
    assert_int_equal(private_file_read_exactly(path, block, 6, &problem), SL_OK);
}

static void what_stands_there_is_not_overwritten(void **state)
{
    (void)state;
    uint8_t block[16];
    size_t n = 0;
    put("old", 3, 0600);
    assert_int_equal(private_file_create(path, slice_of_str("new"), &problem), SL_ESTORE);
    assert_non_null(strstr(problem.text, path));
    assert_int_equal(read_into(block, sizeof block, &n), SL_OK);
    assert_true(slice_equals_str(slice_of(block, n), "old"));
}

static void a_link_to_nowhere_is_not_followed(void **state)
{
    (void)state;
    char target[96];
    snprintf(target, sizeof target, "%s/elsewhere", folder);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(private_file_create(path, slice_of_str("new"), &problem), SL_ESTORE);
    assert_int_equal(access(target, F_OK), -1);
}

static void a_folder_that_is_not_there_is_told(void **state)
{
    (void)state;
    char elsewhere[128];
    snprintf(elsewhere, sizeof elsewhere, "%s/no/key", folder);
    assert_int_equal(private_file_create(elsewhere, slice_of_str("x"), &problem), SL_ESTORE);
    assert_non_null(strstr(problem.text, "No such file"));
    size_t n = 5;
    uint8_t block[4];
    assert_int_equal(private_file_read(elsewhere, block, 4, &n, &problem), SL_ESTORE);
    assert_int_equal(n, 5);
}

static void a_file_that_others_can_use_is_refused_with_the_remedy(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0666};
    uint8_t block[16];
    size_t n = 5;
    for (size_t i = 0; i < SL_LENGTH(modes); i++) {
        put("s3cret", 6, modes[i]);
        assert_int_equal(read_into(block, sizeof block, &n), SL_ESTORE);
        assert_non_null(strstr(problem.text, "chmod 600"));
    }
    assert_int_equal(n, 5);
    put("s3cret", 6, 0400);
    assert_int_equal(read_into(block, sizeof block, &n), SL_OK);
}

static void an_empty_file_is_refused(void **state)
{
    (void)state;
    uint8_t block[16];
    size_t n = 5;
    put("", 0, 0600);
    assert_int_equal(read_into(block, sizeof block, &n), SL_ESTORE);
    assert_non_null(strstr(problem.text, "empty"));
}

static void exactly_the_cap_is_read_and_one_more_refused(void **state)
{
    (void)state;
    uint8_t block[4];
    size_t n = 0;
    put("1234", 4, 0600);
    assert_int_equal(read_into(block, 4, &n), SL_OK);
    assert_int_equal(n, 4);
    put("12345", 5, 0600);
    assert_int_equal(read_into(block, 4, &n), SL_ESTORE);
}

static void a_file_of_another_length_is_refused_and_the_block_wiped(void **state)
{
    (void)state;
    uint8_t block[8];
    put("1234567", 7, 0600);
    memset(block, 'x', sizeof block);
    assert_int_equal(private_file_read_exactly(path, block, 8, &problem), SL_ESTORE);
    for (size_t i = 0; i < sizeof block; i++)
        assert_int_equal(block[i], 0);
    assert_int_equal(private_file_read_exactly(path, block, 6, &problem), SL_ESTORE);
}

static void what_is_not_a_regular_file_is_refused_without_hanging(void **state)
{
    (void)state;
    uint8_t block[4];
    size_t n = 0;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_into(block, 4, &n), SL_ESTORE);
    assert_non_null(strstr(problem.text, "not a regular file"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_into(block, 4, &n), SL_ESTORE);
}

static int n_fsyncs_to_fail;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    return n_fsyncs_to_fail > 0 && --n_fsyncs_to_fail == 0 ? -1 : __real_fsync(fd);
}

static void a_file_that_is_not_durable_does_not_stay(void **state)
{
    (void)state;
    for (int which = 1; which <= 2; which++) { /* the file, then its folder */
        n_fsyncs_to_fail = which;
        assert_int_equal(private_file_create(path, slice_of_str("x"), &problem), SL_ESTORE);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_int_equal(private_file_create(path, slice_of_str("x"), &problem), SL_OK);
}

static void what_is_destroyed_is_overwritten_before_it_goes(void **state)
{
    (void)state;
    static char secret[1500];
    char other[112], found[sizeof secret];
    memset(secret, 's', sizeof secret);
    snprintf(other, sizeof other, "%s.other", path);
    for (int which = 0; which <= 2; which++) { /* none fails, the overwriting, the folder */
        put(secret, sizeof secret, 0600);
        assert_int_equal(link(path, other), 0);
        n_fsyncs_to_fail = which;
        enum sl_err err = private_file_destroy(path, &problem);
        assert_int_equal(err, which == 0 ? SL_OK : SL_ESTORE);
        if (which > 0)
            assert_non_null(strstr(problem.text, "can't be destroyed"));
        assert_int_equal(access(path, F_OK), -1); /* removed all the same */
        int fd = open(other, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, found, sizeof found), sizeof found);
        close(fd);
        for (size_t i = 0; i < sizeof found; i++)
            assert_int_equal(found[i], 0);
        assert_int_equal(unlink(other), 0);
    }
}

static void destroying_what_is_not_there_is_done_already(void **state)
{
    (void)state;
    assert_int_equal(private_file_destroy(path, &problem), SL_OK);
}

static void a_link_in_its_place_goes_and_what_it_points_at_stays(void **state)
{
    (void)state;
    char target[112], found[8];
    snprintf(target, sizeof target, "%s.target", path);
    put("precious", 8, 0600);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(private_file_destroy(path, &problem), SL_ESTORE);
    int fd = open(target, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, found, sizeof found), sizeof found);
    close(fd);
    assert_memory_equal(found, "precious", 8);
    assert_int_equal(unlink(target), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_created_reads_back_and_is_private),
        TEST(what_stands_there_is_not_overwritten),
        TEST(a_link_to_nowhere_is_not_followed),
        TEST(a_folder_that_is_not_there_is_told),
        TEST(a_file_that_others_can_use_is_refused_with_the_remedy),
        TEST(an_empty_file_is_refused),
        TEST(exactly_the_cap_is_read_and_one_more_refused),
        TEST(a_file_of_another_length_is_refused_and_the_block_wiped),
        TEST(what_is_not_a_regular_file_is_refused_without_hanging),
        TEST(a_file_that_is_not_durable_does_not_stay),
        TEST(what_is_destroyed_is_overwritten_before_it_goes),
        TEST(destroying_what_is_not_there_is_done_already),
        TEST(a_link_in_its_place_goes_and_what_it_points_at_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
