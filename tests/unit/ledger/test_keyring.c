/*
 * test_keyring.c - key files against what the ledger says, from every state that a crash can leave,
 *                  and with every call failing once
 */
#include "ledger/keyring.h"

#include "base/private_file.h"

#include <dirent.h>
#include <errno.h>
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

#define ORIGIN "log.example/1"

/* How many calls are still to succeed before one fails; 0: all succeed. */
static long countdown;

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = EIO;
    return true;
}

#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails() ? -1 : __real_##name arguments;                                             \
    }

WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(int, unlink, (const char *path), (path))

struct ring {
    char folder[64], key_file[96], vkey_file[96], next_file[104], old_file[104];
    struct keyring keyring;
    struct keyring_list list;
    struct note_problem problem;
    char first[NOTE_VKEY_BYTES_MAX]; /* the key that was there from the start */
};

static int setup(void **state)
{
    struct ring *ring = calloc(1, sizeof *ring);
    assert_non_null(ring);
    countdown = 0;
    snprintf(ring->folder, sizeof ring->folder, "/tmp/sluis-keyring-XXXXXX");
    assert_non_null(mkdtemp(ring->folder));
    snprintf(ring->key_file, sizeof ring->key_file, "%s/ledger.pem", ring->folder);
    snprintf(ring->vkey_file, sizeof ring->vkey_file, "%s/ledger.vkey", ring->folder);
    snprintf(ring->next_file, sizeof ring->next_file, "%s.next", ring->key_file);
    snprintf(ring->old_file, sizeof ring->old_file, "%s.old", ring->key_file);
    ring->keyring = (struct keyring){ring->key_file, ring->vkey_file, slice_of_str(ORIGIN)};
    assert_int_equal(
        note_key_generate(ring->key_file, ring->vkey_file, ring->keyring.origin, &ring->problem),
        SL_OK);
    SL_AUTO(note_signer) signer = NULL;
    assert_int_equal(
        note_signer_open(ring->key_file, ring->keyring.origin, &ring->problem, &signer), SL_OK);
    snprintf(ring->first, sizeof ring->first, "%s", note_signer_vkey(signer));
    *state = ring;
    return 0;
}

static int teardown(void **state)
{
    struct ring *ring = *state;
    char command[96];
    countdown = 0;
    snprintf(command, sizeof command, "rm -rf %s", ring->folder);
    assert_int_equal(system(command), 0);
    free(ring);
    return 0;
}

static void prepare(struct ring *ring, char vkey[NOTE_VKEY_BYTES_MAX])
{
    SL_AUTO(note_signer) next = NULL;
    if (keyring_next_open(&ring->keyring, &ring->problem, &next) != SL_OK)
        fail_msg("%s", ring->problem.text);
    snprintf(vkey, NOTE_VKEY_BYTES_MAX, "%s", note_signer_vkey(next));
}

static enum sl_err settle(struct ring *ring, const char *in_force, uint64_t n_keys,
                          struct note_signer **signer)
{
    struct vkey key;
    assert_int_equal(vkey_parse(slice_of_str(in_force), &key), SL_OK);
    SL_TRY(keyring_list_read(&ring->keyring, &ring->problem, &ring->list));
    return keyring_settle(&ring->keyring, &ring->list, &key, n_keys, &ring->problem, signer);
}

/* Everything is as after a clean rotation: this key signs, it ends the list, and no other is there.
 */
static void assert_settled(struct ring *ring, const char *in_force, uint64_t n_keys)
{
    SL_AUTO(note_signer) signer = NULL;
    if (settle(ring, in_force, n_keys, &signer) != SL_OK)
        fail_msg("%s", ring->problem.text);
    assert_string_equal(note_signer_vkey(signer), in_force);
    assert_int_equal(access(ring->old_file, F_OK), -1);
    assert_int_equal(keyring_list_read(&ring->keyring, &ring->problem, &ring->list), SL_OK);
    assert_true(ring->list.is_file);
    assert_int_equal(ring->list.list.n, n_keys);
    struct vkey key;
    size_t place;
    assert_int_equal(vkey_parse(slice_of_str(in_force), &key), SL_OK);
    assert_true(vkey_list_find(&ring->list.list, &key, &place));
    assert_int_equal(place, n_keys - 1);
    struct stat stat_of;
    assert_int_equal(stat(ring->key_file, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_int_equal(stat(ring->vkey_file, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0644);
}

static void assert_refuses(struct ring *ring, const char *in_force, uint64_t n_keys,
                           const char *because)
{
    struct note_signer *untouched = NULL;
    assert_int_equal(settle(ring, in_force, n_keys, &untouched), SL_ESTORE);
    assert_null(untouched);
    if (!strstr(ring->problem.text, because))
        fail_msg("expected \"%s\" in \"%s\"", because, ring->problem.text);
}

static size_t count_files(const struct ring *ring)
{
    DIR *folder = opendir(ring->folder);
    size_t n = 0;
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
        n += entry->d_name[0] != '.';
    closedir(folder);
    return n;
}

/* ----------------------------------------------------------------------------------- states -- */

static void a_key_that_is_in_force_stays_and_a_prepared_one_waits(void **state)
{
    struct ring *ring = *state;
    char next[NOTE_VKEY_BYTES_MAX], again[NOTE_VKEY_BYTES_MAX];
    assert_settled(ring, ring->first, 1);
    prepare(ring, next);
    assert_settled(ring, ring->first, 1); /* nothing was recorded */
    prepare(ring, again);
    assert_string_equal(next, again);
    struct stat stat_of;
    assert_int_equal(stat(ring->next_file, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 07777, 0600);
    assert_settled(ring, next, 2); /* now it was */
    assert_int_equal(access(ring->next_file, F_OK), -1);
    assert_int_equal(count_files(ring), 2);
}

static void whatever_a_crash_leaves_is_finished(void **state)
{
    struct ring *ring = *state;
    char second[NOTE_VKEY_BYTES_MAX], third[NOTE_VKEY_BYTES_MAX];
    /* Between the two renames: there is no key under its own name. */
    prepare(ring, second);
    assert_int_equal(rename(ring->key_file, ring->old_file), 0);
    assert_settled(ring, second, 2);
    assert_int_equal(count_files(ring), 2);
    /* After them, before the list: the old one is still there. */
    prepare(ring, third);
    assert_int_equal(rename(ring->key_file, ring->old_file), 0);
    assert_int_equal(rename(ring->next_file, ring->key_file), 0);
    assert_settled(ring, third, 3);
    assert_int_equal(count_files(ring), 2);
}

static void a_key_that_was_set_aside_comes_back_when_the_ledger_says_so(void **state)
{
    struct ring *ring = *state;
    assert_int_equal(rename(ring->key_file, ring->old_file), 0);
    assert_settled(ring, ring->first, 1);
}

static void half_a_key_is_never_the_next_one(void **state)
{
    struct ring *ring = *state;
    char drawn[128], next[NOTE_VKEY_BYTES_MAX];
    snprintf(drawn, sizeof drawn, "%s.drawn", ring->key_file);
    int fd = open(drawn, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(__real_write(fd, "-----BEGIN", 10), 10);
    close(fd);
    prepare(ring, next);
    assert_int_equal(access(drawn, F_OK), -1);
    assert_settled(ring, next, 2);
}

static void a_missing_list_of_one_key_is_written_and_a_longer_one_asked_for(void **state)
{
    struct ring *ring = *state;
    char second[NOTE_VKEY_BYTES_MAX];
    assert_int_equal(__real_unlink(ring->vkey_file), 0);
    assert_settled(ring, ring->first, 1);
    prepare(ring, second);
    assert_settled(ring, second, 2);
    assert_int_equal(__real_unlink(ring->vkey_file), 0);
    assert_refuses(ring, second, 2, "lists 0 keys, but the ledger has had 2");
}

static void a_list_that_does_not_fit_the_ledger_is_refused(void **state)
{
    struct ring *ring = *state;
    char second[NOTE_VKEY_BYTES_MAX];
    assert_refuses(ring, ring->first, 3, "lists 1 keys, but the ledger has had 3");
    prepare(ring, second);
    assert_settled(ring, second, 2);
    assert_refuses(ring, second, 1, "lists 2 keys, but the ledger has had 1");
    FILE *file = fopen(ring->vkey_file, "we");
    assert_non_null(file);
    fputs("garbage\n", file);
    fclose(file);
    assert_refuses(ring, second, 2, "line 1: not the public key of this ledger");
}

static void a_list_of_another_ledger_is_named(void **state)
{
    struct ring *ring = *state;
    ring->keyring.origin = slice_of_str("other.example");
    assert_int_equal(keyring_list_read(&ring->keyring, &ring->problem, &ring->list), SL_ESTORE);
    assert_non_null(strstr(ring->problem.text, "is of the origin \"" ORIGIN "\""));
}

static void without_the_key_in_force_nothing_is_touched(void **state)
{
    struct ring *ring = *state;
    char next[NOTE_VKEY_BYTES_MAX], lost[NOTE_VKEY_BYTES_MAX], path[96];
    snprintf(path, sizeof path, "%s/lost.pem", ring->folder);
    assert_int_equal(note_key_create(path, ring->keyring.origin, &ring->problem, lost), SL_OK);
    prepare(ring, next);
    size_t n = count_files(ring);
    assert_refuses(ring, lost, 2, "the ledger is signed by another key than");
    assert_int_equal(count_files(ring), n);
    assert_settled(ring, ring->first, 1);
}

static void a_prepared_key_can_be_destroyed(void **state)
{
    struct ring *ring = *state;
    char next[NOTE_VKEY_BYTES_MAX], another[NOTE_VKEY_BYTES_MAX];
    bool was_there = true;
    assert_int_equal(keyring_next_destroy(&ring->keyring, &ring->problem, &was_there), SL_OK);
    assert_false(was_there);
    prepare(ring, next);
    assert_int_equal(keyring_next_destroy(&ring->keyring, &ring->problem, &was_there), SL_OK);
    assert_true(was_there);
    assert_int_equal(count_files(ring), 2);
    prepare(ring, another);
    assert_string_not_equal(next, another);
    assert_settled(ring, ring->first, 1);
}

/* What stood in the file of the old key, seen through another name of it. */
static void the_bytes_of_the_old_key_are_overwritten(void **state)
{
    struct ring *ring = *state;
    char next[NOTE_VKEY_BYTES_MAX], witness[96], bytes[512] = "";
    snprintf(witness, sizeof witness, "%s/witness", ring->folder);
    assert_int_equal(link(ring->key_file, witness), 0);
    prepare(ring, next);
    assert_settled(ring, next, 2);
    int fd = open(witness, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_true(n > 100);
    for (ssize_t i = 0; i < n; i++)
        assert_int_equal(bytes[i], 0);
}

/* ----------------------------------------------------------------------------------- faults -- */

static void whichever_call_fails_the_next_try_goes_through(void **state)
{
    struct ring *ring = *state;
    char in_force[NOTE_VKEY_BYTES_MAX], next[NOTE_VKEY_BYTES_MAX];
    uint64_t n_keys = 1;
    long n_failed = 0;
    snprintf(in_force, sizeof in_force, "%s", ring->first);
    for (long k = 1;; k++) {
        SL_AUTO(note_signer) drawn = NULL;
        SL_AUTO(note_signer) signer = NULL;
        countdown = k;
        enum sl_err err = keyring_next_open(&ring->keyring, &ring->problem, &drawn);
        if (err != SL_OK) { /* nothing was recorded: the old key is still the one */
            assert_true(ring->problem.text[0] != '\0');
            countdown = 0;
            assert_settled(ring, in_force, n_keys);
            n_failed++;
            continue;
        }
        snprintf(next, sizeof next, "%s", note_signer_vkey(drawn));
        err = settle(ring, next, n_keys + 1, &signer);
        bool all_went_well = err == SL_OK && countdown > 0;
        countdown = 0;
        if (err != SL_OK)
            n_failed++;
        assert_settled(ring, next, ++n_keys);
        assert_int_equal(access(ring->next_file, F_OK), -1);
        snprintf(in_force, sizeof in_force, "%s", next);
        if (all_went_well)
            break;
    }
    assert_true(n_failed > 8);
}

int main(void)
{
#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        RING_TEST(a_key_that_is_in_force_stays_and_a_prepared_one_waits),
        RING_TEST(whatever_a_crash_leaves_is_finished),
        RING_TEST(a_key_that_was_set_aside_comes_back_when_the_ledger_says_so),
        RING_TEST(half_a_key_is_never_the_next_one),
        RING_TEST(a_missing_list_of_one_key_is_written_and_a_longer_one_asked_for),
        RING_TEST(a_list_that_does_not_fit_the_ledger_is_refused),
        RING_TEST(a_list_of_another_ledger_is_named),
        RING_TEST(without_the_key_in_force_nothing_is_touched),
        RING_TEST(a_prepared_key_can_be_destroyed),
        RING_TEST(the_bytes_of_the_old_key_are_overwritten),
        RING_TEST(whichever_call_fails_the_next_try_goes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
