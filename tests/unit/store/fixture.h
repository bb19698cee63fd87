/*
 * fixture.h - a store in a folder of its own below /tmp, with a key beside it
 */
#ifndef SLUIS_TESTS_STORE_FIXTURE_H
#define SLUIS_TESTS_STORE_FIXTURE_H

#include "store/store.h"

struct fixture {
    char root[64];
    char folder[96]; /* of the store */
    char key[96];
    struct store *store; /* open for writing, or NULL */
};

/* For cmocka_unit_test_setup_teardown: *state becomes a fixture with its store open. */
int fixture_setup(void **state);
/* The same with the store closed: folder and key only. */
int fixture_setup_closed(void **state);
int fixture_teardown(void **state);

void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
void fixture_write_key(const char *path, uint8_t first_byte, size_t n_bytes, unsigned mode);

/* A change of a policy whose texts depend on `version` alone. */
struct store_change fixture_change(const char *name, const uint8_t id[STORE_SUBJECT_ID_BYTES],
                                   uint64_t expected_version, char yaml[32], char blob[32]);

#endif
