/*
 * people.h - a few subjects of whom every byte can be told, for the tests of erasing and rewriting
 */
#ifndef SLUIS_TESTS_STORE_PEOPLE_H
#define SLUIS_TESTS_STORE_PEOPLE_H

#include "fixture.h"

#include "store/uses.h"

/* Somebody with three versions of a policy, accounts at two apps, and a consent used twice. */
struct person {
    char name[16];
    uint8_t id[16];
    uint8_t key[32], wrapped[40]; /* as they were when the person was made */
};

enum { PEOPLE = 5, PERSON_VERSIONS = 3, PERSON_USES = 2 };

/* Fills the key file with random bytes, opens the store, and makes everybody. */
void people_make(struct fixture *fixture, uint8_t kek[32], struct person people[PEOPLE]);
/* As the recorder does it. */
enum sl_err person_erase(struct store *store, const struct person *person);
/* Everything of the person is in the store, to the letter. */
bool person_is_there(struct store *store, const struct person *person);
/* The store knows nothing of the person. */
bool person_is_gone(struct store *store, const struct person *person);
/* Any trace of the person in any file below `folder`: name, id, users, texts, wrapped key. */
bool person_is_in_files(const char *folder, const struct person *person);

#endif
