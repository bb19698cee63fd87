/*
 * fixture.c - folders, keys and changes for the store's tests
 */
#include "fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fixture_write_key(const char *path, uint8_t first_byte, size_t n_bytes, unsigned mode)
{
    uint8_t bytes[64];
    SL_ASSERT(n_bytes <= sizeof bytes);
    memset(bytes, first_byte, sizeof bytes);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    SL_ASSERT(fd >= 0);
    SL_ASSERT(write(fd, bytes, n_bytes) == (ssize_t)n_bytes);
    SL_ASSERT(fchmod(fd, (mode_t)mode) == 0);
    close(fd);
}

int fixture_setup_closed(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    SL_ASSERT(fixture);
    snprintf(fixture->root, sizeof fixture->root, "/tmp/sluis-store-XXXXXX");
    SL_ASSERT(mkdtemp(fixture->root));
    snprintf(fixture->folder, sizeof fixture->folder, "%s/store", fixture->root);
    SL_ASSERT(mkdir(fixture->folder, 0700) == 0);
    snprintf(fixture->key, sizeof fixture->key, "%s/kek.key", fixture->root);
    fixture_write_key(fixture->key, 0x5a, 32, 0600);
    *state = fixture;
    return 0;
}

void fixture_open(struct fixture *fixture)
{
    struct store_problem problem;
    enum sl_err err = store_open(fixture->folder, fixture->key, false, &problem, &fixture->store);
    if (err != SL_OK)
        fprintf(stderr, "%s\n", problem.text);
    SL_ASSERT(err == SL_OK);
}

void fixture_close(struct fixture *fixture)
{
    store_free(fixture->store);
    fixture->store = NULL;
}

int fixture_setup(void **state)
{
    fixture_setup_closed(state);
    fixture_open(*state);
    return 0;
}

static int remove_entry(const char *path, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat, (void)type, (void)walk;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    nftw(fixture->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(fixture);
    return 0;
}

struct store_change fixture_change(const char *name, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                   uint64_t expected_version, char yaml[32], char blob[32])
{
    unsigned version = (unsigned)expected_version + 1;
    int n_yaml = snprintf(yaml, 32, "yaml of version %u", version);
    int n_blob = snprintf(blob, 32, "blob %u", version);
    struct store_change change = {
        .name = slice_of_str(name),
        .expected_version = expected_version,
        .time_ms = 1000 * (int64_t)version,
        .yaml = slice_of(yaml, (size_t)n_yaml),
        .blob = slice_of(blob, (size_t)n_blob),
        .vocabulary_version = 7,
        .vocabulary_sha256 = {1, 2, 3},
        .vocabulary = slice_of_str("words"),
        .pending = slice_of_str("a receipt"),
    };
    memcpy(change.id, id, sizeof change.id);
    return change;
}
