/*
 * test_reserve.c - a withdrawal is written on a disk without a free block
 *
 * In a child with a mount namespace of its own and a small tmpfs in it: as root, or as the root of
 * a user namespace. Where neither is allowed the tests are skipped, and say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "people.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_GOOD = 0, CHILD_BAD = 1, CHILD_CANNOT_MOUNT = 77 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(CHILD_BAD);                                                                      \
        }                                                                                          \
    } while (0)

static bool write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return written;
}

static bool enter_namespace(void)
{
    char map[64];
    if (unshare(CLONE_NEWNS) == 0)
        return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    snprintf(map, sizeof map, "0 %u 1", (unsigned)geteuid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && write_text("/proc/self/uid_map", map) &&
           mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Fills the file system that holds `folder`; what could be written at last was one byte. */
static void fill_disk(const char *folder)
{
    char path[128];
    static const char zeros[65536];
    snprintf(path, sizeof path, "%s/ballast", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    for (size_t n = sizeof zeros; n > 0; n /= 2)
        while (write(fd, zeros, n) > 0)
            continue;
    CHECK(errno == ENOSPC);
    close(fd);
}

static enum sl_err put(struct store *store, const uint8_t id[16], uint64_t version,
                       struct slice yaml)
{
    char text[32], blob[32];
    struct store_change change = fixture_change("lotte", id, version, text, blob);
    if (yaml.n > 0)
        change.yaml = yaml;
    return store_put_policy(store, &change, NULL);
}

static uint64_t version_of(struct store *store, const uint8_t id[16])
{
    struct store_reader *reader;
    struct store_subject subject;
    CHECK(store_reader_new(store, &reader) == SL_OK);
    CHECK(store_read(reader, id, &subject) == SL_OK);
    uint64_t version = subject.version;
    store_reader_free(reader);
    return version;
}

static struct store *open_store(const struct fixture *fixture)
{
    struct store_problem problem;
    struct store *store;
    CHECK(store_open(fixture->folder, fixture->key, false, &problem, &store) == SL_OK);
    return store;
}

/* Twenty of the largest withdrawals, then until nothing fits; then room again. */
static void write_on_a_full_disk(const struct fixture *fixture)
{
    const uint8_t id[16] = {1};
    uint8_t *bytes = calloc(1, LIMIT_MAX_policy_bytes);
    CHECK(bytes);
    struct slice yaml = slice_of(bytes, LIMIT_MAX_policy_bytes);
    struct store *store = open_store(fixture);
    CHECK(put(store, id, 0, yaml) == SL_OK);
    CHECK(!store_is_low(store));
    fill_disk(fixture->folder);
    uint64_t version = 1;
    for (; version < 21; version++)
        CHECK(put(store, id, version, yaml) == SL_OK);

    enum sl_err err;
    while ((err = put(store, id, version, yaml)) == SL_OK)
        CHECK(version++ < 1000);
    CHECK(err == SL_ELIMIT);
    CHECK(store_is_low(store));
    struct store_problem problem;
    store_failure(store, &problem);
    CHECK(strstr(problem.text, "make room"));
    CHECK(version_of(store, id) == version); /* refused, and nothing lost */
    uint64_t n_changes;
    CHECK(store_n_changes(store, &n_changes) == SL_OK && n_changes == version);

    char path[128];
    snprintf(path, sizeof path, "%s/ballast", fixture->folder);
    CHECK(unlink(path) == 0);
    CHECK(put(store, id, version, yaml) == SL_OK);
    CHECK(!store_is_low(store));
    store_free(store);
    free(bytes);
}

/* A store from a sparse copy: its length promises blocks that are not there. */
static void open_a_sparse_copy(const struct fixture *fixture)
{
    const uint8_t id[16] = {1};
    char path[128];
    struct stat before, after;
    struct store *store = open_store(fixture);
    CHECK(put(store, id, 0, slice_of(NULL, 0)) == SL_OK);
    store_free(store);
    snprintf(path, sizeof path, "%s/data.mdb", fixture->folder);
    CHECK(stat(path, &before) == 0);
    CHECK(truncate(path, 1 << 20) == 0);
    CHECK(truncate(path, before.st_size) == 0);
    store = open_store(fixture);
    CHECK(stat(path, &after) == 0);
    CHECK(after.st_blocks >= LIMIT_MAX_store_reserve_bytes / 512);
    fill_disk(fixture->folder);
    CHECK(put(store, id, 1, slice_of(NULL, 0)) == SL_OK);
    CHECK(put(store, id, 2, slice_of(NULL, 0)) == SL_OK);
    CHECK(version_of(store, id) == 3);
    store_free(store);
}

static void open_on_a_full_disk(const struct fixture *fixture)
{
    struct store_problem problem = {""};
    struct store *store = NULL;
    fill_disk(fixture->folder);
    CHECK(store_open(fixture->folder, fixture->key, false, &problem, &store) != SL_OK);
    CHECK(!store && problem.text[0]);
}

static enum sl_err rewrite(struct store *store, struct store_problem *problem)
{
    struct store_rewriting run = {0};
    return store_rewrite(store, &run, problem);
}

static void remove_ballast(const struct fixture *fixture)
{
    char path[128];
    snprintf(path, sizeof path, "%s/ballast", fixture->root);
    CHECK(unlink(path) == 0);
}

/* The person is gone at once; the old pages have to wait for room. */
static void erase_on_a_full_disk(const struct fixture *fixture)
{
    struct fixture own = *fixture;
    struct person people[PEOPLE];
    uint8_t kek[32];
    struct store_problem problem = {""};
    bool clean = true;
    CHECK(mkdir(fixture->folder, 0700) == 0);
    people_make(&own, kek, people);
    fill_disk(fixture->root);
    CHECK(person_erase(own.store, &people[1]) == SL_OK);
    CHECK(person_is_gone(own.store, &people[1]));
    CHECK(rewrite(own.store, &problem) == SL_ELIMIT);
    CHECK(strstr(problem.text, "make room"));
    CHECK(store_is_clean(own.store, &clean) == SL_OK && !clean);
    CHECK(person_is_there(own.store, &people[2]));
    CHECK(raw_n_entries(fixture->root) == 5); /* nothing is left lying about */

    remove_ballast(fixture);
    CHECK(rewrite(own.store, &problem) == SL_OK);
    CHECK(!person_is_in_files(fixture->root, &people[1]));
    CHECK(person_is_there(own.store, &people[2]));
    fill_disk(fixture->root); /* the new store has a reserve of its own */
    CHECK(person_erase(own.store, &people[2]) == SL_OK);
    store_free(own.store);
}

/* What begins with enough room, and meets the end of it half way. */
static void run_out_of_room(const struct fixture *fixture)
{
    struct fixture own = *fixture;
    struct person people[PEOPLE];
    uint8_t kek[32];
    struct store_problem problem = {""};
    char path[128];
    CHECK(mkdir(fixture->folder, 0700) == 0);
    people_make(&own, kek, people);
    CHECK(person_erase(own.store, &people[1]) == SL_OK);
    snprintf(path, sizeof path, "%s.aside", fixture->folder);
    CHECK(mount("none", fixture->root, NULL, MS_REMOUNT, "size=24m,nr_inodes=6") == 0);
    enum sl_err err = rewrite(own.store, &problem); /* root, key, folder, two files: one is left */
    CHECK(err == SL_ELIMIT && problem.text[0]);
    CHECK(access(path, F_OK) != 0);
    CHECK(mount("none", fixture->root, NULL, MS_REMOUNT, "size=24m,nr_inodes=64") == 0);
    CHECK(rewrite(own.store, &problem) == SL_OK);
    CHECK(!person_is_in_files(fixture->root, &people[1]));
    store_free(own.store);
}

/* The folder of the store is a mount point: it can't be exchanged for another one. */
static void rewrite_a_mount_point(const struct fixture *fixture)
{
    struct fixture own = *fixture;
    struct person people[PEOPLE];
    uint8_t kek[32];
    struct store_problem problem = {""};
    people_make(&own, kek, people);
    CHECK(person_erase(own.store, &people[1]) == SL_OK);
    CHECK(rewrite(own.store, &problem) == SL_ESTORE);
    CHECK(strstr(problem.text, "file system of its own"));
    CHECK(raw_n_entries(fixture->root) == 4);
    CHECK(person_is_there(own.store, &people[2]));
    store_free(own.store);
}

static void in_a_small_tmpfs_at(struct fixture *fixture, const char *place,
                                void (*run)(const struct fixture *fixture))
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!enter_namespace() || mount("tmpfs", place, "tmpfs", 0, "size=24m,mode=0700") != 0)
            _exit(CHILD_CANNOT_MOUNT);
        run(fixture);
        _exit(CHILD_GOOD);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_CANNOT_MOUNT) {
        print_message("needs root or user namespaces to mount a small tmpfs\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), CHILD_GOOD);
}

static void in_a_small_tmpfs(struct fixture *fixture, void (*run)(const struct fixture *fixture))
{
    in_a_small_tmpfs_at(fixture, fixture->folder, run);
}

static void withdrawals_are_written_on_a_full_disk_and_nothing_is_lost_beyond(void **state)
{
    in_a_small_tmpfs(*state, write_on_a_full_disk);
}

static void a_sparse_copy_gets_its_reserve_back_when_it_is_opened(void **state)
{
    in_a_small_tmpfs(*state, open_a_sparse_copy);
}

static void no_store_is_made_on_a_full_disk(void **state)
{
    in_a_small_tmpfs(*state, open_on_a_full_disk);
}

static void an_erasure_holds_on_a_full_disk_and_is_wiped_when_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    in_a_small_tmpfs_at(fixture, fixture->root, erase_on_a_full_disk);
}

static void a_rewrite_that_runs_out_of_room_gives_back_what_it_took(void **state)
{
    struct fixture *fixture = *state;
    in_a_small_tmpfs_at(fixture, fixture->root, run_out_of_room);
}

static void a_store_that_is_a_mount_point_is_not_rewritten_and_it_is_said_why(void **state)
{
    in_a_small_tmpfs(*state, rewrite_a_mount_point);
}

#define CLOSED(test) cmocka_unit_test_setup_teardown(test, fixture_setup_closed, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(withdrawals_are_written_on_a_full_disk_and_nothing_is_lost_beyond),
        CLOSED(a_sparse_copy_gets_its_reserve_back_when_it_is_opened),
        CLOSED(no_store_is_made_on_a_full_disk),
        CLOSED(an_erasure_holds_on_a_full_disk_and_is_wiped_when_there_is_room),
        CLOSED(a_rewrite_that_runs_out_of_room_gives_back_what_it_took),
        CLOSED(a_store_that_is_a_mount_point_is_not_rewritten_and_it_is_said_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
